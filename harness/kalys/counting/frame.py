"""The timing marks of a printed face, made ready for the search in scans.

A ``Frame`` is a pair of edges with timing marks, which place the page, and the marks of the other
edges, which prove it. A face has as many frames as it has pairs of edges with marks that are always
printed; the first, on opposite edges if there are such, is what is tried first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray

from kalys.ballots.layout import Face, Track, track_centres
from kalys.counting.bars import Edge
from kalys.counting.page_map import Grid, Points

Floats = NDArray[np.float64]

SEARCH_MM = 14.0           # how far inward of their place timing marks are looked for
_OPPOSITE = (("left", "right"), ("top", "bottom"))
_PAIRS = (*_OPPOSITE, *product(*_OPPOSITE))


@dataclass(frozen=True)
class Frame:
    """The marks of one face, ready for the search: ``page`` is its size in mm.

    ``places`` are the centres of all teeth of the two ``edges`` in mm, (count, 2) each; ``proofs``
    the sets of other marks of which one must be there, one set for each way in which the page may
    lie: 2 n places, first the marks, then the gaps beside them. ``others`` are frames of the same
    face on other edges.
    """

    page: tuple[float, float]
    scale: float
    edges: tuple[Edge, Edge]
    places: tuple[Floats, Floats]
    proofs: tuple[Points, ...]
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
        return cls(page, scale, (a, b), (a_mm, b_mm), (Points(proof_mm),))

    @property
    def corner(self) -> bool:
        """Whether the edges meet in a corner."""
        return self.edges[0].upright != self.edges[1].upright

    @cached_property
    def grid(self) -> Grid:
        """Where corrections are known: along both edges, or, as the feed is what is uneven, down
        the page where the edges meet in a corner."""
        along = 1 if any(edge.upright for edge in self.edges) else 0
        span = (0.0, self.page[1 - along]) if self.corner else (
            float(self.places[0][0, 1 - along]), float(self.places[1][0, 1 - along])
        )
        return Grid.of(self.page[along], along, span)

    @cached_property
    def bells(self) -> tuple[Floats, Floats]:
        """Weights of the teeth of either edge in the corrections at each step, (teeth, steps)."""
        first, second = (
            np.ascontiguousarray(self.grid.bell(places[:, self.grid.along]).T)
            for places in self.places
        )
        return first, second

    @cached_property
    def design(self) -> Floats:
        """Of the teeth of both edges: right, down, 1, and the squares and product of the first two;
        (teeth, 6)."""
        x, y = np.concatenate(self.places).T
        return np.stack([x, y, np.ones_like(x), x * x, x * y, y * y], axis=1)

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
