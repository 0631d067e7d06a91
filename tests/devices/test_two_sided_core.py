"""Two pictures of one sheet on their way to a core: files, shared memory, batches, callables."""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from kalys.ballots.templates import layouts_for
from kalys.devices.core_pages import CorePages
from kalys.devices.counting_core import open_core
from kalys.devices.roles import CountingCore
from kalys.election.definition import load
from kalys.protocols.counting_core import hello

from .test_counting_core import examples

TONES = "python:tests.two_sided_cores:tones"


def first(sides: int = 2) -> dict:
    definition = load("accuvote")
    style, layout = next(iter(layouts_for(definition).items()))
    return hello(definition.model_dump(mode="json"), style, layout.without_artwork().to_dict(),
                 sides=sides)


def sheets(*tones: tuple[int, int], size: tuple[int, int] = (40, 30)) -> list[np.ndarray]:
    return [np.stack([np.full(size, tone, np.uint8) for tone in pair]) for pair in tones]


@pytest.fixture
def core(monkeypatch: pytest.MonkeyPatch) -> Iterator[CountingCore]:
    monkeypatch.chdir(Path(__file__).parent.parent.parent)
    opened = open_core(TONES, "core", first(), timeout_s=5, start_s=20)
    yield opened
    opened.close()


def told(reads) -> list[tuple[float, float]]:
    return [(r.answer.scores["tone"]["lower"], r.answer.scores["tone"]["upper"]) for r in reads]


def test_of_one_side_nothing_is_said() -> None:
    assert "sides" not in first(1) and first()["sides"] == 2


def test_a_callable_gets_both_sides_of_each_sheet_the_lower_one_first(core: CountingCore) -> None:
    assert core.read(sheets((7, 9))[0]).answer.scores["tone"] == {"lower": 7, "upper": 9}
    assert told(core.read_many(sheets((1, 2), (3, 4), (5, 6)))) == [(1, 2), (3, 4), (5, 6)]


def test_pictures_drawn_in_place_and_longer_ones_go_in_one_batch(core: CountingCore) -> None:
    pages = core.pages(2, (2, 40, 30))
    pages[0][:] = sheets((11, 12))[0]
    assert told(core.read_many([pages[0]])) == [(11, 12)]
    longer = sheets((13, 14), size=(55, 30))
    assert told(core.read_many([pages[0], *longer])) == [(11, 12), (13, 14)]


@pytest.mark.parametrize("how", ["file", "shared-memory"])
def test_a_request_says_where_either_side_is(how) -> None:
    places = CorePages()
    [request] = places.requests(sheets((20, 30)), 5, how)
    assert (request["rows"], request["columns"]) == (40, 30)
    if how == "file":
        data = [Path(request[name]).read_bytes() for name in ("path", "upper_path")]
    else:
        whole = Path("/dev/shm", request["shared_memory"]).read_bytes()
        data = [whole[request[name] :][:1200] for name in ("offset", "upper_offset")]
    assert [set(side[-1200:]) for side in data] == [{20}, {30}]
    places.close()


def test_the_program_of_the_page_reads_both_sides(tmp_path: Path) -> None:
    script = tmp_path / "both.py"
    script.write_text(examples()[2])
    core = open_core(f"{sys.executable} {script}", "core", first(), timeout_s=5, start_s=20)
    answers = [r.answer for r in core.read_many(sheets((255, 255), (255, 0), (0, 255)))]
    assert [a.reason or a.status for a in answers] == ["read", "unreadable", "unreadable"]
    core.close()


def test_the_callable_of_the_page_gets_both_sides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "both_core.py").write_text(examples()[3])
    monkeypatch.chdir(tmp_path)
    core = open_core("python:both_core:my_core", "core", first(), timeout_s=5, start_s=20)
    answers = [r.answer for r in core.read_many(sheets((255, 255), (255, 0)))]
    assert [a.reason or a.status for a in answers] == ["read", "unreadable"]
    core.close()
