"""Templates of a text protocol that work both ways: values to text and text to values.

A template is literal text with fields in braces, ``{name:format}``, in the notation of Python's
format strings and of the `parse` package, which does the reading. ``+CLK {time:iso}`` writes and
reads ``+CLK 2021-11-28T08:00:05.000+06:00``; a brace that is meant itself is doubled.

Formats (a dialect adds its own tables of words to them):

======== =================================================== =====================================
format   text                                                value
======== =================================================== =====================================
int      decimal, with a minus sign if need be               int
word     one or more characters without white space          str
quoted   a JSON string: "...", with \\" \\\\ \\n \\uXXXX        str, any
text     all the rest, may be empty                          str of one line
hex      hexadecimal, two digits a byte, upper case or lower  bytes
base64   base64 with padding (RFC 4648, 4)                   bytes
iso      ISO 8601, milliseconds and offset                   the fields time_ms and offset_min
utc      ISO 8601, milliseconds and Z                        milliseconds of UTC since 1970
======== =================================================== =====================================

``{time:iso}`` stands for two fields of a message at once, ``time_ms`` and ``offset_min``.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import parse

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_INSTANT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}"
TIME_FIELDS = ("time_ms", "offset_min")


@dataclass(frozen=True)
class Format:
    """How a value is spelled: what it looks like, and how to write and read it.

    ``write`` and ``read`` raise ValueError for what this format cannot express.
    """

    pattern: str
    write: Callable[[Any], str]
    read: Callable[[str], Any]


class Template:
    """One line with fields, for writing and for reading."""

    def __init__(self, text: str, formats: Mapping[str, Format]) -> None:
        """ValueError when the text is no template or names an unknown format."""
        self.text = text
        self._parts = [(literal, name, formats[_known(spec, text, formats)] if name else None)
                       for literal, name, spec, _ in string.Formatter().parse(text)]
        named = [name for _, name, form in self._parts if form is not None and name]
        if len(set(named)) != len(named) or not all(name.isidentifier() for name in named):
            raise ValueError(f"{text!r}: every field needs a name of its own")
        self.names = frozenset(named) - {"time"} | (
            frozenset(TIME_FIELDS) if "time" in named else frozenset())
        self.prefix = self._parts[0][0] if self._parts else ""
        self._parser = parse.compile(
            text, {name: _converter(form) for name, form in formats.items()}, case_sensitive=True)

    def write(self, values: Mapping[str, Any]) -> str:
        """The line. ValueError names the field that its format cannot express."""
        line = []
        for literal, name, form in self._parts:
            line.append(literal)
            if form is not None and name:
                line.append(_written(form, name, values))
        return "".join(line)

    def read(self, line: str) -> dict[str, Any] | None:
        """The values in the line, or None when it is not of this form."""
        if not line.startswith(self.prefix):
            return None
        try:
            found = self._parser.parse(line)
        except (ValueError, OverflowError):
            return None
        if found is None:
            return None
        values: dict[str, Any] = dict(found.named)
        if "time" in values:
            values["time_ms"], values["offset_min"] = values.pop("time")
        return values


def formats(words: Mapping[str, Mapping[str, str | bool]]) -> dict[str, Format]:
    """The formats above and one for each table of words (the device's word -> our value)."""
    known = {
        "int": Format(r"-?\d{1,20}", _write_int, int),
        "word": Format(r"\S+", _write_word, str),
        "quoted": Format(r'"(?:[^"\\\x00-\x1f]|\\[^\x00-\x1f])*"', _write_quoted, _read_quoted),
        "text": Format(r".*", _write_text, str),
        "hex": Format(r"(?:[0-9A-Fa-f]{2})*", lambda data: bytes(data).hex().upper(),
                      bytes.fromhex),
        "base64": Format(r"[A-Za-z0-9+/]*={0,2}", lambda data: base64.b64encode(data).decode(),
                         _read_base64),
        "iso": Format(_INSTANT + r"(?:Z|[+-]\d\d:\d\d)", _write_iso, _read_iso),
        "utc": Format(_INSTANT + "Z", _write_utc, _read_utc),
    }
    for name, table in words.items():
        if name in known or not name.isidentifier():
            raise ValueError(f"a table of words cannot be called {name!r}")
        known[name] = _table(name, table)
    return known


def _known(spec: str | None, text: str, formats: Mapping[str, Format]) -> str:
    if not spec or spec not in formats:
        raise ValueError(f"{text!r}: no format {spec!r}; there are {', '.join(formats)}")
    return spec


def _converter(form: Format) -> Callable[[str], Any]:
    def convert(text: str) -> Any:
        return form.read(text)

    convert.pattern = form.pattern  # type: ignore[attr-defined]
    convert.regex_group_count = 0  # type: ignore[attr-defined]
    return convert


def _written(form: Format, name: str, values: Mapping[str, Any]) -> str:
    try:
        if name == "time":
            return form.write((values["time_ms"], values["offset_min"]))
        return form.write(values[name])
    except KeyError as error:
        raise ValueError(f"{name} is missing") from error
    except (ValueError, TypeError, OverflowError) as error:
        raise ValueError(f"{name}: {error}") from error


def _table(name: str, table: Mapping[str, str | bool]) -> Format:
    back = {value: word for word, value in table.items()}
    if not table or len(back) != len(table) or any(not word.isprintable() for word in table):
        raise ValueError(f"words {name!r}: needs printable words, each for another value")

    def write(value: Any) -> str:
        if value not in back:
            raise ValueError(f"{value!r} is none of {', '.join(map(str, back))}")
        return back[value]

    longest_first = sorted(table, key=len, reverse=True)
    pattern = "|".join(re.escape(word) for word in longest_first)
    return Format(f"(?:{pattern})", write, table.__getitem__)


def _write_int(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{value!r} is no whole number")
    return str(value)


def _write_word(value: Any) -> str:
    if not isinstance(value, str) or not value or value.split() != [value]:
        raise ValueError(f"{value!r} is not one word")
    return value


def _write_text(value: Any) -> str:
    if not isinstance(value, str) or "\n" in value or "\r" in value:
        raise ValueError(f"{value!r} is not text of one line")
    return value


def _write_quoted(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no text")
    return json.dumps(value, ensure_ascii=False)


def _read_quoted(text: str) -> str:
    value = json.loads(text)
    return str(value)


def _read_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from error


def _write_utc(time_ms: Any) -> str:
    civil = _EPOCH + int(time_ms) * _MILLISECOND
    return civil.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def _read_utc(text: str) -> int:
    return (datetime.fromisoformat(text) - _EPOCH) // _MILLISECOND


def _write_iso(time: Any) -> str:
    time_ms, offset_min = time
    zone = timezone(timedelta(minutes=offset_min))
    return (_EPOCH + int(time_ms) * _MILLISECOND).astimezone(zone).isoformat(
        timespec="milliseconds")


def _read_iso(text: str) -> tuple[int, int]:
    civil = datetime.fromisoformat(text)
    offset = civil.utcoffset() or timedelta(0)
    return (civil - _EPOCH) // _MILLISECOND, offset // timedelta(minutes=1)
