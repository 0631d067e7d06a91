"""YAML documents with a schema: loaded safely, and wrong with file, line and field.

``load(path, Model)`` parses with PyYAML's safe loader and validates with a pydantic model; every
error of either becomes a ConfigurationError that names the file, the line and the field, and lists
the keys that would have been known.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from kalys.errors import ConfigurationError

Model = TypeVar("Model", bound=BaseModel)
Place = tuple[str | int, ...]

_MOST_ENTRIES = 500_000


def load(path: Path, model: type[Model]) -> Model:
    """The document at ``path`` as ``model``; ConfigurationError names file, line and field."""
    data, lines = read(path)
    return validate(data, model, path, lines)


def read(path: Path) -> tuple[Any, dict[Place, int]]:
    """The plain data of a YAML file, and the line (from 1) of every key and item in it."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot be read: {error}", where=str(path)) from error
    loader = yaml.CSafeLoader(text) if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            raise ConfigurationError("the file is empty", where=str(path))
        if _entries(node, {}) > _MOST_ENTRIES:
            raise ConfigurationError(
                f"more than {_MOST_ENTRIES} entries: an alias that stands for aliases, perhaps",
                where=str(path),
            )
        lines: dict[Place, int] = {}
        _note_lines(node, (), lines)
        return loader.construct_document(node), lines
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigurationError(
            f"not valid YAML: {error.problem or error}", where=f"{path}:{line}"
        ) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"not valid YAML: {error}", where=str(path)) from error
    finally:
        loader.dispose()


def validate(
    data: Any, model: type[Model], path: Path, lines: Mapping[Place, int] | None = None
) -> Model:
    """``data`` as ``model``; the first error of pydantic, told as a person would."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise ConfigurationError(
            "; ".join(_tell(e, model) for e in error.errors()[:3]),
            where=_where(error.errors()[0]["loc"], path, lines or {}),
        ) from error


def _entries(node: yaml.Node, known: dict[int, int]) -> int:
    """How many keys and items a document has when every alias is written out."""
    if id(node) not in known:
        known[id(node)] = 1
        if isinstance(node, yaml.MappingNode):
            known[id(node)] += sum(_entries(value, known) for _, value in node.value)
        elif isinstance(node, yaml.SequenceNode):
            known[id(node)] += sum(_entries(item, known) for item in node.value)
    return known[id(node)]


def _note_lines(node: yaml.Node, place: Place, lines: dict[Place, int]) -> None:
    lines.setdefault(place, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            here = (*place, key.value)
            lines[here] = key.start_mark.line + 1
            _note_lines(value, here, lines)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _note_lines(item, (*place, index), lines)


def _where(place: Place, path: Path, lines: Mapping[Place, int]) -> str:
    while place and place not in lines:
        place = place[:-1]
    return f"{path}:{lines.get(place, 1)}"


def _tell(error: Any, model: type[BaseModel]) -> str:
    field = ".".join(str(part) for part in error["loc"]) or "(document)"
    if error["type"] == "extra_forbidden":
        name = str(error["loc"][-1])
        near = difflib.get_close_matches(name, _known_keys(model), n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        return f"{field}: no such key{hint}"
    said = str(error["msg"]).removeprefix("Value error, ")
    return f"{field}: {said[0].lower()}{said[1:]}"


def _known_keys(model: type[BaseModel]) -> list[str]:
    seen: set[type[BaseModel]] = set()
    keys: list[str] = []

    def collect(kind: Any) -> None:
        if isinstance(kind, type) and issubclass(kind, BaseModel) and kind not in seen:
            seen.add(kind)
            for name, field in kind.model_fields.items():
                keys.append(field.alias or name)
                collect(field.annotation)
        for part in getattr(kind, "__args__", ()):
            collect(part)

    collect(model)
    return keys
