"""The chain that binds every entry of an urn's event log to all before it (LOG-007).

    chain(n) = SHA-256( chain(n-1) || encoded entry n ),   chain(0) = 32 zero bytes

The encoding is that of the binary wire (docs/protocols/urn-link.md, "Log chain"), whatever wire the
entry came over: sequence u32, time_ms i64, offset_min i16, big-endian; then stamp, device, kind,
event, outcome, user, resource, each as a u16 count of bytes and its UTF-8. Counting the bytes keeps
the border between two texts inside what is hashed.

Whoever knows the last chain value can show any change, gap or insertion before it; a log that was
cut short at its end shows only against a chain value that was noted earlier.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Protocol

GENESIS = bytes(32)
TEXTS = ("stamp", "device", "kind", "event", "outcome", "user", "resource")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Entry(Protocol):
    """What every log entry has, besides its time."""

    @property
    def sequence(self) -> int: ...
    @property
    def stamp(self) -> str: ...
    @property
    def device(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def event(self) -> str: ...
    @property
    def outcome(self) -> str: ...
    @property
    def user(self) -> str: ...
    @property
    def resource(self) -> str: ...
    @property
    def chain(self) -> bytes: ...


class WireEntry(Entry, Protocol):
    """An entry with its time as it crosses the wire."""

    @property
    def time_ms(self) -> int: ...
    @property
    def offset_min(self) -> int: ...


class CivilEntry(Entry, Protocol):
    """An entry with its time as an aware datetime in the device's zone."""

    @property
    def time(self) -> datetime: ...


AnyEntry = WireEntry | CivilEntry


def link(previous: bytes, entry: AnyEntry) -> bytes:
    """The 32 bytes of the entry's chain, from the chain of the entry before it (first: GENESIS)."""
    return hashlib.sha256(previous + encoded(entry)).digest()


def encoded(entry: AnyEntry) -> bytes:
    """What is hashed of an entry: all its fields but the chain. ValueError beyond their ranges."""
    time_ms, offset_min = _moment(entry)
    try:
        parts = [struct.pack(">Iqh", entry.sequence, time_ms, offset_min)]
        for name in TEXTS:
            text = getattr(entry, name).encode("utf-8")
            parts += struct.pack(">H", len(text)), text
    except struct.error as error:
        raise ValueError(f"log entry {entry.sequence} has a field out of range: {error}") from error
    return b"".join(parts)


def breaks(entries: Iterable[AnyEntry], before: bytes = GENESIS, last: int = 0) -> list[int]:
    """Sequence numbers of entries that do not follow from the one before them.

    ``before`` and ``last`` are chain and sequence of the entry before the first one given. After a
    break the chain is followed from the entry as it stands: one change counts once or twice.
    """
    found = []
    for entry in entries:
        if entry.sequence != last + 1 or link(before, entry) != entry.chain:
            found.append(entry.sequence)
        before, last = entry.chain, entry.sequence
    return found


def _moment(entry: AnyEntry) -> tuple[int, int]:
    time = getattr(entry, "time", None)
    if isinstance(time, datetime):
        offset = time.utcoffset() or timedelta(0)
        return (time - _EPOCH) // timedelta(milliseconds=1), offset // timedelta(minutes=1)
    return entry.time_ms, entry.offset_min  # type: ignore[union-attr]
