"""Marks that reach into a neighbour: what they fill of it, and the rule."""

from __future__ import annotations

import numpy as np
import pytest

from kalys.ballots.deck_tails import tails
from kalys.ballots.layout import Layout
from kalys.ballots.neighbours import AMBIGUOUS, BOTH, OWN, NeighbourRule, neighbours, reached
from kalys.ballots.render import Renderer
from kalys.ballots.sheet import Mark, Paper, Sheet
from kalys.election.definition import ElectionDefinition


def test_the_zones_follow_the_fill_and_overlap_by_the_tolerance() -> None:
    rule = NeighbourRule(0.04, 0.10, tolerance=0.1)
    zones = [rule.zones(fill) for fill in (0.0, 0.035, 0.04, 0.07, 0.095, 0.12)]
    assert zones == [
        {OWN}, {OWN}, {OWN, AMBIGUOUS}, {AMBIGUOUS}, {AMBIGUOUS, BOTH}, {BOTH},
    ]


def test_a_target_has_neighbours_in_line_with_it_only(layouts: dict[str, Layout]) -> None:
    face = layouts["KG-PL"].front
    inner = layouts["KG-PL"].target("preference", "N20")
    assert {t.option for t in neighbours(face, inner)} == {"N02", "N38", "N19", "N21"}
    assert {t.option for t in neighbours(face, layouts["KG-PL"].target("party", "P01"))} == {"P02"}


def test_every_neighbour_of_every_contest_is_swept_and_deeper_tails_are_ambiguous(
    election: ElectionDefinition, layouts: dict[str, Layout]
) -> None:
    deck, face = tails(election, "KG-PL", 228, 5), layouts["KG-PL"].front
    for start in range(0, 228, 76):
        assert len({(s.marks[0].contest, s.marks[0].option)
                    for s in deck.sheets[start : start + 76]}) == 76
    for sheet in deck:
        entered = reached(sheet.marks[0], face)
        assert len(entered) <= 1 and sheet.truth is not None
        doubtful = {(c, o) for c, options in sheet.truth.ambiguous.items() for o in options}
        assert doubtful == {p for p, fill in entered.items() if fill >= 0.045 * 0.88}
    assert {s.truth.kind for s in deck if s.truth} == {"valid", "any-but-miscounted"}


@pytest.mark.parametrize("width", [0.5, 0.7, 1.0])
def test_a_pen_is_drawn_as_wide_as_it_is(renderer: Renderer, width: float) -> None:
    for angle in (0.0, 90.0):
        line = Mark("party", "P05", "line", {"width_mm": width, "density": 1.0,
                                             "angle_deg": angle})
        paper = Paper(noise=0.0)
        blank, drawn = (
            renderer.scan(Sheet("s", "kg-2021-11-28", "KG-PL", marks, paper)).astype(float)
            for marks in ((), (line,))
        )
        layout = renderer.layout(Sheet("s", "kg-2021-11-28", "KG-PL"))
        target = layout.target("party", "P05")
        scale = layout.px_per_mm
        half = round(1.5 * scale)
        x, y = round(target.x * scale), round(target.y * scale)
        part = np.s_[y - half : y + half, x - half : x + half]
        ink = ((blank - drawn)[part] / blank[part]).sum() / (2 * half) / scale
        darkest = ((blank - drawn)[part] / blank[part]).max()
        assert ink / darkest == pytest.approx(width, rel=0.13)
