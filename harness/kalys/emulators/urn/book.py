"""A book of an urn: records of votes with the counters that go with them, in memory and stored.

The votes are one book and, apart from them, the tests another (REP-003). Each has an area of
storage for its records, one frame a record, and a page in two slots for its counters. The record is
what counts: after a start the counters are those of the newest whole page, brought up to the
records that came after it. Counters are kept beside the records, as real urns do, so that the
integrity monitor can compare.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from kalys.election.definition import Contest
from kalys.election.tally import Tally
from kalys.emulators.urn.behaviour import Behaviour
from kalys.emulators.urn.storage import Storage
from kalys.emulators.urn.vote_record import Record
from kalys.protocols.urn.messages import ReturnReason


class Returned(Counter[ReturnReason]):
    """Sheets given back, by reason. ``changing`` is called before a number changes."""

    changing: Callable[[], None] | None = None

    def __setitem__(self, reason: ReturnReason, number: int) -> None:
        if self.changing is not None:
            self.changing()
        super().__setitem__(reason, number)


class Book:
    """Records and counters. ``carried`` is what the counters began with; nothing in a healthy urn.

    ``number`` names its places in ``storage``; a book without storage is one that holds nothing.
    """

    def __init__(
        self, contests: tuple[Contest, ...], number: int = 0, storage: Storage | None = None,
        changing: Callable[[], None] | None = None,
    ) -> None:
        self.contests = contests
        self.number = number
        self.records: list[Record] = []
        self.counters = Tally(contests)
        self.carried: dict[tuple[str, str], int] = {}
        self.returned = Returned()
        self.returned.changing = changing
        self._changing = changing
        self._storage = storage
        self._pages = 0
        self.unfinished = 0          # writes of records that were broken off, found at the start

    def add(self, record: Record) -> None:
        """Commit a record and count it."""
        self.records.append(record)
        self.counters.add(record.judgement)
        if self._storage is not None:
            self._storage.append(self.area, record.stored().encode())
            self.keep_counters()

    def carry(self, votes: Mapping[tuple[str, str], int]) -> None:
        """Begin with these votes in the counters; a healthy urn never has any."""
        if not votes:
            return
        if self._changing is not None:
            self._changing()
        for (contest, option), number in votes.items():
            self.carried[contest, option] = number
            self.counters.votes[contest][option] += number
        self.keep_counters()

    def recount(self) -> Tally:
        """The counters as the records say they must be."""
        tally = Tally(self.contests)
        for (contest, option), votes in self.carried.items():
            tally.votes[contest][option] += votes
        for record in self.records:
            tally.add(record.judgement)
        return tally

    @property
    def zero(self) -> bool:
        """Whether every counter is zero and there is no record."""
        counters = self.counters
        numbers = [counters.valid, counters.invalid, *counters.overvotes.values(),
                   *counters.undervotes.values()]
        numbers += [n for row in counters.votes.values() for n in row.values()]
        return not self.records and not any(numbers)

    # Stored

    @property
    def area(self) -> str:
        """Where its records are."""
        return f"book-{self.number}"

    @property
    def page(self) -> str:
        """Where its counters are."""
        return f"counters-{self.number}"

    def keep_counters(self) -> None:
        """Write the counters as they are now."""
        if self._storage is not None:
            self._pages += 1
            numbers = (self._pages, len(self.records), *_numbers(self.counters))
            payload = struct.pack(f">{len(numbers)}q", *numbers)
            self._storage.write_page(self.page, self._pages, payload)

    def rewrite(self) -> None:
        """Write all of it anew."""
        if self._storage is not None:
            self._storage.rewrite(
                self.area, [record.stored().encode() for record in self.records])
            self.keep_counters()

    def forget(self) -> None:
        """Erase it."""
        if self._storage is not None:
            self._storage.erase(self.area)
            for slot in ("a", "b"):
                self._storage.erase(f"{self.page}-{slot}")

    def told(self) -> dict[str, Any]:
        """What the settings say of it, as plain data."""
        return {
            "number": self.number,
            "carried": [[contest, option, n] for (contest, option), n in self.carried.items()],
            "returned": {reason.value: n for reason, n in self.returned.items()},
        }

    def read_back(
        self, told: Mapping[str, Any], behaviour: Behaviour, *, one_pending: bool
    ) -> list[str]:
        """Fill it from storage; what is damaged, in words. ``one_pending``: a sheet that may have
        been counted on the page and whose record was lost waits to be counted again."""
        assert self._storage is not None
        self.carried = {(c, o): int(n) for c, o, n in told["carried"]}
        for reason, number in told["returned"].items():
            Counter.__setitem__(self.returned, ReturnReason(reason), int(number))
        checked = behaviour.checks_memory()
        reading = self._storage.read(self.area, checked=checked)
        for frame in reading.frames:
            if frame.value is None:
                frame.value = (
                    Record.from_stored(frame.payload.decode()) if frame.good
                    else Record.from_half(frame.payload, self.contests)
                )
            self.records.append(frame.value)
        self.unfinished = reading.unfinished
        found = [f"record {number} cannot be read" for number in reading.damaged]
        pages = sorted(
            struct.unpack(f">{len(page) // 8}q", page)
            for page in self._storage.read_page(self.page)
        )
        self._pages = pages[-1][0] if pages else 0
        if pages and pages[-1][1] > len(self.records) + one_pending:
            found.append(f"{pages[-1][1]} ballots were counted, {len(self.records)} records are "
                         "there")
        self._read_counters([page[1:] for page in pages], behaviour)
        return found

    def _read_counters(self, pages: list[tuple[int, ...]], behaviour: Behaviour) -> None:
        """The counters of the newest page that is not ahead of the records, brought up to date."""
        fitting = [page for page in pages if page[0] <= len(self.records)]
        if not fitting:
            self.counters = self.recount()
            return
        up_to_date = behaviour.brings_counters_up_to_date()
        counted, *numbers = fitting[-1 if up_to_date else 0]
        _set(self.counters, numbers)
        if up_to_date:
            for record in self.records[counted:]:
                self.counters.add(record.judgement)


def _numbers(tally: Tally) -> list[int]:
    """Every number of a tally, in ballot order."""
    numbers = [tally.sheets, tally.valid, tally.invalid]
    for contest, row in tally.votes.items():
        numbers += (tally.overvotes[contest], tally.undervotes[contest])
        numbers += row.values()
    return numbers


def _set(tally: Tally, numbers: list[int]) -> None:
    """The reverse of ``_numbers``."""
    rest = iter(numbers)
    tally.sheets, tally.valid, tally.invalid = next(rest), next(rest), next(rest)
    for contest, row in tally.votes.items():
        tally.overvotes[contest], tally.undervotes[contest] = next(rest), next(rest)
        row.update(zip(row, rest, strict=False))
