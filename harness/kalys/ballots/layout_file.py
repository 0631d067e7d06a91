"""A layout by name or from any kind of file that describes one.

Known by what they hold: a layout as ``Layout.to_dict`` writes it, a ballot template (its election
is looked up), a grid ballot, an election file with ``gridLayouts``, and NIST's Ballot Definition.
A name is that of a shipped ballot style.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kalys.ballots.grid_ballot import election_layouts, grid_layout
from kalys.ballots.layout import Layout
from kalys.ballots.nist_ballot_import import read_ballot_definition
from kalys.ballots.templates import Template, layout_from, layouts_for
from kalys.documents import read, validate
from kalys.election.definition import load
from kalys.errors import ConfigurationError, choice
from kalys.resources import resource


def read_layout(name: str | Path, style: str | None = None) -> Layout:
    """The layout that ``name`` means: a file, or a shipped ballot style.

    ``style`` chooses among the styles of a file that holds several. Raises ConfigurationError with
    what there is.
    """
    path = Path(name)
    if path.is_file():
        return _chosen(_layouts_in(path), style, str(path))
    return _chosen(shipped_layouts(), str(name), "shipped layouts")


def shipped_layouts() -> dict[str, Layout]:
    """The layouts of all shipped elections, by style."""
    layouts: dict[str, Layout] = {}
    for path in sorted(resource("fixtures", "elections").glob("*.yaml")):
        layouts |= layouts_for(load(path))
    return layouts


def _chosen(layouts: Mapping[str, Layout], style: str | None, where: str) -> Layout:
    if style is None and len(layouts) == 1:
        return next(iter(layouts.values()))
    if style is not None and style in layouts:
        return layouts[style]
    asked = "holds more than one style" if style is None else f"there is no layout {style}"
    raise ConfigurationError(
        asked, where=where, remedy=f"{choice(style, layouts)}. Or name a file that holds a layout.",
    )


def _layouts_in(path: Path) -> dict[str, Layout]:
    data, lines = _parsed(path)
    where = str(path)
    if not isinstance(data, Mapping):
        raise ConfigurationError("this file describes no ballot", where=where)
    if "gridLayouts" in data:
        return election_layouts(data, where)
    if "Election" in data:
        return read_ballot_definition(data)[1]
    faces = data.get("faces")
    face = next(iter(faces.values()), None) if isinstance(faces, Mapping) else None
    if isinstance(face, Mapping) and "grids" in face:
        template = validate(data, Template, path, lines)
        layout = layout_from(template, load(template.election), path)
    elif isinstance(face, Mapping) and ("tracks" in face or "targets" in face):
        layout = Layout.from_dict(data, where)
    else:
        layout = grid_layout(data, where)
    return {layout.style: layout}


def _parsed(path: Path) -> tuple[Any, Any]:
    """The file's data, and the lines of a YAML file. JSON is read as such, which is quicker."""
    if path.suffix.lower() != ".json":
        return read(path)
    try:
        return json.loads(path.read_bytes()), None
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"not valid JSON: {error}", where=str(path)) from error
