"""Defects at the ends of registers show at one sheet, and at no other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kalys.emulators.defects import boundaries
from kalys.protocols.urn.messages import UrnState

Make = Callable[..., Any]          # the fixture ``station``


def counted(make: Make, defects: list[str], sheets: int = 4) -> tuple[int, int]:
    """Votes for P01 and records after so many sheets for it."""
    s = make(UrnState.OPEN, defects=defects)
    for _ in range(sheets):
        s.feed(s.sheet("party/P01"))
    s.close()
    assert len(s.box()) == sheets
    return s.votes().get("party/P01", 0), len(s.records())


def ballot_256_lost(make: Make, defects: list[str]) -> bool:
    return counted(make, [f"{name}:at=3" for name in defects]) == (3, 3)


def ballot_65536_lost(make: Make, defects: list[str]) -> bool:
    return counted(make, [f"{name}:before=65534" for name in defects]) == (3, 3)


def vote_256_lost(make: Make, defects: list[str]) -> bool:
    return counted(make, [f"{name}:at=3" for name in defects]) == (3, 4)


def record_ids_collide(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=[f"{name}:bits=0" for name in defects])
    for option in ("P01", "P02", "P03"):
        s.feed(s.sheet(f"party/{option}"))
    s.close()
    assert s.votes() == {"party/P01": 1, "party/P02": 1, "party/P03": 1}
    return len({record["marks"] for record in s.records()}) == 1

SHOWN: dict[str, Callable[[Make, list[str]], bool]] = {
    entry.name: globals()[entry.name.replace("-", "_")] for entry in boundaries.ENTRIES
}

@pytest.mark.parametrize("name", list(SHOWN))
def test_the_defect_shows_and_the_healthy_urn_does_not_show_it(station: Make, name: str) -> None:
    assert SHOWN[name](station, [name])
    assert not SHOWN[name](station, [])

