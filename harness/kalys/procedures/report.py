"""Zero and results reports: REP-001 to REP-006, REP-008 and REP-009.

An urn's reports are what the commission signs. The procedures here walk one urn through an
election and look at paper, link and records at the moments that matter: before the polls open,
while they are open, and after. ``kalys.procedures.consolidation`` has the report of two urns.

Rules: VVSG 2.0 1.1.2-E, -H, -L, 1.1.3-B, 1.1.7-E, 1.1.9-B to -M, 9.1.5-D; the demonstration with 13
ballots before the polls open is Kyrgyz practice (topnews.kg, 2015-08-20).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from kalys.ballots.deck import volume
from kalys.election.tally import Tally
from kalys.errors import Refused
from kalys.procedures import printed, totals
from kalys.procedures.comparison import expected_tally, tally_of_records, tally_of_results
from kalys.procedures.deck_run import settle
from kalys.procedures.feeding import feed, feed_deck
from kalys.procedures.preparation import (
    AFTER_THE_HOUR,
    STATION,
    Prepared,
    close_polls,
    end_election,
    load_election,
    open_polls,
    prepared_urn,
)
from kalys.procedures.registry import procedure
from kalys.procedures.watching import Tail, await_boot
from kalys.protocols.urn.messages import ReportKind, Role, UrnState

if TYPE_CHECKING:
    from kalys.ballots.sheet import Sheet
    from kalys.procedures.session import Session

ROLES: tuple[Role | None, ...] = (None, Role.OPERATOR, Role.AUDITOR, Role.ADMINISTRATOR)
CLOCK_TOLERANCE_S = 120.0          # of a report's stamp against the urn's clock after printing


@procedure(
    "report.zero", title="The zero report says all it must", requirements=("REP-002",),
    device_seconds=60, front="robot",
)
def zero(session: Session, parameters: Mapping[str, Any]) -> None:  # noqa: ARG001
    """Every item of VVSG 2.0 1.1.2-L is looked for on the paper, every register one by one."""
    with prepared_urn(session, style=session.style, opened=False) as prepared:
        prepared.urn.login(Role.OPERATOR)
        report = printed.take(prepared, ReportKind.ZERO)
    items = dict(zero_items(session, prepared, report))
    missing = [item for item, there in items.items() if not there]
    session.count(
        "REP-002", len(items), len(missing),
        note=f"missing or not zero: {', '.join(missing[:6])}" if missing else "",
    )


def zero_items(
    session: Session, prepared: Prepared, report: printed.Printed
) -> Iterator[tuple[str, bool]]:
    """Each item that the zero report must hold, and whether it does.

    Every option's register must be there, and zero, at both storage locations: totals and records.
    """
    found = report.found
    for item in ("device", "software", "failures"):
        yield item, item not in report.missing
    yield "election that is loaded", found["election"] == prepared.definition.id
    yield "station that is loaded", found["station"] == STATION
    yield "serial number of the device", found["serial"] == prepared.urn.identity().serial
    yield "ballot style", prepared.style in found["styles"]
    for what in ("counted", "valid", "invalid"):
        yield what, found[what] == 0
    for contest in session.definition.style_contests(prepared.style):
        for place in ("votes", "records"):
            row = found[place].get(contest.id, {})
            for option in contest.option_ids:
                yield f"{contest.id}/{option} in {place}", row.get(option) == 0
        for what in ("overvotes", "undervotes"):
            yield f"{contest.id} {what}", found[what].get(contest.id) == 0


@procedure(
    "report.non_zero_opening", title="No opening while a counter is not zero",
    requirements=("REP-001",), device_seconds=600, front="robot",
)
def non_zero_opening(session: Session, parameters: Mapping[str, Any]) -> None:
    """A counter is disturbed before each attempt to open; then test votes are left behind."""
    trials = int(parameters.get("trials", 5))
    rng = session.rng("report.non_zero_opening")
    contests = session.definition.style_contests(session.style)
    with prepared_urn(session, style=session.style, opened=False) as prepared:
        tail = Tail(prepared.urn)
        for trial in range(1, trials):
            contest = rng.choice(contests)
            option = rng.choice(contest.option_ids)
            value = rng.randint(1, 999)
            prepared.hands.disturb_counter(contest.id, option, value)
            tail.new()
            wrong = _opens_anyway(prepared, tail)
            session.count(
                "REP-001", 1, int(bool(wrong)), condition="disturbed counter",
                note=f"{contest.id}/{option} stood at {value}: {wrong}" if wrong else "",
            )
            end_election(prepared)
            load_election(prepared)
            session.report_progress(trial, trials, f"attempt {trial} of {trials}")
        wrong = _left_by_tests(session, prepared)
        session.count("REP-001", 1, int(bool(wrong)), condition="after a test", note=wrong)
        session.report_progress(trials, trials, "after a test")


def _opens_anyway(prepared: Prepared, tail: Tail) -> str:
    """Try to open; in words what is wrong (opened, or not logged), empty when all is well."""
    try:
        open_polls(prepared)
    except Refused as refused:
        told = refused.code
    else:
        return "the polls opened"
    entries = [entry for entry in tail.new() if not well(entry.outcome)]
    return "" if entries else f"it was refused ({told}) and no entry of the log says so"


def well(outcome: str) -> bool:
    """Whether a log entry's outcome says that all went well."""
    return outcome.strip().lower() in ("ok", "success", "granted", "done")


def _left_by_tests(session: Session, prepared: Prepared) -> str:
    """Tests before the opening, then the opening: refused, or every total is zero."""
    _test(session, prepared, 5, "report.non_zero_opening.test")
    prepared.urn.login(Role.OPERATOR)
    printed.take(prepared, ReportKind.ZERO)
    try:
        open_polls(prepared)
    except Refused:
        return ""
    close_polls(prepared)
    found = tally_of_results(prepared.urn.results())
    left = Tally(session.definition.style_contests(prepared.style)).difference(found)
    return f"the polls opened with test votes in the totals: {totals.told(left)}" if left else ""


def _test(session: Session, prepared: Prepared, sheets: int, name: str) -> list[Sheet]:
    """A demonstration in test mode; afterwards the urn is ready again."""
    urn = prepared.urn
    urn.login(Role.ADMINISTRATOR)
    urn.test_mode(True)
    deck = volume(session.definition, prepared.style, sheets, session.rng(name).getrandbits(31))
    feed_deck(session, prepared, deck)
    settle(session, prepared)
    urn.login(Role.ADMINISTRATOR)
    urn.test_mode(False)
    prepared.feeder.empty_box()
    return list(deck.sheets)


@procedure(
    "report.test_mode", title="Tests before the election leave no trace in its results",
    requirements=("REP-003",), device_seconds=240, front="robot",
)
def test_mode(session: Session, parameters: Mapping[str, Any]) -> None:
    """The demonstration of 13 ballots, a zero report, then an election; only the latter counts."""
    with prepared_urn(session, style=session.style, opened=False) as prepared:
        _test(session, prepared, int(parameters.get("sheets", 13)), "report.test_mode.tests")
        prepared.urn.login(Role.OPERATOR)
        printed.take(prepared, ReportKind.ZERO)
        open_polls(prepared)
        truth = vote(session, prepared, int(parameters.get("votes", 8)), "report.test_mode.votes")
        close_polls(prepared)
        contests = session.definition.style_contests(prepared.style)
        prepared.urn.login(Role.OPERATOR)
        tellings: dict[str, Tally | None] = {
            "totals": tally_of_results(prepared.urn.results()),
            "records": tally_of_records(contests, prepared.urn.records()),
            "printed report": printed.take(prepared, ReportKind.RESULTS).tally,
        }
    for name, tally in tellings.items():
        totals.compare(
            session, "REP-003", truth, tally, condition=f"votes of the election alone = {name}"
        )


def vote(session: Session, prepared: Prepared, sheets: int, name: str) -> Tally:
    """Cast ballots; the truth of those that lie in the box afterwards."""
    deck = volume(session.definition, prepared.style, sheets, session.rng(name).getrandbits(31))
    feed_deck(session, prepared, deck)
    settle(session, prepared)
    return truth_in_box(session, prepared, deck.sheets)


def truth_in_box(session: Session, prepared: Prepared, offered: Sequence[Sheet]) -> Tally:
    """What a correct urn has counted: the truth of the sheets that lie in its box."""
    known = {sheet.id: sheet for sheet in offered}
    box = prepared.feeder.box()
    lying = [known[sheet] for sheet in (*box.valid, *box.invalid) if sheet in known]
    return expected_tally(session.definition.style_contests(prepared.style), lying)


@procedure(
    "report.totals_while_open", title="No totals while the polls are open",
    requirements=("REP-004",), device_seconds=180, front="robot",
)
def totals_while_open(session: Session, parameters: Mapping[str, Any]) -> None:
    """Every role asks for totals by every command; then for ballot counts, which are allowed."""
    with prepared_urn(session) as prepared:
        vote(session, prepared, int(parameters.get("sheets", 5)), "report.totals_while_open")
        for role in ROLES:
            prepared.urn.logout()
            if role is not None:
                prepared.urn.login(role)
            who = role or "nobody logged in"
            for what, leaked in totals.attempts(prepared):
                session.count(
                    "REP-004", 1, int(bool(leaked)), condition=f"{who}: {what}", note=leaked
                )
        prepared.urn.login(Role.OPERATOR)
        leaks = printed.take(prepared, ReportKind.STATUS).vote_registers()
        session.count(
            "REP-004", 1, int(bool(leaks)), condition="status report",
            note=f"the status report shows votes: {leaks[:3]}" if leaks else "",
        )


@procedure(
    "report.results", title="Reports carry the time, are complete, and agree",
    requirements=("REP-005", "REP-006", "REP-009"), device_seconds=300, front="robot",
)
def results(session: Session, parameters: Mapping[str, Any]) -> None:
    """Every kind of report in the course of one election; the results are recomputed."""
    sheets = int(parameters.get("sheets", 40))
    truth: list[Tally] = []
    with prepared_urn(session, style=session.style, opened=False) as prepared:
        contests = session.definition.style_contests(prepared.style)
        reports = {
            report.kind: report
            for report in every_report(
                prepared, lambda: truth.append(vote(session, prepared, sheets, "report.results"))
            )
        }
        electronic = tally_of_results(prepared.urn.results())
        records = tally_of_records(contests, prepared.urn.records())
    for report in reports.values():
        wrong = untimely(report)
        session.count("REP-005", 1, int(bool(wrong)), condition=f"{report.kind} report", note=wrong)
    paper = reports[ReportKind.RESULTS].tally
    totals.compare(session, "REP-006", truth[0], paper, condition="sheets in the box = paper")
    doubled = reports[ReportKind.RESULTS].found["doubled"]
    session.count(
        "REP-006", 1, int(bool(doubled)), condition="each register once",
        note=f"on the paper more than once: {', '.join(doubled[:5])}" if doubled else "",
    )
    totals.compare(session, "REP-009", electronic, paper, condition="totals = printed report")
    totals.compare(session, "REP-009", electronic, records, condition="totals = records")


def every_report(prepared: Prepared, vote: Callable[[], object]) -> Iterator[printed.Printed]:
    """Walk a ready urn through an election and print every kind of report on the way.

    ``vote`` is called while the polls are open. The urn ends CLOSED with an operator logged in.
    """
    urn = prepared.urn
    urn.login(Role.ADMINISTRATOR)
    urn.test_mode(True)
    yield printed.take(prepared, ReportKind.TEST)
    urn.test_mode(False)
    yield printed.take(prepared, ReportKind.PARAMETERS)
    yield printed.take(prepared, ReportKind.ZERO)
    open_polls(prepared)
    vote()
    urn.login(Role.OPERATOR)
    yield printed.take(prepared, ReportKind.STATUS)
    close_polls(prepared)
    yield printed.take(prepared, ReportKind.RESULTS)
    yield printed.take(prepared, ReportKind.STATION)


def untimely(report: printed.Printed) -> str:
    """What is wrong with a report's date and time, in words."""
    if report.moment is None:
        return f"the {report.kind} report has no date and time to the second"
    off = (report.moment - report.device_time).total_seconds()
    if abs(off) > CLOCK_TOLERANCE_S:
        return f"the {report.kind} report is stamped {off:+.0f} s off the urn's clock"
    return ""


@procedure(
    "report.reopening", title="After closing there is no way back to voting",
    requirements=("REP-008",), device_seconds=180, front="robot",
)
def reopening(session: Session, parameters: Mapping[str, Any]) -> None:  # noqa: ARG001
    """Every role tries to open, to test, with the clock put back, restarted; then to vote."""
    with prepared_urn(session) as prepared:
        vote(session, prepared, 3, "report.reopening")
        close_polls(prepared)
        for what, attempt in reopenings(prepared):
            wrong = _reopened(prepared, attempt)
            session.count("REP-008", 1, int(bool(wrong)), condition=what, note=wrong)
        before = prepared.urn.status()
        sheet = volume(session.definition, prepared.style, 1, session.seed).sheets[0]
        fed = feed(session, prepared, sheet)
        after = prepared.urn.status()
        more = after.valid + after.invalid - before.valid - before.invalid
        session.count(
            "REP-008", 1, int(fed.counted or more != 0), condition="a ballot offered",
            note=f"it was {fed.describe()}, {more} more counted" if fed.counted or more else "",
        )


def reopenings(prepared: Prepared) -> Iterator[tuple[str, Callable[[], None]]]:
    """The ways in which somebody might try to vote again."""
    urn = prepared.urn

    def as_role(role: Role | None, act: Callable[[], None]) -> Callable[[], None]:
        def attempt() -> None:
            urn.logout()
            if role is not None:
                urn.login(role)
            act()

        return attempt

    def with_clock_back() -> None:
        urn.login(Role.ADMINISTRATOR)
        urn.set_clock(prepared.definition.opens + timedelta(hours=4))
        urn.login(Role.OPERATOR)
        urn.open()

    def after_restart() -> None:
        urn.login(Role.ADMINISTRATOR)
        urn.drain()
        urn.restart()
        await_boot(urn)
        urn.login(Role.OPERATOR)
        urn.open()

    for role in ROLES:
        who = role or "nobody logged in"
        yield f"{who}: OPEN", as_role(role, urn.open)
        yield f"{who}: TEST_MODE", as_role(role, lambda: urn.test_mode(True))
    yield "clock put back to noon, then OPEN", with_clock_back
    yield "restarted, then OPEN", after_restart
    yield "clock after closing time, then OPEN", as_role(Role.OPERATOR, urn.open)


def _reopened(prepared: Prepared, attempt: Callable[[], None]) -> str:
    """What is wrong after the attempt, in words; the urn is closed again if it had opened."""
    try:
        attempt()
        granted = True
    except Refused:
        granted = False
    state = prepared.urn.status().state
    if state is UrnState.OPEN:
        prepared.urn.login(Role.ADMINISTRATOR)
        prepared.urn.set_clock(prepared.definition.closes + AFTER_THE_HOUR)
        prepared.urn.close()
    elif state is UrnState.TEST:
        prepared.urn.login(Role.ADMINISTRATOR)
        prepared.urn.test_mode(False)
    if state in (UrnState.OPEN, UrnState.TEST):
        return f"the urn went from closed to {state}"
    return "it was granted" if granted else ""
