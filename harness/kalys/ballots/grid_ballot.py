"""Ballots described by the grid of their timing marks: a layout from columns and rows alone.

Ballots of the AccuVote family say where an oval is by a column and a row of the grid that the
timing marks span, with fractions between. Two kinds of file hold such descriptions:

- a **grid ballot**, a short YAML file of ours that a person can write in a minute (docs/ballots.md
  has a complete one);
- an **election file with ``gridLayouts``**, the JSON that open systems of this family keep: ballot
  styles with ``gridPositions`` of ``side``, ``column``, ``row``, ``contestId`` and ``optionId`` (or
  ``writeInIndex``), and the paper's size in ``ballotLayout``.

Where a file does not say how far apart the marks are, they are a quarter of an inch apart either
way and centred on the page: 34 columns on paper 8.5 in wide, inches x 4 - 3 rows. A reader measures
what the spacing really is, so that a few per cent make no difference to it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field, ValidationError

from kalys.ballots.layout import MM_PER_INCH, Layout, Part
from kalys.errors import ConfigurationError

QUARTER_INCH = MM_PER_INCH / 4
COLUMNS = 34
PAPERS = {"letter": (8.5, 11.0), "legal": (8.5, 14.0)}
"""Width and height in inches."""

_SIZE = re.compile(r"(?:custom-?)?(\d+(?:\.\d+)?)\s*x\s*(\d+(?:\.\d+)?)")


class Grid(Part):
    """The timing marks: their number, spacing (centre to centre) and size.

    ``rows`` is by default what the paper's length gives, inches x 4 - 3. Presence of the marks on
    the ``coded`` edges says something, so that any of them may be missing.
    """

    columns: int = Field(default=COLUMNS, ge=8, le=400)
    rows: int | None = Field(default=None, ge=8, le=400)
    pitch_mm: tuple[float, float] = (QUARTER_INCH, QUARTER_INCH)
    mark_mm: tuple[float, float] = (4.7625, 1.5875)
    coded: tuple[Literal["left", "right", "top", "bottom"], ...] = ("bottom",)


class Oval(Part):
    """What all targets of a grid ballot look like, outline included."""

    size: tuple[float, float] = (5.08, 3.302)
    shape: Literal["square", "circle", "oval"] = "oval"
    line_mm: float = Field(default=0.3, gt=0)


class GridBallot(Part):
    """One ballot style. ``paper`` is "letter", "legal" or inches such as "8.5x17"; ``faces`` holds
    by side and contest the column and row of each option."""

    style: str
    election: str = "ballots"
    paper: str = "letter"
    dpi: int = 200
    grid: Grid = Grid()
    oval: Oval = Oval()
    faces: Mapping[
        Literal["front", "back"], Mapping[str, Mapping[str, tuple[float, float]]]
    ]

    def layout(self, where: str = "grid ballot") -> Layout:
        """The layout; ConfigurationError names what is wrong with it, and ``where``."""
        width, height = (inches * MM_PER_INCH for inches in paper_inches(self.paper))
        rows = self.grid.rows or round(height / QUARTER_INCH) - 3
        across, down = self.grid.pitch_mm
        left = (width - (self.grid.columns - 1) * across) / 2
        top = (height - (rows - 1) * down) / 2
        counts = {"left": rows, "right": rows, "top": self.grid.columns,
                  "bottom": self.grid.columns}
        tracks = [
            {
                "edge": edge, "count": count, "mark_mm": self.grid.mark_mm,
                "inset": left if upright else top, "first": top if upright else left,
                "pitch": down if upright else across, "coded": edge in self.grid.coded,
            }
            for edge, count in counts.items() for upright in [edge in ("left", "right")]
        ]
        target = {"width": self.oval.size[0], "height": self.oval.size[1],
                  "shape": self.oval.shape, "line_mm": self.oval.line_mm}
        faces = {
            side: {"tracks": tracks, "targets": [
                {"contest": contest, "option": option, "x": round(left + column * across, 3),
                 "y": round(top + row * down, 3), **target}
                for contest, options in contests.items()
                for option, (column, row) in options.items()
            ]}
            for side, contests in self.faces.items()
        }
        return Layout.from_dict({
            "election": self.election, "style": self.style, "page_mm": (width, height),
            "dpi": self.dpi, "faces": faces,
        }, where)


def grid_layout(data: Mapping[str, Any], where: str = "grid ballot") -> Layout:
    """The layout of the grid ballot in ``data``; ConfigurationError names the field."""
    try:
        ballot = GridBallot.model_validate(_named(data))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "(document)"
        raise ConfigurationError(
            f"not a grid ballot: {place}: {first['msg']}", where=where,
            remedy="docs/ballots.md has a complete example.",
        ) from error
    return ballot.layout(where)


def _named(data: Any) -> Any:
    """The same with names as text: YAML takes ``yes`` and ``no`` for truth values, and digits for
    numbers."""
    if not isinstance(data, Mapping):
        return data
    words = {True: "yes", False: "no"}
    return {
        words[key] if isinstance(key, bool) else str(key): _named(value)
        for key, value in data.items()
    }


def paper_inches(name: str) -> tuple[float, float]:
    """Width and height of a paper size; ConfigurationError for an unknown one."""
    if name in PAPERS:
        return PAPERS[name]
    found = _SIZE.fullmatch(name.strip())
    if found is None:
        raise ConfigurationError(
            f"no such paper: {name}", where="grid ballot",
            remedy=f"One of {', '.join(PAPERS)}, or inches such as 8.5x17.",
        )
    return float(found[1]), float(found[2])


def election_layouts(data: Mapping[str, Any], where: str = "election file") -> dict[str, Layout]:
    """The layouts of an election file with ``gridLayouts``, by ballot style.

    Raises ConfigurationError for what is no such file, and for a style of more than one sheet.
    """
    try:
        paper = str(data["ballotLayout"]["paperSize"])
        election = str(data.get("id") or data.get("title") or "election")
        return {
            str(grid["ballotStyleId"]): _of_positions(grid, paper, election, where)
            for grid in data["gridLayouts"]
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(
            f"not an election file with gridLayouts: {type(error).__name__} {error}", where=where,
        ) from error


def _of_positions(grid: Mapping[str, Any], paper: str, election: str, where: str) -> Layout:
    style, positions = str(grid["ballotStyleId"]), grid["gridPositions"]
    if not isinstance(positions, Sequence) or any(p.get("sheetNumber", 1) != 1 for p in positions):
        raise ConfigurationError(
            f"style {style} has more than one sheet", where=where,
            remedy="Write a layout for each sheet.",
        )
    faces: dict[str, dict[str, dict[str, tuple[float, float]]]] = {}
    for at in positions:
        contest = faces.setdefault(at["side"], {}).setdefault(str(at["contestId"]), {})
        option = at.get("optionId")
        if option is None:
            option = f"write-in-{at['writeInIndex']}"
        contest[str(option)] = (at["column"], at["row"])
    known = {key: grid[key] for key in ("columns", "rows") if key in grid}
    return grid_layout(
        {"style": style, "election": election, "paper": paper, "faces": faces, "grid": known},
        f"{where}, style {style}",
    )
