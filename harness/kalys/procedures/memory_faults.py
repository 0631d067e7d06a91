"""Memories that fail and memories that were changed: no vote may be lost, and none passed over.

A memory **fails** while ballots are cast (PWR-005): the urn must tell, and whatever it accepted
must be there after a restart without that memory; what it can no longer keep it must not accept.
Stored data are **changed** while the urn is without power (PWR-004): at its next start it must say
so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from kalys.errors import Refused
from kalys.procedures.comparison import compare
from kalys.procedures.control_sheets import control_sheets
from kalys.procedures.deck_run import feed_all, settle
from kalys.procedures.feeding import feed
from kalys.procedures.power import fed_by_mains
from kalys.procedures.power_cuts import OFF_S, black_out
from kalys.procedures.preparation import Prepared, close_polls, prepared_urn
from kalys.procedures.registry import procedure
from kalys.procedures.watching import Tail
from kalys.protocols.urn.messages import EventKind

if TYPE_CHECKING:
    from kalys.ballots.sheet import Sheet
    from kalys.procedures.session import Session

BALLOTS = 2                   # before a memory fails, and as many after it
FAILURES = (
    ("primary", "failed"), ("secondary", "failed"), ("primary", "full"), ("secondary", "full"),
)
CHANGES = ("a vote record", "the event log")
LOG_WAYS = ("flip", "swap", "delete", "truncate")


@procedure(
    "power.memory_failure",
    title="A memory that fails loses no vote",
    requirements=("PWR-005",),
    device_seconds=300,
    front="pytest",
)
def memory_failure(session: Session, parameters: Mapping[str, Any]) -> None:
    """Each memory fails and is full once, and the memory stick is taken out, among ballots."""
    rounds = int(parameters.get("rounds", 1))
    cases = [*FAILURES, ("memory stick", "taken out")] * rounds
    session.instrument = session.supply.identity()
    for number, (memory, how) in enumerate(cases, 1):
        wrong = _fail_once(session, memory, how, f"power.memory_failure.{number}")
        session.count("PWR-005", 1, int(bool(wrong)), condition=f"{memory} {how}", note=wrong)
        session.report_progress(number, len(cases), f"{memory} {how}")


def _fail_once(session: Session, memory: str, how: str, name: str) -> str:
    """One election in which this memory fails; what is wrong in the end, or ""."""
    with prepared_urn(session) as prepared, fed_by_mains(session, prepared):
        sheets = control_sheets(session, prepared, name)
        offered = list(islice(sheets, BALLOTS))
        feed_all(session, prepared, offered)
        settle(session, prepared)
        tail = Tail(prepared.urn)
        prepared.urn.drain()
        try:
            _set(prepared, memory, good=False, how=how)
            after = list(islice(sheets, BALLOTS))
            offered += after
            alarms: list[str] = []
            for sheet in after:
                fed = feed(session, prepared, sheet)
                alarms += [str(event.fields["alarm"]) for event in fed.events
                           if event.kind is EventKind.ALARM]
                settle(session, prepared)
            alarms += [event.kind.value for event in prepared.urn.drain()
                       if event.kind is EventKind.ALARM]
            silent = not alarms and not any(e.kind in ("alarm", "media") for e in tail.new())
            prepared.hands.battery(False)
            black_out(session, prepared)
            try:
                wrong = _account(session, prepared, offered)
            except Refused as refusal:
                wrong = f"{refusal.what}, and votes cannot be accounted for"
        finally:
            _set(prepared, memory, good=True, how=how)
        untold = f"{memory} {how}: no alarm and no log entry told of it" if silent else ""
        return "; ".join(filter(None, (untold, wrong)))


def _set(prepared: Prepared, memory: str, *, good: bool, how: str) -> None:
    if memory == "memory stick":
        prepared.hands.media(good)
    else:
        prepared.hands.memory_chip(memory, "good" if good else how)


def _account(session: Session, prepared: Prepared, offered: list[Sheet]) -> str:
    """Box = counters = records = truth of what lies in the box, the polls being closed."""
    settle(session, prepared)
    close_polls(prepared)
    urn = prepared.urn
    status, box, records = urn.status(), prepared.feeder.box(), urn.records()
    lying = (*box.valid, *box.invalid)
    known = {sheet.id: sheet for sheet in offered}
    counted = status.valid + status.invalid
    wrong = []
    if not len(lying) == counted == len(records):
        wrong.append(f"{len(lying)} sheets in the box, {counted} counted, {len(records)} records")
    contests = prepared.definition.style_contests(prepared.style)
    compared = compare(
        contests, [known[sheet] for sheet in lying if sheet in known], urn.results(), records)
    return "; ".join((*wrong, *compared.notes))


@procedure(
    "power.damage",
    title="What was changed in the dark is found at the start",
    requirements=("PWR-004",),
    device_seconds=120,
    front="pytest",
)
def damage(session: Session, parameters: Mapping[str, Any]) -> None:
    """Stored votes and the stored log in turn are changed while the urn is without power."""
    trials = int(parameters.get("trials", 4))
    session.instrument = session.supply.identity()
    for number, what in enumerate(_changes(trials), 1):
        with prepared_urn(session) as prepared, fed_by_mains(session, prepared):
            wrong = _change_in_the_dark(session, prepared, what, number)
        session.count("PWR-004", 1, int(bool(wrong)), condition=f"{what} changed", note=wrong)
        session.report_progress(number, trials, f"{what} changed, trial {number} of {trials}")


def _changes(trials: int) -> Iterator[str]:
    return (CHANGES[number % len(CHANGES)] for number in range(trials))


def _change_in_the_dark(session: Session, prepared: Prepared, what: str, number: int) -> str:
    """Change something that is stored, start, and look whether the urn says so."""
    urn, hands = prepared.urn, prepared.hands
    rng = session.rng(f"power.damage.{number}")
    sheets = control_sheets(session, prepared, f"power.damage.{number}")
    feed_all(session, prepared, tuple(islice(sheets, BALLOTS + 1)))
    settle(session, prepared)
    tail = Tail(urn)
    hands.battery(False)
    session.supply.output(False)
    session.clock.sleep(OFF_S)
    if what == CHANGES[0]:
        hands.damage_memory("votes", rng.randrange(BALLOTS))
    else:
        hands.tamper_log(LOG_WAYS[number // 2 % len(LOG_WAYS)], tail.seen - rng.randrange(2, 8))
    session.supply.output(True)
    urn.reconnect()
    failed = [e for e in urn.log(max(0, tail.seen - 8))
              if e.kind == "integrity-check" and e.outcome != "success"]
    alarm = urn.status().alarm
    if failed or alarm == "integrity":
        return ""
    return f"{what} was changed without power, and the urn started as if nothing had happened"
