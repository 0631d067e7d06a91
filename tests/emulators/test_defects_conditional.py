"""Defects of state and order show after something has happened, and not before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kalys.emulators.defects import conditional
from kalys.protocols import world as link
from kalys.protocols.urn.messages import Op, UrnState

Make = Callable[..., Any]          # the fixture ``station``

URN = "urn-1"


def votes_of(s: Any) -> dict[str, int]:
    s.close()
    return dict(s.votes())


def misread_after_jam(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=defects)
    s.feed(s.sheet("party/P01"))
    s.do(link.JamNext(URN, 500))
    sheet = s.sheet("party/P01")
    s.feed(sheet, seconds=8)
    s.do(link.ClearJam(URN))
    s.run(3)
    s.feed(sheet)
    return votes_of(s) == {"party/P01": 1, "party/P02": 1}


def misread_after_power_cut(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=defects)
    s.feed(s.sheet("party/P01"))
    s.cut_power()
    for _ in range(2):
        s.feed(s.sheet("party/P01"))
    s.login("administrator")
    return votes_of(s) == {"party/P01": 2, "party/P02": 1}


def misread_when_nearly_full(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=defects, capacity=4)
    for _ in range(4):
        s.feed(s.sheet("party/P01"))
    return votes_of(s) == {"party/P01": 3, "party/P02": 1}


def evening_votes_misread(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=defects)
    s.feed(s.sheet("party/P01"))
    s.login("administrator")
    s.set_clock(18, 5)
    s.feed(s.sheet("party/P01"))
    return votes_of(s) == {"party/P01": 1, "party/P02": 1}


def earlier_election_left(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=defects)
    s.feed(s.sheet("party/P01"))
    s.close()
    s.ask(Op.RESET_ELECTION)
    s.set_clock(7, 50)
    s.bring_to(UrnState.OPEN)
    return bool(s.feed(s.sheet("party/P02")) == "invalid")


def repeat_not_counted(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=defects)
    for option in ("P01", "P02", "P02"):
        s.feed(s.sheet(f"party/{option}"))
    return votes_of(s) == {"party/P01": 1, "party/P02": 1}


def blank_takes_last_choice(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=defects)
    s.feed(s.sheet("party/P03"))
    return bool(s.feed(s.sheet()) == "valid" and votes_of(s) == {"party/P03": 2})


def threshold_drifts_with_heat(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=[f"{name}:per_1000=9" for name in defects])
    cold = s.feed(s.sheet("party/P01"))
    for _ in range(99):
        s.feed(s.sheet("party/P01"), seconds=3)
    assert cold == "valid"
    return bool(s.feed(s.sheet("party/P01")) == "invalid")


def path_slows_with_heat(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=[f"{name}:seconds_per_100=100" for name in defects])
    for _ in range(4):
        s.insert(s.sheet("party/P01"))
    s.run(30)
    heads = [n.t / 1e9 for n in s.notices
             if isinstance(n, link.GateCrossed) and (n.gate, n.edge) == ("entry", "lead")]
    return heads[3] - heads[2] > heads[1] - heads[0] + 1

SHOWN: dict[str, Callable[[Make, list[str]], bool]] = {
    entry.name: globals()[entry.name.replace("-", "_")] for entry in conditional.ENTRIES
}

@pytest.mark.parametrize("name", list(SHOWN))
def test_the_defect_shows_and_the_healthy_urn_does_not_show_it(station: Make, name: str) -> None:
    assert SHOWN[name](station, [name])
    assert not SHOWN[name](station, [])

