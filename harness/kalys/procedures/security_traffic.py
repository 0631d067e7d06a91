"""What comes over the link that nobody should say: malformed messages, and old ones said again.

Malformed traffic (SEC-011, MET-002) is made from good requests of every kind: by grammar (fields at
the ends of their ranges, words that nobody knows, a wrong length or check sum) and by mutation
(bits flipped, bytes lost, doubled or put in, two messages spliced, plain noise). Nobody is logged
in meanwhile; the polls are open and ballots are in the box. After each batch the urn must answer;
nothing that counts may have moved; in the end it must still count a ballot.

Replay (SEC-012): a log-in and what was ordered after it are recorded as bytes and said again, on
the same connection, on a new one, after a restart, after a fresh challenge, with the clock
changed. What the urn answers does not matter (a repeated message may get its answer repeated);
what it *does* is judged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import cycle, islice
from random import Random
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from kalys.devices.roles import Status, Urn
from kalys.errors import LinkError, ProtocolError, Refused
from kalys.procedures.control_sheets import control_sheets
from kalys.procedures.deck_run import feed_all, finish, settle
from kalys.procedures.power_cuts import black_out
from kalys.procedures.preparation import Prepared, prepared_urn
from kalys.procedures.registry import procedure
from kalys.procedures.watching import await_boot
from kalys.protocols.urn.messages import REQUEST_FIELDS, Op, Result, Role

if TYPE_CHECKING:
    from kalys.procedures.session import Session

CAST_BEFORE = 3
BATCH = 50                     # messages between two looks at the urn
MOST_TROUBLES = 5              # batches that do harm, after which no more are tried
LOCKED_FOR_S = 120.0           # after wrong log-ins that the noise may have made
LONGEST = 3000                 # bytes of a field made up
STEP_S = 7                     # by which the captured order puts the clock forward
_SPACE = b"\x00\x01\x7f\x80\xff\xa5K\r\n ;,=\"'"


@procedure(
    "security.malformed_traffic",
    title="Malformed traffic neither stops the urn nor counts anything",
    requirements=("SEC-011", "MET-002"), device_seconds=1800, front="robot",
)
def malformed_traffic(session: Session, parameters: Mapping[str, Any]) -> None:
    """Noise of every kind in batches; the urn must answer after each and count right at the end."""
    messages = int(parameters.get("messages", 1_000_000))
    rng = session.rng("security.malformed_traffic")
    with prepared_urn(session) as prepared:
        urn = prepared.urn
        sheets = control_sheets(session, prepared, "security.malformed_traffic")
        fed = feed_all(session, prepared, tuple(islice(sheets, CAST_BEFORE)))
        settle(session, prepared)
        urn.logout()
        traffic = Traffic(urn, rng)
        before = urn.status()
        sent = troubles = 0
        while sent < messages:
            batch = min(BATCH, messages - sent)
            silent, moved = _endure(urn, traffic, batch, before)
            sent += batch
            session.count(
                "SEC-011", batch, int(bool(silent or moved)), condition="noise",
                note=silent or moved,
            )
            session.count("MET-002", batch, int(bool(moved)), condition="noise", note=moved)
            session.report_progress(sent, messages, f"message {sent:,} of {messages:,}")
            if silent or moved:
                troubles += 1
                _bring_back(session, prepared)
                before = urn.status()
            if troubles == MOST_TROUBLES:
                session.journal.add("note", {"text": f"{troubles} batches did harm: enough"})
                break
        _go_on(session, urn)
        try:
            fed += feed_all(session, prepared, tuple(islice(sheets, CAST_BEFORE)))
            run = finish(session, prepared, fed)
        except Refused as refusal:
            said = f"the election could not be ended: {refusal.what}"
        else:
            said = "; ".join([*run.wrong.values(), *run.comparison.notes])[:400]
    session.count(
        "SEC-011", 1, int(bool(said)), condition="ballots before and after the noise", note=said
    )


def _endure(urn: Urn, traffic: Traffic, batch: int, before: Status) -> tuple[str, str]:
    """Say a batch; in words why the urn is silent now, and what has moved in it (or "")."""
    noise = [traffic.next() for _ in range(batch)]
    try:
        urn.say(b"".join(noise))
        after = urn.status()
    except (LinkError, ProtocolError) as silence:
        return f"no answer after {batch} malformed messages: {silence.what}", ""
    moved = [
        f"{name} went from {was} to {now}" for name, was, now in (
            ("the state", before.state, after.state),
            ("valid ballots", before.valid, after.valid),
            ("invalid ballots", before.invalid, after.invalid),
            ("the event counter", before.event_counter, after.event_counter),
            ("the definition", before.definition_sha256, after.definition_sha256),
        ) if was != now
    ]
    return "", "; ".join(moved)


def _bring_back(session: Session, prepared: Prepared) -> None:
    """An urn that has fallen silent is started again by its plug: the one way that is left."""
    urn = prepared.urn
    try:
        urn.status()
    except (LinkError, ProtocolError):
        prepared.hands.battery(False)
        black_out(session, prepared)
        prepared.hands.battery(True)


def _go_on(session: Session, urn: Urn) -> None:
    """Have an urn that raised an alarm go on, with an operator logged in; the noise may have locked
    roles for a time."""
    if urn.status().alarm:
        _log_in(session, urn, Role.ADMINISTRATOR)
        urn.clear_alarm()
    _log_in(session, urn, Role.OPERATOR)


def _log_in(session: Session, urn: Urn, role: Role) -> None:
    deadline = session.clock.now() + round(LOCKED_FOR_S * 1e9)
    while True:
        try:
            urn.login(role)
        except Refused:
            if session.clock.now() >= deadline:
                raise
            session.clock.sleep(5.0)
        else:
            return


class Traffic:
    """Endless malformed messages for the dialect of ``urn``, the same for the same ``rng``."""

    def __init__(self, urn: Urn, rng: Random) -> None:
        self._rng = rng
        self._urn = urn
        self._good = tuple(self._encoded())
        self._ways: tuple[Callable[[], bytes], ...] = (
            self._flipped, self._cut, self._doubled, self._spliced, self._stuffed, self._noise,
            self._absurd, self._unfinished,
        )

    def next(self) -> bytes:
        """One malformed message."""
        return self._rng.choice(self._ways)()

    def _encoded(self) -> Iterator[bytes]:
        """A good request of every kind that needs a log-in, and so is refused even when a mutation
        has left it good."""
        for op, fields in REQUEST_FIELDS.items():
            if op in _OPEN_TO_ALL:
                continue
            try:
                yield self._urn.encoded(op, **{name: _plain(kind) for name, kind in fields.items()})
            except ProtocolError:
                continue

    def _one(self) -> bytearray:
        return bytearray(self._rng.choice(self._good))

    def _place(self, data: Sequence[int]) -> int:
        return self._rng.randrange(len(data))

    def _flipped(self) -> bytes:
        data = self._one()
        for _ in range(self._rng.randint(1, 8)):
            data[self._place(data)] ^= 1 << self._rng.randrange(8)
        return bytes(data)

    def _cut(self) -> bytes:
        data = self._one()
        start = self._place(data)
        del data[start : start + self._rng.randint(1, 4)]
        return bytes(data)

    def _doubled(self) -> bytes:
        data = self._one()
        start = self._place(data)
        part = data[start : start + self._rng.randint(1, 8)]
        return bytes(data[:start] + part * self._rng.randint(2, 5) + data[start:])

    def _spliced(self) -> bytes:
        first, second = self._one(), self._one()
        return bytes(first[: self._place(first)] + second[self._place(second) :])

    def _stuffed(self) -> bytes:
        data = self._one()
        start = self._place(data)
        more = bytes(self._rng.choice(_SPACE) for _ in range(self._rng.randint(1, 12)))
        return bytes(data[:start] + more + data[start:])

    def _noise(self) -> bytes:
        return self._rng.randbytes(self._rng.randint(1, 64))

    def _unfinished(self) -> bytes:
        data = self._one()
        return bytes(data[: max(1, self._place(data))])

    def _absurd(self) -> bytes:
        """A well-formed request whose fields nobody would send."""
        op = self._rng.choice(tuple(op for op in REQUEST_FIELDS if op not in _OPEN_TO_ALL))
        fields = {name: self._extreme(kind) for name, kind in REQUEST_FIELDS[op].items()}
        try:
            return self._urn.encoded(op, **fields)
        except ProtocolError:
            return self._flipped()

    def _extreme(self, kind: str) -> Any:
        rng = self._rng
        if kind == "bool":
            return rng.random() < 0.5
        if kind == "text":
            return rng.choice(("", "x" * rng.randint(1, LONGEST), "..\\..", "'; --", "Ң", "zero"))
        if kind == "bytes":
            return rng.randbytes(rng.randint(0, 200))
        bits = int(kind[1:])
        if kind[0] == "u":
            return rng.choice((0, 1, 2**bits - 1, rng.randrange(2**bits)))
        return rng.choice((0, -1, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1))


# Without a log-in these do what they are asked to; to be asked malformed they are not needed.
_OPEN_TO_ALL = frozenset({
    Op.IDENTIFY, Op.STATUS, Op.SELF_TEST, Op.GET_CLOCK, Op.PARAMETERS, Op.LOG, Op.EVENTS_SINCE,
    Op.CHALLENGE, Op.AUTHENTICATE, Op.LOGOUT,
})


def _plain(kind: str) -> Any:
    if kind == "text":
        return "results"
    if kind == "bytes":
        return bytes(32)
    return kind == "bool" or 1


@dataclass(frozen=True)
class _Captured:
    """What went over the link: the log-in, and the order that followed it."""

    log_in: tuple[bytes, ...]
    order: tuple[bytes, ...]

    @property
    def everything(self) -> tuple[bytes, ...]:
        return (*self.log_in, *self.order)

    @property
    def from_the_answer_on(self) -> tuple[bytes, ...]:
        """Without the request for a challenge."""
        return (self.log_in[-1], *self.order)


@procedure(
    "security.replay", title="What was captured on the link does nothing when it is said again",
    requirements=("SEC-012",), device_seconds=1200, front="robot",
)
def replay(session: Session, parameters: Mapping[str, Any]) -> None:
    """Capture a log-in and an order, say them again in each of several ways, look what happened."""
    trials = int(parameters.get("trials", 299))
    with prepared_urn(session, opened=False) as prepared:
        urn = prepared.urn
        for number, (way, replayed) in enumerate(islice(cycle(WAYS.items()), trials), 1):
            captured = _capture(urn)
            urn.logout()
            messages = replayed(urn, captured)
            before = urn.status().event_counter
            for data in messages:
                urn.say(data)
            done = _achieved(urn, urn.status().event_counter - before)
            session.count("SEC-012", 1, int(bool(done)), condition=way, note=done)
            # A right log-in, so that wrong ones do not add up to a lock.
            urn.login(Role.ADMINISTRATOR)
            session.report_progress(number, trials, way)


def _capture(urn: Urn) -> _Captured:
    """An administrator logs in and puts the clock forward, overheard."""
    heard: list[bytes] = []
    now = urn.read_clock().device
    urn.overhear(heard.append)
    try:
        urn.login(Role.ADMINISTRATOR)
        log_in = tuple(heard)
        heard.clear()
        urn.set_clock(now + timedelta(seconds=STEP_S))
    finally:
        urn.overhear(None)
    return _Captured(log_in, tuple(heard))


def _on_the_same_connection(urn: Urn, captured: _Captured) -> tuple[bytes, ...]:  # noqa: ARG001
    return captured.everything


def _on_a_new_connection(urn: Urn, captured: _Captured) -> tuple[bytes, ...]:
    urn.reconnect()
    return captured.everything


def _the_answer_alone(urn: Urn, captured: _Captured) -> tuple[bytes, ...]:  # noqa: ARG001
    return captured.from_the_answer_on


def _to_a_fresh_challenge(urn: Urn, captured: _Captured) -> tuple[bytes, ...]:
    urn.challenge(Role.ADMINISTRATOR)
    return captured.from_the_answer_on


def _with_the_clock_put_back(urn: Urn, captured: _Captured) -> tuple[bytes, ...]:
    """To where it was when they were said first."""
    urn.login(Role.ADMINISTRATOR)
    urn.set_clock(urn.read_clock().device - timedelta(seconds=STEP_S))
    urn.logout()
    return captured.everything


def _under_a_lower_role(urn: Urn, captured: _Captured) -> tuple[bytes, ...]:
    urn.login(Role.AUDITOR)
    return captured.order


def _after_a_restart(urn: Urn, captured: _Captured) -> tuple[bytes, ...]:
    urn.login(Role.OPERATOR)
    urn.drain()
    urn.restart()
    await_boot(urn)
    return captured.everything


WAYS: Mapping[str, Callable[[Urn, _Captured], tuple[bytes, ...]]] = MappingProxyType({
    "on the same connection": _on_the_same_connection,
    "the answer to the challenge alone": _the_answer_alone,
    "to a fresh challenge": _to_a_fresh_challenge,
    "on a new connection": _on_a_new_connection,
    "with the clock put back": _with_the_clock_put_back,
    "under a lower role": _under_a_lower_role,
    "after a restart": _after_a_restart,
})


def _achieved(urn: Urn, changes: int) -> str:
    """What a replay has achieved, in words; "" when nothing.

    Whether an administrator is logged in now shows in what is granted: the clock is set to what it
    shows, which harms nothing.
    """
    if changes:
        return "the captured order was carried out again"
    try:
        urn.set_clock(urn.read_clock().device)
    except Refused as refusal:
        if refusal.code == Result.NOT_AUTHORISED:
            return ""
        raise
    return "an administrator was logged in by what had been captured"
