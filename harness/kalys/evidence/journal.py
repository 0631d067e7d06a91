"""The journal of a run: append-only, hash-chained JSON lines that survive a killed process.

Think of it as a ship's log: whatever happens is written the moment it happens, in ink, and every
line carries a number that depends on all lines before it. Nothing is ever buffered in the process:
each record is handed to the kernel with one ``write`` before the call returns, so SIGKILL loses at
most the record that was being written.

The file
    line 0      ``{"kind":"header",...}``: run, wall time, versions, host. Not chained, because it
                differs between two runs of the same seed; the seal binds its SHA-256.
    line n >= 1 ``{"n":n,"t":ns,"k":kind,"d":{...},"h":hex}``, where ``h`` is the SHA-256 of the
                previous record's hash (32 bytes; for the first record SHA-256(b"kalys-journal-1"))
                followed by ``[n,t,k,d]`` as JSON with sorted keys and no spaces, in UTF-8. The
                four texts stand in the line exactly as they were hashed, so a reader needs no
                canonical form of its own.
The same seed in virtual time gives the same bytes from line 1 on.

Kinds of record: wire, line-fault, physical, operator, instrument, identity, procedure, sheet,
observation, note.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from kalys.errors import EvidenceError
from kalys.evidence.canonical import canonical
from kalys.evidence.disk import cannot_write
from kalys.evidence.standalone import GENESIS, record_parts

if sys.platform != "win32":
    import fcntl


class Recorder(Protocol):
    """What a room needs of a journal in order to write to it."""

    def add(self, kind: str, data: Mapping[str, Any]) -> int: ...

    def wire(self, link: str, direction: str, data: bytes, time: int | None = None) -> int: ...


class NullJournal:
    """A recorder that numbers records and keeps none (for tests and for rehearsals)."""

    def __init__(self) -> None:
        self.last = 0

    def add(self, kind: str, data: Mapping[str, Any]) -> int:  # noqa: ARG002
        self.last += 1
        return self.last

    def wire(self, link: str, direction: str, data: bytes, time: int | None = None) -> int:  # noqa: ARG002
        self.last += 1
        return self.last

    def close(self) -> None:
        """Nothing to close."""


@dataclass(frozen=True, slots=True)
class Record:
    """One line of a journal. ``time`` is in ns of the run's clock, ``hash`` hexadecimal."""

    number: int
    time: int
    kind: str
    data: dict[str, Any]
    hash: str


class Journal:
    """Writes a journal. Safe to call from several threads; one process at a time.

    ``now`` gives the time of the run's clock in ns. Every failure to write is an EvidenceError, and
    leaves the file ending with the last whole record.
    """

    _path: Path
    _fd: int
    _now: Callable[[], int]
    _last: int
    _size: int
    _head: bytes
    _lock: threading.Lock
    _wire_ends: dict[tuple[str, str], str]

    def __init__(self, path: Path, header: Mapping[str, Any], now: Callable[[], int]) -> None:
        """Create the journal; EvidenceError when there is one already or it cannot be created."""
        line = (canonical({"kind": "header", **header}) + "\n").encode()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        except FileExistsError as error:
            raise EvidenceError(
                "there is a journal here already",
                where=str(path),
                remedy="Choose another folder with --out, or continue that run with --resume.",
            ) from error
        except OSError as error:
            raise cannot_write(error, path) from error
        self._start(path, fd, now)
        self._write(line, 0, GENESIS)

    @classmethod
    def resume(cls, path: Path, now: Callable[[], int]) -> Journal:
        """Continue the chain of an interrupted run.

        A last line that was cut off in the middle of writing is copied to ``journal.partial-N``
        beside the journal before it is removed; a note in the chain says so. EvidenceError when
        the chain is broken, or another process is writing.
        """
        try:
            fd = os.open(path, os.O_RDWR | os.O_APPEND)
        except OSError as error:
            raise EvidenceError(
                f"cannot be continued: {error.strerror}",
                where=str(path),
                remedy="Name the folder of an interrupted run with --resume.",
            ) from error
        journal = cls.__new__(cls)
        journal._start(path, fd, now)
        try:
            kept, tail = journal._find_end()
        except BaseException:
            os.close(fd)
            raise
        note: dict[str, Any] = {"text": f"continued after record {journal.last}"}
        journal._size = kept
        if tail:
            journal._set_aside(tail, note)
        journal.add("note", note)
        return journal

    @property
    def path(self) -> Path:
        return self._path

    @property
    def last(self) -> int:
        """The number of the last record; 0 when there is only the header."""
        return self._last

    @property
    def head(self) -> bytes:
        """The hash of the last record (32 bytes)."""
        return self._head

    def add(self, kind: str, data: Mapping[str, Any]) -> int:
        """Write one record now; returns its number."""
        return self._append(canonical(kind), canonical(data), self._now())

    def wire(self, link: str, direction: str, data: bytes, time: int | None = None) -> int:
        """Write the bytes that passed a link in a direction ("tx" from the harness, or "rx")."""
        ends = self._wire_ends.get((link, direction))
        if ends is None:
            rest = canonical({"direction": direction, "link": link})
            ends = self._wire_ends[link, direction] = f'",{rest[1:]}'
        text = f'{{"bytes":"{data.hex()}{ends}'
        return self._append('"wire"', text, self._now() if time is None else time)

    def close(self) -> None:
        """Make sure that the disk has it all, and let go of the file."""
        with self._lock:
            if self._fd >= 0:
                with contextlib.suppress(OSError):
                    os.fsync(self._fd)
                os.close(self._fd)
                self._fd = -1

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(self, path: Path, fd: int, now: Callable[[], int]) -> None:
        self._path = path
        self._fd = fd
        self._now = now
        self._last = -1
        self._size = 0
        self._head = GENESIS
        self._lock = threading.Lock()
        self._wire_ends = {}
        if sys.platform != "win32":
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                os.close(fd)
                raise EvidenceError(
                    "another process is writing this journal",
                    where=str(path),
                    remedy="Wait until that run has ended, or stop it.",
                ) from error

    def _append(self, kind: str, data: str, time: int) -> int:
        with self._lock:
            number = self._last + 1
            digest = hashlib.sha256(self._head)
            digest.update(f"[{number},{time},{kind},{data}]".encode())
            text = f'{{"n":{number},"t":{time},"k":{kind},"d":{data},"h":"{digest.hexdigest()}"}}\n'
            self._write(text.encode(), number, digest.digest())
            return number

    def _write(self, line: bytes, number: int, head: bytes) -> None:
        size = self._size + len(line)
        try:
            if os.write(self._fd, line) != len(line):
                self._write_rest(line)
        except OSError as error:
            self._cut_back()
            raise cannot_write(error, self._path, self._last) from error
        except BaseException:
            # Ctrl-C arrives between two instructions: the line is out, or it is not.
            if os.fstat(self._fd).st_size == size:
                self._last, self._size, self._head = number, size, head
            else:
                self._cut_back()
            raise
        self._last, self._size, self._head = number, size, head

    def _write_rest(self, line: bytes) -> None:
        """A short write means that the disk is nearly full; the next one says why."""
        rest = line[os.fstat(self._fd).st_size - self._size :]
        while rest:
            rest = rest[os.write(self._fd, rest) :]

    def _cut_back(self) -> None:
        """End the file with the last whole record again."""
        with contextlib.suppress(OSError):
            os.ftruncate(self._fd, self._size)

    def _set_aside(self, tail: bytes, note: dict[str, Any]) -> None:
        """Keep a line that was cut off beside the journal, and end this with whole records."""
        note["cut_off"] = _keep_aside(self._path, tail)
        note["bytes"] = len(tail)
        os.ftruncate(self._fd, self._size)

    def _find_end(self) -> tuple[int, bytes]:
        """Follow the chain of an existing file; the bytes of whole records, and the rest."""
        kept = 0
        with self._path.open("rb") as lines:
            for line in lines:
                if not line.endswith(b"\n"):
                    return kept, line
                if self._last < 0:
                    self._last = 0
                else:
                    self._follow(line)
                kept += len(line)
        if self._last < 0:
            raise EvidenceError("the journal is empty", where=str(self._path))
        return kept, b""

    def _follow(self, line: bytes) -> None:
        number = self._last + 1
        parts = record_parts(line)
        expected = hashlib.sha256(self._head + parts[1]).digest() if parts else b""
        if parts is None or parts[0] != number or parts[2] != expected:
            raise EvidenceError(
                f"the chain is broken at record {number}",
                where=f"{self._path}:{number + 1}",
                remedy="This evidence was changed and cannot be continued; start a new run.",
            )
        self._last, self._head = number, expected


def read_header(path: Path) -> dict[str, Any]:
    """The header of a journal; EvidenceError when there is none."""
    try:
        with path.open("rb") as lines:
            header = json.loads(lines.readline())
    except OSError as error:
        raise EvidenceError(f"cannot be read: {error.strerror}", where=str(path)) from error
    except (ValueError, RecursionError) as error:
        raise EvidenceError(f"the header is not JSON: {error}", where=f"{path}:1") from error
    if not isinstance(header, dict) or header.get("kind") != "header":
        raise EvidenceError("the first line is not a header", where=f"{path}:1")
    return header


def read_journal(path: Path) -> Iterator[Record]:
    """The records of a journal, in order. A cut-off last line (killed run) is left out.

    Says nothing of the chain (``kalys.evidence.verification`` does). EvidenceError names the line
    that is not a record.
    """
    read_header(path)
    with path.open("rb") as lines:
        next(lines, None)
        for index, line in enumerate(lines, start=2):
            if not line.endswith(b"\n"):
                return
            try:
                record = json.loads(line)
                yield Record(
                    int(record["n"]), int(record["t"]), record["k"], record["d"], record["h"]
                )
            except (ValueError, KeyError, TypeError, RecursionError) as error:
                raise EvidenceError(
                    f"this line is not a record: {error}", where=f"{path}:{index}"
                ) from error


def _keep_aside(path: Path, tail: bytes) -> str:
    number = 1
    while (aside := path.with_name(f"{path.stem}.partial-{number}")).exists():
        number += 1
    try:
        aside.write_bytes(tail)
    except OSError as error:
        raise cannot_write(error, aside) from error
    return aside.name
