"""Procedures of the sheet of paper: misfeeds, orientations, damage, and what the voter is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from kalys.ballots.deck import damaged, foreign, orientations, volume
from kalys.devices.roles import display_word
from kalys.procedures.campaign import stops_when_decided
from kalys.procedures.control_sheets import control_sheets, plain_sheet
from kalys.procedures.deck_run import (
    box_room,
    report_misfeeds,
    report_sheets,
    run_deck,
    settle,
)
from kalys.procedures.feeding import Fed, feed, feed_together
from kalys.procedures.preparation import Prepared, prepared_urn
from kalys.procedures.registry import procedure
from kalys.procedures.watching import watched_display
from kalys.protocols.urn.messages import EventKind

if TYPE_CHECKING:
    from kalys.ballots.sheet import Sheet
    from kalys.procedures.session import Session

LATEST_DISPLAY_S = 3.0        # for which the display is watched: TIM-003 asks how late it may be
LOOK_S = 0.25


@procedure(
    "paper.misfeeds",
    title="Ballots in good order are seldom misfed",
    requirements=("PAP-001",),
    device_seconds=4500,
    front="pytest",
)
def misfeeds(session: Session, parameters: Mapping[str, Any]) -> None:
    """Ballots in specification: each that is given back, jams or vanishes is a misfeed."""
    sheets = int(parameters.get("sheets", 1497))
    at_decision = stops_when_decided(parameters, "paper.misfeeds")
    seed = session.rng("paper.misfeeds").getrandbits(31)
    deck = volume(session.definition, session.style, sheets, seed)
    room = box_room(session)
    for start in range(0, sheets, room):
        part = deck.sheets[start : start + room]
        run = run_deck(session, part, session.style, done=start, total=sheets)
        report_misfeeds(session, run, "ballots in specification")
        if len(run.fed) < len(part) or (at_decision and session.decided("PAP-001")):
            break


@procedure(
    "paper.orientations",
    title="Four orientations, each counted right or given back",
    requirements=("PAP-004",),
    device_seconds=300,
    front="pytest",
    devices=("urn", "core"),
)
def four_orientations(session: Session, parameters: Mapping[str, Any]) -> None:
    """``sheets`` ballots of every style in each of the four orientations."""
    sheets = int(parameters.get("sheets", 5))
    for style in session.definition.styles:
        seed = session.rng(f"paper.orientations.{style.id}").getrandbits(31)
        deck = orientations(session.definition, style.id, 4 * sheets, seed)
        run = run_deck(session, deck.sheets, style.id)
        report_sheets(session, "PAP-004", run, style.id)


@procedure(
    "paper.damaged",
    title="Damaged ballots are counted right or given back",
    requirements=("PAP-005",),
    device_seconds=300,
    front="pytest",
    devices=("urn", "core"),
)
def damaged_sheets(session: Session, parameters: Mapping[str, Any]) -> None:
    """Torn, crumpled, stained and folded ballots; none may be miscounted."""
    sheets = int(parameters.get("sheets", 30))
    seed = session.rng("paper.damaged").getrandbits(31)
    deck = damaged(session.definition, session.style, sheets, seed)
    report_sheets(session, "PAP-005", run_deck(session, deck.sheets, session.style))


@procedure(
    "paper.notices",
    title="The voter is told what became of the ballot",
    requirements=("PAP-007",),
    device_seconds=300,
    front="pytest",
)
def notices(session: Session, parameters: Mapping[str, Any]) -> None:
    """Feeds of every kind, faults included: *accepted* is shown exactly when a ballot was counted.

    The counters, not the urn's events, say whether it was; and where the bench watches the display,
    what is seen there is judged as well as what the urn reports of it.
    """
    wanted = int(parameters.get("sheets", 20))
    with prepared_urn(session) as prepared, watched_display(prepared.hands) as watched:
        feeds = _feeds_of_every_kind(session, prepared)
        for number, (kind, sheets) in enumerate(islice(feeds, wanted), 1):
            wrong = _compare_notice(session, prepared, kind, sheets, watched=watched)
            session.count(
                "PAP-007", 1, int(bool(wrong)), condition=kind, note=wrong,
                sheet=sheets[0].id if wrong else "",
            )
            session.report_progress(number, wanted, kind)


def _feeds_of_every_kind(
    session: Session, prepared: Prepared
) -> Iterator[tuple[str, tuple[Sheet, ...]]]:
    """Without end: what is fed, and the sheets."""
    plain = control_sheets(session, prepared, "paper.notices")
    rng = session.rng("paper.notices.others")
    strangers = foreign(
        prepared.definition, prepared.style, 60, rng.getrandbits(31)
    ).sheets
    number = 0
    while True:
        stranger = strangers[number % len(strangers)]
        number += 1
        yield "a valid ballot", (next(plain),)
        yield "a foreign ballot", (stranger,)
        yield "a blank ballot", (
            plain_sheet(
                prepared.definition, prepared.style, f"paper.notices-blank-{number:03d}", {}, rng,
                why="blank",
            ),
        )
        yield "two ballots together", (next(plain), next(plain))
        yield "a ballot that jams", (next(plain),)


def _compare_notice(
    session: Session, prepared: Prepared, kind: str, sheets: tuple[Sheet, ...], *, watched: bool
) -> str:
    """Feed, and compare what the voter was shown with the counters; in words what is wrong."""
    urn, feeder = prepared.urn, prepared.feeder
    prepared.hands.displayed()
    before = urn.status()
    if kind == "a ballot that jams":
        feeder.jam_next(0.3 * (prepared.profile.path_mm or 480.0))
    fed = feed_together(session, prepared, sheets) if len(sheets) > 1 else feed(
        session, prepared, sheets[0]
    )
    settle(session, prepared)
    if fed.outcome == "jammed" or urn.status().path == "jammed":
        feeder.clear_jam()
        settle(session, prepared)
    shown = [*fed.notices, *_later_notices(prepared)]
    after = urn.status()
    counted = after.valid + after.invalid - before.valid - before.invalid
    reported = _false_or_missing(fed, shown, counted, "the urn reports to have shown")
    if reported or not watched:
        return reported
    return _false_or_missing(fed, _on_display(session, prepared), counted, "the display showed")


def _on_display(session: Session, prepared: Prepared) -> list[str]:
    """What the display said of the sheet, in order. A text that was there before and stayed is
    what the voter was shown."""
    hands = prepared.hands
    deadline = session.clock.now() + round(LATEST_DISPLAY_S * 1e9)
    seen: list[str] = []
    while not {"accepted", "returned"}.intersection(seen) and session.clock.now() < deadline:
        session.clock.sleep(LOOK_S)
        seen += [shown.word for shown in hands.displayed() if shown.word]
    return seen or [display_word(hands.read_display())]


def _later_notices(prepared: Prepared) -> list[str]:
    return [str(e.fields["text"]) for e in prepared.urn.drain() if e.kind is EventKind.NOTICE]


def _false_or_missing(fed: Fed, shown: list[str], counted: int, who: str) -> str:
    told = f"{who} {', '.join(filter(None, shown)) or 'nothing'}"
    accepted = shown.count("accepted")
    if accepted > counted:
        return f"{told}, but the counters show {counted} ballots more"
    if counted and not accepted:
        return f"{told}, and the ballot was counted"
    if fed.outcome == "returned" and "returned" not in shown:
        return f"{told}, and the ballot was given back ({fed.reason})"
    return ""
