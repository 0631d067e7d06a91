"""Finding the timing marks of a page: from strips along its edges to numbered, measured marks.

A timing mark is a bar of known size, darker than what lies half a pitch before and behind it. That
contrast (not darkness alone) makes the finder blind to a dark scanner bed beside the paper, to
scribbles and to long lines. Three steps:

1. *coarse*: where along each strip such bars lie, at a few pixels' resolution;
2. *comb*: the straight line and the comb of equal teeth that most bars share; missing, torn and
   extra marks do no harm;
3. *fine*: every tooth of the comb, found or not, is looked at in the full picture; what has the
   size of a mark gives its centre. Where that fails for many teeth the feed was uneven: the comb is
   bent to follow the bars, and its teeth are looked at again.

Which tooth is the first when an end is missing is for the caller to settle: numberings are returned
with scores. Strips of both edges and of many pictures lie side by side in one array, outer side
first and along the edge from left to right, so that each step is one call for all of them: this,
and not the arithmetic, is what decides the reader's speed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from kalys.counting.scan import darker_than

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Picture = NDArray[np.uint8]

_PEAK = 0.45           # contrast of a mark against its gaps from which it counts
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
_TRIED = 4.0           # numberings that score less than the best by more are not tried


@dataclass(frozen=True)
class Edge:
    """What to look for along one edge of the picture, in pixels.

    ``reach`` is the depth of the strip to search, ``mark`` the size of a mark (across, along the
    edge), ``first`` and ``pitch`` the nominal comb, ``index`` the teeth that are printed, out of
    ``count``.
    """

    side: str
    reach: int
    mark: tuple[float, float]
    pitch: float
    first: float
    count: int
    index: Ints

    @property
    def upright(self) -> bool:
        """Whether the edge runs along the rows (left, right)."""
        return self.side in ("left", "right")

    @property
    def kind(self) -> tuple[object, ...]:
        """Edges of one kind can be searched together."""
        return self.upright, self.reach, self.mark, self.pitch, self.count

    @cached_property
    def printed(self) -> Bools:
        """By index on the comb: whether a mark is printed there."""
        there = np.zeros(self.count, bool)
        there[self.index] = True
        return there

    def moments(self, high: int, wide: int) -> NDArray[np.float32]:
        """Weights that give sum and moments (right, down), in pixels, of a window of ``high`` x
        ``wide`` pixels, every second one of the picture."""
        known = self._moments.get((high, wide))
        if known is None:
            down, right = np.divmod(np.arange(high * wide), wide)
            known = np.stack([np.ones(high * wide), 2 * right, 2 * down], axis=1).astype(np.float32)
            self._moments[high, wide] = known
        return known

    @cached_property
    def _moments(self) -> dict[tuple[int, int], NDArray[np.float32]]:
        return {}


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

    def teeth(self, edge: Edge, shift: int) -> tuple[Ints, Floats, Floats]:
        """Index on the comb, column and row of each printed mark, numbered with ``shift``."""
        part = slice(SHIFTS - shift, SHIFTS - shift + edge.count)
        index = np.flatnonzero(self.whole[part] & edge.printed)
        return index, self.x[part][index], self.y[part][index]


@dataclass(frozen=True)
class _Bars:
    """Bars of all strips: ``strip`` they lie in, place ``along`` it and ``depth``, in pixels."""

    strip: Ints
    along: Floats
    depth: Floats

    def only(self, which: Bools) -> _Bars:
        return _Bars(self.strip[which], self.along[which], self.depth[which])

    def sums(self, values: Floats, strips: int) -> Floats:
        """Sum of ``values`` by strip."""
        return np.asarray(np.bincount(self.strip, values, strips), np.float64)


def find_combs(
    images: Sequence[Picture], edges: Sequence[Edge], levels: Sequence[float]
) -> list[list[Comb | None]]:
    """The combs along ``edges``, by picture and edge; None where there is none.

    The pictures have one shape and lie in memory row by row; ``levels`` are the grey levels below
    which a pixel counts as printed. All edges must be of one kind.
    """
    edge = edges[0]
    rows, columns = images[0].shape
    length, depth = (rows, columns) if edge.upright else (columns, rows)
    strips = len(images) * len(edges)
    bars = _coarse(images, edges, levels)
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
    poor = found & (whole.sum(axis=1) < _POOR * np.minimum(view.sum(axis=1), edge.index.size))
    for i in np.flatnonzero(poor).tolist():
        mine = bars.only(bars.strip == i)
        bent = _bend(mine, slope[i], base[i], along[i], edge)
        n, upright = i // len(edges), edge.upright
        aim = [a[i : i + 1] + (bent if (k == 1) == upright else 0) for k, a in enumerate(aims)]
        again, right, down = _fine([images[n]], edge, aim[0], aim[1], [levels[n]])
        again &= view[i : i + 1]
        if again.sum() > whole[i].sum():
            whole[i], x[i], y[i] = again[0], right[0], down[0]
    scores, expected = _scores(whole, view, edges, len(images))
    each = len(edges)
    return [
        [
            Comb(whole[i], x[i], y[i], scores[i], expected[i]) if found[i] else None
            for i in range(n * each, (n + 1) * each)
        ]
        for n in range(len(images))
    ]


def _bend(bars: _Bars, slope: float, base: float, teeth: Floats, edge: Edge) -> Floats:
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


def _coarse(images: Sequence[Picture], edges: Sequence[Edge], levels: Sequence[float]) -> _Bars:
    """Everything that looks like a bar of the right size."""
    edge = edges[0]
    in_step = max(1, int(edge.mark[0] / 8))
    # Marks may be longer than the gaps between them: what is compared must fit into either.
    shorter = min(edge.mark[1], edge.pitch - edge.mark[1])
    on_step = max(1, int(shorter / 3))
    wide = max(1, round(edge.mark[0] / in_step))
    high = max(1, round(0.85 * shorter / on_step))
    gap = max(high, round(edge.pitch / 2 / on_step))
    radius = max(2, round(0.3 * edge.pitch / on_step))
    strips = [
        _strip(image, e, level, in_step, on_step)
        for image, level in zip(images, levels, strict=True) for e in edges
    ]
    length = strips[0].shape[1]
    stride = length + gap + 2 * high + radius
    dark = np.zeros((strips[0].shape[0], stride * len(strips)), np.uint8)
    for i, strip in enumerate(strips):
        dark[:, i * stride : i * stride + length] = strip
    filled = np.asarray(cv2.boxFilter(dark, -1, (high, wide), borderType=cv2.BORDER_CONSTANT))
    around = np.zeros_like(filled)
    around[:, gap:] = filled[:, :-gap]
    cv2.max(around[:, :-gap], filled[:, gap:], dst=around[:, :-gap])
    contrast = np.asarray(cv2.subtract(filled, around), np.uint8)
    profile = contrast.max(axis=0)
    peaks = _peaks(profile, radius)
    inward = contrast[:, peaks].argmax(axis=0)
    strip_of = peaks // stride
    return _Bars(strip_of, (peaks - strip_of * stride) * float(on_step), inward * float(in_step))


def _strip(image: Picture, edge: Edge, level: float, in_step: int, on_step: int) -> Picture:
    """The strip along an edge, dark pixels 255, outer side first: depth x length."""
    if edge.side == "left":
        part = image[::on_step, : edge.reach : in_step]
    elif edge.side == "right":
        part = image[::on_step, : -edge.reach - 1 : -in_step]
    elif edge.side == "top":
        part = image[: edge.reach : in_step, ::on_step]
    else:
        part = image[: -edge.reach - 1 : -in_step, ::on_step]
    dark = cv2.threshold(np.ascontiguousarray(part), level, 255, cv2.THRESH_BINARY_INV)[1]
    return np.asarray(cv2.transpose(dark) if edge.upright else dark, np.uint8)


def _peaks(profile: Picture, radius: int) -> Ints:
    """Places that hold the greatest contrast within ``radius``; the middle of a plateau."""
    highest = np.asarray(
        cv2.dilate(profile.reshape(1, -1), np.ones((1, 2 * radius + 1), np.uint8))
    ).ravel()
    at = np.flatnonzero((profile == highest) & (profile > _PEAK * 255))
    if not at.size:
        return at
    new = np.flatnonzero(np.diff(at) > radius) + 1
    starts = np.concatenate([[0], new])
    ends = np.concatenate([new, [at.size]]) - 1
    middle: Ints = (at[starts] + at[ends]) // 2
    return middle


def _lines_and_combs(
    bars: _Bars, strips: int, edge: Edge
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


def _on_line(bars: _Bars, strips: int, edge: Edge) -> Bools:
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


def _teeth(bars: _Bars, strips: int, edge: Edge) -> tuple[Floats, Floats, Bools]:
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
    bars: _Bars, x: Floats, y: Floats, weight: Bools | None, strips: int
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
    # Every second pixel of a window that reaches a little over the mark on all sides.
    wide, high = round((width + 12) / 2), round((height + 12) / 2)
    view = (rows - 2 * high + 1, columns - 2 * wide + 1, high, wide)
    left = np.minimum(np.maximum(np.rint(x - wide + 0.5), 0), view[1] - 1).astype(np.int64)
    top = np.minimum(np.maximum(np.rint(y - high + 0.5), 0), view[0] - 1).astype(np.int64)
    each = len(x) // len(images)
    dark = np.empty((*x.shape, high, wide), np.float32)
    for n, (image, level) in enumerate(zip(images, levels, strict=True)):
        part = slice(n * each, (n + 1) * each)
        windows = np.ndarray(view, np.uint8, image, 0, (columns, 1, 2 * columns, 2))
        dark[part] = windows[top[part], left[part]] < darker_than(level)
    sums = dark.reshape(*x.shape, high * wide) @ edge.moments(high, wide)
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
