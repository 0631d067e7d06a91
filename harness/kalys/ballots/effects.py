"""What a device must bear of paper and sensor: one row for each effect, with its declared range.

Inside the range and with valid marks every sheet must be counted as marked. Beyond it a sheet may
be given back, but one that is counted must be counted as marked; only a double feed must always
come back. ``beyond`` says which effects of a sheet's paper are out of their range, and
``kalys.ballots.truth`` makes the truth of it. docs/marks.md publishes the table, and a test keeps
the two together. Skew, shift and stretch are the range that profiles declare; the rest is what
ballots suffer that were carried, folded and laid down by people.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from kalys.ballots.artwork import grey
from kalys.ballots.layout import Face, Target
from kalys.ballots.sheet import Paper

DOUBLE_FEED_MM = 10.0
"""A second sheet that shows by more than this must be noticed."""
AS_DARK_AS_A_MARK = 0.35
"""Density from which no device can tell a fold, a stain or a scrawl inside a target from a mark."""
RAGGED_MM = 0.8
"""By how much the edge of torn paper is ragged."""


@dataclass(frozen=True)
class Effect:
    """One row: the values of the effect in a paper, and the range in which a device must count.

    The range of an effect that only damaged paper has is (0, 0).
    """

    name: str
    text: str
    unit: str
    declared: tuple[float, float]
    values: Callable[[Paper], Iterable[float]]

    def within(self, paper: Paper) -> bool:
        low, high = self.declared
        return all(low <= value <= high for value in self.values(paper))


def _table() -> dict[str, Effect]:
    rows = [
        Effect("skew", "turned on its way past the sensor", "degrees", (-3.0, 3.0),
               lambda p: [p.skew_deg]),
        Effect("shift", "out of place across or along the feed", "mm", (-5.0, 5.0),
               lambda p: p.shift_mm),
        Effect("stretch", "lengthened along the feed", "share", (-0.01, 0.01),
               lambda p: [p.stretch]),
        Effect("noise", "standard deviation of the sensor's noise", "full scale", (0.0, 0.02),
               lambda p: [p.noise]),
        Effect("brightness", "offset of the sensor", "full scale", (-0.06, 0.04),
               lambda p: [p.brightness]),
        Effect("contrast", "scale of all densities", "share", (0.85, 1.0),
               lambda p: [p.contrast]),
        Effect("fold-count", "folds in one sheet, any place and angle, also through targets",
               "folds", (0, 2), lambda p: [len(p.folds)]),
        Effect("fold-width", "width of a fold's line; a soft shadow lies beside it", "mm",
               (0.2, 0.4), lambda p: [f.width_mm for f in p.folds]),
        Effect("fold-density", "density of a fold", "density", (0.0, 0.22),
               lambda p: [f.depth for f in p.folds]),
        Effect("stain-count", "stains on one sheet", "stains", (0, 2), lambda p: [len(p.stains)]),
        Effect("stain-density", "density of a stain's rim", "density", (0.0, 0.15),
               lambda p: [s.depth for s in p.stains]),
        Effect("streak", "width of a line along the feed from dirt on the sensor", "mm", (0, 0),
               lambda p: [s.width_mm for s in p.streaks]),
        Effect("torn-corner", "longer leg of a corner that is missing", "mm", (0, 0),
               lambda p: [max(t.along_mm, t.down_mm) for t in p.tears]),
        Effect("torn-edge", "depth of a piece missing from an edge", "mm", (0, 0),
               lambda p: [n.deep_mm for n in p.notches]),
        Effect("scrawl", "width of a pen's zigzag across timing marks or elsewhere", "mm", (0, 0),
               lambda p: [s.width_mm for s in p.scrawls]),
        Effect("label", "width of white paper over the print", "mm", (0, 0),
               lambda p: [s.width_mm for s in p.labels]),
        Effect("perspective", "foot wider than head, or right edge longer than left", "share",
               (0, 0), lambda p: p.perspective),
        Effect("crop", "what the sensor misses at an edge", "mm", (0, 0), lambda p: p.crop_mm),
        Effect("double-feed", "a second sheet beneath, showing behind the foot", "mm", (0, 0),
               lambda p: [p.follower_mm]),
    ]
    return {row.name: row for row in rows}


EFFECTS: Mapping[str, Effect] = _table()
"""Every effect by name."""


def beyond(paper: Paper) -> tuple[str, ...]:
    """Names of the effects that are out of their declared range."""
    return tuple(name for name, effect in EFFECTS.items() if not effect.within(paper))


def touched(
    paper: Paper, face: Face, page_mm: tuple[float, float],
    smudged: Mapping[tuple[str, str], float] | None = None,
) -> dict[str, tuple[str, ...]]:
    """Options by contest whose target is entered by something as dark as a mark: a scrawl, a tear
    with a dark bed behind it, or folds and stains that together are. Nobody can say whether a voter
    drew it; such targets are ambiguous. ``smudged`` are densities of smudges that lie in targets
    already, by contest and option: stains upon them add to theirs."""
    if not (paper.scrawls or paper.stains or paper.folds or paper.tears or paper.notches):
        return {}
    found: dict[str, tuple[str, ...]] = {}
    for target in face.targets:
        smudge = (smudged or {}).get((target.contest, target.option), 0.0)
        if _crossed(paper, target) or _torn(paper, target, page_mm) or (
            _darkened(paper, target, smudge) >= AS_DARK_AS_A_MARK
        ):
            found[target.contest] = (*found.get(target.contest, ()), target.option)
    return found


def _crossed(paper: Paper, target: Target) -> bool:
    """Whether a dark scrawl enters the target."""
    for scrawl in paper.scrawls:
        room = scrawl.pen_mm / 2
        if abs(scrawl.x - target.x) < target.width / 2 + scrawl.width_mm / 2 + room and (
            abs(scrawl.y - target.y) < target.height / 2 + scrawl.height_mm / 2 + room
        ) and scrawl.density >= AS_DARK_AS_A_MARK:
            return True
    return False


def _torn(paper: Paper, target: Target, page_mm: tuple[float, float]) -> bool:
    """Whether a tear reaches the target and shows a bed as dark as a mark."""
    if paper.background > grey(AS_DARK_AS_A_MARK):
        return False
    width, height = page_mm
    left, right = target.x - target.width / 2, target.x + target.width / 2
    top, bottom = target.y - target.height / 2, target.y + target.height / 2
    for notch in paper.notches:
        far = {"left": left, "right": width - right, "head": top, "foot": height - bottom}
        low, high = (top, bottom) if notch.edge in ("left", "right") else (left, right)
        aside = max(low - notch.at_mm, notch.at_mm - high, 0.0) / max(notch.along_mm / 2, 0.1)
        if aside <= 1 and far[notch.edge] < notch.deep_mm * (1 - aside**2) + RAGGED_MM:
            return True
    for tear in paper.tears:
        down, _, side = tear.corner.partition("-")
        across = left if side == "left" else width - right
        along = top if down == "head" else height - bottom
        share = (across - RAGGED_MM) / max(tear.along_mm, 0.1) + (
            (along - RAGGED_MM) / max(tear.down_mm, 0.1)
        )
        if share < 1:
            return True
    return False


def _darkened(paper: Paper, target: Target, smudge: float) -> float:
    """The density that folds and stains may reach inside a target: what lies in it already
    (``smudge``) or the darkest fold, and every stain upon that."""
    half_width, half_height = target.width / 2, target.height / 2
    darkest, stained = smudge, 0.0
    for fold in paper.folds:
        angle = math.radians(fold.angle_deg)
        across = abs((target.x - fold.x) * math.sin(angle) - (target.y - fold.y) * math.cos(angle))
        reach = half_width * abs(math.sin(angle)) + half_height * abs(math.cos(angle))
        if across < reach + fold.width_mm / 2:
            darkest = max(darkest, fold.depth)
    for stain in paper.stains:
        far = math.hypot(max(0.0, abs(stain.x - target.x) - half_width),
                         max(0.0, abs(stain.y - target.y) - half_height))
        if far < stain.radius_mm:
            stained += stain.depth
    # A smudge alone has its own range; only what falls upon it is judged here.
    return darkest + stained if stained or darkest > smudge else 0.0
