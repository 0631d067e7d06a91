"""What happens at each step of an election day, and what each shows.

``Play`` is the state of the day, ``OnDuty`` one urn in it. ``do`` plays one step of the script: it
drives the roles, and reports what the requirements want to know. An expectation of the script that
no requirement judges goes to the journal as a note, met or not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from kalys.ballots.deck import volume
from kalys.ballots.sheet import Sheet
from kalys.ballots.truth import returned
from kalys.devices.roles import Urn
from kalys.election.definition import Contest
from kalys.election.tally import Tally
from kalys.errors import ConfigurationError, KalysError, Refused
from kalys.procedures import day_script, printed, totals
from kalys.procedures.comparison import expected_tally, tally_of_records, tally_of_results
from kalys.procedures.feeding import Fed, feed
from kalys.procedures.power import fed_by_mains
from kalys.procedures.power_cuts import cut_offsets, cut_once
from kalys.procedures.preparation import Prepared
from kalys.procedures.timing_budget import interval_u, measure_host
from kalys.procedures.watching import Tail
from kalys.protocols.urn.messages import Purpose, ReportKind, ReturnReason, Role, UrnState

if TYPE_CHECKING:
    from kalys.procedures.day_script import AnyStep, Day
    from kalys.procedures.session import Session

ATTEMPTS = 3                  # how often a voter offers a ballot that comes back
HOST_READINGS = 10
CLOCK_PATIENCE_S = 120.0      # how long the commission waits for the urn's clock to reach the hour

# The kinds of log entry that an ordinary day must leave (LOG-005), and what of it they stand for.
KINDS_OF_A_DAY: Mapping[str, str] = {
    "authentication": "log-ins of the day",
    "zero-check": "the zero report",
    "open": "the opening",
    "cast": "the ballots cast",
    "close": "the closing",
}


@dataclass
class OnDuty:
    """One urn on election day; ``ballots`` are the sheets that voters will bring, in order."""

    name: str
    prepared: Prepared
    style: str
    contests: Sequence[Contest]
    ballots: Sequence[Sheet]
    tail: Tail
    offered: dict[str, Sheet] = field(default_factory=dict)
    results: Tally | None = None
    _next: int = 0

    @property
    def urn(self) -> Urn:
        return self.prepared.urn

    def ballot(self) -> Sheet:
        """The next voter's ballot."""
        if self._next >= len(self.ballots):
            raise ConfigurationError(f"the ballots of {self.name} have run out")
        sheet = self.ballots[self._next]
        self._next += 1
        return sheet

    def truth(self) -> Tally:
        """What a right urn says in the evening: the truths of the sheets that lie in the box.

        A sheet that should have been given back counts nowhere, so that an urn that kept and
        counted it shows a difference.
        """
        box = self.prepared.feeder.box()
        lying = [self.offered[sheet] for sheet in (*box.valid, *box.invalid)]
        right = [sheet for sheet in lying if sheet.truth is not None and sheet.truth.counted]
        return expected_tally(self.contests, right)

    def counted(self) -> int:
        """How many sheets the urn says it has counted."""
        status = self.urn.status()
        return status.valid + status.invalid


@dataclass
class Play:
    """A day that is being played. ``midnight`` is the run's clock (ns) at the day's 00:00."""

    session: Session
    script: Day
    duties: Mapping[str, OnDuty]
    rng: Random
    skip_idle_s: float | None = None
    midnight: int = 0

    def local(self) -> float:
        """Seconds of the day."""
        return (self.session.clock.now() - self.midnight) / 1e9

    def until(self, at: float) -> None:
        """Let time pass until ``at``; nothing when it is past."""
        left = at - self.local()
        if self.skip_idle_s is not None and left > self.skip_idle_s:
            self._skip(left - self.skip_idle_s)
            left = at - self.local()
        if left > 0:
            self.session.clock.sleep(left)

    def _skip(self, seconds: float) -> None:
        for duty in self.duties.values():
            duty.urn.login(Role.ADMINISTRATOR)
            duty.urn.set_clock(duty.urn.read_clock().device + timedelta(seconds=seconds))
        self.midnight -= round(seconds * 1e9)

    def note(self, step: AnyStep, urn: str, met: bool, text: str) -> None:
        """Journal what a step showed beside what requirements judge."""
        self.session.journal.add(
            "note",
            {"day": self.script.day, "step": step.do, "urn": urn, "expected": met, "text": text},
        )


def do(play: Play, step: AnyStep) -> None:
    """Play one step on every urn that it concerns."""
    if isinstance(step, day_script.Consolidate):
        _consolidate(play, step)
        return
    for name in play.script.of(step):
        _STEPS[step.do](play, step, play.duties[name])


def cast(play: Play, duty: OnDuty, sheet: Sheet | None = None) -> Fed:
    """A voter casts a ballot, and tries again when it comes back or jams."""
    sheet = sheet or duty.ballot()
    duty.offered[sheet.id] = sheet
    fed = feed(play.session, duty.prepared, sheet)
    for _ in range(ATTEMPTS - 1):
        if fed.counted or (sheet.truth is not None and sheet.truth.kind == "return"):
            break
        if fed.outcome == "jammed":
            duty.prepared.feeder.clear_jam()
        elif fed.outcome != "returned":
            break
        fed = feed(play.session, duty.prepared, sheet)
    return fed


# Before the polls open ----------------------------------------------------------------------------


def _self_test(play: Play, step: Any, duty: OnDuty) -> None:
    failed = [f"{item.name} ({item.detail})" for item in duty.urn.self_test() if not item.ok]
    play.note(step, duty.name, not failed, f"items that fail: {', '.join(failed) or 'none'}")


def _clock_check(play: Play, step: Any, duty: OnDuty) -> None:
    reading = duty.urn.read_clock()
    local = reading.device.astimezone(play.session.definition.timezone)
    shown = local.hour * 3600 + local.minute * 60 + local.second + local.microsecond / 1e6
    expected = ((reading.sent + reading.received) / 2 - play.midnight) / 1e9
    off = shown - expected
    play.note(
        step, duty.name, abs(off) <= step.within_s,
        f"the clock is {off:+.3f} s off, at most {step.within_s:g} s were expected",
    )


def _zero_report(play: Play, step: Any, duty: OnDuty) -> None:
    duty.urn.login(Role.OPERATOR)
    report = printed.take(duty.prepared, ReportKind.ZERO)
    found = report.registers_not_zero()
    play.note(step, duty.name, not found, f"registers that are not zero: {found or 'none'}")


def _open(play: Play, step: Any, duty: OnDuty) -> None:
    duty.urn.login(Role.OPERATOR)
    if step.expect == "opened":
        _await_hour(play, duty.urn, play.session.definition.opens)
    already = duty.urn.status().state is UrnState.OPEN
    try:
        if not already:
            duty.urn.open()
        opened, said = True, "it opened"
    except Refused as refused:
        opened, said = False, f"it refused ({refused.code})"
    if step.expect == "refused":
        play.session.count(
            "TIM-008", 1, int(opened), condition=f"{duty.name}, opening too early",
            note=f"at {day_script.clock_text(play.local())} {said}" if opened else "",
        )
    elif not opened:
        raise KalysError(f"{duty.name} cannot be opened at the hour: {said}")
    play.note(step, duty.name, opened == (step.expect == "opened"), said)


def _await_hour(play: Play, urn: Urn, hour: datetime) -> None:
    """Wait, as a commission does, until the urn's own clock shows the hour."""
    left = (hour - urn.read_clock().device).total_seconds()
    if 0 < left <= CLOCK_PATIENCE_S:
        play.session.clock.sleep(left + 0.01)


def _offer_ballot(play: Play, step: Any, duty: OnDuty) -> None:
    sheet = duty.ballot()
    duty.offered[sheet.id] = sheet
    fed = feed(play.session, duty.prepared, sheet)
    when = day_script.clock_text(step.at)
    play.session.count(
        "TIM-008", 1, int(fed.counted), condition=f"{duty.name}, a ballot at {when}",
        note=f"it was accepted as {fed.outcome}" if fed.counted else "", sheet=sheet.id,
    )
    play.note(step, duty.name, not fed.counted, f"the ballot was {fed.describe()}")


# While the polls are open -------------------------------------------------------------------------


def _wrong_ballot(play: Play, step: Any, duty: OnDuty) -> None:
    seed = play.rng.getrandbits(31)
    drawn = volume(play.session.definition, step.style, 1, seed).sheets[0]
    truth = returned((ReturnReason.FOREIGN.value,), "a ballot of the other urn")
    foreign = replace(drawn, id=f"wrong-{drawn.id}", truth=truth)
    duty.offered[foreign.id] = foreign
    fed = feed(play.session, duty.prepared, foreign)
    play.note(step, duty.name, fed.outcome == "returned", f"the wrong ballot was {fed.describe()}")


def _jam(play: Play, step: Any, duty: OnDuty) -> None:
    feeder = duty.prepared.feeder
    before = duty.counted()
    sheet = duty.ballot()
    duty.offered[sheet.id] = sheet
    feeder.jam_next(step.at_mm)
    fed = feed(play.session, duty.prepared, sheet)
    play.note(step, duty.name, fed.outcome == "jammed", f"the sheet was {fed.describe()}")
    if fed.outcome == "jammed":
        feeder.clear_jam()
        cast(play, duty, sheet)
    more = duty.counted() - before
    play.session.count(
        "PAP-003", 1, int(more != 1), condition=f"{duty.name}, jam at {step.at_mm:g} mm",
        note="" if more == 1 else f"one sheet, jammed and fed again, was counted {more} times",
        sheet=sheet.id,
    )


def _status_report(play: Play, step: Any, duty: OnDuty) -> None:
    duty.urn.login(Role.OPERATOR)
    report = printed.take(duty.prepared, ReportKind.STATUS)
    leaked = report.vote_registers()
    play.session.count(
        "REP-004", 1, int(bool(leaked)), condition=f"{duty.name}, status report",
        note=f"the status report shows votes: {leaked[:3]}" if leaked else "",
    )
    play.note(step, duty.name, not leaked, "the status report was printed")


def _print_totals(play: Play, step: Any, duty: OnDuty) -> None:
    for role in (Role.OPERATOR, Role.ADMINISTRATOR):
        duty.urn.login(role)
        for what, leaked in totals.attempts(duty.prepared):
            play.session.count(
                "REP-004", 1, int(bool(leaked)), condition=f"{duty.name}, {role}: {what}",
                note=leaked,
            )
            play.note(step, duty.name, not leaked, leaked or f"{what}: refused")


def _power_cut(play: Play, step: Any, duty: OnDuty) -> None:
    session, prepared = play.session, duty.prepared
    if duty.urn.name != session.urn.name:
        raise ConfigurationError(
            f"the bench's supply feeds {session.urn.name}, the day cuts {duty.name}",
            remedy="Name the urn that the supply feeds in the step power-cut.",
        )
    sheet = duty.ballot()
    duty.offered[sheet.id] = sheet
    (after,) = cut_offsets(session, prepared.profile, 1)
    with fed_by_mains(session, prepared):
        prepared.hands.battery(False)
        wrong = cut_once(session, prepared, sheet, after, off_s=step.off_s)
    condition = f"{duty.name}, cut {after:.3f} s after insertion"
    session.count("PWR-003", 1, int(bool(wrong)), condition=condition, note=wrong, sheet=sheet.id)
    play.note(step, duty.name, not wrong, wrong or "after the cut the ballot is in the box, once")


# After the polls have closed ----------------------------------------------------------------------


def _close(play: Play, step: Any, duty: OnDuty) -> None:
    session = play.session
    duty.urn.login(Role.OPERATOR)
    _await_hour(play, duty.urn, session.definition.closes)
    host = measure_host(duty.urn, session.clock, HOST_READINGS)
    started = session.clock.now()
    duty.urn.close()
    report = printed.take(duty.prepared, ReportKind.RESULTS)
    seconds = (report.finished - started) / 1e9
    session.reading(
        "TIM-009", seconds, "s", interval_u(seconds, host),
        condition=f"{duty.name}, {duty.counted()} sheets",
    )
    duty.results = report.tally
    play.note(step, duty.name, True, f"closed and printed in {seconds:.1f} s")


def _export(play: Play, step: Any, duty: OnDuty) -> None:
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
        session.check("LOG-005", kind, kind in kinds, f"{duty.name} logged nothing of {what}")
    play.note(step, duty.name, True, f"{truth.sheets} sheets lie in the box")


def _comparisons(
    duty: OnDuty, truth: Tally, electronic: Tally, records: Tally
) -> Iterator[tuple[str, str, Tally, str, Tally]]:
    yield "ACC-009", "sheets in the box", truth, "totals", electronic
    yield "ACC-009", "sheets in the box", truth, "records", records
    yield "REP-009", "totals", electronic, "records", records
    if duty.results is not None:
        yield "REP-009", "printed report", duty.results, "totals", electronic


def _consolidate(play: Play, step: day_script.Consolidate) -> None:
    source, into = play.duties[step.source], play.duties[step.into]
    for duty in (source, into):
        duty.urn.login(Role.OPERATOR)
    into.urn.load(Purpose.RESULTS, source.urn.export("results"))
    report = printed.take(into.prepared, ReportKind.STATION)
    expected = source.truth()
    expected.merge(into.truth())
    totals.compare(
        play.session, "REP-007", expected, report.tally,
        condition=f"{step.source} into {step.into}: sheets in both boxes = station report",
    )
    play.note(step, step.into, True, "the station's report was printed")


_STEPS: Mapping[str, Callable[[Play, Any, OnDuty], None]] = {
    "self-test": _self_test,
    "clock-check": _clock_check,
    "zero-report": _zero_report,
    "open": _open,
    "offer-ballot": _offer_ballot,
    "wrong-ballot": _wrong_ballot,
    "jam": _jam,
    "status-report": _status_report,
    "print-totals": _print_totals,
    "power-cut": _power_cut,
    "close": _close,
    "export": _export,
}
