"""One way to write a value as JSON: sorted keys, no spaces, UTF-8.

What is hashed must be written in one way only. The values of the domain (bytes as hex, times as
ISO 8601, dataclasses as objects, numpy scalars as numbers) have one form here, whoever writes them.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from kalys.errors import EvidenceError


def canonical(value: Any) -> str:
    """JSON with sorted keys and no spaces; EvidenceError for what JSON cannot say.

    A lone surrogate (undecodable text of a device) is written as its JSON escape.
    """
    try:
        text = _ENCODER.encode(value)
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode()
    except (TypeError, ValueError, RecursionError) as error:
        raise EvidenceError(f"cannot be written as JSON: {error}") from error
    return text


def _plain(value: Any) -> Any:
    """What the JSON encoder does not know: values of the domain and of numpy."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    for kinds, form in _FORMS:
        if isinstance(value, kinds):
            return form(value)
    if callable(getattr(value, "item", None)):
        return value.item()
    raise TypeError(f"{type(value).__name__} has no JSON form")


_FORMS: tuple[tuple[tuple[type, ...], Callable[[Any], Any]], ...] = (
    ((bytes, bytearray, memoryview), lambda value: bytes(value).hex()),
    ((datetime.date, datetime.time), lambda value: value.isoformat()),
    ((Enum,), lambda value: value.value),
    ((Mapping,), dict),
    ((set, frozenset), sorted),
    ((Path,), str),
)
_ENCODER = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"), default=_plain
)
