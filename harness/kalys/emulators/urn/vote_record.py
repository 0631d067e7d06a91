"""A cast vote record and the transaction of its sheet, in memory and as the bytes that are kept.

Stored, a record is text fields separated by the unit separator (ISO 646, 1F): id, style, whether it
is valid, what the counters got for it (reason, votes, overvotes, undervotes), marginal marks, and
the marks. Marks and numbers are written as on the urn's link (``kalys.protocols.urn.mark_text``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kalys.election.definition import Contest
from kalys.election.rules import Judgement, judge_sheet
from kalys.protocols.urn import mark_text

SEPARATOR = "\x1f"
FIELDS = 9
UNWRITTEN = b"\xff"


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

    def stored(self) -> str:
        """The record as it is kept."""
        judgement = self.judgement
        return SEPARATOR.join((
            self.id, self.style, "1" if self.valid else "0",
            judgement.reason, mark_text.write_marks(judgement.votes),
            mark_text.write_counts(judgement.overvotes),
            mark_text.write_counts(judgement.undervotes),
            mark_text.write_marginal(self.marginal), mark_text.write_marks(self.marks),
        ))

    @classmethod
    def from_stored(cls, text: str) -> Record:
        """The record that ``stored`` wrote; ValueError for anything else."""
        name, style, valid, reason, votes, over, under, marginal, marks = text.split(SEPARATOR)
        judgement = Judgement(
            valid == "1", reason, mark_text.read_marks(votes), mark_text.read_counts(over),
            mark_text.read_counts(under),
        )
        return cls(name, style, valid == "1", mark_text.read_marks(marks), judgement,
                   mark_text.read_marginal(marginal))

    @classmethod
    def from_half(cls, data: bytes, contests: Sequence[Contest]) -> Record:
        """What a careless reader makes of the beginning of a record: the marks that are there."""
        text = data.rstrip(UNWRITTEN).decode("utf-8", "ignore")
        parts = [*text.split(SEPARATOR), *[""] * FIELDS]
        known = {contest.id: set(contest.option_ids) for contest in contests}
        marks: dict[str, tuple[str, ...]] = {}
        for part in parts[FIELDS - 1].split(";"):
            contest, _, option = part.partition("/")
            if option in known.get(contest, ()):
                marks[contest] = (*marks.get(contest, ()), option)
        judgement = judge_sheet(contests, marks)
        return cls(parts[0], parts[1], judgement.valid, marks, judgement)


@dataclass(frozen=True, slots=True)
class Transaction:
    """A sheet that was read and accepted: prepared for counting, and not yet counted.

    It is written before its sheet can reach the point of no return. Past that point it is bound to
    be counted; before, it is given up with its sheet.
    """

    sheet: int
    record: Record
    test: bool

    def stored(self) -> dict[str, Any]:
        """The transaction as plain data."""
        return {"sheet": self.sheet, "test": self.test, "record": self.record.stored()}

    @classmethod
    def from_stored(cls, data: Mapping[str, Any]) -> Transaction:
        return cls(int(data["sheet"]), Record.from_stored(data["record"]), bool(data["test"]))
