"""The renderer: deterministic, at the right places, and honest about geometry."""

from __future__ import annotations

import numpy as np
import pytest

from kalys.ballots.artwork import INK, PAPER
from kalys.ballots.layout import Layout
from kalys.ballots.paper import placement, to_pixels
from kalys.ballots.render import Renderer
from kalys.ballots.sheet import Fold, Mark, Paper, Sheet, Stain, Streak, Tear, physical_sheet
from kalys.errors import ConfigurationError

ELECTION = "kg-2021-11-28"
BATTERED = Paper(
    skew_deg=-2.0, shift_mm=(3.0, -4.0), stretch=0.01, folds=(Fold(100, 150, 20),),
    stains=(Stain(60, 90, 9),), streaks=(Streak(40),), tears=(Tear("foot-left", 20, 30),),
)


def _sheet(paper: Paper = Paper(), *marks: Mark, orientation: str = "down-head") -> Sheet:  # noqa: B008
    return Sheet("s", ELECTION, "KG-PL", marks, paper, orientation, seed=5)


def test_the_same_sheet_gives_the_same_pixels_whatever_was_drawn_before(
    layouts: dict[str, Layout]
) -> None:
    sheet = _sheet(BATTERED, Mark("party", "P04", "pencil"), Mark("preference", "N11", "scribble"))
    first = Renderer(layouts).scan(sheet)
    busy = Renderer(layouts, pool=2)
    for skew in (0.0, 1.0, 2.0):
        busy.scan(_sheet(Paper(skew_deg=skew)))
    assert first.shape == (2339, 1654) and first.dtype == np.uint8
    assert np.array_equal(first, busy.scan(sheet))
    assert np.array_equal(first, busy.scan(physical_sheet(sheet.physical())))
    reused = np.empty_like(first)
    assert busy.scan(sheet, out=reused) is reused
    assert np.array_equal(first, reused)


@pytest.mark.parametrize("orientation", ["down-head", "down-foot"])
def test_marks_and_print_lie_where_the_geometry_says(
    renderer: Renderer, layouts: dict[str, Layout], orientation: str
) -> None:
    layout, paper = layouts["KG-PL"], Paper(skew_deg=2.0, shift_mm=(4.0, -3.0), stretch=-0.005)
    blank = renderer.scan(_sheet(paper, orientation=orientation))
    marked = renderer.scan(_sheet(paper, Mark("party", "P09", "filled"), orientation=orientation))
    target = layout.target("party", "P09")
    matrix = placement(layout, paper, turned=orientation == "down-foot")
    column, row = to_pixels(matrix, np.array([[target.x, target.y]]))[0]
    rows, columns = np.nonzero(marked.astype(int) < blank.astype(int) - 60)
    assert abs(rows.mean() - row) < 1 and abs(columns.mean() - column) < 1
    assert np.ptp(rows) < 6.5 * layout.px_per_mm
    edge = np.array([[target.x, target.y - target.height / 2 + 0.2]])
    column, row = np.rint(to_pixels(matrix, edge)[0]).astype(int)
    assert blank[row, column] < (PAPER + INK) / 2


def test_print_is_dark_paper_is_light_and_noise_is_small(renderer: Renderer) -> None:
    image = renderer.scan(_sheet())
    assert np.median(image) == pytest.approx(PAPER, abs=2)
    assert image.min() < INK + 5
    assert image[2275:2330, 200:800].std() == pytest.approx(0.012 * 255, rel=0.4)


def test_the_back_is_blank_and_plain_paper_too(renderer: Renderer) -> None:
    back = renderer.scan(_sheet(Paper(), Mark("party", "P01", "filled"), orientation="up-head"))
    plain = renderer.scan(Sheet("p", ELECTION, "plain"))
    assert back.min() > 200 and plain.min() > 200


def test_each_effect_changes_what_it_should(renderer: Renderer, layouts: dict[str, Layout]) -> None:
    clean = renderer.scan(_sheet()).astype(int)
    fold = renderer.scan(_sheet(Paper(folds=(Fold(105, 148.5, 0.0, 0.3, 0.2),)))).astype(int)
    changed = np.abs(fold - clean).max(axis=1) > 15
    assert 2 <= changed.sum() <= 20
    assert np.flatnonzero(changed).mean() == pytest.approx(148.5 * 200 / 25.4, abs=2)
    streak = renderer.scan(_sheet(Paper(streaks=(Streak(50.0, 0.3),)))).astype(int)
    assert (np.abs(streak - clean).max(axis=0) > 40).sum() in (2, 3)
    torn = renderer.scan(_sheet(Paper(tears=(Tear("head-right", 40, 30),), background=90)))
    assert abs(int(torn[20, -20]) - 90) < 3 and abs(int(torn[400, -20]) - PAPER) < 15
    dim = renderer.scan(_sheet(Paper(brightness=-0.1, contrast=0.8)))
    assert np.median(dim) == pytest.approx(PAPER - 25.5, abs=2)


def test_two_sheets_at_once_give_a_longer_picture(renderer: Renderer) -> None:
    one, two = _sheet(), _sheet(Paper(), Mark("party", "P02", "tick"))
    assert renderer.scan_together(one, two, 100.0).shape == (2339 + 787, 1654)
    assert renderer.scan_together(one, two, 0.0).shape == (2339, 1654)


def test_a_style_that_nobody_knows_is_refused_and_another_election_is_found(
    renderer: Renderer,
) -> None:
    with pytest.raises(ConfigurationError, match="KG-XX"):
        renderer.scan(Sheet("x", ELECTION, "KG-XX"))
    foreign = renderer.scan(Sheet("x", "kg-training", "KG-TR"))
    assert foreign.min() < INK + 5


@pytest.mark.parametrize("data", [
    {}, {"id": 1}, {"id": "a", "election": "e", "style": "s", "colour": "red"},
    {"id": "a", "election": "e", "style": "s", "orientation": "sideways"},
    {"id": "a", "election": "e", "style": "s", "paper": {"skew_deg": "much"}},
    {"id": "a", "election": "e", "style": "s", "marks": [{"kind": "tick"}]},
    {"id": "a", "election": "e", "style": "s", "paper": {"folds": [{"x": 1}]}},
    {"id": "a", "election": "e", "style": "s", "paper": {"shift_mm": [1, 2, 3]}},
])
def test_a_broken_sheet_from_the_wire_is_refused_in_words(data: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match="sheet"):
        physical_sheet(data)


def test_the_truth_does_not_travel_with_the_sheet() -> None:
    sheet = Sheet("a", ELECTION, "KG-PL", group="secret")
    assert not {"truth", "group"} & set(sheet.physical())
