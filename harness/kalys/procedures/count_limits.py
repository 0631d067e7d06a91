"""Procedures of the count at its limits: counters that cannot be right, and a box that fills up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any

from kalys.devices.roles import Received
from kalys.errors import Refused
from kalys.procedures.control_sheets import control_sheets, plain_sheet
from kalys.procedures.deck_run import feed_all, finish, settle
from kalys.procedures.feeding import Fed, feed
from kalys.procedures.preparation import Prepared, end_election, open_polls, prepared_urn
from kalys.procedures.registry import procedure
from kalys.protocols.urn.messages import EventKind, ReturnReason, Role, UrnState

if TYPE_CHECKING:
    from kalys.ballots.sheet import Sheet
    from kalys.procedures.session import Session

ALARM_S = 15.0
CAST_BEFORE = 3
BEYOND = 3                      # sheets offered to a box that is full


@dataclass(frozen=True)
class Disturbance:
    """A stored counter set to ``value``, for an option with ``CAST_BEFORE`` votes."""

    name: str
    value: int


DISTURBANCES = (
    Disturbance("a negative number of votes", -1),
    Disturbance("a counter that went down", CAST_BEFORE - 1),
    Disturbance("more votes than ballots cast", CAST_BEFORE + 10),
)


@procedure(
    "count.integrity",
    title="A counter that cannot be right stops the count with an alarm",
    requirements=("ACC-008",),
    device_seconds=600,
    front="pytest",
)
def integrity(session: Session, parameters: Mapping[str, Any]) -> None:
    """Change a stored counter behind the urn's back; it must alert and stop counting."""
    trials = int(parameters.get("trials", 6))
    if "integrity-monitor" not in session.profile.capabilities:
        session.journal.add("note", {"text": "the profile promises no integrity monitor"})
    rng = session.rng("count.integrity")
    for number, disturbance in enumerate(islice(cycle(DISTURBANCES), trials), 1):
        contest = rng.choice(session.definition.style_contests(session.style))
        option = rng.choice(contest.option_ids)
        with prepared_urn(session) as prepared:
            wrong = _disturb(session, prepared, disturbance, contest.id, option)
        at = f"{disturbance.name} at {contest.id}/{option}"
        session.count("ACC-008", 1, int(bool(wrong)), condition=at, note=wrong)
        session.report_progress(number, trials, at)


def _disturb(
    session: Session, prepared: Prepared, disturbance: Disturbance, contest: str, option: str
) -> str:
    """One trial; in words what the urn failed to do."""
    sheets = _ballots_for(session, prepared, contest, option)
    for fed in (feed(session, prepared, next(sheets)) for _ in range(CAST_BEFORE)):
        if fed.outcome != "valid":
            return f"a plain ballot before the disturbance was {fed.describe()}"
    settle(session, prepared)
    urn = prepared.urn
    urn.drain()
    prepared.hands.disturb_counter(contest, option, disturbance.value)
    alarm = urn.wait([EventKind.ALARM], ALARM_S)
    # An urn that checks when it counts notices at the next ballot: that one must not be lost to an
    # unnoticed error either.
    after = feed(session, prepared, next(sheets))
    alarm = alarm or _alarm_of(after) or urn.wait([EventKind.ALARM], ALARM_S)
    prepared.feeder.take_returned()
    if alarm is None:
        return f"no alarm; the next ballot was {after.describe()}"
    silent = [word for word in ("audible", "visible") if not alarm.fields[word]]
    if silent:
        return f"the alarm was not {' and not '.join(silent)}"
    if after.counted and urn.status().state is not UrnState.FAULT:
        return "the alarm came and the urn went on counting"
    return ""


def _ballots_for(
    session: Session, prepared: Prepared, contest: str, option: str
) -> Iterator[Sheet]:
    """Valid ballots that all vote for the option."""
    rng = session.rng(f"count.integrity.{contest}/{option}")
    contests = prepared.definition.style_contests(prepared.style)
    number = 0
    while True:
        number += 1
        marked = {c.id: (option if c.id == contest else rng.choice(c.option_ids),)
                  for c in contests}
        yield plain_sheet(
            prepared.definition, prepared.style, f"count.integrity-{option}-{number:02d}",
            marked, rng,
        )


def _alarm_of(fed: Fed) -> Received | None:
    return next((e for e in fed.events if e.kind is EventKind.ALARM), None)


@procedure(
    "count.capacity",
    title="A warning before the box is full, and no sudden stop",
    requirements=("ACC-010",),
    device_seconds=5000,
    front="pytest",
)
def capacity(session: Session, parameters: Mapping[str, Any]) -> None:
    """Feed to the limit and beyond it; a urn that lets one gets a small limit for the trial."""
    wanted = int(parameters.get("capacity", 2000))
    with (
        prepared_urn(session, opened=False) as prepared,
        small_box(session, prepared, wanted) as limit,
    ):
        open_polls(prepared)
        _fill(session, prepared, limit)


def _fill(session: Session, prepared: Prepared, limit: int) -> None:
    sheets = control_sheets(session, prepared, "count.capacity")
    fed: list[tuple[Sheet, Fed]] = []
    warned_at: int | None = None
    while len(fed) < limit:
        fed += feed_all(session, prepared, (next(sheets),), done=len(fed), total=limit)
        if warned_at is None and _warned(prepared, fed[-1][1]):
            warned_at = len(fed)
        if not fed[-1][1].counted:
            break
    settle(session, prepared)
    beyond = feed_all(session, prepared, tuple(islice(sheets, BEYOND)))
    prepared.feeder.take_returned()
    counted = sum(what.counted for _, what in fed)
    late = warned_at is None or warned_at >= counted
    _case(
        session, "warning before the limit", late,
        f"no warning before the box was full at {counted} sheets",
    )
    _case(
        session, "the declared volume is taken", counted < limit,
        f"of {limit} sheets declared, {counted} were counted; the next was "
        f"{fed[-1][1].describe()}",
    )
    swallowed = [f"{s.id} was {what.describe()}" for s, what in beyond
                 if (what.outcome, what.reason) != ("returned", ReturnReason.FULL)]
    _case(session, "beyond the limit sheets are given back", bool(swallowed),
          "offered to a full box: " + "; ".join(swallowed))
    run = finish(session, prepared, [*fed, *beyond])
    notes = "; ".join(run.comparison.notes[:3])
    _case(session, "the count is kept and can be closed", bool(notes), notes)


def _case(session: Session, condition: str, failed: bool, note: str) -> None:
    session.count("ACC-010", 1, int(failed), condition=condition, note=note if failed else "")


def _warned(prepared: Prepared, fed: Fed) -> bool:
    return _alarm_of(fed) is not None or bool(prepared.urn.status().alarm)


@contextmanager
def small_box(session: Session, prepared: Prepared, wanted: int) -> Iterator[int]:
    """A capacity of ``wanted`` sheets where the urn has such a parameter; the limit in force.

    The parameter gets its old value back when the election has been ended.
    """
    urn = prepared.urn
    found = urn.parameters().get("capacity")
    limit = session.profile.limits.capacity or wanted
    if found is None:
        yield limit
        return
    urn.login(Role.ADMINISTRATOR)
    try:
        urn.set_parameter("capacity", str(wanted))
    except Refused as refusal:
        session.journal.add("note", {"text": f"the capacity stays at {limit}: {refusal}"})
        yield limit
        return
    try:
        yield wanted
    finally:
        end_election(prepared)
        urn.set_parameter("capacity", found[0])
