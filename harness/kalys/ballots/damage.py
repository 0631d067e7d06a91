"""What is missing from a sheet or lies upon it: torn corners and edges, labels, scrawls, crops.

Torn paper shows what lies behind it, a label is as light as paper, a scrawl is a pen's zigzag like
a mark but anywhere. A crop is what the sensor itself missed and stays in the sensor's frame. None
of these lies in the range in which a device must count (``kalys.ballots.effects``): a sheet may be
given back for them, and is never to be miscounted.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from kalys.ballots.effects import RAGGED_MM
from kalys.ballots.layout import Layout
from kalys.ballots.marks import Stroke
from kalys.ballots.paper import Matrix, Picture, Tone, fixed_point, region, to_pixels
from kalys.ballots.sheet import Notch, Paper, Scrawl, Tear
from kalys.errors import ConfigurationError

Points = NDArray[np.float64]

_BITS = 4
_BEYOND_MM = 15.0       # how far outside the page a torn piece is taken away
_TURN_MM = 1.6          # from one turn of a scrawl to the next


def draw_damage(
    picture: Picture, paper: Paper, matrix: Matrix, layout: Layout, *,
    tone: Tone, rng: np.random.Generator, pen: Callable[[Stroke], None],
) -> None:
    """Labels, scrawls, tears, notches and crops, in this order; ``pen`` draws a stroke."""
    for label in paper.labels:
        half = np.array([label.width_mm, label.height_mm]) / 2
        corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * half + (label.x, label.y)
        _fill(picture, to_pixels(matrix, corners), round(tone.paper))
    for scrawl in paper.scrawls:
        pen(scrawl_stroke(scrawl))
    for tear in paper.tears:
        _fill(picture, to_pixels(matrix, _corner(tear, layout, rng)), paper.background)
    for notch in paper.notches:
        _fill(picture, to_pixels(matrix, _edge(notch, layout, rng)), paper.background)
    _crop(picture, paper, layout.px_per_mm)


def scrawl_stroke(scrawl: Scrawl) -> Stroke:
    """The zigzag of a scrawl."""
    turns = max(2, round(scrawl.width_mm / _TURN_MM))
    share = np.linspace(-0.5, 0.5, turns + 1)
    up = np.where(np.arange(turns + 1) % 2, 0.5, -0.5)
    points = np.column_stack([
        scrawl.x + share * scrawl.width_mm, scrawl.y + up * scrawl.height_mm
    ])
    return Stroke(points, scrawl.pen_mm, scrawl.density)


def _fill(picture: Picture, outline: Points, level: int) -> None:
    place = region(picture, outline, 1)
    if place is not None:
        view, left, top = place
        cv2.fillPoly(view, [fixed_point(outline - (left, top))], level, cv2.LINE_8, _BITS)


def _corner(tear: Tear, layout: Layout, rng: np.random.Generator) -> Points:
    """The torn piece on the page, a little larger towards the outside than the page."""
    width, height = layout.page_mm
    down, _, side = tear.corner.partition("-")
    if down not in ("head", "foot") or side not in ("left", "right"):
        raise ConfigurationError(
            f"no such corner: {tear.corner}",
            remedy="One of: head-left, head-right, foot-left, foot-right",
        )
    corner = np.array([0.0 if side == "left" else width, 0.0 if down == "head" else height])
    inward = np.array([1.0 if side == "left" else -1.0, 1.0 if down == "head" else -1.0])
    share = np.linspace(0, 1, 13)
    ragged = rng.uniform(-RAGGED_MM, RAGGED_MM, share.size)
    along = (1 - share) * tear.along_mm + ragged
    deep = share * tear.down_mm + ragged
    edge = corner + np.column_stack([along, deep]) * inward
    outside = corner - inward * _BEYOND_MM
    return np.vstack([
        [corner[0] + inward[0] * tear.along_mm, outside[1]], edge,
        [outside[0], corner[1] + inward[1] * tear.down_mm], outside,
    ])


def _edge(notch: Notch, layout: Layout, rng: np.random.Generator) -> Points:
    """The piece missing from an edge: deepest in its middle, ragged."""
    width, height = layout.page_mm
    share = np.linspace(-1, 1, 15)
    along = notch.at_mm + share * notch.along_mm / 2
    ragged = rng.uniform(-RAGGED_MM, RAGGED_MM, share.size)
    deep = np.maximum(0, notch.deep_mm * (1 - share**2) + ragged)
    along = np.concatenate([along, along[[-1, 0]]])
    deep = np.concatenate([deep, [-_BEYOND_MM, -_BEYOND_MM]])
    if notch.edge in ("left", "right"):
        return np.column_stack([deep if notch.edge == "left" else width - deep, along])
    if notch.edge in ("head", "foot"):
        return np.column_stack([along, deep if notch.edge == "head" else height - deep])
    raise ConfigurationError(
        f"no such edge: {notch.edge}", remedy="One of: left, right, head, foot"
    )


def _crop(picture: Picture, paper: Paper, scale: float) -> None:
    """Blank what the sensor missed on each side."""
    rows, columns = picture.shape
    left, top, right, bottom = (max(0, round(mm * scale)) for mm in paper.crop_mm)
    picture[:, : min(left, columns)] = paper.background
    picture[: min(top, rows)] = paper.background
    picture[:, max(0, columns - right):] = paper.background
    picture[max(0, rows - bottom):] = paper.background
