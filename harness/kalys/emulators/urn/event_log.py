"""The event log: numbered entries, each bound to the one before it by a hash.

Kinds of entry follow VVSG 2.0 Table 15-1 (LOG-005); fields VVSG 2.0 15.1-C (LOG-006). The chain
is published (docs/protocols/urn-link.md, ``kalys.protocols.urn.log_chain``), so that a reader can
prove that nothing was changed, taken out or put in (LOG-007). The head, number and chain of the
last entry ever made, is kept apart: a log that was cut short does not fit its head.

Stored, an entry is the bytes that its chain covers, followed by the chain. The head is a register
that is written when the entry is (``storage``): a power cut that loses an entry loses its head as
well, somebody who cuts the log short does not.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kalys.emulators.urn.clock import stamp
from kalys.emulators.urn.storage import Frame
from kalys.protocols.urn import log_chain

WAYS = ("flip", "truncate", "swap", "delete")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry, with the fields of the LOG operation."""

    sequence: int
    time_ms: int
    offset_min: int
    stamp: str
    device: str
    kind: str
    event: str
    outcome: str
    user: str
    resource: str
    chain: bytes = b""

    def row(self) -> dict[str, Any]:
        """The entry as the LOG operation hands it out."""
        return {name: getattr(self, name) for name in _FIELDS}

    def stored(self) -> bytes:
        """The entry as it is kept."""
        return log_chain.encoded(self) + self.chain

    @classmethod
    def from_stored(cls, data: bytes) -> Entry:
        """The entry that ``stored`` wrote. ValueError for anything else."""
        try:
            sequence, time_ms, offset_min = _MOMENT.unpack_from(data)
            at = _MOMENT.size
            texts: dict[str, str] = {}
            for name in log_chain.TEXTS:
                (size,) = _SIZE.unpack_from(data, at)
                at += _SIZE.size + size
                texts[name] = data[at - size : at].decode("utf-8")
        except struct.error as error:
            raise ValueError(f"no log entry: {error}") from error
        return cls(sequence, time_ms, offset_min, chain=data[at:], **texts)


_MOMENT, _SIZE = struct.Struct(">Iqh"), struct.Struct(">H")
_FIELDS = tuple(Entry.__dataclass_fields__)


class EventLog:
    """The stored entries.

    ``stores(sequence)`` is asked before an entry is kept, ``stamped`` what time it says in words;
    ``keep`` gets the bytes of each entry.
    """

    def __init__(
        self, device: str, stores: Callable[[int], bool], stamped: Callable[[str], str]
    ) -> None:
        self.entries: list[Entry] = []
        self._device = device
        self._stores = stores
        self._stamped = stamped
        self.keep: Callable[[bytes], None] = lambda _: None
        self._sequence = 0
        self._head = log_chain.GENESIS
        self._proved: list[Entry] = []

    def add(  # noqa: PLR0917  (the fields of an entry, in their order)
        self, time_ms: int, offset_min: int, kind: str, event: str, outcome: str, user: str,
        resource: str,
    ) -> None:
        """Append an entry. ``user`` and ``resource`` are never empty (LOG-006)."""
        self._sequence += 1
        if not self._stores(self._sequence):
            return
        fields = (self._sequence, time_ms, offset_min, self._stamped(stamp(time_ms, offset_min)),
                  self._device, kind, event, outcome, user, resource)
        encoded = log_chain.encoded(Entry(*fields))
        self._head = hashlib.sha256(self._head + encoded).digest()
        self.entries.append(Entry(*fields, self._head))
        self.keep(encoded + self._head)

    @property
    def head(self) -> bytes:
        """The chain of the last entry that was made."""
        return self._head

    def read_back(self, frames: Sequence[Frame], head: bytes) -> None:
        """Take the entries that storage has, and the head that is kept apart."""
        for frame in frames:
            if frame.value is None:
                frame.value = Entry.from_stored(frame.payload)
        self.entries = [frame.value for frame in frames]
        self._sequence = self.entries[-1].sequence if self.entries else 0
        self._head = head or log_chain.GENESIS

    def validated(self) -> bool:
        """Whether every entry follows from the one before it, and the last one fits the head.

        What was proved once and has not changed since is not computed again.
        """
        proved = self._proved
        if self.entries[: len(proved)] != proved:
            proved = []
        chain = proved[-1].chain if proved else log_chain.GENESIS
        last = proved[-1].sequence if proved else 0
        if log_chain.breaks(self.entries[len(proved) :], chain, last) or self.cut_short():
            return False
        self._proved = list(self.entries)
        return True

    def breaks(self) -> list[int]:
        """Sequence numbers at which the stored log does not follow from what is before it.

        A log that ends before its head counts as a break at the number that is missing.
        """
        found = []
        chain, number = log_chain.GENESIS, 0
        for entry in self.entries:
            if entry.sequence != number + 1 or log_chain.link(chain, entry) != entry.chain:
                found.append(entry.sequence)
            chain, number = entry.chain, entry.sequence
        if chain != self._head:
            found.append(number + 1)
        return found

    def cut_short(self) -> bool:
        """Whether the last entry that was made is not the last that is there."""
        return (self.entries[-1].chain if self.entries else log_chain.GENESIS) != self._head

    def tamper(self, how: str, index: int) -> None:
        """Change the stored log behind the device's back. IndexError: there is no such entry."""
        entries = self.entries
        if not 0 <= index < len(entries):
            raise IndexError(f"the log has entries 0 to {len(entries) - 1}, not {index}")
        if how == "flip":
            entry = entries[index]
            changed = chr(ord(entry.event[0]) ^ 1) + entry.event[1:]
            entries[index] = replace(entry, event=changed)
        elif how == "truncate":
            del entries[index:]
        elif how == "swap":
            other = index + 1 if index + 1 < len(entries) else index - 1
            if other < 0:
                raise IndexError("the log has one entry only; there is nothing to swap it with")
            entries[index], entries[other] = entries[other], entries[index]
        elif how == "delete":
            del entries[index]
        else:
            raise ValueError(f"{how} is none of {', '.join(WAYS)}")


def chained_anew(entries: Sequence[Entry]) -> list[Entry]:
    """The same entries numbered and chained as if nothing had ever happened to them."""
    chain, fresh = log_chain.GENESIS, []
    for number, entry in enumerate(entries, 1):
        numbered = replace(entry, sequence=number)
        chain = log_chain.link(chain, numbered)
        fresh.append(replace(numbered, chain=chain))
    return fresh
