"""Totals of many judged sheets: the shape in which deck truth, records and reports are compared.

Sums only; a tally never forgets and never goes down. Options and contests appear from the start, so
that a zero is a statement and not an absence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kalys.election.definition import Contest
from kalys.election.rules import Judgement


class Tally:
    """Sheets, valid and invalid; votes per contest and option; overvotes and undervotes."""

    def __init__(self, contests: Iterable[Contest]) -> None:
        self.sheets = 0
        self.valid = 0
        self.invalid = 0
        self.votes: dict[str, dict[str, int]] = {}
        self.overvotes: dict[str, int] = {}
        self.undervotes: dict[str, int] = {}
        for contest in contests:
            self.votes[contest.id] = dict.fromkeys(contest.option_ids, 0)
            self.overvotes[contest.id] = 0
            self.undervotes[contest.id] = 0

    def add(self, judgement: Judgement) -> None:
        """Count one sheet. Raises KeyError for a contest or option that is not in this tally."""
        self.sheets += 1
        if judgement.valid:
            self.valid += 1
        else:
            self.invalid += 1
        for contest, options in judgement.votes.items():
            row = self.votes[contest]
            for option in options:
                row[option] = row[option] + 1
        for contest, count in judgement.overvotes.items():
            self.overvotes[contest] += count
        for contest, count in judgement.undervotes.items():
            self.undervotes[contest] += count

    def merge(self, other: Tally) -> None:
        """Add all of ``other`` to this tally; contests and options of either are kept."""
        self.sheets += other.sheets
        self.valid += other.valid
        self.invalid += other.invalid
        for contest, row in other.votes.items():
            mine = self.votes.setdefault(contest, {})
            for option, count in row.items():
                mine[option] = mine.get(option, 0) + count
        for own, theirs in ((self.overvotes, other.overvotes), (self.undervotes, other.undervotes)):
            for contest, count in theirs.items():
                own[contest] = own.get(contest, 0) + count

    def to_dict(self) -> dict[str, Any]:
        """Plain data, in ballot order."""
        return {
            "sheets": self.sheets,
            "valid": self.valid,
            "invalid": self.invalid,
            "votes": {contest: dict(row) for contest, row in self.votes.items()},
            "overvotes": dict(self.overvotes),
            "undervotes": dict(self.undervotes),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Tally:
        """The tally that ``to_dict`` wrote."""
        tally = cls(())
        tally.sheets = int(data["sheets"])
        tally.valid = int(data["valid"])
        tally.invalid = int(data["invalid"])
        tally.votes = {c: {o: int(n) for o, n in row.items()} for c, row in data["votes"].items()}
        tally.overvotes = {c: int(n) for c, n in data["overvotes"].items()}
        tally.undervotes = {c: int(n) for c, n in data["undervotes"].items()}
        return tally

    def difference(self, other: Tally) -> list[str]:
        """Each number in which the two differ, as "name: this, other"; empty when they agree."""
        mine, theirs = _flat(self), _flat(other)
        return [
            f"{name}: {mine.get(name, 'absent')}, {theirs.get(name, 'absent')}"
            for name in {**mine, **theirs}
            if mine.get(name) != theirs.get(name)
        ]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tally) and _flat(self) == _flat(other)

    __hash__ = None  # type: ignore[assignment]  # a tally changes

    def __repr__(self) -> str:
        return f"Tally({self.sheets} sheets, {self.valid} valid, {self.invalid} invalid)"


def _flat(tally: Tally) -> dict[str, int]:
    flat = {"sheets": tally.sheets, "valid": tally.valid, "invalid": tally.invalid}
    for contest, row in tally.votes.items():
        flat |= {f"{contest}/{option}": count for option, count in row.items()}
    flat |= {f"{contest} overvotes": count for contest, count in tally.overvotes.items()}
    flat |= {f"{contest} undervotes": count for contest, count in tally.undervotes.items()}
    return flat
