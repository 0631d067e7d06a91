"""Drivers of counting cores against cores that misbehave, each in a process of its own."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from kalys.ballots.templates import layouts_for
from kalys.devices.core_pages import CorePages, sweep
from kalys.devices.counting_core import open_core
from kalys.devices.roles import CoreReading, CountingCore
from kalys.election.definition import load
from kalys.errors import ConfigurationError, LinkError
from kalys.protocols.counting_core import CoreFault, hello
from kalys.resources import resource

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
    ("nan", "garbage"), ("huge", "too-long"), ("closes", "crash"), ("binary", "garbage"),
    ("types", "garbage"),
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


CALLABLES = """
import os, sys, time

def core(hello):
    def read(image):
        print("talking to myself")
        tone = int(image[0, 0])
        if tone == 1:
            image[0, 0] = 5
        elif tone == 2:
            while True:
                pass
        elif tone == 3:
            os.abort()
        elif tone == 4:
            return None
        return {"status": "read", "marks": {}, "scores": {"party": {"P01": tone / 255}}}
    return read

def batches(hello):
    one = core(hello)
    def read(image):
        return one(image)
    def read_batch(images):
        if any(image[0, 0] == 9 for image in images):
            raise ValueError("nine")
        if any(image[0, 0] == 8 for image in images):
            return []
        return [{**one(image), "reason": len(images)} for image in images]
    read.read_batch = read_batch
    return read
"""


@pytest.fixture
def callables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "some_cores.py").write_text(CALLABLES)
    monkeypatch.chdir(tmp_path)
    return "python:some_cores"


def toned(*tones: int) -> list[np.ndarray]:
    return [np.full((40, 30), tone, np.uint8) for tone in tones]


@pytest.mark.parametrize(("tone", "kind", "said"), [
    (1, "error", "read-only"), (2, "timeout", "1 s"), (3, "crash", "signal 6"),
    (4, "garbage", "object"),
])
def test_a_callable_that_misbehaves_is_found_out_as_a_program_is(
    opened: Callable[[str], CountingCore], callables: str, tone: int, kind: str, said: str
) -> None:
    core = opened(f"{callables}:core")
    with pytest.raises(CoreFault, match=said) as caught:
        core.read(toned(tone)[0])
    assert caught.value.kind == kind
    assert core.read(WHITE).answer.scores["party"]["P01"] == 1.0


def test_the_reader_of_kalys_is_a_core(opened: Callable[[str], CountingCore]) -> None:
    core = opened("python:kalys.counting.as_core:kalys_reader")
    page = np.full((2339, 1654), 255, np.uint8)
    assert core.read(page).answer.reason == "wrong-side"
    with pytest.raises(CoreFault, match="ConfigurationError"):
        core.read(np.zeros((3, 3), np.uint8))


def kinds(read: Sequence[CoreReading | CoreFault]) -> list[str]:
    return [r.kind if isinstance(r, CoreFault) else r.answer.status for r in read]


def test_a_batch_is_answered_in_order_and_one_bad_sheet_spoils_no_other(
    opened: Callable[[str], CountingCore], callables: str
) -> None:
    core = opened(f"{callables}:batches")
    read = core.read_many(toned(*range(10, 30)))
    assert [round(r.answer.scores["party"]["P01"] * 255) for r in read] == list(range(10, 30))
    assert kinds(core.read_many(toned(10, 1, 12))) == ["read", "error", "read"]
    assert kinds(core.read_many(toned(10, 2, 12))) == ["read", "timeout", "read"]
    assert kinds(core.read_many(toned(10, 11, 3))) == ["read", "read", "crash"]


@pytest.mark.parametrize("tone", [8, 9])
def test_a_batch_that_fails_though_each_of_its_sheets_can_be_read_is_a_fault(
    opened: Callable[[str], CountingCore], callables: str, tone: int
) -> None:
    core = opened(f"{callables}:batches")
    assert kinds(core.read_many(toned(20, tone, 22))) == ["error", "read", "read"]


@pytest.mark.parametrize(("how", "kind"), [
    ("crash", "crash"), ("hang", "timeout"), ("garbage", "garbage"), ("strange", "garbage"),
    ("earlier", "out-of-order"), ("other", "wrong-sheet"), ("endless", "too-long"),
    ("failed", "error"),
])
def test_a_program_that_takes_batches_is_judged_sheet_by_sheet(
    opened: Callable[[str], CountingCore], how: str, kind: str
) -> None:
    core = opened(f"{misbehaving(how, 7)} 4")
    assert kinds(core.read_many([WHITE] * 4)) == ["read"] * 4
    # Number 7 is the third of this batch.
    assert kinds(core.read_many([WHITE] * 4)) == ["read", "read", kind, "read"]
    assert kinds(core.read_many([WHITE] * 2)) == ["read", "read"]


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="shared memory is no file here")
def test_pictures_drawn_in_place_are_not_copied_and_survive_a_crash(
    opened: Callable[[str], CountingCore], callables: str
) -> None:
    core = opened(f"{callables}:batches")
    pages = core.pages(3, (40, 30))
    for page, tone in zip(pages, (50, 3, 70), strict=True):
        page[:] = tone
    assert kinds(core.read_many(list(pages))) == ["read", "crash", "read"]
    assert [int(page[0, 0]) for page in pages] == [50, 3, 70]
    mixed = core.read_many([pages[2], *toned(33), pages[0]])
    assert [round(r.answer.scores["party"]["P01"] * 255) for r in mixed] == [70, 33, 50]


def examples() -> list[str]:
    page = resource("test_suites").parent / "docs" / "protocols" / "counting-core.md"
    return re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


def test_the_program_of_the_page_takes_batches(
    opened: Callable[[str], CountingCore], tmp_path: Path
) -> None:
    script = tmp_path / "blind.py"
    script.write_text(examples()[0])
    core = opened(f"{sys.executable} {script}")
    assert core.batch == 16
    assert kinds(core.read_many(toned(255, 0, 255))) == ["read", "rejected", "read"]


def test_the_callable_of_the_page_takes_batches(
    opened: Callable[[str], CountingCore], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "page_core.py").write_text(examples()[1])
    monkeypatch.chdir(tmp_path)
    core = opened("python:page_core:my_core")
    assert core.batch == 16
    assert kinds(core.read_many(toned(255, 0))) == ["read", "read"]


OWNER = """
import os, signal
from kalys.devices.core_pages import CorePages
places = CorePages()
places.pages(2, (40, 30))
print(places.folder, places._memory.name, flush=True)
os.killpg(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="there is no memory to be left in")
def test_what_a_killed_owner_left_in_memory_is_swept_away_and_nothing_else() -> None:
    mine = CorePages()
    page = mine.pages(1, (40, 30))[0]
    ended = subprocess.run(
        [sys.executable, "-c", OWNER], capture_output=True, text=True, start_new_session=True,
        check=False,
    )
    folder, memory = ended.stdout.split()
    assert Path(folder).exists() and Path("/dev/shm", memory).exists()
    sweep()
    assert not Path(folder).exists() and not Path("/dev/shm", memory).exists()
    assert mine.folder.exists()
    assert mine.requests([page], 1, "shared-memory")[0]["offset"] == 0
    mine.close()
    assert not mine.folder.exists()
