"""One election with one deck: prepare the urn, feed every sheet, close, and compare.

Most procedures are this with another deck. ``run_deck`` gives them what the urn said of each sheet,
what it had in the end, and what lay in the box, compared with the deck's truth; each procedure then
counts what its requirement asks for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kalys.ballots.sheet import Sheet
from kalys.devices.roles import BoxContents
from kalys.procedures.comparison import Comparison, Pair, compare, join, wrong_outcome
from kalys.procedures.feeding import Fed, feed_deck
from kalys.procedures.preparation import Prepared, close_polls, prepared_urn

if TYPE_CHECKING:
    from kalys.procedures.session import Session

USUAL_CAPACITY = 1000          # sheets, where a profile promises none
ROOM = 0.9                     # share of the box that one election fills


@dataclass(frozen=True)
class DeckRun:
    """What became of a deck. ``wrong[sheet id]`` says what was wrong with a sheet, in words."""

    style: str
    fed: tuple[tuple[Sheet, Fed], ...]
    comparison: Comparison
    box: BoxContents
    wrong: dict[str, str]

    @property
    def counted(self) -> tuple[Sheet, ...]:
        return tuple(sheet for sheet, fed in self.fed if fed.counted)

    @property
    def pairs(self) -> dict[str, Pair]:
        """The pair of sheet and record by sheet id, for the sheets that were counted."""
        return {pair.sheet.id: pair for pair in self.comparison.pairs if pair.sheet is not None}

    @property
    def strays(self) -> tuple[Pair, ...]:
        """Records that belong to no counted sheet."""
        return tuple(pair for pair in self.comparison.pairs if pair.sheet is None)


def run_deck(session: Session, sheets: Sequence[Sheet], style: str) -> DeckRun:
    """Feed the sheets on the device under test, in as many elections as the box makes necessary."""
    room = box_room(session)
    runs: list[DeckRun] = []
    for start in range(0, len(sheets), room):
        part = sheets[start : start + room]
        with prepared_urn(session, style=style) as prepared:
            fed = feed_all(session, prepared, part, done=start, total=len(sheets))
            runs.append(finish(session, prepared, fed))
        if len(fed) < len(part):
            break
    return joined(style, runs)


def box_room(session: Session) -> int:
    """Sheets that one election may put into the box of the device under test."""
    return max(1, int((session.profile.limits.capacity or USUAL_CAPACITY) * ROOM))


def joined(style: str, runs: Sequence[DeckRun]) -> DeckRun:
    """Several runs with parts of one deck, as one."""
    boxes = [run.box for run in runs]
    return DeckRun(
        style,
        tuple(fed for run in runs for fed in run.fed),
        join([run.comparison for run in runs]),
        BoxContents(
            tuple(sheet for box in boxes for sheet in box.valid),
            tuple(sheet for box in boxes for sheet in box.invalid),
        ),
        {sheet: text for run in runs for sheet, text in run.wrong.items()},
    )


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
