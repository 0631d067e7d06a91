"""How much of each target is dark: one gather for all targets of a face.

For each group of equal targets the patches around their predicted centres are cut out at once,
turned into dark or light, and multiplied with two masks: the **inside**, clear of the printed
outline, and the **outline** itself. The inside's share is the fill. The outline's share proves that
the patch is where the target is; where it does not, the neighbourhood is searched, and where the
search fails the target counts as not seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kalys.ballots.layout import Target

Floats = NDArray[np.float64]
Picture = NDArray[np.uint8]

CLEARANCE_MM = 0.3       # between the printed outline and the area that is judged
LEAST_OUTLINE = 0.45     # share of the outline that must be dark where it is expected
SEARCH_PX = 6
_EDGE_PX = 4             # margin of a patch around the target
_ANGLE_STEP = 0.5        # degrees between masks
_LEAST_CLEAN = 0.6       # share of a target that must be clear of streaks


@dataclass
class Group:
    """Targets of one size and shape. ``members`` are their places in the face's order."""

    target: Target
    scale: float
    members: NDArray[np.int64]
    size: int = 0
    _masks: dict[int, NDArray[np.float32]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        widest = max(self.target.width, self.target.height) * self.scale
        self.size = 2 * round(widest / 2 + _EDGE_PX) + 1

    def masks(self, skew_deg: float) -> NDArray[np.float32]:
        """(pixels, 2): columns are the inside and the outline, each summing to one."""
        step = round(skew_deg / _ANGLE_STEP)
        if step not in self._masks:
            self._masks[step] = self._draw(np.radians(step * _ANGLE_STEP))
        return self._masks[step]

    def _draw(self, angle: float) -> NDArray[np.float32]:
        half = self.size // 2
        rows, columns = np.mgrid[-half : half + 1, -half : half + 1] / self.scale
        x = columns * np.cos(angle) + rows * np.sin(angle)
        y = rows * np.cos(angle) - columns * np.sin(angle)
        inside = self._within(x, y, self.target.line_mm + CLEARANCE_MM)
        outline = self._within(x, y, 0.0) & ~self._within(x, y, self.target.line_mm)
        masks = np.stack([inside.ravel(), outline.ravel()], axis=1).astype(np.float32)
        scaled: NDArray[np.float32] = masks / np.maximum(masks.sum(axis=0), 1)
        return scaled

    def _within(self, x: Floats, y: Floats, shrink: float) -> NDArray[np.bool_]:
        width, height = self.target.width / 2 - shrink, self.target.height / 2 - shrink
        if self.target.shape == "square":
            inside = (np.abs(x) <= width) & (np.abs(y) <= height)
        else:
            inside = (x / width) ** 2 + (y / height) ** 2 <= 1
        return np.asarray(inside)


@dataclass(frozen=True)
class Fills:
    """Per target in the face's order: the share of the inside that is dark, the share that is dark
    beyond doubt, and whether the printed outline was found."""

    fill: Floats
    sure: Floats
    seen: NDArray[np.bool_]


def groups_of(targets: Sequence[Target], scale: float) -> list[Group]:
    """Targets sorted into groups of equal size, shape and line."""
    kinds: dict[tuple[object, ...], list[int]] = {}
    for i, t in enumerate(targets):
        kinds.setdefault((t.width, t.height, t.shape, t.line_mm), []).append(i)
    return [Group(targets[members[0]], scale, np.array(members)) for members in kinds.values()]


@dataclass(frozen=True)
class Levels:
    """Grey levels below which a pixel counts as dark: ``ink`` for marks, ``sure`` for marks beyond
    doubt, ``line`` for the printed outline."""

    ink: float
    sure: float
    line: float


def measure(
    image: Picture, groups: Sequence[Group], centres: Floats, levels: Levels, *,
    skew_deg: float, streaks: NDArray[np.bool_],
) -> Fills:
    """The fill of every target.

    ``centres`` are (column, row) by target; ``streaks`` tells which columns of the scan are spoilt
    by the sensor and must not be counted.
    """
    count = len(centres)
    fills = Fills(np.ones(count), np.ones(count), np.zeros(count, bool))
    for group in groups:
        masks = group.masks(skew_deg)
        at = np.rint(centres[group.members]).astype(np.int64)
        on_page = _inside(at, image.shape, group.size // 2)
        members, at = group.members[on_page], at[on_page]
        if not members.size:
            continue
        flat = _patches(image, at, group.size)
        outline = _share(flat < levels.line, masks[:, 1])
        fills.fill[members] = _share(flat < levels.ink, masks[:, 0])
        fills.sure[members] = _share(flat < levels.sure, masks[:, 0])
        fills.seen[members] = outline >= LEAST_OUTLINE
        for i in np.flatnonzero(outline < LEAST_OUTLINE):
            found = _search(image, at[i], group, masks, levels)
            if found is not None:
                flat[i] = found
                fills.seen[members[i]] = True
                fills.fill[members[i]] = float(_share(found[None] < levels.ink, masks[:, 0])[0])
                fills.sure[members[i]] = float(_share(found[None] < levels.sure, masks[:, 0])[0])
        if streaks.any():
            for k in np.flatnonzero(_spoilt(at[:, 0], streaks, group.size)):
                x = int(at[k, 0]) - group.size // 2
                clean = ~streaks[x : x + group.size]
                _without_streaks(flat[k], masks[:, 0], clean, int(members[k]), fills, levels)
    return fills


def _share(dark: NDArray[np.bool_], mask: NDArray[np.float32]) -> NDArray[np.float32]:
    share: NDArray[np.float32] = dark.astype(np.float32) @ mask
    return share


def _inside(
    at: NDArray[np.int64], shape: tuple[int, ...], margin: int
) -> NDArray[np.bool_]:
    rows, columns = shape
    inside: NDArray[np.bool_] = (
        (at[:, 0] >= margin) & (at[:, 0] < columns - margin)
        & (at[:, 1] >= margin) & (at[:, 1] < rows - margin)
    )
    return inside


def _patches(image: Picture, at: NDArray[np.int64], size: int) -> Picture:
    """Squares of ``size`` around (column, row), one flattened square a row."""
    half = size // 2
    windows = np.lib.stride_tricks.sliding_window_view(image, (size, size))
    return np.asarray(windows[at[:, 1] - half, at[:, 0] - half]).reshape(len(at), -1)


def _search(
    image: Picture, at: NDArray[np.int64], group: Group, masks: NDArray[np.float32], levels: Levels
) -> Picture | None:
    """The patch where the outline fits best within ``SEARCH_PX``, or None if it fits nowhere."""
    steps = np.arange(-SEARCH_PX, SEARCH_PX + 1)
    near = at + np.array([(dx, dy) for dy in steps for dx in steps])
    near = near[_inside(near, image.shape, group.size // 2)]
    if not len(near):
        return None
    flat = _patches(image, near, group.size)
    outline = _share(flat < levels.line, masks[:, 1])
    best = int(outline.argmax())
    return None if outline[best] < LEAST_OUTLINE else flat[best]


def _spoilt(x: NDArray[np.int64], streaks: NDArray[np.bool_], size: int) -> NDArray[np.bool_]:
    """Which of the patches centred on columns ``x`` a streak crosses."""
    before = np.concatenate([[0], np.cumsum(streaks)])
    crossed: NDArray[np.bool_] = before[x + size // 2 + 1] > before[x - size // 2]
    return crossed


def _without_streaks(  # noqa: PLR0917 - one patch, its mask, and where its result goes
    patch: Picture, inside: NDArray[np.float32], clean: NDArray[np.bool_], member: int,
    fills: Fills, levels: Levels,
) -> None:
    """Measure one target again without the columns that a streak spoils."""
    weight = (inside.reshape(clean.size, clean.size) * clean).ravel()
    total = float(weight.sum())
    if total > _LEAST_CLEAN:
        fills.fill[member] = float(_share(patch < levels.ink, weight)) / total
        fills.sure[member] = float(_share(patch < levels.sure, weight)) / total
    else:
        fills.seen[member] = False
