"""Power that fails outside of a transaction: in every state, while printing, and until all is dark.

What must hold after every restart: the urn stands where it stood, its counters, parameters and the
log that it had are as they were, and it has looked at votes and log before it went on (an entry of
the kind *integrity-check* since the start). What was being printed can be printed again, whole, and
what was being exported can be exported again (``export_cuts``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from kalys.devices.roles import LogEntry, Urn
from kalys.errors import KalysError, LinkError
from kalys.procedures.control_sheets import control_sheets
from kalys.procedures.deck_run import feed_all, finish, settle
from kalys.procedures.export_cuts import LOG, RESULTS, CutExport
from kalys.procedures.feeding import Fed, feed
from kalys.procedures.power import fed_by_mains
from kalys.procedures.power_cuts import black_out
from kalys.procedures.preparation import (
    Prepared,
    close_polls,
    load_election,
    open_polls,
    prepared_urn,
    print_report,
    to_standby,
)
from kalys.procedures.registry import procedure
from kalys.protocols.urn.messages import ReportKind, Role, UrnState

if TYPE_CHECKING:
    from kalys.ballots.sheet import Sheet
    from kalys.procedures.session import Session

BALLOTS = 3
PRINTING_S = 1.0               # a report takes longer than that
PAUSE_S = 600.0                # between two ballots on the battery
COUNTED_IN = (UrnState.TEST, UrnState.CLOSED)


class Remembered:
    """What an urn tells of itself before the power goes, to be compared with afterwards.

    ``first`` is the number of log entries that are left out: those of the time before.
    """

    def __init__(self, prepared: Prepared, first: int) -> None:
        self._first = first
        self._log = _entries(prepared.urn, first)
        self._told = _told(prepared)

    def compare(self, prepared: Prepared) -> tuple[str, str, str]:
        """What is wrong with votes and settings, with the log, and with the look at both."""
        told = _told(prepared)
        wrong = [
            f"{name} was {before}, and is {told.get(name)}"
            for name, before in self._told.items() if told.get(name) != before
        ]
        log = list(prepared.urn.log(self._first))
        kept = [(entry.sequence, entry.chain) for entry in log[: len(self._log)]]
        gone = unseen = ""
        if kept != self._log:
            lost = len(self._log) - len(set(kept) & set(self._log))
            gone = f"of {len(self._log)} log entries {lost} are gone or changed"
        since = log[len(self._log):]
        if not any(entry.kind == "integrity-check" for entry in since):
            unseen = f"no integrity check since; logged was {_kinds(since)}"
        return "; ".join(wrong), gone, unseen


def _entries(urn: Urn, first: int) -> list[tuple[int, bytes]]:
    return [(entry.sequence, entry.chain) for entry in urn.log(first)]


def _kinds(entries: list[LogEntry]) -> str:
    return ", ".join(entry.kind for entry in entries) or "nothing"


def _told(prepared: Prepared) -> dict[str, Any]:
    """Status, parameters, and totals and records where they may be had."""
    urn = prepared.urn
    status = urn.status()
    told: dict[str, Any] = {
        name: getattr(status, name)
        for name in ("state", "valid", "invalid", "returned", "capacity_left", "event_counter",
                     "definition_sha256")
    }
    told["parameters"] = dict(urn.parameters())
    if status.state in COUNTED_IN:
        urn.login(Role.OPERATOR)
        results = urn.results()
        told["totals"] = (results.sheets, results.votes, results.overvotes, results.undervotes)
        told["records"] = sorted((r.id, r.valid, sorted(r.marks.items())) for r in urn.records())
    return told


@procedure(
    "power.states",
    title="Power cuts in every state, while printing and while exporting",
    requirements=("PWR-003", "PWR-004"),
    device_seconds=400,
    front="pytest",
)
def states(session: Session, parameters: Mapping[str, Any]) -> None:
    """One cut in each state of the urn, in each of its reports and exports, ``rounds`` times."""
    rounds = int(parameters.get("rounds", 1))
    session.instrument = session.supply.identity()
    total = rounds * len(STAGES)
    for turn in range(rounds):
        with prepared_urn(session, opened=False) as prepared, fed_by_mains(session, prepared):
            first = len(prepared.urn.log())
            for number, (stage, reach) in enumerate(STAGES.items(), 1):
                prepared.hands.battery(True)
                reach(session, prepared, turn)
                prepared.hands.battery(False)
                _cut_at(session, prepared, stage, first, turn)
                done = turn * len(STAGES) + number
                session.report_progress(done, total, f"cut {done} of {total}: {stage}")


def _cut_at(
    session: Session, prepared: Prepared, stage: str, first: int, turn: int
) -> None:
    before = Remembered(prepared, first)
    printing, exporting = REPORTS.get(stage), EXPORTS.get(stage)
    if printing is not None:
        prepared.urn.login(Role.OPERATOR)
        before = Remembered(prepared, first)
        prepared.urn.print(printing)
        session.clock.sleep(session.rng(f"{stage}, {turn}").uniform(0.05, PRINTING_S))
    export = None
    if exporting is not None:
        export = CutExport(session, prepared, exporting, f"{stage}, {turn}")
        export.cut()
    else:
        black_out(session, prepared)
    votes, *log = before.compare(prepared)
    audit = "; ".join(filter(None, log))
    if printing is not None:
        votes = "; ".join(filter(None, (votes, _print_again(prepared, printing))))
    if export is not None:
        votes = "; ".join(filter(None, (votes, export.compare())))
    session.count("PWR-003", 1, int(bool(votes)), condition=f"cut {stage}", note=votes)
    session.count("PWR-004", 1, int(bool(audit)), condition=f"cut {stage}", note=audit)


def _print_again(prepared: Prepared, kind: ReportKind) -> str:
    """Print the report that was cut off; what is wrong with it."""
    prepared.urn.login(Role.OPERATOR)
    prepared.urn.drain()
    tape = print_report(prepared, kind)
    return "" if tape.lines else f"the {kind} report could not be printed again"


def _ready(session: Session, prepared: Prepared, turn: int) -> None:  # noqa: ARG001
    prepared.urn.login(Role.ADMINISTRATOR)
    load_election(prepared)


def _stay(session: Session, prepared: Prepared, turn: int) -> None:
    """Where the urn is, is where the power goes."""


def _test(session: Session, prepared: Prepared, turn: int) -> None:
    prepared.urn.login(Role.OPERATOR)
    prepared.urn.test_mode(True)
    _ballots(session, prepared, f"test.{turn}")


def _open(session: Session, prepared: Prepared, turn: int) -> None:
    prepared.urn.login(Role.OPERATOR)
    prepared.urn.test_mode(False)
    print_report(prepared, ReportKind.ZERO)
    open_polls(prepared)
    _ballots(session, prepared, f"open.{turn}")


def _closed(session: Session, prepared: Prepared, turn: int) -> None:  # noqa: ARG001
    close_polls(prepared)


def _standby(session: Session, prepared: Prepared, turn: int) -> None:  # noqa: ARG001
    to_standby(prepared.urn)


def _ballots(session: Session, prepared: Prepared, name: str) -> None:
    sheets = control_sheets(session, prepared, f"power.states.{name}")
    feed_all(session, prepared, tuple(islice(sheets, BALLOTS)))
    settle(session, prepared)


STAGES: Mapping[str, Callable[[Session, Prepared, int], None]] = {
    "in standby": _standby,
    "in ready": _ready,
    "while the zero report is printed": _stay,
    "in test": _test,
    "in open": _open,
    "in closed": _closed,
    "while the results report is printed": _stay,
    "while the results are exported": _stay,
    "while the log is exported": _stay,
}
EXPORTS = {
    "while the results are exported": RESULTS,
    "while the log is exported": LOG,
}
REPORTS = {
    "while the zero report is printed": ReportKind.ZERO,
    "while the results report is printed": ReportKind.RESULTS,
}


@procedure(
    "power.exhaustion",
    title="When the battery is empty nothing is forgotten",
    requirements=("PWR-002",),
    device_seconds=14_400,
    front="pytest",
)
def exhaustion(session: Session, parameters: Mapping[str, Any]) -> None:
    """Ballots on the battery until all is dark; then everything must be as it was."""
    most = float(parameters.get("most_minutes", 480))
    session.instrument = session.supply.identity()
    with prepared_urn(session) as prepared, fed_by_mains(session, prepared):
        prepared.hands.battery(True)
        first = len(prepared.urn.log())
        session.supply.output(False)
        fed, remembered = _until_dark(session, prepared, first, most)
        session.supply.output(True)
        prepared.urn.reconnect()
        votes, log, _ = remembered.compare(prepared)
        wrong = "; ".join(filter(None, (votes, log)))
        session.count("PWR-002", 1, int(bool(wrong)), condition="after black-out", note=wrong)
        if not wrong:
            run = finish(session, prepared, fed)
            wrong = "; ".join((*run.comparison.notes, *run.wrong.values()))
            session.count(
                "PWR-002", len(fed), int(bool(wrong)), condition="ballots cast on the battery",
                note=wrong,
            )


def _until_dark(
    session: Session, prepared: Prepared, first: int, most: float
) -> tuple[list[tuple[Sheet, Fed]], Remembered]:
    """A ballot every ten minutes until the urn is silent; KalysError when that takes too long."""
    fed: list[tuple[Sheet, Fed]] = []
    remembered: Remembered | None = None
    began = session.clock.now()
    for sheet in control_sheets(session, prepared, "power.exhaustion"):
        minutes = (session.clock.now() - began) / 60e9
        if minutes > most:
            raise KalysError(
                f"after {most:g} min without mains the urn still works on its battery",
                remedy="Give most_minutes a larger value in the plan.",
            )
        session.report_progress(int(minutes), int(most), f"{minutes:.0f} min on battery")
        try:
            prepared.urn.status()
        except LinkError:
            break
        fed.append((sheet, feed(session, prepared, sheet)))
        settle(session, prepared)
        remembered = Remembered(prepared, first)
        session.clock.sleep(PAUSE_S)
    if remembered is None:
        raise KalysError("the urn was silent as soon as its mains went off, with its battery on")
    return fed, remembered
