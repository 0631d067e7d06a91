"""Power: cuts at every phase of a sheet, the battery's hours, and what survives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kalys.protocols import world as link
from kalys.protocols.urn.messages import EventKind, Op, UrnState

Make = Callable[..., Any]          # the fixture ``station``
URN = "urn-1"
# When the head of a sheet at 300 mm/s has just passed something, in seconds after insertion.
EDGES = {
    "at the throat": 0.001, "scanner": 0.201, "tail in": 0.991, "read": 1.191,
    "just before the deflector": 1.399, "deflector": 1.401, "exit": 1.601,
    "just before the fall": 2.589, "fallen": 2.591, "at rest": 2.65,
}


def books_balance(s: Any, sheets: int) -> None:
    """Every sheet is in the box and counted, or back and not counted."""
    status = s.status()
    boxed = s.box()
    assert status["valid"] + status["invalid"] == len(boxed)
    assert len(boxed) + len(s.returned()) == sheets
    assert status["path"] == "idle"


@pytest.mark.parametrize("after", EDGES.values(), ids=list(EDGES))
def test_a_cut_at_any_phase_of_a_sheet_loses_nothing_and_counts_nothing_twice(
    station: Make, after: float
) -> None:
    s = station(UrnState.OPEN)
    assert s.feed(s.sheet("party/P01")) == "valid"
    s.insert(s.sheet("party/P02"))
    s.run(after)
    s.cut_power()
    s.run(6)
    books_balance(s, 2)
    assert s.status()["state"] == "open"


@given(cuts=st.lists(st.floats(0, 3), min_size=1, max_size=4))
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_box_and_counters_agree_whenever_the_power_fails(station: Make, cuts: list[float]) -> None:
    s = station(UrnState.OPEN)
    for after in cuts:
        s.insert(s.sheet("party/P03"))
        s.run(after)
        s.cut_power(1.0)
        s.run(6)
    books_balance(s, len(cuts))
    s.close()
    boxed = s.box()
    assert s.votes() == ({"party/P03": len(boxed)} if boxed else {})
    assert len(s.records()) == len(boxed)


def test_a_cut_before_the_commit_gives_the_sheet_back_and_says_why(station: Make) -> None:
    s = station(UrnState.OPEN)
    s.insert(s.sheet("party/P02"))
    s.run(1.3)
    s.cut_power()
    s.run(3)
    assert s.outcome() == "power-loss"
    assert s.returned() == ["s001"]


def test_a_cut_after_the_commit_drives_the_sheet_on(station: Make) -> None:
    s = station(UrnState.OPEN)
    s.insert(s.sheet("party/P02"))
    s.run(1.5)
    s.cut_power()
    s.run(3)
    assert s.outcome() == "valid"
    assert s.box() == ["s001"]


def test_a_committed_sheet_that_is_taken_out_in_the_dark_is_not_counted(station: Make) -> None:
    s = station(UrnState.OPEN)
    s.do(link.JamNext(URN, 500))
    s.feed(s.sheet("party/P02"), seconds=8)
    s.do(link.Battery(URN, False))
    s.supply("OUTP OFF,(@2)")
    assert s.do(link.ClearJam(URN)) == {"sheet": "s001"}
    s.supply("OUTP ON,(@2)")
    s.run(5)
    assert (s.status()["valid"], s.box(), s.status()["path"]) == (0, [], "idle")


def test_the_supply_reaches_the_urn_only_above_its_least_voltage(station: Make) -> None:
    s = station(UrnState.OPEN)
    s.supply("VOLT 18.1,(@2)")
    assert s.status()["power"] == "mains"
    s.supply("VOLT 17.9,(@2)")
    assert s.status()["power"] == "battery"
    s.supply("VOLT 24,(@2)")
    assert s.status()["power"] == "mains"
    sources = [e.fields["source"] for e in s.events if e.kind is EventKind.POWER]
    assert sources == ["battery", "mains"]


def test_a_current_limit_below_the_load_pulls_the_voltage_down(station: Make) -> None:
    s = station(UrnState.OPEN, load_amperes=0.8)
    s.supply("CURR 0.4,(@2)")
    assert s.status()["power"] == "battery"
    assert float(s.supply("MEAS:VOLT? (@2)")) == pytest.approx(12.0)


def test_on_the_battery_the_urn_counts_until_it_is_exhausted_and_keeps_everything(
    station: Make,
) -> None:
    s = station(UrnState.OPEN, battery_minutes=60)
    s.feed(s.sheet("party/P01"))
    s.supply("OUTP OFF,(@2)")
    s.run(55 * 60)
    assert s.feed(s.sheet("party/P01")) == "valid"
    assert s.status()["alarm"] == "battery-low"
    s.run(6 * 60)
    assert s.send(Op.STATUS) is None
    s.supply("OUTP ON,(@2)")
    s.run(5)
    assert (s.status()["state"], s.status()["valid"]) == ("open", 2)
    kinds = [entry["kind"] for entry in s.log()]
    assert {"abnormal-exit", "startup", "integrity-check"} <= set(kinds)


def test_an_urn_without_power_is_deaf_and_shows_nothing(station: Make) -> None:
    s = station(UrnState.OPEN)
    s.do(link.Battery(URN, False))
    s.supply("OUTP OFF,(@2)")
    assert s.send(Op.STATUS) is None
    assert s.do(link.Display(URN))["text"] == ""


def test_memory_survives_and_everything_else_does_not(station: Make) -> None:
    s = station(UrnState.OPEN)
    s.feed(s.sheet("party/P01"))
    before, number = s.status(), s.events[-1].number
    s.events.clear()
    s.cut_power()
    after = s.status()
    for name in ("state", "valid", "event_counter", "definition_sha256", "capacity_left"):
        assert after[name] == before[name]
    booted = next(e for e in s.events if e.kind is EventKind.BOOTED)
    assert booted.fields == {"cause": "power-loss"}
    numbers = [e.number for e in s.events]
    assert numbers == sorted(numbers) and numbers[0] > number
    assert s.result(Op.CLOSE) == "not-authorised"


def test_the_clock_runs_on_through_a_cut(station: Make) -> None:
    s = station(UrnState.STANDBY, drift_ppm=0)
    start = s.ask(Op.GET_CLOCK)["time_ms"]
    s.cut_power(3600)
    elapsed = (s.ask(Op.GET_CLOCK)["time_ms"] - start) / 1000
    assert elapsed == pytest.approx(3603.5, abs=0.01)


def test_a_restart_that_was_asked_for_is_no_abnormal_exit(station: Make) -> None:
    s = station(UrnState.OPEN)
    s.login("administrator")
    s.ask(Op.RESTART)
    assert s.send(Op.STATUS) is None
    s.run(4)
    assert s.status()["state"] == "open"
    kinds = [entry["kind"] for entry in s.log()]
    assert kinds.count("restart") == kinds.count("shutdown") == 1
    assert "abnormal-exit" not in kinds


def test_a_report_that_is_cut_off_is_lost_and_can_be_printed_again(station: Make) -> None:
    s = station(UrnState.READY)
    s.ask(Op.PRINT, kind="zero")
    s.run(0.5)
    s.cut_power()
    assert EventKind.PRINTED not in s.kinds()
    s.login("operator")
    s.print("zero")
    assert EventKind.PRINTED in s.kinds()


def test_after_cuts_while_a_vote_is_written_the_log_holds_each_cast_once(station):
    s = station(UrnState.OPEN)
    for slot in range(16):
        s.events.clear()
        s.insert(s.sheet("party/P01"))
        while EventKind.SHEET_ACCEPTED not in s.kinds():
            s.run(0.001)
        s.run(slot * 0.001)
        s.cut_power()
        s.run(3)
        status = s.status()
        casts = sum(entry["kind"] == "cast" for entry in s.log())
        assert casts == status["valid"] + status["invalid"]
