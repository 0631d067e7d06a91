"""Ticks whose tail reaches into a neighbouring target (MRK-008).

They are the known Kyrgyz cause of differences between urn and hand count (24.kg, 2025-10-03).

Own option and neighbour go round all pairs of the style, in every contest; overlap and pen width
are spread evenly over their ranges, each against the other. What the tail fills of the neighbour
follows from the geometry, and so does the truth (``kalys.ballots.neighbours``): ambiguous, unless
the tail fills so little of the neighbour's inside that it can be no mark.
"""

from __future__ import annotations

import math

from kalys.ballots.deck_file import Deck
from kalys.ballots.deck_maker import DeckMaker
from kalys.ballots.marks import aim_tail
from kalys.ballots.neighbours import OWN, NeighbourRule, neighbours, reached
from kalys.ballots.sheet import Mark, Sheet
from kalys.ballots.truth import truth_of
from kalys.election.definition import ElectionDefinition

MOST_OVERLAP = 0.5
"""Of the neighbour's extent."""
WIDTH_MM = (0.5, 1.0)
"""Of the pen."""

_GOLDEN = (math.sqrt(5) - 1) / 2


def tails(
    definition: ElectionDefinition, style: str, n: int, seed: int, rule: NeighbourRule | None = None
) -> Deck:
    """``n`` ticks whose tail enters a neighbour by 0 to 50 % of its extent, in an order such that
    among as many sheets as there are positions no two mark the same one."""
    bench = DeckMaker.of(definition, style, "tails", seed)
    layout = bench.layout
    every = [t for t in layout.targets if any(neighbours(layout.face_of(t.contest, t.option), t))]
    overlaps = [MOST_OVERLAP * i / max(1, n - 1) for i in range(n)]
    bench.rng.shuffle(overlaps)
    turn, sheets = 0, list[Sheet]()
    while len(sheets) < n and every:
        bench.rng.shuffle(every)
        for target in every[: n - len(sheets)]:
            beside = list(neighbours(layout.face_of(target.contest, target.option), target))
            neighbour = beside[(turn + bench.rng.randrange(2)) % len(beside)]
            width = WIDTH_MM[0] + (len(sheets) * _GOLDEN) % 1.0 * (WIDTH_MM[1] - WIDTH_MM[0])
            aim = aim_tail(target, neighbour, overlaps[len(sheets)])
            why = (f"tail enters {neighbour.contest}/{neighbour.option} by "
                   f"{100 * overlaps[len(sheets)]:.0f} %")
            mark = Mark(target.contest, target.option, "tail", {
                name: round(value, 3) for name, value in {**aim, "width_mm": width}.items()
            })
            sheets.append(_sheet(bench, mark, why, rule or NeighbourRule()))
        turn += 1
    return bench.deck("tails", seed, sheets, {
        "overlap": [0.0, MOST_OVERLAP], "width_mm": list(WIDTH_MM),
    })


def _sheet(bench: DeckMaker, mark: Mark, why: str, rule: NeighbourRule) -> Sheet:
    touched: dict[str, list[str]] = {}
    for (contest, option), fill in reached(
        mark, bench.layout.face_of(mark.contest, mark.option)
    ).items():
        if rule.zones(fill) != {OWN}:
            touched.setdefault(contest, []).append(option)
    marks = bench.with_deciding(next(c for c in bench.contests if c.id == mark.contest), mark)
    truth = truth_of(bench.contests, marks, touched=touched, why=why, layout=bench.layout)
    return bench.sheet("tails", marks, truth=truth)
