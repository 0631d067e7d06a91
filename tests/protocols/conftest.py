"""Messages of every kind, made from the tables, and the shipped dialect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from hypothesis import strategies as st

from kalys.protocols.urn.line import LineDialect
from kalys.protocols.urn.messages import (
    EVENT_FIELDS,
    REQUEST_FIELDS,
    RESPONSE_FIELDS,
    Event,
    Op,
    Request,
    Response,
    Result,
)
from kalys.resources import resource

_WHOLE = {"u8": (0, 255), "u16": (0, 65535), "u32": (0, 2**32 - 1), "i16": (-(2**15), 2**15 - 1),
          "i64": (-(2**63), 2**63 - 1)}
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)

# Fields whose values a text dialect's words, times and lines bound; the binary wire takes any.
_CHOICES: Mapping[str, Any] = {
    "role": st.sampled_from(["operator", "administrator", "auditor"]),
    "purpose": st.sampled_from(["definition", "results", "software"]),
    "state": st.sampled_from(["standby", "ready", "test", "open", "closed", "fault"]),
    "power": st.sampled_from(["mains", "battery"]),
    "source": st.sampled_from(["mains", "battery"]),
    "compartment": st.sampled_from(["valid", "invalid"]),
    "time_ms": st.integers(-(10**12), 4 * 10**12),
    "offset_min": st.integers(-14 * 60, 14 * 60),
}
_REPORTS = st.sampled_from(["zero", "results", "station", "status", "parameters", "test"])


def value(kind: Any) -> st.SearchStrategy[Any]:
    if isinstance(kind, list):
        return st.lists(fields(kind[0]), max_size=4)
    if kind in _WHOLE:
        return st.integers(*_WHOLE[kind])
    return {"bool": st.booleans(), "text": _TEXT, "bytes": st.binary(max_size=40)}[kind]


def fields(table: Mapping[str, Any], choices: Mapping[str, Any] | None = None) -> Any:
    return st.fixed_dictionaries({
        name: (choices or {}).get(name, value(kind)) for name, kind in table.items()})


@st.composite
def requests(draw: Any, bounded: bool = False) -> Request:
    op = draw(st.sampled_from(list(Op)))
    choices = {**_CHOICES, **({"kind": _REPORTS} if op is Op.PRINT else {})} if bounded else {}
    return Request(draw(st.integers(0, 65535)), op, draw(fields(REQUEST_FIELDS[op], choices)))


@st.composite
def responses(draw: Any, bounded: bool = False) -> Response:
    op, result = draw(st.sampled_from(list(Op))), draw(st.sampled_from(list(Result)))
    table = dict(RESPONSE_FIELDS[op]) if result is Result.OK else {}
    found = draw(fields(table, _CHOICES if bounded else {}))
    if bounded and "entries" in found:
        for entry in found["entries"]:
            entry |= {name: draw(_CHOICES[name]) for name in ("time_ms", "offset_min")}
    return Response(draw(st.integers(0, 65535)), op, result, found)


@st.composite
def events(draw: Any, bounded: bool = False) -> Event:
    kind = draw(st.sampled_from(list(EVENT_FIELDS)))
    choices = {**_CHOICES, "kind": _REPORTS} if bounded else {}
    moment = _CHOICES["time_ms"] if bounded else st.integers(-(2**63), 2**63 - 1)
    return Event(draw(st.integers(0, 2**32 - 1)), kind, draw(moment),
                 draw(fields(EVENT_FIELDS[kind], choices)))


@pytest.fixture(scope="session")
def dialect() -> LineDialect:
    path = resource("device_profiles", "kalys-line-urn.yaml")
    return LineDialect.model_validate(yaml.safe_load(path.read_text("utf-8"))["dialect"])
