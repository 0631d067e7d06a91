"""Sheets on their way: accepted, returned, jammed, pulled back, doubled; what voters are told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from kalys.ballots.sheet import Fold, Paper
from kalys.emulators.agenda import SECOND
from kalys.protocols import world as link
from kalys.protocols.urn.messages import EventKind, Op, UrnState

Make = Callable[..., Any]          # the fixture ``station``
URN = "urn-1"
SHEET_MM = 297.0


def gates(s: Any) -> list[tuple[str, str, int]]:
    return [(n.gate, n.edge, n.t) for n in s.notices if isinstance(n, link.GateCrossed)]


def test_a_sheet_is_counted_told_and_lies_in_the_box(station: Make) -> None:
    s = station(UrnState.OPEN)
    assert s.feed(s.sheet("party/P03", "preference/N10")) == "valid"
    assert s.kinds() == [
        EventKind.SHEET_INSERTED, EventKind.SHEET_READ, EventKind.NOTICE,
        EventKind.SHEET_ACCEPTED, EventKind.COUNTERS,
    ]
    assert s.do(link.Box(URN)) == {"valid": ["s001"], "invalid": []}
    assert s.do(link.Display(URN))["text"].startswith("accepted")
    s.close()
    assert s.votes() == {"party/P03": 1, "preference/N10": 1}


@pytest.mark.parametrize("marks", [(), ("party/P01", "party/P02")], ids=["no mark", "two marks"])
def test_a_sheet_without_a_mark_or_with_two_goes_to_the_invalid_compartment(
    station: Make, marks: tuple[str, ...]
) -> None:
    s = station(UrnState.OPEN)
    assert s.feed(s.sheet(*marks)) == "invalid"
    assert s.do(link.Box(URN))["invalid"] == ["s001"]
    assert s.status()["invalid"] == 1
    s.close()
    assert s.votes() == {}


def test_gates_tell_the_transport_speed(station: Make) -> None:
    s = station(UrnState.OPEN, transport_mm_s=300)
    s.feed(s.sheet("party/P01"))
    times = {(gate, edge): t for gate, edge, t in gates(s)}
    transit = (times["exit", "lead"] - times["entry", "lead"]) / SECOND
    assert transit == pytest.approx(480 / 300, abs=1e-6)
    length = (times["entry", "trail"] - times["entry", "lead"]) / SECOND
    assert length == pytest.approx(SHEET_MM / 300, abs=1e-6)


def test_a_foreign_ballot_and_plain_paper_come_back(station: Make) -> None:
    s = station(UrnState.OPEN)
    assert s.feed(s.sheet("district-27/C01", style="KG-SM-27")) == "foreign"
    assert s.feed(s.sheet(style="plain")) in ("unreadable", "wrong-side")
    assert s.feed(s.sheet("party/P01", orientation="up-head")) == "wrong-side"
    assert s.returned() == ["s001", "s002", "s003"]
    assert s.box() == []
    assert s.status()["returned"] == 3


def test_a_sheet_fed_foot_first_counts_as_well(station: Make) -> None:
    s = station(UrnState.OPEN)
    assert s.feed(s.sheet("party/P09", orientation="down-foot")) == "valid"
    s.close()
    assert s.votes() == {"party/P09": 1}


@pytest.mark.parametrize("state", [UrnState.STANDBY, UrnState.READY, UrnState.CLOSED])
def test_outside_of_voting_a_sheet_is_not_even_drawn_in(station: Make, state: UrnState) -> None:
    s = station(state)
    assert s.feed(s.sheet("party/P01")) == "not-open"
    assert gates(s) == []
    assert s.returned() == ["s001"]


def test_after_the_hour_nothing_is_taken_even_before_the_polls_are_closed(station: Make) -> None:
    s = station(UrnState.OPEN)
    s.login("administrator")
    s.set_clock(20)
    assert s.feed(s.sheet("party/P01")) == "not-open"


def test_voters_in_the_room_are_let_vote_where_the_profile_says_so(station: Make) -> None:
    s = station(UrnState.OPEN, accept_after_hours=True)
    s.login("administrator")
    s.set_clock(20, 5)
    assert s.feed(s.sheet("party/P01")) == "valid"


@pytest.mark.parametrize("behind", [0.0, 5.0, 150.0, 290.0, 310.0])
def test_two_sheets_together_come_back_and_none_counts(station: Make, behind: float) -> None:
    s = station(UrnState.OPEN)
    outcome = s.feed(s.sheet("party/P01"), s.sheet("party/P02"), overlap_mm=behind)
    assert outcome == "double-feed"
    assert s.box() == []
    assert s.returned() == ["s001", "s002"]
    assert s.status()["valid"] == 0


def test_sheets_offered_at_once_are_taken_one_after_the_other(station: Make) -> None:
    s = station(UrnState.OPEN)
    for option in ("P01", "P02", "P03"):
        s.insert(s.sheet(f"party/{option}"))
    s.run(10)
    assert s.status()["valid"] == 3
    s.close()
    assert s.votes() == {"party/P01": 1, "party/P02": 1, "party/P03": 1}


@pytest.mark.parametrize("seconds", [0.05, 0.3, 0.9])
def test_a_sheet_that_is_pulled_back_is_not_counted(station: Make, seconds: float) -> None:
    s = station(UrnState.OPEN)
    s.insert(s.sheet("party/P01"))
    s.run(seconds)
    assert s.do(link.PullBack(URN)) == {"pulled": True}
    s.run(5)
    assert s.outcome() == "pulled-back"
    assert (s.box(), s.returned(), s.status()["valid"]) == ([], ["s001"], 0)
    assert s.feed(s.sheet("party/P01")) == "valid"


def test_a_sheet_that_is_nearly_in_cannot_be_pulled_back(station: Make) -> None:
    s = station(UrnState.OPEN)
    s.insert(s.sheet("party/P01"))
    s.run(0.98)
    assert s.do(link.PullBack(URN)) == {"pulled": False}
    s.run(5)
    assert s.outcome() == "valid"


@pytest.mark.parametrize("at_mm", [5.0, 100.0, 320.0, 400.0, 450.0, 600.0, 770.0])
def test_a_jammed_sheet_is_taken_out_and_counts_once_when_it_is_fed_again(
    station: Make, at_mm: float
) -> None:
    s = station(UrnState.OPEN)
    s.do(link.JamNext(URN, at_mm))
    sheet = s.sheet("party/P01")
    assert s.feed(sheet, seconds=10) == "jam"
    assert s.status()["path"] == "jammed"
    assert s.do(link.ClearJam(URN)) == {"sheet": sheet.id}
    assert EventKind.JAM_CLEARED in s.kinds()
    assert s.status()["valid"] == 0
    assert s.feed(sheet) == "valid"
    assert s.status()["valid"] == 1
    s.close()
    assert s.votes() == {"party/P01": 1}
    assert len(s.records()) == 1


def test_the_cover_stops_the_paper_and_it_goes_on_afterwards(station: Make) -> None:
    s = station(UrnState.OPEN)
    s.insert(s.sheet("party/P01"))
    s.run(0.5)
    s.do(link.Cover(URN, True))
    s.run(30)
    assert s.outcome() == "nothing"
    assert s.status()["cover_open"]
    s.do(link.Cover(URN, False))
    s.run(5)
    assert s.outcome() == "valid"


def test_the_box_warns_before_it_is_full_and_takes_no_more_than_it_holds(station: Make) -> None:
    s = station(UrnState.OPEN, capacity=12, capacity_warning=50)
    outcomes = []
    warned_at = None
    for number in range(1, 15):
        outcomes.append(s.feed(s.sheet("party/P01")))
        if warned_at is None and EventKind.ALARM in s.kinds():
            warned_at = number
    assert outcomes == ["valid"] * 12 + ["full"] * 2
    assert warned_at is not None and warned_at < 12
    assert s.status()["capacity_left"] == 0
    s.do(link.EmptyBox(URN))
    assert s.feed(s.sheet("party/P01")) == "valid"


@pytest.mark.parametrize("value", [-1, 0, 99])
def test_a_counter_that_cannot_be_right_stops_the_count_with_an_alarm(
    station: Make, value: int
) -> None:
    s = station(UrnState.OPEN)
    s.feed(s.sheet("party/P01"))
    s.do(link.DisturbCounter(URN, "party", "P01", value))
    assert s.feed(s.sheet("party/P01")) == "fault"
    alarm = next(e for e in s.events if e.kind is EventKind.ALARM)
    assert alarm.fields == {"alarm": "integrity", "audible": True, "visible": True}
    assert (s.status()["state"], s.status()["alarm"]) == ("fault", "integrity")
    assert s.feed(s.sheet("party/P01")) == "fault"
    s.login("administrator")
    s.ask(Op.CLEAR_ALARM)
    assert s.status()["state"] == "open"
    s.close()
    assert s.votes() == {"party/P01": 1}


def test_a_picture_can_be_offered_instead_of_a_sheet(station: Make) -> None:
    import base64

    import cv2

    from kalys.ballots.render import Renderer
    from kalys.ballots.templates import layouts_for

    s = station(UrnState.OPEN)
    scan = Renderer(layouts_for(s.definition).values()).scan(s.sheet("party/P06"))
    for pixels, expected in ((scan, "valid"), (np.zeros((2339, 1654), np.uint8), "unreadable")):
        png = base64.b64encode(cv2.imencode(".png", pixels)[1].tobytes()).decode()
        s.do(link.Image(URN, "scan", png))
        before = len(s.events)
        s.run(5)
        assert s.outcome(before) == expected


def test_what_the_world_cannot_do_is_said_in_words(station: Make) -> None:
    s = station(UrnState.STANDBY)
    for command, word in (
        (link.Box("urn-9"), "urn-9"),
        (link.DisturbCounter(URN, "party", "P99", 1), "P99"),
        (link.TamperLog(URN, "flip", 999), "999"),
        (link.Insert(URN, [{"id": "x"}]), "x"),
        (link.Image(URN, "x", "no base64 at all"), "base64"),
    ):
        with pytest.raises(AssertionError, match=word):
            s.do(command)


def test_a_folded_sheet_is_read_by_its_mark_alone(station: Make) -> None:
    s = station(UrnState.OPEN)
    folded = Paper(folds=(Fold(105, 150),))
    assert s.feed(s.sheet("party/P02", paper=folded)) == "valid"
    s.close()
    assert s.votes() == {"party/P02": 1}
