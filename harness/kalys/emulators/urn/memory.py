"""What an urn remembers without power, and nothing else.

``NonVolatile`` is what the firmware works with: definition, books of records, event log, keys,
parameters, numbers, the ring of events and the transaction of the sheet that is being accepted.
Whatever of it changes is written to ``storage`` at that moment, and ``read_back`` makes all of it
anew from the bytes that are there: that, and not these objects, is what survives. Whatever else the
urn knows (log-in, upload, print job, what is on the display) is in ``core`` and is gone. The clock
is a chip of its own and runs on its own cell.

How a cut is survived. A ballot is counted when its record is written; everything else is derived
from the records or can be: counters, how full the box is. The transaction that announced the record
stays where it is until the next one, so it makes no difference which of two writes was first: at
start a transaction whose record is in its book is done, and one whose record is not there is
decided by where its sheet is (``passage``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from typing import Any, TypeVar

from kalys.ballots.package import UrnPackage, read_package
from kalys.emulators.urn.behaviour import Behaviour
from kalys.emulators.urn.book import Book
from kalys.emulators.urn.clock import DeviceClock
from kalys.emulators.urn.event_log import EventLog
from kalys.emulators.urn.event_ring import EventRing
from kalys.emulators.urn.storage import Settings, Storage
from kalys.emulators.urn.vote_record import Record, Transaction
from kalys.protocols.urn.messages import Role, UrnState

__all__ = ["Book", "NonVolatile", "Poll", "Record", "Transaction"]

ARCHIVES = 4             # past elections kept
LOG, DEFINITION, LOG_HEAD = "log", "definition", "log-head"

Key = TypeVar("Key")
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Poll:
    """The hours of the polls, from the package: local moments."""

    opens: datetime
    closes: datetime

    @classmethod
    def of(cls, package: UrnPackage) -> Poll:
        zone = timezone(timedelta(minutes=package.offset_min))

        def moment(day: date, hour: time) -> datetime:
            return datetime.combine(day, hour, zone)

        return cls(moment(package.date, package.opens), moment(package.date, package.closes))


class _Kept(dict[Key, Value]):
    """A mapping that says when it is about to change."""

    def __init__(self, changing: Callable[[], None], values: Mapping[Key, Value]) -> None:
        super().__init__(values)
        self._changing = changing

    def __setitem__(self, key: Key, value: Value) -> None:
        self._changing()
        super().__setitem__(key, value)


# Attributes that are settings: setting one writes it.
_SETTINGS = (
    "state", "state_before_fault", "keys", "parameters", "definition_sha256", "votes", "tests",
    "imports", "zero_report", "transaction", "counted_before", "boxed_before", "emptied_at",
    "software_sha256", "software_suffix", "orderly", "archive", "wrong_attempts", "locked_until",
    "last_book",
)
_MAPPINGS = frozenset({"keys", "parameters", "imports", "wrong_attempts", "locked_until"})


class NonVolatile:
    """The memory of one urn. See the module."""

    def __init__(
        self, storage: Storage, now: Callable[[], int], behaviour: Behaviour, *,
        clock: DeviceClock, log: EventLog, keys: Mapping[Role, bytes],
        parameters: Mapping[str, float],
    ) -> None:
        self.storage = storage
        self.clock = clock
        self.log = log
        self.events = EventRing(storage)
        self.damage: list[str] = []          # found by the last ``read_back``
        self.unfinished: list[str] = []      # areas in which it found a write broken off
        self._behaviour = behaviour
        self._works = (dict(keys), dict(parameters))
        log.keep = self._log_entry
        self._settings = Settings(storage, now, _SETTINGS, self._told)
        self._leave_the_works()
        self._settings.snapshot()
        storage.flush()

    def _leave_the_works(self) -> None:
        keys, parameters = self._works
        self.state = UrnState.STANDBY
        self.state_before_fault = UrnState.STANDBY
        self.keys: dict[Role, bytes] = keys
        self.parameters: dict[str, float] = parameters
        self.package: UrnPackage | None = None
        self.poll: Poll | None = None
        self.definition_sha256 = b""
        self.votes = Book(())
        self.tests = Book(())
        self.imports: dict[str, dict[str, Any]] = {}    # by serial of the other urn
        self.zero_report = False
        self.transaction: Transaction | None = None
        self.counted_before = 0                         # votes of former books
        self.boxed_before = 0                           # sheets of former books
        self.emptied_at = 0                             # sheets until the box was emptied
        self.last_book = 0
        self.software_sha256 = b""
        self.software_suffix = ""
        self.orderly = False                            # the last shut-down was asked for
        self.archive: list[tuple[str, int]] = []        # election, number of the book of its votes
        self.wrong_attempts: dict[Role, int] = {}
        self.locked_until: dict[Role, int] = {}         # ns of the world

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _SETTINGS:
            self._settings.changing(name)
            if name == "transaction":
                self._announced: Transaction | None = value
            if name in _MAPPINGS:
                value = _Kept(lambda: self._settings.changing(name), value)
        object.__setattr__(self, name, value)

    # Numbers that were told outside and are never given twice

    @property
    def event_number(self) -> int:
        return self.storage.register("event")

    @event_number.setter
    def event_number(self, value: int) -> None:
        self.storage.set_register("event", value)

    @property
    def sheet_number(self) -> int:
        return self.storage.register("sheet")

    @sheet_number.setter
    def sheet_number(self, value: int) -> None:
        self.storage.set_register("sheet", value)

    @property
    def report_number(self) -> int:
        return self.storage.register("report")

    @report_number.setter
    def report_number(self, value: int) -> None:
        self.storage.set_register("report", value)

    @property
    def event_counter(self) -> int:
        return self.storage.register("event-counter")

    @event_counter.setter
    def event_counter(self, value: int) -> None:
        self.storage.set_register("event-counter", value)

    # Counted and boxed: derived, so that they cannot be out of step with the records

    @property
    def book(self) -> Book:
        """The book that sheets count in now: the tests while in test mode."""
        return self.tests if self.state is UrnState.TEST else self.votes

    @property
    def counted_ever(self) -> int:
        """Votes that this urn has counted in its life."""
        return self.counted_before + len(self.votes.records)

    @property
    def box_count(self) -> int:
        """Sheets in the box, since it was last emptied."""
        return self._boxed() - self.emptied_at

    def empty_box(self) -> None:
        """The box was emptied."""
        self.emptied_at = self._boxed()

    def _boxed(self) -> int:
        return self.boxed_before + len(self.votes.records) + len(self.tests.records)

    # The transaction

    def count(self, transaction: Transaction) -> None:
        """Commit its record. What announced it stays stored; the record says that it is done."""
        (self.tests if transaction.test else self.votes).add(transaction.record)
        object.__setattr__(self, "transaction", None)

    # The election

    def define(self, package: UrnPackage, sha256: bytes, data: bytes) -> None:
        """Take a definition into use, with empty books. ``data`` is the package as loaded."""
        self.storage.begin(DEFINITION, data)
        self.package = package
        self.poll = Poll.of(package)
        self.definition_sha256 = sha256
        self._close_books()
        self.votes, self.tests = self._new_book(package), self._new_book(package)
        self.imports = {}
        self.zero_report = False
        self.transaction = None

    def clear_tests(self) -> None:
        """Begin the book of tests anew."""
        self.boxed_before += len(self.tests.records)
        self.tests.forget()
        assert self.package is not None
        self.tests = self._new_book(self.package)

    def forget_election(self) -> None:
        """Archive the votes and stand without a definition."""
        if self.package is not None:
            kept = [*self.archive, (self.package.definition.id, self.votes.number)]
            for _, number in kept[:-ARCHIVES]:
                Book((), number, self.storage).forget()
            self.archive = kept[-ARCHIVES:]
            self.storage.erase(DEFINITION)
            self.tests.forget()
        self._close_books()
        self.package = None
        self.poll = None
        self.definition_sha256 = b""
        self.votes, self.tests = Book(()), Book(())
        self.imports = {}
        self.zero_report = False
        self.transaction = None

    def _close_books(self) -> None:
        self.counted_before += len(self.votes.records)
        self.boxed_before += len(self.votes.records) + len(self.tests.records)

    def _new_book(self, package: UrnPackage) -> Book:
        self.last_book += 1
        return self._book(package, self.last_book)

    def _book(self, package: UrnPackage, number: int) -> Book:
        return Book(package.contests, number, self.storage, self._books_changing)

    def _books_changing(self) -> None:
        self._settings.changing("votes")
        self._settings.changing("tests")

    def _log_entry(self, data: bytes) -> None:
        self.storage.append(LOG, data)
        self.storage.registers[LOG_HEAD] = data[-32:]

    def tamper_log(self, how: str, index: int) -> None:
        """Change the stored log behind the urn's back. IndexError: there is no such entry."""
        self.log.tamper(how, index)
        self.storage.flush()
        self.storage.rewrite(LOG, [entry.stored() for entry in self.log.entries])

    def damage_stored(self, what: str, index: int) -> bool:
        """Flip a bit of a stored record or log entry behind the urn's back; False: none there."""
        self.storage.flush()
        return self.storage.damage(LOG if what == "log" else self.book.area, index + 1)

    def accept_damage(self) -> None:
        """Somebody has looked: what is left is what there is."""
        if self.damage:
            self.damage = []
            self.storage.rewrite(LOG, [entry.stored() for entry in self.log.entries])
            for book in (self.votes, self.tests):
                book.rewrite()

    # Power

    def flush(self) -> None:
        """Wait until everything is written."""
        self._settings.sync()
        self.storage.flush()

    def cut(self) -> None:
        """The power is gone: what was not written yet is torn or lost."""
        self._settings.sync()
        made = self.storage.last_number(LOG)
        self.storage.cut()
        if made:
            entries = self.storage.read(LOG).frames
            if (entries[-1].number if entries else 0) < made:
                # The head of an entry is written when the entry is: the lost ones have none.
                self.storage.registers[LOG_HEAD] = entries[-1].payload[-32:] if entries else b""

    def read_back(self) -> None:
        """Make everything anew from the bytes that are stored; ``damage`` says what is lost."""
        behaviour = self._behaviour
        self.damage, self.unfinished = [], []
        self.events = EventRing(self.storage)
        told = self._settings.read(behaviour.settings_in_force)
        if not told:
            self._leave_the_works()
            self.damage.append("the settings cannot be read")
            object.__setattr__(self, "state", UrnState.FAULT)
        else:
            self._take(told)
            self._read_books(told)
        log = self.storage.read(LOG)
        frames = behaviour.log_at_start(log.frames, orderly=self.orderly)
        head = self.storage.registers.get(LOG_HEAD, b"")
        if frames is not log.frames:
            head = frames[-1].payload[-32:] if frames else b""
            self.storage.rewrite(LOG, [frame.payload for frame in frames])
        self.log.read_back(frames, head)
        if log.damaged:
            self.damage.append(f"{len(log.damaged)} entries of the event log cannot be read")
        self.unfinished += [LOG] * log.unfinished
        self._settings.forget_changes()

    def _take(self, told: Mapping[str, Any]) -> None:
        """The settings but the books, from plain data."""
        values: dict[str, Any] = {name: told[name] for name in _SETTINGS}
        values["state"] = UrnState(told["state"])
        values["state_before_fault"] = UrnState(told["state_before_fault"])
        for name in ("definition_sha256", "software_sha256"):
            values[name] = bytes.fromhex(told[name])
        values["keys"] = {Role(r): bytes.fromhex(key) for r, key in told["keys"].items()}
        for name in ("wrong_attempts", "locked_until"):
            values[name] = {Role(role): number for role, number in told[name].items()}
        values["archive"] = [(election, number) for election, number in told["archive"]]
        values["transaction"] = None
        for name in ("votes", "tests"):
            del values[name]
        for name, value in values.items():
            setattr(self, name, value)

    def _read_books(self, told: Mapping[str, Any]) -> None:
        """Definition, books, and the transaction if its record is not in its book."""
        self.package = self.poll = None
        self.votes, self.tests = Book(()), Book(())
        definition = self.storage.read(DEFINITION).frames if self.definition_sha256 else []
        if not definition:
            if self.definition_sha256:
                self.damage.append("the definition cannot be read")
            return
        frame = definition[0]
        if frame.value is None:
            frame.value = read_package(frame.payload)
        package: UrnPackage = frame.value
        self.package, self.poll = package, Poll.of(package)
        announced = told["transaction"] and Transaction.from_stored(told["transaction"])
        for name in ("votes", "tests"):
            book = self._book(package, int(told[name]["number"]))
            pending = bool(announced) and announced.test == (name == "tests")
            self.damage += book.read_back(told[name], self._behaviour, one_pending=pending)
            setattr(self, name, book)
            self.unfinished += [name] * book.unfinished
            if pending:
                done = announced.record.id in {record.id for record in book.records}
                if not self._behaviour.transaction_is_done(done):
                    self.transaction = announced

    def _told(self, name: str) -> Any:
        """A setting as plain data."""
        value = getattr(self, name)
        if name in ("votes", "tests"):
            return value.told()
        if name == "transaction":
            # It stays announced when it is done: its record says so.
            return None if self._announced is None else self._announced.stored()
        if isinstance(value, bytes):
            return value.hex()
        if name == "keys":
            return {role.value: key.hex() for role, key in value.items()}
        return value
