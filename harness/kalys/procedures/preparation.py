"""Bringing an urn to a known state before a procedure, and back to where it was after it.

``prepared_urn`` is the way in for every procedure that feeds sheets: whatever the urn was doing, it
ends its election, empties the box, sets the urn's clock to ten minutes before the polls open on
election day, loads the definition, takes the zero report and opens the polls. When the block ends,
however it ends, the election is closed and reset, the clock is right again and the urn stands in
STANDBY with nobody logged in.

Times of day are local times of the election's date, as the law gives them; the urn's clock is set
to them, the run's clock never is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

from kalys.ballots.package import urn_package
from kalys.devices.roles import Feeder, Hands, Printer, Tape, Urn
from kalys.errors import KalysError, Refused
from kalys.protocols.urn.messages import EventKind, Purpose, ReportKind, Result, Role, UrnState

if TYPE_CHECKING:
    from kalys.ballots.stock import SecurityMark
    from kalys.bench.profile import Profile
    from kalys.election.definition import ElectionDefinition
    from kalys.procedures.session import Session

STATION = "1001"
BEFORE_OPENING = timedelta(minutes=-10)
AFTER_THE_HOUR = timedelta(seconds=5)
PRINT_TIMEOUT_S = 300.0
# The report after closing is timed, its limit is 300 s (TIM-009): a slow one must be measured too.
FINAL_REPORT_TIMEOUT_S = 1200.0
# A sheet on its way comes to rest by itself, in the box, at the throat or jammed.
COME_TO_REST_S = 30.0
LOOK_EVERY_S = 0.5
_LOOKS = round(COME_TO_REST_S / LOOK_EVERY_S)


@dataclass(frozen=True)
class Prepared:
    """An urn with the roles around it, ready for a procedure."""

    urn: Urn
    feeder: Feeder
    hands: Hands
    printer: Printer
    profile: Profile
    style: str
    definition: ElectionDefinition
    security_mark: SecurityMark | None = None


@contextmanager
def prepared_urn(
    session: Session, *, style: str = "KG-PL", urn: str | None = None, opened: bool = True,
    station: str = STATION, security_mark: SecurityMark | None = None,
) -> Iterator[Prepared]:
    """An urn with the definition of ``style`` loaded, an empty box and a zero report printed.

    ``urn`` names another urn of the bench than the device under test; ``opened`` also opens the
    polls, at five seconds past the hour. ``station`` is the number of the polling station;
    ``security_mark`` what the election's ballots bear, if the urn is to look for it.
    """
    prepared = replace(_roles(session, style, urn), security_mark=security_mark)
    with restored(session, prepared.urn):
        end_election(prepared)
        prepared.feeder.empty_box()
        prepared.feeder.take_returned()
        load_election(prepared, station)
        if opened:
            open_polls(prepared)
        yield prepared


@contextmanager
def restored(
    session: Session, urn: Urn, undo: Callable[[], None] | None = None
) -> Iterator[None]:
    """Whatever happens inside: afterwards the urn is in STANDBY, on time, nobody logged in.

    ``undo`` is called in STANDBY, with an administrator logged in. An error of the tidying up is
    raised only when the block itself ended well; otherwise it goes to the journal, so that it does
    not hide what went wrong first.
    """
    try:
        yield
    except BaseException:
        try:
            tidy(session, urn, undo)
        except KalysError as second:
            session.journal.add("note", {"text": f"while tidying up {urn.name}: {second}"})
        raise
    tidy(session, urn, undo)


def tidy(session: Session, urn: Urn, undo: Callable[[], None] | None = None) -> None:
    """End the election on the urn, undo what else was changed, set its clock right, log out."""
    to_standby(urn)
    if undo is not None:
        undo()
    urn.set_clock(session.clock.utc().astimezone(session.definition.timezone))
    urn.logout()
    urn.drain()


def to_standby(urn: Urn) -> None:
    """End whatever election the urn is in; an administrator is logged in afterwards."""
    urn.login(Role.ADMINISTRATOR)
    status = urn.status()
    if status.alarm:
        urn.clear_alarm()
        status = urn.status()
    if status.state is UrnState.OPEN:
        _close_anyhow(urn)
    if status.state is not UrnState.STANDBY:
        _when_free(urn, urn.reset_election)


def _close_anyhow(urn: Urn) -> None:
    """Close; an urn that finds its counters broken only now is told to go on all the same."""
    try:
        _when_free(urn, urn.close)
    except Refused:
        urn.clear_alarm()
        urn.close()


def _when_free(urn: Urn, command: Callable[[], None]) -> None:
    """Give a command; an urn that is busy with a sheet gets time to bring it to rest."""
    for _ in range(_LOOKS):
        try:
            command()
            return
        except Refused as refused:
            if refused.code != Result.BUSY:
                raise
        _wait_a_little(urn)
    command()


def _path_at_rest(urn: Urn) -> str:
    """The urn's path as its status tells it, when no sheet is being fed any more."""
    for _ in range(_LOOKS):
        path = urn.status().path
        if path != "feeding":
            return path
        _wait_a_little(urn)
    return urn.status().path


def _wait_a_little(urn: Urn) -> None:
    """Let the run's clock go on; what the urn reports meanwhile is heard."""
    urn.wait((), LOOK_EVERY_S)


def end_election(prepared: Prepared) -> None:
    """Bring the urn to STANDBY, and take out what may still be stuck in its path."""
    # A sheet that is on its way, as when a run is taken up again, may still jam.
    if _path_at_rest(prepared.urn) == "jammed":
        prepared.feeder.clear_jam()
    to_standby(prepared.urn)


def load_election(prepared: Prepared, station: str = STATION) -> Tape:
    """Before opening time: load the definition and print the zero report; returns its tape."""
    prepared.urn.set_clock(prepared.definition.opens + BEFORE_OPENING)
    package = urn_package(
        prepared.definition, prepared.style, station, security_mark=prepared.security_mark)
    prepared.urn.load(Purpose.DEFINITION, package)
    return print_report(prepared, ReportKind.ZERO)


def open_polls(prepared: Prepared) -> None:
    """Open the polls as an operator, five seconds past the opening hour."""
    prepared.urn.login(Role.ADMINISTRATOR)
    prepared.urn.set_clock(prepared.definition.opens + AFTER_THE_HOUR)
    prepared.urn.login(Role.OPERATOR)
    prepared.urn.open()


def close_polls(prepared: Prepared) -> None:
    """Close the polls as an operator, five seconds past the closing hour."""
    prepared.urn.login(Role.ADMINISTRATOR)
    prepared.urn.set_clock(prepared.definition.closes + AFTER_THE_HOUR)
    prepared.urn.login(Role.OPERATOR)
    prepared.urn.close()


def local_time(definition: ElectionDefinition, hour: str) -> datetime:
    """That hour ("08:00" or "08:00:05") of election day, in the zone of the election."""
    return datetime.combine(definition.date, time.fromisoformat(hour), definition.timezone)


def print_report(prepared: Prepared, kind: ReportKind) -> Tape:
    """Print a report, wait until the paper is out, and return the tape since the last call."""
    prepared.printer.tape()
    prepared.urn.print(kind)
    timeout = FINAL_REPORT_TIMEOUT_S if kind is ReportKind.RESULTS else PRINT_TIMEOUT_S
    if prepared.urn.wait([EventKind.PRINTED], timeout) is None:
        raise KalysError(
            f"{prepared.urn.name} began to print the {kind} report and did not finish within "
            f"{timeout:.0f} s",
            remedy="Look at the paper roll and at the printer's cable.",
        )
    return prepared.printer.tape()


def _roles(session: Session, style: str, name: str | None) -> Prepared:
    if name is None or name == session.urn.name:
        return Prepared(
            session.urn, session.feeder, session.hands, session.printer, session.profile, style,
            session.definition,
        )
    bench = session.bench
    urn, feeder, hands = bench.urn(name), bench.feeder(name), bench.hands(name)
    printer = bench.printer(name)
    for role, found in (("urn", urn), ("feeder", feeder), ("hands", hands), ("printer", printer)):
        if found is None:
            raise KalysError(
                f"the bench has no {role} for {name}",
                remedy="Name one in the bench file, or by: operator.",
            )
    assert urn is not None and feeder is not None and hands is not None and printer is not None
    return Prepared(
        urn, feeder, hands, printer, bench.profile(name), style, session.definition
    )
