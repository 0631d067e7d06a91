"""A log-in that is left alone: alert, end, and what keeps it; and the defects that show there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kalys.emulators.defects import inactivity
from kalys.protocols.urn.messages import EventKind, Op, UrnState

Make = Callable[..., Any]          # the fixture ``station``
TIMES = {"inactivity_s": 180, "alert_s": 30}


def left(make: Make, defects: list[str], seconds: float) -> Any:
    """A station whose operator has been away for so long."""
    s = make(UrnState.READY, defects=defects, **TIMES)
    s.login("operator")
    s.run(seconds)
    return s


def alerts(s: Any) -> int:
    return sum(e.kind is EventKind.ALARM and e.fields["alarm"] == "inactivity" for e in s.events)


def logged_in(s: Any) -> bool:
    return bool(s.result(Op.CLEAR_ALARM) == "ok")


def test_the_alert_is_heard_and_seen_when_the_time_is_over_and_not_before(station: Make) -> None:
    s = left(station, [], 179)
    assert not alerts(s)
    s.run(2)
    (alarm,) = (e for e in s.events if e.kind is EventKind.ALARM)
    assert alarm.fields == {"alarm": "inactivity", "audible": True, "visible": True}
    assert s.status()["alarm"] == "inactivity"
    assert s.status()["alarm"] == ""               # asking for it was activity


def test_nobody_is_logged_in_after_the_alert_has_run_out_and_the_log_says_why(
    station: Make,
) -> None:
    s = left(station, [], 211)
    assert not logged_in(s)
    (end,) = (row for row in s.log() if row["event"] == "log-out: nobody was active")
    assert (end["kind"], end["user"]) == ("authentication", "operator")
    s.run(1000)
    assert alerts(s) == 1
    s.login("operator")
    assert logged_in(s)


def test_an_answer_even_a_refused_one_keeps_the_log_in_and_begins_the_time_anew(
    station: Make,
) -> None:
    s = left(station, [], 205)
    assert s.result(Op.CLOSE) == "wrong-state"
    s.run(179)
    assert alerts(s) == 1 and logged_in(s)
    s.run(211)
    assert alerts(s) == 2 and not logged_in(s)


def test_a_log_in_that_is_used_is_never_alerted(station: Make) -> None:
    s = left(station, [], 0)
    for _ in range(20):
        s.run(170)
        s.status()
    assert not alerts(s) and logged_in(s)


def test_without_a_time_a_log_in_is_never_ended(station: Make) -> None:
    s = station(UrnState.READY)
    s.login("operator")
    s.run(100_000)
    assert not alerts(s) and logged_in(s)


def test_the_time_can_be_set_by_an_administrator_and_holds_from_then_on(station: Make) -> None:
    s = station(UrnState.READY)
    s.login("administrator")
    s.ask(Op.SET_PARAMETER, name="inactivity_s", value="120")
    assert s.result(Op.SET_PARAMETER, name="alert_s", value="0") == "bad-fields"
    s.run(121)
    assert alerts(s) == 1
    s.ask(Op.SET_PARAMETER, name="inactivity_s", value="0")
    s.run(10_000)
    assert alerts(s) == 1 and logged_in(s)


def test_who_logs_out_is_not_alerted_nor_is_anybody_after_a_power_cut(station: Make) -> None:
    s = left(station, [], 100)
    s.ask(Op.LOGOUT)
    s.run(1000)
    assert not alerts(s)
    s.login("operator")
    s.cut_power()
    s.run(1000)
    assert not alerts(s)


def log_in_never_ends(make: Make, defects: list[str]) -> bool:
    return logged_in(left(make, defects, 1000))


def log_in_ends_unannounced(make: Make, defects: list[str]) -> bool:
    s = left(make, defects, 211)
    assert not logged_in(s)
    return not alerts(s)


def inactivity_alert_short(make: Make, defects: list[str]) -> bool:
    return not logged_in(left(make, defects, 200))


def inactivity_longer_than_told(make: Make, defects: list[str]) -> bool:
    s = left(make, defects, 200)
    return not alerts(s)


SHOWN: dict[str, Callable[[Make, list[str]], bool]] = {
    entry.name: globals()[entry.name.replace("-", "_")] for entry in inactivity.ENTRIES
}


@pytest.mark.parametrize("name", list(SHOWN))
def test_the_defect_shows_and_the_healthy_urn_does_not_show_it(station: Make, name: str) -> None:
    assert SHOWN[name](station, [name])
    assert not SHOWN[name](station, [])
