"""The library of marks: what people draw, with physical parameters and a published class.

One table, ``KINDS``. Each kind is drawn by strokes of a pen whose width is in mm and whose density
runs from 0 (paper) to 1 (print). Its class says what a correct device makes of it:

- **valid**: always a vote;
- **ambiguous**: a device may read it either way or give the sheet back; it decides no accuracy
  verdict;
- **invalid**: never a vote.

The class holds inside the ranges of the kind's parameters; a mark with any parameter outside them
is ambiguous (``classify``). docs/marks.md publishes the table and how the limits follow from the
shares of a target's area. Manufacturers must publish all three classes (EAC VVSG 2.0 Test
Assertions v1.4, TA1.2-A.1, TA3.1.2-C); the 1 mm line is VVSG 2.0 1.1.6-H.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kalys.ballots.layout import Face, Target
from kalys.ballots.sheet import Mark
from kalys.errors import ConfigurationError

Points = NDArray[np.float64]

CLEARANCE_MM = 0.3
"""Between the printed outline and the inside that is judged."""
_ROUNDING = 0.005       # parameters are written with two decimals


@dataclass(frozen=True, slots=True)
class Stroke:
    """One line of a pen: ``points`` in mm on the page, shape (n, 2). ``filled`` strokes are areas.
    ``grain`` is the share by which density varies from grain to grain (pencil)."""

    points: Points
    width_mm: float
    density: float
    filled: bool = False
    grain: float = 0.0


@dataclass(frozen=True)
class MarkKind:
    """One row of the table. ``ranges`` are the parameters with their published limits, ``usual``
    what is taken where a mark does not say; ``draw`` makes the strokes around the target. Lengths
    in ``sized`` hold for targets of 6 mm and shrink in smaller ones."""

    name: str
    klass: str
    text: str
    usual: Mapping[str, float]
    ranges: Mapping[str, tuple[float, float]]
    draw: Callable[[Target, Mapping[str, float]], list[Stroke]]
    grain: float = 0.0
    touches_neighbour: bool = False
    needs_free_side: bool = field(default=False)
    sized: tuple[str, ...] = ()

    def ranges_in(self, target: Target | None) -> Mapping[str, tuple[float, float]]:
        """The published ranges at ``target``: those of ``sized`` parameters shrink with it."""
        by = relative_size(target) if target and self.sized else 1.0
        return {
            name: (low * by, high * by) if name in self.sized else (low, high)
            for name, (low, high) in self.ranges.items()
        }

    def usual_in(self, target: Target) -> Mapping[str, float]:
        """What is taken at ``target`` where a mark does not say."""
        by = relative_size(target) if self.sized else 1.0
        return {n: value * by if n in self.sized else value for n, value in self.usual.items()}


def relative_size(target: Target) -> float:
    """The size of a target's inside against that of a square of 6 mm, the smallest for which the
    ranges are published as they stand: 1 or less, a ratio of lengths."""
    return min(1.0, math.sqrt(inside_mm2(target)) / _inside(6.0, 0.4))


def inside_mm2(target: Target) -> float:
    """The area of a target that is judged, in square mm: within its outline, less the clearance."""
    share = 1.0 if target.shape == "square" else math.pi / 4
    return share * _inside(target.width, target.line_mm) * _inside(target.height, target.line_mm)


def _inside(extent: float, line_mm: float) -> float:
    return max(0.1, extent - 2 * (line_mm + CLEARANCE_MM))


def _line(target: Target, p: Mapping[str, float], *points: tuple[float, float]) -> Stroke:
    """A stroke through ``points`` given in half-sizes of the target (-1..1), moved by dx, dy."""
    shape = np.array(points) * (target.width / 2, target.height / 2) * p.get("size", 1.0)
    at = (target.x + p.get("dx", 0.0), target.y + p.get("dy", 0.0))
    return Stroke(shape + at, p.get("width_mm", 0.0), p["density"])


def _tick(target: Target, p: Mapping[str, float]) -> list[Stroke]:
    return [_line(target, p, (-0.75, -0.02), (-0.18, 0.72), (0.85, -0.85))]


def _cross(target: Target, p: Mapping[str, float]) -> list[Stroke]:
    return [_line(target, p, (-0.8, -0.8), (0.8, 0.8)), _line(target, p, (-0.78, 0.8), (0.8, -0.8))]


def _slash(target: Target, p: Mapping[str, float]) -> list[Stroke]:
    return [_line(target, p, (-0.85, 0.85), (0.85, -0.85))]


def _filled(target: Target, p: Mapping[str, float]) -> list[Stroke]:
    if target.shape == "square":
        corners: list[tuple[float, float]] = [(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)]
    else:
        turn = np.linspace(0, 2 * math.pi, 24, endpoint=False)
        corners = [(0.9 * math.cos(a), 0.9 * math.sin(a)) for a in turn]
    outline = _line(target, p, *corners)
    return [Stroke(outline.points, 0.0, p["density"], filled=True)]


def _scribble(target: Target, p: Mapping[str, float]) -> list[Stroke]:
    turns = 7
    points = [
        (-0.8 + 1.6 * i / turns, 0.75 if i % 2 else -0.75) for i in range(turns + 1)
    ]
    return [_line(target, p, *points)]


def _full_line(target: Target, p: Mapping[str, float]) -> list[Stroke]:
    """Along the long axis from end to end; ``angle_deg`` 90 takes the short one. The round ends of
    a pen would reach over the outline, hence half a pen width less at either end."""
    inset = p["width_mm"] / max(target.width, target.height)
    upright = (p["angle_deg"] == 90.0) != (target.height > target.width)
    reach = 1.0 - inset
    ends = ((0.0, -reach), (0.0, reach)) if upright else ((-reach, 0.0), (reach, 0.0))
    return [_line(target, p, *ends)]


def _dot(target: Target, p: Mapping[str, float]) -> list[Stroke]:
    at = np.array([(target.x + p["dx"], target.y + p["dy"])])
    turn = np.linspace(0, 2 * math.pi, 16, endpoint=False)
    ring = np.stack([np.cos(turn), np.sin(turn)], axis=1) * p["diameter_mm"] / 2
    return [Stroke(at + ring, 0.0, p["density"], filled=True)]


def _hesitation(target: Target, p: Mapping[str, float]) -> list[Stroke]:
    """Dots in a row where a pen rested again and again before nothing came of it."""
    places = np.linspace(-1, 1, round(p["count"])) * p["spread_mm"] / 2
    return [
        stroke for place in places
        for stroke in _dot(target, {**p, "dx": p["dx"] + place, "dy": p["dy"] + 0.4 * place})
    ]


def _dash(target: Target, p: Mapping[str, float]) -> list[Stroke]:
    half = (p["length_mm"] - p["width_mm"]) / target.width
    return [_line(target, p, (-half, 0.0), (half, 0.0))]


def _erasure(target: Target, p: Mapping[str, float]) -> list[Stroke]:
    """A tick in pencil, rubbed out: what is left of it, and the smudge of the rubber."""
    smudge = _line(target, p, (-0.95, -0.8), (0.9, -0.95), (0.95, 0.85), (-0.85, 0.95))
    rest = _tick(target, {**p, "density": p["density"]})
    return [Stroke(smudge.points, 0.0, 0.10, filled=True), *rest]


def _smudge(target: Target, p: Mapping[str, float]) -> list[Stroke]:
    area = _line(target, p, (-0.7, -0.6), (0.5, -0.8), (0.9, 0.3), (0.1, 0.8), (-0.8, 0.5))
    return [Stroke(area.points, 0.0, p["density"], filled=True)]


def _circled(target: Target, p: Mapping[str, float]) -> list[Stroke]:
    """A loop drawn around the target at ``distance_mm``, its corners rounded."""
    turn = np.linspace(0, 2 * math.pi, 48)
    power = 0.35 if target.shape == "square" else 1.0
    unit = np.stack([
        np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** power,
        np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** power,
    ], axis=1)
    half = np.array([target.width, target.height]) / 2 + p["distance_mm"]
    return [Stroke(unit * half + (target.x, target.y), p["width_mm"], p["density"])]


def _tail(target: Target, p: Mapping[str, float]) -> list[Stroke]:
    """A tick whose tail runs to (``tail_x``, ``tail_y``) mm from the target's centre; ``aim_tail``
    finds the point for an overlap with a neighbour. The tick leans to the side that the tail leaves
    by, so that its long stroke crosses the target whichever neighbour it reaches."""
    sideways = abs(p["tail_x"]) > abs(p["tail_y"])
    lean = np.array([
        -1.0 if sideways and p["tail_x"] < 0 else 1.0,
        -1.0 if not sideways and p["tail_y"] > 0 else 1.0,
    ])
    shape = [(lean[0] * x, lean[1] * y) for x, y in ((-0.75, -0.1), (-0.15, 0.72))]
    tick = _line(target, p, *shape).points
    end = np.array([(target.x + p["tail_x"], target.y + p["tail_y"])])
    return [Stroke(np.concatenate([tick, end]), p["width_mm"], p["density"])]


_SHIFT = {"dx": (-0.4, 0.4), "dy": (-0.4, 0.4)}
_STILL = {"dx": 0.0, "dy": 0.0}
_PEN = {"width_mm": (0.5, 1.0), "density": (0.75, 1.0), "size": (0.9, 1.1), **_SHIFT}
_USUAL_PEN = {"width_mm": 0.6, "density": 0.92, "size": 1.0, **_STILL}


def _table() -> dict[str, MarkKind]:
    kinds = [
        MarkKind("tick", "valid", "a tick with a pen", _USUAL_PEN, _PEN, _tick),
        MarkKind("cross", "valid", "two crossing strokes", _USUAL_PEN, _PEN, _cross),
        MarkKind("slash", "valid", "one diagonal stroke", _USUAL_PEN, _PEN, _slash),
        MarkKind("scribble", "valid", "a zigzag over the target", _USUAL_PEN, _PEN, _scribble),
        MarkKind("filled", "valid", "the target filled",
                 {"density": 0.9, "size": 0.95, **_STILL},
                 {"density": (0.7, 1.0), "size": (0.75, 1.0), **_SHIFT}, _filled),
        MarkKind("line", "valid", "a pencil line of 1 mm along the full axis, centred",
                 {"width_mm": 1.0, "density": 0.75, "angle_deg": 0.0, **_STILL},
                 {"width_mm": (1.0, 1.6), "density": (0.65, 1.0), "angle_deg": (0.0, 90.0),
                  "dx": (-0.3, 0.3), "dy": (-0.3, 0.3)}, _full_line, grain=0.15),
        MarkKind("pencil", "valid", "a tick in soft pencil",
                 {**_USUAL_PEN, "width_mm": 0.7, "density": 0.7},
                 {**_PEN, "width_mm": (0.6, 1.0), "density": (0.6, 0.9)}, _tick, grain=0.15),
        MarkKind("black-pen", "valid", "a cross with a black ball pen",
                 _USUAL_PEN, {**_PEN, "density": (0.85, 1.0)}, _cross),
        MarkKind("blue-pen", "valid", "a cross with a blue ball pen, seen in white or green light",
                 {**_USUAL_PEN, "density": 0.78}, {**_PEN, "density": (0.65, 0.9)}, _cross),
        MarkKind("red-pen", "valid", "a cross with a red ball pen, seen in white or green light",
                 {**_USUAL_PEN, "density": 0.68}, {**_PEN, "density": (0.6, 0.95)}, _cross),
        MarkKind("faint-pencil", "ambiguous", "a tick in hard pencil, hardly pressed",
                 {**_USUAL_PEN, "width_mm": 0.6, "density": 0.37},
                 {**_PEN, "width_mm": (0.3, 1.0), "density": (0.25, 0.5)}, _tick, grain=0.25),
        MarkKind("erasure", "ambiguous", "a tick rubbed out, its trace still to be seen",
                 {**_USUAL_PEN, "width_mm": 0.7, "density": 0.34},
                 {**_PEN, "width_mm": (0.5, 1.0), "density": (0.22, 0.5)}, _erasure, grain=0.3),
        MarkKind("dash", "ambiguous", "a short stroke of 2 mm",
                 {"width_mm": 0.7, "length_mm": 2.0, "density": 0.9, **_STILL},
                 {"width_mm": (0.4, 1.0), "length_mm": (1.0, 3.5), "density": (0.5, 1.0),
                  **_SHIFT}, _dash),
        MarkKind("tail", "valid", "a tick whose tail enters a neighbouring target; the neighbour "
                 "is ambiguous", {"width_mm": 0.6, "density": 0.92, "tail_x": 2.6, "tail_y": -5.0},
                 {"width_mm": (0.5, 1.0), "density": (0.75, 1.0), "tail_x": (-12.0, 12.0),
                  "tail_y": (-18.0, 18.0)}, _tail, touches_neighbour=True),
        MarkKind("dot", "invalid", "a dot where the pen rested",
                 {"diameter_mm": 0.7, "density": 0.95, **_STILL},
                 {"diameter_mm": (0.2, 0.75), "density": (0.3, 1.0), "dx": (-1.5, 1.5),
                  "dy": (-1.5, 1.5)}, _dot, sized=("diameter_mm", "dx", "dy")),
        MarkKind("hesitation", "invalid", "a row of dots where the pen rested",
                 {"count": 3.0, "diameter_mm": 0.28, "density": 0.9, "spread_mm": 2.4, **_STILL},
                 {"count": (2.0, 3.0), "diameter_mm": (0.2, 0.3), "density": (0.3, 1.0),
                  "spread_mm": (1.6, 3.0), **_SHIFT}, _hesitation,
                 sized=("diameter_mm", "spread_mm")),
        MarkKind("smudge", "invalid", "a grey smudge of a finger",
                 {"density": 0.15, "size": 1.0, **_STILL},
                 {"density": (0.05, 0.2), "size": (0.5, 1.1), **_SHIFT}, _smudge),
        MarkKind("circled", "invalid", "a loop around the target that does not enter it",
                 {"width_mm": 0.4, "density": 0.92, "distance_mm": 0.5},
                 {"width_mm": (0.3, 0.5), "density": (0.5, 1.0), "distance_mm": (0.45, 0.55)},
                 _circled),
        MarkKind("outside", "invalid", "a tick beside the target, in the free space",
                 {**_USUAL_PEN, "size": 0.8},
                 {**_PEN, "size": (0.5, 0.9)}, _tick, needs_free_side=True),
    ]
    return {kind.name: kind for kind in kinds}


PENS: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "white": {"black-pen": (0.85, 1.0), "blue-pen": (0.65, 0.9), "red-pen": (0.6, 0.75)},
    "green": {"black-pen": (0.85, 1.0), "blue-pen": (0.7, 0.9), "red-pen": (0.75, 0.95)},
    "red": {"black-pen": (0.8, 1.0), "blue-pen": (0.6, 0.9), "red-pen": (0.05, 0.2)},
    "infrared": {"black-pen": (0.1, 1.0), "blue-pen": (0.02, 0.15), "red-pen": (0.02, 0.1)},
}
"""Density of ball pens' ink by the light of the sensor. The published ranges hold for white and
green light; ``in_light`` turns a mark into what another sensor sees. Dye inks vanish in infrared
light and red ones in red light, so that only a white or green sensor reads every pen. Round figures
for common inks: measure those of an election's own pens."""

KINDS: Mapping[str, MarkKind] = _table()
"""Every kind of mark by name."""

VALID_KINDS = tuple(k for k, v in KINDS.items() if v.klass == "valid" and not v.touches_neighbour)
AMBIGUOUS_KINDS = tuple(k for k, v in KINDS.items() if v.klass == "ambiguous")
INVALID_KINDS = tuple(k for k, v in KINDS.items() if v.klass == "invalid")


def in_light(mark: Mark, light: str) -> Mark:
    """``mark`` of white light as a sensor with that ``light`` (a key of ``PENS``) sees it: a pen's
    density moves from its place in the one range to the same place in the other. Marks that are no
    pens stay as they are. A density outside the published range is ambiguous."""
    if light not in PENS:
        raise ConfigurationError(f"no such light: {light}", remedy=f"One of: {', '.join(PENS)}")
    if mark.kind not in PENS[light]:
        return mark
    kind = KINDS[mark.kind]
    (low, high), (new_low, new_high) = PENS["white"][mark.kind], PENS[light][mark.kind]
    density = mark.params.get("density", kind.usual["density"])
    share = min(1.0, max(0.0, (density - low) / (high - low)))
    seen = round(new_low + share * (new_high - new_low), 3)
    return Mark(mark.contest, mark.option, mark.kind, {**mark.params, "density": seen})


def kind_of(mark: Mark) -> MarkKind:
    """The row of the table; ConfigurationError names the kinds there are."""
    if mark.kind not in KINDS:
        raise ConfigurationError(
            f"no such kind of mark: {mark.kind}", remedy=f"One of: {', '.join(KINDS)}"
        )
    return KINDS[mark.kind]


def classify(mark: Mark, target: Target | None = None) -> str:
    """"valid", "ambiguous" or "invalid": the kind's class while its parameters are in range.
    Without ``target`` one of 6 mm or more is meant."""
    kind = kind_of(mark)
    ranges = kind.ranges_in(target)
    for name, value in mark.params.items():
        low, high = ranges.get(name, (math.inf, -math.inf))
        if not low - _ROUNDING <= value <= high + _ROUNDING:
            return "ambiguous"
    if mark.kind == "hesitation" and mark.params.get("count", 3.0) not in (2.0, 3.0):
        return "ambiguous"
    if mark.kind == "line" and mark.params.get("angle_deg", 0.0) not in (0.0, 90.0):
        return "ambiguous"
    return kind.klass


def strokes(mark: Mark, face: Face) -> list[Stroke]:
    """What the pen does for ``mark`` on ``face``, in mm on the page.

    ConfigurationError when the face has no such target or the kind has no such parameter.
    """
    kind = kind_of(mark)
    target = _target(face, mark)
    strange = set(mark.params) - set(kind.ranges)
    if strange:
        raise ConfigurationError(
            f"a {mark.kind} has no parameter {sorted(strange)[0]}",
            remedy=f"It has: {', '.join(kind.ranges)}",
        )
    params = {**kind.usual_in(target), **mark.params}
    if kind.needs_free_side:
        x, y = free_side(face, target)
        target = target.model_copy(update={"x": x, "y": y})
    lines = kind.draw(target, params)
    if kind.grain:
        lines = [Stroke(s.points, s.width_mm, s.density, s.filled, kind.grain) for s in lines]
    return lines


def _target(face: Face, mark: Mark) -> Target:
    for target in face.targets:
        if target.contest == mark.contest and target.option == mark.option:
            return target
    raise ConfigurationError(f"the printed face has no target for {mark.contest}/{mark.option}")


def free_side(face: Face, target: Target) -> tuple[float, float]:
    """The centre of a place of the target's size beside it that touches no target: left, right,
    below or above, whichever comes first."""
    for dx, dy in ((-1, 0), (1, 0), (0, 1), (0, -1)):
        x = target.x + dx * (target.width + 1.2)
        y = target.y + dy * (target.height + 1.2)
        clear = all(
            abs(x - t.x) > 0.5 * t.width + 0.5 * target.width + 0.1
            or abs(y - t.y) > 0.5 * t.height + 0.5 * target.height + 0.1
            for t in face.targets
        )
        if clear:
            return x, y
    return target.x, target.y - 1.6 * target.height


def aim_tail(target: Target, neighbour: Target, overlap: float) -> dict[str, float]:
    """Parameters of a "tail" at ``target`` that reaches into ``neighbour`` by ``overlap`` (0..1) of
    its extent: 0 touches the outline, 1 crosses it fully."""
    dx, dy = neighbour.x - target.x, neighbour.y - target.y
    near = 0.5 * neighbour.height if abs(dy) >= abs(dx) else 0.5 * neighbour.width
    deeper = near * (2 * overlap - 1)  # from the neighbour's centre, away from the target
    if abs(dy) >= abs(dx):
        return {"tail_x": dx + 1.2, "tail_y": math.copysign(abs(dy) + deeper, dy)}
    return {"tail_x": math.copysign(abs(dx) + deeper, dx), "tail_y": dy - 1.2}
