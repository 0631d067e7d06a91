"""A line dialect: the text protocol of a device, written down in its profile and nowhere else.

``LineDialect`` is the ``dialect:`` key of a device profile (docs/protocols/urn-line.md). Per
operation it holds a request template and answer templates, per event a template;
``kalys.protocols.urn.line`` reads and writes lines by them. Every template is checked against the
tables of ``messages`` when the profile is loaded, so that a missing or misspelt field is an error
of the profile and not of the day.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from kalys.protocols.urn.messages import (
    EVENT_FIELDS,
    REQUEST_FIELDS,
    RESPONSE_FIELDS,
    EventKind,
    Op,
)
from kalys.protocols.urn.template import Template, formats

Value = str | int | bool


class Exchange(BaseModel):
    """How one operation is asked for and answered with OK."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    send: str = Field(description="the request")
    answer: str = Field(description="the line that answers OK, or the first of several")
    rows: dict[str, str] = Field(
        default_factory=dict, description="for each list of the answer, the line of one item")
    end: str = Field(
        default="", description="the line after the last row; {rows:int} is their number")
    fixed: dict[str, Value] = Field(
        default_factory=dict,
        description="fields of the answer that this device never sends, and their value; a field "
        "of a list's items as list.field")


class LineDialect(BaseModel):
    """The text protocol of one model of device."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    terminator: str = Field(default="\r\n", min_length=1, description="ends every line")
    encoding: Literal["ascii", "utf-8"] = "utf-8"
    checksum: Literal["none", "xor", "crc16"] = Field(
        default="none",
        description="*HH (XOR of the bytes) or *HHHH (CRC-16/XMODEM) at the end of every line")
    sequence: str = Field(
        default="",
        description="appended to requests and to all lines of answers, e.g. ' #{sequence:int}'")
    max_line: int = Field(default=8192, ge=80, le=1_000_000, description="bytes with terminator")
    chunk: int = Field(default=1024, ge=1, le=65535, description="bytes in a load or export chunk")
    words: dict[str, dict[str, str | bool]] = Field(
        default_factory=dict, description="formats of enumerations: device's word -> our value")
    requests: dict[Op, Exchange]
    refusal: str = Field(description="the line that refuses a request, with the field result")
    event: str = Field(
        default="{body:text}",
        description="what stands around every event: {body:text}, {number:int}, {time_ms:utc}")
    events: dict[EventKind, str]

    @model_validator(mode="after")
    def _templates_fit_the_messages(self) -> LineDialect:
        Templates(self)
        return self


class Templates:
    """The compiled templates of a dialect. ValueError names what is wrong, and where."""

    def __init__(self, dialect: LineDialect) -> None:
        known = formats(dialect.words)
        if not re.fullmatch(r"[\x00-\x1f]+", dialect.terminator):
            raise ValueError("terminator: control characters only, so that no text contains it")
        self.refusal = _template("refusal", dialect.refusal, known, {"result"})
        self.event = _template("event", dialect.event, known, {"body"}, {"number", "time_ms"})
        self.sequence = (_template("sequence", "{body:text}" + dialect.sequence, known,
                                   {"body", "sequence"}) if dialect.sequence else None)
        self.requests: dict[Op, Template] = {}
        self.answers: dict[Op, Template] = {}
        self.fixed: dict[Op, dict[str, Any]] = {}
        self.fixed_in_rows: dict[Op, dict[str, dict[str, Any]]] = {}
        self.rows: dict[Op, dict[str, Template]] = {}
        self.ends: dict[Op, Template] = {}
        for op, exchange in dialect.requests.items():
            self._add(op, exchange, known)
        self.events = {
            kind: _template(f"events.{kind}", text, known, set(EVENT_FIELDS[kind]))
            for kind, text in dialect.events.items()
        }

    def _add(self, op: Op, exchange: Exchange, known: Mapping[str, Any]) -> None:
        place, declared = f"requests.{op}", RESPONSE_FIELDS[op]
        lists = {name: kind[0] for name, kind in declared.items() if isinstance(kind, list)}
        scalars = set(declared) - set(lists) - set(exchange.fixed)
        self.fixed[op] = {name: _fixed(f"{place}.fixed.{name}", declared.get(name), value)
                          for name, value in exchange.fixed.items() if "." not in name}
        self.fixed_in_rows[op] = {name: {} for name in lists}
        for dotted, value in exchange.fixed.items():
            name, dot, field = dotted.partition(".")
            if dot:
                kind = lists.get(name, {}).get(field)
                constant = _fixed(f"{place}.fixed.{dotted}", kind, value)
                self.fixed_in_rows[op][name][field] = constant
        self.requests[op] = _template(f"{place}.send", exchange.send, known,
                                      set(REQUEST_FIELDS[op]))
        self.answers[op] = _template(f"{place}.answer", exchange.answer, known, scalars)
        if set(exchange.rows) != set(lists) or bool(exchange.end) != bool(lists):
            raise ValueError(f"{place}: rows must be given for {sorted(lists) or 'nothing'}, "
                             "and an end where there are rows")
        self.rows[op] = {
            name: _template(f"{place}.rows.{name}", exchange.rows[name], known,
                            set(item) - set(self.fixed_in_rows[op][name]))
            for name, item in lists.items()
        }
        if lists:
            self.ends[op] = _template(f"{place}.end", exchange.end, known, set(), {"rows"})


def _fixed(place: str, kind: Any, value: Value) -> Value | bytes:
    """A value for a field that the device never sends; bytes are given in hexadecimal."""
    if kind == "bytes" and isinstance(value, str):
        return bytes.fromhex(value)
    wanted = {"text": str, "bool": bool}.get(kind, int) if isinstance(kind, str) else None
    if wanted is None or type(value) is not wanted:
        raise ValueError(f"{place}: {value!r} is not the value of a field of type {kind}")
    return value


def _template(place: str, text: str, known: Mapping[str, Any], needed: set[str],
              allowed: set[str] | frozenset[str] = frozenset()) -> Template:
    try:
        template = Template(text, known)
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from error
    missing, unknown = needed - template.names, template.names - needed - allowed
    if missing or unknown:
        raise ValueError(f"{place}: {text!r} lacks {sorted(missing) or 'nothing'}"
                         f" and has {sorted(unknown) or 'nothing'} that is no field")
    return template
