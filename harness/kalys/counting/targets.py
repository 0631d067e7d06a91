"""How much of each target is dark: one gather for all targets of a face.

For each group of equal targets two sets of pixels around their predicted centres are taken at once:
the **inside**, clear of the printed outline, and points along the four quarters of the **outline**
itself. The dark share of the inside is the fill. Each quarter of the outline must be dark: that
proves that the pixels are where the target is, and the target whole. Where it is not, the
neighbourhood is searched; where the search fails the target counts as not seen.

A target that seems marked is looked at once more, closely: its place is searched to the pixel (a
line of its own outline within the inside would pass for a faint mark), and ink is judged against
the paper right beside it, so that a stain or the scanner's shading is no mark and a pencil's grey
is one. If most of what surrounds it is dark too, it is not marked but torn off or under something:
not seen.

Pixels are counted as packed bits, without matrix products: a threaded BLAS waits for its threads
longer than the work takes when the machine is busy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kalys.counting.scan import darker_than
from kalys.counting.target_pixels import AROUND_MM, QUARTER, Group, Pixels

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Picture = NDArray[np.uint8]

LEAST_OUTLINE = 0.4      # share of each quarter of the outline that must be dark
CENTRED = 0.6            # share of each quarter from which the place is not searched for
MOST_AROUND = 0.3        # share of the surroundings of a marked target that may be dark
SEARCH_PX = 9
_NEAR_PX = 3             # the same for a target that is found but seems faintly marked
_FAINT = 4.0             # times the suspect fill, up to which a mark may be a part of the outline
_CORE_SHARE = 0.4        # of its fill, to be no part of the outline
_BESIDE = 0.5            # of the paper beside a target, darker than its level: the median
_SPARSE = 3              # pixels of the surroundings between two that tell the paper's level
_LEAST_CLEAN = 0.6       # share of a target that must be clear of streaks


@dataclass(frozen=True)
class Levels:
    """Grey levels: of ``paper`` and of ``print``, and those below which a pixel counts as dark:
    ``ink`` for marks, ``sure`` for marks beyond doubt, ``line`` for the printed outline."""

    paper: float
    print: float
    ink: float
    sure: float
    line: float

    def beside(self, paper: float) -> Levels:
        """The same where the paper has another level: less light falls on the print as well."""
        share = paper / max(1.0, self.paper)
        return Levels(
            paper, self.print * share, self.ink * share, self.sure * share, self.line * share
        )


@dataclass(frozen=True)
class Fills:
    """Per target in the face's order: the share of the inside that is dark, the share that is dark
    beyond doubt (0 where the fill is below suspicion), and whether the target was found whole."""

    fill: Floats
    sure: Floats
    seen: Bools


def measure(
    image: Picture, groups: Sequence[Group], centres: Floats, levels: Levels, *,
    skew_deg: float, streaks: Bools, suspect: float,
) -> Fills:
    """The fill of every target.

    ``image`` has contiguous rows; ``centres`` are (column, row) by target; ``streaks`` tells which
    columns of the scan are spoilt by the sensor and must not be counted; a target that is filled
    to ``suspect`` or more must stand out from its surroundings. A target off the page is not seen.
    """
    count = len(centres)
    fills = Fills(np.ones(count), np.zeros(count), np.zeros(count, bool))
    spoilt: Ints | None = None
    if streaks.any():
        spoilt = np.zeros(streaks.size + 1, np.int64)
        np.cumsum(streaks, out=spoilt[1:])
    for group in groups:
        pixels = group.pixels(skew_deg)
        at = np.rint(centres[group.members]).astype(np.int64)
        on_page = _inside(at, image.shape, group.half + 1)
        members = group.members
        if not on_page.all():
            members, at = members[on_page], at[on_page]
        if not members.size:
            continue
        at, fills.seen[members] = _centred(image, at, group, pixels, levels.line)
        fill = _share(_windows(image, at, pixels) < darker_than(levels.ink), pixels)
        fills.fill[members] = fill
        closely = fill >= suspect
        if spoilt is not None:
            wide = pixels.half[0]
            closely |= spoilt[at[:, 0] + wide + 1] > spoilt[at[:, 0] - wide]
        for i in np.flatnonzero(closely):
            faint = bool(fill[i] < _FAINT * suspect)
            look = _Closer(image, group, pixels, levels, streaks if spoilt is not None else None)
            look.judge(fills, int(members[i]), at[i], faint=faint)
    return fills


def outlines(
    image: Picture, groups: Sequence[Group], centres: Floats, line: float, *, skew_deg: float
) -> float:
    """How well the printed outlines fit these centres: the mean dark share of the lightest quarter
    of each target, after the search for its place; 0 without targets."""
    total = 0.0
    for group in groups:
        pixels = group.pixels(skew_deg)
        at = np.rint(centres[group.members]).astype(np.int64)
        at = at[_inside(at, image.shape, group.half + 1)]
        if len(at):
            total += float(_best_outline(image, at, group, pixels, line)[1].sum())
    return total / max(1, len(centres))


@dataclass(frozen=True)
class _Closer:
    """A second look at one target of a group."""

    image: Picture
    group: Group
    pixels: Pixels
    levels: Levels
    streaks: Bools | None

    def judge(self, fills: Fills, member: int, at: Ints, *, faint: bool) -> None:
        """Put into ``fills`` what the target at ``at`` shows, if ``faint`` at its exact place."""
        if faint:
            at = self._exactly(at)
            fit = _outline(self.image, at[None], self.pixels, self.levels.line, broad=True)
            fills.seen[member] &= bool(fit.min() >= CENTRED)
        around = _around(self.image, at, self.group)
        some = around[::_SPARSE]
        # Paper only: what is printed around differs from target to target and must not be felt.
        paper = some[some >= darker_than(self.levels.line)]
        some = paper if paper.size else some
        rank = int(_BESIDE * (some.size - 1))
        levels = self.levels.beside(float(np.partition(some, rank)[rank]))
        ink = darker_than(levels.ink)
        inside = _windows(self.image, at[None], self.pixels)[0]
        clean = self._clean(at)
        grey = inside[clean]
        if np.count_nonzero(around < darker_than(self.levels.ink)) > MOST_AROUND * around.size or (
            grey.size <= _LEAST_CLEAN * self.pixels.count
        ):
            fills.seen[member] = False
            return
        fill = fills.fill[member] = np.count_nonzero(grey < ink) / grey.size
        fills.sure[member] = np.count_nonzero(grey < darker_than(levels.sure)) / grey.size
        if faint:
            core = inside[clean & self.pixels.core] < ink
            if np.count_nonzero(core) < _CORE_SHARE * fill * core.size:
                fills.sure[member] = 0.0

    def _exactly(self, at: Ints) -> Ints:
        """The place near ``at`` where the outline and a pixel beside it are darkest: lines may be
        printed wider than the layout says, and then many places fit."""
        steps = np.arange(-_NEAR_PX, _NEAR_PX + 1)
        near = at + np.array([(dx, dy) for dy in steps for dx in steps])
        near = near[_inside(near, self.image.shape, self.group.half + 1)]
        columns = self.image.shape[1]
        lines = (self.pixels.outline[..., 1] * columns + self.pixels.outline[..., 0]).ravel()
        grey = self.image.ravel()[(near[:, 1] * columns + near[:, 0])[:, None] + lines]
        # Ink darker than print is no better than print: a mark must not draw the place to it.
        np.maximum(grey, np.uint8(min(255.0, max(0.0, self.levels.print))), out=grey)
        best = int(np.add.reduce(grey, axis=1, dtype=np.int64).argmin())
        return np.asarray(near[best], np.int64)

    def _clean(self, at: Ints) -> Bools:
        """The inside without columns that are spoilt by the sensor."""
        if self.streaks is None:
            return self.pixels.inside
        start = at[0] - self.pixels.half[0]
        good = ~self.streaks[start : start + self.pixels.inside.shape[1]]
        return np.asarray(self.pixels.inside & good)


def _windows(image: Picture, at: Ints, pixels: Pixels) -> Picture:
    """The window of each target: (n, rows, columns)."""
    rows, columns = image.shape
    high, wide = pixels.inside.shape
    view = (rows - high + 1, columns - wide + 1, high, wide)
    windows = np.ndarray(view, np.uint8, image, 0, (columns, 1, columns, 1))
    return np.asarray(windows[at[:, 1] - high // 2, at[:, 0] - wide // 2])


def _share(dark: Bools, pixels: Pixels) -> Floats:
    packed = np.packbits(dark.reshape(len(dark), -1), axis=1)
    packed &= pixels.bits
    share: Floats = np.add.reduce(np.bitwise_count(packed), axis=1, dtype=np.uint32) / max(
        1, pixels.count
    )
    return share


def _outline(
    image: Picture, at: Ints, pixels: Pixels, line: float, *, broad: bool = False
) -> Floats:
    """Dark share of each quarter of each outline, (n, 4); ``broad`` takes the darkest of the line
    and its neighbours, for thin and blurred lines."""
    columns = image.shape[1]
    lines = pixels.outline if broad else pixels.outline[1]
    steps = (lines[..., 1] * columns + lines[..., 0]).ravel()
    places = (at[:, 1] * columns + at[:, 0])[:, None] + steps
    level = image.ravel().take(places)
    if broad:
        level = level.reshape(len(at), 3, -1).min(axis=1)
    quarters = np.packbits(level < darker_than(line), axis=1).view(np.uint16)
    shares: Floats = np.bitwise_count(quarters) / QUARTER
    return shares


def _best_outline(
    image: Picture, at: Ints, group: Group, pixels: Pixels, line: float
) -> tuple[Ints, Floats]:
    """The centres, moved to where the outline fits best where it did not fit at once, and the dark
    share of the lightest quarter there."""
    shares = _outline(image, at, pixels, line).min(axis=1)
    poor = np.flatnonzero(shares < CENTRED)
    if poor.size:
        at = at.copy()
    for i in poor:
        found = _search(image, at[i], group, pixels, line)
        if found is not None and found[1] > shares[i]:
            at[i], shares[i] = found
    return at, shares


def _centred(
    image: Picture, at: Ints, group: Group, pixels: Pixels, line: float
) -> tuple[Ints, Bools]:
    at, shares = _best_outline(image, at, group, pixels, line)
    return at, np.asarray(shares >= LEAST_OUTLINE)


def _search(
    image: Picture, at: Ints, group: Group, pixels: Pixels, line: float
) -> tuple[Ints, float] | None:
    """The centre within ``SEARCH_PX`` where the outline fits best, with the dark share of its
    lightest quarter: the best of the lightest quarter, then of the whole outline, then the
    nearest."""
    steps = np.arange(-SEARCH_PX, SEARCH_PX + 1)
    moves = np.array([(dx, dy) for dy in steps for dx in steps])
    near = at + moves
    on_page = _inside(near, image.shape, group.half + 1)
    near, moves = near[on_page], moves[on_page]
    if not len(near):
        return None
    broad = _outline(image, near, pixels, line, broad=True)
    lightest = broad.min(axis=1)
    sharp = _outline(image, near, pixels, line).mean(axis=1)
    merit = lightest + sharp - 0.004 * np.hypot(moves[:, 0], moves[:, 1])
    best = int(merit.argmax())
    return near[best], float(lightest[best])


def _around(image: Picture, at: Ints, group: Group) -> Picture:
    """Every second pixel of what surrounds a target."""
    far = group.half + round(AROUND_MM * group.scale)
    x, y = at.tolist()
    left, top = x - far, y - far
    part = image[max(0, top) : y + far + 1 : 2, max(0, left) : x + far + 1 : 2]
    if part.shape == group.ring.shape:
        return part.ravel().take(group.ring_places)
    down, right = -min(0, top), -min(0, left)         # cut by the picture's edge
    ring = group.ring[(down + 1) // 2 :, (right + 1) // 2 :][: part.shape[0], : part.shape[1]]
    return part[: ring.shape[0], : ring.shape[1]][ring]


def _inside(at: Ints, shape: tuple[int, ...], margin: int) -> Bools:
    rows, columns = shape
    inside: Bools = (
        (at[:, 0] >= margin) & (at[:, 0] < columns - margin)
        & (at[:, 1] >= margin) & (at[:, 1] < rows - margin)
    )
    return inside
