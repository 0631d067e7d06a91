"""LOG-001 at the edges of the calendar: midnight, leap days, the turn of the year, summer time.

A stamp can have the right form and name the wrong moment. The clock is set to shortly before an
edge, the urn lives across it, and what it logs afterwards must be stamped with the moment that has
been reached, in the zone that was set. Kyrgyzstan has kept UTC+6 all the year round since 12 August
2005 (IANA time zone database, Asia/Bishkek); software that knows an older rule moves the clock at
the last Sundays of March and October.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from kalys.procedures.log import complete_stamp
from kalys.procedures.preparation import restored
from kalys.procedures.registry import procedure
from kalys.procedures.watching import Tail
from kalys.protocols.urn.messages import Role

if TYPE_CHECKING:
    from kalys.devices.roles import LogEntry
    from kalys.election.definition import ElectionDefinition
    from kalys.procedures.session import Session

BEFORE_S = 2.0
AFTER_S = 2.0
TOLERANCE_S = 2.0             # of a stamp: whole seconds, and the time that a request takes


@dataclass(frozen=True)
class Edge:
    """A moment, local, that a clock must cross like any other."""

    name: str
    moment: datetime


def edges(definition: ElectionDefinition) -> tuple[Edge, ...]:
    """The edges that follow the election: its midnight, and one of each other kind."""
    midnight = datetime.combine(
        definition.date + timedelta(days=1), datetime.min.time(), definition.timezone
    )
    year = midnight.year + 1
    leap = next(y for y in range(year, year + 9) if y % 4 == 0 and (y % 100 or y % 400 == 0))
    return (
        Edge("midnight after election day", midnight),
        Edge("the turn of the year", midnight.replace(year=year, month=1, day=1)),
        Edge("29 February of a leap year", midnight.replace(year=leap, month=2, day=29)),
        Edge("1 March of a leap year", midnight.replace(year=leap, month=3, day=1)),
        Edge("1 March of a common year", midnight.replace(year=leap + 1, month=3, day=1)),
        Edge("summer time would begin", _last_sunday(midnight, year, 3).replace(hour=2)),
        Edge("summer time would end", _last_sunday(midnight, year, 10).replace(hour=3)),
    )


def _last_sunday(midnight: datetime, year: int, month: int) -> datetime:
    last = midnight.replace(year=year, month=month, day=31)
    return last - timedelta(days=(last.weekday() + 1) % 7)


@procedure(
    "log.calendar", title="Stamps are right across the edges of the calendar",
    requirements=("LOG-001",), device_seconds=60, front="robot",
)
def calendar(session: Session, parameters: Mapping[str, Any]) -> None:  # noqa: ARG001
    """Set the clock to just before each edge, wait, and look at what is logged after it."""
    urn = session.urn
    chosen = edges(session.definition)
    with restored(session, urn):
        tail = Tail(urn)
        for number, edge in enumerate(chosen, 1):
            urn.login(Role.ADMINISTRATOR)
            urn.set_clock(edge.moment - timedelta(seconds=BEFORE_S))
            began = session.clock.now()
            session.clock.sleep(BEFORE_S + AFTER_S)
            tail.new()
            urn.login(Role.AUDITOR)
            passed = timedelta(seconds=(session.clock.now() - began) / 1e9 - BEFORE_S)
            wrong = "; ".join(_off(tail.new(), edge.moment + passed))
            session.count("LOG-001", 1, int(bool(wrong)), condition=edge.name, note=wrong)
            session.report_progress(number, len(chosen), edge.name)


def _off(entries: list[LogEntry], expected: datetime) -> Iterator[str]:
    """What is wrong with the stamps of entries that were made at ``expected``, in words."""
    if not entries:
        yield "a log-in left no entry"
    for entry in entries:
        told = f"no. {entry.sequence} is stamped {entry.stamp!r}, it was {expected.isoformat()}"
        if not complete_stamp(entry):
            yield told
            continue
        moment = datetime.fromisoformat(entry.stamp.replace(",", "."))
        late = abs((moment - expected).total_seconds()) > TOLERANCE_S
        if late or moment.utcoffset() != expected.utcoffset():
            yield told
