"""Defects in marks between vote and no vote, each seen from outside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from kalys.ballots.marks import aim_tail
from kalys.ballots.sheet import Mark
from kalys.emulators.defects import marginal
from kalys.protocols.urn.messages import UrnState

from .conftest import plain_layouts

Make = Callable[..., Any]          # the fixture ``station``


def _with(s: Any, mark: Mark, *others: str) -> Any:
    """A sheet with ``mark`` and plain marks."""
    plain = s.sheet(*others)
    return replace(plain, marks=(mark, *plain.marks))


def biased_row(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=[f"{d}:place=30,amount=1.4" for d in defects])
    said = [
        s.feed(_with(s, Mark("preference", option, "dash", {"length_mm": 3.3}), "party/P01"))
        for option in ("N08", "N30")
    ]
    assert said[1] == "valid"
    return bool(said[0] == "ambiguous-mark")


def shaded_sensor(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=defects)
    pencil = {"density": 0.38, "width_mm": 0.6}
    said = [
        s.feed(_with(s, Mark(contest, option, "faint-pencil", pencil), *others))
        for contest, option, *others in (("party", "P01"), ("preference", "N40", "party/P01"))
    ]
    assert said[0] == "valid"
    s.close()
    return bool(said[1] == "ambiguous-mark" or "preference/N40" not in s.votes())


def ambiguous_counted(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=defects)
    dot = Mark("party", "P02", "dot", {"diameter_mm": 1.19})
    return bool(s.feed(_with(s, dot, "party/P01")) == "valid")


def overlap_for_neighbour(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=defects)
    layout = plain_layouts(s.definition.id)["KG-PL"]
    aim = aim_tail(layout.target("party", "P05"), layout.target("party", "P04"), 0.25)
    assert s.feed(_with(s, Mark("party", "P05", "tail", aim))) == "valid"
    s.close()
    return bool(s.votes() == {"party/P04": 1})


SHOWN = {entry.name: globals()[entry.name.replace("-", "_")] for entry in marginal.ENTRIES}


@pytest.mark.parametrize("name", list(SHOWN))
def test_the_defect_shows_and_the_healthy_urn_does_not_show_it(station: Make, name: str) -> None:
    assert SHOWN[name](station, [name])
    assert not SHOWN[name](station, [])
