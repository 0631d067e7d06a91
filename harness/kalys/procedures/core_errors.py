"""Where a device goes wrong: by kind of mark, position, orientation and state of the paper.

`Breakdown` counts, for each value of each facet, what was tried, what was misread, and what was not
counted at all (given back, or no answer) though it should have been. `ErrorPictures` keeps the
parts of pictures at which an error lies as PNG files beside the journal: few, and of as many
different errors as there are, for people to look at.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from kalys.ballots.effects import EFFECTS
from kalys.ballots.layout import Layout
from kalys.ballots.paper import mirrored, placement, to_pixels
from kalys.ballots.sheet import Paper, Sheet
from kalys.election.definition import Contest
from kalys.evidence.disk import write_whole
from kalys.procedures.comparison import Pair, Position

if TYPE_CHECKING:
    from kalys.procedures.session import Session

Picture = NDArray[np.uint8]
Facets = dict[str, dict[str, list[int]]]

FOLDER = "errors"
MOST_PICTURES = 24
_MOST_ALIKE = 3                 # pictures of one kind of error
_MOST_OF_A_SHEET = 2
_REGION_MM = (34.0, 16.0)       # what is shown around a target, width and height
_WHOLE_WIDTH = 300              # pixels of a whole sheet

NO_MARK = "no mark"
GOOD_PAPER = "good paper"
# How far an effect must go to be worth a row of its own; the others count from the first trace.
_NOTABLE: Mapping[str, float] = {
    "skew": 1.0, "shift": 2.0, "stretch": 0.003, "noise": 0.015, "brightness": 0.03,
    "contrast": 0.1,
}
_TOLD_BY_THEIR_COUNT = ("fold-width", "fold-density", "stain-density")


def effects_of(paper: Paper) -> tuple[str, ...]:
    """The effects that a sheet's paper notably has, by the names of ``kalys.ballots.effects``."""
    found = tuple(
        name.removesuffix("-count")
        for name, effect in EFFECTS.items()
        if name not in _TOLD_BY_THEIR_COUNT
        and any(_extent(name, value) > _NOTABLE.get(name, 0.0) for value in effect.values(paper))
    )
    return found or (GOOD_PAPER,)


def _extent(name: str, value: float) -> float:
    return abs(1.0 - value) if name == "contrast" else abs(value)


class Breakdown:
    """Counts of one deck: ``[tried, misread, not counted]`` for each value of each facet.

    "mark" and "position" count targets of sheets that must be counted (unmarked targets together as
    "no mark"), "orientation" and "paper" count sheets; a sheet with several effects is in the row
    of each. Where ``layout`` has targets on both sides, "side" counts them by side.
    """

    def __init__(self, contests: Sequence[Contest], style: str, layout: Layout) -> None:
        self._positions = frozenset((c.id, o) for c in contests for o in c.option_ids)
        self._style = style
        self._counts: dict[str, dict[str, list[int]]] = {
            "mark": {}, "position": {}, "orientation": {}, "paper": {},
        }
        self._side: dict[Position, str] = {}
        if layout.sides > 1:
            self._counts["side"] = {}
            self._side = {
                (t.contest, t.option): side
                for side, face in layout.faces.items() for t in face.targets
            }

    def add(self, sheet: Sheet, pair: Pair | None, *, wrong: bool) -> None:
        """One sheet: ``pair`` with what was read of it, None when it was not counted."""
        missing = wrong and pair is None
        misread = wrong and pair is not None
        self._count("orientation", sheet.orientation, misread, missing)
        for effect in effects_of(sheet.paper):
            self._count("paper", effect, misread, missing)
        if sheet.truth is None or not sheet.truth.counted:
            return
        kinds = {(mark.contest, mark.option): mark.kind for mark in sheet.marks}
        bad = frozenset[Position]() if pair is None else pair.missed | pair.invented
        for position, kind in kinds.items():
            self._count("mark", kind, position in bad, missing)
        for position in {*kinds, *bad} & self._positions:
            self._count("position", "/".join(position), position in bad, missing)
            if side := self._side.get(position):
                self._count("side", side, position in bad, missing)
        empty = self._positions - set(kinds)
        self._count("mark", NO_MARK, len(bad & empty), 0, tried=len(empty) if pair else 0)

    def _count(
        self, facet: str, value: str, misread: int, missing: int, *, tried: int = 1
    ) -> None:
        row = self._counts[facet].setdefault(value, [0, 0, 0])
        row[0] += tried
        row[1] += int(misread)
        row[2] += int(missing)

    def facets(self) -> Facets:
        return {facet: dict(sorted(rows.items())) for facet, rows in self._counts.items()}


@dataclass(frozen=True)
class ErrorPart:
    """The part of a picture that shows an error: ``data`` is what the journal tells of it."""

    data: Mapping[str, Any]
    png: bytes

    @property
    def kind(self) -> str:
        return str(self.data["error"])


class Alike:
    """Says of how many errors of a kind pictures are wanted: few, and of many kinds."""

    def __init__(self, kept: int = 0) -> None:
        self._kept = kept
        self._kinds: Counter[str] = Counter()

    def wants(self, kind: str) -> bool:
        """Whether one more of this kind is wanted; if so, it counts as kept."""
        if self._kept >= MOST_PICTURES or self._kinds[kind] >= _MOST_ALIKE:
            return False
        self._kept += 1
        self._kinds[kind] += 1
        return True

    @property
    def kept(self) -> int:
        return self._kept


class ErrorPictures:
    """Keeps pictures of errors in ``folder``; in none when there is no evidence folder."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._alike = Alike(len(list(folder.glob("*.png"))) if folder and folder.is_dir() else 0)

    @property
    def full(self) -> bool:
        """Whether no more are kept, of any kind."""
        return self._alike.kept >= MOST_PICTURES

    def keep(self, session: Session, part: ErrorPart) -> None:
        """Keep what shows an error, unless enough of its kind are kept."""
        if self._folder is None or not self._alike.wants(part.kind):
            return
        name = f"{FOLDER}/{self._alike.kept:04d}.png"
        self._folder.mkdir(parents=True, exist_ok=True)
        write_whole(self._folder.parent / name, part.png)
        session.journal.add("error", {
            "procedure": session.running, **part.data, "picture": name,
            "picture_sha256": hashlib.sha256(part.png).hexdigest(),
        })


def error_parts(
    pair: Pair, image: Picture, layout: Layout, *, said: str, sha256: str,
    alike: Alike | None = None, drawn_again: bool = False,
) -> Iterator[ErrorPart]:
    """What shows why the sheet of ``pair`` went wrong, of the kinds that ``alike`` wants.

    ``sha256`` is of the picture's pixels, ``said`` what is wrong, in words. ``drawn_again``: the
    picture comes from the deck, and not from what the device saw.
    """
    sheet = pair.sheet
    if sheet is None:
        return
    more: dict[str, Any] = {"drawn_again": True} if drawn_again else {}
    for kind, position, part in _parts(sheet, pair, image, layout):
        if alike is None or alike.wants(kind):
            if image.ndim == 3 and position is not None:
                more = {**more, "side": layout.side_of(*position)}
            yield ErrorPart({
                "sheet": sheet.id, "seed": sheet.seed, "sha256": sha256,
                "position": "/".join(position or ()), "error": kind,
                "orientation": sheet.orientation, "paper": list(effects_of(sheet.paper)),
                "text": said, **more,
            }, _png(part))


def _parts(
    sheet: Sheet, pair: Pair, image: Picture, layout: Layout
) -> Iterable[tuple[str, Position | None, Picture]]:
    """(kind of error, position, part of the picture): around each misread target, or all of it."""
    kinds = {(mark.contest, mark.option): mark.kind for mark in sheet.marks}
    bad = sorted(pair.missed | pair.invented) if pair.record is not None else []
    if sheet.truth is None or sheet.truth.kind == "return" or not bad:
        yield f"{sheet.group}, whole sheet", None, _whole(image)
        return
    for position in bad[:_MOST_OF_A_SHEET]:
        read = "was not read" if position in pair.missed else "was read as a vote"
        yield f"{kinds.get(position, NO_MARK)} {read}", position, _around(
            sheet, position, image, layout
        )


def _around(sheet: Sheet, position: Position, image: Picture, layout: Layout) -> Picture:
    """The picture around a target, as the sensor of its side saw it."""
    target, paper = layout.target(*position), sheet.paper
    if image.ndim == 3:
        above = (layout.side_of(*position) == "back") != sheet.orientation.startswith("up")
        image = image[int(above)]
        paper = mirrored(paper, layout.page_mm[0]) if above else paper
    matrix = placement(layout, paper, turned=sheet.orientation.endswith("foot"))
    column, row = to_pixels(matrix, np.array([[target.x, target.y]]))[0]
    half = [round(side * layout.px_per_mm / 2) for side in _REGION_MM]
    left = int(np.clip(round(column) - half[0], 0, max(0, image.shape[1] - 2 * half[0])))
    top = int(np.clip(round(row) - half[1], 0, max(0, image.shape[0] - 2 * half[1])))
    return image[top : top + 2 * half[1], left : left + 2 * half[0]]


def _whole(image: Picture) -> Picture:
    """All of it, small; both sides beside one another, the lower one left."""
    if image.ndim == 3:
        lower, upper = (_whole(side) for side in image)
        return np.hstack([lower, np.zeros((len(lower), 4), np.uint8), upper])
    height = round(image.shape[0] * _WHOLE_WIDTH / image.shape[1])
    small = cv2.resize(image, (_WHOLE_WIDTH, height), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


def _png(image: Picture) -> bytes:
    ok, data = cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    assert ok
    return bytes(data)
