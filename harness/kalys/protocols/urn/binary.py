"""The urn's binary wire: frames with length, sequence number and CRC (docs/protocols/urn-link.md).

How to think about it: a frame is the two sync bytes A5 4B and a *body* in which every A5 is
followed by a stuffed 00, so that A5 4B means "a frame begins here" and nothing else, wherever a
reader comes in. A frame that was cut short therefore ends, at the latest, where the next one
begins: no good frame is lost behind a bad one, and data that looks like a frame is never one.

The body, once its stuffing is taken out, is header, payload and CRC-32; ``HEADER`` declares the
first, ``kalys.protocols.urn.payload`` derives the second from the tables of ``messages``. The
numbers of operations, results and events below are the published ones, and none is used again.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import construct

from kalys.errors import ProtocolError
from kalys.protocols.urn.codec import PAGED
from kalys.protocols.urn.messages import (
    EVENT_FIELDS,
    REQUEST_FIELDS,
    RESPONSE_FIELDS,
    Event,
    EventKind,
    Garbage,
    Op,
    Request,
    Response,
    Result,
)
from kalys.protocols.urn.payload import Payload

SYNC = b"\xa5\x4b"
ESCAPE = b"\xa5"
STUFFED = b"\xa5\x00"
VERSION = 1
REQUEST, RESPONSE, EVENT = 1, 2, 3
MAX_PAYLOAD = 4096
HEADER_SIZE = 8
CRC_SIZE = 4
CHUNK_HEAD = 6              # of LOAD_CHUNK: an offset and a length before the data
SMALLEST = len(SYNC) + HEADER_SIZE + CRC_SIZE
# A length field that was hit by noise may claim kilobytes that never come: nobody is told to wait
# for more than this at once.
LONGEST_WAIT = 256

HEADER = construct.Struct(
    "version" / construct.Int8ub,
    "kind" / construct.Int8ub,
    "sequence" / construct.Int16ub,   # of the request; 0 in events
    "code" / construct.Int8ub,        # operation or event
    "result" / construct.Int8ub,      # 0 in requests and events
    "length" / construct.Int16ub,     # of the payload, without stuffing
)
EVENT_HEAD: Mapping[str, Any] = {"number": "u32", "time_ms": "i64"}

OP_CODES: Mapping[Op, int] = {
    Op.IDENTIFY: 0x01, Op.STATUS: 0x02, Op.SELF_TEST: 0x03, Op.PARAMETERS: 0x04,
    Op.SET_PARAMETER: 0x05, Op.EVENTS_SINCE: 0x06, Op.CLEAR_ALARM: 0x07, Op.RESTART: 0x08,
    Op.GET_CLOCK: 0x10, Op.SET_CLOCK: 0x11,
    Op.CHALLENGE: 0x18, Op.AUTHENTICATE: 0x19, Op.LOGOUT: 0x1A, Op.SET_KEY: 0x1B,
    Op.LOAD_BEGIN: 0x20, Op.LOAD_CHUNK: 0x21, Op.LOAD_COMMIT: 0x22, Op.RESET_ELECTION: 0x23,
    Op.TEST_MODE: 0x28, Op.OPEN: 0x29, Op.CLOSE: 0x2A,
    Op.PRINT: 0x30, Op.RESULTS: 0x31, Op.RECORDS: 0x32, Op.LOG: 0x33, Op.EXPORT_BEGIN: 0x34,
    Op.EXPORT_CHUNK: 0x35, Op.BACKUP: 0x36, Op.READ_IMAGE: 0x37,
}
RESULT_CODES: Mapping[Result, int] = {result: code for code, result in enumerate(Result)}
EVENT_CODES: Mapping[EventKind, int] = {
    kind: code for code, kind in enumerate(EventKind, start=0x81)
}


class Header(NamedTuple):
    """The fields that ``HEADER`` declares."""

    version: int
    kind: int
    sequence: int
    code: int
    result: int
    length: int


def packed(declaration: construct.Struct) -> struct.Struct:
    """A declaration of numbers of fixed size as one ``struct`` (parses 10 times as fast)."""
    return struct.Struct(">" + "".join(part.subcon.fmtstr[-1] for part in declaration.subcons))


class _Message:
    """What is known of each kind of message: payload layouts, made when first needed."""

    def __init__(self) -> None:
        self._layouts: dict[tuple[int, int], Payload] = {}
        self._header = packed(HEADER)
        self.ops = {code: op for op, code in OP_CODES.items()}
        self.results = {code: result for result, code in RESULT_CODES.items()}
        self.events = {code: kind for kind, code in EVENT_CODES.items()}

    def layout(self, kind: int, code: int) -> Payload:
        """The payload of a message whose code is known to be one of the tables'."""
        found = self._layouts.get((kind, code))
        if found is None:
            if kind == EVENT:
                fields = {**EVENT_HEAD, **EVENT_FIELDS[self.events[code]]}
            else:
                tables = REQUEST_FIELDS if kind == REQUEST else RESPONSE_FIELDS
                fields = dict(tables[self.ops[code]])
            found = self._layouts[kind, code] = Payload(fields)
        return found

    def frame(self, kind: int, sequence: int, code: int, result: int, payload: bytes) -> bytes:
        """A whole frame, stuffed. ProtocolError when payload or sequence are out of range."""
        if len(payload) > MAX_PAYLOAD or not 0 <= sequence <= 0xFFFF:
            raise ProtocolError(
                f"no frame holds {len(payload)} bytes of payload with sequence {sequence}; "
                f"at most {MAX_PAYLOAD} bytes and 65535",
                where="urn-link",
            )
        header = Header(VERSION, kind, sequence, code, result, len(payload))
        checked = self._header.pack(*header) + payload
        body = checked + zlib.crc32(checked).to_bytes(CRC_SIZE, "big")
        return SYNC + body.replace(ESCAPE, STUFFED)

    def header(self, body: bytes) -> Header:
        """The header at the beginning of ``body``, which is long enough."""
        return Header._make(self._header.unpack_from(body))


class _Frames:
    """Bytes to frames: finds each sync, takes the stuffing out, checks length and CRC."""

    def __init__(self, message: _Message) -> None:
        self._message = message
        self._tail = b""
        self._wanted = SMALLEST

    def reset(self) -> None:
        self._tail = b""
        self._wanted = SMALLEST

    def wanted(self) -> int:
        return min(self._wanted, LONGEST_WAIT)

    def feed(self, data: bytes) -> list[tuple[Header, bytes] | Garbage]:
        """(header, payload) of every frame that is complete, and Garbage for what is none."""
        noise, *parts = (self._tail + data).split(SYNC)
        found: list[tuple[Header, bytes] | Garbage] = []
        self._tail, self._wanted = b"", SMALLEST
        if noise:
            if not parts and noise.endswith(ESCAPE):
                noise = noise[:-1]
                self._keep(ESCAPE)
            if noise:
                found.append(Garbage(noise, "no sync"))
        for index, part in enumerate(parts):
            self._take(part, index == len(parts) - 1, found)
        return found

    def _take(self, part: bytes, last: bool, found: list[tuple[Header, bytes] | Garbage]) -> None:
        """One frame's bytes after its sync; ``last`` when more of them may still come."""
        after = b""
        if last and part.endswith(ESCAPE):       # the other half of the pair is still to come
            part, after = part[:-1], ESCAPE
        body = part.replace(STUFFED, ESCAPE)
        header = self._message.header(body) if len(body) >= HEADER_SIZE else None
        if header is not None and header.length > MAX_PAYLOAD:
            found.append(Garbage(SYNC + part, f"bad length {header.length}"))
            self._keep(after)
            return
        size = HEADER_SIZE + CRC_SIZE + (header.length if header is not None else 0)
        if header is None or len(body) < size:
            if last:
                self._tail, self._wanted = SYNC + part + after, size - len(body)
            else:
                found.append(Garbage(SYNC + part, "unfinished frame"))
            return
        raw = size + body.count(ESCAPE, 0, size)
        checked, crc = body[: size - CRC_SIZE], body[size - CRC_SIZE : size]
        # A stray A5 (its 00 was lost) shifts the end of the frame by one: such a frame is not good.
        if zlib.crc32(checked) != int.from_bytes(crc, "big"):
            found.append(Garbage(SYNC + part[:raw], "bad CRC"))
        elif part.count(STUFFED, 0, raw) != body.count(ESCAPE, 0, size):
            found.append(Garbage(SYNC + part[:raw], "bad stuffing"))
        else:
            found.append((header, checked[HEADER_SIZE:]))
        if len(part) > raw:
            found.append(Garbage(part[raw:], "no sync"))
        self._keep(after)

    def _keep(self, tail: bytes) -> None:
        """Hold back a last A5, which may be the first half of a sync."""
        self._tail, self._wanted = tail, SMALLEST - len(tail)


class ClientCodec:
    """The host's side of the binary wire; see ``kalys.protocols.urn.codec.ClientCodec``."""

    def __init__(self) -> None:
        self._message = _Message()
        self._frames = _Frames(self._message)

    @property
    def chunk(self) -> int:
        return MAX_PAYLOAD - CHUNK_HEAD

    def encode(self, request: Request) -> bytes:
        code = OP_CODES[request.op]
        payload = self._message.layout(REQUEST, code).build(request.fields, f"{request.op} request")
        return self._message.frame(REQUEST, request.sequence, code, 0, payload)

    def expecting(self, request: Request) -> None:
        """Nothing to note: every response names its operation and sequence."""

    def feed(self, data: bytes) -> list[Response | Event | Garbage]:
        return [frame if isinstance(frame, Garbage) else self._understand(*frame)
                for frame in self._frames.feed(data)]

    def wanted(self) -> int:
        return self._frames.wanted()

    def reset(self) -> None:
        self._frames.reset()

    def _understand(self, header: Header, payload: bytes) -> Response | Event | Garbage:
        if header.version != VERSION:
            return Garbage(payload, f"version {header.version}; this side speaks {VERSION}")
        try:
            if header.kind == RESPONSE:
                return self._response(header, payload)
            if header.kind == EVENT:
                return self._event(header, payload)
        except ValueError as error:
            return Garbage(payload, f"code 0x{header.code:02X}: {error}")
        return Garbage(payload, f"kind {header.kind} is neither a response nor an event")

    def _response(self, header: Header, payload: bytes) -> Response:
        op = self._message.ops.get(header.code)
        result = self._message.results.get(header.result)
        if op is None or result is None:
            raise ValueError(f"no such operation or result {header.result}")
        if result is Result.OK:
            fields = self._message.layout(RESPONSE, header.code).parse(payload)
        elif payload:
            raise ValueError(f"a refusal with {len(payload)} bytes of payload")
        else:
            fields = {}
        return Response(header.sequence, op, result, fields)

    def _event(self, header: Header, payload: bytes) -> Event:
        kind = self._message.events.get(header.code)
        if kind is None or header.sequence or header.result:
            raise ValueError("no such event")
        fields = self._message.layout(EVENT, header.code).parse(payload)
        return Event(fields.pop("number"), kind, fields.pop("time_ms"), fields)


class ServerCodec:
    """The urn's side of the binary wire; see ``kalys.protocols.urn.codec.ServerCodec``."""

    def __init__(self) -> None:
        self._message = _Message()
        self._frames = _Frames(self._message)

    def feed(self, data: bytes) -> list[Request | Garbage]:
        return [frame if isinstance(frame, Garbage) else self._understand(*frame)
                for frame in self._frames.feed(data)]

    def reset(self) -> None:
        self._frames.reset()

    def encode_response(self, response: Response) -> bytes:
        code, result = OP_CODES[response.op], RESULT_CODES[response.result]
        payload = b""
        if response.result is Result.OK:
            payload = self._fitting(code, response)
        elif response.fields:
            raise ProtocolError("a refusal has no fields", where=f"{response.op} response")
        return self._message.frame(RESPONSE, response.sequence, code, result, payload)

    def encode_event(self, event: Event) -> bytes:
        code = EVENT_CODES[event.kind]
        fields = {"number": event.number, "time_ms": event.time_ms, **event.fields}
        payload = self._message.layout(EVENT, code).build(fields, f"{event.kind} event")
        return self._message.frame(EVENT, 0, code, 0, payload)

    def _fitting(self, code: int, response: Response) -> bytes:
        """The payload; of a page, as many rows from its beginning as one frame holds."""
        layout, where = self._message.layout(RESPONSE, code), f"{response.op} response"
        payload = layout.build(response.fields, where)
        rows = PAGED.get(response.op)
        if rows is None or len(payload) <= MAX_PAYLOAD:
            return payload
        items = response.fields[rows]
        empty = layout.build({**response.fields, rows: []}, where)
        room, kept = MAX_PAYLOAD - len(empty), 0
        for item in items:
            room -= len(layout.build({**response.fields, rows: [item]}, where)) - len(empty)
            if room < 0:
                break
            kept += 1
        return layout.build({**response.fields, rows: items[:kept]}, where)

    def _understand(self, header: Header, payload: bytes) -> Request | Garbage:
        if header.version != VERSION:
            return Garbage(payload, f"version {header.version}; this side speaks {VERSION}")
        if header.kind != REQUEST:
            return Garbage(payload, f"kind {header.kind} is no request")
        op = self._message.ops.get(header.code)
        if op is None:
            return self._refuse(header, payload, Result.UNKNOWN_OP, "no such operation")
        try:
            if header.result:
                raise ValueError(f"a request with result {header.result}")
            fields = self._message.layout(REQUEST, header.code).parse(payload)
        except ValueError as error:
            return self._refuse(header, payload, Result.BAD_FIELDS, str(error))
        return Request(header.sequence, op, fields)

    def _refuse(self, header: Header, payload: bytes, result: Result, why: str) -> Garbage:
        reply = self._message.frame(
            RESPONSE, header.sequence, header.code, RESULT_CODES[result], b"")
        return Garbage(payload, f"code 0x{header.code:02X}: {why}", reply)
