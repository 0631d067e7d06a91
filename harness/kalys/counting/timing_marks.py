"""Finding the timing marks of one edge: from a strip of pixels to numbered marks.

A timing mark is a bar of known size, darker than what lies half a pitch before and behind it. That
contrast (not darkness alone) makes the finder blind to a dark scanner bed beside the paper, to
scribbles and to long lines. Marks lie on a straight line and on a comb of equal teeth; both are
fitted so that missing, torn and extra marks do no harm. What the fit cannot decide (which tooth is
the first when an end is missing) is returned as alternatives, best first.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Picture = NDArray[np.uint8]

_ACROSS = 3            # the strip is read at every third column
_ALONG = 2             # and every second row
_PEAK = 0.5            # contrast of a mark against its gaps from which it counts
_MAX_SLOPE_DEG = 5.0
_SLOPES = np.tan(np.radians(np.arange(-_MAX_SLOPE_DEG, _MAX_SLOPE_DEG + 0.1, 0.25)))
_PITCH_TOLERANCE = 0.035
_SHIFTS = 3            # by how many teeth a sheet may be out of place
_COMB_TOLERANCE = 0.2  # of the pitch: how far a mark may lie from its tooth


@dataclass(frozen=True)
class Edge:
    """What to look for along the left or right edge, in pixels of the scan.

    ``positions`` are the nominal rows of the printed marks, by ``index`` on the comb; ``count`` is
    the number of teeth, printed or left out.
    """

    side: str
    reach: int              # width of the strip to search
    mark_width: float
    mark_height: float
    pitch: float
    first: float
    count: int
    index: Ints


@dataclass(frozen=True)
class Teeth:
    """Marks found on the comb: ``index`` on the comb, ``x`` column and ``y`` row, and how well the
    numbering explains what was seen (``score``, in marks)."""

    index: Ints
    x: Floats
    y: Floats
    score: float


def find_teeth(image: Picture, edge: Edge, threshold: float) -> list[Teeth]:
    """Numbered marks along ``edge``, best numbering first; empty when there is no comb.

    ``threshold`` is the grey level below which a pixel counts as printed.
    """
    x, y = _bars(image, edge, threshold)
    if x.size < 6:
        return []
    on_line = _line_members(x, y, edge)
    x, y = x[on_line], y[on_line]
    if x.size < 6:
        return []
    tooth, keep = _comb(y, edge)
    if keep.sum() < 6:
        return []
    return _numberings(tooth[keep], x[keep], y[keep], edge, image.shape[0])


def _bars(image: Picture, edge: Edge, threshold: float) -> tuple[Floats, Floats]:
    """Centres (columns, rows) of everything that looks like a bar of the right size."""
    columns = image.shape[1]
    if edge.side == "left":
        strip = np.ascontiguousarray(image[::_ALONG, : edge.reach : _ACROSS])
    else:
        strip = np.ascontiguousarray(image[::_ALONG, columns - edge.reach :: _ACROSS])
    origin = 0 if edge.side == "left" else columns - edge.reach
    dark = np.asarray(cv2.threshold(strip, threshold, 255, cv2.THRESH_BINARY_INV)[1], np.uint8)
    width = max(1, round(edge.mark_width / _ACROSS))
    height = max(1, round(0.85 * edge.mark_height / _ALONG))
    filled = np.asarray(cv2.boxFilter(
        dark, -1, (width, height), borderType=cv2.BORDER_CONSTANT
    ))
    gap = max(height, round(edge.pitch / 2 / _ALONG))
    around = np.zeros_like(filled)
    around[gap:] = filled[:-gap]
    around[:-gap] = cv2.max(around[:-gap], filled[gap:])
    contrast = np.asarray(cv2.subtract(filled, around), np.uint8)
    profile = contrast.max(axis=1)
    rows = _peaks(profile, max(2, round(0.3 * edge.pitch / _ALONG)))
    if not rows.size:
        return np.zeros(0), np.zeros(0)
    x, y = _centres(dark, contrast, rows, width, height)
    return origin + x * _ACROSS, y * _ALONG


def _peaks(profile: Picture, radius: int) -> Ints:
    """Rows that hold the greatest contrast within ``radius``; the middle of a plateau."""
    column = np.ascontiguousarray(profile.reshape(-1, 1))
    highest = np.asarray(cv2.dilate(column, np.ones((2 * radius + 1, 1), np.uint8))).ravel()
    rows = np.flatnonzero((profile == highest) & (profile > _PEAK * 255))
    if not rows.size:
        return rows
    groups = np.flatnonzero(np.diff(rows) > radius) + 1
    starts = np.concatenate([[0], groups])
    ends = np.concatenate([groups, [rows.size]]) - 1
    middle: Ints = (rows[starts] + rows[ends]) // 2
    return middle


def _centres(
    dark: Picture, contrast: Picture, rows: Ints, width: int, height: int
) -> tuple[Floats, Floats]:
    """Centre of gravity of the dark pixels around each peak, in strip pixels."""
    best = contrast[rows].argmax(axis=1)
    up, side = height + 1, width
    padded = cv2.copyMakeBorder(dark, up, up, side, side, cv2.BORDER_CONSTANT, value=0)
    windows = np.lib.stride_tricks.sliding_window_view(
        np.asarray(padded), (2 * up + 1, 2 * side + 1)
    )[rows, best]
    weight = windows.astype(np.float32) / 255
    total = np.maximum(weight.sum(axis=(1, 2)), 1)
    dy = weight.sum(axis=2) @ np.arange(-up, up + 1, dtype=np.float32) / total
    dx = weight.sum(axis=1) @ np.arange(-side, side + 1, dtype=np.float32) / total
    return best + dx.astype(np.float64), rows + dy.astype(np.float64)


def _line_members(x: Floats, y: Floats, edge: Edge) -> NDArray[np.bool_]:
    """Which bars lie on the straight line that most of them share."""
    bin_px = max(2.0, edge.mark_width / 4)
    offsets = x[None, :] - _SLOPES[:, None] * y[None, :]
    bins = np.floor((offsets - offsets.min()) / bin_px).astype(np.int64)
    width = int(bins.max()) + 2
    flat = bins + np.arange(_SLOPES.size)[:, None] * width
    count = np.bincount(flat.ravel(), minlength=_SLOPES.size * width)
    pairs = count[:-1] + count[1:]          # a line may straddle two bins
    slope, offset_bin = divmod(int(pairs.argmax()), width)
    near = np.abs(bins[slope] - offset_bin - 0.5) < 1
    for _ in range(2):
        if near.sum() < 3:
            break
        b, a = _straight(y[near], x[near])
        near = np.abs(x - a - b * y) < max(3.0, edge.mark_width / 5)
    return np.asarray(near)


def _comb(y: Floats, edge: Edge) -> tuple[Ints, NDArray[np.bool_]]:
    """The tooth of each row on a comb of free phase, and which rows fit it."""
    order = np.sort(y)
    steps = np.diff(order)
    regular = steps[np.abs(steps / edge.pitch - 1) < 2 * _PITCH_TOLERANCE]
    pitch = float(np.median(regular)) if regular.size else edge.pitch
    pitch = float(np.clip(pitch, edge.pitch * (1 - _PITCH_TOLERANCE),
                          edge.pitch * (1 + _PITCH_TOLERANCE)))
    # Errors of the pitch add up from tooth to tooth, so start where the comb is densest.
    start = float(order[order.size // 2])
    phase = np.angle(np.exp(2j * np.pi * (y - start) / pitch).sum()) * pitch / (2 * np.pi)
    first = start + phase
    tooth = np.rint((y - first) / pitch).astype(np.int64)
    keep = np.ones(y.size, bool)
    for _ in range(3):
        off = y - first - pitch * tooth
        keep = np.abs(off) < _COMB_TOLERANCE * pitch
        if keep.sum() < 3 or np.ptp(tooth[keep]) == 0:
            break
        pitch, first = _straight(tooth[keep], y[keep])
        tooth = np.rint((y - first) / pitch).astype(np.int64)
    return tooth, np.asarray(keep)


def _straight(x: Floats | Ints, y: Floats) -> tuple[float, float]:
    """Slope and intercept of the least-squares line; numpy's polyfit costs six times as much."""
    n = x.size
    sx, sy = float(x.sum()), float(y.sum())
    sxx, sxy = float(x @ x), float(x @ y)
    slope = (n * sxy - sx * sy) / max(n * sxx - sx * sx, 1e-9)
    return slope, (sy - slope * sx) / n


def _numberings(tooth: Ints, x: Floats, y: Floats, edge: Edge, rows: int) -> list[Teeth]:
    """Which tooth is which: each shift of the numbering with the score of what it explains."""
    nominal = (y - edge.first) / edge.pitch
    usual = round(float(np.median(nominal - tooth)))
    step = float(y.max() - y.min()) / max(1, int(np.ptp(tooth)))
    pad = edge.count + _SHIFTS
    printed = np.zeros(2 * pad + edge.count, bool)     # room for numbers beyond either end
    printed[pad + edge.index] = True
    tooth = np.clip(tooth, -pad + _SHIFTS - usual, pad + edge.count - _SHIFTS - 1 - usual)
    shifts = usual + np.arange(-_SHIFTS, _SHIFTS + 1)
    index = tooth[None, :] + shifts[:, None]
    hit = printed[pad + index]
    at = y[0] + (edge.index[None, :] - index[:, :1]) * step
    expected = ((at > 0) & (at < rows)).sum(axis=1)
    matched = hit.sum(axis=1)
    score = matched - 0.7 * (tooth.size - matched) - 0.5 * np.maximum(0, expected - matched)
    best = float(score.max())
    return [
        Teeth(index[i][hit[i]], x[hit[i]], y[hit[i]], float(score[i]))
        for i in np.argsort(-score)[:3] if score[i] > best - 4 and matched[i] >= 6
    ]
