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
    """Per target in the face's order: the share of the inside that is dark, and whether the
    printed outline was found."""

    fill: Floats
    seen: NDArray[np.bool_]


def groups_of(targets: Sequence[Target], scale: float) -> list[Group]:
    """Targets sorted into groups of equal size, shape and line."""
    kinds: dict[tuple[object, ...], list[int]] = {}
    for i, t in enumerate(targets):
        kinds.setdefault((t.width, t.height, t.shape, t.line_mm), []).append(i)
    return [Group(targets[members[0]], scale, np.array(members)) for members in kinds.values()]


def measure(
    image: Picture, groups: Sequence[Group], centres: Floats, *, skew_deg: float,
    ink: float, line: float, streaks: NDArray[np.bool_],
) -> Fills:
    """The fill of every target.

    ``centres`` are (column, row) by target; ``ink`` the grey level below which a pixel of a mark
    counts as dark, ``line`` the same for the printed outline; ``streaks`` tells which columns of
    the scan are spoilt by the sensor and must not be counted.
    """
    count = len(centres)
    fill, seen = np.ones(count), np.zeros(count, bool)
    for group in groups:
        at = np.rint(centres[group.members]).astype(np.int64)
        _measure_group(image, group, at, (fill, seen), skew_deg, (ink, line))
        if streaks.any():
            _without_streaks(image, group, at, fill, skew_deg, ink, streaks)
    return Fills(fill, seen)


def _measure_group(
    image: Picture, group: Group, at: NDArray[np.int64],
    into: tuple[Floats, NDArray[np.bool_]], skew_deg: float, levels: tuple[float, float],
) -> None:
    fill, seen = into
    half = group.size // 2
    rows, columns = image.shape
    inside = (
        (at[:, 0] >= half) & (at[:, 0] < columns - half)
        & (at[:, 1] >= half) & (at[:, 1] < rows - half)
    )
    members = group.members[inside]
    at = at[inside]
    if not members.size:
        return
    masks = group.masks(skew_deg)
    patches = _patches(image, at, group.size)
    flat = patches.reshape(len(patches), -1)
    fill[members] = (flat < levels[0]).astype(np.float32) @ masks[:, 0]
    outline = (flat < levels[1]).astype(np.float32) @ masks[:, 1]
    seen[members] = outline >= LEAST_OUTLINE
    for i in np.flatnonzero(outline < LEAST_OUTLINE):
        found = _search(image, at[i], group, masks, levels)
        if found is not None:
            fill[members[i]], seen[members[i]] = found, True


def _patches(image: Picture, at: NDArray[np.int64], size: int) -> Picture:
    half = size // 2
    windows = np.lib.stride_tricks.sliding_window_view(image, (size, size))
    return np.asarray(windows[at[:, 1] - half, at[:, 0] - half])


def _search(
    image: Picture, at: NDArray[np.int64], group: Group, masks: NDArray[np.float32],
    levels: tuple[float, float],
) -> float | None:
    """The fill where the outline fits best within ``SEARCH_PX``, or None if it fits nowhere."""
    steps = np.arange(-SEARCH_PX, SEARCH_PX + 1)
    near = np.array([(at[0] + dx, at[1] + dy) for dy in steps for dx in steps])
    half = group.size // 2
    rows, columns = image.shape
    near = near[
        (near[:, 0] >= half) & (near[:, 0] < columns - half)
        & (near[:, 1] >= half) & (near[:, 1] < rows - half)
    ]
    if not len(near):
        return None
    flat = _patches(image, near, group.size).reshape(len(near), -1)
    outline = (flat < levels[1]).astype(np.float32) @ masks[:, 1]
    best = int(outline.argmax())
    if outline[best] < LEAST_OUTLINE:
        return None
    return float((flat[best] < levels[0]).astype(np.float32) @ masks[:, 0])


def _without_streaks(
    image: Picture, group: Group, at: NDArray[np.int64], fill: Floats, skew_deg: float, ink: float,
    streaks: NDArray[np.bool_],
) -> None:
    """Measure the targets under a streak again without the spoilt columns."""
    half = group.size // 2
    inside = group.masks(skew_deg)[:, 0].reshape(group.size, group.size)
    rows, columns = image.shape
    for member, (x, y) in zip(group.members, at, strict=True):
        if not (half <= x < columns - half and half <= y < rows - half):
            continue
        spoilt = streaks[x - half : x + half + 1]
        if not spoilt.any():
            continue
        weight = inside * ~spoilt
        total = float(weight.sum())
        dark = image[y - half : y + half + 1, x - half : x + half + 1] < ink
        if total > 0.6:
            fill[member] = float((dark * weight).sum()) / total
