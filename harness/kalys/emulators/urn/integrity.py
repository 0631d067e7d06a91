"""The integrity monitor: counters against records, before every cast, opening and report (ACC-008).

It keeps a count of its own, made from the records at every start and kept up with each cast; so a
counter that was changed behind its back shows at once, whether it went down, below zero, or above
the number of ballots. Comparing is a few dictionary comparisons and costs microseconds.
"""

from __future__ import annotations

from kalys.election.tally import Tally
from kalys.emulators.urn.memory import Book, NonVolatile, Record


class IntegrityMonitor:
    """Volatile: begins from the records at every start."""

    def __init__(self, memory: NonVolatile) -> None:
        self._memory = memory
        self.begin()

    def begin(self) -> None:
        """Count the records anew (after a start, and whenever the books were changed)."""
        self._votes = self._memory.votes.recount()
        self._tests = self._memory.tests.recount()

    def counted(self, record: Record, test: bool) -> None:
        """A record was added to its book."""
        (self._tests if test else self._votes).add(record.judgement)

    def findings(self) -> list[str]:
        """What is wrong, in words that betray no vote; empty when all is well."""
        memory = self._memory
        return [
            f"{name}: {what}"
            for name, book, expected in (
                ("votes", memory.votes, self._votes), ("tests", memory.tests, self._tests)
            )
            if (what := _difference(book, expected))
        ]


def restore(memory: NonVolatile) -> None:
    """Set the counters to what the records say."""
    for book in (memory.votes, memory.tests):
        book.counters = book.recount()
        book.keep_counters()


def _difference(book: Book, expected: Tally) -> str:
    counters = book.counters
    if (
        counters.votes == expected.votes
        and counters.valid == expected.valid
        and counters.invalid == expected.invalid
        and counters.overvotes == expected.overvotes
        and counters.undervotes == expected.undervotes
        and len(book.records) == counters.sheets == expected.sheets
    ):
        return ""
    numbers = [n for row in counters.votes.values() for n in row.values()]
    if any(n < 0 for n in numbers):
        return "a counter is below zero"
    if any(n > counters.valid for n in numbers):
        return "a counter is above the number of valid ballots"
    return f"{len(counters.difference(expected))} counters differ from the records"
