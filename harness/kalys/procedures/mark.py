"""Procedures of marks: what must be read, what must not, and what goes where.

The marks are those of the published library (``kalys.ballots.marks``), each with its class: valid,
ambiguous, invalid; the decks are those of ``kalys.ballots.deck``. A deck runs in an election of its
own, and each sheet is judged by what the urn said of it and by the record that it left.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random
from typing import TYPE_CHECKING, Any

from kalys.ballots.deck import blank_and_double, folds, foreign, marks
from kalys.ballots.marks import AMBIGUOUS_KINDS, INVALID_KINDS, VALID_KINDS
from kalys.ballots.sheet import Mark, Sheet
from kalys.ballots.truth import truth_of
from kalys.procedures.comparison import Position
from kalys.procedures.control_sheets import CLEAR
from kalys.procedures.deck_run import DeckRun, report_sheets, run_deck
from kalys.procedures.registry import procedure

if TYPE_CHECKING:
    from kalys.election.definition import ElectionDefinition
    from kalys.procedures.session import Session

CLASSES = {"valid": VALID_KINDS, "ambiguous": AMBIGUOUS_KINDS, "invalid": INVALID_KINDS}


@procedure(
    "mark.line",
    title="A line of 1 mm is a vote",
    requirements=("MRK-001",),
    device_seconds=7000,
    front="pytest",
    devices=("urn", "core"),
)
def line(session: Session, parameters: Mapping[str, Any]) -> None:
    """One 1 mm pencil line a ballot, spread evenly over the target positions (VVSG 1.1.6-H)."""
    wanted = int(parameters.get("marks", 2280))
    rng = session.rng("mark.line")
    sheets = [
        _with_line(session, f"mark.line-{number + 1:05d}", position, float(90 * (number % 2)))
        for number, position in enumerate(
            _spread(session.definition, session.style, wanted, rng)
        )
    ]
    run = run_deck(session, sheets, session.style)
    fed = [sheet for sheet, _ in run.fed]
    missed = {sheet.id: said for sheet in fed if (said := _missed(run, sheet))}
    by_position: dict[str, list[Sheet]] = {}
    for sheet in fed:
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


def _with_line(session: Session, name: str, position: Position, angle: float) -> Sheet:
    """A ballot with the line, and a clear mark in the contest that decides validity if the line
    stands elsewhere."""
    rng = session.rng(name)
    contests = session.definition.style_contests(session.style)
    marks = [Mark(*position, "line", {"angle_deg": angle})]
    marks += [
        Mark(c.id, rng.choice(c.option_ids), rng.choice(CLEAR))
        for c in contests
        if c.decides_validity and c.id != position[0]
    ]
    place = "/".join(position)
    truth = truth_of(contests, marks, why=f"a 1 mm line at {place}")
    return Sheet(
        id=name, election=session.definition.id, style=session.style, marks=tuple(marks),
        seed=rng.getrandbits(31), truth=truth, group=place,
    )


def _missed(run: DeckRun, sheet: Sheet) -> str:
    """In words, when the tried mark of the sheet was not read; "" when it was."""
    pair = run.pairs.get(sheet.id)
    if pair is None:
        fed = next(what for other, what in run.fed if other.id == sheet.id)
        return f"the ballot with the line was {fed.describe()}"
    tried = sheet.marks[0]
    if (tried.contest, tried.option) in pair.missed:
        return "the line is not in the record"
    return ""


@procedure(
    "mark.folds",
    title="Folds and flaws of the paper are no votes",
    requirements=("MRK-002",),
    device_seconds=9000,
    front="pytest",
    devices=("urn", "core"),
)
def folded(session: Session, parameters: Mapping[str, Any]) -> None:
    """A fold line through each target in turn, at many offsets (Windham NH 2020)."""
    sheets = int(parameters.get("sheets", 2995))
    seed = session.rng("mark.folds").getrandbits(31)
    deck = folds(session.definition, session.style, sheets, seed)
    report_sheets(session, "MRK-002", run_deck(session, deck.sheets, session.style))


@procedure(
    "mark.specification",
    title="Marks are read as specified",
    requirements=("MRK-006",),
    device_seconds=3000,
    front="pytest",
    devices=("urn", "core"),
)
def specification(session: Session, parameters: Mapping[str, Any]) -> None:
    """``marks`` marks of each class, with parameters anywhere in the published ranges."""
    wanted = int(parameters.get("marks", 299))
    for klass, kinds in CLASSES.items():
        seed = session.rng(f"mark.specification.{klass}").getrandbits(31)
        deck = marks(session.definition, session.style, wanted, seed, kinds)
        report_sheets(session, "MRK-006", run_deck(session, deck.sheets, session.style))


@procedure(
    "mark.validity",
    title="Blank and two-mark ballots go to the invalid compartment",
    requirements=("MRK-007",),
    device_seconds=9000,
    front="pytest",
    devices=("urn", "core"),
)
def validity(session: Session, parameters: Mapping[str, Any]) -> None:
    """The Kyrgyz rule on every style: no mark or two marks, invalid (24.kg, 2025-10-03)."""
    sheets = int(parameters.get("sheets", 2995))
    styles = [
        style for style in session.definition.styles
        if any(c.decides_validity for c in session.definition.style_contests(style.id))
    ]
    if not styles:
        session.not_applicable(
            "MRK-007", f"In the election {session.definition.id} no contest decides whether a "
            "ballot is valid: a contest without a mark, or with too many, is no vote, and the "
            "ballot counts.",
        )
    for index, style in enumerate(styles):
        share = sheets // len(styles) + (index < sheets % len(styles))
        seed = session.rng(f"mark.validity.{style.id}").getrandbits(31)
        deck = blank_and_double(session.definition, style.id, share, seed)
        report_sheets(session, "MRK-007", run_deck(session, deck.sheets, style.id), style.id)


@procedure(
    "mark.foreign",
    title="A foreign ballot is given back",
    requirements=("MRK-010",),
    device_seconds=6000,
    front="pytest",
    devices=("urn", "core"),
)
def strangers(session: Session, parameters: Mapping[str, Any]) -> None:
    """Ballots of other districts, elections and styles; none may be counted."""
    sheets = int(parameters.get("sheets", 2995))
    seed = session.rng("mark.foreign").getrandbits(31)
    deck = foreign(session.definition, session.style, sheets, seed)
    report_sheets(session, "MRK-010", run_deck(session, deck.sheets, session.style))
