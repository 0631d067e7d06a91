"""Defects of the calendar: midnight, leap days, summer time, zones."""


from __future__ import annotations

from calendar import isleap
from datetime import datetime, timedelta, timezone
from math import floor

from kalys.emulators.urn.behaviour import Behaviour
from kalys.emulators.urn.clock import local

MINUTE_MS = 60_000
DAY_MS = 86_400_000
HOUR = timedelta(hours=1)


class ClockStepsBackAtMidnight(Behaviour):
    def clock_ms(self, counted_ms: int, since_ms: int, offset_min: int) -> int:
        counted_ms = super().clock_ms(counted_ms, since_ms, offset_min)
        passed = _days(counted_ms, offset_min) - _days(since_ms, offset_min)
        step = self.parameters["clock-steps-back-at-midnight"]["seconds"]
        return counted_ms - passed * round(step * 1000)


class LeapDaySkipped(Behaviour):
    """Goes from 28 February to 1 March in every year."""

    def clock_ms(self, counted_ms: int, since_ms: int, offset_min: int) -> int:
        counted_ms = super().clock_ms(counted_ms, since_ms, offset_min)
        since, now = local(since_ms, offset_min), local(counted_ms, offset_min)
        skipped = sum(
            since < datetime(year, 2, 29, tzinfo=since.tzinfo) <= now
            for year in range(since.year, now.year + 1) if isleap(year)
        )
        return counted_ms + skipped * DAY_MS


class SummerTimeKept(Behaviour):
    """Stamps in summer time, as it was until 2005: last Sunday of March to that of October."""

    def log_stamp(self, stamp: str) -> str:
        stamp = super().log_stamp(stamp)
        try:
            moment = datetime.fromisoformat(stamp)
        except ValueError:              # another defect has been at it
            return stamp
        offset = moment.utcoffset()
        if offset is None or not _last_sunday(moment, 3) <= moment < _last_sunday(moment, 10):
            return stamp
        return moment.astimezone(timezone(offset + HOUR)).isoformat(timespec="milliseconds")


class ReportOffsetWrong(Behaviour):
    """The report names a zone further west with the same hour."""

    def report_stamp(self, stamp: str) -> str:
        told = super().report_stamp(stamp)
        if not told:
            return told
        hours = self.parameters["report-offset-wrong"]["hours"]
        moment = datetime.fromisoformat(told)
        offset = (moment.utcoffset() or timedelta()) - hours * HOUR
        return moment.replace(tzinfo=timezone(offset)).isoformat(timespec="milliseconds")


class ReportTimeStands(Behaviour):
    """Every report bears the time of the first one."""

    _first = ""

    def report_stamp(self, stamp: str) -> str:
        self._first = self._first or super().report_stamp(stamp)
        return self._first


def _days(time_ms: int, offset_min: int) -> int:
    """Whole days of local time."""
    return floor((time_ms + offset_min * MINUTE_MS) / DAY_MS)


def _last_sunday(moment: datetime, month: int) -> datetime:
    last = moment.replace(month=month, day=31, hour=2, minute=0, second=0, microsecond=0)
    return last - timedelta(days=(last.weekday() + 1) % 7)
