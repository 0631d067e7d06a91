"""The law of the reader: a sheet is read as its truth says or given back with a reason.

Hypothesis draws the ballot (A4 with squares and a code, AccuVote letter and legal with ovals and
two faces), marks, orientation, up to three effects of paper and sensor, inside and far beyond the
declared range, and how the scan was filed: grey, as JPEG, with one bit. The truth is that of
``kalys.ballots.truth``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from kalys.ballots.effects import beyond
from kalys.ballots.layout import Layout, track_centres
from kalys.ballots.marks import AMBIGUOUS_KINDS, INVALID_KINDS, KINDS, VALID_KINDS
from kalys.ballots.render import Renderer
from kalys.ballots.sheet import (
    ORIENTATIONS,
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
)
from kalys.ballots.templates import layouts_for
from kalys.ballots.truth import truth_on_paper
from kalys.counting.reader import Reader, SheetReading
from kalys.counting.scan import sampled, tone_of
from kalys.election.definition import ElectionDefinition, load
from kalys.protocols.urn.messages import ReturnReason

Picture = NDArray[np.uint8]
STYLES = ("KG-PL", "accuvote-letter", "accuvote-legal")
CORNERS = ("head-left", "head-right", "foot-left", "foot-right")
THOROUGH = 1500


@dataclass(frozen=True)
class Bench:
    """All that is needed to draw and read sheets of one style."""

    election: ElectionDefinition
    layout: Layout
    renderer: Renderer
    reader: Reader
    edge_marks: tuple[tuple[float, float], ...]


@cache
def bench(style: str) -> Bench:
    election = load("accuvote" if style.startswith("accuvote") else "kg-2021-11-28")
    layout = layouts_for(election)[style]
    marks = tuple((x, y) for t in layout.front.tracks
                  for _, x, y in track_centres(t, layout.page_mm))
    return Bench(election, layout, Renderer([layout], pool=2), Reader([layout]), marks)


def _signed(low: float, high: float) -> st.SearchStrategy[float]:
    """Of that size, to either side, on a grid: a renderer keeps what it has drawn at an angle."""
    return st.tuples(st.sampled_from((-1, 1)), st.floats(low, high)).map(
        lambda v: round(v[0] * v[1], 3)
    )


@st.composite
def papers(draw: st.DrawFn, style: str, *, inside: bool, most: int) -> Paper:
    """Paper with up to ``most`` different effects."""
    layout = bench(style).layout
    width, height = layout.page_mm
    targets = [t for face in layout.faces.values() for t in face.targets]
    near = st.tuples(st.sampled_from(targets), _signed(0, 4), _signed(0, 4)).map(
        lambda v: (v[0].x + v[1], v[0].y + v[2]))
    on_marks = st.sampled_from(bench(style).edge_marks)
    by = 1.0 if inside else 2.5

    def many(one: st.SearchStrategy[Any], at_most: int) -> st.SearchStrategy[tuple[Any, ...]]:
        return st.lists(one, min_size=1, max_size=at_most).map(tuple)

    def placed(kind: Callable[..., Any], at: st.SearchStrategy[tuple[float, float]],
               **rest: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return st.builds(lambda p, r: kind(p[0], p[1], **r), at, st.fixed_dictionaries(rest))

    declared: dict[str, st.SearchStrategy[Any]] = {
        "skew_deg": _signed(0, 3 * by), "stretch": _signed(0, 0.01 * by),
        "shift_mm": st.tuples(_signed(0, 5 * by), _signed(0, 5 * by)),
        "noise": st.floats(0, 0.02 * by), "contrast": st.floats(1 - 0.15 * by, 1.0),
        "brightness": st.floats(-0.06 * by, 0.04 * by), "background": st.integers(0, 255),
        "folds": many(placed(
            Fold, near, angle_deg=st.floats(0, 180), width_mm=st.floats(0.2, 0.4 * by),
            depth=st.floats(0.05, 0.22 * by)), 2 if inside else 4),
        "stains": many(placed(
            Stain, near, radius_mm=st.floats(2, 20), depth=st.floats(0.05, 0.15 * by)),
            2 if inside else 3),
    }
    damage: dict[str, st.SearchStrategy[Any]] = {
        "perspective": st.tuples(_signed(0, 0.03), _signed(0, 0.03)),
        "crop_mm": st.tuples(*[st.sampled_from((0.0, 0.0, 3.0, 9.0, 25.0)) for _ in range(4)]),
        "scrawls": many(placed(
            Scrawl, st.one_of(on_marks, near), width_mm=st.floats(2, 40),
            height_mm=st.floats(2, 25), pen_mm=st.floats(0.3, 1.5),
            density=st.floats(0.4, 1.0)), 3),
        "labels": many(placed(
            Label, st.one_of(on_marks, near), width_mm=st.floats(2, 40),
            height_mm=st.floats(2, 40)), 2),
        "tears": many(st.builds(
            Tear, st.sampled_from(CORNERS), st.floats(5, 120), st.floats(5, 120)), 2),
        "notches": many(st.builds(
            Notch, st.sampled_from(("left", "right", "head", "foot")), st.floats(10, 200),
            st.floats(5, 60), st.floats(1, 40)), 2),
        "streaks": many(st.builds(
            Streak, st.one_of(st.floats(0, width), st.sampled_from(targets).map(lambda t: t.x)),
            st.floats(0.1, 1.0), st.floats(0.4, 1.0)), 3),
        "follower_mm": st.floats(0, height),
    }
    kinds = declared if inside else {**declared, **damage}
    names = draw(st.lists(st.sampled_from(sorted(kinds)), unique=True, max_size=most))
    return replace(Paper(noise=0.01), **{name: draw(kinds[name]) for name in names})


@st.composite
def sheets(
    draw: st.DrawFn, *, inside: bool, most: int = 3,
    kinds: tuple[str, ...] = (*VALID_KINDS, *INVALID_KINDS),
) -> tuple[str, Sheet]:
    style = draw(st.sampled_from(STYLES))
    known = bench(style)
    marks = []
    for contest in known.election.style_contests(style):
        for option in draw(st.lists(st.sampled_from(contest.option_ids), unique=True, max_size=2)):
            kind = KINDS[draw(st.sampled_from(kinds))]
            ranges = kind.ranges_in(known.layout.target(contest.id, option))
            chosen = draw(st.sampled_from(("usual", "low", "high")))
            params = {} if chosen == "usual" else {
                name: span[chosen == "high"] for name, span in ranges.items()
            }
            marks.append(Mark(contest.id, option, kind.name, params))
    orientation = draw(st.sampled_from(ORIENTATIONS))
    paper = draw(papers(style, inside=inside, most=most))
    truth = truth_on_paper(known.election.style_contests(style), marks, paper, known.layout,
                           orientation=orientation)
    return style, Sheet("s", known.election.id, style, tuple(marks), paper, orientation,
                        draw(st.integers(0, 2**31)), truth)


def misread(sheet: Sheet, reading: SheetReading, layout: Layout) -> str:
    """What is wrong with a reading; "" if it is right, or the sheet was given back."""
    truth, side = sheet.truth, "back" if sheet.orientation.startswith("up") else "front"
    assert truth is not None
    if not reading.read:
        return "" if reading.reason in set(ReturnReason) else f"no such reason: {reading.reason}"
    if truth.kind == "return" or side not in layout.faces:
        return "read although " + (truth.why or "nothing is printed there")
    if (reading.style, reading.orientation) != (sheet.style, sheet.orientation):
        return f"taken for {reading.style} {reading.orientation}"
    for contest, read in reading.marks.items():
        here = {t.option for t in layout.faces[side].targets if t.contest == contest}
        unclear = set(truth.ambiguous.get(contest, ()))
        if set(read) - unclear != (set(truth.marks.get(contest, ())) & here) - unclear:
            return f"{contest}: {read} instead of {truth.marks.get(contest)}"
    return ""


def _law(case: tuple[str, Sheet], spoil: Callable[[Picture], Picture] = lambda p: p) -> None:
    style, sheet = case
    known = bench(style)
    reading = known.reader.read(spoil(known.renderer.scan(sheet)))
    assert not misread(sheet, reading, known.layout)
    if sheet.truth is not None and sheet.truth.counted and spoil.__name__ == "<lambda>" and (
        not beyond(sheet.paper) and (style != "KG-PL" or sheet.orientation.startswith("down"))
    ):
        assert reading.read, reading.reason


def jpeg(quality: int) -> Callable[[Picture], Picture]:
    def spoil(picture: Picture) -> Picture:
        coded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        return np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE), np.uint8)
    return spoil


def one_bit(density: float) -> Callable[[Picture], Picture]:
    """Black from that density: one threshold for the whole picture."""
    def spoil(picture: Picture) -> Picture:
        level = tone_of(sampled(picture)).level(density)
        return np.where(picture < level, 0, 255).astype(np.uint8)
    return spoil


def ordered(picture: Picture) -> Picture:
    """One bit, greys as a regular screen of dots."""
    screen = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]]) * 16 + 8
    rows, columns = picture.shape
    tiled = np.tile(screen, (rows // 4 + 1, columns // 4 + 1))[:rows, :columns]
    return np.where(picture < tiled, 0, 255).astype(np.uint8)


def diffused(picture: Picture) -> Picture:
    """One bit, greys as random dots."""
    rng = np.random.default_rng(int(picture[::97, ::89].sum()))
    return np.where(picture < rng.integers(20, 236, picture.shape), 0, 255).astype(np.uint8)


def _examples(quick: int) -> Callable[[Any], Any]:
    return settings(max_examples=quick, deadline=None,
                    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


BEYOND, INSIDE = sheets(inside=False), sheets(inside=True)
ANY_MARK = sheets(inside=False, kinds=(*VALID_KINDS, *INVALID_KINDS, *AMBIGUOUS_KINDS))
PLAIN = sheets(inside=True, most=2, kinds=VALID_KINDS)
JPEGS = st.integers(15, 95).map(jpeg)
BITS = st.one_of(st.floats(0.35, 0.5).map(one_bit), st.sampled_from((ordered, diffused)))


@given(BEYOND)
@_examples(40)
def test_a_sheet_that_suffered_anything_is_read_right_or_given_back(
    case: tuple[str, Sheet]
) -> None:
    _law(case)


@given(INSIDE)
@_examples(40)
def test_a_sheet_inside_the_declared_range_is_read_right(case: tuple[str, Sheet]) -> None:
    _law(case)


@given(PLAIN, JPEGS)
@_examples(15)
def test_a_picture_that_was_a_jpeg_is_read_right_or_refused(
    case: tuple[str, Sheet], spoil: Callable[[Picture], Picture]
) -> None:
    _law(case, spoil)


@given(PLAIN, BITS)
@_examples(15)
def test_a_picture_of_one_bit_is_read_right_or_refused(
    case: tuple[str, Sheet], spoil: Callable[[Picture], Picture]
) -> None:
    _law(case, spoil)


@pytest.mark.parametrize("style", STYLES)
def test_good_pictures_of_one_bit_and_good_jpegs_are_read(style: str) -> None:
    known = bench(style)
    contest = known.election.style_contests(style)[0]
    marks = (Mark(contest.id, contest.option_ids[1], "cross"),)
    picture = known.renderer.scan(Sheet("s", known.election.id, style, marks, seed=3))
    for spoil in (jpeg(60), one_bit(0.4), one_bit(0.5)):
        reading = known.reader.read(spoil(picture))
        assert reading.read and reading.marks[contest.id] == (contest.option_ids[1],)


@pytest.mark.parametrize("style", STYLES)
def test_a_dithered_picture_of_grey_paper_is_refused(style: str) -> None:
    """Dots for grey are no picture of a mark: set the scanner to grey or to one threshold."""
    known, paper = bench(style), Paper(brightness=-0.2)
    picture = known.renderer.scan(Sheet("s", known.election.id, style, paper=paper, seed=3))
    for spoil in (ordered, diffused):
        assert not known.reader.read(spoil(picture)).read


@pytest.mark.slow
@given(ANY_MARK)
@_examples(THOROUGH)
def test_thousands_of_spoilt_sheets_are_read_right_or_given_back(case: tuple[str, Sheet]) -> None:
    _law(case)


@pytest.mark.slow
@given(INSIDE)
@_examples(THOROUGH)
def test_thousands_of_sheets_inside_the_declared_range_are_read_right(
    case: tuple[str, Sheet]
) -> None:
    _law(case)


@pytest.mark.slow
@given(PLAIN, st.one_of(JPEGS, BITS))
@_examples(THOROUGH)
def test_thousands_of_jpegs_and_one_bit_pictures_are_read_right_or_refused(
    case: tuple[str, Sheet], spoil: Callable[[Picture], Picture]
) -> None:
    _law(case, spoil)
