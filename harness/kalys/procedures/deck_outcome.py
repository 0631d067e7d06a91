"""What became of a deck, whatever device it was given to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kalys.ballots.sheet import Sheet
from kalys.devices.roles import BoxContents
from kalys.procedures.comparison import Comparison, Pair, join
from kalys.procedures.feeding import Fed


@dataclass(frozen=True)
class DeckRun:
    """What became of a deck. ``wrong[sheet id]`` says what was wrong with a sheet, in words;
    ``box`` is None for a device that has none."""

    style: str
    fed: tuple[tuple[Sheet, Fed], ...]
    comparison: Comparison
    box: BoxContents | None
    wrong: dict[str, str]

    @property
    def counted(self) -> tuple[Sheet, ...]:
        return tuple(sheet for sheet, fed in self.fed if fed.counted)

    @property
    def pairs(self) -> dict[str, Pair]:
        """The pair of sheet and record by sheet id, for the sheets that were counted."""
        return {pair.sheet.id: pair for pair in self.comparison.pairs if pair.sheet is not None}

    @property
    def strays(self) -> tuple[Pair, ...]:
        """Records that belong to no counted sheet."""
        return tuple(pair for pair in self.comparison.pairs if pair.sheet is None)


def joined(style: str, runs: Sequence[DeckRun]) -> DeckRun:
    """Several runs with parts of one deck, as one."""
    boxes = [run.box for run in runs if run.box is not None]
    return DeckRun(
        style,
        tuple(fed for run in runs for fed in run.fed),
        join([run.comparison for run in runs]),
        BoxContents(
            tuple(sheet for box in boxes for sheet in box.valid),
            tuple(sheet for box in boxes for sheet in box.invalid),
        ) if boxes else None,
        {sheet: text for run in runs for sheet, text in run.wrong.items()},
    )
