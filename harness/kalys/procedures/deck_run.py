"""One election with one deck: prepare the urn, feed every sheet, close, and compare.

Most procedures are this with another deck. ``run_deck`` gives them what the urn said of each sheet,
what it had in the end, and what lay in the box, compared with the deck's truth; each procedure then
counts what its requirement asks for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kalys.ballots.sheet import Sheet
from kalys.ballots.templates import layouts_for
from kalys.procedures.comparison import Pair, compare, wrong_outcome
from kalys.procedures.core_errors import Breakdown, error_parts
from kalys.procedures.core_run import read_deck, sha256_of
from kalys.procedures.deck_outcome import DeckRun, joined
from kalys.procedures.feeding import Fed, feed_deck
from kalys.procedures.preparation import Prepared, close_polls, prepared_urn

if TYPE_CHECKING:
    from kalys.procedures.session import Session

__all__ = [
    "DeckRun", "box_room", "feed_all", "finish", "joined", "part_size", "report_misfeeds",
    "report_sheets", "run_deck", "settle",
]

USUAL_CAPACITY = 1000          # sheets, where a profile promises none
GROUP = 50                     # sheets in one observation of how they were fed
ROOM = 0.9                     # share of the box that one election fills


def run_deck(
    session: Session, sheets: Sequence[Sheet], style: str, *, done: int = 0,
    total: int | None = None,
) -> DeckRun:
    """Feed the sheets on the device under test, in as many elections as the box makes necessary; a
    counting core is shown them. ``done`` and ``total`` place them in a larger deck."""
    total = len(sheets) if total is None else total
    if session.bench.dut_role == "core":
        return read_deck(session, sheets, style, done=done, total=total)
    room = box_room(session)
    runs: list[DeckRun] = []
    for start in range(0, len(sheets), room):
        part = sheets[start : start + room]
        with prepared_urn(session, style=style) as prepared:
            fed = feed_all(session, prepared, part, done=done + start, total=total)
            runs.append(finish(session, prepared, fed))
        if len(fed) < len(part):
            break
    run = joined(style, runs)
    _break_down(session, run)
    return run


def _break_down(session: Session, run: DeckRun) -> None:
    """Where an urn went wrong, by mark, position, orientation and paper. What it saw nobody has;
    so the pictures are drawn again from the deck, and say so."""
    layout = layouts_for(session.definition)[run.style]
    breakdown = Breakdown(session.definition.style_contests(run.style), run.style, layout)
    pairs = run.pairs
    for sheet, fed in run.fed:
        said = run.wrong.get(sheet.id, "")
        pair = pairs.get(sheet.id) if fed.counted else None
        breakdown.add(sheet, pair, wrong=bool(said))
        if said and session.evidence is not None and not session.error_pictures.full:
            image = session.renderer.scan(sheet)
            for part in error_parts(
                pair or Pair(sheet, None), image, session.renderer.layout(sheet), said=said,
                sha256=sha256_of(image), drawn_again=True,
            ):
                session.error_pictures.keep(session, part)
    session.break_down(breakdown.facets(), wrong=bool(run.wrong))


def box_room(session: Session) -> int:
    """Sheets that one election may put into the box of the device under test."""
    return max(1, int((session.profile.limits.capacity or USUAL_CAPACITY) * ROOM))


def part_size(session: Session, parameters: Mapping[str, Any], spare: int = 0) -> int:
    """Sheets of one election of a long procedure: what the box takes but for ``spare``, or fewer
    where ``part`` says so. What was done in whole elections is not done again when the run is
    broken off."""
    room = max(1, box_room(session) - spare)
    return max(1, min(room, int(parameters.get("part", room))))


def feed_all(
    session: Session,
    prepared: Prepared,
    sheets: Sequence[Sheet],
    *,
    done: int = 0,
    total: int | None = None,
) -> list[tuple[Sheet, Fed]]:
    """Feed the sheets one after another; a jam is cleared and the feeding goes on.

    What is wrong with an outcome is in the journal as soon as it happens.
    """
    outcomes: list[tuple[Sheet, Fed]] = []

    def note(sheet: Sheet, fed: Fed) -> None:
        outcomes.append((sheet, fed))
        if fed.outcome == "jammed":
            prepared.feeder.clear_jam()
        wrong = wrong_outcome(sheet, fed)
        if wrong:
            session.journal.add("note", {"sheet": sheet.id, "text": wrong})

    feed_deck(session, prepared, sheets, note, done=done, total=total)
    return outcomes


def finish(
    session: Session, prepared: Prepared, fed: list[tuple[Sheet, Fed]]
) -> DeckRun:
    """Close the polls and compare what was fed with results, records and box."""
    settle(session, prepared)
    close_polls(prepared)
    contests = prepared.definition.style_contests(prepared.style)
    counted = [sheet for sheet, what in fed if what.counted]
    comparison = compare(contests, counted, prepared.urn.results(), prepared.urn.records())
    wrong = {sheet.id: said for sheet, what in fed if (said := wrong_outcome(sheet, what))}
    for pair in comparison.pairs:
        if pair.sheet is not None and not pair.exact:
            wrong.setdefault(pair.sheet.id, pair.describe())
    return DeckRun(prepared.style, tuple(fed), comparison, prepared.feeder.box(), wrong)


def settle(session: Session, prepared: Prepared, timeout: float = 15.0) -> None:
    """Wait until the last sheet has left the path."""
    deadline = session.clock.now() + round(timeout * 1e9)
    while prepared.urn.status().path not in ("idle", "jammed"):
        if session.clock.now() >= deadline:
            break
        session.clock.sleep(0.25)


def report_sheets(
    session: Session, requirement: str, run: DeckRun, condition: str = "", by_group: bool = True
) -> None:
    """One count observation per group of the deck; a sheet that went wrong gets one of its own."""
    groups: dict[str, list[Sheet]] = {}
    for sheet, _ in run.fed:
        groups.setdefault(sheet.group if by_group else "", []).append(sheet)
    for group, members in groups.items():
        named = " ".join(part for part in (condition, group) if part)
        bad = [sheet for sheet in members if sheet.id in run.wrong]
        for sheet in bad:
            session.count(
                requirement, 1, 1, condition=named, note=run.wrong[sheet.id], sheet=sheet.id
            )
        if len(members) > len(bad):
            session.count(requirement, len(members) - len(bad), 0, condition=named)
    for stray in run.strays:
        session.count(requirement, 1, 1, condition=condition, note=stray.describe())


def report_misfeeds(session: Session, run: DeckRun, condition: str) -> None:
    """PAP-001: every sheet in specification that was not counted is a misfeed, in deck order."""
    for start in range(0, len(run.fed) if run.box is not None else 0, GROUP):
        group = run.fed[start : start + GROUP]
        misfed = [(sheet, fed) for sheet, fed in group if _misfed(sheet, fed)]
        for sheet, fed in misfed:
            session.count(
                "PAP-001", 1, 1, condition=condition, sheet=sheet.id,
                note=f"in good order, and {fed.describe()}",
            )
        session.count("PAP-001", len(group) - len(misfed), 0, condition=condition)


def _misfed(sheet: Sheet, fed: Fed) -> bool:
    return sheet.truth is not None and sheet.truth.counted and not fed.counted
