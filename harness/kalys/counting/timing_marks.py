"""Finding the timing marks of a page: from strips along its edges to numbered, measured marks.

A timing mark is a bar of known size, darker than what lies half a pitch before and behind it. That
contrast (not darkness alone) makes the finder blind to a dark scanner bed beside the paper, to
scribbles and to long lines. Three steps:

1. *bars*: where along each strip such bars lie, at a few pixels' resolution (``bars.py``);
2. *comb*: the straight line and the comb of equal teeth that most bars share; missing, torn and
   extra marks do no harm;
3. *fine*: every tooth of the comb, found or not, is looked at in the full picture; what has the
   size of a mark gives its centre. Where that fails for many teeth the feed was uneven: the comb is
   bent to follow the bars, and its teeth are looked at again.

Which tooth is the first when an end is missing is for the caller to settle: numberings are returned
with scores. A first look is rough: where it finds nearly all marks there is nothing that a closer
one could add. Each step is one call for both edges and many pictures: this, and not the arithmetic,
is what decides the reader's speed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kalys.counting.bars import CLOSE, ROUGH, Bars, Edge, bars_along
from kalys.counting.scan import darker_than

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Picture = NDArray[np.uint8]

_MAX_SLOPE_DEG = 5.0
_SLOPES = np.tan(np.radians(np.arange(-_MAX_SLOPE_DEG, _MAX_SLOPE_DEG + 0.1, 0.5)))
_PITCH_TOLERANCE = 0.09
SHIFTS = 3             # by how many teeth a sheet may be out of place
_COMB_TOLERANCE = 0.2  # of the pitch: how far a bar may lie from its tooth
_LEAST_BARS = 6
_WHOLE = (0.62, 1.4)   # dark area of a whole mark, as a share of its nominal area
_OFF_PX = 5.0          # how far a mark's centre may lie from its tooth
_POOR = 0.85           # share of the teeth in view found whole, below which the comb is bent
_BENT = 0.35           # of the pitch: how far the comb is bent at most
_TEETH = 2.5           # standard deviation, in teeth, over which a bent comb is smooth
_CLEAR = 0.93          # the same, on every edge, from which a rough look is enough
_TRIED = 4.0           # numberings that score less than the best by more are not tried


@dataclass(frozen=True)
class Comb:
    """The comb found along an edge of one picture.

    ``whole`` tells of each tooth from -``SHIFTS`` to count + ``SHIFTS`` - 1, in the likeliest
    numbering, whether a mark was found there; ``x`` and ``y`` are its centre (column, row).
    ``scores`` and ``expected`` (marks in view) are those of the numberings that are shifted by
    -``SHIFTS`` to ``SHIFTS``.
    """

    whole: Bools
    x: Floats
    y: Floats
    scores: Floats
    expected: Ints

    def in_view(self, shift: int) -> int:
        """How many printed marks lie in the picture if the numbering is shifted by ``shift``."""
        return int(self.expected[shift + SHIFTS])

    def shifts(self) -> list[tuple[int, float]]:
        """Numberings worth trying with their scores, best first."""
        scores = self.scores.tolist()
        order = sorted(range(len(scores)), key=lambda i: (-scores[i], abs(i - SHIFTS)))
        return [(i - SHIFTS, scores[i]) for i in order if scores[i] > max(scores) - _TRIED]

    def teeth(self, edge: Edge, shift: int) -> tuple[Bools, Floats, Floats]:
        """By index on the comb, numbered with ``shift``: whether a mark is printed and was found
        there, and its column and row."""
        part = slice(SHIFTS - shift, SHIFTS - shift + edge.count)
        return self.whole[part] & edge.printed, self.x[part], self.y[part]


def find_combs(
    images: Sequence[Picture], edges: Sequence[Edge], levels: Sequence[float]
) -> list[list[Comb | None]]:
    """The combs along ``edges``, by picture and edge; None where there is none.

    The pictures have one shape and lie in memory row by row; ``levels`` are the grey levels below
    which a pixel counts as printed. All edges must be of one kind.
    """
    combs, clear = _look(images, edges, levels, rough=True)
    poor = [n for n, sure in enumerate(clear) if not sure]
    if poor:
        again, _ = _look([images[n] for n in poor], edges, [levels[n] for n in poor], rough=False)
        for n, found in zip(poor, again, strict=True):
            combs[n] = found
    return combs


def _look(
    images: Sequence[Picture], edges: Sequence[Edge], levels: Sequence[float], *, rough: bool
) -> tuple[list[list[Comb | None]], list[bool]]:
    """The combs by picture and edge, and of which pictures nearly all marks were found. A rough
    look costs a third and bends no comb."""
    edge, each = edges[0], len(edges)
    rows, columns = images[0].shape
    length, depth = (rows, columns) if edge.upright else (columns, rows)
    strips = len(images) * each
    bars = bars_along(images, edges, levels, ROUGH if rough else CLOSE)
    first, pitch, slope, base, found = _lines_and_combs(bars, strips, edge)
    tops = np.array([e.first for e in edges] * len(images))
    usual: Floats = np.rint((length / 2 - tops) / edge.pitch - (length / 2 - first) / pitch)
    steps = np.arange(-SHIFTS, edge.count + SHIFTS)
    along = first[:, None] + pitch[:, None] * (steps - usual[:, None])
    inward = base[:, None] + slope[:, None] * along
    outer = np.array([e.side in ("left", "top") for e in edges] * len(images))
    across: Floats = np.where(outer[:, None], inward, depth - 1 - inward)
    view = (along > 0) & (along < length) & (inward > 0) & (inward < depth)
    x, y = (across, along) if edge.upright else (along, across)
    aims = x, y
    whole, x, y = _fine(images, edge, *aims, levels)
    whole &= view & found[:, None]
    share = whole.sum(axis=1) / np.maximum(1, np.minimum(view.sum(axis=1), edge.index.size))
    poor = found & (share < _POOR)
    for i in np.flatnonzero(poor).tolist() if not rough else ():
        mine = bars.only(bars.strip == i)
        bent = _bend(mine, slope[i], base[i], along[i], edge)
        n, upright = i // each, edge.upright
        aim = [a[i : i + 1] + (bent if (k == 1) == upright else 0) for k, a in enumerate(aims)]
        again, right, down = _fine([images[n]], edge, aim[0], aim[1], [levels[n]])
        again &= view[i : i + 1]
        if again.sum() > whole[i].sum():
            whole[i], x[i], y[i] = again[0], right[0], down[0]
    scores, expected = _scores(whole, view, edges, len(images))
    combs = [
        [
            Comb(whole[i], x[i], y[i], scores[i], expected[i]) if found[i] else None
            for i in range(n * each, (n + 1) * each)
        ]
        for n in range(len(images))
    ]
    clear = (found & (share >= _CLEAR)).reshape(-1, each).all(axis=1).tolist()
    return combs, clear


def _bend(bars: Bars, slope: float, base: float, teeth: Floats, edge: Edge) -> Floats:
    """By how much each tooth of one strip's comb is to be moved along the edge to follow the bars:
    the smoothed distances of those that lie on the line and near a tooth."""
    on_line = np.abs(bars.depth - base - slope * bars.along) < max(4.0, edge.mark[0] / 4)
    along = bars.along[on_line]
    if not along.size:
        return np.zeros_like(teeth)
    pitch = teeth[1] - teeth[0]
    place = (along - teeth[0]) / pitch
    off = along - teeth[0] - np.rint(place) * pitch
    near = np.abs(off) < _BENT * pitch
    apart = (np.arange(teeth.size)[:, None] - place[None, near]) / _TEETH
    weight = np.exp(-0.5 * apart**2) + 1e-4 * np.exp(-np.abs(apart) / 8)
    return np.asarray(weight @ off[near] / np.maximum(weight.sum(axis=1), 1e-12), np.float64)


def _lines_and_combs(
    bars: Bars, strips: int, edge: Edge
) -> tuple[Floats, Floats, Floats, Floats, Bools]:
    """By strip: first tooth and pitch along the edge, slope and base of the line in depth, and
    whether enough bars agree."""
    pitch = np.full(strips, edge.pitch)
    zero = np.zeros(strips)
    if not bars.strip.size:
        return zero, pitch, zero, zero, np.zeros(strips, bool)
    bars = bars.only(_on_line(bars, strips, edge))
    if bars.strip.size < _LEAST_BARS:
        return zero, pitch, zero, zero, np.zeros(strips, bool)
    slope, base = _straight(bars, bars.along, bars.depth, None, strips)
    off = bars.depth - base[bars.strip] - slope[bars.strip] * bars.along
    near = np.abs(off) < max(4.0, edge.mark[0] / 4)
    if not near.all():
        bars = bars.only(near)
        if bars.strip.size < _LEAST_BARS:
            return zero, pitch, zero, zero, np.zeros(strips, bool)
        slope, base = _straight(bars, bars.along, bars.depth, None, strips)
    first, pitch, keep = _teeth(bars, strips, edge)
    agree = bars.sums(keep.astype(np.float64), strips) >= _LEAST_BARS
    good = agree & (np.abs(pitch / edge.pitch - 1) < _PITCH_TOLERANCE)
    pitch = np.where(good, pitch, edge.pitch)
    return np.where(good, first, 0.0), pitch, slope, base, np.asarray(good)


def _on_line(bars: Bars, strips: int, edge: Edge) -> Bools:
    """Which bars lie on the straight line that most of their strip share."""
    bin_px = max(3.0, edge.mark[0] / 3)
    offsets = bars.depth - _SLOPES[:, None] * bars.along
    lowest = float(offsets.min())
    bins = ((offsets - lowest) / bin_px).astype(np.int64)
    width = int(bins.max()) + 2
    flat = bins + (np.arange(_SLOPES.size)[:, None] + bars.strip * _SLOPES.size) * width
    count = np.bincount(flat.ravel(), minlength=strips * _SLOPES.size * width)
    pairs = count.copy()
    pairs[:-1] += count[1:]          # a line may straddle two bins
    best = pairs.reshape(strips, -1).argmax(axis=1)
    steep, low = best // width, best % width
    mine = bins[steep[bars.strip], np.arange(bars.strip.size)] - low[bars.strip]
    return np.asarray((mine == 0) | (mine == 1))


def _teeth(bars: Bars, strips: int, edge: Edge) -> tuple[Floats, Floats, Bools]:
    """First tooth and pitch of each strip's comb, and which bars fit it."""
    strip, y = bars.strip, bars.along
    step = np.diff(y)
    regular = (np.abs(step / edge.pitch - 1) < 1.3 * _PITCH_TOLERANCE) & (np.diff(strip) == 0)
    here = strip[1:][regular]
    count = np.bincount(here, minlength=strips)
    total = np.bincount(here, step[regular], strips)
    pitch = np.where(count > 0, total / np.maximum(count, 1), edge.pitch)
    # Errors of the pitch add up from tooth to tooth, so start in the middle of the bars.
    members = np.bincount(strip, minlength=strips)
    middle = np.minimum(np.cumsum(members) - members + members // 2, y.size - 1)
    start = y[middle]
    angle = 2 * np.pi * (y - start[strip]) / pitch[strip]
    phase = np.arctan2(bars.sums(np.sin(angle), strips), bars.sums(np.cos(angle), strips))
    first = start + phase * pitch / (2 * np.pi)
    keep = np.ones(y.size, bool)
    for _ in range(2):
        tooth = np.rint((y - first[strip]) / pitch[strip])
        keep = np.abs(y - first[strip] - pitch[strip] * tooth) < _COMB_TOLERANCE * edge.pitch
        pitch, first = _straight(bars, tooth, y, keep, strips)
        if keep.all():
            break
        pitch = np.where(np.abs(pitch / edge.pitch - 1) < 2 * _PITCH_TOLERANCE, pitch, edge.pitch)
    return first, pitch, keep


def _straight(
    bars: Bars, x: Floats, y: Floats, weight: Bools | None, strips: int
) -> tuple[Floats, Floats]:
    """Slope and intercept of each strip's least-squares line."""
    if weight is not None:
        bars, x, y = bars.only(weight), x[weight], y[weight]
    n = np.bincount(bars.strip, minlength=strips)
    sx, sy = bars.sums(x, strips), bars.sums(y, strips)
    sxx, sxy = bars.sums(x * x, strips), bars.sums(x * y, strips)
    slope = (n * sxy - sx * sy) / np.maximum(n * sxx - sx * sx, 1e-9)
    return slope, (sy - slope * sx) / np.maximum(n, 1)


def _fine(
    images: Sequence[Picture], edge: Edge, x: Floats, y: Floats, levels: Sequence[float]
) -> tuple[Bools, Floats, Floats]:
    """Whether there is a whole mark around each expected centre, and its true centre."""
    rows, columns = images[0].shape
    width, height = edge.mark if edge.upright else edge.mark[::-1]
    # Every second pixel of a window that reaches a little over the mark on all sides. Whole rows
    # are gathered, as pairs of pixels, of which the first counts: that is quicker than to pick.
    wide, high = round((width + 12) / 2), round((height + 12) / 2)
    view = (rows - 2 * high + 1, columns - 2 * wide + 1, high, 2 * wide)
    left = np.minimum(np.maximum(np.rint(x - wide + 0.5), 0), view[1] - 1).astype(np.int64)
    top = np.minimum(np.maximum(np.rint(y - high + 0.5), 0), view[0] - 1).astype(np.int64)
    each = len(x) // len(images)
    sums = np.empty((*x.shape, 3), np.float32)
    moments = edge.moments(high, wide)
    for n, (image, level) in enumerate(zip(images, levels, strict=True)):
        part = slice(n * each, (n + 1) * each)
        windows = np.ndarray(view, np.uint8, image, 0, (columns, 1, 2 * columns, 1))
        pairs = windows[top[part], left[part]].view("<u2")
        dark = (pairs & np.uint16(255)) < darker_than(level)
        np.matmul(dark.reshape(each, -1, high * wide).astype(np.float32), moments, out=sums[part])
    total = sums[..., 0]
    area = total * (4 / (width * height))
    centre = sums[..., 1:] / np.maximum(total, 1)[..., None]
    found_x = left + centre[..., 0]
    found_y = top + centre[..., 1]
    whole = (
        (area > _WHOLE[0]) & (area < _WHOLE[1])
        & (np.abs(found_x - x) < _OFF_PX) & (np.abs(found_y - y) < _OFF_PX)
    )
    return whole, found_x, found_y


def _scores(
    whole: Bools, view: Bools, edges: Sequence[Edge], images: int
) -> tuple[Floats, Ints]:
    """How well each numbering explains the marks, in marks, and how many marks it expects in view:
    strips x shifts."""
    count, shifts = edges[0].count, 2 * SHIFTS + 1
    printed = np.stack([e.printed for e in edges] * images)[:, None, :]
    both = np.concatenate([whole, view])
    numberings = np.ndarray(
        (2, len(whole), shifts, count), np.bool_, both, 0, (whole.size, whole.shape[1], 1, 1)
    )[:, :, ::-1]                    # a later start of the window is a lower number
    matched, expected = np.add.reduce(numberings & printed, axis=3, dtype=np.int64)
    extra = np.add.reduce(whole, axis=1, dtype=np.int64)[:, None] - matched
    return matched - 0.7 * extra - 0.5 * np.maximum(0, expected - matched), expected
