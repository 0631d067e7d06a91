"""What a cast vote record must say of a sheet, and what is wrong with one that does not.

NIST SP 1500-103, 3.4.1 and 3.4.2: a clear mark is an indication "yes", a marginal one is "unknown"
with its measure, and where there is no mark there is no indication. A record bears no name of its
sheet, so records are given to sheets by likeness: the pair with the fewest wrong places first. A
right device has a record without a wrong place for every sheet.

Pure functions; nothing here talks to a device.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kalys.election.cast_vote_record_reading import CastVoteRecord, Position

ROUNDING = 0.0001      # measures and thresholds are written with four decimals


@dataclass(frozen=True)
class Band:
    """Fills between no vote (``blank``) and a vote (``vote``). ``told``: these are the device's own
    thresholds, so that its measures must lie between them."""

    blank: float
    vote: float
    told: bool

    def holds(self, metric: float) -> bool:
        """Whether a measure is that of a marginal mark, as far as the device told its limits."""
        low, high = (self.blank, self.vote) if self.told else (0.0, 1.0)
        return low - ROUNDING <= metric <= high + ROUNDING


@dataclass(frozen=True)
class Expected:
    """What the record of a sheet must hold."""

    sheet: str
    clear: frozenset[Position]
    marginal: frozenset[Position]

    @property
    def marks(self) -> int:
        return len(self.clear) + len(self.marginal)

    def wrong(self, record: CastVoteRecord, band: Band) -> dict[Position, str]:
        """The places that the record tells wrongly, with what is wrong."""
        places = self.clear | self.marginal | set(record.original)
        said = {place: self._wrong_at(place, record, band) for place in sorted(places)}
        return {place: text for place, text in said.items() if text}

    def _wrong_at(self, place: Position, record: CastVoteRecord, band: Band) -> str:
        seen = record.original.get(place)
        told = seen.indication if seen else "no"
        if place in self.clear:
            return "" if told == "yes" else f"a clear mark is told as {told!r}"
        if place not in self.marginal:
            return "" if told == "no" else f"no mark is told as {told!r}"
        if seen is None or told != "unknown":
            return f"a marginal mark is told as {told!r}"
        if seen.metric is None:
            return "a marginal mark has no MarkMetricValue"
        if not band.holds(seen.metric):
            return (f"a marginal mark has the measure {seen.metric:g}, not one from "
                    f"{band.blank:g} to {band.vote:g}")
        counted = record.current.get(place)
        return f"a marginal mark counts {counted.votes}" if counted and counted.votes else ""


def assigned(
    expected: Sequence[Expected], found: Sequence[CastVoteRecord], band: Band
) -> tuple[list[tuple[Expected, CastVoteRecord | None, dict[Position, str]]], int]:
    """Each sheet with the record that is likest to what it must be, and what is wrong with it (with
    no record: everything); and how many records are of no sheet."""
    wrong = [[sheet.wrong(record, band) for record in found] for sheet in expected]
    likest = sorted(
        (len(wrong[i][j]), i, j) for i in range(len(expected)) for j in range(len(found))
    )
    taken: dict[int, int] = {}
    used: set[int] = set()
    for _, i, j in likest:
        if i not in taken and j not in used:
            taken[i] = j
            used.add(j)
    pairs: list[tuple[Expected, CastVoteRecord | None, dict[Position, str]]] = []
    for i, sheet in enumerate(expected):
        if i in taken:
            pairs.append((sheet, found[taken[i]], wrong[i][taken[i]]))
        else:
            pairs.append((sheet, None, dict.fromkeys(
                sorted(sheet.clear | sheet.marginal), "is in no record"
            )))
    return pairs, len(found) - len(used)
