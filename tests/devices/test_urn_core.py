"""An urn's own counting core, shown pictures over its link."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from kalys.ballots.deck import build
from kalys.ballots.render import Renderer
from kalys.ballots.templates import layouts_for
from kalys.bench import wiring
from kalys.bench.bench import Bench, open_bench
from kalys.bench.bench_file import plan_core_bench
from kalys.counting.reader import Reader
from kalys.devices.urn_core import UrnCore
from kalys.errors import ConfigurationError, LinkError, Refused
from kalys.protocols.counting_core import CoreAnswer, CoreFault, hello
from kalys.protocols.urn.messages import AMBIGUOUS_MARKS, Role, UrnState


@pytest.fixture
def bench() -> Iterator[Bench]:
    with open_bench("emulated-station") as opened:
        yield opened


@pytest.fixture
def core(bench: Bench) -> UrnCore:
    return UrnCore(bench.urn(), "core")


def told(bench: Bench, style: str = "KG-PL", **more: str) -> dict:
    layout = layouts_for(bench.definition)[style].without_artwork().to_dict()
    return hello(bench.definition.model_dump(mode="json"), style, layout, **more)


def pictures(bench: Bench, kind: str = "volume", n: int = 3) -> list[np.ndarray]:
    renderer = Renderer(layouts_for(bench.definition))
    return [renderer.scan(sheet) for sheet in build(kind, bench.definition, "KG-PL", n=n, seed=3)]


def test_the_urn_reads_a_picture_as_its_reader_does_and_is_left_as_it_was(bench, core):
    core.begin(told(bench))
    reader = Reader([layouts_for(bench.definition)["KG-PL"]])
    for image in pictures(bench):
        answer, reading = core.read(image).answer, reader.read(image)
        assert answer.status == "read"
        assert answer.marks == {c: o for c, o in reading.marks.items() if o}
    assert bench.urn().status().state is UrnState.TEST
    core.close()
    bench.urn().reconnect()
    assert bench.urn().status().state is UrnState.STANDBY


def test_marginal_marks_are_named_when_they_are_asked_for_and_the_parameter_is_put_back(
    bench, core
):
    images = pictures(bench, "ladder", 12)
    core.begin(told(bench))
    assert not any(core.read(image).answer.marginal for image in images)
    core.begin(told(bench, ambiguous_marks="accept"))
    assert any(core.read(image).answer.marginal for image in images)
    assert bench.urn().parameters()[AMBIGUOUS_MARKS][0] == "accept"
    core.close()
    bench.urn().reconnect()
    assert bench.urn().parameters()[AMBIGUOUS_MARKS][0] == "return"


def test_another_style_is_told_and_the_same_again_is_not(bench, core):
    core.begin(told(bench))
    first = bench.urn().status()
    core.begin(told(bench))
    assert bench.urn().status() == first
    (image,) = pictures(bench, n=1)
    core.begin(told(bench, "KG-SM-27"))
    assert core.read(image).answer.reason == "foreign"


@pytest.mark.parametrize("state", ["open", "closed"])
def test_an_urn_with_polls_open_or_results_to_save_is_not_touched(bench, core, state, monkeypatch):
    status = bench.urn().status()
    monkeypatch.setattr(bench.urn(), "status",
                        lambda: type(status)(**{**vars(status), "state": UrnState(state)}))
    asked = []
    monkeypatch.setattr(bench.urn(), "reset_election", lambda: asked.append("reset"))
    with pytest.raises(ConfigurationError, match=f"in the state {state}"):
        core.begin(told(bench))
    core.close()
    assert not asked


@pytest.mark.parametrize(("error", "kind"), [
    (LinkError("no answer in 2 s"), "timeout"),
    (Refused("no", code="busy"), "error"),
])
def test_what_the_urn_does_wrong_is_a_fault_and_the_next_sheet_is_read(
    bench, core, monkeypatch, error, kind
):
    core.begin(told(bench))
    images = pictures(bench)
    with monkeypatch.context() as patch:
        def fails(image: np.ndarray) -> CoreAnswer:
            raise error

        patch.setattr(bench.urn(), "read_image", fails)
        first, second = core.read_many(images[:2])
        assert isinstance(first, CoreFault) and isinstance(second, CoreFault)
        assert first.kind == kind
    assert core.read(images[2]).answer.status == "read"


def test_an_urn_that_lost_its_state_is_told_everything_again(bench, core):
    core.begin(told(bench))
    (image,) = pictures(bench, n=1)
    urn = bench.urn()
    urn.login(Role.ADMINISTRATOR)
    urn.reset_election()
    with pytest.raises(CoreFault, match="wrong-state"):
        core.read(image)
    assert core.read(image).answer.status == "read"


def test_an_answer_that_is_not_of_the_ballot_is_garbage(bench, core, monkeypatch):
    core.begin(told(bench))
    (image,) = pictures(bench, n=1)
    monkeypatch.setattr(bench.urn(), "read_image",
                        lambda image: CoreAnswer("read", "", {"party": ("P99",)}, True))
    with pytest.raises(CoreFault, match="not on the ballot"):
        core.read(image)


# How it is named


@pytest.mark.parametrize(("spec", "address"), [
    ("urn:socket://127.0.0.1:4001", "socket://127.0.0.1:4001"),
    ("urn:socket://127.0.0.1:4001?logging=debug", "socket://127.0.0.1:4001?logging=debug"),
    ("urn:kalys-line-urn=/dev/ttyUSB0", "/dev/ttyUSB0"),
    ("urn:/dev/ttyUSB0", "/dev/ttyUSB0"),
    ("python:a.b:c", ""), ("my_core --x=1", ""),
])
def test_an_urn_is_named_by_its_address_and_perhaps_its_profile(spec, address):
    assert wiring.urn_address(spec) == address


@pytest.mark.parametrize(("spec", "error", "what"), [
    ("urn:", ConfigurationError, "names no address"),
    ("urn:kalys-line-urn=", ConfigurationError, "names no address"),
    ("urn:example-serial-urn=/dev/null", ConfigurationError, "capability image-injection"),
    ("urn:operator-feeder=/dev/null", ConfigurationError, "capability image-injection"),
    ("urn:no-such-profile=/dev/null", ConfigurationError, "no-such-profile"),
    ("urn:socket://127.0.0.1:1", LinkError, "127.0.0.1:1"),
])
def test_what_cannot_be_used_is_said_before_anything_runs(spec, error, what):
    with pytest.raises(error) as told_:
        open_bench(plan_core_bench(spec))
    assert what in str(told_.value)
