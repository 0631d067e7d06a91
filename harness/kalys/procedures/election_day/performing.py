"""What each step of the commission does at one urn, before the polls open and while they are.

``perform`` is given an entry of the script (a step, a fault, an expectation) and does it. A step
reports what the requirements want to know; what no requirement judges goes to the journal as a
note, met or not. A command that the urn refuses without need is a finding, not an error: a device
"never stops suddenly" (ACC-010).
"""

# ruff: noqa: ARG001  (every command is given the same)
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from kalys.ballots.deck import volume
from kalys.ballots.package import urn_package
from kalys.ballots.truth import returned
from kalys.errors import KalysError, Refused
from kalys.procedures import printed, totals
from kalys.procedures.configuration import another_value
from kalys.procedures.election_day import evening, looking, striking
from kalys.procedures.election_day.expectations import Expectation
from kalys.procedures.election_day.faults import Fault
from kalys.procedures.election_day.timing import clock_text
from kalys.procedures.feeding import feed
from kalys.procedures.watching import await_boot
from kalys.protocols.urn.messages import (
    EventKind,
    Purpose,
    ReportKind,
    ReturnReason,
    Role,
    UrnState,
)

if TYPE_CHECKING:
    from kalys.procedures.election_day.duty import OnDuty
    from kalys.procedures.election_day.play import Play

WRONG_KEY = bytes(32)

# The requirement that a command given at the wrong time, or by the wrong person, speaks for.
OF_COMMAND: Mapping[str, str] = {
    "open": "TIM-008", "close": "TIM-008", "set-clock": "LOG-004", "totals": "REP-004",
    "load-definition": "SEC-006", "reset": "SEC-006", "test-mode": "SEC-006",
    "set-parameter": "SEC-006",
}
ROLES = {"operator": Role.OPERATOR, "administrator": Role.ADMINISTRATOR, "auditor": Role.AUDITOR}


def perform(play: Play, entry: Any, duty: OnDuty, began: int) -> None:
    """Do one entry of the script at one urn."""
    try:
        if isinstance(entry, Fault):
            striking.strike(play, entry, duty)
        elif isinstance(entry, Expectation):
            looking.look(play, entry, duty, began)
        else:
            _STEPS[entry.do](play, entry, duty)
    except Refused as refused:
        play.session.count(
            "ACC-010", 1, 1, condition=f"{duty.name}, {entry.called}",
            note=f"{refused.what} ({entry.where})",
        )
        play.note(entry, duty.name, False, refused.what)


# Before the polls open ----------------------------------------------------------------------------


def _self_test(play: Play, step: Any, duty: OnDuty) -> None:
    failed = [f"{item.name} ({item.detail})" for item in duty.urn.self_test() if not item.ok]
    play.note(step, duty.name, not failed, f"items that fail: {', '.join(failed) or 'none'}")


def _clock_check(play: Play, step: Any, duty: OnDuty) -> None:
    off = looking.clock_off(play, duty)
    play.note(
        step, duty.name, abs(off) <= step.within_s,
        f"the clock is {off:+.3f} s off, at most {step.within_s:g} s were expected",
    )


def _zero_report(play: Play, step: Any, duty: OnDuty) -> None:
    duty.urn.login(Role.OPERATOR)
    duty.zero = printed.take(duty.prepared, ReportKind.ZERO).registers_not_zero()
    play.note(
        step, duty.name, not duty.zero, f"registers that are not zero: {duty.zero or 'none'}"
    )


def _test_votes(play: Play, step: Any, duty: OnDuty) -> None:
    duty.urn.login(Role.OPERATOR)
    duty.urn.test_mode(True)
    for _ in range(step.sheets):
        feed(play.session, duty.prepared, duty.ballots.spare())
    duty.urn.login(Role.OPERATOR)
    duty.urn.test_mode(False)
    duty.prepared.feeder.empty_box()
    play.note(step, duty.name, True, f"{step.sheets} ballots were fed in test mode")


def _open(play: Play, step: Any, duty: OnDuty) -> None:
    duty.urn.login(Role.OPERATOR)
    if step.expect == "opened":
        evening.await_hour(play, duty.urn, play.session.definition.opens)
    said = "it opened"
    opened = duty.urn.status().state is UrnState.OPEN
    if not opened:
        try:
            duty.urn.open()
            opened = True
        except Refused as refused:
            said = f"it refused ({refused.code})"
    if step.expect == "refused":
        requirement = "REP-008" if duty.closed else "TIM-008"
        play.session.count(
            requirement, 1, int(opened), condition=f"{duty.name}, opening when it must not",
            note=f"at {clock_text(play.local())} {said} ({step.where})" if opened else "",
        )
    elif not opened:
        raise KalysError(f"{duty.name} cannot be opened at the hour: {said}", where=step.where)
    play.note(step, duty.name, opened == (step.expect == "opened"), said)


def _offer_ballot(play: Play, step: Any, duty: OnDuty) -> None:
    sheet = duty.spare()
    with duty.excusing(EventKind.SHEET_RETURNED):
        fed = feed(play.session, duty.prepared, sheet)
    play.session.count(
        "TIM-008", 1, int(fed.counted), condition=f"{duty.name}, a ballot outside the hours",
        note=f"at {clock_text(play.local())} it was accepted as {fed.outcome} ({step.where})"
        if fed.counted else "", sheet=sheet.id,
    )
    play.note(step, duty.name, not fed.counted, f"the ballot was {fed.describe()}")


# While the polls are open -------------------------------------------------------------------------


def _wrong_ballot(play: Play, step: Any, duty: OnDuty) -> None:
    seed = play.session.rng(f"day.{step.where}.{duty.name}").getrandbits(31)
    drawn = volume(play.session.definition, step.style, 1, seed).sheets[0]
    truth = returned((ReturnReason.FOREIGN.value,), "a ballot of another urn")
    foreign = duty.beside(replace(drawn, id=f"foreign-{len(duty.extras)}", truth=truth))
    with duty.excusing(EventKind.SHEET_RETURNED):
        fed = feed(play.session, duty.prepared, foreign)
    play.note(
        step, duty.name, fed.outcome == "returned", f"the wrong ballot was {fed.describe()}"
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


def _attempt(play: Play, step: Any, duty: OnDuty) -> None:
    """Somebody gives a command that he should, or should not, be allowed now."""
    urn = duty.urn
    urn.logout()
    if step.by != "nobody":
        urn.login(ROLES[step.by])
    try:
        _COMMANDS[step.command](play, duty)
        granted = True
    except Refused:
        granted = False
    urn.drain()
    requirement = OF_COMMAND[step.command]
    if step.command == "open" and duty.closed:
        requirement = "REP-008"
    met = granted == (step.expect == "granted")
    said = f"{step.command} by {step.by} was {'granted' if granted else 'refused'}"
    play.session.count(
        requirement, 1, int(not met), condition=f"{duty.name}, {step.command} by {step.by}",
        note="" if met else f"{said}, {step.expect} was expected ({step.where})",
    )
    play.note(step, duty.name, met, said)


def _wrong_password(play: Play, step: Any, duty: OnDuty) -> None:
    granted = 0
    for _ in range(step.times):
        try:
            duty.urn.login_with(ROLES[step.by], WRONG_KEY)
            granted += 1
        except Refused:
            continue
    play.session.count(
        "SEC-007", step.times, granted, condition=f"{duty.name}, {step.by} with a wrong key",
        note=f"{granted} of {step.times} were let in ({step.where})" if granted else "",
    )
    play.note(step, duty.name, not granted, f"{granted} of {step.times} wrong keys were accepted")


def _restart(play: Play, step: Any, duty: OnDuty) -> None:
    before = duty.counted()
    duty.urn.login(Role.ADMINISTRATOR)
    with duty.excusing(EventKind.BOOTED, EventKind.POWER):
        duty.urn.drain()
        duty.urn.restart()
        await_boot(duty.urn)
        duty.urn.drain()
    after = duty.counted()
    play.session.count(
        "ACC-009", 1, int(after != before), condition=f"{duty.name}, restarted",
        note="" if after == before else f"{before} were counted before, {after} after it",
    )
    play.note(step, duty.name, after == before, f"restarted; {after} sheets are counted")


def _change_box(play: Play, step: Any, duty: OnDuty) -> None:
    duty.taken = duty.lying()
    duty.prepared.feeder.empty_box()
    play.note(step, duty.name, True, f"the box was changed; {len(duty.taken)} sheets in all")


def _pause(play: Play, step: Any, duty: OnDuty) -> None:
    play.clock.sleep(step.seconds)
    play.note(step, duty.name, True, f"nothing was done for {step.seconds:g} s")


# Commands that somebody may try -------------------------------------------------------------------


def _set_clock(play: Play, duty: OnDuty) -> None:
    """An hour ahead, and back again where that was granted."""
    device = duty.urn.read_clock().device
    duty.set_clock(device + timedelta(hours=1))
    duty.set_clock(device)


def _load_definition(play: Play, duty: OnDuty) -> None:
    package = urn_package(play.session.definition, duty.style, duty.station)
    duty.urn.load(Purpose.DEFINITION, package)


def _test_mode(play: Play, duty: OnDuty) -> None:
    duty.urn.test_mode(True)
    duty.urn.test_mode(False)


def _set_parameter(play: Play, duty: OnDuty) -> None:
    name, old, new = another_value(duty.urn)
    duty.urn.set_parameter(name, new)
    duty.urn.set_parameter(name, old)


_COMMANDS: Mapping[str, Callable[[Play, OnDuty], object]] = {
    "open": lambda _, duty: duty.urn.open(),
    "close": lambda _, duty: duty.urn.close(),
    "reset": lambda _, duty: duty.urn.reset_election(),
    "totals": lambda _, duty: duty.urn.results(),
    "set-clock": _set_clock,
    "load-definition": _load_definition,
    "test-mode": _test_mode,
    "set-parameter": _set_parameter,
}

_STEPS: Mapping[str, Callable[[Play, Any, OnDuty], None]] = {
    "self-test": _self_test,
    "clock-check": _clock_check,
    "zero-report": _zero_report,
    "test-votes": _test_votes,
    "open": _open,
    "offer-ballot": _offer_ballot,
    "wrong-ballot": _wrong_ballot,
    "status-report": _status_report,
    "print-totals": _print_totals,
    "attempt": _attempt,
    "wrong-password": _wrong_password,
    "burst": evening.burst,
    "change-box": _change_box,
    "restart": _restart,
    "pause": _pause,
    "close": evening.close,
    "export": evening.export,
    "consolidate": evening.consolidate,
}
