"""Defects of the calendar show across its edges, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from kalys.emulators.defects import clocks
from kalys.protocols.urn import report_reading
from kalys.protocols.urn.messages import Op, UrnState

Make = Callable[..., Any]          # the fixture ``station``

ZONE = timezone(timedelta(hours=6))


def across(s: Any, edge: datetime) -> tuple[datetime, str]:
    """The clock ten seconds after it was set to five before ``edge``, and the last stamp then."""
    s.login("administrator")
    start = edge - timedelta(seconds=5)
    s.ask(Op.SET_CLOCK, time_ms=round(start.timestamp() * 1000), offset_min=360)
    s.run(10)
    s.login("auditor")
    told = datetime.fromtimestamp(s.ask(Op.GET_CLOCK)["time_ms"] / 1000, ZONE)
    return told, s.log()[-1]["stamp"]


def clock_steps_back_at_midnight(make: Make, defects: list[str]) -> bool:
    s = make(defects=defects)
    noon = datetime(2021, 11, 28, 12, tzinfo=ZONE)
    assert across(s, noon)[0] == noon + timedelta(seconds=5)
    midnight = datetime(2021, 11, 29, tzinfo=ZONE)
    return across(s, midnight)[0] == midnight - timedelta(seconds=55)


def leap_day_skipped(make: Make, defects: list[str]) -> bool:
    s = make(defects=defects)
    common = datetime(2023, 3, 1, tzinfo=ZONE)
    assert across(s, common)[0] == common + timedelta(seconds=5)
    told, stamp = across(s, datetime(2024, 2, 29, tzinfo=ZONE))
    return (told.month, told.day) == (3, 1) and stamp.startswith("2024-03-01")


def summer_time_kept(make: Make, defects: list[str]) -> bool:
    s = make(defects=defects)
    winter, summer = datetime(2022, 1, 9, 12, tzinfo=ZONE), datetime(2022, 7, 10, 12, tzinfo=ZONE)
    assert across(s, winter)[1].endswith("12:00:05.000+06:00")
    return across(s, summer)[1].endswith("13:00:05.000+07:00")


def report_offset_wrong(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.READY, defects=defects)
    return bool(report_reading.parse(s.print("zero"))["time"].endswith("+05:00"))


def report_time_stands(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.READY, defects=defects)
    first = report_reading.parse(s.print("zero"))["time"]
    s.run(600)
    return bool(report_reading.parse(s.print("zero"))["time"] == first)

SHOWN: dict[str, Callable[[Make, list[str]], bool]] = {
    entry.name: globals()[entry.name.replace("-", "_")] for entry in clocks.ENTRIES
}

@pytest.mark.parametrize("name", list(SHOWN))
def test_the_defect_shows_and_the_healthy_urn_does_not_show_it(station: Make, name: str) -> None:
    assert SHOWN[name](station, [name])
    assert not SHOWN[name](station, [])

