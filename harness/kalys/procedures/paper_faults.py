"""Procedures of paper that goes wrong: two sheets at once, a jam, a sheet pulled back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import cycle, islice
from random import Random
from typing import TYPE_CHECKING, Any

from kalys.procedures.comparison import compare
from kalys.procedures.control_sheets import control_sheets
from kalys.procedures.deck_run import settle
from kalys.procedures.feeding import Fed, feed, feed_together, listen
from kalys.procedures.preparation import Prepared, close_polls, prepared_urn
from kalys.procedures.registry import procedure
from kalys.protocols.urn.messages import EventKind

if TYPE_CHECKING:
    from kalys.ballots.sheet import Sheet
    from kalys.procedures.session import Session

OVERLAPS_MM = (0.0, 5.0, 20.0, 75.0, 150.0, 225.0)   # distance of the second head behind the first
JAM_SHARES = (0.03, 0.15, 0.35, 0.6, 0.85, 0.9, 0.95, 0.99)   # of the path: before and after commit
USUAL_PATH_MM = 480.0
LATE_JAM_S = 10.0
INSERTED_S = 10.0
LONGEST_GRIP_S = 0.9          # after that an A4 sheet at 300 mm/s has left the throat


@procedure(
    "paper.double_feed",
    title="Two sheets fed together are noticed",
    requirements=("PAP-002",),
    device_seconds=4500,
    front="pytest",
)
def double_feed(session: Session, parameters: Mapping[str, Any]) -> None:
    """Two ballots on one another, by different overlaps; neither may be counted."""
    trials = int(parameters.get("trials", 1497))
    with prepared_urn(session) as prepared:
        sheets = control_sheets(session, prepared, "paper.double_feed")
        for number, behind in enumerate(islice(cycle(OVERLAPS_MM), trials), 1):
            pair = (next(sheets), next(sheets))
            wrong = feed_two(session, prepared, pair, behind)
            session.count(
                "PAP-002", 1, int(bool(wrong)), condition=f"second sheet {behind:g} mm behind",
                note=wrong, sheet=pair[0].id if wrong else "",
            )
            session.report_progress(number, trials, f"double feed {number} of {trials}")
        prepared.feeder.take_returned()


def feed_two(
    session: Session, prepared: Prepared, pair: tuple[Sheet, Sheet], behind: float
) -> str:
    """Feed two sheets together, the second ``behind`` mm behind the first; what is wrong, or ""."""
    before = _counted(prepared)
    fed = feed_together(session, prepared, pair, overlap_mm=behind)
    settle(session, prepared)
    if fed.outcome == "jammed" or prepared.urn.status().path == "jammed":
        prepared.feeder.clear_jam()
        settle(session, prepared)
    more = _counted(prepared) - before
    if more:
        return f"fed together with {pair[1].id}, {more} of them counted: {fed.describe()}"
    if fed.outcome == "silent":
        return f"fed together with {pair[1].id}, and the urn said nothing"
    return ""


@procedure(
    "paper.jam",
    title="After a jam the sheet counts once",
    requirements=("PAP-003",),
    device_seconds=600,
    front="pytest",
)
def jam(session: Session, parameters: Mapping[str, Any]) -> None:
    """A jam at each station of the path; the sheet is taken out and fed again."""
    trials = int(parameters.get("trials", 8))
    path_mm = session.profile.path_mm or USUAL_PATH_MM
    with prepared_urn(session) as prepared:
        sheets = control_sheets(session, prepared, "paper.jam")
        offered: list[Sheet] = []
        for number, at_mm in enumerate(_stations(session.rng("paper.jam.at"), path_mm, trials), 1):
            offered.append(next(sheets))
            wrong = _jam_once(session, prepared, offered[-1], at_mm)
            session.count(
                "PAP-003", 1, int(bool(wrong)), condition=f"jam {at_mm:.0f} mm behind the throat",
                note=wrong, sheet=offered[-1].id if wrong else "",
            )
            session.report_progress(number, trials, f"jam {number} of {trials}")
        _balance(session, prepared, offered, "PAP-003", "records after the last jam")


def _stations(rng: Random, path_mm: float, trials: int) -> Iterator[float]:
    """Each station once, then random points of the path."""
    for number in range(trials):
        share = JAM_SHARES[number] if number < len(JAM_SHARES) else rng.uniform(0.02, 0.99)
        yield share * path_mm


def _jam_once(session: Session, prepared: Prepared, sheet: Sheet, at_mm: float) -> str:
    """Jam, clear, feed again; in words what is wrong with the count of this one ballot."""
    before = _counted(prepared)
    prepared.feeder.jam_next(at_mm)
    fed = feed(session, prepared, sheet)
    if fed.counted:
        # Said before the sheet had fallen: it may still stick on its last way.
        prepared.urn.wait([EventKind.JAM], LATE_JAM_S)
    stuck = fed.outcome == "jammed" or prepared.urn.status().path == "jammed"
    removed = prepared.feeder.clear_jam() if stuck else None
    settle(session, prepared)
    back = removed == sheet.id or sheet.id in prepared.feeder.take_returned()
    again: Fed | None = None
    if back:
        again = feed(session, prepared, sheet)
        settle(session, prepared)
    more = _counted(prepared) - before
    box = prepared.feeder.box()
    fallen = (*box.valid, *box.invalid).count(sheet.id)
    if more == fallen == 1:
        return ""
    story = "it jammed" if stuck else f"it was {fed.describe()} without a jam"
    if again is not None:
        story += f", was taken out, and fed again was {again.describe()}"
    return f"{story}: {more} times counted, {fallen} times in the box"


@procedure(
    "paper.pull_back",
    title="A ballot that is pulled back is not counted",
    requirements=("PAP-009",),
    device_seconds=300,
    front="pytest",
)
def pull_back(session: Session, parameters: Mapping[str, Any]) -> None:
    """Ballots pulled back at random moments of being drawn in; then the box equals the counters."""
    trials = int(parameters.get("trials", 8))
    rng = session.rng("paper.pull_back.when")
    with prepared_urn(session) as prepared:
        sheets = control_sheets(session, prepared, "paper.pull_back")
        offered = [next(sheets)]
        feed(session, prepared, offered[0])
        for number in range(1, trials + 1):
            offered.append(next(sheets))
            after = LONGEST_GRIP_S * (number - 1 + rng.random()) / trials
            wrong = _pull_once(session, prepared, offered[-1], after)
            session.count(
                "PAP-009", 1, int(bool(wrong)), condition=f"pulled {after:.2f} s after the start",
                note=wrong, sheet=offered[-1].id if wrong else "",
            )
            session.report_progress(number, trials, f"pull {number} of {trials}")
        _balance(session, prepared, offered, "PAP-009", "box equals counters and records")


def _pull_once(session: Session, prepared: Prepared, sheet: Sheet, after: float) -> str:
    urn, feeder = prepared.urn, prepared.feeder
    before = _counted(prepared)
    urn.drain()
    started = session.clock.now()
    feeder.insert(sheet)
    if urn.wait([EventKind.SHEET_INSERTED], INSERTED_S) is None:
        return "it was offered and not taken in"
    session.clock.sleep(after)
    pulled = feeder.pull_back()
    fed = listen(session, prepared, sheet.id, started)
    settle(session, prepared)
    more = _counted(prepared) - before
    if pulled and more:
        return f"it was pulled back and {more} counted: {fed.describe()}"
    if not pulled and more != int(fed.counted):
        return f"it was {fed.describe()}, and {more} counted"
    return ""


def _balance(
    session: Session, prepared: Prepared, offered: list[Sheet], requirement: str, condition: str
) -> None:
    """Close: box = counters = records = truth of what lies in the box."""
    settle(session, prepared)
    close_polls(prepared)
    status, box = prepared.urn.status(), prepared.feeder.box()
    records = prepared.urn.records()
    lying = [*box.valid, *box.invalid]
    known = {sheet.id: sheet for sheet in offered}
    contests = prepared.definition.style_contests(prepared.style)
    compared = compare(
        contests, [known[sheet] for sheet in lying if sheet in known], prepared.urn.results(),
        records,
    )
    wrong = list(compared.notes)
    counted = status.valid + status.invalid
    if not len(lying) == counted == len(records):
        wrong.insert(
            0, f"{len(lying)} sheets in the box, {counted} counted, {len(records)} records"
        )
    session.count(
        requirement, 1, int(bool(wrong)), condition=condition, note="; ".join(wrong[:5])
    )


def _counted(prepared: Prepared) -> int:
    status = prepared.urn.status()
    return status.valid + status.invalid
