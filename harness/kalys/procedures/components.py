"""Cables, media and covers that come and go while votes are cast: alarmed, logged, and shut until
authorised.

LOG-010: whatever is connected or disconnected leaves an entry in the log and raises an alarm.
SEC-009: what is unplugged, and a cover that is opened, is heard and seen.
SEC-010: a link that was unplugged does nothing for whoever plugs it in, until somebody of the staff
has logged in; a log-in from before does not hold.

Sources: VVSG 2.0 (EAC, 2021-02-10) 12.1-B to 12.1-D; EAC VVSG 2.0 Test Assertions TA12.2-B 1-2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from kalys.devices.roles import Urn
from kalys.errors import Refused
from kalys.procedures.preparation import Prepared, prepared_urn
from kalys.procedures.registry import procedure
from kalys.procedures.watching import Tail
from kalys.protocols.urn.messages import EventKind, ReportKind, Role

if TYPE_CHECKING:
    from kalys.procedures.session import Session

PULLED_S = 3.0                # a cable stays out so long
COVER = "cover"
COMPONENTS = ("memory stick", "printer", "link", COVER)


@procedure(
    "log.components",
    title="What is plugged in or out while votes are cast is logged and alarmed",
    requirements=("LOG-010", "SEC-009"),
    device_seconds=120,
    front="robot",
)
def components(session: Session, parameters: Mapping[str, Any]) -> None:
    """Each component is pulled out and put back ``rounds`` times while the polls are open, and the
    cover opened and closed."""
    rounds = int(parameters.get("rounds", 2))
    total = rounds * len(COMPONENTS)
    with prepared_urn(session) as prepared:
        for number in range(total):
            name = COMPONENTS[number % len(COMPONENTS)]
            tail = Tail(prepared.urn)
            prepared.urn.drain()
            _pull_and_plug(session, prepared, name)
            _judge(session, prepared, tail, name)
            session.report_progress(number + 1, total, f"{name} out and in")


def _pull_and_plug(session: Session, prepared: Prepared, name: str) -> None:
    hands = prepared.hands
    if name == COVER:
        hands.cover(True)
        session.clock.sleep(PULLED_S)
        hands.cover(False)
        return
    if name == "memory stick":
        hands.media(False)
        session.clock.sleep(PULLED_S)
        hands.media(True)
        return
    hands.cable(name, False)
    session.clock.sleep(PULLED_S)
    hands.cable(name, True)
    if name == "link":
        prepared.urn.reconnect()
        prepared.urn.login(Role.OPERATOR)


def _judge(session: Session, prepared: Prepared, tail: Tail, name: str) -> None:
    """Two entries of the log and two alarms, one for out, one for in; the first one is heard and
    seen. A cover is no component: closing it need not be told."""
    session.clock.sleep(1.0)
    alarms = [event for event in prepared.urn.drain() if event.kind is EventKind.ALARM]
    plain = [e for e in alarms if e.fields["audible"] and e.fields["visible"]]
    session.count(
        "SEC-009", 1, int(not plain), condition=f"{name}: heard and seen",
        note="" if plain else f"{name} opened or unplugged: "
        f"{len(alarms)} alarms, none both audible and visible",
    )
    if name == COVER:
        return
    entries = sum(entry.kind in ("media", "intervention") for entry in tail.new())
    for what, found in (("alarms", len(alarms)), ("log entries", entries)):
        missed = max(0, 2 - found)
        session.count(
            "LOG-010", 2, missed, condition=f"{name}: {what}",
            note=f"{name} out and in: {found} {what} of 2" if missed else "",
        )


@procedure(
    "security.port",
    title="An unplugged link is shut until somebody has logged in",
    requirements=("SEC-010",),
    device_seconds=120,
    front="pytest",
)
def port(session: Session, parameters: Mapping[str, Any]) -> None:
    """Unplug and plug in under an administrator's log-in; then everything is tried without one."""
    rounds = int(parameters.get("rounds", 2))
    with prepared_urn(session) as prepared:
        for number in range(1, rounds + 1):
            prepared.urn.login(Role.ADMINISTRATOR)
            prepared.hands.cable("link", False)
            session.clock.sleep(PULLED_S)
            prepared.hands.cable("link", True)
            prepared.urn.reconnect()
            for name, attempt in ATTEMPTS.items():
                _attempt(session, prepared.urn, name, attempt)
            prepared.urn.login(Role.OPERATOR)
            works = bool(prepared.urn.parameters())
            session.count("SEC-010", 1, int(not works), condition="after a log-in",
                          note="" if works else "the port is still shut after a log-in")
            session.report_progress(number, rounds, f"link unplugged, {number} of {rounds}")


def _attempt(session: Session, urn: Urn, name: str, attempt: Callable[[Urn], object]) -> None:
    try:
        attempt(urn)
    except Refused:
        granted = False
    else:
        granted = True
    session.count(
        "SEC-010", 1, int(granted), condition=f"{name} without a log-in",
        note=f"after the link was unplugged, {name} was granted" if granted else "",
    )


# What an administrator could do, and what anybody could read, before the link was unplugged.
ATTEMPTS: Mapping[str, Callable[[Urn], object]] = {
    "setting the clock": lambda urn: urn.set_clock(urn.read_clock().device + timedelta(seconds=0)),
    "reading the log": lambda urn: urn.log(),
    "reading the parameters": lambda urn: urn.parameters(),
    "exporting the log": lambda urn: urn.export("log"),
    "printing a status report": lambda urn: urn.print(ReportKind.STATUS),
}
