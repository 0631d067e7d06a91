"""How soon the voter sees something: TIM-001, TIM-003 and TIM-004, asked of an urn.

What a voter does at an urn is to put a ballot in: the action begins when the sheet's head passes
the bench's light barrier at the throat, and the vote is cast when its tail has passed the one at
the end. Whoever watches the display, a photodiode on a bench, the world's own clock in an emulated
one, says when it began to show what. Then

- the *first response* (TIM-001) is the first change of the display after the head,
- the *response to casting* (TIM-003) is from the tail to the word of what became of the ballot,
- the *busy indicator* (TIM-004) stands from the moment after which the display says nothing but
  "wait" or what became of the ballot.

Every reading is compared with its limit, the worst decides; the report gives median and 95th
percentile with its distribution-free bound beside it (``metrology.timing``).

Source: VVSG 2.0 (EAC, 2021-02-10) 7.2-N.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from kalys.ballots.deck import foreign
from kalys.devices.roles import Gate, Shown
from kalys.procedures.control_sheets import control_sheets
from kalys.procedures.deck_run import settle
from kalys.procedures.feeding import feed
from kalys.procedures.preparation import Prepared, prepared_urn
from kalys.procedures.registry import procedure
from kalys.procedures.timing_budget import response_u
from kalys.procedures.watching import watched_display
from kalys.protocols.urn.messages import EventKind

if TYPE_CHECKING:
    from kalys.ballots.sheet import Sheet
    from kalys.procedures.session import Session

REQUIREMENTS = ("TIM-001", "TIM-003", "TIM-004")
PATIENCE_S = 10.0             # what is not shown by then counts as shown then
LOOK_S = 0.25
EVERY_FOREIGN = 4             # one in four ballots is another district's, and is given back
FOREIGN_SHEETS = 20
OUTCOMES = frozenset({"accepted", "returned"})


@dataclass(frozen=True)
class Response:
    """Seconds from the action to what was shown; None where nothing came."""

    first: float | None
    busy: float | None
    cast: float | None           # from the fall; None as well for a ballot that did not fall


@procedure(
    "timing.response",
    title="The voter sees at once that a ballot was taken, and soon what became of it",
    requirements=REQUIREMENTS,
    device_seconds=300,
    front="pytest",
)
def response(session: Session, parameters: Mapping[str, Any]) -> None:
    """Ballots one by one, some of them given back, before the eyes of the bench."""
    sheets = int(parameters.get("sheets", 80))
    session.instrument = "light barriers and display sensor of the bench"
    with prepared_urn(session) as prepared, watched_display(prepared.hands) as watched:
        if not watched:
            for requirement in REQUIREMENTS:
                session.blocked(requirement, "nothing on this bench watches the voter's display")
            return
        for number, sheet in enumerate(islice(_ballots(session, prepared), sheets), 1):
            _one(session, prepared, sheet)
            session.report_progress(number, sheets, f"ballot {number} of {sheets}")
        prepared.feeder.take_returned()


def _ballots(session: Session, prepared: Prepared) -> Iterator[Sheet]:
    """Without end: ballots of the loaded style, every fourth of another."""
    plain = control_sheets(session, prepared, "timing.response")
    seed = session.rng("timing.response.foreign").getrandbits(31)
    strangers = foreign(prepared.definition, prepared.style, FOREIGN_SHEETS, seed).sheets
    number = 0
    while True:
        number += 1
        if number % EVERY_FOREIGN:
            yield next(plain)
        else:
            yield strangers[number // EVERY_FOREIGN % len(strangers)]


def _one(session: Session, prepared: Prepared, sheet: Sheet) -> None:
    feeder, hands = prepared.feeder, prepared.hands
    settle(session, prepared)
    session.clock.sleep(LOOK_S)
    feeder.gates()
    hands.displayed()
    fed = feed(session, prepared, sheet)
    if fed.outcome == "jammed":
        feeder.clear_jam()
    gates, shown = _watch(session, prepared, fed.outcome in ("valid", "invalid", "returned"))
    gates = [gate for gate in gates if gate.sheet == sheet.id]
    found = responses(gates, shown)
    if found is None:
        for requirement in ("TIM-001", "TIM-004"):
            session.blocked(requirement, f"no light barrier saw sheet {sheet.id} come, which was "
                            f"{fed.describe()}")
        return
    rows = [("TIM-001", found.first, "the first change"), ("TIM-004", found.busy, "wait or more")]
    if fed.counted:
        rows.append(("TIM-003", found.cast, "what became of it, after the fall"))
    for requirement, seconds, what in rows:
        value = PATIENCE_S if seconds is None else seconds
        session.reading(
            requirement, value, "s", response_u(value), condition=what,
            note="" if seconds is not None
            else f"sheet {sheet.id} was {fed.describe()}, and that was not shown in {value:g} s",
        )


def _watch(
    session: Session, prepared: Prepared, ends: bool
) -> tuple[list[Gate], list[Shown]]:
    """What barriers and display have to tell, until the display says what became of the ballot."""
    gates: list[Gate] = []
    shown: list[Shown] = []
    deadline = session.clock.now() + round(PATIENCE_S * 1e9)
    while True:
        gates += prepared.feeder.gates()
        shown += prepared.hands.displayed()
        done = any(s.word in OUTCOMES for s in shown) or not ends
        if done or session.clock.now() >= deadline:
            return gates, shown
        prepared.urn.wait([EventKind.JAM], LOOK_S)


def responses(gates: Sequence[Gate], shown: Sequence[Shown]) -> Response | None:
    """How soon what was shown, by the crossings of one sheet and the changes of the display (in
    order of time); None when no barrier saw the sheet come."""
    edges = {(gate.gate, gate.edge): gate.time for gate in gates}
    began, fell = edges.get(("entry", "lead")), edges.get(("exit", "trail"))
    if began is None:
        return None
    after = [s for s in shown if s.time >= began]
    busy: int | None = None
    outcome: int | None = None
    for change in after:
        if change.word in OUTCOMES:
            outcome = change.time
            busy = change.time if busy is None else busy
            break
        if change.word != "wait":
            busy = None                       # it said something else before it was done
        elif busy is None:
            busy = change.time
    return Response(
        _seconds(began, after[0].time if after else None),
        _seconds(began, busy if outcome is not None else None),
        _seconds(fell, outcome),
    )


def _seconds(began: int | None, ended: int | None) -> float | None:
    """From one to the other in s; what was shown before the sheet had fallen took no time."""
    return None if began is None or ended is None else max(0, ended - began) / 1e9
