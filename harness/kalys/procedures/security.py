"""Who may do what: the matrix of role, state and command (SEC-006), and lock-out (SEC-007).

What is not permitted is asked for all the same, by everybody, in every state: each request must be
refused, must leave no trace but an entry in the log, and must not move the urn. What is permitted
is taken from the protocol's published table (``kalys.protocols.urn.permissions``, after VVSG 2.0
11.2.2-C, Table 11-3); it is tried by the procedures that are about it, and not here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from kalys.devices.roles import Urn
from kalys.errors import KalysError, ProtocolError, Refused
from kalys.procedures.configuration import another_value, renew_key
from kalys.procedures.control_sheets import control_sheets
from kalys.procedures.feeding import feed
from kalys.procedures.preparation import (
    Prepared,
    close_polls,
    end_election,
    load_election,
    open_polls,
    prepared_urn,
)
from kalys.procedures.registry import procedure
from kalys.procedures.watching import Tail, await_boot
from kalys.protocols.urn.messages import Op, Result, Role, UrnState
from kalys.protocols.urn.permissions import RULES

if TYPE_CHECKING:
    from kalys.procedures.session import Session

MOST_ATTEMPTS = 10             # SEC-007: wrong log-ins before a lock, at most
LONGEST_LOCK_S = 3600.0        # for which a lock is waited for
BETWEEN_TRIES_S = 10.0
MOST_NAMED = 5
EVERYBODY: tuple[Role | None, ...] = (None, *Role)
KEY = bytes(range(32))         # a key that no role has
# Files that an urn exports only if its profile says so.
OFFERED = frozenset({"cast-vote-records", "election-event-log"})


@dataclass(frozen=True)
class Command:
    """A request of one row of the table, with fields that would change something if granted."""

    op: Op
    kind: str
    fields: Mapping[str, Any]

    @property
    def text(self) -> str:
        return f"{self.op.value} {self.kind}".strip()


@procedure(
    "security.permissions",
    title="What is not permitted is refused and logged, whoever asks, in every state",
    requirements=("SEC-006",), device_seconds=300, front="robot",
)
def permissions(session: Session, parameters: Mapping[str, Any]) -> None:  # noqa: ARG001
    """Every command, by every role and by nobody, in every state in which it is not permitted."""
    with prepared_urn(session, opened=False) as prepared:
        stages: tuple[tuple[UrnState, Callable[[], object]], ...] = (
            (UrnState.STANDBY, lambda: end_election(prepared)),
            (UrnState.READY, lambda: _ready(prepared)),
            (UrnState.TEST, lambda: _test(prepared)),
            (UrnState.OPEN, lambda: _opened(session, prepared)),
            (UrnState.CLOSED, lambda: _closed(session, prepared)),
        )
        for number, (state, bring) in enumerate(stages, 1):
            bring()
            for role in EVERYBODY:
                _everything_forbidden(session, prepared, state, role, bring)
            session.report_progress(number, len(stages), f"in {state.value}")


def _ready(prepared: Prepared) -> None:
    end_election(prepared)
    load_election(prepared)


def _test(prepared: Prepared) -> None:
    _ready(prepared)
    prepared.urn.test_mode(True)


def _opened(session: Session, prepared: Prepared) -> None:
    _ready(prepared)
    open_polls(prepared)
    # With a total that would be worth having.
    feed(session, prepared, next(control_sheets(session, prepared, "security.permissions")))


def _closed(session: Session, prepared: Prepared) -> None:
    _opened(session, prepared)
    close_polls(prepared)


def _everything_forbidden(
    session: Session, prepared: Prepared, state: UrnState, role: Role | None,
    bring: Callable[[], object],
) -> None:
    """One role in one state: every attempt, and what they leave behind."""
    urn = prepared.urn
    condition = f"{role or 'nobody logged in'}, {state.value}"
    executed: list[str] = []
    attempts = 0
    _log_in(urn, role)
    tail = Tail(urn)
    before = _Traces.of(urn)
    for command in _commands(prepared):
        if _permitted(command, role, state) or not _sayable(prepared, command):
            continue
        attempts += 1
        if _granted(urn, command):
            executed.append(command.text)
            _undo(prepared, command)
            if urn.status().state is not state:
                bring()
            _log_in(urn, role)
    session.count(
        "SEC-006", attempts, len(executed), condition=condition,
        note=f"granted: {', '.join(executed[:MOST_NAMED])}" if executed else "",
    )
    if executed:
        return
    refusals = sum(entry.outcome != "success" for entry in tail.new())
    session.count(
        "SEC-006", attempts, max(0, attempts - refusals), condition=f"{condition}: logged",
        note=f"{attempts} requests were refused, {refusals} refusals are in the log"
        if refusals < attempts else "",
    )
    moved = before.differences(_Traces.of(urn))
    session.count(
        "SEC-006", 1, int(bool(moved)), condition=f"{condition}: no trace",
        note=f"all was refused, and yet {moved}" if moved else "",
    )


def _commands(prepared: Prepared) -> Iterator[Command]:
    """Every row of the table that is not open to everybody."""
    urn = prepared.urn
    name, _, value = another_value(urn)
    local = urn.read_clock().device + timedelta(hours=1)
    fields: Mapping[Op, Mapping[str, Any]] = {
        Op.SET_CLOCK: {
            "time_ms": round(local.timestamp() * 1000),
            "offset_min": round((local.utcoffset() or timedelta()) / timedelta(minutes=1)),
        },
        Op.SET_KEY: {"role": Role.AUDITOR.value, "key": KEY},
        Op.SET_PARAMETER: {"name": name, "value": value},
        Op.LOAD_CHUNK: {"offset": 0, "data": b"x"},
        Op.RECORDS: {"first": 0, "count": 1},
        Op.EXPORT_CHUNK: {"offset": 0, "length": 1},
    }
    for (op, kind), rule in RULES.items():
        if rule.roles is None:
            continue
        if op is Op.TEST_MODE:
            yield Command(op, kind, {"on": kind == "on"})
        elif op is Op.LOAD_BEGIN:
            yield Command(op, kind, {"purpose": kind, "size": 1, "sha256": bytes(32)})
        elif op in (Op.PRINT, Op.EXPORT_BEGIN):
            yield Command(op, kind, {"kind": kind})
        elif not kind:
            yield Command(op, kind, fields.get(op, {}))


def _permitted(command: Command, role: Role | None, state: UrnState) -> bool:
    rule = RULES[command.op, command.kind]
    return state in rule.states and (rule.roles is None or role in rule.roles)


def _sayable(prepared: Prepared, command: Command) -> bool:
    """Whether the urn has the command at all: its dialect, and of files only those it offers."""
    urn = prepared.urn
    if command.kind in OFFERED and command.kind not in prepared.profile.capabilities:
        return False
    try:
        urn.encoded(command.op, **command.fields)
    except ProtocolError:
        return False
    return True


def _granted(urn: Urn, command: Command) -> bool:
    """Ask for it. What the urn grants in its own protection (a picture that is not there) it has
    looked at: every answer but not-authorised, wrong-state and fault counts as granted."""
    try:
        urn.request(command.op, **command.fields)
    except Refused as refusal:
        return refusal.code not in (Result.NOT_AUTHORISED, Result.WRONG_STATE, Result.FAULT)
    return True


def _undo(prepared: Prepared, command: Command) -> None:
    """Take back what should not have been granted, as far as it can be."""
    urn = prepared.urn
    urn.login(Role.ADMINISTRATOR)
    if command.op is Op.SET_KEY:
        renew_key(prepared, Role.AUDITOR)
    elif command.op is Op.RESTART:
        await_boot(urn)
    elif command.op is Op.SET_CLOCK:
        urn.set_clock(urn.read_clock().device - timedelta(hours=1))


def _log_in(urn: Urn, role: Role | None) -> None:
    urn.logout()
    if role is not None:
        urn.login(role)


@dataclass(frozen=True)
class _Traces:
    """What an unauthorised command might have changed."""

    state: UrnState
    cast: tuple[int, int]
    changes: int
    parameters: Mapping[str, tuple[str, str]]
    ahead: datetime

    @classmethod
    def of(cls, urn: Urn) -> _Traces:
        status, clock = urn.status(), urn.read_clock()
        return cls(
            status.state, (status.valid, status.invalid), status.event_counter, urn.parameters(),
            clock.device - timedelta(microseconds=clock.received / 1000),
        )

    def differences(self, after: _Traces) -> str:
        """In words; "" when nothing has changed."""
        found = [
            f"the {name} changed from {was} to {now}" for name, was, now in (
                ("state", self.state, after.state), ("ballots cast", self.cast, after.cast),
                ("event counter", self.changes, after.changes),
            ) if was != now
        ]
        if self.parameters != after.parameters:
            found.append("a parameter changed")
        if abs(after.ahead - self.ahead) > timedelta(seconds=2):
            found.append("the clock jumped")
        return "; ".join(found)


@procedure(
    "security.lockout",
    title="A role is locked after a few wrong log-ins, and a restart does not open it",
    requirements=("SEC-007",), device_seconds=240, front="robot",
)
def lockout(session: Session, parameters: Mapping[str, Any]) -> None:  # noqa: ARG001
    """Wrong keys for each role until it is locked; then the right one, a restart, and patience."""
    with prepared_urn(session, opened=False) as prepared:
        urn = prepared.urn
        _only_the_administrator(session, urn)
        for number, role in enumerate(Role, 1):
            urn.logout()
            attempts = _wrong_until_locked(urn, role)
            session.check(
                "SEC-007", f"{role}: locked after at most {MOST_ATTEMPTS} wrong log-ins",
                attempts is not None, f"{MOST_ATTEMPTS} wrong log-ins, and not locked",
            )
            if attempts is not None:
                _while_locked(session, urn, role)
            session.report_progress(number, len(Role), str(role))


def _wrong_until_locked(urn: Urn, role: Role) -> int | None:
    """Wrong log-ins that it took; None when it is not locked after the most that may be."""
    for attempt in range(MOST_ATTEMPTS + 1):
        try:
            urn.login_with(role, KEY)
        except Refused as refusal:
            if refusal.code == Result.LOCKED_OUT:
                return attempt
        else:
            raise KalysError(
                f"{urn.name} took a wrong key for the {role}",
                remedy="Is the log-in switched off on this device?",
            )
    return None


def _while_locked(session: Session, urn: Urn, role: Role) -> None:
    session.check(
        "SEC-007", f"{role}: locked for the right key as well", not _logs_in(urn, role),
        "the right key was taken while the role was locked",
    )
    other = next(r for r in (Role.ADMINISTRATOR, Role.OPERATOR) if r is not role)
    urn.login(other)
    urn.drain()
    urn.restart()
    await_boot(urn)
    session.check(
        "SEC-007", f"{role}: locked after a restart", not _logs_in(urn, role),
        "a restart opened the role",
    )
    deadline = session.clock.now() + round(LONGEST_LOCK_S * 1e9)
    opened = _logs_in(urn, role)
    while not opened and session.clock.now() < deadline:
        session.clock.sleep(BETWEEN_TRIES_S)
        opened = _logs_in(urn, role)
    session.check(
        "SEC-007", f"{role}: open again in time", opened,
        f"still locked after {LONGEST_LOCK_S:.0f} s",
    )


def _logs_in(urn: Urn, role: Role) -> bool:
    try:
        urn.login(role)
    except Refused:
        return False
    return True


def _only_the_administrator(session: Session, urn: Urn) -> None:
    """Nobody but an administrator sets for how long a role is locked, where that can be set."""
    told = urn.parameters().get("lockout_s")
    if told is None:
        session.journal.add("note", {"text": f"{urn.name} has no parameter lockout_s"})
        return
    for role in (None, Role.OPERATOR, Role.AUDITOR):
        _log_in(urn, role)
        try:
            urn.set_parameter("lockout_s", "1")
        except Refused:
            refused = True
        else:
            refused = False
        session.check(
            "SEC-007", f"duration of the lock: set by {role or 'nobody logged in'}", refused,
            "the duration could be changed",
        )
    urn.login(Role.ADMINISTRATOR)
    urn.set_parameter("lockout_s", told[0])
