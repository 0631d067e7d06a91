"""Tracks of timing marks among the fiducial marks of a ballot that another system described.

A track is a row of at least eight equal marks near one edge, evenly spaced, some of them perhaps
left out. Marks that belong to no row (codes, logos, arrows) are passed over: registration needs two
rows and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kalys.ballots.layout import LEAST_MARKS
from kalys.errors import ConfigurationError

Floats = NDArray[np.float64]

_LINE_MM = 0.6          # marks of a track lie on a line this well
_COMB_MM = 0.4          # and on a comb
_SAME_SIZE = 0.25       # share by which their sizes may differ


def tracks_among(
    marks: Sequence[tuple[float, float, float, float]], page_mm: tuple[float, float], *, where: str
) -> list[dict[str, Any]]:
    """The tracks among ``marks`` (centre x, y, width, height in mm), as plain data of
    ``kalys.ballots.layout.Track``. ConfigurationError when there are fewer than two."""
    boxes = np.array(marks, float).reshape(-1, 4)
    tracks = []
    for edge in ("left", "right", "top", "bottom"):
        track = _track(boxes, page_mm, edge)
        if track is not None:
            tracks.append(track)
    if len(tracks) < 2:
        raise ConfigurationError(
            f"{len(tracks)} rows of timing marks among {len(boxes)} fiducial marks",
            where=where, remedy="A ballot is placed by rows of marks along two edges at least.",
        )
    return tracks


def _track(boxes: Floats, page_mm: tuple[float, float], edge: str) -> dict[str, Any] | None:
    """The outermost row of marks along an edge, or None if there is none."""
    upright = edge in ("left", "right")
    across, along = (boxes[:, 0], boxes[:, 1]) if upright else (boxes[:, 1], boxes[:, 0])
    far = page_mm[0] if upright else page_mm[1]
    inset = across if edge in ("left", "top") else far - across
    for start in np.unique(np.round(inset[inset < far / 4], 1)):
        near = np.abs(inset - start) < _LINE_MM
        if near.sum() < LEAST_MARKS:
            continue
        size = np.median(boxes[near, 2:], axis=0)
        near &= (np.abs(boxes[:, 2:] / size - 1) < _SAME_SIZE).all(axis=1)
        comb = _comb(np.sort(along[near])) if near.sum() >= LEAST_MARKS else None
        if comb is None:
            continue
        first, pitch, index = comb
        count = int(index[-1]) + 1
        return {
            "edge": edge, "inset": round(float(np.median(inset[near])), 4),
            "first": round(first, 4), "pitch": round(pitch, 5), "count": count,
            "mark_mm": [round(float(size[0]), 4), round(float(size[1]), 4)],
            "omitted": sorted(set(range(count)) - set(index.tolist())),
        }
    return None


def _comb(places: Floats) -> tuple[float, float, NDArray[np.int64]] | None:
    """First tooth, pitch and the index of each place; None if they are on no comb."""
    steps = np.diff(places)
    if (steps < _COMB_MM).any():
        return None
    pitch = float(np.median(steps[steps < 1.5 * steps.min()]))
    index = np.rint(np.concatenate([[0.0], np.cumsum(np.rint(steps / pitch))])).astype(np.int64)
    slope, first = np.polyfit(index, places, 1)
    if np.abs(places - first - slope * index).max() > _COMB_MM:
        return None
    return float(first), float(slope), index
