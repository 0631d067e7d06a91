"""Ballot templates: a layout file of ``fixtures/ballots`` plus an election's texts make a Layout.

A template says where things are and in which words they are introduced; the definition says what
the options are called. ``grids`` place the targets of one contest in rows and columns, with their
labels; ``{...}`` in a text is replaced by a field of the definition. Format: docs/ballots.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from kalys.ballots.layout import (
    Box,
    Code,
    Face,
    Layout,
    Line,
    Part,
    Print,
    Target,
    Track,
    grid_point,
)
from kalys.ballots.style_code import CELLS, code_bits
from kalys.documents import load as load_document
from kalys.election.definition import Contest, ElectionDefinition, Option
from kalys.errors import ConfigurationError
from kalys.resources import resource

_FOLDER = ("fixtures", "ballots")


class Label(Part):
    """How the options of a grid are labelled.

    ``row``: number and name to the left of the target, Kyrgyz above Russian, with a rule below.
    ``above``: the short name above the target.
    """

    place: Literal["row", "above"]
    size: float = Field(gt=0)
    number_x: float = 0.0
    name_x: float = 0.0
    rule_to: float = 0.0
    distance: float = 5.2


class Grid(Part):
    """The targets of one contest: ``columns`` wide, filled row by row from (``x``, ``y``).

    With ``units: cells`` x, y, dx and dy are columns and rows of the grid that the timing marks
    span, as ballots of the AccuVote family are described (``kalys.ballots.layout.grid_point``).
    """

    contest: str
    x: float
    y: float
    columns: int = Field(default=1, ge=1)
    dx: float = 0.0
    dy: float = 0.0
    size: tuple[float, float]
    shape: Literal["square", "circle", "oval"] = "square"
    line_mm: float = 0.4
    units: Literal["mm", "cells"] = "mm"
    label: Label


class CodeTemplate(Part):
    """Where the code cells are; their bits follow from election and style. Ballots of other makers
    have no such code."""

    x: float
    y: float
    pitch: float
    mark_mm: tuple[float, float]


class FaceTemplate(Part):
    tracks: tuple[Track, ...]
    code: CodeTemplate | None = None
    grids: tuple[Grid, ...]
    texts: tuple[Print, ...] = ()
    lines: tuple[Line, ...] = ()
    boxes: tuple[Box, ...] = ()


class Template(Part):
    """One file of ``fixtures/ballots``."""

    election: str
    style: str
    page_mm: tuple[float, float]
    dpi: int = 200
    faces: Mapping[Literal["front", "back"], FaceTemplate]


def layouts_for(
    definition: ElectionDefinition, folder: Path | None = None
) -> dict[str, Layout]:
    """The layouts of all styles of an election, by style id.

    Templates are ``ELECTION.STYLE.yaml`` in ``folder`` (default: the shipped ones). Raises
    ConfigurationError when a style has no template or the template does not fit the definition.
    """
    folder = folder or resource(*_FOLDER)
    layouts = {}
    for style in definition.styles:
        path = folder / f"{definition.id}.{style.id}.yaml"
        if not path.is_file():
            raise ConfigurationError(
                f"style {style.id} has no layout", where=str(path),
                remedy="Write one; docs/ballots.md describes the format.",
            )
        layouts[style.id] = layout_from(load_document(path, Template), definition, path)
    return layouts


def layout_from(
    template: Template, definition: ElectionDefinition, path: Path | None = None
) -> Layout:
    """The layout that ``template`` and the texts of ``definition`` make."""
    where = str(path) if path else f"template {template.style}"
    if template.election != definition.id:
        raise ConfigurationError(
            f"the template is of election {template.election}, not of {definition.id}", where=where
        )
    style = definition.style(template.style)
    bits = code_bits(definition.code, style.code)
    words = _words(definition, template.style)
    faces: dict[str, Any] = {}
    for name, face in template.faces.items():
        faces[name] = _face(face, definition, bits, words)
    placed = {grid.contest for face in template.faces.values() for grid in face.grids}
    if placed != set(style.contests):
        raise ConfigurationError(
            f"the template places {sorted(placed)}, the style holds {sorted(style.contests)}",
            where=where,
        )
    return Layout.from_dict({
        "election": definition.id, "style": style.id, "page_mm": template.page_mm,
        "dpi": template.dpi, "faces": faces,
    })


def _face(
    template: FaceTemplate, definition: ElectionDefinition, bits: str, words: Mapping[str, str]
) -> Face:
    targets: list[Target] = []
    texts = [t.model_copy(update={"text": _fill(t.text, words)}) for t in template.texts]
    lines = list(template.lines)
    for written in template.grids:
        contest = definition.contest(written.contest)
        grid = _in_mm(written, template.tracks)
        placed = _targets(grid, contest)
        targets += placed
        for number, (target, option) in enumerate(zip(placed, contest.options, strict=True), 1):
            texts += _label(grid, target, option, number)
        if grid.label.place == "row":
            lines += _rules(grid, placed)
    code = Code(**template.code.model_dump(), bits=bits) if template.code else None
    if len(bits) != CELLS:
        raise ValueError("the code does not have the published number of cells")
    return Face(
        tracks=template.tracks, code=code, targets=tuple(targets),
        texts=tuple(texts), lines=tuple(lines), boxes=template.boxes,
    )


def _in_mm(grid: Grid, tracks: Sequence[Track]) -> Grid:
    """The grid in millimetres."""
    if grid.units == "mm":
        return grid
    x, y = grid_point(tracks, grid.x, grid.y)
    right, below = grid_point(tracks, grid.x + grid.dx, grid.y + grid.dy)
    return grid.model_copy(
        update={"x": x, "y": y, "dx": right - x, "dy": below - y, "units": "mm"}
    )


def _targets(grid: Grid, contest: Contest) -> list[Target]:
    return [
        Target(
            contest=contest.id, option=option.id,
            x=round(grid.x + (i % grid.columns) * grid.dx, 3),
            y=round(grid.y + (i // grid.columns) * grid.dy, 3),
            width=grid.size[0], height=grid.size[1], shape=grid.shape, line_mm=grid.line_mm,
        )
        for i, option in enumerate(contest.options)
    ]


def _label(grid: Grid, target: Target, option: Option, number: int) -> list[Print]:
    label, name = grid.label, option.name
    if label.place == "above":
        return [Print(text=name.ky, x=target.x, y=round(target.y - label.distance, 3),
                      size=label.size, anchor="middle")]
    room = label.rule_to - label.name_x - 1.0
    texts = []
    if option.kind != "against-all":
        texts.append(Print(text=f"{number}.", x=label.number_x, y=target.y, size=label.size,
                           anchor="right", bold=True))
    if name.ru == name.ky:
        texts.append(Print(text=name.ky, x=label.name_x, y=target.y, size=label.size, bold=True,
                           width=room))
    else:
        step = 0.52 * label.size
        texts.append(Print(text=name.ky, x=label.name_x, y=round(target.y - step, 3), bold=True,
                           size=round(0.88 * label.size, 3)))
        texts.append(Print(text=name.ru, x=label.name_x, y=round(target.y + step, 3),
                           size=round(0.8 * label.size, 3)))
    return texts


def _rules(grid: Grid, placed: list[Target]) -> list[Line]:
    """A thin rule above the first row and below every row, ending short of the targets."""
    rows = sorted({target.y for target in placed})
    edges = [round(rows[0] - grid.dy / 2, 3), *(round(y + grid.dy / 2, 3) for y in rows)]
    start = grid.label.number_x - 1.9 * grid.label.size
    return [
        Line(x1=round(start, 3), y1=y, x2=grid.label.rule_to, y2=y, width_mm=0.19, density=0.8)
        for y in edges
    ]


def _words(definition: ElectionDefinition, style_id: str) -> dict[str, str]:
    """What ``{...}`` may name in a template's texts."""
    style = definition.style(style_id)
    words = {"date": definition.date.strftime("%d.%m.%Y"), "style": style.id}
    for language in ("ky", "ru", "en"):
        words[f"election.{language}"] = getattr(definition.title, language)
        words[f"style.{language}"] = getattr(style.title, language)
        for contest in definition.style_contests(style_id):
            words[f"{contest.id}.{language}"] = getattr(contest.title, language)
    return words


def _fill(text: str, words: Mapping[str, str]) -> str:
    for name, value in words.items():
        text = text.replace("{" + name + "}", value)
    if "{" in text:
        raise ConfigurationError(
            f"no such field: {text[text.index('{'):]}", where="ballot template",
            remedy=f"Known: {', '.join(words)}",
        )
    return text
