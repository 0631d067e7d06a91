"""How much of each target is dark: one gather for all targets of a face.

For each group of equal targets two sets of pixels around their predicted centres are taken at once:
the **inside**, clear of the printed outline, and the four quarters of the **outline** itself. The
dark share of the inside is the fill. Each quarter of the outline must be dark: that proves that
the pixels are where the target is, and the target whole. Where it is not, the neighbourhood is
searched; where the search fails the target counts as not seen. A target that seems marked while
most of what surrounds it is dark too is not marked but torn off or under something: not seen.

Plain counting of pixels, no matrix products: a threaded BLAS waits for its threads longer than the
work takes when the machine is busy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kalys.ballots.layout import Target

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Picture = NDArray[np.uint8]

CLEARANCE_MM = 0.3       # between the printed outline and the area that is judged
LEAST_OUTLINE = 0.4      # share of each quarter of the outline that must be dark
MOST_AROUND = 0.3        # share of the surroundings of a marked target that may be dark
AROUND_MM = 3.0          # how far these surroundings reach
SEARCH_PX = 6
_EDGE_PX = 4             # margin of a target that must lie on the page
_ANGLE_STEP = 0.5        # degrees between pixel sets
_LEAST_CLEAN = 0.6       # share of a target that must be clear of streaks


@dataclass(frozen=True)
class Levels:
    """Grey levels below which a pixel counts as dark: ``ink`` for marks, ``sure`` for marks beyond
    doubt, ``line`` for the printed outline."""

    ink: float
    sure: float
    line: float


@dataclass(frozen=True)
class Fills:
    """Per target in the face's order: the share of the inside that is dark, the share that is dark
    beyond doubt, and whether the target was found whole."""

    fill: Floats
    sure: Floats
    seen: NDArray[np.bool_]


@dataclass(frozen=True)
class Pixels:
    """Steps (column, row) from a target's centre to the pixels of its inside, shape (n, 2), and of
    its outline's quarters, (4, m, 2)."""

    inside: Ints
    quarters: Ints


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

    def pixels(self, skew_deg: float) -> Pixels:
        """The pixel sets of a target that is turned by ``skew_deg``."""
        step = round(skew_deg / _ANGLE_STEP)
        if step not in self._pixels:
            self._pixels[step] = self._draw(np.radians(step * _ANGLE_STEP))
        return self._pixels[step]

    def _draw(self, angle: float) -> Pixels:
        steps = np.arange(-self.half, self.half + 1)
        columns, rows = (grid.ravel() for grid in np.meshgrid(steps, steps))
        x = (columns * np.cos(angle) + rows * np.sin(angle)) / self.scale
        y = (rows * np.cos(angle) - columns * np.sin(angle)) / self.scale
        places = np.column_stack([columns, rows])
        inside = self._within(x, y, self.target.line_mm + CLEARANCE_MM)
        outline = self._within(x, y, 0.0) & ~self._within(x, y, self.target.line_mm)
        beside = np.abs(x) * self.target.height >= np.abs(y) * self.target.width
        parts = [
            places[outline & part]
            for part in (beside & (x > 0), beside & (x < 0), ~beside & (y > 0), ~beside & (y < 0))
        ]
        size = min(len(part) for part in parts)
        even = [part[np.linspace(0, len(part) - 1, size).astype(np.int64)] for part in parts]
        return Pixels(places[inside], np.stack(even))

    def _within(self, x: Floats, y: Floats, shrink: float) -> NDArray[np.bool_]:
        width, height = self.target.width / 2 - shrink, self.target.height / 2 - shrink
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


def measure(
    image: Picture, groups: Sequence[Group], centres: Floats, levels: Levels, *,
    skew_deg: float, streaks: NDArray[np.bool_], suspect: float,
) -> Fills:
    """The fill of every target.

    ``centres`` are (column, row) by target; ``streaks`` tells which columns of the scan are spoilt
    by the sensor and must not be counted; a target that is filled to ``suspect`` or more must
    stand out from its surroundings. A target off the page is not seen.
    """
    count = len(centres)
    fills = Fills(np.ones(count), np.ones(count), np.zeros(count, bool))
    image = np.ascontiguousarray(image)
    spoilt = np.concatenate([[0], np.cumsum(streaks)])
    for group in groups:
        pixels = group.pixels(skew_deg)
        at = np.rint(centres[group.members]).astype(np.int64)
        on_page = _inside(at, image.shape, group.half)
        members, at = group.members[on_page], at[on_page]
        if not members.size:
            continue
        fills.seen[members] = True
        for i in np.flatnonzero(_outline(image, at, pixels, levels.line) < LEAST_OUTLINE):
            found = _search(image, at[i], group, pixels, levels.line)
            fills.seen[members[i]] = found is not None
            at[i] = at[i] if found is None else found
        inside = _take(image, at, pixels.inside)
        fills.fill[members] = _share(inside < levels.ink)
        fills.sure[members] = _share(inside < levels.sure)
        crossed = spoilt[at[:, 0] + group.half + 1] > spoilt[at[:, 0] - group.half]
        for i in np.flatnonzero(crossed):
            clean = inside[i][~streaks[at[i, 0] + pixels.inside[:, 0]]]
            if clean.size > _LEAST_CLEAN * inside.shape[1]:
                fills.fill[members[i]] = (clean < levels.ink).mean()
                fills.sure[members[i]] = (clean < levels.sure).mean()
            else:
                fills.seen[members[i]] = False
        for i in np.flatnonzero(fills.fill[members] >= suspect):
            if _around(image, at[i], group, levels.ink) > MOST_AROUND:
                fills.seen[members[i]] = False
    return fills


def _take(image: Picture, at: Ints, steps: Ints) -> Picture:
    """The pixels at ``steps`` (column, row) from each of ``at``: one row of them a target."""
    columns = image.shape[1]
    places = (at[:, 1] * columns + at[:, 0])[:, None] + (steps[:, 1] * columns + steps[:, 0])
    pixels: Picture = np.take(image.ravel(), places)
    return pixels


def _share(dark: NDArray[np.bool_]) -> Floats:
    share: Floats = np.add.reduce(dark, axis=1, dtype=np.int32) / dark.shape[1]
    return share


def _outline(image: Picture, at: Ints, pixels: Pixels, line: float) -> Floats:
    """Dark share of the lightest quarter of each outline."""
    quarters = pixels.quarters
    dark = _take(image, at, quarters.reshape(-1, 2)) < line
    shares = np.add.reduce(dark.reshape(len(at), 4, -1), axis=2, dtype=np.int32)
    lightest: Floats = shares.min(axis=1) / quarters.shape[1]
    return lightest


def _search(image: Picture, at: Ints, group: Group, pixels: Pixels, line: float) -> Ints | None:
    """The centre within ``SEARCH_PX`` where the outline fits best, or None if it fits nowhere."""
    steps = np.arange(-SEARCH_PX, SEARCH_PX + 1)
    near = at + np.array([(dx, dy) for dy in steps for dx in steps])
    near = near[_inside(near, image.shape, group.half)]
    if not len(near):
        return None
    shares = _outline(image, near, pixels, line)
    best = int(shares.argmax())
    return None if shares[best] < LEAST_OUTLINE else near[best]


def _around(image: Picture, at: Ints, group: Group, ink: float) -> float:
    """Dark share of what surrounds a target, at every second pixel."""
    near, far = group.half, group.half + round(AROUND_MM * group.scale)
    x, y = int(at[0]), int(at[1])
    left, top = max(0, x - far), max(0, y - far)
    dark = image[top : y + far + 1 : 2, left : x + far + 1 : 2] < ink
    rows = np.abs(np.arange(dark.shape[0]) * 2 + top - y) > near
    columns = np.abs(np.arange(dark.shape[1]) * 2 + left - x) > near
    return float(dark[rows[:, None] | columns[None, :]].mean())


def _inside(at: Ints, shape: tuple[int, ...], margin: int) -> NDArray[np.bool_]:
    rows, columns = shape
    inside: NDArray[np.bool_] = (
        (at[:, 0] >= margin) & (at[:, 0] < columns - margin)
        & (at[:, 1] >= margin) & (at[:, 1] < rows - margin)
    )
    return inside
