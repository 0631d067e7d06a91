"""What each request of the host does, once ``states`` has allowed it.

One method per operation, named as the operation. A method returns the fields of the OK response or
raises ``Denied`` with the protocol's result; every denial is logged.
"""

# ruff: noqa: ARG002  (every operation takes the fields of its request)
from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kalys.emulators.urn import exports, reports, self_test
from kalys.emulators.urn.casting import TEST_BEGUN
from kalys.emulators.urn.clock import settable, stamp
from kalys.emulators.urn.configuration import accepts_parameter, told, understood
from kalys.emulators.urn.inactivity import InactivityWatch
from kalys.emulators.urn.integrity import restore
from kalys.emulators.urn.mainboard import Mainboard
from kalys.emulators.urn.memory import Record
from kalys.emulators.urn.passage import Passage, Phase
from kalys.emulators.urn.states import Cause
from kalys.emulators.urn.uploads import Upload
from kalys.protocols.urn import mark_text
from kalys.protocols.urn.authentication import KEY_SIZE
from kalys.protocols.urn.messages import (
    EventKind,
    Op,
    Request,
    Response,
    Result,
    Role,
    UrnState,
)
from kalys.protocols.urn.permissions import STAFF, kind_of

Fields = Mapping[str, Any]
LONGEST_PAGE = 1000
# Under which kind a denial is logged; "error" for all others.
DENIAL_KINDS: Mapping[Op, str] = {
    Op.OPEN: "open", Op.CLOSE: "close", Op.SET_CLOCK: "clock", Op.PRINT: "export",
    Op.RESULTS: "export", Op.RECORDS: "export", Op.EXPORT_BEGIN: "export", Op.SET_KEY: "key",
    Op.SET_PARAMETER: "configuration", Op.CHALLENGE: "authentication",
    Op.AUTHENTICATE: "authentication",
}

# What a port that was unplugged still does, until somebody of the staff has logged in (SEC-010).
ON_A_CLOSED_PORT = frozenset({
    Op.IDENTIFY, Op.STATUS, Op.EVENTS_SINCE, Op.CHALLENGE, Op.AUTHENTICATE, Op.LOGOUT,
})


class Denied(Exception):  # noqa: N818  (an answer, not a fault)
    """The request is refused with this result of the protocol."""

    def __init__(self, result: Result) -> None:
        super().__init__(result.value)
        self.result = result


class Operations:
    """Volatile: an upload, an export and a log-in end with the power."""

    def __init__(
        self, board: Mainboard, passage: Passage, restart: Callable[[], None]
    ) -> None:
        self._board = board
        self._passage = passage
        self._restart_urn = restart
        self._inactivity = InactivityWatch(board)
        self._upload: Upload | None = None
        self._sorted: tuple[int, Sequence[Record]] = (-1, ())
        self._handlers: Mapping[Op, Callable[[Fields], Fields]] = {
            op: getattr(self, f"_{op.value}") for op in Op
        }

    def answer(self, request: Request) -> Response:
        """Check the request against the table of states, do it, and answer."""
        response = self._answer(request)
        self._inactivity.active()
        return response

    def _answer(self, request: Request) -> Response:
        op, fields = request.op, request.fields
        try:
            self._permit(op, fields)
            return Response(request.sequence, op, Result.OK, self._handlers[op](fields))
        except Denied as denied:
            if self._board.behaviour.logs_refusal(op):
                self._board.log(
                    DENIAL_KINDS.get(op, "error"), f"{op.value} refused", denied.result.value,
                    op.value,
                )
            return Response(request.sequence, op, denied.result)

    def _permit(self, op: Op, fields: Fields) -> None:
        board = self._board
        state = board.memory.state
        if board.port_closed and op not in ON_A_CLOSED_PORT:
            raise Denied(Result.NOT_AUTHORISED)
        kind = kind_of(op, fields, state)
        rule = board.behaviour.rule(op, kind)
        if rule is None:
            raise Denied(Result.BAD_FIELDS)
        if rule.roles is not None and board.access.role not in rule.roles:
            raise Denied(Result.NOT_AUTHORISED)
        if state not in rule.states:
            raise Denied(Result.FAULT if state is UrnState.FAULT else Result.WRONG_STATE)
        if not board.key_turned and board.behaviour.asks_for_key(op, kind):
            raise Denied(Result.NOT_AUTHORISED)

    # Reading

    def _identify(self, fields: Fields) -> Fields:
        board, c = self._board, self._board.configuration
        return {
            "maker": c.maker, "model": c.model, "serial": board.serial,
            "firmware": c.firmware + board.memory.software_suffix,
            "firmware_sha256": board.memory.software_sha256 or c.firmware_sha256,
            "legal_software_id": c.legal_software_id, "protocol": c.protocol,
        }

    def _status(self, fields: Fields) -> Fields:
        board, memory = self._board, self._board.memory
        counters = memory.book.counters
        return {
            "state": memory.state.value, "path": self._passage.word,
            "power": board.power.source or "battery", "cover_open": board.cover_open,
            "alarm": board.alarm,
            "valid": max(0, counters.valid), "invalid": max(0, counters.invalid),
            "returned": memory.book.returned.total(), "capacity_left": board.capacity_left(),
            "event_counter": memory.event_counter, "definition_sha256": memory.definition_sha256,
            "returned_by": mark_text.write_counts(memory.book.returned),
        }

    def _self_test(self, fields: Fields) -> Fields:
        return {"items": self_test.run(self._board, self._passage)}

    def _get_clock(self, fields: Fields) -> Fields:
        clock = self._board.memory.clock
        return {"time_ms": clock.time_ms(self._board.agenda.now), "offset_min": clock.offset_min}

    def _parameters(self, fields: Fields) -> Fields:
        return {"items": self._board.told_parameters()}

    def _log(self, fields: Fields) -> Fields:
        board, log = self._board, self._board.memory.log
        first = fields["first"]
        if first == 0 and log.cut_short():
            board.log("integrity-check", "the event log does not fit its head", "failure",
                      "event log")
        entries = board.behaviour.log_for_reading(log.entries)
        page = entries[first : first + min(fields["count"], LONGEST_PAGE)]
        return {"total": len(entries), "entries": [entry.row() for entry in page]}

    def _events_since(self, fields: Fields) -> Fields:
        board = self._board
        kept = board.memory.events.since(fields["first"])[:0xFFFF]
        board.speech.again(kept)
        return {"count": len(kept)}

    # Log-in

    def _challenge(self, fields: Fields) -> Fields:
        nonce = self._board.access.challenge(_role(fields["role"]), self._board.agenda.now)
        if isinstance(nonce, Result):
            raise Denied(nonce)
        return {"nonce": nonce}

    def _authenticate(self, fields: Fields) -> Fields:
        board = self._board
        role = _role(fields["role"])
        result = board.access.authenticate(role, fields["mac"], board.agenda.now)
        if result is not Result.OK:
            raise Denied(result)
        if role in STAFF:
            board.port_closed = False
        board.log("authentication", f"log-in as {role.value}", "success", "link")
        return {}

    def _logout(self, fields: Fields) -> Fields:
        self._board.log("authentication", "log-out", "success", "link")
        self._board.access.logout()
        return {}

    def _set_key(self, fields: Fields) -> Fields:
        board = self._board
        role = _role(fields["role"])
        if len(fields["key"]) != KEY_SIZE:
            raise Denied(Result.BAD_FIELDS)
        board.memory.keys[role] = fields["key"]
        board.memory.event_counter += 1
        board.log("key", f"key of {role.value} changed", "success", "key store")
        return {}

    # Settings

    def _set_clock(self, fields: Fields) -> Fields:
        board, clock = self._board, self._board.memory.clock
        time_ms, offset_min = fields["time_ms"], fields["offset_min"]
        if not settable(time_ms, offset_min):
            raise Denied(Result.BAD_FIELDS)
        old = stamp(clock.time_ms(board.agenda.now), clock.offset_min)
        clock.set(time_ms, offset_min, board.agenda.now)
        board.memory.event_counter += 1
        board.log("clock", f"clock set from {old} to {stamp(time_ms, offset_min)}", "success",
                  "real-time clock")
        board.emit(EventKind.CLOCK_SET)
        return {}

    def _set_parameter(self, fields: Fields) -> Fields:
        board, parameters = self._board, self._board.memory.parameters
        name = fields["name"]
        try:
            value = understood(name, fields["value"])
        except ValueError:
            raise Denied(Result.BAD_FIELDS) from None
        if not accepts_parameter(parameters, name, value):
            raise Denied(Result.BAD_FIELDS)
        old, parameters[name] = parameters[name], value
        board.memory.event_counter += 1
        board.log("configuration", f"{name} set from {told(name, old)} to {told(name, value)}",
                  "success", name)
        board.rebuild_core()
        return {}

    # Uploads

    def _load_begin(self, fields: Fields) -> Fields:
        try:
            self._upload = Upload(fields["purpose"], fields["size"], fields["sha256"])
        except ValueError:
            raise Denied(Result.BAD_FIELDS) from None
        return {}

    def _load_chunk(self, fields: Fields) -> Fields:
        if self._upload is None:
            raise Denied(Result.WRONG_STATE)
        if not self._upload.take(fields["offset"], fields["data"]):
            raise Denied(Result.BAD_FIELDS)
        return {"received": self._upload.received}

    def _load_commit(self, fields: Fields) -> Fields:
        upload, self._upload = self._upload, None
        if upload is None:
            raise Denied(Result.WRONG_STATE)
        # Between begin and commit the log-in or the state may have changed.
        self._permit(Op.LOAD_BEGIN, {"purpose": upload.purpose})
        result = upload.commit(self._board)
        if result is not Result.OK:
            raise Denied(result)
        return {"sha256": upload.sha256}

    # The election

    def _reset_election(self, fields: Fields) -> Fields:
        board, memory = self._board, self._board.memory
        if self._passage.phase not in (Phase.IDLE, Phase.JAMMED):
            raise Denied(Result.BUSY)
        memory.event_counter = board.behaviour.event_counter_after_reset(memory.event_counter) + 1
        board.log("file", "definition and results archived and removed", "success", "memory")
        board.log("definition", "election reset", "success", "definition")
        memory.forget_election()
        board.alarms.pop("integrity", None)
        board.monitor.begin()
        board.rebuild_core()
        board.move(Cause.RESET)
        return {}

    def _test_mode(self, fields: Fields) -> Fields:
        board, memory = self._board, self._board.memory
        if self._passage.phase not in (Phase.IDLE, Phase.JAMMED):
            raise Denied(Result.BUSY)
        memory.zero_report = False
        if fields["on"]:
            memory.clear_tests()
            board.monitor.begin()
        event = TEST_BEGUN if fields["on"] else "test mode off"
        board.log("readiness", event, "success", "mode")
        board.move(Cause.TEST_BEGUN if fields["on"] else Cause.TEST_ENDED)
        return {}

    def _open(self, fields: Fields) -> Fields:
        board, memory = self._board, self._board.memory
        if board.behaviour.minds_opening_conditions(memory.state):
            zero = memory.votes.zero
            if not board.check_integrity("before opening") or not zero:
                board.log("zero-check", "counters at opening", "failure", "counters")
                raise Denied(Result.INTEGRITY if zero else Result.COUNTERS_NOT_ZERO)
            board.log("zero-check", "all counters are zero", "success", "counters")
            if not memory.zero_report:
                raise Denied(Result.WRONG_STATE)
        if not board.behaviour.may_open(memory.state, board.within_hours()):
            raise Denied(Result.OUT_OF_WINDOW)
        memory.votes.carry(board.behaviour.left_over(memory.tests))
        board.monitor.begin()
        board.log("open", "polls opened", "success", "polls")
        board.move(Cause.OPENED)
        return {}

    def _close(self, fields: Fields) -> Fields:
        board, memory = self._board, self._board.memory
        if self._passage.phase not in (Phase.IDLE, Phase.JAMMED, Phase.REFUSING):
            raise Denied(Result.BUSY)
        early = memory.poll is not None and board.now() < memory.poll.closes
        if early and board.access.role is not Role.ADMINISTRATOR:
            raise Denied(Result.OUT_OF_WINDOW)
        if not board.check_integrity("before closing"):
            raise Denied(Result.INTEGRITY)
        if early:
            board.log("intervention", "polls closed before their hour", "success", "polls")
        board.log("close", "polls closed", "success", "polls")
        board.move(Cause.CLOSED)
        return {}

    # Results

    def _print(self, fields: Fields) -> Fields:
        board, kind = self._board, fields["kind"]
        if board.printer.busy:
            raise Denied(Result.BUSY)
        if not board.printer.paper:
            raise Denied(Result.PAPER_OUT)
        if kind != "parameters" and not board.check_integrity("before a report"):
            raise Denied(Result.INTEGRITY)
        board.memory.report_number += 1
        board.printer.print(kind, reports.tape(board, kind), board.behaviour.report_delay_s(kind))
        zero = kind == "zero"
        board.log("zero-check" if zero else "export", f"{kind} report printed", "success",
                  "printer")
        if zero:
            board.log("readiness", "zero report taken", "success", "printer")
        return {}

    def _results(self, fields: Fields) -> Fields:
        self._whole("before results")
        self._board.log("export", "results read", "success", "results")
        return exports.results_fields(self._board)

    def _records(self, fields: Fields) -> Fields:
        self._whole("before records")
        board, book = self._board, self._board.memory.book
        first = fields["first"]
        if first == 0:
            board.log("export", "records read", "success", "records")
        if first == 0 or self._sorted[0] != len(book.records):
            # By their random ids: an order that says nothing about the order of casting.
            self._sorted = (len(book.records), sorted(book.records, key=lambda r: r.id))
        records = self._sorted[1]
        last = min(len(records), first + min(fields["count"], LONGEST_PAGE))
        rows = [board.behaviour.handed_out(records, i).row() for i in range(first, last)]
        return {"total": len(records), "records": rows}

    def _export_begin(self, fields: Fields) -> Fields:
        board, kind = self._board, fields["kind"]
        if kind not in exports.LOGS:
            self._whole("before an export")
        board.export = board.behaviour.exported_file(exports.FILES[kind](board))
        board.log("export", f"{kind} exported", "success", f"file {kind}")
        return {"size": len(board.export), "sha256": hashlib.sha256(board.export).digest()}

    def _export_chunk(self, fields: Fields) -> Fields:
        export, offset = self._board.export, fields["offset"]
        if not export:
            raise Denied(Result.WRONG_STATE)
        if offset > len(export):
            raise Denied(Result.BAD_FIELDS)
        return {"data": export[offset : offset + min(fields["length"], 32_768)]}

    def _backup(self, fields: Fields) -> Fields:
        board = self._board
        data = exports.backup_file(board)
        board.log("backup", "votes and log backed up", "success", "memory stick")
        return {"sha256": hashlib.sha256(data).digest()}

    # Service

    def _read_image(self, fields: Fields) -> Fields:
        """Read the picture that was loaded, as if a sheet had come; nothing is counted or kept."""
        board = self._board
        if board.picture is None or board.core is None:
            raise Denied(Result.WRONG_STATE)
        reason, record = board.core.read(board.picture, board.memory.counted_ever)
        board.log("readiness", "picture read by the counting core",
                  reason.value if reason is not None else "success", "counting core")
        row = record.row() if record is not None else {"valid": False, "marks": "", "marginal": ""}
        return {
            "status": "rejected" if record is None else "read",
            "reason": "" if reason is None else reason.value,
            "valid": row["valid"], "marks": row["marks"], "marginal": row["marginal"],
        }

    # Upkeep

    def _clear_alarm(self, fields: Fields) -> Fields:
        board, memory = self._board, self._board.memory
        board.log("alarm", f"alarm {board.alarm or 'none'} cleared", "success", "alarm")
        board.alarms.clear()
        if memory.state is UrnState.FAULT:
            memory.accept_damage()
            restore(memory)
            board.monitor.begin()
            board.log("intervention", "counters set to what the records say", "success", "counters")
            board.move(Cause.INSPECTED)
        return {}

    def _restart(self, fields: Fields) -> Fields:
        self._board.agenda.after(0, self._restart_urn)
        return {}

    def _whole(self, occasion: str) -> None:
        if not self._board.check_integrity(occasion):
            raise Denied(Result.INTEGRITY)


def _role(name: str) -> Role:
    try:
        return Role(name)
    except ValueError:
        raise Denied(Result.BAD_FIELDS) from None
