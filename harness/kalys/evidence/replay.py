"""Continuing the journal of a killed run by playing the run again.

In virtual time the same seed gives the same records, byte for byte. So a run that was killed in the
middle of an election day need not lose that day: it is played again from its beginning, and every
record that it writes is held against the one that is there. As long as they are equal nothing is
written; where the recorded part ends, a note says how many records were the same, and the journal
goes on. No sheet is counted twice and none is lost, for there is one story, told once.

A run that parts from its record (another version of the software, another bench, an interruption
that the first run lived to see and tidied up) cannot be replayed: ``Parted`` says where, and
nothing has been written.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from kalys.errors import EvidenceError
from kalys.evidence.journal import Journal, read_header, read_journal
from kalys.evidence.standalone import record_parts
from kalys.evidence.standing import standing

REPLAYED = "replayed"
LONG = "day."                 # procedures that are worth it


class Parted(EvidenceError):  # noqa: N818
    """What is played again is not what was recorded."""


def worth_replaying(path: Path) -> bool:
    """Whether the run was killed in the middle of an election day, without a word."""
    if not any(name.startswith(LONG) for name in standing(path).open):
        return False
    last = None
    for record in read_journal(path):
        last = record
    return last is not None and not (
        last.kind == "note" and str(last.data.get("text", "")).startswith("the run broke off")
    )


class ReplayedJournal(Journal):
    """A journal that is written again over what is there, and goes on behind it."""

    _recorded: BinaryIO | None
    _next: bytes

    @classmethod
    def over(cls, path: Path, now: Callable[[], int]) -> ReplayedJournal:
        """Begin again at the first record of an existing journal."""
        read_header(path)
        journal = cls.__new__(cls)
        journal._start(path, os.open(path, os.O_RDWR | os.O_APPEND), now)
        journal._recorded = path.open("rb")
        header = journal._recorded.readline()
        journal._last, journal._size = 0, len(header)
        journal._next = journal._recorded.readline()
        return journal

    @property
    def replaying(self) -> bool:
        """Whether what is written is still held against what is there."""
        return self._recorded is not None

    def close(self) -> None:
        if self._recorded is not None:
            self._recorded.close()
            self._recorded = None
        super().close()

    def _append(self, kind: str, data: str, time: int) -> int:
        while self._recorded is not None and self._is_of_an_earlier_replay():
            self._pass_over()
        if self._recorded is not None and not self._next.endswith(b"\n"):
            self._go_on()
        return super()._append(kind, data, time)

    def _write(self, line: bytes, number: int, head: bytes) -> None:
        if self._recorded is None:
            super()._write(line, number, head)
            return
        if line != self._next:
            raise Parted(
                f"what is played again parts from the record at number {number}",
                where=f"{self._path}:{number + 1}",
            )
        self._advance(number, head)

    def _advance(self, number: int, head: bytes) -> None:
        assert self._recorded is not None
        self._last, self._size, self._head = number, self._size + len(self._next), head
        self._next = self._recorded.readline()

    def _is_of_an_earlier_replay(self) -> bool:
        return b'"replayed":' in self._next and "d" in (record := _read(self._next)) and (
            REPLAYED in record["d"]
        )

    def _pass_over(self) -> None:
        """The note of an earlier replay is not played again."""
        self._follow(self._next)
        self._advance(self._last, self._head)

    def _go_on(self) -> None:
        """The recorded part has ended: keep what was cut off aside, say so, and write on."""
        assert self._recorded is not None
        tail, count = self._next, self._last
        self._recorded.close()
        self._recorded = None
        text = f"{count} records were played again, each as it was"
        note: dict[str, Any] = {"text": text, REPLAYED: count}
        if tail:
            self._set_aside(tail, note)
        self.add("note", note)


def _read(line: bytes) -> dict[str, dict[str, object]]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) and record_parts(line) else {}
