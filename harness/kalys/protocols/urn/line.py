"""The urn's messages as lines of text, by the templates of a dialect (docs/protocols/urn-line.md).

How to think about it: the codec knows lines, checksums and templates; which words a device uses is
the dialect's business (``LineDialect``, data of a profile). A line is a body, then perhaps the
sequence, then perhaps the checksum, then the terminator. An answer of several lines is delivered
whole or not at all: when one of its lines is damaged, or its end line counts other rows than came,
all of it is Garbage, and the host asks again.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Mapping
from functools import reduce
from operator import xor
from typing import Any

from kalys.errors import ProtocolError
from kalys.protocols.urn.codec import missing_or_unknown
from kalys.protocols.urn.dialect import Exchange, LineDialect, Templates
from kalys.protocols.urn.messages import (
    EVENT_FIELDS,
    REQUEST_FIELDS,
    RESPONSE_FIELDS,
    Event,
    Garbage,
    Op,
    Request,
    Response,
    Result,
)

__all__ = ["ClientCodec", "Exchange", "LineDialect", "ServerCodec"]

_RANGES = {
    "u8": (0, 0xFF), "u16": (0, 0xFFFF), "u32": (0, 0xFFFF_FFFF),
    "i16": (-0x8000, 0x7FFF), "i64": (-(2**63), 2**63 - 1),
}
_KINDS: Mapping[str, type] = {"bool": bool, "text": str, "bytes": bytes}
_CHECKSUM = {"none": 0, "xor": 2, "crc16": 4}
# How many requests back an answer with a sequence may come from.
_REMEMBERED = 16


class _Line:
    """Bodies to bytes and back: terminator, checksum, sequence."""

    def __init__(self, dialect: LineDialect, templates: Templates) -> None:
        self._dialect = dialect
        self._sequence = templates.sequence
        self._terminator = dialect.terminator.encode("ascii")
        self._digits = _CHECKSUM[dialect.checksum]
        self._tail = b""

    def reset(self) -> None:
        self._tail = b""

    def split(self, data: bytes) -> list[bytes]:
        """The lines that are complete, without terminator; a line too long comes in pieces."""
        *lines, self._tail = (self._tail + data).split(self._terminator)
        if len(self._tail) > self._dialect.max_line:
            lines.append(self._tail)
            self._tail = b""
        return [line for line in lines if line]

    def write(self, body: str, sequence: int | None, where: str) -> bytes:
        """One line. ProtocolError when it is too long or not of the dialect's encoding."""
        if self._sequence is not None and sequence is not None:
            body = self._sequence.write({"body": body, "sequence": sequence})
        try:
            line = body.encode(self._dialect.encoding)
        except UnicodeEncodeError as error:
            raise ProtocolError(f"cannot be said in {self._dialect.encoding}: {body[:60]!r}",
                                where=where) from error
        line += self._checksum(line) + self._terminator
        if len(line) > self._dialect.max_line or self._terminator in line[: -len(self._terminator)]:
            raise ProtocolError(f"this makes no line of at most {self._dialect.max_line} bytes",
                                where=where)
        return line

    def body(self, line: bytes) -> str:
        """The line without its checksum, which is right. ValueError says what is wrong."""
        if self._digits:
            line, star, given = line.rpartition(b"*")
            if not star or self._checksum(line) != b"*" + given:
                raise ValueError("bad checksum")
        try:
            return line.decode(self._dialect.encoding)
        except UnicodeDecodeError as error:
            raise ValueError(f"not {self._dialect.encoding}") from error

    def unnumbered(self, body: str) -> tuple[str, int | None]:
        """The body without its sequence, and that; ValueError when it has none but must."""
        if self._sequence is None:
            return body, None
        found = self._sequence.read(body)
        if found is None or not 0 <= found["sequence"] <= 0xFFFF:
            raise ValueError("no sequence")
        return found["body"], found["sequence"]

    def _checksum(self, line: bytes) -> bytes:
        if self._dialect.checksum == "xor":
            return b"*%02X" % reduce(xor, line, 0)
        if self._dialect.checksum == "crc16":
            return b"*%04X" % binascii.crc_hqx(line, 0)
        return b""


class _Collected:
    """An answer of several lines while its rows come in."""

    def __init__(self, sequence: int, op: Op, fields: dict[str, Any], first: bytes) -> None:
        self.sequence, self.op, self.fields = sequence, op, fields
        self.count = 0
        self.lines = [first]
        self.broken = ""

    def garbage(self, why: str) -> Garbage:
        return Garbage(b"\n".join(self.lines), f"an answer that is not whole: {why}")


class ClientCodec:
    """The host's side of a line dialect; see ``kalys.protocols.urn.codec.ClientCodec``."""

    def __init__(self, dialect: LineDialect) -> None:
        self._dialect = dialect
        self._templates = Templates(dialect)
        self._line = _Line(dialect, self._templates)
        self._asked: dict[int, Op] = {}       # the last requests, newest last
        self._open: _Collected | None = None
        self._events = 0

    @property
    def chunk(self) -> int:
        return self._dialect.chunk

    def encode(self, request: Request) -> bytes:
        where = f"{request.op} request"
        template = self._templates.requests.get(request.op)
        if template is None:
            raise ProtocolError("this dialect has no such request", where=where)
        _fit(REQUEST_FIELDS[request.op], request.fields, where)
        try:
            body = template.write(request.fields)
        except ValueError as error:
            raise ProtocolError(str(error), where=where) from error
        self.expecting(request)
        return self._line.write(body, request.sequence, where)

    def expecting(self, request: Request) -> None:
        """Answers are taken for this request's, or by sequence for one of the last few."""
        self._asked.pop(request.sequence, None)
        self._asked[request.sequence] = request.op
        while len(self._asked) > _REMEMBERED:
            del self._asked[next(iter(self._asked))]

    def wanted(self) -> int:
        return 1

    def reset(self) -> None:
        self._line.reset()
        self._open = None

    def feed(self, data: bytes) -> list[Response | Event | Garbage]:
        found: list[Response | Event | Garbage] = []
        for line in self._line.split(data):
            try:
                self._understand(line, found)
            except ValueError as error:
                if self._open is not None:
                    self._open.broken = self._open.broken or str(error)
                found.append(Garbage(line, str(error)))
        return found

    def _understand(self, line: bytes, found: list[Response | Event | Garbage]) -> None:
        body = self._line.body(line)
        event = self._event(body)
        if event is not None:
            found.append(event)
            return
        body, sequence = self._line.unnumbered(body)
        if self._open is not None and sequence in (None, self._open.sequence):
            self._open.lines.append(line)
            if self._row(self._open, body):
                return
            if self._end(self._open, body, found):
                self._open = None
                return
            del self._open.lines[-1]
        self._answer(body, sequence, line, found)

    def _event(self, body: str) -> Event | None:
        around = self._templates.event.read(body)
        if around is None:
            return None
        for kind, template in self._templates.events.items():
            fields = template.read(around["body"])
            if fields is not None:
                _check(EVENT_FIELDS[kind], fields)
                self._events = around.get("number", self._events + 1)
                return Event(self._events, kind, around.get("time_ms", 0), fields)
        return None

    def _answer(self, body: str, sequence: int | None, line: bytes,
                found: list[Response | Event | Garbage]) -> None:
        """A refusal, or an answer's first line, of one of the last requests."""
        if sequence is None and self._asked:
            sequence = next(reversed(self._asked))
        op = self._asked.get(sequence) if sequence is not None else None
        if op is None or sequence is None:
            raise ValueError("an answer to nothing that was asked")
        refused = self._templates.refusal.read(body)
        fields = self._templates.answers[op].read(body)
        if refused is None and fields is None:
            raise ValueError(f"no answer to {op}")
        if self._open is not None:
            found.append(self._open.garbage("it was not finished"))
            self._open = None
        if refused is not None:
            found.append(Response(sequence, op, _result(refused["result"])))
            return
        fields = {**self._templates.fixed[op], **(fields or {})}
        rows = self._templates.rows[op]
        if rows:
            self._open = _Collected(sequence, op, fields | {name: [] for name in rows}, line)
        else:
            found.append(Response(sequence, op, Result.OK, _ordered(RESPONSE_FIELDS[op], fields)))

    def _row(self, answer: _Collected, body: str) -> bool:
        """Whether this was a row, which is then kept."""
        for name, template in self._templates.rows[answer.op].items():
            item = template.read(body)
            if item is not None:
                item |= self._templates.fixed_in_rows[answer.op][name]
                answer.fields[name].append(_ordered(RESPONSE_FIELDS[answer.op][name][0], item))
                answer.count += 1
                return True
        return False

    def _end(self, answer: _Collected, body: str,
             found: list[Response | Event | Garbage]) -> bool:
        """Whether this was the end line, which delivers the answer whole or not at all."""
        end = self._templates.ends[answer.op].read(body)
        if end is None:
            return False
        if end.get("rows", answer.count) != answer.count:
            answer.broken = f"{end['rows']} rows announced, {answer.count} came"
        if answer.broken:
            found.append(answer.garbage(answer.broken))
        else:
            fields = _ordered(RESPONSE_FIELDS[answer.op], answer.fields)
            found.append(Response(answer.sequence, answer.op, Result.OK, fields))
        return True


class ServerCodec:
    """The urn's side of a line dialect; see ``kalys.protocols.urn.codec.ServerCodec``."""

    def __init__(self, dialect: LineDialect) -> None:
        self._dialect = dialect
        self._templates = Templates(dialect)
        self._line = _Line(dialect, self._templates)
        self._count = 0

    def feed(self, data: bytes) -> list[Request | Garbage]:
        return [self._understand(line) for line in self._line.split(data)]

    def reset(self) -> None:
        self._line.reset()

    def encode_response(self, response: Response) -> bytes:
        op, where = response.op, f"{response.op} response"
        try:
            if response.result is not Result.OK:
                return self._refusal(response.result, response.sequence)
            _fit(RESPONSE_FIELDS[op], response.fields, where)
            bodies = [self._templates.answers[op].write(response.fields)]
            for name, template in self._templates.rows[op].items():
                bodies += [template.write(item) for item in response.fields[name]]
            if op in self._templates.ends:
                bodies.append(self._templates.ends[op].write({"rows": len(bodies) - 1}))
        except KeyError as error:
            raise ProtocolError("this dialect has no such answer", where=where) from error
        except ValueError as error:
            raise ProtocolError(str(error), where=where) from error
        return b"".join(self._line.write(body, response.sequence, where) for body in bodies)

    def encode_event(self, event: Event) -> bytes:
        where = f"{event.kind} event"
        template = self._templates.events.get(event.kind)
        if template is None:
            raise ProtocolError("this dialect has no such event", where=where)
        _fit(EVENT_FIELDS[event.kind], event.fields, where)
        try:
            body = self._templates.event.write({
                "body": template.write(event.fields), "number": event.number,
                "time_ms": event.time_ms,
            })
        except ValueError as error:
            raise ProtocolError(str(error), where=where) from error
        return self._line.write(body, None, where)

    def _refusal(self, result: Result, sequence: int | None) -> bytes:
        body = self._templates.refusal.write({"result": str(result)})
        return self._line.write(body, sequence, f"{result} refusal")

    def _understand(self, line: bytes) -> Request | Garbage:
        try:
            body, sequence = self._line.unnumbered(self._line.body(line))
        except ValueError as error:
            return Garbage(line, str(error))
        if sequence is None:
            # Every line is a request of its own where the dialect cannot say "the same again".
            self._count = sequence = (self._count + 1) % 0x10000
        why, result = "no such request", Result.UNKNOWN_OP
        for op, template in self._templates.requests.items():
            fields = template.read(body)
            if fields is not None:
                try:
                    return Request(sequence, op, _ordered(REQUEST_FIELDS[op], fields))
                except ValueError as error:
                    why, result = str(error), Result.BAD_FIELDS
            elif re.split(r"[ =,]", body)[0] == re.split(r"[ =,]", template.prefix)[0]:
                why, result = f"not of the form {template.text!r}", Result.BAD_FIELDS
        return Garbage(line, why, self._refusal(result, sequence))


def _result(value: Any) -> Result:
    try:
        return Result(value)
    except ValueError as error:
        raise ValueError(f"no such result {value!r}") from error


def _ordered(declared: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields in the order of the table, checked. ValueError names the one that is wrong."""
    _check(declared, fields)
    return {name: fields[name] for name in declared}


def _check(declared: Mapping[str, Any], fields: Mapping[str, Any]) -> None:
    for name, kind in declared.items():
        value = fields[name]
        if isinstance(kind, list):
            for item in value:
                _check(kind[0], item)
        elif kind in _RANGES:
            low, high = _RANGES[kind]
            if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
                raise ValueError(f"{name} = {value!r} is no {kind}")
        elif not isinstance(value, _KINDS[kind]):
            raise ValueError(f"{name} = {value!r} is no {kind}")


def _fit(declared: Mapping[str, Any], fields: Mapping[str, Any], where: str) -> None:
    wrong = missing_or_unknown(declared, fields)
    if wrong:
        raise ProtocolError(f"fields do not fit: {wrong}", where=where)
    try:
        _check(declared, fields)
    except (ValueError, KeyError, TypeError) as error:
        raise ProtocolError(str(error), where=where) from error
