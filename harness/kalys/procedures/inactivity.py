"""A log-in that is left alone: TIM-005, asked of an urn.

The requirement is about a terminal before a voter. What can be left alone at an urn is a log-in of
its staff, over its link: the time until an alert must be documented and lie between two and five
minutes, from the alert to the end there must be 20 to 45 s in which one can still say something,
and then the log-in must be gone. Nothing is sent while it is left alone, for any request is
activity. What is documented is what the profile promises; where the urn lets one set the times they
are set to that, and back afterwards.

Source: VVSG 2.0 (EAC, 2021-02-10) 7.2-O.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from kalys.devices.roles import Urn
from kalys.errors import Refused
from kalys.procedures.preparation import restored, to_standby
from kalys.procedures.registry import procedure
from kalys.procedures.watching import Tail
from kalys.protocols.urn.messages import EventKind, Role

if TYPE_CHECKING:
    from kalys.procedures.session import Session

REQUIREMENT = "TIM-005"
INACTIVITY, ALERT = "inactivity_s", "alert_s"
EARLIEST_S, LATEST_S = 120.0, 300.0          # until the alert
LEAST_ALERT_S, MOST_ALERT_S = 20.0, 45.0     # from the alert to the end
TOLERANCE_S = 2.0             # of what is told, and of an event on its way
LOOK_S = 0.5
ANSWERED_S = 60.0             # after an answered alert the log-in is looked at again


@procedure(
    "timing.inactivity",
    title="A log-in that is left alone is alerted, and then ends",
    requirements=(REQUIREMENT,),
    device_seconds=900,
    front="pytest",
)
def inactivity(session: Session, parameters: Mapping[str, Any]) -> None:  # noqa: ARG001
    """Left alone twice: once the alert is answered at the last moment, once nobody answers."""
    urn = session.urn
    promised = session.profile.limits
    told = urn.parameters()
    if INACTIVITY not in told or ALERT not in told:
        session.not_applicable(
            REQUIREMENT, "The urn knows no time after which a log-in that is left alone ends: it "
            f"has no parameters {INACTIVITY} and {ALERT}.",
        )
        return
    documented = promised.inactivity_s is not None and promised.alert_s is not None
    session.check(
        REQUIREMENT, "inactivity and alert time are documented", documented,
        f"the profile promises no {INACTIVITY} and {ALERT}",
    )
    wanted = {INACTIVITY: promised.inactivity_s, ALERT: promised.alert_s}
    with _as_documented(session, {name: v for name, v in wanted.items() if v is not None}):
        in_force = float(urn.parameters()[INACTIVITY][0])
        _answered(session, urn, in_force)
        session.report_progress(1, 2, "alert answered")
        _unanswered(session, urn)
        session.report_progress(2, 2, "alert not answered")


@contextmanager
def _as_documented(session: Session, wanted: Mapping[str, float]) -> Iterator[None]:
    """In STANDBY, with the documented times in force as far as the urn lets them be set."""
    urn = session.urn
    to_standby(urn)
    before = {name: value for name, (value, _) in urn.parameters().items() if name in wanted}
    changed: list[str] = []

    def undo() -> None:
        for name in changed:
            urn.set_parameter(name, before[name])

    with restored(session, urn, undo):
        for name, value in wanted.items():
            if float(before[name]) != value:
                try:
                    urn.set_parameter(name, f"{value:g}")
                    changed.append(name)
                except Refused as refused:
                    session.journal.add("note", {"text": f"{name} cannot be set: {refused}"})
        yield


def _answered(session: Session, urn: Urn, told: float) -> None:
    """The alert comes when it should; 20 s later an answer still counts, and keeps the log-in."""
    after = _left_alone(session, urn)
    came = after is not None
    session.check(
        REQUIREMENT, "an alert comes within five minutes", came,
        f"nobody was active for {LATEST_S:g} s and no alert came",
    )
    if after is None:
        return
    session.check(
        REQUIREMENT, "it does not come within the first two minutes", after >= EARLIEST_S,
        f"it came after {after:.1f} s",
    )
    session.check(
        REQUIREMENT, "it comes when it is told to", abs(after - told) <= TOLERANCE_S,
        f"it came after {after:.1f} s, {INACTIVITY} is {told:g} s",
    )
    session.clock.sleep(LEAST_ALERT_S)
    holds = _holds(urn)
    session.check(
        REQUIREMENT, "20 s after the alert one can still answer", holds,
        "the log-in had ended by then",
    )
    if holds:
        session.clock.sleep(ANSWERED_S)
        session.check(
            REQUIREMENT, "an answered alert ends nothing", _holds(urn),
            f"the alert was answered, and {ANSWERED_S:g} s later the log-in had ended",
        )


def _unanswered(session: Session, urn: Urn) -> None:
    """45 s after the alert the log-in is gone, and the log says so."""
    tail = Tail(urn)
    _left_alone(session, urn)
    session.clock.sleep(MOST_ALERT_S + LOOK_S)
    held = _holds(urn)
    session.check(
        REQUIREMENT, "45 s after the alert the log-in has ended", not held,
        "it was still good for what an operator may do",
    )
    urn.logout()
    ends = [entry for entry in tail.new() if entry.kind == "authentication"]
    session.check(
        # A log-in, the end, and the log-out of this procedure itself.
        REQUIREMENT, "the end is logged", len(ends) >= 3 or held,
        f"the log tells of {len(ends)} log-ins and log-outs of 3",
    )


def _left_alone(session: Session, urn: Urn) -> float | None:
    """Log in and do nothing: seconds until the alert, None when none came in five minutes."""
    urn.login(Role.OPERATOR)
    urn.drain()
    began = session.clock.now()
    deadline = began + round((LATEST_S + TOLERANCE_S) * 1e9)
    while session.clock.now() < deadline:
        session.clock.sleep(LOOK_S)
        for event in urn.drain():
            if event.kind is EventKind.ALARM:
                return (event.time - began) / 1e9
    return None


def _holds(urn: Urn) -> bool:
    """Whether the urn does what only the staff may ask: silence the alarm."""
    try:
        urn.clear_alarm()
    except Refused:
        return False
    return True
