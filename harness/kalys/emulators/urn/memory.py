"""What an urn remembers without power, and nothing else.

``NonVolatile`` is the device's memory chip: definition, records, counters, event log, keys, clock,
event counter, the event ring and the transaction of the sheet that is being accepted. It survives
power loss and restart. Whatever else the urn knows (log-in, upload, print job, what is on the
display) is in ``core`` and is gone.

A ``Book`` is one set of records with its counters: the votes and, apart from them, the tests
(REP-003). Counters are kept beside the records, as real urns do, so that the integrity monitor can
compare.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone
from typing import Any

from kalys.ballots.package import UrnPackage
from kalys.election.definition import Contest
from kalys.election.rules import Judgement
from kalys.election.tally import Tally
from kalys.emulators.urn.clock import DeviceClock
from kalys.emulators.urn.event_log import EventLog
from kalys.protocols.urn import mark_text
from kalys.protocols.urn.messages import Event, ReturnReason, Role, UrnState

EVENT_RING = 8192        # events kept for EVENTS_SINCE
ARCHIVES = 4             # past elections kept


@dataclass(frozen=True, slots=True)
class Record:
    """A cast vote record. ``id`` is random; ``judgement`` is what the counters got for it.

    ``marginal[contest][option]`` is the fill of a mark that is neither vote nor no vote.
    """

    id: str
    style: str
    valid: bool
    marks: Mapping[str, tuple[str, ...]]
    judgement: Judgement
    marginal: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def row(self) -> dict[str, Any]:
        """The record as the RECORDS operation hands it out."""
        return {
            "id": self.id, "style": self.style, "valid": self.valid,
            "marks": mark_text.write_marks(self.marks),
            "marginal": mark_text.write_marginal(self.marginal),
        }


class Book:
    """Records and the counters that go with them.

    ``carried`` is what the counters began with; nothing in a healthy urn.
    """

    def __init__(self, contests: tuple[Contest, ...]) -> None:
        self.contests = contests
        self.records: list[Record] = []
        self.counters = Tally(contests)
        self.carried: dict[tuple[str, str], int] = {}
        self.returned: Counter[ReturnReason] = Counter()

    def add(self, record: Record) -> None:
        """Commit a record and count it."""
        self.records.append(record)
        self.counters.add(record.judgement)

    def carry(self, votes: Mapping[tuple[str, str], int]) -> None:
        """Begin with these votes in the counters; a healthy urn never has any."""
        for (contest, option), number in votes.items():
            self.carried[contest, option] = number
            self.counters.votes[contest][option] += number

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


@dataclass(frozen=True, slots=True)
class Transaction:
    """A sheet past the point of no return: committed, and not yet fallen."""

    sheet: int
    record: Record
    test: bool


@dataclass(frozen=True, slots=True)
class Poll:
    """The hours of the polls, from the package: local moments."""

    opens: datetime
    closes: datetime

    @classmethod
    def of(cls, day: date, opens: time, closes: time, offset_min: int) -> Poll:
        zone = timezone(timedelta(minutes=offset_min))
        return cls(datetime.combine(day, opens, zone), datetime.combine(day, closes, zone))


@dataclass
class NonVolatile:
    """The memory of one urn. See the module."""

    clock: DeviceClock
    log: EventLog
    keys: dict[Role, bytes]
    parameters: dict[str, float]
    state: UrnState = UrnState.STANDBY
    state_before_fault: UrnState = UrnState.STANDBY
    package: UrnPackage | None = None
    poll: Poll | None = None
    definition_sha256: bytes = b""
    votes: Book = field(default_factory=lambda: Book(()))
    tests: Book = field(default_factory=lambda: Book(()))
    imports: dict[str, dict[str, Any]] = field(default_factory=dict)   # by serial of the other urn
    zero_report: bool = False
    transaction: Transaction | None = None
    sheet_number: int = 0
    report_number: int = 0
    box_count: int = 0
    counted_ever: int = 0
    event_counter: int = 0
    event_number: int = 0
    events: deque[Event] = field(default_factory=lambda: deque(maxlen=EVENT_RING))
    software_sha256: bytes = b""
    software_suffix: str = ""
    orderly: bool = False            # the last shut-down was asked for
    archive: deque[tuple[str, Book]] = field(default_factory=lambda: deque(maxlen=ARCHIVES))
    wrong_attempts: dict[Role, int] = field(default_factory=dict)
    locked_until: dict[Role, int] = field(default_factory=dict)   # ns of the world

    @property
    def book(self) -> Book:
        """The book that sheets count in now: the tests while in test mode."""
        return self.tests if self.state is UrnState.TEST else self.votes

    def define(self, package: UrnPackage, sha256: bytes) -> None:
        """Take a definition into use, with empty books."""
        self.package = package
        self.poll = Poll.of(package.date, package.opens, package.closes, package.offset_min)
        self.definition_sha256 = sha256
        self.votes, self.tests = Book(package.contests), Book(package.contests)
        self.imports = {}
        self.zero_report = False

    def clear_tests(self) -> None:
        """Begin the book of tests anew."""
        self.tests = Book(self.votes.contests)

    def forget_election(self) -> None:
        """Archive the votes and stand without a definition."""
        if self.package is not None:
            self.archive.append((self.package.definition.id, self.votes))
        self.package = None
        self.poll = None
        self.definition_sha256 = b""
        self.votes, self.tests = Book(()), Book(())
        self.imports = {}
        self.zero_report = False
        self.transaction = None
