"""How paper and sensor spoil a picture: geometry, folds, stains, streaks and torn corners.

``placement`` gives the affine map from millimetres on the printed page to pixels of the scan; every
effect and every mark is drawn through it, so that things on the paper move with the paper. Streaks
belong to the sensor and stay where they are. All effects darken in place a small part of the
picture, which is what keeps a sheet cheap.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from kalys.ballots.layout import Layout
from kalys.ballots.sheet import Fold, Paper, Stain, Streak, Tear

Picture = NDArray[np.uint8]
Matrix = NDArray[np.float64]

_BITS = 4
_ONE = 1 << _BITS
_SHADOW_MM = 1.6       # full width of the soft shadow beside a fold
_SHADOW_SHARE = 0.35   # its depth as a share of the fold's


@dataclass(frozen=True)
class Tone:
    """Grey levels of this scan: ``paper``, and ``span`` from paper to print."""

    paper: float
    span: float

    def level(self, density: float) -> float:
        return self.paper - density * self.span


def placement(layout: Layout, paper: Paper, *, turned: bool) -> Matrix:
    """Affine 2 x 3 map from (x mm, y mm) on the page to (column, row) of the scan.

    Order of events: the sheet is turned by 180 degrees (``turned``), skewed clockwise about the
    middle of the page, stretched along the feed about the same point, then shifted.
    """
    scale = layout.px_per_mm
    width, height = layout.page_mm
    angle = math.radians(paper.skew_deg)
    turn = -1.0 if turned else 1.0
    cos, sin = math.cos(angle) * turn, math.sin(angle) * turn
    long = 1.0 + paper.stretch
    linear = np.array([[cos, -sin], [sin * long, cos * long]])
    centre = np.array([width / 2, height / 2])
    offset = centre + np.array(paper.shift_mm) - linear @ centre
    # Pixel centres lie at whole numbers, hence half a pixel less.
    return np.column_stack([linear * scale, offset * scale - 0.5])


def to_pixels(matrix: Matrix, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points in mm, shape (n, 2), as columns and rows of the scan."""
    moved: NDArray[np.float64] = points @ matrix[:, :2].T + matrix[:, 2]
    return moved


def fixed_point(points: NDArray[np.float64]) -> NDArray[np.int32]:
    """Pixels as cv2 wants them with ``shift=4``."""
    return np.rint(points * _ONE).astype(np.int32)


def region(
    picture: Picture, points: NDArray[np.float64], margin: float
) -> tuple[Picture, int, int] | None:
    """The part of the picture around ``points`` as a view, with its column and row; None if the
    points lie outside."""
    rows, columns = picture.shape
    left = max(0, math.floor(float(points[:, 0].min()) - margin))
    top = max(0, math.floor(float(points[:, 1].min()) - margin))
    right = min(columns, math.ceil(float(points[:, 0].max()) + margin) + 1)
    bottom = min(rows, math.ceil(float(points[:, 1].max()) + margin) + 1)
    if left >= right or top >= bottom:
        return None
    return picture[top:bottom, left:right], left, top


def draw_folds(picture: Picture, paper: Paper, matrix: Matrix, layout: Layout, tone: Tone) -> None:
    """Each fold as a thin line with a soft shadow, across the whole page."""
    for fold in paper.folds:
        for part in _fold_parts(fold, layout):
            _draw_fold_part(picture, to_pixels(matrix, part), fold, layout.px_per_mm, tone)


def _fold_parts(fold: Fold, layout: Layout) -> Iterator[NDArray[np.float64]]:
    """The fold on the page in short pieces, so that each touches a small region only."""
    width, height = layout.page_mm
    angle = math.radians(fold.angle_deg)
    step = np.array([math.cos(angle), math.sin(angle)])
    reach = math.hypot(width, height)
    ends = np.array([fold.x, fold.y]) + np.outer([-reach, reach], step)
    inside, start, end = cv2.clipLine(
        (0, 0, round(width * 100), round(height * 100)),
        tuple(int(v) for v in np.rint(ends[0] * 100)),
        tuple(int(v) for v in np.rint(ends[1] * 100)),
    )
    if not inside:
        return
    a, b = np.array(start) / 100, np.array(end) / 100
    slanted = min(abs(step[0]), abs(step[1]))
    count = 1 + int(float(np.hypot(*(b - a))) * slanted / 12)
    for i in range(count):
        yield np.array([a + (b - a) * i / count, a + (b - a) * (i + 1) / count])


def _draw_fold_part(
    picture: Picture, points: NDArray[np.float64], fold: Fold, scale: float, tone: Tone
) -> None:
    place = region(picture, points, _SHADOW_MM * scale)
    if place is None:
        return
    view, left, top = place
    shade = np.zeros(view.shape, np.uint8)
    a, b = (tuple(int(v) for v in p) for p in fixed_point(points - (left, top)))
    for share, width_mm in ((0.5, _SHADOW_MM), (1.0, _SHADOW_MM / 2)):
        level = fold.depth * tone.span * _SHADOW_SHARE * share
        _pen(shade, a, b, level, width_mm * scale)
    _pen(shade, a, b, fold.depth * tone.span, fold.width_mm * scale)
    # Pieces meet end to end and their round caps overlap; darken to a level, not by a sum.
    floor = np.full(view.shape, round(tone.paper), np.uint8) - shade
    np.minimum(view, np.where(shade > 0, floor, 255).astype(np.uint8), out=view)


def _pen(
    shade: Picture, a: tuple[int, ...], b: tuple[int, ...], level: float, width_px: float
) -> None:
    cv2.line(shade, a, b, round(level), max(1, round(width_px)), cv2.LINE_AA, _BITS)


def draw_stains(
    picture: Picture, stains: tuple[Stain, ...], matrix: Matrix, scale: float, tone: Tone
) -> None:
    """Round stains, darkest at the rim as dried coffee is."""
    for stain in stains:
        centre = to_pixels(matrix, np.array([[stain.x, stain.y]]))
        radius = stain.radius_mm * scale
        place = region(picture, centre, radius + 2)
        if place is None:
            continue
        view, left, top = place
        rows, columns = np.ogrid[: view.shape[0], : view.shape[1]]
        far = np.hypot(columns - (centre[0, 0] - left), rows - (centre[0, 1] - top)) / radius
        share = np.where(far <= 1, 0.55 + 0.45 * np.clip((far - 0.75) * 5, 0, 1), 0)
        kept = 1 - share * stain.depth * (tone.span / tone.paper)
        view[:] = np.rint(view * kept).astype(np.uint8)  # light passes both of two stains


def draw_streaks(
    picture: Picture, streaks: tuple[Streak, ...], scale: float, tone: Tone
) -> None:
    """Vertical lines of the dirty sensor: in the scan's frame, from end to end."""
    for streak in streaks:
        left = max(0, round((streak.x - streak.width_mm / 2) * scale))
        right = max(left + 1, round((streak.x + streak.width_mm / 2) * scale))
        view = picture[:, left:right]
        if view.size:
            np.minimum(view, np.uint8(max(0, round(tone.level(streak.depth)))), out=view)


def draw_tears(
    picture: Picture, paper: Paper, matrix: Matrix, layout: Layout, rng: np.random.Generator
) -> None:
    """Torn-off corners: what lies behind the paper shows, along a ragged edge."""
    for tear in paper.tears:
        outline = to_pixels(matrix, _tear_outline(tear, layout, rng))
        place = region(picture, outline, 1)
        if place is None:
            continue
        view, left, top = place
        cv2.fillPoly(view, [fixed_point(outline - (left, top))], int(paper.background),
                     cv2.LINE_8, _BITS)


def _tear_outline(
    tear: Tear, layout: Layout, rng: np.random.Generator
) -> NDArray[np.float64]:
    """The torn piece on the page, a little larger towards the outside than the page."""
    width, height = layout.page_mm
    down, _, side = tear.corner.partition("-")
    corner = np.array([0.0 if side == "left" else width, 0.0 if down == "head" else height])
    inward = np.array([1.0 if side == "left" else -1.0, 1.0 if down == "head" else -1.0])
    share = np.linspace(0, 1, 13)
    ragged = rng.uniform(-0.8, 0.8, share.size)
    along = (1 - share) * tear.along_mm + ragged
    deep = share * tear.down_mm + ragged
    edge = corner + np.column_stack([along, deep]) * inward
    outside = corner - inward * 15.0
    return np.vstack([
        [corner[0] + inward[0] * tear.along_mm, outside[1]], edge,
        [outside[0], corner[1] + inward[1] * tear.down_mm], outside,
    ])
