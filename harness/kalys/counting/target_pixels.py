"""Which pixels tell of a target: its inside, the quarters of its outline, what surrounds it.

Targets of one size, shape and line are a ``Group``; what to look at is worked out once for each
angle of the page, in steps of a quarter of a degree, and then only moved from target to target.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kalys.ballots.layout import Target

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

CLEARANCE_MM = 0.3       # between the printed outline and the area that is judged
AROUND_MM = 3.0          # how far these surroundings reach
_CORE_MM = 0.35          # further in, where a mark that is no part of the outline shows as well
_EDGE_PX = 4             # margin of a target that must lie on the page
_ANGLE_STEP = 0.25       # degrees between pixel sets
QUARTER = 16            # points of a quarter of an outline: as many as a word of bits has


@dataclass(frozen=True)
class Pixels:
    """What to look at around a target's centre: the ``inside`` as a mask of a window (rows,
    columns; odd numbers), the same as packed bits with their ``count``, its ``core``, and steps
    (column, row) to the points of the outline's quarters: a pixel outwards, on the line and a pixel
    inwards, (3, 4 * ``QUARTER``, 2)."""

    inside: Bools
    bits: NDArray[np.uint8]
    count: int
    core: Bools
    outline: Ints

    @property
    def half(self) -> tuple[int, int]:
        """Columns and rows from the centre to the window's edge."""
        rows, columns = self.inside.shape
        return columns // 2, rows // 2


@dataclass
class Group:
    """Targets of one size and shape. ``members`` are their places in the face's order."""

    target: Target
    scale: float
    members: Ints
    half: int = 0
    _pixels: dict[int, Pixels] = field(default_factory=dict)

    def __post_init__(self) -> None:
        widest = max(self.target.width, self.target.height) * self.scale
        self.half = round(widest / 2 + _EDGE_PX)

    @cached_property
    def ring(self) -> Bools:
        """Every second pixel of what surrounds a target: a window with the target left out."""
        far = self.half + round(AROUND_MM * self.scale)
        steps = np.abs(np.arange(-far, far + 1, 2)) > self.half
        return np.asarray(steps[:, None] | steps[None, :])

    @cached_property
    def ring_places(self) -> Ints:
        """The same as places in the raveled window."""
        return np.flatnonzero(self.ring)

    def pixels(self, skew_deg: float) -> Pixels:
        """What to look at on a page turned clockwise by ``skew_deg``."""
        step = round(skew_deg / _ANGLE_STEP)
        if step not in self._pixels:
            self._pixels[step] = self._turned(np.radians(step * _ANGLE_STEP))
        return self._pixels[step]

    def _turned(self, angle: float) -> Pixels:
        steps = np.arange(-self.half, self.half + 1)
        columns, rows = np.meshgrid(steps, steps)
        x = (columns * np.cos(angle) + rows * np.sin(angle)) / self.scale
        y = (rows * np.cos(angle) - columns * np.sin(angle)) / self.scale
        inside = self._within(x, y, self.target.line_mm + CLEARANCE_MM)
        wide = int(np.abs(columns[inside]).max(initial=0))
        high = int(np.abs(rows[inside]).max(initial=0))
        middle = self.half
        core = self._within(x, y, self.target.line_mm + CLEARANCE_MM + _CORE_MM)
        window = slice(middle - high, middle + high + 1), slice(middle - wide, middle + wide + 1)
        inside, core = np.ascontiguousarray(inside[window]), np.ascontiguousarray(core[window])
        width, height = self.target.width * self.scale / 2, self.target.height * self.scale / 2
        points = self._outline() * self.scale
        # Inwards and outwards along the axis of the quarter: exact for straight sides.
        points = np.stack([points * (1 + step / np.array([width, height])) for step in (1, 0, -1)])
        turned = np.stack([
            points[..., 0] * np.cos(angle) - points[..., 1] * np.sin(angle),
            points[..., 0] * np.sin(angle) + points[..., 1] * np.cos(angle),
        ], axis=-1)
        return Pixels(
            inside, np.packbits(inside.ravel()), int(inside.sum()), core,
            np.rint(turned).astype(np.int64),
        )

    def _outline(self) -> Floats:
        """Points along the middle of the printed line, in mm: right, left, lower, upper quarter."""
        width = (self.target.width - self.target.line_mm) / 2
        height = (self.target.height - self.target.line_mm) / 2
        along = np.linspace(-0.96, 0.96, QUARTER)
        ones = np.ones(QUARTER)
        if self.target.shape == "square":
            right = np.column_stack([ones, along])
            down = np.column_stack([along, ones])
        else:
            angle = along * np.pi / 4
            right = np.column_stack([np.cos(angle), np.sin(angle)])
            down = np.column_stack([np.sin(angle), np.cos(angle)])
        return np.concatenate([right, -right, down, -down]) * (width, height)

    def _within(self, x: Floats, y: Floats, shrink: float) -> Bools:
        width = max(self.target.width / 2 - shrink, 0.05 * self.target.width)
        height = max(self.target.height / 2 - shrink, 0.05 * self.target.height)
        if self.target.shape == "square":
            inside = (np.abs(x) <= width) & (np.abs(y) <= height)
        else:
            inside = (x / width) ** 2 + (y / height) ** 2 <= 1
        return np.asarray(inside)


def groups_of(targets: Sequence[Target], scale: float) -> list[Group]:
    """Targets sorted into groups of equal size, shape and line."""
    kinds: dict[tuple[object, ...], list[int]] = {}
    for i, t in enumerate(targets):
        kinds.setdefault((t.width, t.height, t.shape, t.line_mm), []).append(i)
    return [Group(targets[members[0]], scale, np.array(members)) for members in kinds.values()]
