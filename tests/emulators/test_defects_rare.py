"""Rare defects strike some sheets and not others, the same ones for the same seed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kalys.emulators.defects import rare
from kalys.protocols.urn.messages import UrnState

Make = Callable[..., Any]          # the fixture ``station``

SHEETS = 12


def cast(make: Make, defects: list[str]) -> tuple[Any, dict[str, int]]:
    """An urn that was closed after so many sheets for one option, and its votes."""
    s = make(UrnState.OPEN, defects=[f"{name}:one_in=3" for name in defects])
    for _ in range(SHEETS):
        s.feed(s.sheet("party/P04"))
    s.close()
    return s, s.votes()


def ballot_misread_rarely(make: Make, defects: list[str]) -> bool:
    s, votes = cast(make, defects)
    struck = votes.get("party/P05", 0)
    assert votes["party/P04"] + struck == SHEETS == len(s.records())
    return struck > 0


def ballot_lost_rarely(make: Make, defects: list[str]) -> bool:
    s, votes = cast(make, defects)
    assert len(s.box()) == SHEETS and len(s.records()) == sum(votes.values()) > 0
    return sum(votes.values()) < SHEETS


def ballot_doubled_rarely(make: Make, defects: list[str]) -> bool:
    s, votes = cast(make, defects)
    assert len(s.box()) == SHEETS and len(s.records()) == sum(votes.values())
    return sum(votes.values()) > SHEETS


def record_garbled_rarely(make: Make, defects: list[str]) -> bool:
    s, votes = cast(make, defects)
    assert votes == {"party/P04": SHEETS} and s.records() == s.records()
    return 0 < sum("P04" not in record["marks"] for record in s.records()) < SHEETS


def random_misfeeds(make: Make, defects: list[str]) -> bool:
    s, _ = cast(make, defects)
    return bool(s.returned())

SHOWN: dict[str, Callable[[Make, list[str]], bool]] = {
    entry.name: globals()[entry.name.replace("-", "_")] for entry in rare.ENTRIES
}

@pytest.mark.parametrize("name", list(SHOWN))
def test_the_defect_shows_and_the_healthy_urn_does_not_show_it(station: Make, name: str) -> None:
    assert SHOWN[name](station, [name])
    assert not SHOWN[name](station, [])



def test_what_strikes_at_random_strikes_the_same_sheets_for_the_same_seed(station: Make) -> None:
    assert cast(station, ["ballot-misread-rarely"])[1] == cast(
        station, ["ballot-misread-rarely"]
    )[1]
