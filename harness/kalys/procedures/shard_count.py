"""What the answers to one shard of a campaign come to, judged by the truth of its sheets.

`ShardJudge` is given sheets and answers one after another and keeps only what is wrong; a
`ShardCount` is the small sum that goes into the journal. The same code judges while the core is
asked and when ``kalys verify`` reads the answers again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from kalys.ballots.layout import Layout
from kalys.ballots.sheet import Sheet
from kalys.devices.roles import VoteRecord
from kalys.election.definition import Contest
from kalys.procedures.comparison import (
    Pair,
    compare_pairs,
    expected_tally,
    tally_of_records,
)
from kalys.procedures.core_answers import Judged, SheetAnswer, judged, plainly_right
from kalys.procedures.core_errors import Breakdown, Facets

MOST_SINGLY = 200
"""Wrong sheets that a campaign tells one by one."""
_MOST_NOTES = 5


@dataclass(frozen=True)
class WrongSheet:
    """A sheet that went wrong: its ``place`` in the deck, whether it was counted all the same, and
    at how many positions what was read differs from what is on it."""

    place: int
    sheet: str
    counted: bool
    failures: int
    said: str


@dataclass(frozen=True)
class ShardCount:
    """The sum of a shard.

    ``shown`` sheets, of which ``counted`` were counted, ``misread`` of these wrong, at ``failures``
    positions, and ``uncounted`` were not counted though they should have been (or had no answer).
    ``wrong`` names the wrong sheets in deck order, ``MOST_SINGLY`` at most. ``errors`` counts wrong
    positions by "contest/option", ``off`` how many votes too many the answers give each.
    ``ended`` says why the deck ends here, "" when it does not.
    """

    shown: int
    counted: int
    misread: int
    failures: int
    uncounted: int
    wrong: tuple[WrongSheet, ...] = ()
    errors: Mapping[str, int] = field(default_factory=dict)
    off: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    facets: Facets = field(default_factory=dict)
    ended: str = ""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ShardCount:
        """The count that ``to_dict`` wrote; TypeError, KeyError or ValueError when it is none."""
        plain = dict(data)
        plain["wrong"] = tuple(WrongSheet(**sheet) for sheet in plain["wrong"])
        plain["notes"] = tuple(plain["notes"])
        count = cls(**plain)
        numbers = (count.shown, count.counted, count.misread, count.failures, count.uncounted)
        if any(not isinstance(number, int) or number < 0 for number in numbers):
            raise ValueError("numbers of sheets are whole and not negative")
        return count


class ShardJudge:
    """Judges the answers to one shard, in deck order from the sheet at ``first`` on."""

    def __init__(
        self, contests: Sequence[Contest], style: str, layout: Layout, first: int
    ) -> None:
        self._contests = contests
        self._first = first
        self._breakdown = Breakdown(contests, style, layout)
        self._shown = self._counted = self._uncounted = self._misread = self._failures = 0
        self._pairs: list[Pair] = []
        self._wrong: list[WrongSheet] = []

    def add(self, sheet: Sheet, answer: SheetAnswer) -> Judged | None:
        """Take the next sheet into account; what is wrong with it, None when nothing is."""
        place = self._first + self._shown
        self._shown += 1
        if plainly_right(sheet, answer):
            self._counted += 1
            assert sheet.truth is not None
            record = VoteRecord(sheet.id, sheet.style, sheet.truth.valid, {
                contest: tuple(options) for contest, options in sheet.truth.marks.items()
            })
            self._breakdown.add(sheet, Pair(sheet, record), wrong=False)
            return None
        found = judged(sheet, answer, self._contests)
        self._breakdown.add(sheet, found.pair, wrong=bool(found.said))
        self._counted += found.pair is not None
        if not found.said:
            return None
        failures = 0
        if found.pair is None:
            self._uncounted += 1
        else:
            # A sheet that is only put into the wrong class is wrong in one position.
            failures = len(found.pair.missed | found.pair.invented) or 1
            self._misread += 1
            self._failures += failures
            self._pairs.append(found.pair)
        if len(self._wrong) < MOST_SINGLY:
            self._wrong.append(
                WrongSheet(place, sheet.id, found.pair is not None, failures, found.said)
            )
        return found

    def count(self, ended: str = "") -> ShardCount:
        """The sum of all that was added."""
        records = [pair.record for pair in self._pairs if pair.record is not None]
        summed = tally_of_records(self._contests, records)
        expected = expected_tally(
            self._contests, [pair.sheet for pair in self._pairs if pair.sheet is not None]
        )
        compared = compare_pairs(self._contests, tuple(self._pairs), summed, summed)
        off: Counter[str] = Counter()
        for sign, tally in ((1, summed), (-1, expected)):
            for contest, row in tally.votes.items():
                for option, votes in row.items():
                    off[f"{contest}/{option}"] += sign * votes
        return ShardCount(
            self._shown, self._counted, self._misread, self._failures, self._uncounted,
            tuple(self._wrong),
            {"/".join(position): n for position, n in sorted(compared.errors.items())},
            {position: votes for position, votes in sorted(off.items()) if votes},
            compared.notes[:_MOST_NOTES], self._breakdown.facets(), ended,
        )
