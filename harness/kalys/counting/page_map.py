"""The map from places on the page, in millimetres, to pixels of a scan.

It is affine, and on top of that there are corrections, known at equal steps along two lines: the
edges whose timing marks were measured. Between the steps and between the lines they are
interpolated. All this is linear in a handful of numbers, the ``Registration``, so that the pixels
of a fixed set of places, ``Points``, are one matrix product; its matrix is made once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

STEP_MM = 6.0              # between the places where corrections are known
_SMOOTHING = 1.6           # steps: the width over which corrections are averaged


@dataclass(frozen=True)
class Grid:
    """Where corrections are known: at ``count`` steps along axis ``along`` (0 right, 1 down), on
    two lines whose places on the other axis are ``span`` (mm)."""

    along: int
    count: int
    span: tuple[float, float]

    @classmethod
    def of(cls, length_mm: float, along: int, span: tuple[float, float]) -> Grid:
        return cls(along, len(np.arange(0.0, length_mm + STEP_MM, STEP_MM)), span)

    def bell(self, places: Floats) -> Floats:
        """Weights of marks at ``places`` (mm, along the grid's axis) in the correction at each
        step: a bell over a few marks, with faint wide tails that carry it over gaps and towards the
        ends."""
        apart = np.abs(np.arange(self.count)[:, None] - places / STEP_MM)
        return np.asarray(
            np.exp(-0.5 * (apart / _SMOOTHING) ** 2) + 1e-4 * np.exp(-apart / 8), np.float64
        )


class Points:
    """Places on the page in mm, (n, 2), to be mapped again and again."""

    def __init__(self, mm: Floats) -> None:
        self.mm = mm
        self._shares: dict[Grid, Floats] = {}

    def __len__(self) -> int:
        return len(self.mm)

    def shares(self, grid: Grid) -> Floats:
        """By place: right, down, 1, then the share of the correction at each step of the one line
        and of the other; (n, 3 + 2 * count)."""
        known = self._shares.get(grid)
        if known is None:
            known = self._shares[grid] = self._made(grid)
        return known

    def _made(self, grid: Grid) -> Floats:
        low, high = grid.span
        across = (self.mm[:, 1 - grid.along] - low) / (high - low)
        place = np.clip(self.mm[:, grid.along] / STEP_MM, 0, grid.count - 1.001)
        step = place.astype(np.int64)
        part, every = place - step, np.arange(len(self.mm))
        made = np.zeros((len(self.mm), 3 + 2 * grid.count))
        made[:, :2], made[:, 2] = self.mm, 1
        for first, share in ((3, 1 - across), (3 + grid.count, across)):
            made[every, first + step] = (1 - part) * share
            made[every, first + step + 1] = part * share
        return made


@dataclass(frozen=True)
class Registration:
    """Where a page lies in a scan. ``coefficients`` are (3 + 2 * grid.count, 2), pixels right and
    down: for a mm to the right, for a mm down, of the page's corner, then the corrections along the
    one line and the other. ``matched`` is how many timing marks agree."""

    coefficients: Floats
    grid: Grid
    matched: int

    @cached_property
    def _linear(self) -> tuple[float, float, float, float]:
        (xx, yx), (xy, yy) = self.coefficients[:2].tolist()
        return xx, xy, yx, yy

    @property
    def skew_deg(self) -> float:
        """Clockwise."""
        xx, xy, _, _ = self._linear
        return math.degrees(math.atan2(-xy, xx))

    @property
    def shear_deg(self) -> float:
        """By how much the angle between the page's edges is off a right one."""
        xx, xy, yx, yy = self._linear
        return math.degrees(math.atan2(yx, xx) - math.atan2(-xy, yy))

    @property
    def stretch(self) -> float:
        """Length along the feed against the width, less one."""
        xx, xy, yx, yy = self._linear
        return math.hypot(xy, yy) / math.hypot(xx, yx) - 1

    def pixels(self, points: Points) -> Floats:
        """The places as (column, row)."""
        at: Floats = points.shares(self.grid) @ self.coefficients
        return at
