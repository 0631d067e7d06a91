"""From the shards of a volume campaign to its observations.

A pure function of what stands in the journal's shard records: run while the campaign goes on, run
again when it is continued, and run once more by ``kalys verify``. A wrong sheet is an observation
of its own, and so is each run of right sheets between two of them, in deck order: a sequential test
then sees an error where it came. A core that is wrong on more than ``MOST_SINGLY`` sheets is so
wrong that the place does not matter: from the shard on in which that shows, a shard is one
observation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kalys.procedures.shard_count import MOST_SINGLY, ShardCount, WrongSheet

OF_POSITIONS = ("ACC-001", "ACC-002", "ACC-004")
OF_BALLOTS = "ACC-005"
OF_TOTALS = "ACC-006"
OF_COMPARISONS = "ACC-009"
OF_SHEETS = "MET-005"
ALL = (*OF_POSITIONS, OF_BALLOTS, OF_TOTALS, OF_COMPARISONS, OF_SHEETS)
_MOST_NAMED = 5


@dataclass(frozen=True)
class Told:
    """What is to be observed: the arguments of ``Session.count``, or of ``blocked``."""

    requirement: str
    trials: int = 0
    failures: int = 0
    condition: str = ""
    note: str = ""
    sheet: str = ""
    sheets: int = 0
    bad_sheets: int = 0
    blocked: bool = False

    def same_as(self, other: Any) -> bool:
        """Whether an observation of the journal says the same."""
        wanted = "blocked" if self.blocked else "count"
        return other.kind == wanted and all(
            getattr(self, name) == getattr(other, name)
            for name in ("requirement", "trials", "failures", "condition", "note", "sheet",
                         "sheets", "bad_sheets")
        )


class VolumeObservations:
    """The observations of one campaign. ``each``: positions of one sheet."""

    def __init__(self, each: int) -> None:
        self._each = each
        self._wrong = self._counted = self._shown = 0
        self._misread = 0
        self._errors: Counter[str] = Counter()
        self._off: Counter[str] = Counter()
        self._notes: list[str] = []

    @property
    def wrong(self) -> int:
        """Sheets that went wrong so far."""
        return self._wrong

    def shard(self, first: int, count: ShardCount) -> Iterator[Told]:
        """What the next shard gives, whose first sheet has the place ``first`` in the deck."""
        self._wrong += count.misread + count.uncounted
        self._misread += count.misread
        self._counted += count.counted
        self._shown += count.shown
        self._errors.update(count.errors)
        self._off.update(count.off)
        self._notes += count.notes[: _MOST_NAMED - len(self._notes)]
        if self._wrong > MOST_SINGLY:
            yield from self._together(first, count)
            return
        start = first
        for wrong in count.wrong:
            yield from self._right(start, wrong.place)
            yield from self._one(wrong)
            start = wrong.place + 1
        yield from self._right(start, first + count.shown)

    def lost(self, first: int, last: int, why: str) -> Iterator[Told]:
        """What a shard gives that no worker brought to its end."""
        for requirement in (*OF_POSITIONS, OF_BALLOTS, OF_SHEETS):
            yield Told(requirement, note=f"{_sheets(first, last)}: {why}", blocked=True)

    def end(self) -> Iterator[Told]:
        """What the campaign as a whole gives."""
        if not self._counted:
            for requirement in (*OF_POSITIONS, OF_BALLOTS, OF_TOTALS):
                yield Told(requirement, note="none of the sheets was counted", blocked=True)
            return
        positions = self._each * self._counted
        off = {place: votes for place, votes in sorted(self._off.items()) if votes}
        yield Told(
            OF_TOTALS, positions, min(positions, sum(map(abs, off.values()))),
            condition="totals of the volume deck",
            note="; ".join(f"{place}: {votes:+d} votes" for place, votes in
                           sorted(off.items(), key=lambda o: (-abs(o[1]), o[0]))[:_MOST_NAMED]),
        )
        yield Told(
            OF_COMPARISONS, self._each + 1,
            min(len(self._errors) or int(bool(self._misread)), self._each + 1),
            condition="volume: deck = records = totals", note="; ".join(self._notes),
        )

    def _right(self, start: int, end: int) -> Iterator[Told]:
        sheets = end - start
        if sheets <= 0:
            return
        told = _sheets(start, end)
        for requirement in OF_POSITIONS:
            yield Told(requirement, sheets * self._each, condition=told, sheets=sheets)
        yield Told(OF_BALLOTS, sheets, condition=told, sheets=sheets)
        yield Told(OF_SHEETS, sheets, condition=told)

    def _one(self, wrong: WrongSheet) -> Iterator[Told]:
        about: dict[str, Any] = {
            "condition": "volume deck", "note": wrong.said, "sheet": wrong.sheet,
        }
        if wrong.counted:
            failures = min(wrong.failures, self._each)
            for requirement in OF_POSITIONS:
                yield Told(requirement, self._each, failures, sheets=1, bad_sheets=1, **about)
            yield Told(OF_BALLOTS, 1, 1, sheets=1, bad_sheets=1, **about)
        yield Told(OF_SHEETS, 1, 1, **about)

    def _together(self, first: int, count: ShardCount) -> Iterator[Told]:
        told = _sheets(first, first + count.shown)
        by_position = sorted(count.errors.items(), key=lambda item: (-item[1], item[0]))
        note = "; ".join(f"{place}: {n} wrong" for place, n in by_position[:_MOST_NAMED])
        if count.counted:
            trials = count.counted * self._each
            for requirement in OF_POSITIONS:
                yield Told(
                    requirement, trials, min(count.failures, trials), told, note,
                    sheets=count.counted, bad_sheets=count.misread,
                )
            yield Told(
                OF_BALLOTS, count.counted, count.misread, told, note,
                sheets=count.counted, bad_sheets=count.misread,
            )
        said = "; ".join(
            f"sheet {wrong.sheet}: {wrong.said}" for wrong in count.wrong[:_MOST_NAMED]
        )
        yield Told(OF_SHEETS, count.shown, count.misread + count.uncounted, told, said)


def _sheets(first: int, last: int) -> str:
    """Sheets are numbered from 1 for people; ``last`` is the first that does not belong to it."""
    return f"sheets {first + 1} to {last}"
