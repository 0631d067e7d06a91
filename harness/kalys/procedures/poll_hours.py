"""The day frame (TIM-008): no ballot before the polls open nor after they close.

Constitutional law No 68, art. 31: voting from 08:00 to 20:00 local time. The urn's clock is set
close to both edges, and to hours that only look right (another day, another time zone), and each
time somebody tries to open the polls or to cast a ballot. Voters who stand in the room at 20:00 are
the country's switch (``accept-after-hours`` in the profile's capabilities).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any

from kalys.ballots.sheet import Sheet
from kalys.devices.roles import Urn
from kalys.errors import Refused
from kalys.procedures.control_sheets import control_sheets
from kalys.procedures.feeding import feed
from kalys.procedures.preparation import (
    Prepared,
    close_polls,
    end_election,
    load_election,
    prepared_urn,
)
from kalys.procedures.registry import procedure
from kalys.protocols.urn.messages import Role, UrnState

if TYPE_CHECKING:
    from kalys.election.definition import ElectionDefinition
    from kalys.procedures.session import Session

REQUIREMENT = "TIM-008"
LATE_ALLOWED = "accept-after-hours"
SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Moment:
    """A reading of the urn's clock at which the polls must not open."""

    name: str
    time: datetime


def closed_moments(definition: ElectionDefinition) -> tuple[Moment, ...]:
    """Moments outside the hours of the poll, the nearest to the edge first."""
    opens, closes = definition.opens, definition.closes
    east = timezone(timedelta(minutes=definition.offset_min + 60))
    return (
        Moment("one second before opening time", opens - SECOND),
        Moment("one second after closing time", closes + SECOND),
        Moment("half an hour before opening time", opens - timedelta(minutes=30)),
        Moment("the right hour, a day early", opens + timedelta(days=-1, hours=1)),
        Moment(
            "half past seven, shown as half past eight in a time zone further east",
            (opens - timedelta(minutes=30)).astimezone(east),
        ),
        Moment("the right hour, a day late", opens + timedelta(days=1, hours=1)),
    )


@procedure(
    "timing.poll_hours",
    title="No ballot outside the hours of the poll",
    requirements=(REQUIREMENT,),
    device_seconds=600,
    front="pytest",
)
def poll_hours(session: Session, parameters: Mapping[str, Any]) -> None:
    """Try to open and to vote at moments outside the hours, then at the edges of the hours."""
    attempts = int(parameters.get("attempts", 6))
    with prepared_urn(session, opened=False) as prepared:
        sheets = control_sheets(session, prepared, "timing.poll_hours")
        moments = islice(cycle(closed_moments(prepared.definition)), attempts)
        for number, moment in enumerate(moments, 1):
            _try_outside(session, prepared, moment, sheets)
            session.report_progress(number, attempts + 1, moment.name)
        _edges(session, prepared, sheets)
        session.report_progress(attempts + 1, attempts + 1, "the edges of the poll")


def _try_outside(
    session: Session, prepared: Prepared, moment: Moment, sheets: Iterator[Sheet]
) -> None:
    urn = prepared.urn
    urn.login(Role.ADMINISTRATOR)
    urn.set_clock(moment.time)
    urn.login(Role.OPERATOR)
    wrong = ""
    try:
        urn.open()
    except Refused:
        pass
    else:
        wrong = f"the polls opened at {moment.time.isoformat()}"
    fed = feed(session, prepared, next(sheets))
    if fed.counted:
        wrong = "; ".join(part for part in (wrong, f"a ballot was {fed.describe()}") if part)
    prepared.feeder.take_returned()
    session.count(REQUIREMENT, 1, int(bool(wrong)), condition=moment.name, note=wrong)
    if urn.status().state is not UrnState.READY:
        end_election(prepared)
        load_election(prepared)


def _edges(session: Session, prepared: Prepared, sheets: Iterator[Sheet]) -> None:
    """Open on the second, vote in the last seconds, and not after them."""
    definition, urn = prepared.definition, prepared.urn
    urn.login(Role.ADMINISTRATOR)
    urn.set_clock(definition.opens)
    urn.login(Role.OPERATOR)
    urn.open()
    _offer(session, prepared, next(sheets), "the first second of the poll", accepted=True)
    _at(urn, definition.closes - 10 * SECOND)
    _offer(session, prepared, next(sheets), "the last seconds of the poll", accepted=True)
    if LATE_ALLOWED not in prepared.profile.capabilities:
        _at(urn, definition.closes + SECOND)
        _offer(session, prepared, next(sheets), "after closing time, polls not closed")
    close_polls(prepared)
    _offer(session, prepared, next(sheets), "after the polls were closed")


def _at(urn: Urn, moment: datetime) -> None:
    urn.login(Role.ADMINISTRATOR)
    urn.set_clock(moment)


def _offer(
    session: Session, prepared: Prepared, sheet: Sheet, when: str, *, accepted: bool = False
) -> None:
    fed = feed(session, prepared, sheet)
    wrong = fed.counted != accepted
    session.count(
        REQUIREMENT, 1, int(wrong), condition=when, sheet=sheet.id if wrong else "",
        note=f"the ballot was {fed.describe()}" if wrong else "",
    )
    prepared.feeder.take_returned()
