"""Ladders of marginal marks: to find a reader's threshold, and whether it is the same everywhere.

A ladder runs a mark from no vote to a sure one in equal steps. Every position of the style gets the
same steps, shifted a little against its neighbours', so that neither the strength nor the place of
a mark hides the other's effect (MRK-003), and so that n sheets give n different strengths. Marks
between the published ranges are ambiguous: they measure, and decide no accuracy verdict.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from kalys.ballots.deck_file import Deck
from kalys.ballots.deck_maker import DeckMaker
from kalys.ballots.sheet import Mark
from kalys.election.definition import ElectionDefinition
from kalys.errors import ConfigurationError

_GOLDEN = (math.sqrt(5) - 1) / 2


@dataclass(frozen=True)
class Ladder:
    """A kind of mark whose ``parameter`` climbs from ``low`` to ``high``; ``fixed`` are others."""

    kind: str
    parameter: str
    low: float
    high: float
    fixed: Mapping[str, float]


LADDERS: Mapping[str, Ladder] = {
    "width": Ladder("line", "width_mm", 0.05, 1.0, {"density": 0.9}),
    "density": Ladder("line", "density", 0.05, 1.0, {"width_mm": 1.0}),
    "dot": Ladder("dot", "diameter_mm", 0.2, 4.0, {"density": 0.95}),
}
"""What can climb: the width of a line, its density, the diameter of a dot."""


def ladder(
    definition: ElectionDefinition, style: str, n: int, seed: int, by: str = "width"
) -> Deck:
    """``n`` sheets with one marginal mark each, going round all positions (MRK-003, MRK-004).

    With P positions each gets n / P steps of the ladder; ``parameters`` of the manifest say what
    climbs. The order of the steps is mixed, so that a device that drifts shows it as scatter.
    """
    if by not in LADDERS:
        raise ConfigurationError(
            f"no such ladder: {by}", remedy=f"One of: {', '.join(LADDERS)}"
        )
    rungs = LADDERS[by]
    bench = DeckMaker.of(definition, style, f"ladder-{by}", seed)
    positions = sum(len(contest.options) for contest in bench.contests)
    steps = -(-n // positions)
    order = list(range(steps))
    bench.rng.shuffle(order)
    sheets = []
    for i, (contest, option) in enumerate(bench.places(n)):
        share = (order[i // positions] + (i % positions * _GOLDEN) % 1.0) / steps
        value = round(rungs.low + share * (rungs.high - rungs.low), 3)
        mark = Mark(contest.id, option, rungs.kind, {**rungs.fixed, rungs.parameter: value})
        sheets.append(bench.sheet("ladder", bench.with_deciding(contest, mark)))
    name = "ladder" if by == "width" else f"ladder-{by}"
    return bench.deck(name, seed, sheets, {
        "mark": rungs.kind, "parameter": rungs.parameter, "from": rungs.low, "to": rungs.high,
        "steps": steps, "positions": positions,
    })
