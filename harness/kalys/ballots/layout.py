"""Where things are on a ballot: timing marks, code marks, targets and print, as data.

A layout holds one or two printed faces. A face holds

- **tracks** of timing marks along its edges: any number, pitch and mark size, with gaps;
- a **code**: a row of cells, dark for 1, naming election and style (``kalys.ballots.style_code``);
- **targets** of any shape and place, each belonging to one option of one contest;
- **artwork**: text, lines and boxes, which only a renderer or a printer needs.

Everything is in millimetres from the upper left corner of the page as a reader of the print holds
it. The file format is in docs/ballots.md; ``kalys.ballots.templates.layouts_for`` fills the shipped
templates with the texts of an election definition.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from kalys.errors import ConfigurationError

MM_PER_INCH = 25.4
Side = Literal["front", "back"]
LEAST_PAGE_MM, MOST_PAGE_MM = 50.0, 1200.0
"""No ballot is shorter or longer either way."""
LEAST_MARKS = 8
"""Fewer timing marks along an edge place nothing."""


class Part(BaseModel):
    """Base of every part of a layout: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Track(Part):
    """Timing marks along one edge.

    ``inset`` is the distance of the marks' centres from the edge; ``first`` the distance of the
    first centre from the upper (left, right) or left (top, bottom) corner; ``omitted`` are indices
    of marks that are not printed. Where a track is ``coded`` the presence of its marks says
    something (AccuVote ballots carry their style there): any of them may be missing.
    """

    edge: Literal["left", "right", "top", "bottom"]
    inset: float = Field(gt=0)
    first: float = Field(gt=0)
    pitch: float = Field(gt=0)
    count: int = Field(ge=2, le=400)
    mark_mm: tuple[float, float]
    omitted: tuple[int, ...] = ()
    coded: bool = False

    @model_validator(mode="after")
    def _marks_are_apart(self) -> Track:
        along = self.mark_mm[1] if self.edge in ("left", "right") else self.mark_mm[0]
        if min(self.mark_mm) <= 0 or along >= self.pitch:
            raise ValueError(f"marks of {along:g} mm every {self.pitch:g} mm are no timing marks")
        if self.count - len(set(self.omitted)) < LEAST_MARKS and not self.coded:
            raise ValueError(f"a track needs at least {LEAST_MARKS} printed marks")
        return self


class Code(Part):
    """A row of code cells with centres at (``x`` + i * ``pitch``, ``y``); ``bits`` as printed."""

    x: float
    y: float
    pitch: float = Field(gt=0)
    mark_mm: tuple[float, float]
    bits: str = Field(pattern=r"^[01]{4,64}$")


class Target(Part):
    """The place for one option's mark; ``x`` and ``y`` are its centre, outline included."""

    contest: str
    option: str
    x: float
    y: float
    width: float = Field(gt=0.5)
    height: float = Field(gt=0.5)
    shape: Literal["square", "circle", "oval"] = "square"
    line_mm: float = Field(default=0.4, gt=0)


class Print(Part):
    """Text in the artwork: baseline-free, ``x`` and ``y`` are the middle of the line's left end,
    centre or right end by ``anchor``; ``size`` is the font size in mm; a line wider than ``width``
    is broken, still centred on ``y``."""

    text: str
    x: float
    y: float
    size: float = Field(gt=0)
    bold: bool = False
    anchor: Literal["left", "middle", "right"] = "left"
    width: float = 0.0
    density: float = 1.0


class Line(Part):
    """A printed line."""

    x1: float
    y1: float
    x2: float
    y2: float
    width_mm: float = 0.2
    density: float = 1.0


class Box(Part):
    """A filled rectangle, (``x``, ``y``) its upper left corner."""

    x: float
    y: float
    width: float
    height: float
    density: float = 0.08


class Face(Part):
    """One printed side. A face without ``code`` is told from others by where its targets are."""

    tracks: tuple[Track, ...]
    code: Code | None = None
    targets: tuple[Target, ...] = ()
    texts: tuple[Print, ...] = ()
    lines: tuple[Line, ...] = ()
    boxes: tuple[Box, ...] = ()

    @model_validator(mode="after")
    def _targets_are_apart(self) -> Face:
        seen = {(t.contest, t.option) for t in self.targets}
        if len(seen) != len(self.targets):
            raise ValueError("an option has two targets on one face")
        ordered = sorted(self.targets, key=lambda t: t.y - t.height / 2)
        for i, a in enumerate(ordered):
            for b in islice(ordered, i + 1, None):
                if b.y - b.height / 2 >= a.y + a.height / 2:
                    break       # and so do all after it: many targets cost no more than their rows
                if 2 * abs(a.x - b.x) < a.width + b.width:
                    raise ValueError(
                        f"the targets {a.contest}/{a.option} and {b.contest}/{b.option} overlap"
                    )
        edges = [track.edge for track in self.tracks]
        if len(set(edges)) != len(edges):
            raise ValueError("an edge has two tracks of timing marks")
        if len({track.edge for track in self.tracks if not track.coded}) < 2:
            raise ValueError("a face needs timing marks along two edges (left and right, say)")
        return self


class Layout(Part):
    """One ballot style on paper. ``faces`` are "front" and, where printed, "back"."""

    election: str
    style: str
    page_mm: tuple[float, float]
    dpi: int = Field(default=200, ge=72, le=600)
    faces: Mapping[Side, Face]

    @model_validator(mode="after")
    def _all_on_the_page(self) -> Layout:
        width, height = self.page_mm
        if min(self.page_mm) < LEAST_PAGE_MM or max(self.page_mm) > MOST_PAGE_MM:
            raise ValueError(
                f"a page of {width:g} x {height:g} mm; a ballot has {LEAST_PAGE_MM:g} to "
                f"{MOST_PAGE_MM:g} mm either way"
            )
        for name, face in self.faces.items():
            marked = next(_targets_on_marks(face, self.page_mm), None)
            if marked is not None:
                raise ValueError(f"{name}: {marked}")
            things = [
                (t.x, t.y, t.width, t.height, f"target {t.contest}/{t.option}")
                for t in face.targets
            ]
            things += [
                (x, y, 0.0, 0.0, f"{t.edge} timing mark {i}")
                for t in face.tracks for i, x, y in track_centres(t, self.page_mm)
            ]
            if face.code is not None:
                last = face.code.x + (len(face.code.bits) - 1) * face.code.pitch
                things += [(x, face.code.y, 0.0, 0.0, "the code") for x in (face.code.x, last)]
            for x, y, wide, high, what in things:
                if not (x - wide / 2 > 0 and x + wide / 2 < width
                        and y - high / 2 > 0 and y + high / 2 < height):
                    raise ValueError(f"{name}: {what} is not on the page")
        return self

    @model_validator(mode="after")
    def _an_option_has_one_target(self) -> Layout:
        places = [(t.contest, t.option) for t in self.targets]
        twice = [place for place, count in Counter(places).items() if count > 1]
        if twice:
            raise ValueError(f"{'/'.join(twice[0])} has a target on the front and one on the back")
        return self

    @property
    def px_per_mm(self) -> float:
        return self.dpi / MM_PER_INCH

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of a scan of one page."""
        width, height = self.page_mm
        return round(height * self.px_per_mm), round(width * self.px_per_mm)

    @property
    def front(self) -> Face:
        """The first side; ConfigurationError when the layout has none."""
        if "front" not in self.faces:
            raise ConfigurationError("the layout has no front", where=f"layout {self.style}")
        return self.faces["front"]

    @property
    def sides(self) -> int:
        """How many sides of a sheet hold targets: 2 where both must be seen to count it."""
        back = self.faces.get("back")
        return 2 if back is not None and back.targets else 1

    @property
    def targets(self) -> tuple[Target, ...]:
        """The targets of all faces, the front's first."""
        names: tuple[Side, ...] = ("front", "back")
        return tuple(t for name in names if name in self.faces for t in self.faces[name].targets)

    def side_of(self, contest: str, option: str) -> Side:
        """The side that holds the target of an option; ConfigurationError when none does."""
        for name, face in self.faces.items():
            if any((t.contest, t.option) == (contest, option) for t in face.targets):
                return name
        raise self._without(contest, option)

    def face_of(self, contest: str, option: str) -> Face:
        """The face that holds the target of an option; ConfigurationError when none does."""
        return self.faces[self.side_of(contest, option)]

    def target(self, contest: str, option: str) -> Target:
        """The target of an option; ConfigurationError when it has none."""
        for face in self.faces.values():
            for target in face.targets:
                if target.contest == contest and target.option == option:
                    return target
        raise self._without(contest, option)

    def _without(self, contest: str, option: str) -> ConfigurationError:
        return ConfigurationError(
            f"there is no target for {contest}/{option}", where=f"layout {self.style}"
        )

    def at(self, dpi: int) -> Layout:
        """The same ballot for scans of another resolution (72 to 600 dots per inch)."""
        return Layout.from_dict({**self.to_dict(), "dpi": dpi})

    def without_artwork(self) -> Layout:
        """The same for a reader, which needs no text, lines and boxes."""
        plain = {
            name: face.model_copy(update={"texts": (), "lines": (), "boxes": ()})
            for name, face in self.faces.items()
        }
        return self.model_copy(update={"faces": plain})

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON or YAML."""
        return self.model_dump(mode="json")

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], where: str = "layout") -> Layout:
        """The layout in ``data``; ConfigurationError names the field that is wrong, and ``where``
        the data came from."""
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            said = str(first["msg"]).removeprefix("Value error, ")
            raise ConfigurationError(
                f"not a ballot layout: {f'{place}: ' if place else ''}{said}", where=where,
                remedy="docs/ballots.md says what a layout holds; lengths are millimetres.",
            ) from error


def _targets_on_marks(face: Face, page_mm: tuple[float, float]) -> Iterator[str]:
    """What lies in a target that must be free: timing marks and cells of the style code."""
    printed = [
        (x, y, *track.mark_mm, f"{track.edge} timing mark {i}")
        for track in face.tracks for i, x, y in track_centres(track, page_mm)
    ]
    if face.code is not None:
        code = face.code
        printed += [(code.x + i * code.pitch, code.y, *code.mark_mm, "the style code")
                    for i in range(len(code.bits))]
    # Timing marks lie along the edges: most targets are far from all of them.
    x, y, width, height = np.array([mark[:4] for mark in printed], float).T
    for t in face.targets:
        near = (2 * np.abs(x - t.x) < width + t.width) & (2 * np.abs(y - t.y) < height + t.height)
        if near.any():
            yield f"target {t.contest}/{t.option} lies on {printed[int(near.argmax())][4]}"


def track_centres(
    track: Track, page_mm: tuple[float, float]
) -> Iterator[tuple[int, float, float]]:
    """(index, x, y) of every printed mark of a track, in mm."""
    width, height = page_mm
    left_out = set(track.omitted)
    for index in range(track.count):
        if index in left_out:
            continue
        along = track.first + index * track.pitch
        if track.edge == "left":
            yield index, track.inset, along
        elif track.edge == "right":
            yield index, width - track.inset, along
        elif track.edge == "top":
            yield index, along, track.inset
        else:
            yield index, along, height - track.inset


def grid_point(tracks: Sequence[Track], column: float, row: float) -> tuple[float, float]:
    """The place in mm of a point on the grid that the timing marks span.

    Column 0 lies on the first mark of the top (or bottom) track, row 0 on that of the left (or
    right) track; fractions lie between. Raises ConfigurationError without such tracks.
    """
    across = next((t for t in tracks if t.edge in ("top", "bottom")), None)
    down = next((t for t in tracks if t.edge in ("left", "right")), None)
    if across is None or down is None:
        raise ConfigurationError(
            "a grid needs timing marks along one long and one short edge", where="layout",
            remedy="Give the place in mm.",
        )
    return round(across.first + column * across.pitch, 3), round(down.first + row * down.pitch, 3)
