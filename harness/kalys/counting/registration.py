"""Where the page lies in the scan: from timing marks to a map from millimetres to pixels.

The left and right marks of each row fix the page. An affine map is fitted to all of them; what
remains per row and side (uneven feed, a bent sheet) is smoothed and added by interpolation between
the two edges. Then the map is put to the proof: it must be a page that is hardly sheared, of about
the right size, and the marks along the top and bottom edges must be where it says. A map that
fails is no map: the sheet is unreadable rather than misread by one row.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from kalys.ballots.layout import Face, Track, track_centres
from kalys.counting.timing_marks import Edge, Teeth, find_teeth

Floats = NDArray[np.float64]
Picture = NDArray[np.uint8]

SEARCH_MM = 14.0           # how far inward of their place timing marks are looked for
MAX_SKEW_DEG = 4.0         # declared range 3
MAX_SHEAR_DEG = 0.6        # a row paired with its neighbour shows as 1.9 degrees on A4
MAX_STRETCH = 0.018        # declared range 1 %
LEAST_ROWS = 0.55          # share of the rows in view that must show a mark, left and right
LEAST_PROOF = 0.6          # share of the other marks in view that must be where they should
_SMOOTHING = 5             # rows


@dataclass(frozen=True)
class Frame:
    """The marks of one face, ready for the search: ``page`` is its size in mm."""

    page: tuple[float, float]
    scale: float
    left: Edge
    right: Edge
    left_mm: Floats          # (count, 2), by index on the comb
    right_mm: Floats
    proof_mm: Floats         # top and bottom marks

    @classmethod
    def of(cls, face: Face, page: tuple[float, float], scale: float, *, turned: bool) -> Frame:
        """The frame of a face; ``turned`` as it looks when fed foot first."""
        sides: dict[str, tuple[Edge, Floats]] = {}
        for track in face.tracks:
            if track.edge in ("left", "right"):
                side = track.edge
                if turned:
                    side = "left" if track.edge == "right" else "right"
                sides[side] = _edge(track, page, scale, turned=turned, side=side)
        proof = [
            (x, y) for t in face.tracks if t.edge in ("top", "bottom")
            for _, x, y in track_centres(t, page)
        ]
        proof_mm = np.array(proof, float).reshape(-1, 2)
        if turned:
            proof_mm = np.array(page) - proof_mm
        left, right = sides["left"], sides["right"]
        return cls(page, scale, left[0], right[0], left[1], right[1], proof_mm)

    def same_marks(self, other: Frame) -> bool:
        """Whether the search for the one finds the other just as well."""
        return (
            self.page == other.page and self.left.count == other.left.count
            and self.right.count == other.right.count
            and np.array_equal(self.left.index, other.left.index)
            and np.array_equal(self.right.index, other.right.index)
            and np.allclose(self.left_mm, other.left_mm, atol=0.01)
            and np.allclose(self.right_mm, other.right_mm, atol=0.01)
        )


def _edge(
    track: Track, page: tuple[float, float], scale: float, *, turned: bool, side: str
) -> tuple[Edge, Floats]:
    first, printed = track.first, np.array([i for i, _, _ in track_centres(track, page)])
    if turned:
        first = page[1] - (track.first + (track.count - 1) * track.pitch)
        printed = np.sort(track.count - 1 - printed)
    x = track.inset if side == "left" else page[0] - track.inset
    along = first + np.arange(track.count) * track.pitch
    places = np.column_stack([np.full(track.count, x), along])
    edge = Edge(
        side=side, reach=round((track.inset + track.mark_mm[0] / 2 + SEARCH_MM) * scale),
        mark_width=track.mark_mm[0] * scale, mark_height=track.mark_mm[1] * scale,
        pitch=track.pitch * scale, first=first * scale, count=track.count, index=printed,
    )
    return edge, places


@dataclass(frozen=True)
class Registration:
    """The map from millimetres on the (possibly turned) page to columns and rows of the scan."""

    matrix: Floats                    # 2 x 3
    rows_mm: Floats                   # where the corrections are known, from the upper edge
    left_off: Floats                  # (n, 2) corrections in pixels at the left edge
    right_off: Floats
    span_mm: tuple[float, float]      # x of the left and of the right marks
    page: tuple[float, float]
    matched: int

    @property
    def skew_deg(self) -> float:
        return math.degrees(math.atan2(-self.matrix[0, 1], self.matrix[0, 0]))

    @property
    def stretch(self) -> float:
        """Length along the feed against the width, less one."""
        across = float(np.hypot(*self.matrix[:, 0]))
        return float(np.hypot(*self.matrix[:, 1])) / across - 1

    def pixels(self, points: Floats) -> Floats:
        """Points in mm, shape (n, 2), as (column, row)."""
        at = points @ self.matrix[:, :2].T + self.matrix[:, 2]
        left, right = self.span_mm
        share = ((points[:, 0] - left) / (right - left))[:, None]
        # Corrections are known at equal steps: two weights, one gather, all four curves at once.
        step = self.rows_mm[1] - self.rows_mm[0]
        place = np.clip((points[:, 1] - self.rows_mm[0]) / step, 0, len(self.rows_mm) - 1.001)
        row = place.astype(np.int64)
        part = (place - row)[:, None]
        both = np.hstack([self.left_off, self.right_off])
        off = both[row] * (1 - part) + both[row + 1] * part
        moved: Floats = at + off[:, :2] * (1 - share) + off[:, 2:] * share
        return moved

    def turned(self, points: Floats) -> Floats:
        """The same for a page fed foot first, with points as on the upright page."""
        return self.pixels(np.array(self.page) - points)


def register(image: Picture, frame: Frame, threshold: float) -> Registration | None:
    """The page's place in ``image``, or None when too few marks agree."""
    left = find_teeth(image, frame.left, threshold)
    if not left:
        return None
    right = find_teeth(image, frame.right, threshold)
    for a, b in sorted(product(left, right), key=lambda pair: -(pair[0].score + pair[1].score)):
        found = _fit(a, b, frame)
        if (
            found is not None and _enough_rows(found, (a, b), frame, image.shape)
            and _proved(found, frame, image, threshold)
        ):
            return found
    return None


def _fit(left: Teeth, right: Teeth, frame: Frame) -> Registration | None:
    places = np.vstack([frame.left_mm[left.index], frame.right_mm[right.index]])
    seen = np.vstack([np.column_stack([t.x, t.y]) for t in (left, right)])
    matrix = _affine(places, seen)
    if not _plausible(matrix, frame.scale):
        return None
    off = seen - places @ matrix[:, :2].T - matrix[:, 2]
    # A mark half outside the picture or under a scribble has its centre off: it must not bend
    # the map, so fit again without it.
    good = np.abs(off).max(axis=1) < 0.5 * frame.scale
    if good.sum() < 12:
        return None
    matrix = _affine(places[good], seen[good])
    off = seen - places @ matrix[:, :2].T - matrix[:, 2]
    n = left.index.size
    rows = np.arange(0.0, frame.page[1] + 1, 6.0)
    left_off = _smooth(places[:n][good[:n], 1], off[:n][good[:n]], rows)
    right_off = _smooth(places[n:][good[n:], 1], off[n:][good[n:]], rows)
    if left_off is None or right_off is None:
        return None
    return Registration(
        matrix, rows, left_off, right_off,
        (float(frame.left_mm[0, 0]), float(frame.right_mm[0, 0])), frame.page, int(good.sum()),
    )


def _affine(places: Floats, seen: Floats) -> Floats:
    """Least squares map places (mm) -> seen (pixels), 2 x 3."""
    design = np.column_stack([places, np.ones(len(places))])
    solution = np.linalg.solve(design.T @ design, design.T @ seen)
    return np.asarray(solution.T)


def _plausible(matrix: Floats, scale: float) -> bool:
    """A page is a page: skew, shear and size within what a scanner can do."""
    across, along = matrix[:, 0], matrix[:, 1]
    turn_x = math.degrees(math.atan2(across[1], across[0]))
    turn_y = math.degrees(math.atan2(-along[0], along[1]))
    width = float(np.hypot(*across)) / scale
    length = float(np.hypot(*along)) / scale
    return (
        abs(turn_x) < MAX_SKEW_DEG and abs(turn_x - turn_y) < MAX_SHEAR_DEG
        and abs(width - 1) < 0.012 and abs(length - 1) < MAX_STRETCH
    )


def _smooth(rows_mm: Floats, off: Floats, at: Floats) -> Floats | None:
    """Corrections at ``at`` from those at ``rows_mm``: a running mean, then interpolation."""
    if rows_mm.size < 6:
        return None
    window = min(_SMOOTHING, rows_mm.size)
    kernel = np.full(window, 1 / window)
    centre = np.convolve(rows_mm, kernel, "valid")
    return np.column_stack([
        np.interp(at, centre, np.convolve(off[:, k], kernel, "valid")) for k in (0, 1)
    ])


def _enough_rows(
    found: Registration, teeth: tuple[Teeth, Teeth], frame: Frame, shape: tuple[int, ...]
) -> bool:
    """Whether most rows in view show their mark, on the left and on the right."""
    edges = ((frame.left, frame.left_mm), (frame.right, frame.right_mm))
    for seen, (edge, places) in zip(teeth, edges, strict=True):
        in_view = int(_inside(found.pixels(places[edge.index]), shape, 2).sum())
        if seen.index.size < max(8, LEAST_ROWS * in_view):
            return False
    return True


def _proved(found: Registration, frame: Frame, image: Picture, threshold: float) -> bool:
    """Whether the marks of the upper and lower edges are where the map says."""
    if not len(frame.proof_mm):
        return True
    at = found.pixels(frame.proof_mm)
    at = at[_inside(at, image.shape, 3)]
    if len(at) < max(4, 0.3 * len(frame.proof_mm)):
        return False
    return float((dark_share(image, at, 2, threshold) > 0.6).mean()) >= LEAST_PROOF


def _inside(at: Floats, shape: tuple[int, ...], margin: int) -> NDArray[np.bool_]:
    rows, columns = shape
    inside: NDArray[np.bool_] = (
        (at[:, 0] >= margin) & (at[:, 0] < columns - margin)
        & (at[:, 1] >= margin) & (at[:, 1] < rows - margin)
    )
    return inside


def dark_share(image: Picture, at: Floats, radius: int, threshold: float) -> Floats:
    """Share of dark pixels in the square of ``radius`` around each (column, row)."""
    size = 2 * radius + 1
    windows = np.lib.stride_tricks.sliding_window_view(image, (size, size))
    columns = np.clip(np.rint(at[:, 0]).astype(np.int64) - radius, 0, windows.shape[1] - 1)
    rows = np.clip(np.rint(at[:, 1]).astype(np.int64) - radius, 0, windows.shape[0] - 1)
    share: Floats = (windows[rows, columns] < threshold).mean(axis=(1, 2))
    return share
