"""Ladders of marginal marks: to find a reader's threshold, and whether it is the same everywhere.

A ladder runs a mark from no vote to a sure one. Four decks climb it, each for one question:

- ``ladder``: every position gets the same steps, shifted a little against its neighbours', so that
  n sheets give n different strengths (a reader's response at large);
- ``search``: a few strengths, each at a place of its own: where is the threshold, roughly?
- ``same_mark``: one strength at every position, equally often (MRK-003);
- ``position_ladder``: the same short ladder at every position: the threshold of each.

One marginal mark lies on a sheet. Each sheet has its own small placement of the mark and its own
paper, so that neither the grid of pixels nor a fold of the same batch can pass for a bias. Marks
between the published ranges are ambiguous: they measure, and decide no accuracy verdict.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kalys.ballots.deck_file import Deck
from kalys.ballots.deck_maker import DeckMaker
from kalys.ballots.sheet import Mark, Sheet
from kalys.election.definition import Contest, ElectionDefinition
from kalys.errors import ConfigurationError

PLACEMENT_MM = 0.3
"""How far from the target's centre a person sets a mark that is meant to be the same."""

_GOLDEN = (math.sqrt(5) - 1) / 2


@dataclass(frozen=True)
class Ladder:
    """A kind of mark whose ``parameter`` (in ``unit``) climbs from ``low`` to ``high``; ``fixed``
    are others. ``what`` names the mark to a person."""

    kind: str
    parameter: str
    low: float
    high: float
    fixed: Mapping[str, float]
    what: str
    unit: str = "mm"

    def mark(self, contest: str, option: str, strength: float, **more: float) -> Mark:
        """The mark of that strength at a target."""
        return Mark(contest, option, self.kind, {**self.fixed, **more, self.parameter: strength})

    def named(self, strength: float) -> str:
        """What a person calls a mark of that strength: "dash, length 2.02 mm"."""
        name = self.parameter.removesuffix("_mm")
        shown = f"{strength:.4g} {self.unit}" if self.unit != "1" else f"{strength:.3g}"
        return f"{self.what}, {name} {shown}"


LADDERS: Mapping[str, Ladder] = {
    "width": Ladder("line", "width_mm", 0.05, 1.0, {"density": 0.9}, "line"),
    "density": Ladder("line", "density", 0.05, 1.0, {"width_mm": 1.0}, "line of 1 mm", "1"),
    "dot": Ladder("dot", "diameter_mm", 0.2, 4.0, {"density": 0.95}, "dot"),
    "dash": Ladder("dash", "length_mm", 0.7, 5.2, {"width_mm": 0.6, "density": 0.9}, "dash"),
    "pencil": Ladder("faint-pencil", "density", 0.1, 0.9, {"width_mm": 0.6}, "pencil tick", "1"),
    "area": Ladder("filled", "size", 0.1, 1.0, {"density": 0.9}, "filled patch", "1"),
}
"""What can climb: the width of a line, its density, the diameter of a dot, the length of a dash,
the pressure of a pencil, the share of the target's width that is filled."""


def rungs_of(by: str) -> Ladder:
    """The ladder of that name; ConfigurationError names those there are."""
    if by not in LADDERS:
        raise ConfigurationError(
            f"no such ladder: {by}", remedy=f"One of: {', '.join(LADDERS)}"
        )
    return LADDERS[by]


def ladder(
    definition: ElectionDefinition, style: str, n: int, seed: int, by: str = "width"
) -> Deck:
    """``n`` sheets with one marginal mark each, going round all positions (MRK-003, MRK-004).

    With P positions each gets n / P steps of the ladder; ``parameters`` of the manifest say what
    climbs. The order of the steps is mixed, so that a device that drifts shows it as scatter.
    """
    rungs = rungs_of(by)
    bench = DeckMaker.of(definition, style, f"ladder-{by}", seed)
    positions = sum(len(contest.options) for contest in bench.contests)
    steps = -(-n // positions)
    order = list(range(steps))
    bench.rng.shuffle(order)
    sheets = []
    for i, (contest, option) in enumerate(bench.places(n)):
        share = (order[i // positions] + (i % positions * _GOLDEN) % 1.0) / steps
        value = round(rungs.low + share * (rungs.high - rungs.low), 3)
        mark = rungs.mark(contest.id, option, value)
        sheets.append(bench.sheet("ladder", bench.with_deciding(contest, mark)))
    name = "ladder" if by == "width" else f"ladder-{by}"
    return bench.deck(name, seed, sheets, {
        "mark": rungs.kind, "parameter": rungs.parameter, "from": rungs.low, "to": rungs.high,
        "steps": steps, "positions": positions,
    })


def search(
    definition: ElectionDefinition, style: str, strengths: Sequence[float], seed: int, *, by: str,
    group: str = "search",
) -> Deck:
    """One mark of each strength, in mixed order, each at a position of its own as long as there are
    enough: whoever has only records without names can still tell which sheet is which."""
    bench = DeckMaker.of(definition, style, f"{group}-{by}", seed)
    places = [(contest, option) for contest in bench.contests for option in contest.option_ids]
    bench.rng.shuffle(places)
    mixed = list(strengths)
    bench.rng.shuffle(mixed)
    return bench.deck(f"{group}-{by}", seed, [
        _marginal(bench, group, _mark(bench, by, *places[i % len(places)], strength))
        for i, strength in enumerate(mixed)
    ], {"mark": rungs_of(by).kind, "strengths": sorted(mixed)})


def same_mark(
    definition: ElectionDefinition, style: str, n: int, seed: int, *, by: str = "dash",
    strength: float = 2.0, orientation: str | None = None, group: str = "same-mark",
) -> Deck:
    """``n`` sheets with the same mark, at all positions in turn, each turn in another order."""
    bench = DeckMaker.of(definition, style, f"{group}-{by}", seed)
    every = [(contest, option) for contest in bench.contests for option in contest.option_ids]
    sheets: list[Sheet] = []
    while len(sheets) < n:
        bench.rng.shuffle(every)
        sheets += [
            _marginal(bench, group, _mark(bench, by, *place, strength), orientation)
            for place in every[: n - len(sheets)]
        ]
    rungs = rungs_of(by)
    return bench.deck(group, seed, sheets, {
        "mark": rungs.kind, "parameter": rungs.parameter, "strength": strength,
        "positions": len(every),
    })


def position_ladder(
    definition: ElectionDefinition, style: str, strengths: Sequence[float], seed: int, *, by: str,
    orientation: str | None = None, group: str = "map",
) -> Deck:
    """A mark of each strength at every position, all of them in mixed order."""
    bench = DeckMaker.of(definition, style, f"{group}-{by}", seed)
    every = [
        (contest, option, strength)
        for contest in bench.contests for option in contest.option_ids for strength in strengths
    ]
    bench.rng.shuffle(every)
    return bench.deck(f"{group}-{by}", seed, [
        _marginal(bench, group, _mark(bench, by, *place), orientation) for place in every
    ], {"mark": rungs_of(by).kind, "strengths": list(strengths)})


def _mark(bench: DeckMaker, by: str, contest: Contest, option: str, strength: float) -> Mark:
    """A mark of that strength, where a person would put it."""
    away = {
        name: round(bench.rng.uniform(-PLACEMENT_MM, PLACEMENT_MM), 2) for name in ("dx", "dy")
    }
    return rungs_of(by).mark(contest.id, option, round(strength, 4), **away)


def _marginal(
    bench: DeckMaker, group: str, mark: Mark, orientation: str | None = None
) -> Sheet:
    """A sheet with ``mark``, and a clear one where the sheet needs it to be valid."""
    contest = next(c for c in bench.contests if c.id == mark.contest)
    turned = orientation or bench.any_way()
    return bench.sheet(group, bench.with_deciding(contest, mark), bench.mild(), turned)
