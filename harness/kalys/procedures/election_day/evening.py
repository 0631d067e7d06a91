"""Bursts, and the evening: closing, reading out, and one report of the station's urns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from kalys.devices.roles import Urn
from kalys.election.tally import Tally
from kalys.errors import KalysError
from kalys.procedures import printed, totals
from kalys.procedures.comparison import tally_of_records, tally_of_results
from kalys.procedures.deck_run import settle
from kalys.procedures.election_day.play import STEPS
from kalys.procedures.feeding import feed
from kalys.procedures.timing_budget import interval_u, measure_host
from kalys.protocols.urn.messages import Purpose, ReportKind, Role

if TYPE_CHECKING:
    from kalys.procedures.election_day.duty import OnDuty
    from kalys.procedures.election_day.play import Play

HOST_READINGS = 10
CLOCK_PATIENCE_S = 120.0      # how long the commission waits for the urn's clock to reach the hour

# The kinds of log entry that a day must leave (LOG-005), and what of it they stand for.
KINDS_OF_A_DAY: Mapping[str, str] = {
    "authentication": "log-ins of the day",
    "zero-check": "the zero report",
    "open": "the opening",
    "cast": "the ballots cast",
    "close": "the closing",
}


def await_hour(play: Play, urn: Urn, hour: datetime) -> None:
    """Wait, as a commission does, until the urn's own clock shows the hour."""
    left = (hour - urn.read_clock().device).total_seconds()
    if 0 < left <= CLOCK_PATIENCE_S:
        play.clock.sleep(left + 0.01)


def burst(play: Play, step: Any, duty: OnDuty) -> None:
    """Sheets without a pause; whole cycles from the first acceptance to the last (TIM-007)."""
    session, declared = play.session, duty.prepared.profile.limits.sheets_per_minute
    if declared is None:
        session.not_applicable("TIM-007", "the profile declares no throughput")
        return
    settle(session, duty.prepared)
    host = measure_host(duty.urn, play.clock, HOST_READINGS)
    accepted = []
    for _ in range(max(2, round(declared * step.minutes) + 1)):
        fed = feed(session, duty.prepared, duty.spare(step.papers))
        if fed.outcome == "jammed":
            duty.prepared.feeder.clear_jam()
        if fed.counted:
            accepted.append(fed.finished)
    if len(accepted) < 2:
        raise KalysError(f"{duty.name} accepted {len(accepted)} sheets of a burst",
                         where=step.where)
    seconds = (accepted[-1] - accepted[0]) / 1e9
    rate = (len(accepted) - 1) / (seconds / 60) / declared
    session.reading(
        "TIM-007", rate, "1", rate * interval_u(seconds, host) / seconds,
        condition=f"{duty.name}, {len(accepted) - 1} sheets in {seconds:.1f} s",
    )
    play.note(step, duty.name, rate >= 1, f"{rate:.3f} of the declared throughput")


def close(play: Play, step: Any, duty: OnDuty) -> None:
    """Close at the hour and print the results; from the command to the end of the paper."""
    session = play.session
    duty.urn.login(Role.OPERATOR)
    await_hour(play, duty.urn, session.definition.closes)
    host = measure_host(duty.urn, session.clock, HOST_READINGS)
    started = session.clock.now()
    duty.urn.close()
    duty.closed = True
    report = printed.take(duty.prepared, ReportKind.RESULTS)
    seconds = (report.finished - started) / 1e9
    session.reading(
        "TIM-009", seconds, "s", interval_u(seconds, host),
        condition=f"{duty.name}, {duty.counted()} sheets",
    )
    duty.results = report
    play.note(step, duty.name, True, f"closed and printed in {seconds:.1f} s")


def export(play: Play, step: Any, duty: OnDuty) -> None:
    """Totals, records, printed report and box say the same; the day stands in the log."""
    session = play.session
    duty.urn.login(Role.OPERATOR)
    truth = duty.truth()
    electronic = tally_of_results(duty.urn.results())
    records = tally_of_records(duty.contests, duty.urn.records())
    for requirement, first, one, second, other in _comparisons(duty, truth, electronic, records):
        totals.compare(
            session, requirement, one, other, condition=f"{duty.name}: {first} = {second}"
        )
    kinds = {entry.kind for entry in duty.tail.new()}
    for kind, what in KINDS_OF_A_DAY.items():
        if kind == "cast" and not truth.sheets:
            continue
        session.check("LOG-005", kind, kind in kinds, f"{duty.name} logged nothing of {what}")
    play.note(
        step, duty.name, True,
        f"{truth.sheets} sheets were cast, {duty.turned_away} voters turned away after closing",
    )


def _comparisons(
    duty: OnDuty, truth: Tally, electronic: Tally, records: Tally
) -> Iterator[tuple[str, str, Tally, str, Tally | None]]:
    yield "ACC-009", "sheets in the box", truth, "totals", electronic
    yield "ACC-009", "sheets in the box", truth, "records", records
    yield "REP-009", "totals", electronic, "records", records
    if duty.results is not None:
        yield "REP-009", "totals", electronic, "printed report", duty.results.tally


def consolidate(play: Play, step: Any, source: OnDuty) -> None:
    """The results of one urn are taken to another, which prints the report of the station."""
    source.urn.login(Role.OPERATOR)
    data, truth = source.urn.export("results"), source.truth()
    play.put(step.into, 0.0, STEPS, lambda: _print_station(play, step, data, truth))


def _print_station(play: Play, step: Any, data: bytes, truth: Tally) -> None:
    into = play.duties[step.into]
    into.urn.login(Role.OPERATOR)
    into.urn.load(Purpose.RESULTS, data)
    report = printed.take(into.prepared, ReportKind.STATION)
    truth.merge(into.truth())
    totals.compare(
        play.session, "REP-007", truth, report.tally,
        condition=f"{step.source} into {step.into}: sheets in both boxes = station report",
    )
    play.note(step, step.into, True, "the station's report was printed")
