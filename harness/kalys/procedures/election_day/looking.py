"""Looking whether what the script expects is true, at one urn.

What is looked for is told in words (what came, what was expected), so that an unmet expectation
says what to look at: the requirement gets one trial, failed, with file and line of the script.
"""

# ruff: noqa: ARG001  (every look is given the same)
from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from kalys.procedures import totals
from kalys.procedures.comparison import tally_of_results
from kalys.procedures.election_day.timing import clock_text
from kalys.protocols.urn.messages import EventKind, Role, UrnState

if TYPE_CHECKING:
    from kalys.election.tally import Tally
    from kalys.procedures.election_day.duty import OnDuty
    from kalys.procedures.election_day.expectations import Expectation
    from kalys.procedures.election_day.play import Play

LOOK_EVERY_S = 0.5
SHOWN = 4

Look = Callable[["Play", Any, "OnDuty", int], str]


def look(play: Play, entry: Expectation, duty: OnDuty, began: int) -> None:
    """Look, again and again while there is patience, and report. ``began`` is the moment (ns of the
    run's clock) from which what came counts."""
    looking, looks_back = _LOOKS[entry.that]
    deadline = play.clock.now() + (0 if looks_back else round(entry.within * 1e9))
    while (wrong := looking(play, entry, duty, began)) and play.clock.now() < deadline:
        play.clock.sleep(LOOK_EVERY_S)
    report(play, entry, duty.name, wrong)


def report(play: Play, entry: Expectation, urn: str, wrong: str) -> None:
    """One trial of the requirement that the expectation speaks for."""
    play.session.count(
        entry.speaks_for, 1, int(bool(wrong)), condition=f"{urn}, expected: {entry.called}",
        note=f"at {clock_text(play.local())}: {wrong} ({entry.where})" if wrong else "",
    )
    play.note(entry, urn, not wrong, wrong or "as expected")


def clock_off(play: Play, duty: OnDuty) -> float:
    """Seconds by which the urn's clock is ahead of the day's."""
    reading = duty.urn.read_clock()
    local = reading.device.astimezone(play.session.definition.timezone)
    shown = local.hour * 3600 + local.minute * 60 + local.second + local.microsecond / 1e6
    return shown - ((reading.sent + reading.received) / 2 - play.midnight) / 1e9


def _state(play: Play, entry: Any, duty: OnDuty, began: int) -> str:
    state = duty.urn.status().state
    return "" if state is entry.state else f"the urn is {state}, expected was {entry.state}"


def _power(play: Play, entry: Any, duty: OnDuty, began: int) -> str:
    source = duty.urn.status().power
    return "" if source == entry.source else f"it works on {source}, expected was {entry.source}"


def _counters_equal_box(play: Play, entry: Any, duty: OnDuty, began: int) -> str:
    counted, lying = duty.counted(), len(duty.lying())
    return "" if counted == lying else f"{counted} are counted, {lying} lie in the box"


def _counted(play: Play, entry: Any, duty: OnDuty, began: int) -> str:
    counted = duty.counted()
    if counted < entry.at_least:
        return f"{counted} are counted, at least {entry.at_least} were expected"
    if entry.at_most is not None and counted > entry.at_most:
        return f"{counted} are counted, at most {entry.at_most} were expected"
    return ""


def _zero(play: Play, entry: Any, duty: OnDuty, began: int) -> str:
    if duty.zero is None:
        return "no zero report was printed"
    return f"not zero: {', '.join(duty.zero[:SHOWN])}" if duty.zero else ""


def _printed(play: Play, entry: Any, duty: OnDuty, began: int) -> str:
    return _came(entry, duty, began, EventKind.PRINTED, kind=entry.report.value)


def _event(play: Play, entry: Any, duty: OnDuty, began: int) -> str:
    return _came(entry, duty, began, entry.event)


def _came(
    entry: Any, duty: OnDuty, began: int, event: EventKind, /, **fields: str
) -> str:
    """Whether an event with these fields came between ``began`` and ``within`` later."""
    for received in duty.heard:
        late = (received.time - began) / 1e9
        same = received.kind is event and all(received.fields[k] == v for k, v in fields.items())
        if same and 0 <= late <= entry.within:
            return ""
    what = " ".join((event.value, *fields.values()))
    return f"no event {what} came within {entry.within:g} s"


def _nothing_unexpected(play: Play, entry: Any, duty: OnDuty, began: int) -> str:
    duty.urn.drain()
    found = duty.unexpected
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return f"the urn reported {'; '.join(found[:SHOWN])}{more}" if found else ""


def _totals_refused(play: Play, entry: Any, duty: OnDuty, began: int) -> str:
    duty.urn.login(Role.OPERATOR)
    return "; ".join(f"{what}: {leaked}" for what, leaked in totals.attempts(duty.prepared)
                     if leaked)


def _clock(play: Play, entry: Any, duty: OnDuty, began: int) -> str:
    off = clock_off(play, duty)
    return "" if abs(off) <= entry.seconds else f"its clock is {off:+.1f} s off"


def _votes_add_up(play: Play, entry: Any, duty: OnDuty, began: int) -> str:
    if duty.urn.status().state is not UrnState.CLOSED:
        return "the polls are not closed, there are no totals"
    duty.urn.login(Role.OPERATOR)
    told: dict[str, Tally | None] = {"totals": tally_of_results(duty.urn.results())}
    if duty.results is not None:
        told["printed report"] = duty.results.tally
    wrong = []
    for name, tally in told.items():
        if tally is None:
            wrong.append(f"the {name} cannot be read")
            continue
        for contest in duty.contests:
            votes = sum(tally.votes[contest.id].values())
            if contest.decides_validity and contest.votes_allowed == 1 and votes != tally.valid:
                share = f" ({100 * votes / tally.valid:.1f} %)" if tally.valid else ""
                wrong.append(f"{name}: {votes} votes of {contest.id} on {tally.valid} valid "
                             f"sheets{share}")
    return "; ".join(wrong)


def _same_turnout(play: Play, entry: Any, duty: OnDuty, began: int) -> str:
    given = play.checked_in.get(duty.station, 0) - duty.turned_away
    cast = duty.counted() - sum(sheet in duty.extras for sheet in duty.lying())
    return "" if cast == given else f"{given} voters were given ballots, {cast} were counted"


# By kind: how it is looked at, and whether it looks back at what came (then once is enough).
_LOOKS: Mapping[str, tuple[Look, bool]] = {
    "state": (_state, False),
    "power": (_power, False),
    "counters-equal-box": (_counters_equal_box, False),
    "counted": (_counted, False),
    "zero-report-is-zero": (_zero, True),
    "report-printed": (_printed, True),
    "event": (_event, True),
    "no-unexpected-event": (_nothing_unexpected, True),
    "totals-refused": (_totals_refused, True),
    "clock": (_clock, True),
    "votes-add-up": (_votes_add_up, True),
    "same-turnout": (_same_turnout, False),
}
