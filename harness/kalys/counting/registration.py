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
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray

from kalys.ballots.layout import Face, Track, track_centres
from kalys.counting.scan import darker_than
from kalys.counting.timing_marks import Comb, Edge, find_combs

Floats = NDArray[np.float64]
Picture = NDArray[np.uint8]

SEARCH_MM = 14.0           # how far inward of their place timing marks are looked for
MAX_SKEW_DEG = 4.0         # declared range 3
SHEAR_DEG = 0.6            # a row paired with its neighbour shows as 1.7 degrees on letter paper...
MAX_SHEAR_DEG = 2.6        # ...but one side may run ahead as far: then the proof must be better
MAX_SIZE = (0.09, 0.09)     # how far a scan may be off the nominal size, across and along the feed
LEAST_MARKS = 0.5          # share of the marks in view that must be found, on either edge
LEAST_PROOF = 0.6          # share of the other marks in view that must be where they should
SHEARED_PROOF = 0.75       # the same for a sheared page
_OFF_MM = 0.5              # by which a mark alone may be off...
_BENT_MM = 1.8             # ...and with its neighbours
_STEP_MM = 6.0             # between the places where corrections are known
_SMOOTHING = 1.6           # steps: the width over which corrections are averaged
_OPPOSITE = (("left", "right"), ("top", "bottom"))
_PAIRS = (*_OPPOSITE, *product(*_OPPOSITE))


@dataclass(frozen=True)
class Frame:
    """The marks of one face, ready for the search: ``page`` is its size in mm.

    ``places`` are the centres of all teeth of the two ``edges`` in mm, (count, 2) each; ``proofs``
    the sets of other marks of which one must be there, one set for each way in which the page may
    lie: (2 n, 2), first the marks, then the gaps beside them. ``others`` are frames of the same
    face on other edges.
    """

    page: tuple[float, float]
    scale: float
    edges: tuple[Edge, Edge]
    places: tuple[Floats, Floats]
    proofs: tuple[Floats, ...]
    others: tuple[Frame, ...] = ()

    @classmethod
    def of(cls, face: Face, page: tuple[float, float], scale: float, *, turned: bool) -> Frame:
        """The frame of a face; ``turned`` as it looks when fed foot first."""
        tracks = {_side(track, turned): track for track in face.tracks}
        sure = {side for side, track in tracks.items() if not track.coded}
        pairs = [pair for pair in _PAIRS if set(pair) <= sure]
        first, *rest = [cls._on(tracks, pair, page, scale, turned=turned) for pair in pairs]
        return replace(first, others=tuple(rest))

    @classmethod
    def _on(
        cls, tracks: Mapping[str, Track], chosen: tuple[str, str], page: tuple[float, float],
        scale: float, *, turned: bool,
    ) -> Frame:
        made = [_edge(tracks[name], page, scale, name, turned=turned) for name in chosen]
        proof = [
            (x, y) for side, t in tracks.items() if side not in chosen and not t.coded
            for _, x, y in track_centres(t, page)
        ]
        # Behind each mark the gap to the next: a dark bed is no row of marks.
        gaps = [
            (x + t.pitch / 2, y) if t.edge in ("top", "bottom") else (x, y + t.pitch / 2)
            for side, t in tracks.items() if side not in chosen and not t.coded
            for _, x, y in track_centres(t, page)
        ]
        proof_mm = np.array(proof + gaps, float).reshape(-1, 2)
        if turned:
            proof_mm = np.array(page) - proof_mm
        (a, a_mm), (b, b_mm) = made
        return cls(page, scale, (a, b), (a_mm, b_mm), (proof_mm,))

    @cached_property
    def along(self) -> int:
        """The axis along which corrections are known: 0 (right) for top and bottom, else 1 (down):
        the feed is what is uneven."""
        return 0 if not any(edge.upright for edge in self.edges) else 1

    @property
    def corner(self) -> bool:
        """Whether the edges meet in a corner."""
        return self.edges[0].upright != self.edges[1].upright

    @cached_property
    def bells(self) -> tuple[Floats, Floats]:
        """Weights of the marks of either edge in the corrections at each step: a bell over a few
        marks, with faint wide tails that carry it over gaps and towards the ends."""
        at = np.arange(0.0, self.page[self.along] + _STEP_MM, _STEP_MM)
        first, second = (
            np.abs(at[:, None] - places[:, self.along]) / _STEP_MM for places in self.places
        )
        return _bell(first), _bell(second)

    def same_marks(self, other: Frame) -> bool:
        """Whether the search for the one finds the other just as well."""
        return self.page == other.page and all(
            a.side == b.side and a.count == b.count and a.mark == b.mark
            and np.array_equal(a.index, b.index) and np.allclose(p, q, atol=0.01)
            for a, b, p, q in zip(self.edges, other.edges, self.places, other.places, strict=True)
        )

    def proved_by(self, others: Sequence[Frame]) -> Frame:
        """The same frame, satisfied by the other marks of any of ``others``."""
        proofs = tuple(proof for frame in others for proof in frame.proofs)
        rest: list[Frame] = []
        for other in (other for frame in others for other in frame.others):
            if not any(other.same_marks(known) for known in rest):
                alike = [o for frame in others for o in frame.others if o.same_marks(other)]
                rest.append(replace(other, proofs=tuple(p for o in alike for p in o.proofs)))
        return replace(self, proofs=proofs, others=tuple(rest))


def _side(track: Track, turned: bool) -> str:
    """The edge of the picture at which a track lies."""
    if not turned:
        return track.edge
    return {"left": "right", "right": "left", "top": "bottom", "bottom": "top"}[track.edge]


def _edge(
    track: Track, page: tuple[float, float], scale: float, side: str, *, turned: bool
) -> tuple[Edge, Floats]:
    axis = 1 if side in ("left", "right") else 0
    first, printed = track.first, np.array([i for i, _, _ in track_centres(track, page)], np.int64)
    if turned:
        first = page[axis] - (track.first + (track.count - 1) * track.pitch)
        printed = np.sort(track.count - 1 - printed)
    inward = track.inset if side in ("left", "top") else page[1 - axis] - track.inset
    along = first + np.arange(track.count) * track.pitch
    places = np.empty((track.count, 2))
    places[:, axis], places[:, 1 - axis] = along, inward
    across_mm, along_mm = track.mark_mm if axis else track.mark_mm[::-1]
    edge = Edge(
        side=side, reach=round((track.inset + across_mm / 2 + SEARCH_MM) * scale),
        mark=(across_mm * scale, along_mm * scale), pitch=track.pitch * scale,
        first=first * scale, count=track.count, index=printed,
    )
    return edge, places


@dataclass(frozen=True)
class Registration:
    """The map from millimetres on the (possibly turned) page to columns and rows of the scan.

    ``corrections`` are pixels to add at the two edges, (n, 4): dx, dy at the one and dx, dy at the
    other, at equal steps along axis ``along``; ``span_mm`` are the edges' places on the other axis.
    """

    matrix: Floats                    # 2 x 3
    corrections: Floats
    along: int
    span_mm: tuple[float, float]
    page: tuple[float, float]
    matched: int

    @property
    def skew_deg(self) -> float:
        """Clockwise."""
        return math.degrees(math.atan2(-self.matrix[0, 1], self.matrix[0, 0]))

    @property
    def shear_deg(self) -> float:
        """By how much the angle between the page's edges is off a right one."""
        (xx, xy, _), (yx, yy, _) = self.matrix.tolist()
        return math.degrees(math.atan2(yx, xx) - math.atan2(-xy, yy))

    @property
    def stretch(self) -> float:
        """Length along the feed against the width, less one."""
        across = float(np.hypot(*self.matrix[:, 0]))
        return float(np.hypot(*self.matrix[:, 1])) / across - 1

    def pixels(self, points: Floats) -> Floats:
        """Points in mm, shape (n, 2), as (column, row)."""
        at: Floats = points @ self.matrix[:, :2].T + self.matrix[:, 2]
        low, high = self.span_mm
        share = ((points[:, 1 - self.along] - low) / (high - low))[:, None]
        place = np.minimum(
            np.maximum(points[:, self.along] / _STEP_MM, 0), len(self.corrections) - 1.001
        )
        row = place.astype(np.int64)
        part = (place - row)[:, None]
        off = self.corrections[row] * (1 - part) + self.corrections[row + 1] * part
        at += off[:, :2] * (1 - share) + off[:, 2:] * share
        return at

    def turned(self, points: Floats) -> Floats:
        """The same for a page fed foot first, with points as on the upright page."""
        return self.pixels(np.array(self.page) - points)


def register(image: Picture, frame: Frame, threshold: float) -> Registration | None:
    """The page's place in ``image`` (rows contiguous), or None when too few marks agree."""
    return register_batch([image], frame, [threshold])[0]


def register_batch(
    images: Sequence[Picture], frame: Frame, thresholds: Sequence[float]
) -> list[Registration | None]:
    """The same for pictures of one shape: cheaper than one by one."""
    if frame.edges[0].kind == frame.edges[1].kind:
        combs = find_combs(images, frame.edges, thresholds)
    else:
        one, two = (find_combs(images, [edge], thresholds) for edge in frame.edges)
        combs = [a + b for a, b in zip(one, two, strict=True)]
    return [
        _place(image, frame, a, b, level)
        for image, (a, b), level in zip(images, combs, thresholds, strict=True)
    ]


def _place(
    image: Picture, frame: Frame, a: Comb | None, b: Comb | None, threshold: float
) -> Registration | None:
    """The first numbering of both combs, in order of merit, that makes a page."""
    if a is None or b is None:
        return None
    pairs = sorted(product(a.shifts(), b.shifts()), key=lambda p: -(p[0][1] + p[1][1]))
    for (shift_a, _), (shift_b, _) in pairs:
        found = _fit((a, b), (shift_a, shift_b), frame)
        if found is not None and _proved(found, frame, image, threshold):
            return found
    return None


def register_otherwise(
    image: Picture, frame: Frame, threshold: float
) -> Iterator[Registration]:
    """The page's place by the other pairs of edges that make a page."""
    for other in frame.others:
        found = register(image, other, threshold)
        if found is not None:
            yield found


def _fit(
    combs: tuple[Comb, Comb], shifts: tuple[int, int], frame: Frame
) -> Registration | None:
    (index_a, *seen_a), (index_b, *seen_b) = (
        comb.teeth(edge, shift)
        for comb, edge, shift in zip(combs, frame.edges, shifts, strict=True)
    )
    n = index_a.size
    least = [
        max(min(8, edge.index.size), LEAST_MARKS * comb.in_view(shift))
        for comb, edge, shift in zip(combs, frame.edges, shifts, strict=True)
    ]
    if n < least[0] or index_b.size < least[1]:
        return None
    places = np.concatenate([frame.places[0][index_a], frame.places[1][index_b]])
    seen = np.concatenate([seen_a, seen_b], axis=1).T
    matrix = _affine(places, seen)
    if not _plausible(matrix, frame.scale):
        return None
    off = seen - places @ matrix[:, :2].T - matrix[:, 2]
    # A mark half outside the picture or under a scribble has its centre off: it must not bend
    # the map, so fit again without it.
    good: NDArray[np.bool_] = np.abs(off).max(axis=1) < _OFF_MM * frame.scale
    if not good.all():
        # A sheet that bends or slips moves neighbours together; only loners are wrong.
        lone = np.concatenate([off[:n] - _usual(off[:n]), off[n:] - _usual(off[n:])])
        good = np.abs(lone).max(axis=1) < _OFF_MM * frame.scale
        good &= np.abs(off).max(axis=1) < _BENT_MM * frame.scale
        if np.count_nonzero(good[:n]) < least[0] or np.count_nonzero(good[n:]) < least[1]:
            return None
        matrix = _affine(places[good], seen[good])
        off = seen - places @ matrix[:, :2].T - matrix[:, 2]
    along = frame.along
    corrections, span = np.zeros((2, 4)), (0.0, 1.0)
    if frame.corner:
        # Known along one side only: what the feed did there, it did across the page.
        part = slice(0, n) if frame.edges[0].upright else slice(n, None)
        bell, index = (
            (frame.bells[0], index_a) if frame.edges[0].upright else (frame.bells[1], index_b)
        )
        side = _smooth(bell[:, index], off[part], good[part])
        corrections = np.concatenate([side, side], axis=1)
    else:
        span = (float(frame.places[0][0, 1 - along]), float(frame.places[1][0, 1 - along]))
        first, second = frame.bells
        corrections = np.concatenate([
            _smooth(first[:, index_a], off[:n], good[:n]),
            _smooth(second[:, index_b], off[n:], good[n:]),
        ], axis=1)
    return Registration(
        matrix, corrections, along, span, frame.page, int(np.count_nonzero(good))
    )


def _affine(places: Floats, seen: Floats) -> Floats:
    """Least squares map places (mm) -> seen (pixels), 2 x 3."""
    n = len(places)
    middle = np.add.reduce(places, axis=0) / n
    at = np.add.reduce(seen, axis=0) / n
    design = places - middle
    (xx, xy), (_, yy) = (design.T @ design).tolist()
    # The inverse of a 2 x 2 matrix by hand: numpy's solver costs ten times as much.
    inverse = np.array([[yy, -xy], [-xy, xx]]) / max(xx * yy - xy * xy, 1e-9)
    linear = (inverse @ (design.T @ (seen - at))).T
    matrix = np.empty((2, 3))
    matrix[:, :2] = linear
    matrix[:, 2] = at - linear @ middle
    return matrix


def _plausible(matrix: Floats, scale: float) -> bool:
    """A page is a page: skew, shear and size within what a scanner can do."""
    (xx, xy, _), (yx, yy, _) = matrix.tolist()
    turn_x = math.degrees(math.atan2(yx, xx))
    turn_y = math.degrees(math.atan2(-xy, yy))
    return (
        abs(turn_x) < MAX_SKEW_DEG and abs(turn_x - turn_y) < MAX_SHEAR_DEG
        and abs(math.hypot(xx, yx) / scale - 1) < MAX_SIZE[0]
        and abs(math.hypot(xy, yy) / scale - 1) < MAX_SIZE[1]
    )


def _usual(off: Floats) -> Floats:
    """The median of each mark and its three neighbours on either side."""
    if len(off) < 8:
        return off
    padded = np.concatenate([off[2::-1], off, off[:-4:-1]])
    windows = np.lib.stride_tricks.sliding_window_view(padded, 7, axis=0)
    return np.asarray(np.median(windows, axis=2), np.float64)


def _bell(apart: Floats) -> Floats:
    return np.exp(-0.5 * (apart / _SMOOTHING) ** 2) + 1e-4 * np.exp(-apart / 8)


def _smooth(bell: Floats, off: Floats, good: NDArray[np.bool_]) -> Floats:
    """Corrections at each step: the mean of those at the good marks, weighted by ``bell``."""
    with_weight = np.empty((len(off), 3))
    with_weight[:, :2] = off * good[:, None]
    with_weight[:, 2] = good
    total = bell @ with_weight
    mean: Floats = total[:, :2] / total[:, 2:]
    return mean


def _proved(found: Registration, frame: Frame, image: Picture, threshold: float) -> bool:
    """Whether the marks of the other edges, and the gaps between them, are where the map says, for
    one way to lie. Where too few of them are in view, a corner is proof enough."""
    least = LEAST_PROOF if abs(found.shear_deg) < SHEAR_DEG else SHEARED_PROOF
    for proof in frame.proofs:
        if not len(proof):
            return frame.corner or abs(found.shear_deg) < SHEAR_DEG
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
    share: Floats = np.add.reduce(dark.reshape(len(at), -1), axis=1, dtype=np.int64) / size**2
    return share
