"""The urn's real-time clock: it drifts, can be set, and runs on its own cell without power.

Device time is the time at the last setting plus the elapsed time of the world, stretched by the
quartz's error. Integers throughout, so that no rounding builds up over a day.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

MILLISECOND = 1_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# 1 January 2000 to 31 December 2199: what the chip can hold.
EARLIEST_MS = 946_684_800_000
LATEST_MS = 7_258_118_399_999


class DeviceClock:
    """UTC in ms since 1970, and the minutes that local time is ahead of it.

    ``tells(counted, since, offset_min)`` makes the time that is told of the time that was counted
    since the clock was set to ``since``, all in ms.
    """

    def __init__(
        self, civil: datetime, now: int, drift_ppm: float, offset_min: int,
        tells: Callable[[int, int, int], int],
    ) -> None:
        self._tells = tells
        self._device = (civil - EPOCH) // timedelta(microseconds=1) * 1000
        self._world = now
        self._ppb = round(drift_ppm * 1000)
        self.offset_min = offset_min

    def time_ms(self, now: int) -> int:
        """Device time at world time ``now``, in ms of UTC since 1970."""
        elapsed = now - self._world
        counted = self._device + elapsed + elapsed * self._ppb // 1_000_000_000
        return self._tells(
            counted // MILLISECOND, self._device // MILLISECOND, self.offset_min
        )

    def set(self, time_ms: int, offset_min: int, now: int) -> None:
        """Set the clock. The chip's range is checked by the caller with ``settable``."""
        self._device = time_ms * MILLISECOND
        self._world = now
        self.offset_min = offset_min


def settable(time_ms: int, offset_min: int) -> bool:
    """Whether the chip can hold this time and zone."""
    return EARLIEST_MS <= time_ms <= LATEST_MS and -840 <= offset_min <= 840


def local(time_ms: int, offset_min: int) -> datetime:
    """Local civil time, aware."""
    zone = timezone(timedelta(minutes=offset_min))
    return (EPOCH + timedelta(milliseconds=time_ms)).astimezone(zone)


def stamp(time_ms: int, offset_min: int) -> str:
    """ISO 8601 with date, time to the millisecond, and zone (LOG-001)."""
    return local(time_ms, offset_min).isoformat(timespec="milliseconds")
