"""Procedures of the count: a volume of ballots, and logic and accuracy over every position."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from kalys.ballots.deck import Deck, logic_and_accuracy, volume
from kalys.ballots.layout import Layout
from kalys.ballots.sheet import Sheet
from kalys.ballots.templates import layouts_for
from kalys.election.definition import Contest
from kalys.procedures.campaign import stops_when_decided, volume_campaign, volume_sheets
from kalys.procedures.comparison import Comparison, Position
from kalys.procedures.deck_run import (
    DeckRun,
    part_size,
    report_misfeeds,
    report_sheets,
    run_deck,
)
from kalys.procedures.registry import procedure
from kalys.requirements.measuring import AT_ANY_STOP
from kalys.requirements.observation import Outcome
from kalys.requirements.rules import Sequential

if TYPE_CHECKING:
    from kalys.procedures.session import Session

MOST_NAMED = 5                 # positions and differences that a note names
OF_ACCURACY = ("ACC-001", "ACC-002", "ACC-004", "ACC-005", "ACC-006")


@procedure(
    "count.volume",
    title="A volume of ballots without an error",
    requirements=(
        "ACC-001", "ACC-002", "ACC-003", "ACC-004", "ACC-005", "ACC-006", "ACC-009", "PAP-001",
        "MET-005",
    ),
    device_seconds=60_000,
    front="pytest",
    devices=("urn", "core"),
)
def count_volume(session: Session, parameters: Mapping[str, Any]) -> None:
    """Feed a volume deck in parts that fit the box; compare every sheet, then all totals. A
    counting core is shown it in shards."""
    if session.bench.dut_role == "core":
        volume_campaign(session, parameters)
        _report_bounds(session)
        return
    style = str(parameters.get("style", session.style))
    at_decision = stops_when_decided(parameters, "count.volume")
    sheets = volume_sheets(session.definition, style, parameters)
    part = part_size(session, parameters)
    done = session.done_before()
    deck = islice(_volume(session, style, sheets), done, None)
    while done < sheets:
        offered = list(islice(deck, part))
        run = run_deck(session, offered, style, done=done, total=sheets)
        _report_volume(session, run, f"sheets {done + 1} to {done + len(run.fed)}")
        done += len(run.fed)
        if len(run.fed) < len(offered) or (at_decision and session.decided("ACC-002")):
            break
        session.end_part(done)
    _report_bounds(session)


def _volume(session: Session, style: str, sheets: int) -> Iterator[Sheet]:
    seed = session.rng("count.volume").getrandbits(31)
    yield from volume(session.definition, style, sheets, seed).sheets


def _report_volume(session: Session, run: DeckRun, condition: str) -> None:
    _report_positions(session, run.comparison, condition, len(run.counted))
    _report_comparisons(session, run, condition)
    # How paper is fed is asked of what feeds it.
    report_misfeeds(session, run, "volume deck")
    # A count error that no sheet explains (totals alone are wrong) still is one.
    wrong = len(run.wrong) or int(bool(run.comparison.notes))
    told = [f"sheet {sheet}: {text}" for sheet, text in run.wrong.items()]
    told += [note for note in run.comparison.notes if note not in told]
    note = "; ".join(told[:MOST_NAMED])
    session.count("MET-005", len(run.fed), wrong, condition=condition, note=note)


def _report_positions(
    session: Session, compared: Comparison, condition: str, sheets: int
) -> None:
    """The positions of one part of the volume, with the errors named by position.

    One observation, because only the end of a part shows its errors: to count them as if they had
    come first would be unfair to the sequential test.
    """
    if not compared.positions:
        for requirement in OF_ACCURACY:
            session.blocked(requirement, f"{condition}: none of them was counted")
        return
    by_position = sorted(compared.errors.items(), key=lambda item: (-item[1], item[0]))
    named = [f"{contest}/{option}: {errors} wrong" for (contest, option), errors in by_position]
    note = "; ".join([*named[:MOST_NAMED], *compared.notes[:MOST_NAMED]])
    positions, bad = compared.positions, compared.wrong_sheets
    for requirement in ("ACC-001", "ACC-002", "ACC-004"):
        session.count(
            requirement, positions, min(compared.wrong_positions, positions),
            condition=condition, note=note, sheets=sheets, bad_sheets=bad,
        )
    session.count("ACC-005", sheets, bad, condition=condition, note=note, sheets=sheets,
                  bad_sheets=bad)
    session.count("ACC-006", positions, min(compared.votes_off, positions), condition=condition,
                  note=note)


def _report_bounds(session: Session) -> None:
    """ACC-003: whatever was decided about accuracy carries its bound, one that holds.

    A sequential test stops when it likes, so its bound must be one that holds at any stop.
    """
    for verdict in session.verdicts((*OF_ACCURACY, "MET-005")):
        if verdict.verdict in (Outcome.NOT_TESTED, Outcome.BLOCKED):
            continue
        measured = verdict.measurements
        bound = all(m.bound is not None for m in measured if m.trials)
        if isinstance(session.rule(verdict.requirement), Sequential):
            bound &= any(m.conditions.get("supposes") == AT_ANY_STOP for m in measured)
        session.check(
            "ACC-003", f"bound on {verdict.requirement}", bound,
            f"the verdict on {verdict.requirement} states no upper bound of the error rate that "
            "holds for it",
        )


@procedure(
    "count.logic_and_accuracy",
    title="Deck, records and totals agree on every position",
    requirements=("ACC-007", "ACC-009", "MET-005"),
    device_seconds=600,
    front="pytest",
    devices=("urn", "core"),
)
def count_logic_and_accuracy(session: Session, parameters: Mapping[str, Any]) -> None:
    """The logic-and-accuracy deck of each style, each in an election of its own.

    ``styles`` names them, or says how many of the election's first are tried; all by default.
    """
    usual = [style.id for style in session.definition.styles]
    wanted = parameters.get("styles", usual)
    for style in usual[:wanted] if isinstance(wanted, int) else wanted:
        seed = session.rng(f"count.logic_and_accuracy.{style}").getrandbits(31)
        deck = logic_and_accuracy(session.definition, style, seed)
        run = run_deck(session, deck.sheets, style)
        _report_coverage(session, run, deck)
        _report_comparisons(session, run, style)
        report_sheets(session, "MET-005", run, style, by_group=False)


def _report_coverage(session: Session, run: DeckRun, deck: Deck) -> None:
    """Every position must be active in the deck, in each way of feeding, and in the records; where
    a ballot has targets on both sides, in the records of each way and told by side."""
    layout = layouts_for(session.definition)[run.style]
    covered = deck.coverage()
    ways = sorted({sheet.orientation for sheet in deck if sheet.truth and sheet.truth.counted})
    read: dict[str, set[Position]] = {}
    for pair in run.comparison.pairs:
        if pair.record is not None and pair.sheet is not None:
            told = {(c, o) for c, options in pair.record.marks.items() for o in options}
            read.setdefault(pair.sheet.orientation, set()).update(told)
    seen = set[Position]().union(*read.values())
    for contest in session.definition.style_contests(run.style):
        for side, options in _by_side(layout, contest):
            named = f"{run.style} {contest.id}{side}"
            inactive = [
                f"{contest.id}/{option} {way}" for option in options
                for way, votes in covered.count[contest.id][option].items() if not votes
            ]
            session.count(
                "ACC-007", len(ways) * len(options), len(inactive),
                condition=f"{named}, each way of feeding",
                note=f"not active in deck {deck.name}: {', '.join(inactive)}" if inactive else "",
            )
            # What was read in which way can only be told where each record has its sheet.
            looked = {f" {way}": read.get(way, set()) for way in ways} if side else {"": seen}
            missing = [
                f"{option}{way}" for way, marks in looked.items() for option in options
                if (contest.id, option) not in marks
            ]
            session.count(
                "ACC-007", len(looked) * len(options), len(missing), condition=named,
                note=f"in no record of deck {deck.name}: {', '.join(missing)}" if missing else "",
            )


def _by_side(layout: Layout, contest: Contest) -> list[tuple[str, list[str]]]:
    """The contest's options by the side of the ballot that they stand on, with that in words: "" on
    a ballot with one side."""
    if layout.sides == 1:
        return [("", list(contest.option_ids))]
    by_side: dict[str, list[str]] = {}
    for option in contest.option_ids:
        by_side.setdefault(f", {layout.side_of(contest.id, option)}", []).append(option)
    return list(by_side.items())


def _report_comparisons(session: Session, run: DeckRun, condition: str) -> None:
    """ACC-009: one comparison for each position, three ways; and one for the sheets as a whole."""
    compared = run.comparison
    positions = sum(len(c.options) for c in session.definition.style_contests(run.style))
    agree = compared.totals_agree and compared.records_agree and compared.records_sum_to_totals
    differing = len(compared.errors) or int(not agree)
    note = "; ".join(compared.notes[:5])
    session.count(
        "ACC-009", positions + 1, differing, condition=f"{condition}: deck = records = totals",
        note=note,
    )
    if run.box is None:
        return
    lying = sorted((*run.box.valid, *run.box.invalid))
    counted = sorted(sheet.id for sheet in run.counted)
    session.count(
        "ACC-009", 1, int(lying != counted), condition=f"{condition}: box = counter",
        note=f"{len(lying)} sheets in the box, {len(counted)} accepted"
        if lying != counted else "",
    )
