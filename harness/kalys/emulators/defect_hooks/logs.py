"""Defects of the clock and of the event log."""

# ruff: noqa: ARG002  (an override takes what its hook is given)
from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
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


class LogStampRounded(Behaviour):
    """The stamp in words is of the full minute."""

    def log_stamp(self, stamp: str) -> str:
        return re.sub(r":\d\d(?:\.\d+)?(?=[+-])", ":00", super().log_stamp(stamp))


class LogUserLate(Behaviour):
    """An entry names who was logged in at the entry before it."""

    _before = "system"

    def log_user(self, user: str) -> str:
        told, self._before = self._before, super().log_user(user)
        return told


class LogBurstLost(Behaviour):
    """The buffer takes so many entries of one kind in a row; those that follow are lost."""

    _kind = ""
    _in_a_row = 0

    def logs(self, kind: str) -> bool:
        self._in_a_row = self._in_a_row + 1 if kind == self._kind else 1
        self._kind = kind
        return super().logs(kind)

    def stores_log_entry(self, sequence: int) -> bool:
        longest = self.parameters["log-burst-lost"]["entries"]
        return self._in_a_row <= longest and super().stores_log_entry(sequence)


class LogNumberWraps(Behaviour):
    """The number of an entry has 16 bits; `before` entries were made in an earlier life."""

    def log_for_reading(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        before = int(self.parameters["log-number-wraps"]["before"])
        return [
            replace(entry, sequence=(entry.sequence + before) % 0x10000)
            for entry in super().log_for_reading(entries)
        ]
