"""What an urn and its host say to each other, whatever the wire.

Three kinds of message: a **request** of the host, the **response** to it, and **events** that the
urn sends unasked. The tables below name every operation and event with its fields; a codec
(``kalys.protocols.urn.binary`` or ``kalys.protocols.urn.line``) maps them to bytes and back.

Field values are plain: int, bool, str, bytes, or lists of dicts of these. Times of the device are
``time_ms``, milliseconds of UTC since 1970, with ``offset_min``, the minutes that local time is
ahead of UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Op(StrEnum):
    """The operations a host may ask for."""

    IDENTIFY = "identify"
    STATUS = "status"
    SELF_TEST = "self_test"
    GET_CLOCK = "get_clock"
    SET_CLOCK = "set_clock"
    CHALLENGE = "challenge"
    AUTHENTICATE = "authenticate"
    LOGOUT = "logout"
    LOAD_BEGIN = "load_begin"
    LOAD_CHUNK = "load_chunk"
    LOAD_COMMIT = "load_commit"
    RESET_ELECTION = "reset_election"
    TEST_MODE = "test_mode"
    OPEN = "open"
    CLOSE = "close"
    PRINT = "print"
    RESULTS = "results"
    RECORDS = "records"
    LOG = "log"
    PARAMETERS = "parameters"
    SET_PARAMETER = "set_parameter"
    EXPORT_BEGIN = "export_begin"
    EXPORT_CHUNK = "export_chunk"
    EVENTS_SINCE = "events_since"
    CLEAR_ALARM = "clear_alarm"
    SET_KEY = "set_key"
    BACKUP = "backup"
    READ_IMAGE = "read_image"
    RESTART = "restart"


class Result(StrEnum):
    """How the urn answers a request."""

    OK = "ok"
    UNKNOWN_OP = "unknown-op"
    BAD_FIELDS = "bad-fields"
    NOT_AUTHORISED = "not-authorised"
    WRONG_STATE = "wrong-state"
    OUT_OF_WINDOW = "out-of-window"
    COUNTERS_NOT_ZERO = "counters-not-zero"
    BAD_HASH = "bad-hash"
    BAD_DEFINITION = "bad-definition"
    BUSY = "busy"
    PAPER_OUT = "paper-out"
    LOCKED_OUT = "locked-out"
    INTEGRITY = "integrity"
    FAULT = "fault"


class EventKind(StrEnum):
    """What an urn reports unasked."""

    BOOTED = "booted"
    SHEET_INSERTED = "sheet_inserted"
    SHEET_READ = "sheet_read"
    SHEET_ACCEPTED = "sheet_accepted"
    SHEET_RETURNED = "sheet_returned"
    NOTICE = "notice"
    JAM = "jam"
    JAM_CLEARED = "jam_cleared"
    COVER = "cover"
    MEDIA = "media"
    POWER = "power"
    CLOCK_SET = "clock_set"
    COUNTERS = "counters"
    STATE = "state"
    ALARM = "alarm"
    PRINTED = "printed"


class UrnState(StrEnum):
    """Where the urn stands in its election."""

    STANDBY = "standby"      # no definition loaded
    READY = "ready"          # definition loaded, polls not open
    TEST = "test"            # definition loaded, sheets count as tests
    OPEN = "open"
    CLOSED = "closed"
    FAULT = "fault"          # integrity lost: counts nothing until an administrator looked


class Role(StrEnum):
    """Who may be logged in. Every operation names the roles it needs; none is needed for reading
    identity, status, clock, parameters and log."""

    OPERATOR = "operator"
    ADMINISTRATOR = "administrator"
    AUDITOR = "auditor"


class ReturnReason(StrEnum):
    """Why a sheet is given back."""

    FOREIGN = "foreign"                # another election, district or style
    UNREADABLE = "unreadable"          # too few timing marks, torn, skewed beyond the range
    WRONG_SIDE = "wrong-side"
    DOUBLE_FEED = "double-feed"
    AMBIGUOUS = "ambiguous-mark"
    NOT_OPEN = "not-open"
    PULLED_BACK = "pulled-back"
    POWER_LOSS = "power-loss"          # found in the path at start, not counted
    FULL = "full"
    UNAUTHENTIC = "unauthentic"        # without the security mark that the definition asks for
    FAULT = "fault"


AMBIGUOUS_MARKS = "ambiguous_marks"
"""The parameter by which an urn gives sheets with an ambiguous mark back (``RETURN``, as it leaves
the works) or takes them and records the mark (``ACCEPT``)."""
RETURN, ACCEPT = "return", "accept"


class ReportKind(StrEnum):
    """What the printer can be asked for."""

    ZERO = "zero"
    RESULTS = "results"
    STATION = "station"        # own results and those imported from the station's other urns
    STATUS = "status"          # ballot counts only, allowed while open
    PARAMETERS = "parameters"
    TEST = "test"              # results of test mode


class Purpose(StrEnum):
    """What an upload is for."""

    DEFINITION = "definition"
    RESULTS = "results"        # a results export of another urn of the station
    SOFTWARE = "software"
    IMAGE = "image"            # the picture of one sheet, for READ_IMAGE


# Fields of every request and of its OK response, in order, as name -> type. A list type holds
# mappings with the named fields. Types: bool, u8, u16, u32, i16, i64, text (UTF-8, at most 65,535
# bytes), bytes, and list(...).
RESULT_ROWS = {"contest": "text", "option": "text", "votes": "i64"}
CONTEST_ROWS = {"contest": "text", "overvotes": "i64", "undervotes": "i64"}

REQUEST_FIELDS: Mapping[Op, Mapping[str, Any]] = {
    Op.IDENTIFY: {},
    Op.STATUS: {},
    Op.SELF_TEST: {},
    Op.GET_CLOCK: {},
    Op.SET_CLOCK: {"time_ms": "i64", "offset_min": "i16"},
    Op.CHALLENGE: {"role": "text"},
    Op.AUTHENTICATE: {"role": "text", "mac": "bytes"},
    Op.LOGOUT: {},
    Op.LOAD_BEGIN: {"purpose": "text", "size": "u32", "sha256": "bytes"},
    Op.LOAD_CHUNK: {"offset": "u32", "data": "bytes"},
    Op.LOAD_COMMIT: {},
    Op.RESET_ELECTION: {},
    Op.TEST_MODE: {"on": "bool"},
    Op.OPEN: {},
    Op.CLOSE: {},
    Op.PRINT: {"kind": "text"},
    Op.RESULTS: {},
    Op.RECORDS: {"first": "u32", "count": "u16"},
    Op.LOG: {"first": "u32", "count": "u16"},
    Op.PARAMETERS: {},
    Op.SET_PARAMETER: {"name": "text", "value": "text"},
    # "results", "log", "election-event-log" or "cast-vote-records"
    Op.EXPORT_BEGIN: {"kind": "text"},
    Op.EXPORT_CHUNK: {"offset": "u32", "length": "u16"},
    Op.EVENTS_SINCE: {"first": "u32"},
    Op.CLEAR_ALARM: {},
    Op.SET_KEY: {"role": "text", "key": "bytes"},
    Op.BACKUP: {},
    Op.READ_IMAGE: {},
    Op.RESTART: {},
}

RESPONSE_FIELDS: Mapping[Op, Mapping[str, Any]] = {
    Op.IDENTIFY: {
        "maker": "text", "model": "text", "serial": "text", "firmware": "text",
        "firmware_sha256": "bytes", "legal_software_id": "text", "protocol": "text",
    },
    Op.STATUS: {
        "state": "text", "path": "text",        # path: idle, feeding, jammed, returning
        "power": "text",                         # mains or battery
        "cover_open": "bool", "alarm": "text",   # alarm: "" or a word such as integrity, capacity
        "valid": "u32", "invalid": "u32", "returned": "u32",
        "capacity_left": "u32", "event_counter": "u32", "definition_sha256": "bytes",
        "returned_by": "text",                   # "reason=sheets" joined by ";"
    },
    Op.SELF_TEST: {"items": [{"name": "text", "ok": "bool", "detail": "text"}]},
    Op.GET_CLOCK: {"time_ms": "i64", "offset_min": "i16"},
    Op.SET_CLOCK: {},
    Op.CHALLENGE: {"nonce": "bytes"},
    Op.AUTHENTICATE: {},
    Op.LOGOUT: {},
    Op.LOAD_BEGIN: {},
    Op.LOAD_CHUNK: {"received": "u32"},
    Op.LOAD_COMMIT: {"sha256": "bytes"},
    Op.RESET_ELECTION: {},
    Op.TEST_MODE: {},
    Op.OPEN: {},
    Op.CLOSE: {},
    Op.PRINT: {},                                # the PRINTED event tells when the paper is out
    Op.RESULTS: {
        "time_ms": "i64", "offset_min": "i16",
        "sheets": "u32", "valid": "u32", "invalid": "u32",
        "votes": [RESULT_ROWS], "contests": [CONTEST_ROWS],
    },
    Op.RECORDS: {
        "total": "u32",
        # A record holds no time and no order of casting. marks: "contest/option" joined by ";";
        # marginal: "contest/option=fill" joined by ";", marks that are neither vote nor no vote.
        "records": [{
            "id": "text", "style": "text", "valid": "bool", "marks": "text", "marginal": "text",
        }],
    },
    Op.LOG: {
        "total": "u32",
        "entries": [{
            "sequence": "u32", "time_ms": "i64", "offset_min": "i16", "stamp": "text",
            "device": "text", "kind": "text", "event": "text", "outcome": "text", "user": "text",
            "resource": "text", "chain": "bytes",
        }],
    },
    Op.PARAMETERS: {"items": [{"name": "text", "value": "text", "unit": "text"}]},
    Op.SET_PARAMETER: {},
    Op.EXPORT_BEGIN: {"size": "u32", "sha256": "bytes"},
    Op.EXPORT_CHUNK: {"data": "bytes"},
    Op.EVENTS_SINCE: {"count": "u16"},           # the events follow, as events
    Op.CLEAR_ALARM: {},
    Op.SET_KEY: {},
    Op.BACKUP: {"sha256": "bytes"},
    # status "read" or "rejected" with a reason; the rest as in a record.
    Op.READ_IMAGE: {
        "status": "text", "reason": "text", "valid": "bool", "marks": "text", "marginal": "text",
    },
    Op.RESTART: {},
}

EVENT_FIELDS: Mapping[EventKind, Mapping[str, Any]] = {
    EventKind.BOOTED: {"cause": "text"},                      # power-on, restart, power-loss
    EventKind.SHEET_INSERTED: {"sheet": "u32"},               # the urn's own running number
    EventKind.SHEET_READ: {"sheet": "u32"},
    EventKind.SHEET_ACCEPTED: {"sheet": "u32", "compartment": "text"},   # valid or invalid
    EventKind.SHEET_RETURNED: {"sheet": "u32", "reason": "text"},
    EventKind.NOTICE: {"sheet": "u32", "text": "text"},       # display: accepted, returned, wait
    EventKind.JAM: {"sheet": "u32", "sensor": "text"},
    EventKind.JAM_CLEARED: {},
    EventKind.COVER: {"open": "bool"},
    EventKind.MEDIA: {"inserted": "bool"},
    EventKind.POWER: {"source": "text"},
    EventKind.CLOCK_SET: {},
    EventKind.COUNTERS: {"valid": "u32", "invalid": "u32", "returned": "u32"},
    EventKind.STATE: {"state": "text"},
    EventKind.ALARM: {"alarm": "text", "audible": "bool", "visible": "bool"},
    EventKind.PRINTED: {"kind": "text"},
}


@dataclass(frozen=True, slots=True)
class Request:
    """One request; ``sequence`` 0..65535. The same sequence again means: send the answer again."""

    sequence: int
    op: Op
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Response:
    """The answer to the request of that sequence; ``fields`` is empty unless ``result`` is OK."""

    sequence: int
    op: Op
    result: Result
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Event:
    """An unsolicited event; ``number`` runs from 1 without gaps, so that a lost one shows."""

    number: int
    kind: EventKind
    time_ms: int
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Garbage:
    """Bytes that no message explains, and why.

    ``reply`` is what a server sends back at once: a refusal (unknown-op, bad-fields) of a request
    that came intact but could not be understood; empty when nobody can be answered.
    """

    data: bytes
    why: str
    reply: bytes = b""
