"""Procedures of marks: what must be read, what must not, and what goes where.

The marks are those of the published library (``kalys.ballots.marks``), each with its class: valid,
ambiguous, invalid. A ballot carries the one mark that is tried; where that stands in a contest that
does not decide validity, the deciding one bears a clear mark, so that the ballot counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any

from kalys.ballots import marks as library
from kalys.ballots.deck import folds, foreign
from kalys.ballots.sheet import Mark, Sheet
from kalys.procedures.comparison import Position
from kalys.procedures.control_sheets import CLEAR, plain_sheet, truth_of
from kalys.procedures.deck_run import DeckRun, report_sheets, run_deck
from kalys.procedures.registry import procedure

if TYPE_CHECKING:
    from kalys.election.definition import ElectionDefinition
    from kalys.procedures.session import Session

STYLE = "KG-PL"


@procedure(
    "mark.line",
    title="A line of 1 mm is a vote",
    requirements=("MRK-001",),
    device_seconds=7000,
    front="pytest",
)
def line(session: Session, parameters: Mapping[str, Any]) -> None:
    """One 1 mm pencil line a ballot, spread evenly over the target positions (VVSG 1.1.6-H)."""
    wanted = int(parameters.get("marks", 2280))
    rng = session.rng("mark.line")
    sheets = []
    for number, position in enumerate(_spread(session.definition, STYLE, wanted, rng)):
        mark = Mark(*position, "line", {"angle_deg": float(90 * (number % 2))})
        sheets.append(
            tried_sheet(session.definition, STYLE, f"mark.line-{number + 1:05d}", mark, rng)
        )
    run = run_deck(session, sheets, STYLE)
    missed = {sheet.id: said for sheet in sheets if (said := _missed(run, sheet))}
    by_position: dict[str, list[Sheet]] = {}
    for sheet in sheets:
        by_position.setdefault(sheet.group, []).append(sheet)
    for place, members in by_position.items():
        bad = [sheet for sheet in members if sheet.id in missed]
        for sheet in bad:
            session.count(
                "MRK-001", 1, 1, condition=place, sheet=sheet.id, note=missed[sheet.id]
            )
        if len(members) > len(bad):
            session.count("MRK-001", len(members) - len(bad), 0, condition=place)


def _spread(
    definition: ElectionDefinition, style: str, wanted: int, rng: Random
) -> Iterator[Position]:
    """``wanted`` positions of the style, as evenly as can be, beginning anywhere."""
    positions = positions_of(definition, style)
    start = rng.randrange(len(positions))
    for number in range(wanted):
        whole, part = divmod(number, len(positions))
        left = min(wanted - whole * len(positions), len(positions))
        yield positions[(start + part * len(positions) // left) % len(positions)]


def positions_of(definition: ElectionDefinition, style: str) -> tuple[Position, ...]:
    """Every (contest, option) of a style, in ballot order."""
    contests = definition.style_contests(style)
    return tuple((c.id, option) for c in contests for option in c.option_ids)


def tried_sheet(
    definition: ElectionDefinition, style: str, name: str, mark: Mark, rng: Random
) -> Sheet:
    """A ballot with the tried mark, and a clear one in every other contest that decides validity.

    The truth takes the mark by its class: valid, a vote; invalid, none; ambiguous, either.
    """
    contests = definition.style_contests(style)
    clear = {
        c.id: (rng.choice(c.option_ids),)
        for c in contests
        if c.decides_validity and c.id != mark.contest
    }
    klass = library.classify(mark)
    marked: dict[str, Sequence[str]] = dict(clear)
    if klass == "valid":
        marked[mark.contest] = (mark.option,)
    truth = truth_of(contests, marked, f"{klass} mark: {mark.kind} at {mark.contest}/{mark.option}")
    if klass == "ambiguous":
        truth = replace(
            truth,
            kind="any-but-miscounted",
            marks={**truth.marks, mark.contest: (mark.option,)},
            ambiguous={mark.contest: (mark.option,)},
        )
    others = tuple(
        Mark(c, option, rng.choice(CLEAR)) for c, options in clear.items() for option in options
    )
    return Sheet(
        id=name, election=definition.id, style=style, marks=(mark, *others),
        seed=rng.getrandbits(31), truth=truth, group=f"{mark.contest}/{mark.option}",
    )


def _missed(run: DeckRun, sheet: Sheet) -> str:
    """In words, when the tried mark of the sheet was not read; "" when it was."""
    pair = run.pairs.get(sheet.id)
    if pair is None:
        fed = next(what for other, what in run.fed if other.id == sheet.id)
        return f"the ballot with the mark at {sheet.group} was {fed.describe()}"
    tried = sheet.marks[0]
    if (tried.contest, tried.option) in pair.missed:
        return f"the mark at {sheet.group} is not in the record"
    return ""


@procedure(
    "mark.folds",
    title="Folds and flaws of the paper are no votes",
    requirements=("MRK-002",),
    device_seconds=9000,
    front="pytest",
)
def folded(session: Session, parameters: Mapping[str, Any]) -> None:
    """A fold line through each target in turn, at many offsets (Windham NH 2020)."""
    sheets = int(parameters.get("sheets", 2995))
    seed = session.rng("mark.folds").getrandbits(31)
    deck = folds(session.definition, STYLE, sheets, seed)
    report_sheets(session, "MRK-002", run_deck(session, deck.sheets, STYLE))


@procedure(
    "mark.specification",
    title="Marks are read as specified",
    requirements=("MRK-006",),
    device_seconds=3000,
    front="pytest",
)
def specification(session: Session, parameters: Mapping[str, Any]) -> None:
    """``marks`` marks of each class, with parameters anywhere in the published ranges."""
    wanted = int(parameters.get("marks", 299))
    rng = session.rng("mark.specification")
    classes = {
        "valid": library.VALID_KINDS,
        "ambiguous": library.AMBIGUOUS_KINDS,
        "invalid": library.INVALID_KINDS,
    }
    sheets = []
    for klass, kinds in classes.items():
        places = _spread(session.definition, STYLE, wanted, rng)
        for number, position in enumerate(places):
            kind = kinds[number % len(kinds)]
            mark = Mark(*position, kind, _anywhere(kind, rng))
            name = f"mark.specification-{klass}-{number + 1:04d}"
            sheet = tried_sheet(session.definition, STYLE, name, mark, rng)
            sheets.append(replace(sheet, group=f"{klass}: {kind}"))
    report_sheets(session, "MRK-006", run_deck(session, sheets, STYLE))


def _anywhere(kind: str, rng: Random) -> dict[str, float]:
    """Parameters of a kind, drawn evenly from its published ranges."""
    params = {
        name: rng.uniform(low, high) for name, (low, high) in library.KINDS[kind].ranges.items()
    }
    if "angle_deg" in params:
        params["angle_deg"] = rng.choice((0.0, 90.0))
    return params


@procedure(
    "mark.validity",
    title="Blank and two-mark ballots go to the invalid compartment",
    requirements=("MRK-007",),
    device_seconds=9000,
    front="pytest",
)
def validity(session: Session, parameters: Mapping[str, Any]) -> None:
    """The Kyrgyz rule on every style: no mark or two marks, invalid (24.kg, 2025-10-03)."""
    sheets = int(parameters.get("sheets", 2995))
    styles = session.definition.styles
    for index, style in enumerate(styles):
        share = sheets // len(styles) + (index < sheets % len(styles))
        deck = list(_spoilt(session, style.id, share))
        report_sheets(session, "MRK-007", run_deck(session, deck, style.id), style.id)


def _spoilt(session: Session, style: str, sheets: int) -> Iterator[Sheet]:
    """Blank and two-mark ballots in turn; the other contests bear a mark, which must not count."""
    rng = session.rng(f"mark.validity.{style}")
    contests = session.definition.style_contests(style)
    for number in range(sheets):
        blank = number % 2 == 0
        marked: dict[str, Sequence[str]] = {}
        for contest in contests:
            if not contest.decides_validity:
                marked[contest.id] = (rng.choice(contest.option_ids),)
            elif not blank:
                marked[contest.id] = tuple(rng.sample(contest.option_ids, 2))
        yield plain_sheet(
            session.definition, style, f"mark.validity-{style}-{number + 1:04d}", marked, rng,
            why="no mark" if blank else "two marks", group="no mark" if blank else "two marks",
        )


@procedure(
    "mark.foreign",
    title="A foreign ballot is given back",
    requirements=("MRK-010",),
    device_seconds=6000,
    front="pytest",
)
def strangers(session: Session, parameters: Mapping[str, Any]) -> None:
    """Ballots of other districts, elections and styles; none may be counted."""
    sheets = int(parameters.get("sheets", 2995))
    seed = session.rng("mark.foreign").getrandbits(31)
    deck = foreign(session.definition, STYLE, sheets, seed)
    report_sheets(session, "MRK-010", run_deck(session, deck.sheets, STYLE))
