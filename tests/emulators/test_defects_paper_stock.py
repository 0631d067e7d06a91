"""What a sheet is made of matters: to an urn as it should be, and to those with a defect of it."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import cv2
import pytest

from kalys.ballots.package import urn_package
from kalys.ballots.render import Renderer
from kalys.ballots.sheet import Paper
from kalys.ballots.stock import SecurityMark, Stock
from kalys.ballots.templates import layouts_for
from kalys.election.definition import load
from kalys.emulators.defects import paper_stock
from kalys.protocols import world as link
from kalys.protocols.urn.messages import Op, UrnState

Make = Callable[..., Any]
MARK = SecurityMark(x=105, y=283, width=10, height=6)
URN, P01 = "urn-1", "party/P01"


def of(**stock: float) -> dict[str, Any]:
    return {"paper": Paper(stock=Stock(**stock))}


def with_mark(make: Make, defects: list[str]) -> Any:
    """An urn whose polls are open and whose definition asks for a security mark."""
    s = make(defects=defects)
    s.login("administrator")
    package = urn_package(load("kg-2021-11-28"), "KG-PL", "1001", security_mark=MARK)
    assert s.load("definition", package) == "ok"
    s.print("zero")
    s.set_clock(8, 0, 5)
    s.login("operator")
    s.ask(Op.OPEN)
    return s


def thin_doubles_unnoticed(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=defects)
    two = [s.sheet(P01, **of(grammage_g_m2=70)) for _ in range(2)]
    return bool(s.feed(*two) != "double-feed")


def thick_paper_refused(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=defects)
    return bool(s.feed(s.sheet(P01, **of(grammage_g_m2=110))) == "double-feed")


def damp_paper_sticks(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=defects)
    return any(s.feed(s.sheet(P01, **of(humidity_percent=70))) == "jam" for _ in range(20))


def mark_not_looked_at(make: Make, defects: list[str]) -> bool:
    s = with_mark(make, defects)
    return bool(s.feed(s.sheet(P01, **of(infrared=0.0))) == "valid")


def damaged_mark_taken(make: Make, defects: list[str]) -> bool:
    s = with_mark(make, defects)
    return bool(s.feed(s.sheet(P01, **of(infrared=0.4))) == "valid")


def copied_mark_taken(make: Make, defects: list[str]) -> bool:
    s = with_mark(make, defects)
    return bool(s.feed(s.sheet(P01, **of(infrared_beside=0.9))) == "valid")


SHOWN = {entry.name: globals()[entry.name.replace("-", "_")] for entry in paper_stock.ENTRIES}


@pytest.mark.parametrize("name", list(SHOWN))
def test_the_defect_shows_and_the_healthy_urn_does_not_show_it(station: Make, name: str) -> None:
    assert SHOWN[name](station, [name])
    assert not SHOWN[name](station, [])


@pytest.mark.parametrize("stock", [
    {"infrared": 0.0}, {"infrared": 0.3}, {"infrared_beside": 0.9},
])
def test_a_copy_is_given_back_as_unauthentic_and_a_genuine_ballot_counts(
    station: Make, stock: dict[str, float]
) -> None:
    s = with_mark(station, [])
    assert s.feed(s.sheet(P01)) == "valid"
    assert s.feed(s.sheet(P01, **of(**stock))) == "unauthentic"
    assert s.status()["valid"] == 1
    assert "unauthentic=1" in s.status()["returned_by"]


def test_the_scan_of_a_ballot_bears_no_mark(station: Make) -> None:
    s = with_mark(station, [])
    drawn = Renderer(layouts_for(s.definition).values()).scan(s.sheet(P01))
    png = base64.b64encode(cv2.imencode(".png", drawn)[1].tobytes()).decode()
    s.do(link.Image(URN, "scan", png))
    s.run(5)
    assert s.outcome() == "unauthentic"


def test_where_the_definition_asks_for_no_mark_none_is_looked_for(station: Make) -> None:
    s = station(UrnState.OPEN)
    assert s.feed(s.sheet(P01, **of(infrared=0.0))) == "valid"


@pytest.mark.parametrize("stock", [
    {"grammage_g_m2": 40}, {"grammage_g_m2": 119.9, "humidity_percent": 100},
    {"humidity_percent": 3},
])
def test_paper_far_outside_of_what_the_path_is_built_for_sticks(
    station: Make, stock: dict[str, float]
) -> None:
    s = station(UrnState.OPEN, double_thickness=3)
    assert s.feed(s.sheet(P01, **of(**stock)), seconds=15.0) == "jam"
    assert s.do(link.ClearJam(URN))["sheet"]


def test_two_very_thin_sheets_are_taken_for_one(station: Make) -> None:
    s = station(UrnState.OPEN)
    two = [s.sheet(P01, **of(grammage_g_m2=60)) for _ in range(2)]
    assert s.feed(*two) == "valid"


def test_paper_that_is_cut_a_little_longer_or_shorter_is_fed(station: Make) -> None:
    s = station(UrnState.OPEN)
    for cut in (-2.0, 2.0):
        assert s.feed(s.sheet(P01, **of(cut_mm=cut))) == "valid"
    assert s.feed(s.sheet(P01, **of(cut_mm=12.0))) == "double-feed"
