"""Where the page lies in the scan: from timing marks to a map from millimetres to pixels.

Two edges with timing marks fix the page: two opposite ones where there are such, else any two. An
affine map is fitted to all their marks; what remains along two opposite edges (uneven feed, a bent
sheet) is smoothed and added by interpolation between them. Then the map is put to the proof: it
must be a page that is hardly sheared, of about the right size, and the marks along the other edges
must be where it says. A map that fails is no map: the sheet is unreadable rather than misread by
one row.

Where the first choice of edges fails (one is cut off, torn or scribbled over), other pairs are
tried. Two edges that meet in a corner prove each other: one row or column off would tear the corner
apart.

Pages are fitted many at a time, all teeth of both edges in one row of an array, with a weight of 1
for those that were found: what costs is the number of calls, not the arithmetic.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from kalys.counting.frame import Frame
from kalys.counting.page_map import Registration
from kalys.counting.scan import darker_than
from kalys.counting.timing_marks import Comb, find_combs

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Picture = NDArray[np.uint8]

MAX_SKEW_DEG = 4.0         # declared range 3
SHEAR_DEG = 0.6            # a row paired with its neighbour shows as 1.7 degrees on letter paper...
MAX_SHEAR_DEG = 2.6        # ...but one side may run ahead as far: then the proof must be better
MAX_SIZE = (0.09, 0.09)     # how far a scan may be off the nominal size, across and along the feed
LEAST_MARKS = 0.5          # share of the marks in view that must be found, on either edge
LEAST_PROOF = 0.6          # share of the other marks in view that must be where they should
SHEARED_PROOF = 0.75       # the same for a sheared page
_OFF_MM = 0.5              # by which a mark alone may be off...
_BENT_MM = 1.8             # ...and with its neighbours


def register(image: Picture, frame: Frame, threshold: float) -> Registration | None:
    """The page's place in ``image`` (rows contiguous), or None when too few marks agree."""
    return register_batch([image], frame, [threshold])[0]


def register_batch(
    images: Sequence[Picture], frame: Frame, thresholds: Sequence[float]
) -> list[Registration | None]:
    """The same for pictures of one shape: cheaper than one by one.

    Of each picture the numberings of both combs are tried in order of merit, until one makes a page
    that is proved.
    """
    combs = _combs(images, frame, thresholds)
    tries = [_numberings(pair) for pair in combs]
    found: list[Registration | None] = [None] * len(images)
    turn, left = 0, [i for i, some in enumerate(tries) if some]
    while left:
        fits = _fit(frame, [combs[i] for i in left], [tries[i][turn] for i in left])
        for i, fit in zip(left, fits, strict=True):
            if fit is not None and _proved(fit, frame, images[i], thresholds[i]):
                found[i] = fit
        turn += 1
        left = [i for i in left if found[i] is None and len(tries[i]) > turn]
    return found


def register_otherwise(
    image: Picture, frame: Frame, threshold: float
) -> Iterator[Registration]:
    """The page's place by the other pairs of edges that make a page."""
    for other in frame.others:
        found = register(image, other, threshold)
        if found is not None:
            yield found


def _combs(
    images: Sequence[Picture], frame: Frame, thresholds: Sequence[float]
) -> list[list[Comb | None]]:
    if frame.edges[0].kind == frame.edges[1].kind:
        return find_combs(images, frame.edges, thresholds)
    one, two = (find_combs(images, [edge], thresholds) for edge in frame.edges)
    return [a + b for a, b in zip(one, two, strict=True)]


def _numberings(combs: Sequence[Comb | None]) -> list[tuple[int, int]]:
    """How the teeth of both combs may be numbered, the likeliest first."""
    a, b = combs
    if a is None or b is None:
        return []
    pairs = sorted(product(a.shifts(), b.shifts()), key=lambda p: -(p[0][1] + p[1][1]))
    return [(shift_a, shift_b) for (shift_a, _), (shift_b, _) in pairs]


def _fit(
    frame: Frame, combs: Sequence[Sequence[Comb | None]], shifts: Sequence[tuple[int, int]]
) -> list[Registration | None]:
    """The maps of pages by their combs, numbered so; None where they make no page."""
    seen, found, least = _teeth(frame, combs, shifts)
    first = frame.edges[0].count
    affine, off = _affine(frame.design, seen, found)
    fits = _enough(found, first, least)
    fits &= [_plausible(matrix, frame.scale) for matrix in affine.tolist()]
    good = found & (np.abs(off).max(axis=1) < _OFF_MM * frame.scale)
    again = np.flatnonzero((good != found).any(axis=1) & fits)
    if again.size:
        # A mark half outside the picture or under a scribble has its centre off: it must not bend
        # the map, so fit again without it.
        for i in again:
            good[i] = found[i] & _with_neighbours(off[i], found[i], first, frame.scale)
        fits[again] = _enough(good[again], first, least[again])
        affine[again], off[again] = _affine(frame.design, seen[again], good[again])
    coefficients = _with_corrections(frame, affine, off, good)
    matched = np.count_nonzero(good, axis=1).tolist()
    return [
        Registration(coefficients[i], frame.grid, matched[i]) if fits[i] else None
        for i in range(len(combs))
    ]


def _teeth(
    frame: Frame, combs: Sequence[Sequence[Comb | None]], shifts: Sequence[tuple[int, int]]
) -> tuple[Floats, Bools, Floats]:
    """The teeth of both edges by page: (right, down) in pixels, (pages, 2, teeth); whether a mark
    was found; and the least number of marks on either edge."""
    a, b = frame.edges
    seen = np.empty((len(combs), 2, a.count + b.count))
    found = np.empty((len(combs), a.count + b.count), bool)
    least = np.empty((len(combs), 2))
    for i, (pair, numbers) in enumerate(zip(combs, shifts, strict=True)):
        start = 0
        for k, (comb, edge, shift) in enumerate(zip(pair, frame.edges, numbers, strict=True)):
            assert comb is not None
            part = slice(start, start + edge.count)
            found[i, part], seen[i, 0, part], seen[i, 1, part] = comb.teeth(edge, shift)
            least[i, k] = max(min(8, edge.index.size), LEAST_MARKS * comb.in_view(shift))
            start += edge.count
    return seen, found, least


def _enough(found: Bools, first: int, least: Floats) -> Bools:
    """Whether on either edge, of which one has the ``first`` teeth, at least so many were found."""
    return np.asarray(
        (np.count_nonzero(found[:, :first], axis=1) >= least[:, 0])
        & (np.count_nonzero(found[:, first:], axis=1) >= least[:, 1])
    )


def _affine(design: Floats, seen: Floats, found: Bools) -> tuple[Floats, Floats]:
    """Least squares maps of the teeth that were found, mm -> pixels, (pages, 2, 3), and by how much
    all teeth are off them, (pages, 2, teeth)."""
    pages, _, teeth = seen.shape
    weight = found.astype(np.float64)
    x, y, n, xx, xy, yy = (weight @ design).T[:, :, None]
    n = np.maximum(n, 1)
    flat = (seen * weight[:, None, :]).reshape(-1, teeth)
    right, down, total = np.moveaxis((flat @ design[:, :3]).reshape(pages, 2, 3), 2, 0)
    # Moments about the mean, then the inverse of a 2 x 2 matrix by hand.
    x, y = x / n, y / n
    xx, xy, yy = xx - n * x * x, xy - n * x * y, yy - n * y * y
    right, down = right - total * x, down - total * y
    scale = np.maximum(xx * yy - xy * xy, 1e-9)
    maps = np.empty((pages, 2, 3))
    maps[..., 0] = (yy * right - xy * down) / scale
    maps[..., 1] = (xx * down - xy * right) / scale
    maps[..., 2] = total / n - maps[..., 0] * x - maps[..., 1] * y
    off = seen - (maps.reshape(-1, 3) @ design[:, :3].T).reshape(seen.shape)
    return maps, off


def _plausible(matrix: Sequence[Sequence[float]], scale: float) -> bool:
    """A page is a page: skew, shear and size within what a scanner can do."""
    (xx, xy, _), (yx, yy, _) = matrix
    turn_x = math.degrees(math.atan2(yx, xx))
    turn_y = math.degrees(math.atan2(-xy, yy))
    return (
        abs(turn_x) < MAX_SKEW_DEG and abs(turn_x - turn_y) < MAX_SHEAR_DEG
        and abs(math.hypot(xx, yx) / scale - 1) < MAX_SIZE[0]
        and abs(math.hypot(xy, yy) / scale - 1) < MAX_SIZE[1]
    )


def _with_neighbours(off: Floats, found: Bools, first: int, scale: float) -> Bools:
    """Which teeth of a page are where their neighbours on the same edge are, and not too far off: a
    sheet that bends or slips moves neighbours together, only loners are wrong. ``off`` is (2,
    teeth)."""
    good = np.zeros(found.size, bool)
    for part in (slice(0, first), slice(first, None)):
        index = np.flatnonzero(found[part])
        mine = off[:, part][:, index]
        lone = np.abs(mine - _usual(mine)).max(axis=0) < _OFF_MM * scale
        good[part][index] = lone & (np.abs(mine).max(axis=0) < _BENT_MM * scale)
    return good


def _usual(off: Floats) -> Floats:
    """The median of each mark and its three neighbours on either side; (2, marks)."""
    if off.shape[1] < 8:
        return off
    padded = np.concatenate([off[:, 2::-1], off, off[:, :-4:-1]], axis=1)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 7, axis=1)
    return np.asarray(np.median(windows, axis=2), np.float64)


def _with_corrections(frame: Frame, affine: Floats, off: Floats, good: Bools) -> Floats:
    """The coefficients of registrations: the maps, and at each step of either line the mean by
    which the good marks are off, weighted by the frame's bells."""
    pages, first, steps = len(affine), frame.edges[0].count, frame.grid.count
    made = np.empty((pages, 3 + 2 * steps, 2))
    made[:, :3] = affine.transpose(0, 2, 1)
    weight = good.astype(np.float64)
    flat = (off * weight[:, None, :]).reshape(2 * pages, -1)
    for k, part in enumerate((slice(0, first), slice(first, None))):
        if frame.corner and not frame.edges[k].upright:
            continue
        total = (flat[:, part] @ frame.bells[k]).reshape(pages, 2, steps)
        mean = total / np.maximum(weight[:, part] @ frame.bells[k], 1e-12)[:, None, :]
        # In a corner known along one side only: what the feed did there, it did across the page.
        for line in (0, 1) if frame.corner else (k,):
            made[:, 3 + line * steps : 3 + (line + 1) * steps] = mean.transpose(0, 2, 1)
    return made


def _proved(found: Registration, frame: Frame, image: Picture, threshold: float) -> bool:
    """Whether the marks of the other edges, and the gaps between them, are where the map says, for
    one way to lie. Where too few of them are in view, a corner is proof enough."""
    sheared = abs(found.shear_deg) >= SHEAR_DEG
    for proof in frame.proofs:
        if not len(proof):
            return frame.corner or not sheared
        n = len(proof) // 2
        at = found.pixels(proof)
        view = _inside(at, image.shape, 3)
        view = view[:n] & view[n:]
        seen = np.count_nonzero(view)
        if seen < max(4, 0.3 * n):
            if frame.corner:
                return True
        else:
            dark = dark_share(image, at, 2, threshold) > 0.6
            least = SHEARED_PROOF if sheared else LEAST_PROOF
            if np.count_nonzero(dark[:n] & ~dark[n:] & view) >= least * seen:
                return True
    return False


def _inside(at: Floats, shape: tuple[int, ...], margin: int) -> NDArray[np.bool_]:
    rows, columns = shape
    inside: NDArray[np.bool_] = (
        (at[:, 0] >= margin) & (at[:, 0] < columns - margin)
        & (at[:, 1] >= margin) & (at[:, 1] < rows - margin)
    )
    return inside


def dark_share(image: Picture, at: Floats, radius: int, threshold: float) -> Floats:
    """Share of dark pixels in the square of ``radius`` around each (column, row)."""
    rows, columns = image.shape
    size = 2 * radius + 1
    view = (rows - size + 1, columns - size + 1, size, size)
    windows = np.ndarray(view, np.uint8, image, 0, (columns, 1, columns, 1))
    corner = np.rint(at).astype(np.int64) - radius
    corner = np.minimum(np.maximum(corner, 0), (view[1] - 1, view[0] - 1))
    dark = windows[corner[:, 1], corner[:, 0]] < darker_than(threshold)
    packed = np.packbits(dark.reshape(len(at), -1), axis=1)
    count = np.add.reduce(np.bitwise_count(packed), axis=1, dtype=np.uint32)
    share: Floats = count / size**2
    return share
