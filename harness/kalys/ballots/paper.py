"""How paper and sensor spoil a picture: geometry, folds, stains and streaks.

``placement`` gives the map from millimetres on the printed page to pixels of the scan; every effect
and every mark is drawn through it, so that things on the paper move with the paper. Streaks belong
to the sensor and stay where they are. All effects darken in place a small part of the picture,
which is what keeps a sheet cheap. Torn and covered paper is in ``kalys.ballots.damage``; which of
all this a device must bear is in ``kalys.ballots.effects``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from kalys.ballots.layout import Layout
from kalys.ballots.sheet import Fold, Paper, Stain, Streak

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
    """The map from (x mm, y mm) on the page to (column, row) of the scan: affine, 2 x 3, or a
    homography, 3 x 3, where there is perspective.

    Order of events: the sheet is turned by 180 degrees (``turned``), skewed clockwise about the
    middle of the page, stretched along the feed about the same point, then shifted; perspective is
    what the sensor makes of that.
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
    if any(paper.perspective):
        return _seen_askew(linear, offset, centre, paper.perspective, scale)
    # Pixel centres lie at whole numbers, hence half a pixel less.
    return np.column_stack([linear * scale, offset * scale - 0.5])


def _seen_askew(
    linear: Matrix, offset: Matrix, centre: Matrix, perspective: tuple[float, float], scale: float
) -> Matrix:
    """Affine map, then perspective about the page's middle: lengths grow in proportion to the
    distance below it (``perspective[0]``) and right of it (``perspective[1]``)."""
    affine = np.eye(3)
    affine[:2, :2], affine[:2, 2] = linear, offset - centre
    keystone = np.eye(3)
    keystone[2, :2] = -perspective[1] / (2 * centre[0]), -perspective[0] / (2 * centre[1])
    pixels = np.array([
        [scale, 0, centre[0] * scale - 0.5], [0, scale, centre[1] * scale - 0.5], [0, 0, 1.0],
    ])
    seen: Matrix = pixels @ keystone @ affine
    return seen


def to_pixels(matrix: Matrix, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points in mm, shape (n, 2), as columns and rows of the scan."""
    moved: NDArray[np.float64] = points @ matrix[:2, :2].T + matrix[:2, 2]
    if len(matrix) == 3:
        moved /= (points @ matrix[2, :2] + matrix[2, 2])[:, None]
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


def show_background(picture: Picture, layout: Layout, matrix: Matrix, darker: int) -> None:
    """Make what lies beside the page ``darker`` than paper by so many grey levels (lighter if
    negative); its noise stays. Touches four narrow strips at most."""
    if not darker:
        return
    width, height = layout.page_mm
    corners = to_pixels(matrix, np.array([(0, 0), (width, 0), (width, height), (0, height)]))
    middle = corners.mean(axis=0)
    change = cv2.subtract if darker > 0 else cv2.add
    for i in range(4):
        a, b = corners[i], corners[(i + 1) % 4]
        along = (b - a) / max(1e-9, math.hypot(*(b - a)))
        out = np.array([along[1], -along[0]])
        out = -out if out @ (middle - a) > 0 else out
        window = _beyond(a, b, out, picture.shape)
        if window is None:
            continue
        # Strips beyond head and foot take the corners; the other two stop a pixel short of them.
        reach = float(sum(picture.shape)) if abs(out[1]) >= abs(out[0]) else -1.0
        near = np.array([a - along * reach, b + along * reach]) + out
        strip = np.vstack([near, near[::-1] + out * sum(picture.shape)])
        top, bottom, left, right = window
        view = picture[top:bottom, left:right]
        mask = np.zeros(view.shape, np.uint8)
        cv2.fillPoly(mask, [fixed_point(strip - (left, top))], abs(darker), cv2.LINE_8, _BITS)
        change(view, mask, dst=view)


def _beyond(
    a: Matrix, b: Matrix, out: Matrix, shape: tuple[int, ...]
) -> tuple[int, int, int, int] | None:
    """The part of the picture (top, bottom, left, right) that can lie beyond the edge from ``a`` to
    ``b``; None if there is none."""
    across = 1 if abs(out[1]) >= abs(out[0]) else 0      # the axis that leaves the page
    size, length = (shape[0], shape[1]) if across else (shape[1], shape[0])
    slope = (b[across] - a[across]) / (b[1 - across] - a[1 - across])
    start = a[across] - slope * a[1 - across]
    ends = (start, start + slope * length)
    if out[across] < 0:
        low, high = 0, min(size, math.ceil(max(ends)) + 1)
    else:
        low, high = max(0, math.floor(min(ends))), size
    if low >= high:
        return None
    return (low, high, 0, length) if across else (0, length, low, high)


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


def mirrored(paper: Paper, width_mm: float) -> Paper:
    """The same paper seen from its other side."""
    flip = {"left": "right", "right": "left"}
    return replace(
        paper,
        skew_deg=-paper.skew_deg,
        shift_mm=(-paper.shift_mm[0], paper.shift_mm[1]),
        perspective=(paper.perspective[0], -paper.perspective[1]),
        folds=tuple(replace(f, x=width_mm - f.x, angle_deg=-f.angle_deg) for f in paper.folds),
        tears=tuple(
            replace(t, corner=f"{t.corner.partition('-')[0]}-{flip[t.corner.partition('-')[2]]}")
            for t in paper.tears
        ),
        notches=tuple(
            replace(n, edge=flip.get(n.edge, n.edge),
                    at_mm=n.at_mm if n.edge in flip else width_mm - n.at_mm)
            for n in paper.notches
        ),
        stains=(), streaks=(), scrawls=(), labels=(),
    )
