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
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kalys.ballots.layout import Target
from kalys.counting.scan import darker_than

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Picture = NDArray[np.uint8]

CLEARANCE_MM = 0.3       # between the printed outline and the area that is judged
LEAST_OUTLINE = 0.4      # share of each quarter of the outline that must be dark
CENTRED = 0.6            # share of each quarter from which the place is not searched for
MOST_AROUND = 0.3        # share of the surroundings of a marked target that may be dark
AROUND_MM = 3.0          # how far these surroundings reach
SEARCH_PX = 9
_NEAR_PX = 3             # the same for a target that is found but seems faintly marked
_FAINT = 4.0             # times the suspect fill, up to which a mark may be a part of the outline
_CORE_MM = 0.35          # further in, where a mark must show as well
_CORE_SHARE = 0.4        # of its fill, to be no part of the outline
_BESIDE = 0.5            # of the paper beside a target, darker than its level: the median
_SPARSE = 3              # pixels of the surroundings between two that tell the paper's level
_EDGE_PX = 4             # margin of a target that must lie on the page
_ANGLE_STEP = 0.5        # degrees between pixel sets
_LEAST_CLEAN = 0.6       # share of a target that must be clear of streaks
_QUARTER = 20            # points of a quarter of an outline


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


@dataclass(frozen=True)
class Pixels:
    """What to look at around a target's centre: the ``inside`` as a mask of a window (rows,
    columns; odd numbers), the same as packed bits with their ``count``, its ``core``, and steps
    (column, row) to the points of the outline's quarters: a pixel outwards, on the line and a pixel
    inwards, (3, 4 * ``_QUARTER``, 2)."""

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
        along = np.linspace(-0.96, 0.96, _QUARTER)
        ones = np.ones(_QUARTER)
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
    lines = pixels.outline if broad else pixels.outline[1:2]
    steps = lines[..., 1] * columns + lines[..., 0]
    level = image.ravel()[(at[:, 1] * columns + at[:, 0])[:, None, None] + steps].min(axis=1)
    shares: Floats = np.add.reduce(
        (level < darker_than(line)).reshape(len(at), 4, _QUARTER), axis=2, dtype=np.int64
    ) / _QUARTER
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
    ring = group.ring
    if part.shape != ring.shape:         # cut by the picture's edge
        down, right = -min(0, top), -min(0, left)
        ring = ring[(down + 1) // 2 :, (right + 1) // 2 :][: part.shape[0], : part.shape[1]]
        part = part[: ring.shape[0], : ring.shape[1]]
    return part[ring]


def _inside(at: Ints, shape: tuple[int, ...], margin: int) -> Bools:
    rows, columns = shape
    inside: Bools = (
        (at[:, 0] >= margin) & (at[:, 0] < columns - margin)
        & (at[:, 1] >= margin) & (at[:, 1] < rows - margin)
    )
    return inside
