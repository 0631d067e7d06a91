"""Bars along the edges of scans: whatever looks like a timing mark at a few pixels' resolution.

A bar is darker than what lies half a pitch before and behind it. Strips of both edges and of many
pictures lie side by side in one array, outer side first and along the edge from left to right, so
that each step is one call for all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Picture = NDArray[np.uint8]

CLOSE = (8.0, 3.0)     # samples of a mark, across and along the edge, in the search...
ROUGH = (4.5, 2.0)     # ...and in a first look
_PEAK = 0.45           # contrast of a mark against its gaps from which it counts


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
class Bars:
    """Bars of all strips: ``strip`` they lie in, place ``along`` it and ``depth``, in pixels."""

    strip: Ints
    along: Floats
    depth: Floats

    def only(self, which: Bools) -> Bars:
        return Bars(self.strip[which], self.along[which], self.depth[which])

    def sums(self, values: Floats, strips: int) -> Floats:
        """Sum of ``values`` by strip."""
        return np.asarray(np.bincount(self.strip, values, strips), np.float64)


def bars_along(
    images: Sequence[Picture], edges: Sequence[Edge], levels: Sequence[float],
    samples: tuple[float, float],
) -> Bars:
    """Everything that looks like a bar of the right size, at so many samples a mark."""
    edge = edges[0]
    in_step = max(1, int(edge.mark[0] / samples[0]))
    # Marks may be longer than the gaps between them: what is compared must fit into either.
    shorter = min(edge.mark[1], edge.pitch - edge.mark[1])
    on_step = max(1, int(shorter / samples[1]))
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
    around = dark                    # not needed any more
    around[:, :gap] = 0
    around[:, gap:] = filled[:, :-gap]
    cv2.max(around[:, :-gap], filled[:, gap:], dst=around[:, :-gap])
    contrast = np.asarray(cv2.subtract(filled, around, dst=around), np.uint8)
    profile = contrast.max(axis=0)
    peaks = _peaks(profile, radius)
    inward = contrast[:, peaks].argmax(axis=0)
    strip_of = peaks // stride
    return Bars(strip_of, (peaks - strip_of * stride) * float(on_step), inward * float(in_step))


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
