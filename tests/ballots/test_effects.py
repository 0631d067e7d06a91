"""What paper and sensor do: the published ranges, the truth that follows, and the pictures."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kalys.ballots.artwork import PAPER
from kalys.ballots.effects import EFFECTS, beyond
from kalys.ballots.layout import Layout
from kalys.ballots.paper import placement, to_pixels
from kalys.ballots.render import Renderer
from kalys.ballots.sheet import (
    Fold,
    Label,
    Mark,
    Notch,
    Paper,
    Scrawl,
    Sheet,
    Stain,
    Streak,
    Tear,
    physical_sheet,
    sheet_from_dict,
)
from kalys.ballots.templates import layouts_for
from kalys.ballots.truth import truth_of, truth_on_paper
from kalys.election.definition import ElectionDefinition, load
from kalys.errors import ConfigurationError
from kalys.resources import data_root

ELECTION = "kg-2021-11-28"
SPOILT = {
    "skew": Paper(skew_deg=3.2), "shift": Paper(shift_mm=(0.0, -5.5)),
    "stretch": Paper(stretch=0.012), "noise": Paper(noise=0.05),
    "brightness": Paper(brightness=-0.2), "contrast": Paper(contrast=0.5),
    "fold-count": Paper(folds=(Fold(20, 20), Fold(90, 90), Fold(150, 150))),
    "fold-width": Paper(folds=(Fold(20, 20, width_mm=1.0),)),
    "fold-density": Paper(folds=(Fold(20, 20, depth=0.4),)),
    "stain-count": Paper(stains=(Stain(50, 50, 5, 0.1),) * 3),
    "stain-density": Paper(stains=(Stain(50, 50, 5, 0.4),)),
    "streak": Paper(streaks=(Streak(40),)), "torn-corner": Paper(tears=(Tear("head-left", 9, 9),)),
    "torn-edge": Paper(notches=(Notch("left", 100, 20, 9),)),
    "scrawl": Paper(scrawls=(Scrawl(197, 100, 12, 9),)),
    "label": Paper(labels=(Label(197, 100, 12, 9),)),
    "perspective": Paper(perspective=(0.02, 0.0)), "crop": Paper(crop_mm=(0, 3, 0, 0)),
    "double-feed": Paper(follower_mm=30.0),
}


def _scan(renderer: Renderer, paper: Paper, orientation: str = "down-head") -> np.ndarray:
    mark = Mark("party", "P04", "cross")
    return renderer.scan(Sheet("s", ELECTION, "KG-PL", (mark,), paper, orientation, 5))


def test_the_published_page_names_every_effect_with_its_range() -> None:
    page = (data_root() / "docs" / "marks.md").read_text(encoding="utf-8")
    page = page[page.index("## Paper"):page.index("## Thresholds")]
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| .*? \| (.*) \|$", page, re.MULTILINE))
    for name, effect in EFFECTS.items():
        low, high = effect.declared
        told = "damage" if low == high == 0 else f"{low:g} to {high:g} {effect.unit}"
        assert rows.pop(name) == told
    assert not rows


def test_good_paper_is_within_every_range() -> None:
    assert beyond(Paper()) == ()
    edge = Paper(skew_deg=-3, shift_mm=(5, -5), stretch=0.01, noise=0.02, brightness=-0.06,
                 contrast=0.85, folds=(Fold(9, 9), Fold(50, 90)), stains=(Stain(9, 9, 9),))
    assert beyond(edge) == ()


@pytest.mark.parametrize("name", EFFECTS)
def test_an_effect_beyond_its_range_is_named_and_lets_a_device_give_the_sheet_back(
    election: ElectionDefinition, name: str
) -> None:
    assert beyond(SPOILT[name]) == (name,)
    contests = election.style_contests("KG-PL")
    marks, layout = [Mark("party", "P01", "tick")], layouts_for(election)["KG-PL"]
    truth = truth_on_paper(contests, marks, SPOILT[name], layout)
    assert truth.accepts("returned", "unreadable") and not truth.accepts("invalid")
    assert truth.accepts("valid") is (name != "double-feed")


def test_what_is_as_dark_as_a_mark_inside_a_target_makes_it_ambiguous(
    election: ElectionDefinition, layouts: dict[str, Layout]
) -> None:
    contests, layout = election.style_contests("KG-PL"), layouts["KG-PL"]
    target = layout.target("party", "P07")
    for paper in (
        Paper(scrawls=(Scrawl(target.x + 5, target.y, 6, 4),)),
        Paper(folds=(Fold(target.x + 1, target.y + 2, 2.0, 0.4, 0.5),)),
        Paper(stains=(Stain(target.x + 4, target.y, 3, 0.5),)),
    ):
        truth = truth_on_paper(contests, [], paper, layout)
        assert truth.ambiguous == {"party": ("P07",)}
        assert truth.accepts("valid") and truth.accepts("invalid")
    beside = Paper(scrawls=(Scrawl(target.x + 12, target.y, 6, 4),))
    assert truth_on_paper(contests, [], beside, layout).ambiguous == {}
    streak = Paper(streaks=(Streak(target.x),))
    assert truth_on_paper(contests, [], streak, layout).ambiguous == {}


def test_what_lies_on_one_another_inside_a_target_adds_up(
    election: ElectionDefinition, layouts: dict[str, Layout]
) -> None:
    contests, layout = election.style_contests("KG-PL"), layouts["KG-PL"]
    target = layout.target("party", "P07")
    stain = Stain(target.x + 4, target.y, 5, 0.15)
    fold = Fold(target.x, target.y, 45.0, 0.3, 0.22)
    smudge = Mark("party", "P07", "smudge", {"density": 0.2})
    alone: list[tuple[Paper, list[Mark]]] = [
        (Paper(stains=(stain, stain)), []), (Paper(folds=(fold, fold)), [smudge]),
    ]
    for paper, marks in alone:
        assert truth_on_paper(contests, marks, paper, layout).ambiguous == {}
    heaped: list[tuple[Paper, list[Mark]]] = [
        (Paper(stains=(stain,), folds=(fold,)), []), (Paper(stains=(stain,)), [smudge]),
    ]
    for paper, marks in heaped:
        assert beyond(paper) == ()
        truth = truth_on_paper(contests, marks, paper, layout)
        assert truth.ambiguous == {"party": ("P07",)} and truth.reasons == ("ambiguous-mark",)


def test_what_is_on_the_paper_lies_on_the_side_that_is_down() -> None:
    """A dark fold goes through both faces, a stain stays on the one that the sensor sees."""
    election = load("accuvote")
    contests, layout = (election.style_contests("accuvote-letter"),
                        layouts_for(election)["accuvote-letter"])
    front, back = layout.faces["front"].targets[0], layout.faces["back"].targets[0]
    width = layout.page_mm[0]
    for at, orientation in ((front, "down-head"), (back, "up-head")):
        stained = Paper(stains=(Stain(at.x, at.y, 1.0, 0.5),))
        truth = truth_on_paper(contests, [], stained, layout, orientation=orientation)
        assert truth.ambiguous == {at.contest: (at.option,)}
    folded = Paper(folds=(Fold(width - back.x, back.y, 0.0, 0.3, 0.5),))
    truth = truth_on_paper(contests, [], folded, layout)
    assert back.option in truth.ambiguous[back.contest]


def test_a_dark_bed_that_shows_through_a_tear_in_a_target_may_be_a_mark(
    election: ElectionDefinition, layouts: dict[str, Layout]
) -> None:
    contests, layout = election.style_contests("KG-PL"), layouts["KG-PL"]
    width, target = layout.page_mm[0], layout.target("party", "P09")
    deep = width - target.x
    for paper, entered in (
        (Paper(background=132, notches=(Notch("right", target.y, 11, deep),)), True),
        (Paper(background=206, notches=(Notch("right", target.y, 11, deep),)), False),
        (Paper(background=132, notches=(Notch("right", target.y, 11, deep - 5),)), False),
        (Paper(background=20, tears=(Tear("head-right", 2 * deep, 2 * target.y),)), True),
        (Paper(background=20, tears=(Tear("head-left", 2 * deep, 2 * target.y),)), False),
    ):
        truth = truth_on_paper(contests, [], paper, layout)
        assert ("P09" in truth.ambiguous.get("party", ())) is entered


def test_marks_that_are_no_votes_may_be_one_together(election: ElectionDefinition) -> None:
    contests = election.style_contests("KG-PL")
    dots = [Mark("party", "P07", "dot"), Mark("party", "P07", "dot", {"dx": 1.0})]
    assert truth_of(contests, dots[:1]).kind == "invalid"
    assert truth_of(contests, dots).ambiguous == {"party": ("P07",)}
    assert truth_of(contests, [*dots, Mark("party", "P07", "tick")]).kind == "valid"


@pytest.mark.parametrize("name", EFFECTS)
def test_every_effect_shows_travels_and_is_the_same_twice(renderer: Renderer, name: str) -> None:
    sheet = Sheet("s", ELECTION, "KG-PL", (), SPOILT[name], "down-foot", 9)
    image = renderer.scan(sheet)
    assert np.array_equal(image, renderer.scan(physical_sheet(sheet.physical())))
    assert sheet_from_dict(sheet.to_dict()) == sheet
    clean = renderer.scan(Sheet("s", ELECTION, "KG-PL", (), Paper(), "down-foot", 9))
    assert image.shape != clean.shape or not np.array_equal(image, clean)


def test_perspective_maps_the_corners_as_told(layouts: dict[str, Layout]) -> None:
    layout = layouts["KG-PL"]
    width, height = layout.page_mm
    matrix = placement(layout, Paper(perspective=(0.04, 0.0)), turned=False)
    corners = to_pixels(matrix, np.array([(0, 0), (width, 0), (0, height), (width, height)]))
    head, foot = corners[1] - corners[0], corners[3] - corners[2]
    assert foot[0] / head[0] == pytest.approx(1.04, abs=0.001)


def test_marks_follow_perspective(renderer: Renderer, layouts: dict[str, Layout]) -> None:
    layout, paper = layouts["KG-PL"], Paper(perspective=(0.03, -0.02), skew_deg=1)
    target = layout.target("party", "P04")
    matrix = placement(layout, paper, turned=True)
    column, row = to_pixels(matrix, np.array([[target.x, target.y]]))[0]
    blank = renderer.scan(Sheet("s", ELECTION, "KG-PL", (), paper, "down-foot", 5)).astype(int)
    rows, columns = np.nonzero(blank - _scan(renderer, paper, "down-foot") > 60)
    assert abs(rows.mean() - row) < 2 and abs(columns.mean() - column) < 2


def test_beside_the_page_lies_the_background_with_the_sensors_noise(renderer: Renderer) -> None:
    image = _scan(renderer, Paper(skew_deg=2.5, shift_mm=(4, 4), background=120, noise=0.01))
    assert image[10:30, 10:30].mean() == pytest.approx(120, abs=3)
    assert image[10:30, 10:30].std() > 1
    assert image[200:210, 250:300].mean() == pytest.approx(PAPER, abs=6)
    light = _scan(renderer, Paper(skew_deg=-2.5, background=250))
    assert light[5:15, -30:-10].mean() == pytest.approx(250, abs=3)


def test_a_scanner_with_two_sensors_sees_both_sides(renderer: Renderer) -> None:
    sheet = Sheet("s", ELECTION, "KG-PL", (Mark("party", "P04", "cross"),),
                  Paper(skew_deg=2, tears=(Tear("head-left", 40, 40),), background=60), seed=3)
    lower, upper = renderer.scan_sides(sheet)
    assert np.array_equal(lower, renderer.scan(sheet))
    assert (upper < 100).sum() < (lower < 100).sum()
    assert upper[20:60, -60:-20].mean() < 80 < lower[150:200, -60:-20].mean()


@pytest.mark.parametrize("paper", [
    Paper(tears=(Tear("middle", 9, 9),)), Paper(notches=(Notch("nowhere", 9, 9, 9),)),
])
def test_damage_at_a_place_that_paper_does_not_have_is_refused(
    renderer: Renderer, paper: Paper
) -> None:
    with pytest.raises(ConfigurationError, match="no such"):
        _scan(renderer, paper)


@settings(max_examples=25, deadline=None)
@given(
    paper=st.builds(
        Paper, skew_deg=st.floats(-20, 20), stretch=st.floats(-0.05, 0.05),
        shift_mm=st.tuples(st.floats(-60, 60), st.floats(-60, 60)), noise=st.floats(0, 0.2),
        background=st.integers(0, 255),
    ),
    orientation=st.sampled_from(["down-head", "down-foot"]),
)
def test_any_placement_can_be_drawn(renderer: Renderer, paper: Paper, orientation: str) -> None:
    image = _scan(renderer, paper, orientation)
    assert image.shape == (2339, 1654) and image.dtype == np.uint8
