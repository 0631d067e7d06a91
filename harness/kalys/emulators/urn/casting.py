"""Casting a ballot: a sheet is read, counted in its book, or back with the voter.

``passage`` brings the sheet and takes it away; here it becomes a record, and everybody is told.
"""

from __future__ import annotations

from collections.abc import Callable

from kalys.emulators.paper import Bundle, Image
from kalys.emulators.urn.mainboard import Mainboard
from kalys.emulators.urn.memory import Record, Transaction
from kalys.protocols.urn.messages import EventKind, ReturnReason, UrnState

# The resource that a cast's entry names: the book of votes, the book of tests.
BOOKS = ("vote book", "test book")
TEST_BEGUN = "test mode on"      # the entry with which a book of tests begins


class Casting:
    """``scan`` is the scanner's view of what lies before it, ``infrared`` what the sensor of the
    security mark measures: which share of the mark answers, and of the print beside it."""

    def __init__(
        self, board: Mainboard, scan: Callable[[Bundle], Image],
        infrared: Callable[[Bundle], tuple[float, float]],
    ) -> None:
        self._board = board
        self._scan = scan
        self._infrared = infrared

    def in_time(self) -> bool:
        """Whether a sheet that is offered now comes within the hours. Tests have no hours."""
        board, memory = self._board, self._board.memory
        if memory.state is UrnState.TEST:
            return True
        if board.configuration.accept_after_hours and memory.poll is not None:
            return board.now() >= memory.poll.opens
        return board.behaviour.may_open(memory.state, board.within_hours())

    def read(self, bundle: Bundle) -> tuple[ReturnReason | None, Record | None]:
        """What the counting core makes of the sheet at the scanner, if the sheet is genuine."""
        board = self._board
        if board.core is None or board.memory.package is None:
            return ReturnReason.NOT_OPEN, None
        reason, record = board.core.read(self._scan(bundle), board.memory.counted_ever)
        mark = board.memory.package.security_mark
        if record is None or mark is None:
            return reason, record
        if not board.behaviour.genuine(mark, self._infrared(bundle)):
            return ReturnReason.UNAUTHENTIC, None
        return reason, record

    def blank_record(self) -> Record:
        """The record of a sheet without a mark."""
        board = self._board
        assert board.core is not None
        return board.core.record({}, board.memory.counted_ever)

    def recount(self, transaction: Transaction) -> None:
        """Count a sheet that fell as the power went, before its record was written. The log's
        entry of it may have been: the two are written in any order."""
        book = self._board.memory.tests if transaction.test else self._board.memory.votes
        entered = self._entered(transaction.test) > len(book.records)
        self.count(transaction, enter=not entered)

    def complete_log(self) -> None:
        """After a loss of power: enter the last cast if its record was written and its entry was
        not. Where more is missing it was no power cut, and nothing is made up."""
        board, memory = self._board, self._board.memory
        if memory.damage:
            return
        for test, book in ((False, memory.votes), (True, memory.tests)):
            if book.records and len(book.records) - self._entered(test) == 1:
                board.log("cast", "sheet counted, entered after a loss of power", "success",
                          BOOKS[test])

    def _entered(self, test: bool) -> int:
        """How many casts the log holds of the book, since it was begun."""
        casts = 0
        for entry in reversed(self._board.memory.log.entries):
            if entry.kind == "cast":
                casts += entry.resource == BOOKS[test]
            elif entry.kind == "definition" or (test and entry.event == TEST_BEGUN):
                break
        return casts

    def count(
        self, transaction: Transaction, *, tell: bool = True, enter: bool = True
    ) -> None:
        """Commit a sheet to its book, ``enter`` it into the log and ``tell`` everybody."""
        board, memory, record = self._board, self._board.memory, transaction.record
        book = memory.tests if transaction.test else memory.votes
        times = board.behaviour.times_counted()
        for _ in range(times):
            memory.count(transaction)
            board.monitor.counted(record, transaction.test)
        if not times:
            memory.transaction = None
        if enter:
            board.log("cast", board.behaviour.cast_text(record), "success",
                      BOOKS[transaction.test])
        if tell:
            compartment = "valid" if record.valid else "invalid"
            board.show("accepted", transaction.sheet)
            board.emit(EventKind.SHEET_ACCEPTED, sheet=transaction.sheet, compartment=compartment)
        counters = book.counters
        board.emit(EventKind.COUNTERS, valid=counters.valid, invalid=counters.invalid,
                   returned=book.returned.total())
        self._look_at_capacity()

    def returned(self, sheet: int, reason: ReturnReason) -> None:
        """A sheet is back with the voter."""
        board = self._board
        board.memory.book.returned[reason] += 1
        board.show("returned", sheet)
        board.emit(EventKind.SHEET_RETURNED, sheet=sheet, reason=reason.value)
        board.log("error", "sheet returned to the voter", reason.value, "paper path")

    def _look_at_capacity(self) -> None:
        board, parameters = self._board, self._board.memory.parameters
        # A small box is not announced as full from its first sheet on.
        limit = min(parameters["capacity_warning"], max(1, int(parameters["capacity"]) // 10))
        if board.capacity_left() <= limit and board.behaviour.warns_of_capacity():
            board.raise_alarm("capacity-low", audible=True)
