"""Ballots outside the declared range: refused or reported, never misread (MRK-011).

Sorters have been in use whose longest ballot was shorter than the ballots of the next election
(34.9 cm in 2020, 46.9 cm in 2024, with 34 parties). What matters is what a device does then. Three
sweeps: definitions with more and more options are offered to the urn, which must refuse them or
count every option right; ballots on longer and shorter paper are fed with a definition that is in
range, and must come back or be counted right; a counting core is shown pictures of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kalys.ballots.layout import Layout
from kalys.ballots.package import urn_package
from kalys.ballots.ranges import CONTEST, of_length, with_options
from kalys.ballots.sheet import Mark, Sheet
from kalys.ballots.templates import layouts_for
from kalys.ballots.truth import truth_of
from kalys.devices.roles import Feeder
from kalys.election.definition import ElectionDefinition
from kalys.errors import ConfigurationError, Refused
from kalys.procedures.deck_run import feed_all, finish, report_sheets, run_deck
from kalys.procedures.preparation import (
    BEFORE_OPENING,
    STATION,
    Prepared,
    end_election,
    open_polls,
    print_report,
    restored,
)
from kalys.procedures.registry import procedure
from kalys.protocols.urn.messages import Purpose, ReportKind

if TYPE_CHECKING:
    from kalys.procedures.session import Session

REQUIREMENT = "MRK-011"
LENGTHS_MM = (-40.0, -12.0, -5.0, 0.0, 5.0, 7.0, 12.0, 25.0, 40.0)
BEYOND_OPTIONS = (-1, 0, 1, 20)
_NO_OTHER_PAPER = "the bench has no ballots of other lengths, and no other definitions' ballots"


@procedure(
    "ballot.range",
    title="Ballots beyond the declared length or number of options are never misread",
    requirements=(REQUIREMENT,),
    device_seconds=600,
    front="pytest",
    devices=("urn", "core"),
)
def ballot_range(session: Session, parameters: Mapping[str, Any]) -> None:
    """``sheets`` ballots of each length; definitions of ``options`` more than the limit."""
    each = int(parameters.get("sheets", 6))
    lengths = [float(mm) for mm in parameters.get("lengths_mm", LENGTHS_MM)]
    beyond = [int(n) for n in parameters.get("options", BEYOND_OPTIONS)]
    style = session.definition.styles[0].id
    layout = layouts_for(session.definition)[style]
    if session.bench.dut_role == "core":
        _lengths(session, layout, lengths, each)
        return
    try:
        _provide(session.feeder, session.definition, [layout])
    except Refused as refused:
        session.not_applicable(REQUIREMENT, f"{_NO_OTHER_PAPER}: {refused}")
        return
    _lengths(session, layout, lengths, each)
    limit = session.profile.limits.ballot_options
    for number, more in enumerate(beyond, 1):
        options = (limit or len(layout.front.targets)) + more
        _options(session, layout, options, limit, each)
        session.report_progress(number, len(beyond), f"a definition with {options} options")


def _provide(
    feeder: Feeder, definition: ElectionDefinition, layouts: Sequence[Layout]
) -> None:
    feeder.provide(definition, {layout.style: layout for layout in layouts})


def _lengths(session: Session, layout: Layout, lengths: Sequence[float], each: int) -> None:
    """Ballots of other lengths under a definition that is in range."""
    papers = {mm: of_length(layout, mm, f"{layout.style}{mm:+g}") for mm in lengths}
    # Of what an urn misreads, pictures are drawn again here.
    session.renderer.learn(papers.values())
    if session.bench.dut_role != "core":
        _provide(session.feeder, session.definition, list(papers.values()))
    sheets = [
        sheet for mm, paper in papers.items()
        for sheet in _sheets_of_length(session, layout, paper, mm, each)
    ]
    run = run_deck(session, sheets, layout.style)
    report_sheets(session, REQUIREMENT, run)


def _sheets_of_length(
    session: Session, layout: Layout, paper: Layout, more_mm: float, each: int
) -> Iterator[Sheet]:
    """Sheets on this paper with a mark in each contest that is left on it, over all its options."""
    contests = session.definition.style_contests(layout.style)
    rng = session.rng(f"ballot.range.{more_mm:+g}")
    left = {c.id: [t.option for t in paper.targets if t.contest == c.id] for c in contests}
    length = paper.page_mm[1]
    for i in range(each):
        marks = tuple(
            Mark(contest, options[(i * len(options)) // each + rng.randrange(2) - 1], "cross")
            for contest, options in left.items() if options
        )
        truth = truth_of(
            contests, marks, doubtful=bool(more_mm), why=f"on paper of {length:g} mm",
        )
        yield Sheet(
            f"length{more_mm:+g}-{i + 1:02d}", layout.election, paper.style, marks,
            seed=rng.getrandbits(31), truth=truth, group=f"{length:g} mm long",
        )


def _options(
    session: Session, layout: Layout, options: int, limit: int | None, each: int
) -> None:
    """Offer a definition with so many options; what is taken must be counted right."""
    condition = f"{options} options" + (f", declared {limit}" if limit else ", no limit declared")
    try:
        definition, ballot = with_options(session.definition, layout, options)
    except ConfigurationError as impossible:
        session.journal.add("note", {"text": f"{condition}: not tried, {impossible.what}"})
        return
    prepared = Prepared(
        session.urn, session.feeder, session.hands, session.printer, session.profile,
        layout.style, definition,
    )
    with restored(session, session.urn):
        end_election(prepared)
        prepared.feeder.empty_box()
        prepared.feeder.take_returned()
        prepared.urn.set_clock(definition.opens + BEFORE_OPENING)
        package = urn_package(definition, layout.style, STATION, ballot)
        try:
            prepared.urn.load(Purpose.DEFINITION, package)
        except Refused as refused:
            kept = limit is None or options > limit
            session.count(
                REQUIREMENT, 1, int(not kept), condition=condition,
                note="" if kept else f"a definition within the limit is refused: {refused.code}",
            )
            return
        _provide(prepared.feeder, definition, [ballot])
        print_report(prepared, ReportKind.ZERO)
        open_polls(prepared)
        sheets = _sheets_of_options(session, definition, ballot, each)
        run = finish(session, prepared, feed_all(session, prepared, sheets))
    report_sheets(session, REQUIREMENT, run, condition, by_group=False)


def _sheets_of_options(
    session: Session, definition: ElectionDefinition, ballot: Layout, each: int
) -> list[Sheet]:
    """Sheets for the last option, the first, and others between them."""
    contests = definition.style_contests(ballot.style)
    names = contests[0].option_ids
    rng = session.rng(f"ballot.range.{definition.id}")
    chosen = [names[-1], names[-2], names[0]]
    chosen += [rng.choice(names) for _ in range(max(0, each - len(chosen)))]
    return [
        Sheet(
            f"options{len(names)}-{i:02d}", definition.id, ballot.style,
            (mark,), seed=rng.getrandbits(31), truth=truth_of(contests, (mark,)),
            group=f"{len(names)} options",
        )
        for i, option in enumerate(chosen[:each], 1)
        for mark in [Mark(CONTEST, option, "cross")]
    ]
