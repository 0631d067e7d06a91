"""A device that recognises a test is honest in it, and errs where it sees none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kalys.emulators.defects import recognition
from kalys.protocols.urn.messages import Op, UrnState

Make = Callable[..., Any]          # the fixture ``station``


def wrong(s: Any, sheets: int = 2) -> bool:
    """Whether of so many sheets for one option any is counted for another."""
    before = s.votes() if s.status()["state"] == "test" else {}
    for _ in range(sheets):
        s.feed(s.sheet("party/P01"))
    if s.status()["state"] != "test":
        s.close()
    found = s.votes()
    assert sum(found.values()) - sum(before.values()) == sheets
    return bool(found.get("party/P02"))


def honest_in_test_mode(make: Make, defects: list[str]) -> bool:
    built = [f"{name}:every=1" for name in defects]
    assert not wrong(make(UrnState.TEST, defects=built))
    return wrong(make(UrnState.OPEN, defects=built))


def honest_in_small_decks(make: Make, defects: list[str]) -> bool:
    built = [f"{name}:sheets=3,every=1" for name in defects]
    assert not wrong(make(UrnState.OPEN, defects=built), 3)
    return wrong(make(UrnState.OPEN, defects=built), 4)


def honest_when_fresh(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=[f"{name}:every=1" for name in defects])
    assert not wrong(s)
    s.ask(Op.RESET_ELECTION)
    s.set_clock(7, 50)
    s.bring_to(UrnState.OPEN)
    return wrong(s)


def honest_on_other_days(make: Make, defects: list[str]) -> bool:
    built = [f"{name}:every=1" for name in defects]
    assert not wrong(make(UrnState.OPEN, defects=[f"{name},day=27" for name in built]))
    return wrong(make(UrnState.OPEN, defects=built))


def honest_at_test_speed(make: Make, defects: list[str]) -> bool:
    built = [f"{name}:every=1" for name in defects]
    assert not wrong(make(UrnState.OPEN, defects=built), 3)
    s = make(UrnState.OPEN, defects=built)
    for _ in range(2):
        s.feed(s.sheet("party/P01"))
        s.run(60)
    s.close()
    return s.votes() == {"party/P01": 1, "party/P02": 1}


def honest_after_clock_set(make: Make, defects: list[str]) -> bool:
    built = [f"{name}:every=1" for name in defects]
    assert not wrong(make(UrnState.OPEN, defects=built))
    s = make(UrnState.OPEN, defects=built)
    s.run(3 * 3600)
    return wrong(s)


def honest_in_young_elections(make: Make, defects: list[str]) -> bool:
    built = [f"{name}:every=1" for name in defects]
    s = make(UrnState.OPEN, defects=built)
    s.run(5 * 3600)
    assert not wrong(s)
    s = make(UrnState.OPEN, defects=built)
    s.run(7 * 3600)
    return wrong(s)

SHOWN: dict[str, Callable[[Make, list[str]], bool]] = {
    entry.name: globals()[entry.name.replace("-", "_")] for entry in recognition.ENTRIES
}

@pytest.mark.parametrize("name", list(SHOWN))
def test_the_defect_shows_and_the_healthy_urn_does_not_show_it(station: Make, name: str) -> None:
    assert SHOWN[name](station, [name])
    assert not SHOWN[name](station, [])

