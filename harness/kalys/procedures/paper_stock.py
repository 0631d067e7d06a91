"""What ballots are made of: the range of paper that an urn is declared for, and copies.

PAP-006: an urn must work at every corner of the range that its maker declares (lightest and
heaviest, driest and dampest, smallest and largest), so each corner is judged by itself. Two sheets
fed together must be noticed there as well (PAP-002): thin paper is where a thickness says least.

PAP-008: where the election's ballots bear a security mark, sheets without it, with a part of it,
and photocopies of it are fed among genuine ones. None may be counted. That genuine ones are counted
is looked at too: an urn that refuses everything has shown nothing. Copies with the genuine ink are
left out (``kalys.ballots.stock`` says why).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice, product
from random import Random
from typing import TYPE_CHECKING, Any

from kalys.ballots.sheet import Sheet
from kalys.ballots.stock import SecurityMark, Stock
from kalys.ballots.templates import layouts_for
from kalys.procedures.control_sheets import control_sheets
from kalys.procedures.deck_run import box_room, feed_all, settle
from kalys.procedures.paper_faults import feed_two
from kalys.procedures.preparation import Prepared, prepared_urn
from kalys.procedures.registry import procedure

if TYPE_CHECKING:
    from kalys.bench.profile import Limits
    from kalys.procedures.feeding import Fed
    from kalys.procedures.session import Session

RANGE, DOUBLE, AUTHENTIC = "PAP-006", "PAP-002", "PAP-008"
SECURITY_MARK = "security-mark"         # the capability: a sensor for it
DIFFERENT = 6                           # ballots of a corner; they come again and again
EVERY_GENUINE = 5                       # of so many sheets one is genuine
LEAST_TAKEN = 0.9                       # of the genuine ones
MARK_SIZE_MM = (10.0, 6.0)
MARK_ABOVE_FOOT_MM = 14.0
# What a forger or a copier leaves: shares that answer, of the mark and of the print beside it.
FORGED: Mapping[str, tuple[tuple[float, float], tuple[float, float]]] = {
    "mark removed": ((0.0, 0.0), (0.0, 0.0)),
    "mark damaged": ((0.05, 0.45), (0.0, 0.0)),
    "mark duplicated by a copier": ((0.9, 1.0), (0.6, 1.0)),
}


@procedure(
    "paper.range",
    title="The urn works at every corner of its declared range of paper",
    requirements=(RANGE, DOUBLE),
    device_seconds=40_000,
    front="pytest",
)
def paper_range(session: Session, parameters: Mapping[str, Any]) -> None:
    """``sheets`` ballots in good order and ``pairs`` double feeds of each corner's paper."""
    each, pairs = int(parameters.get("sheets", 1497)), int(parameters.get("pairs", 12))
    corners = corners_of(session.profile.limits)
    if len(corners) < 2:
        session.not_applicable(RANGE, "The profile declares no range of paper")
        return
    style = session.definition.styles[0].id
    room = box_room(session) - 2 * pairs * len(corners)
    total = each * len(corners)
    with prepared_urn(session, style=style, opened=False) as prepared:
        deck = [sheet for stock in corners for sheet in _of_stock(session, prepared, stock, each)]
    for start in range(0, total, max(1, room)):
        part = deck[start : start + max(1, room)]
        with prepared_urn(session, style=style) as prepared:
            fed = feed_all(session, prepared, part, done=start, total=total)
            settle(session, prepared)
            if start + len(part) == total:
                _double_feeds(session, prepared, corners, pairs)
        _report_misfeeds(session, fed)
        if len(fed) < len(part):
            break


def corners_of(limits: Limits) -> list[Stock]:
    """The paper at each corner of the declared range; one where nothing is declared."""
    usual, tolerance = Stock(), limits.paper_size_tolerance_mm
    return [
        Stock(grammage_g_m2=grammage, humidity_percent=humidity, cut_mm=cut)
        for grammage, humidity, cut in product(
            _ends(limits.paper_lightest_g_m2, limits.paper_heaviest_g_m2, usual.grammage_g_m2),
            _ends(limits.paper_driest_percent, limits.paper_dampest_percent,
                  usual.humidity_percent),
            (-tolerance, tolerance) if tolerance else (0.0,),
        )
    ]


def _ends(least: float | None, most: float | None, usual: float) -> tuple[float, ...]:
    """Both ends of a range; an end that is not declared is as usual."""
    ends = (usual if least is None else least, usual if most is None else most)
    return ends if ends[0] != ends[1] else ends[:1]


def _of_stock(
    session: Session, prepared: Prepared, stock: Stock, number: int
) -> Iterator[Sheet]:
    """So many plain ballots of this paper, under ids of their own."""
    name = f"paper.range {stock.words()}"
    few = list(islice(control_sheets(session, prepared, name), DIFFERENT))
    prefix = f"{stock.grammage_g_m2:g}g-{stock.humidity_percent:g}rh{stock.cut_mm:+g}mm"
    for i in range(number):
        sheet = few[i % DIFFERENT]
        yield replace(
            sheet, id=f"{prefix}-{i + 1:05d}", paper=replace(sheet.paper, stock=stock),
            group=stock.words(),
        )


def _report_misfeeds(session: Session, fed: Sequence[tuple[Sheet, Fed]]) -> None:
    """One observation for each corner's ballots that were taken, one for each misfeed."""
    taken: dict[str, int] = {}
    for sheet, what in fed:
        if what.counted:
            taken[sheet.group] = taken.get(sheet.group, 0) + 1
        else:
            session.count(
                RANGE, 1, 1, condition=sheet.group, sheet=sheet.id,
                note=f"in good order on {sheet.group}, and {what.describe()}",
            )
    for corner, number in taken.items():
        session.count(RANGE, number, 0, condition=corner)


def _double_feeds(
    session: Session, prepared: Prepared, corners: Sequence[Stock], pairs: int
) -> None:
    """Two sheets exactly on one another, so that nothing but their thickness tells them apart."""
    for stock in corners:
        sheets = list(_of_stock(session, prepared, stock, 2 * pairs))
        for i in range(pairs):
            first, second = (replace(s, id=f"{s.id}-double") for s in sheets[2 * i : 2 * i + 2])
            wrong = feed_two(session, prepared, (first, second), 0.0)
            session.count(
                DOUBLE, 1, int(bool(wrong)), condition=f"two sheets, {stock.words()}",
                note=wrong, sheet=first.id if wrong else "",
            )
    prepared.feeder.take_returned()


@procedure(
    "paper.authenticity",
    title="A sheet without the security mark is given back",
    requirements=(AUTHENTIC,),
    device_seconds=9000,
    front="pytest",
)
def authenticity(session: Session, parameters: Mapping[str, Any]) -> None:
    """``sheets`` copies of every kind among genuine ballots; none may be counted."""
    if SECURITY_MARK not in session.profile.capabilities:
        session.not_applicable(AUTHENTIC, "The urn has no sensor for a security mark")
        return
    copies = int(parameters.get("sheets", 2995))
    style = session.definition.styles[0].id
    deck = _copies_and_genuine(session, style, copies)
    mark = _mark(session, style)
    room = box_room(session)
    offered = taken = 0
    for start in range(0, len(deck), room):
        part = deck[start : start + room]
        with prepared_urn(session, style=style, security_mark=mark) as prepared:
            fed = feed_all(session, prepared, part, done=start, total=len(deck))
            settle(session, prepared)
            box = prepared.feeder.box()
        genuine = [what for sheet, what in fed if not sheet.group]
        offered, taken = offered + len(genuine), taken + sum(what.counted for what in genuine)
        _report_copies(session, fed, {*box.valid, *box.invalid})
    if taken < LEAST_TAKEN * offered:
        session.blocked(
            AUTHENTIC, f"of {offered} genuine ballots {taken} were taken: that copies are refused "
            "shows nothing about the security mark",
        )


def _mark(session: Session, style: str) -> SecurityMark:
    """A patch in the middle above the foot of the ballot."""
    width, height = layouts_for(session.definition)[style].page_mm
    across, down = MARK_SIZE_MM
    return SecurityMark(x=width / 2, y=height - MARK_ABOVE_FOOT_MM, width=across, height=down)


def _copies_and_genuine(session: Session, style: str, copies: int) -> list[Sheet]:
    """So many copies, the kinds in turn, and a genuine ballot after every few of them."""
    rng = session.rng("paper.authenticity")
    with prepared_urn(session, style=style, opened=False) as prepared:
        number = copies + copies // (EVERY_GENUINE - 1) + 1
        plain = list(islice(control_sheets(session, prepared, "paper.authenticity"), number))
    deck, kinds = [], list(FORGED)
    made = 0
    for i, sheet in enumerate(plain):
        if i % EVERY_GENUINE == 0:
            deck.append(replace(sheet, group=""))
            continue
        kind = kinds[made % len(kinds)]
        made += 1
        deck.append(replace(
            sheet, group=kind, truth=None, paper=replace(sheet.paper, stock=_forged(kind, rng)),
        ))
    return deck


def _forged(kind: str, rng: Random) -> Stock:
    (least, most), (beside_least, beside_most) = FORGED[kind]
    return Stock(
        infrared=round(rng.uniform(least, most), 3),
        infrared_beside=round(rng.uniform(beside_least, beside_most), 3),
    )


def _report_copies(
    session: Session, fed: Sequence[tuple[Sheet, Fed]], boxed: set[str]
) -> None:
    """A copy that the urn counted, or that lies in the box, is a failure; one that jammed or of
    which nothing was heard shows nothing."""
    refused: dict[str, int] = {}
    for sheet, what in fed:
        if not sheet.group:
            continue
        if what.counted or sheet.id in boxed:
            session.count(
                AUTHENTIC, 1, 1, condition=sheet.group, sheet=sheet.id,
                note=f"{sheet.paper.stock.words()}, and {what.describe()}"
                + (", in the box" if sheet.id in boxed else ""),
            )
        elif what.outcome == "returned":
            refused[sheet.group] = refused.get(sheet.group, 0) + 1
    for kind, number in refused.items():
        session.count(AUTHENTIC, number, 0, condition=kind)
