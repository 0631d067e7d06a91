"""Drivers of counting cores against cores that misbehave, each in a process of its own."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from kalys.ballots.templates import layouts_for
from kalys.devices.counting_core import open_core
from kalys.devices.roles import CountingCore
from kalys.election.definition import load
from kalys.errors import ConfigurationError, LinkError
from kalys.protocols.counting_core import CoreFault, hello

SCRIPT = Path(__file__).parent.parent / "cores.py"
WHITE = np.full((40, 30), 255, np.uint8)


@pytest.fixture(scope="module")
def first() -> dict:
    definition = load("kg-2021-11-28")
    style, layout = next(iter(layouts_for(definition).items()))
    return hello(definition.model_dump(mode="json"), style, layout.without_artwork().to_dict())


@pytest.fixture
def opened(first: dict) -> Iterator[Callable[[str], CountingCore]]:
    cores: list[CountingCore] = []

    def open_(spec: str) -> CountingCore:
        cores.append(open_core(spec, "core", first, timeout_s=1.0, start_s=20.0))
        return cores[-1]

    yield open_
    for core in cores:
        core.close()


def misbehaving(how: str, every: int = 1) -> str:
    return f"{sys.executable} {SCRIPT} {how} {every}"


def test_a_core_that_answers_is_read_and_named(opened: Callable[[str], CountingCore]) -> None:
    core = opened(misbehaving("well"))
    assert core.read(WHITE).answer.marks == {}
    assert core.read(WHITE).seconds > 0
    assert core.identity().model == "well"
    assert len(core.identity().firmware_sha256) == 64


@pytest.mark.parametrize(("how", "kind"), [
    ("crash", "crash"), ("hang", "timeout"), ("garbage", "garbage"), ("strange", "garbage"),
    ("earlier", "out-of-order"), ("other", "wrong-sheet"), ("endless", "too-long"),
])
def test_a_fault_has_its_name_and_the_next_sheet_is_read_all_the_same(
    opened: Callable[[str], CountingCore], how: str, kind: str
) -> None:
    core = opened(misbehaving(how, 2))
    assert core.read(WHITE).answer.status == "read"
    with pytest.raises(CoreFault) as caught:
        core.read(WHITE)
    assert caught.value.kind == kind
    assert core.read(WHITE).answer.status == "read"


def test_what_a_crashed_core_said_is_kept(opened: Callable[[str], CountingCore]) -> None:
    core = opened(misbehaving("crash"))
    with pytest.raises(CoreFault, match="it ended with 3") as caught:
        core.read(WHITE)
    assert b"I give up" in caught.value.said


def test_a_second_answer_to_one_sheet_is_found(opened: Callable[[str], CountingCore]) -> None:
    core = opened(misbehaving("twice"))
    core.read(WHITE)
    with pytest.raises(CoreFault) as caught:
        core.read(WHITE)
    assert caught.value.kind == "out-of-order"


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="shared memory is no file here")
def test_pictures_go_through_shared_memory_when_the_core_wants_it(
    opened: Callable[[str], CountingCore],
) -> None:
    core = opened(misbehaving("sees"))
    assert core.read(WHITE).answer.valid is False
    assert core.read(np.zeros_like(WHITE)).answer.valid is True


@pytest.mark.parametrize("spec", [
    "", "python:", "python:kalys.counting.as_core", "python:kalys.counting.as_core:nothing",
    "python:no.such.module:core", "no-such-program --fast", "'unbalanced",
])
def test_a_spec_that_names_no_core_is_told_before_anything_runs(first: dict, spec: str) -> None:
    with pytest.raises(ConfigurationError):
        open_core(spec, "core", first, timeout_s=1, start_s=1)


@pytest.mark.parametrize("spec", ["true", "echo hello", misbehaving("mute"), "python:builtins:len"])
def test_a_core_that_does_not_begin_is_a_broken_link(first: dict, spec: str) -> None:
    with pytest.raises(LinkError, match="does not begin"):
        open_core(spec, "core", first, timeout_s=1, start_s=1)


def test_a_callable_gets_a_picture_that_it_cannot_change(
    opened: Callable[[str], CountingCore],
) -> None:
    core = opened("python:kalys.counting.as_core:kalys_reader")
    page = np.full((2339, 1654), 255, np.uint8)
    assert core.read(page).answer.status == "rejected"
    assert not page.flags.writeable
    with pytest.raises(CoreFault, match="ConfigurationError"):
        core.read(np.zeros((3, 3, 3), np.uint8))
