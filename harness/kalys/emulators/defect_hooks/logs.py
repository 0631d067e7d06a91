"""Defects of the clock and of the event log."""

# ruff: noqa: ARG002  (an override takes what its hook is given)
from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kalys.emulators.urn.behaviour import Behaviour
from kalys.emulators.urn.event_log import Entry, EventLog, chained_anew

if TYPE_CHECKING:
    from kalys.emulators.urn.memory import Record


class ClockDrift(Behaviour):
    def drift_ppm(self, configured: float) -> float:
        return self.parameters["clock-drift"]["ppm"]


class LogEntriesLost(Behaviour):
    def stores_log_entry(self, sequence: int) -> bool:
        return sequence % max(2, int(self.parameters["log-entries-lost"]["every"])) != 0


class LogRewritable(Behaviour):
    """Hands out a log that is always in order, and finds nothing wrong with it itself."""

    _read: tuple[tuple[int, int], Sequence[Entry]] = ((0, 0), ())

    def log_for_reading(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        key = (len(entries), hash(tuple(map(id, entries))))
        if self._read[0] != key:
            self._read = key, chained_anew(entries)
        return self._read[1]

    def log_breaks(self, log: EventLog) -> list[int]:
        return []


class ChoicesInLog(Behaviour):
    def cast_text(self, record: Record) -> str:
        marked = " ".join(option for options in record.marks.values() for option in options)
        return f"{super().cast_text(record)}, marks {marked or 'none'}"


class StampsWithoutZone(Behaviour):
    def log_stamp(self, stamp: str) -> str:
        return super().log_stamp(stamp)[:-len("+06:00")]


class LogWithoutUser(Behaviour):
    def log_user(self, user: str) -> str:
        return ""


class MediaUnlogged(Behaviour):
    def logs(self, kind: str) -> bool:
        return kind != "media" and super().logs(kind)


class ClockSettingUnlogged(Behaviour):
    def logs(self, kind: str) -> bool:
        return kind != "clock" and super().logs(kind)
