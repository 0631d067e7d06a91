"""Payloads of the binary codec: the field tables of ``messages`` as `construct` declarations.

The tables are the only source. A declaration is made and compiled the first time an operation
or event is met (about 1 ms), so importing costs nothing and a frame costs microseconds.

Encoding of the types (docs/protocols/urn-link.md, "Fields"): integers big-endian two's complement;
bool one byte, 0 or 1; text and bytes a u16 count of bytes, then these; a list a u16 count of items,
then these. Nothing is aligned, nothing is padded, nothing may follow the last field.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping
from typing import Any

import construct

from kalys.errors import ProtocolError
from kalys.protocols.urn.codec import missing_or_unknown

Fields = Mapping[str, Any]

_BROKEN = (construct.ConstructError, KeyError, UnicodeError, ValueError, OverflowError)
_UNFIT = (*_BROKEN, struct.error, TypeError, AttributeError)


class _Exact(io.BytesIO):
    """A stream that never gives less than it was asked for (compiled constructs do not look)."""

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        if size is not None and size > len(data):
            raise ValueError(f"{size - len(data)} bytes too short")
        return data


class Payload:
    """The bytes of one set of fields, both ways."""

    def __init__(self, fields: Fields) -> None:
        self._fields = fields
        self._names = tuple(fields)
        self._lists = {name: tuple(kind[0]) for name, kind in fields.items()
                       if isinstance(kind, list)}
        self.declaration = declare(fields)
        self._compiled = self.declaration.compile()

    def build(self, values: Fields, where: str) -> bytes:
        """``values`` as bytes; ProtocolError (``where``) when they are not the declared fields."""
        wrong = missing_or_unknown(self._fields, values)
        if wrong:
            raise ProtocolError(f"fields do not fit: {wrong}", where=where)
        if not self._names:
            return b""
        try:
            built: bytes = self._compiled.build(values)
        except _UNFIT as error:
            raise ProtocolError(
                f"a field cannot be encoded: {_first_unfit(self._fields, values)}", where=where
            ) from error
        return built

    def parse(self, data: bytes) -> dict[str, Any]:
        """The fields in ``data``. ValueError says what is wrong, in words."""
        stream = _Exact(data)
        try:
            parsed = self._compiled.parse_stream(stream)
        except _BROKEN as error:
            reason = str(error).strip().splitlines()
            raise ValueError(f"the fields cannot be read ({reason[-1] if reason else 'short'})"
                             ) from error
        left = len(data) - stream.tell()
        if left:
            raise ValueError(f"{left} bytes follow the last field")
        fields = {name: parsed[name] for name in self._names}
        for name, names in self._lists.items():
            fields[name] = [{key: item[key] for key in names} for item in fields[name]]
        return fields


def declare(fields: Fields) -> construct.Struct:
    """The construct declaration of a table of fields."""
    return construct.Struct(*(name / _kind(kind) for name, kind in fields.items()))


def _kind(kind: Any) -> construct.Construct:
    if isinstance(kind, list):
        return construct.PrefixedArray(construct.Int16ub, declare(kind[0]))
    simple: dict[str, construct.Construct] = {
        # Only 0 and 1: a second spelling of true would let two byte strings mean one message.
        "bool": construct.Mapping(construct.Int8ub, {False: 0, True: 1}),
        "u8": construct.Int8ub,
        "u16": construct.Int16ub,
        "u32": construct.Int32ub,
        "i16": construct.Int16sb,
        "i64": construct.Int64sb,
        "text": construct.PascalString(construct.Int16ub, "utf8"),
        "bytes": construct.Prefixed(construct.Int16ub, construct.GreedyBytes),
    }
    return simple[kind]


def _first_unfit(fields: Fields, values: Fields) -> str:
    """The first field whose value cannot be built alone; only used to word an error."""
    for name, kind in fields.items():
        try:
            _kind(kind).build(values[name])
        except _UNFIT:
            return f"{name} = {str(values[name])[:60]!r} as {kind}"
    return "the message as a whole"
