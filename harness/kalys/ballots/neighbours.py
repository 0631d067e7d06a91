"""Marks that reach into a neighbouring target: how far, and what the published rule makes of it.

What a mark fills of another target's inside, by its geometry, decides (docs/marks.md): little is no
mark, much is a second mark, and between the two the ballot is ambiguous: whoever counts it must say
so. The limits are the published thresholds of fill; what a sensor's pixels and the edge of a stroke
do to a fill is allowed for on either side.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from kalys.ballots.layout import Face, Target
from kalys.ballots.marks import CLEARANCE_MM, Stroke, strokes
from kalys.ballots.sheet import Mark

Position = tuple[str, str]

OWN, AMBIGUOUS, BOTH = "own", "ambiguous", "both"
"""Zones of the rule: the neighbour is not marked; the ballot is ambiguous; both are marked. Between
two zones either is right."""

_GRID_MM = 0.05         # the inside is judged at points this far apart


@dataclass(frozen=True)
class NeighbourRule:
    """The rule. ``blank_fill`` and ``vote_fill`` are the published thresholds, ``tolerance`` the
    share by which a fill may be seen larger or smaller than it was drawn."""

    blank_fill: float = 0.045
    vote_fill: float = 0.09
    tolerance: float = 0.12

    def zones(self, fill: float) -> frozenset[str]:
        """The zone of a neighbour that is filled by ``fill``; two where either is right."""
        low, high = 1 - self.tolerance, 1 + self.tolerance
        found = set()
        if fill <= self.blank_fill * high:
            found.add(OWN)
        if self.blank_fill * low <= fill <= self.vote_fill * high:
            found.add(AMBIGUOUS)
        if fill >= self.vote_fill * low:
            found.add(BOTH)
        return frozenset(found)


def neighbours(face: Face, target: Target) -> Iterator[Target]:
    """The next target of the same contest above, below, left and right of ``target``, as far as
    there is one in line with it."""
    same = [t for t in face.targets if t.contest == target.contest and t is not target]
    for across, sign in ((False, -1), (False, 1), (True, -1), (True, 1)):
        in_line = [t for t in same if abs(_apart(t, target, across=not across)) < 0.1]
        beside = [t for t in in_line if sign * _apart(t, target, across=across) > 0]
        if beside:
            yield min(beside, key=lambda t: abs(t.x - target.x) + abs(t.y - target.y))


def _apart(one: Target, other: Target, *, across: bool) -> float:
    return one.x - other.x if across else one.y - other.y


def reached(mark: Mark, face: Face) -> Mapping[Position, float]:
    """The share of the inside of every *other* target that ``mark`` covers, by position; targets
    that it does not enter are left out."""
    found: dict[Position, float] = {}
    lines = strokes(mark, face)
    for target in face.targets:
        if (target.contest, target.option) == (mark.contest, mark.option):
            continue
        near = [s for s in lines if _may_touch(s, target)]
        if not near:
            continue
        points = _inside(target)
        covered = np.zeros(len(points), bool)
        for stroke in near:
            covered |= _distance(points, stroke.points) <= stroke.width_mm / 2
        if covered.any():
            found[target.contest, target.option] = float(covered.mean())
    return found


def _inside(target: Target) -> NDArray[np.float64]:
    """Points on a grid over the target's inside."""
    half = [
        max(0.05, side / 2 - target.line_mm - CLEARANCE_MM)
        for side in (target.width, target.height)
    ]
    axes = [
        np.linspace(-h, h, 2 * math.ceil(h / _GRID_MM) + 1) for h in half
    ]
    x, y = (axis.ravel() for axis in np.meshgrid(*axes))
    if target.shape != "square":
        keep = (x / half[0]) ** 2 + (y / half[1]) ** 2 <= 1
        x, y = x[keep], y[keep]
    return np.column_stack([x + target.x, y + target.y])


def _may_touch(stroke: Stroke, target: Target) -> bool:
    reach = np.array([target.width, target.height]) / 2 + stroke.width_mm
    centre = np.array([target.x, target.y])
    low, high = stroke.points.min(axis=0), stroke.points.max(axis=0)
    return bool((low <= centre + reach).all() and (high >= centre - reach).all())


def _distance(points: NDArray[np.float64], line: NDArray[np.float64]) -> NDArray[np.float64]:
    """The distance of each point from a line through corners."""
    nearest = np.full(len(points), np.inf)
    for start, end in pairwise(line):
        along = end - start
        length = float(along @ along) or 1.0
        share = np.clip((points - start) @ along / length, 0, 1)
        nearest = np.minimum(nearest, np.hypot(*(points - start - share[:, None] * along).T))
    return nearest
