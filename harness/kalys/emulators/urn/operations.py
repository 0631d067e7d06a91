"""What each request of the host does, once ``states`` has allowed it.

One method per operation, named as the operation. A method returns the fields of the OK response or
raises ``Denied`` with the protocol's result; every denial is logged.
"""

# ruff: noqa: ARG002  (every operation takes the fields of its request)
from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kalys.emulators.urn import exports, reports, self_test
from kalys.emulators.urn.clock import settable, stamp
from kalys.emulators.urn.configuration import accepts_parameter, told
from kalys.emulators.urn.integrity import restore
from kalys.emulators.urn.memory import Record
from kalys.emulators.urn.passage import Phase
from kalys.emulators.urn.states import Cause, kind_of
from kalys.emulators.urn.uploads import Upload
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

if TYPE_CHECKING:
    from kalys.emulators.urn.core import EmulatedUrn

Fields = Mapping[str, Any]
LONGEST_PAGE = 1000
# Under which kind a denial is logged; "error" for all others.
DENIAL_KINDS: Mapping[Op, str] = {
    Op.OPEN: "open", Op.CLOSE: "close", Op.SET_CLOCK: "clock", Op.PRINT: "export",
    Op.RESULTS: "export", Op.RECORDS: "export", Op.EXPORT_BEGIN: "export", Op.SET_KEY: "key",
    Op.SET_PARAMETER: "configuration", Op.CHALLENGE: "authentication",
    Op.AUTHENTICATE: "authentication",
}


class Denied(Exception):  # noqa: N818  (an answer, not a fault)
    """The request is refused with this result of the protocol."""

    def __init__(self, result: Result) -> None:
        super().__init__(result.value)
        self.result = result


class Operations:
    """Volatile: an upload, an export and a log-in end with the power."""

    def __init__(self, urn: EmulatedUrn) -> None:
        self._urn = urn
        self._upload: Upload | None = None
        self._export = b""
        self._sorted: tuple[int, Sequence[Record]] = (-1, ())
        self._handlers: Mapping[Op, Callable[[Fields], Fields]] = {
            op: getattr(self, f"_{op.value}") for op in Op
        }

    def answer(self, request: Request) -> Response:
        """Check the request against the table of states, do it, and answer."""
        op, fields = request.op, request.fields
        try:
            self._permit(op, fields)
            return Response(request.sequence, op, Result.OK, self._handlers[op](fields))
        except Denied as denied:
            self._urn.log(
                DENIAL_KINDS.get(op, "error"), f"{op.value} refused", denied.result.value, op.value
            )
            return Response(request.sequence, op, denied.result)

    def _permit(self, op: Op, fields: Fields) -> None:
        urn = self._urn
        state = urn.memory.state
        rule = urn.behaviour.rule(op, kind_of(op, fields, state))
        if rule is None:
            raise Denied(Result.BAD_FIELDS)
        if rule.roles is not None and urn.access.role not in rule.roles:
            raise Denied(Result.NOT_AUTHORISED)
        if state not in rule.states:
            raise Denied(Result.FAULT if state is UrnState.FAULT else Result.WRONG_STATE)

    def drop_export(self) -> None:
        """The state has changed: what was exported in the old one must not be had in the new."""
        self._export = b""

    # Reading

    def _identify(self, fields: Fields) -> Fields:
        urn, c = self._urn, self._urn.configuration
        return {
            "maker": c.maker, "model": c.model, "serial": urn.serial,
            "firmware": c.firmware + urn.memory.software_suffix,
            "firmware_sha256": urn.memory.software_sha256 or c.firmware_sha256,
            "legal_software_id": c.legal_software_id, "protocol": c.protocol,
        }

    def _status(self, fields: Fields) -> Fields:
        urn, memory = self._urn, self._urn.memory
        counters = memory.book.counters
        return {
            "state": memory.state.value, "path": urn.passage.word,
            "power": urn.power.source or "battery", "cover_open": urn.cover_open,
            "alarm": urn.alarm,
            "valid": max(0, counters.valid), "invalid": max(0, counters.invalid),
            "returned": memory.book.returned, "capacity_left": urn.capacity_left(),
            "event_counter": memory.event_counter, "definition_sha256": memory.definition_sha256,
        }

    def _self_test(self, fields: Fields) -> Fields:
        return {"items": self_test.run(self._urn)}

    def _get_clock(self, fields: Fields) -> Fields:
        clock = self._urn.memory.clock
        return {"time_ms": clock.time_ms(self._urn.agenda.now), "offset_min": clock.offset_min}

    def _parameters(self, fields: Fields) -> Fields:
        return {"items": self._urn.told_parameters()}

    def _log(self, fields: Fields) -> Fields:
        urn, log = self._urn, self._urn.memory.log
        first = fields["first"]
        if first == 0 and log.cut_short():
            urn.log("integrity-check", "the event log does not fit its head", "failure",
                    "event log")
        entries = urn.behaviour.log_for_reading(log.entries)
        page = entries[first : first + min(fields["count"], LONGEST_PAGE)]
        return {"total": len(entries), "entries": [entry.row() for entry in page]}

    def _events_since(self, fields: Fields) -> Fields:
        urn = self._urn
        kept = [e for e in urn.memory.events if e.number >= fields["first"]][:0xFFFF]
        urn.speech.again(kept)
        return {"count": len(kept)}

    # Log-in

    def _challenge(self, fields: Fields) -> Fields:
        nonce = self._urn.access.challenge(_role(fields["role"]), self._urn.agenda.now)
        if isinstance(nonce, Result):
            raise Denied(nonce)
        return {"nonce": nonce}

    def _authenticate(self, fields: Fields) -> Fields:
        urn = self._urn
        role = _role(fields["role"])
        result = urn.access.authenticate(role, fields["mac"], urn.agenda.now)
        if result is not Result.OK:
            raise Denied(result)
        urn.log("authentication", f"log-in as {role.value}", "success", "link")
        return {}

    def _logout(self, fields: Fields) -> Fields:
        self._urn.log("authentication", "log-out", "success", "link")
        self._urn.access.logout()
        return {}

    def _set_key(self, fields: Fields) -> Fields:
        urn = self._urn
        role = _role(fields["role"])
        if len(fields["key"]) != KEY_SIZE:
            raise Denied(Result.BAD_FIELDS)
        urn.memory.keys[role] = fields["key"]
        urn.memory.event_counter += 1
        urn.log("key", f"key of {role.value} changed", "success", "key store")
        return {}

    # Settings

    def _set_clock(self, fields: Fields) -> Fields:
        urn, clock = self._urn, self._urn.memory.clock
        time_ms, offset_min = fields["time_ms"], fields["offset_min"]
        if not settable(time_ms, offset_min):
            raise Denied(Result.BAD_FIELDS)
        old = stamp(clock.time_ms(urn.agenda.now), clock.offset_min)
        clock.set(time_ms, offset_min, urn.agenda.now)
        urn.memory.event_counter += 1
        urn.log("clock", f"clock set from {old} to {stamp(time_ms, offset_min)}", "success",
                "real-time clock")
        urn.emit(EventKind.CLOCK_SET)
        return {}

    def _set_parameter(self, fields: Fields) -> Fields:
        urn, parameters = self._urn, self._urn.memory.parameters
        name = fields["name"]
        try:
            value = float(fields["value"])
        except ValueError:
            raise Denied(Result.BAD_FIELDS) from None
        if not accepts_parameter(parameters, name, value):
            raise Denied(Result.BAD_FIELDS)
        old, parameters[name] = parameters[name], value
        urn.memory.event_counter += 1
        urn.log("configuration", f"{name} set from {told(old)} to {told(value)}", "success",
                name)
        urn.rebuild_core()
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
        result = upload.commit(self._urn)
        if result is not Result.OK:
            raise Denied(result)
        return {"sha256": upload.sha256}

    # The election

    def _reset_election(self, fields: Fields) -> Fields:
        urn, memory = self._urn, self._urn.memory
        if urn.passage.phase not in (Phase.IDLE, Phase.JAMMED):
            raise Denied(Result.BUSY)
        memory.event_counter = urn.behaviour.event_counter_after_reset(memory.event_counter) + 1
        urn.log("file", "definition and results archived and removed", "success", "memory")
        urn.log("definition", "election reset", "success", "definition")
        memory.forget_election()
        urn.alarms.pop("integrity", None)
        urn.monitor.begin()
        urn.rebuild_core()
        urn.move(Cause.RESET)
        return {}

    def _test_mode(self, fields: Fields) -> Fields:
        urn, memory = self._urn, self._urn.memory
        if urn.passage.phase not in (Phase.IDLE, Phase.JAMMED):
            raise Denied(Result.BUSY)
        memory.zero_report = False
        if fields["on"]:
            memory.clear_tests()
            urn.monitor.begin()
        urn.log("readiness", f"test mode {'on' if fields['on'] else 'off'}", "success", "mode")
        urn.move(Cause.TEST_BEGUN if fields["on"] else Cause.TEST_ENDED)
        return {}

    def _open(self, fields: Fields) -> Fields:
        urn, memory = self._urn, self._urn.memory
        if urn.behaviour.minds_opening_conditions(memory.state):
            zero = memory.votes.zero
            if not urn.check_integrity("before opening") or not zero:
                urn.log("zero-check", "counters at opening", "failure", "counters")
                raise Denied(Result.INTEGRITY if zero else Result.COUNTERS_NOT_ZERO)
            urn.log("zero-check", "all counters are zero", "success", "counters")
            if not memory.zero_report:
                raise Denied(Result.WRONG_STATE)
        if not urn.behaviour.may_open(memory.state, urn.within_hours()):
            raise Denied(Result.OUT_OF_WINDOW)
        memory.votes.carry(urn.behaviour.left_over(memory.tests))
        urn.monitor.begin()
        urn.log("open", "polls opened", "success", "polls")
        urn.move(Cause.OPENED)
        return {}

    def _close(self, fields: Fields) -> Fields:
        urn, memory = self._urn, self._urn.memory
        if urn.passage.phase not in (Phase.IDLE, Phase.JAMMED, Phase.REFUSING):
            raise Denied(Result.BUSY)
        early = memory.poll is not None and urn.now() < memory.poll.closes
        if early and urn.access.role is not Role.ADMINISTRATOR:
            raise Denied(Result.OUT_OF_WINDOW)
        if not urn.check_integrity("before closing"):
            raise Denied(Result.INTEGRITY)
        if early:
            urn.log("intervention", "polls closed before their hour", "success", "polls")
        urn.log("close", "polls closed", "success", "polls")
        urn.move(Cause.CLOSED)
        return {}

    # Results

    def _print(self, fields: Fields) -> Fields:
        urn, kind = self._urn, fields["kind"]
        if urn.printer.busy:
            raise Denied(Result.BUSY)
        if not urn.printer.paper:
            raise Denied(Result.PAPER_OUT)
        if kind != "parameters" and not urn.check_integrity("before a report"):
            raise Denied(Result.INTEGRITY)
        urn.memory.report_number += 1
        urn.printer.print(kind, reports.tape(urn, kind), urn.behaviour.report_delay_s(kind))
        zero = kind == "zero"
        urn.log("zero-check" if zero else "export", f"{kind} report printed", "success", "printer")
        if zero:
            urn.log("readiness", "zero report taken", "success", "printer")
        return {}

    def _results(self, fields: Fields) -> Fields:
        self._whole("before results")
        self._urn.log("export", "results read", "success", "results")
        return exports.results_fields(self._urn)

    def _records(self, fields: Fields) -> Fields:
        self._whole("before records")
        urn, book = self._urn, self._urn.memory.book
        first = fields["first"]
        if first == 0:
            urn.log("export", "records read", "success", "records")
        if first == 0 or self._sorted[0] != len(book.records):
            # By their random ids: an order that says nothing about the order of casting.
            self._sorted = (len(book.records), sorted(book.records, key=lambda r: r.id))
        records = self._sorted[1]
        last = min(len(records), first + min(fields["count"], LONGEST_PAGE))
        rows = [urn.behaviour.handed_out(records, i).row() for i in range(first, last)]
        return {"total": len(records), "records": rows}

    def _export_begin(self, fields: Fields) -> Fields:
        urn, kind = self._urn, fields["kind"]
        if kind == "results":
            self._whole("before an export")
            self._export = exports.results_file(urn)
        else:
            self._export = exports.log_file(urn)
        urn.log("export", f"{kind} exported", "success", f"file {kind}")
        return {"size": len(self._export), "sha256": hashlib.sha256(self._export).digest()}

    def _export_chunk(self, fields: Fields) -> Fields:
        offset = fields["offset"]
        if not self._export:
            raise Denied(Result.WRONG_STATE)
        if offset > len(self._export):
            raise Denied(Result.BAD_FIELDS)
        return {"data": self._export[offset : offset + min(fields["length"], 32_768)]}

    def _backup(self, fields: Fields) -> Fields:
        urn = self._urn
        data = exports.backup_file(urn)
        urn.log("backup", "votes and log backed up", "success", "memory stick")
        return {"sha256": hashlib.sha256(data).digest()}

    # Upkeep

    def _clear_alarm(self, fields: Fields) -> Fields:
        urn, memory = self._urn, self._urn.memory
        urn.log("alarm", f"alarm {urn.alarm or 'none'} cleared", "success", "alarm")
        urn.alarms.clear()
        if memory.state is UrnState.FAULT:
            restore(memory)
            urn.monitor.begin()
            urn.log("intervention", "counters set to what the records say", "success", "counters")
            urn.move(Cause.INSPECTED)
        return {}

    def _restart(self, fields: Fields) -> Fields:
        self._urn.agenda.after(0, self._urn.restart)
        return {}

    def _whole(self, occasion: str) -> None:
        if not self._urn.check_integrity(occasion):
            raise Denied(Result.INTEGRITY)


def _role(name: str) -> Role:
    try:
        return Role(name)
    except ValueError:
        raise Denied(Result.BAD_FIELDS) from None
