"""Ticks whose tail touches a neighbouring square: counted by the published rule, and told.

The cause of differences between urn and hand count that the Central Election Commission named
(24.kg, 2025-10-03). The overlap runs from 0 to 50 % of the neighbour, at every target of every
contest, toward every neighbour. What the tail fills of the neighbour's inside decides
(``kalys.ballots.neighbours``): such a ballot is the voter's own option's, or ambiguous, or bears
two marks. An ambiguous ballot must be told: given back with "ambiguous-mark", or recorded with a
marginal mark. One that is counted one way or the other in silence is an unreported ambiguous
ballot; giving back or recording as marginal is right in every zone.

The thresholds are those that the device's profile publishes, where they leave room for doubtful
marks, else those of docs/marks.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kalys.ballots.deck_tails import MOST_OVERLAP, tails
from kalys.ballots.layout import Face, Layout, Target
from kalys.ballots.neighbours import AMBIGUOUS, BOTH, OWN, NeighbourRule, reached
from kalys.ballots.sheet import Mark, Sheet
from kalys.ballots.templates import layouts_for
from kalys.procedures.deck_outcome import DeckRun
from kalys.procedures.deck_run import feed_all, finish, run_deck
from kalys.procedures.feeding import Fed
from kalys.procedures.mark_response import DOUBTFUL, NONE, VOTE, Curve, Readings, note_response
from kalys.procedures.preparation import prepared_urn
from kalys.procedures.registry import procedure
from kalys.protocols.urn.messages import ReturnReason

if TYPE_CHECKING:
    from kalys.procedures.session import Session

REQUIREMENT = "MRK-008"
NEIGHBOUR, NOTHING = "neighbour", "nothing"
_TOLD = DOUBTFUL
_RIGHT = {OWN: {OWN, _TOLD}, AMBIGUOUS: {_TOLD}, BOTH: {BOTH, _TOLD}}
_WORDS = {
    OWN: "own option only", BOTH: "both options", _TOLD: "given back or marginal",
    NEIGHBOUR: "the neighbour only", NOTHING: "neither option",
}
_ZONES = {
    OWN: "the tail fills too little of the neighbour to be a mark",
    AMBIGUOUS: "the ballot is ambiguous and must be told",
    BOTH: "the tail is a second mark",
}
_BINS = 20


@dataclass(frozen=True)
class _Tail:
    """A sheet of the sweep: how far its tail reaches, and what became of it; ``read`` is "" when
    the device gave no answer that is about the marks."""

    sheet: Sheet
    overlap: float
    fill: float
    read: str


@procedure(
    "mark.overlap",
    title="A tick that touches a neighbouring square is counted by the rule, and told",
    requirements=(REQUIREMENT,),
    device_seconds=2000,
    front="pytest",
    devices=("urn", "core"),
)
def overlap(session: Session, parameters: Mapping[str, Any]) -> None:
    """``sheets`` ballots whose tick reaches into a neighbouring square by 0 to 50 %."""
    wanted = int(parameters.get("sheets", 608))
    limits = session.profile.limits
    rule = rule_of(limits.mark_blank_fill, limits.mark_vote_fill)
    seed = session.rng("mark.overlap").getrandbits(31)
    deck = tails(session.definition, session.style, wanted, seed, rule)
    layout = layouts_for(session.definition)[session.style]
    # In one election no two sheets mark the same option, so that each record has its sheet.
    size = len(layout.targets)
    found: list[_Tail] = []
    for start in range(0, len(deck), size):
        part = deck.sheets[start : start + size]
        run = _run(session, part, start, len(deck))
        readings = Readings.of(run)
        found += [_tail(layout, sheet, fed, readings) for sheet, fed in run.fed]
    _report(session, rule, found)
    _tell_response(session, rule, found)


def rule_of(blank_fill: float | None, vote_fill: float | None) -> NeighbourRule:
    """The rule with a device's published thresholds; with those of docs/marks.md where it publishes
    none, or none that leave room for doubtful marks."""
    if blank_fill and vote_fill and blank_fill < vote_fill:
        return NeighbourRule(blank_fill, vote_fill)
    return NeighbourRule()


def _run(session: Session, sheets: Sequence[Sheet], done: int, total: int) -> DeckRun:
    """One election; an urn is also asked how many ballots it gave back for such marks."""
    if session.bench.dut_role == "core":
        return run_deck(session, sheets, session.style, done=done, total=total)
    with prepared_urn(session, style=session.style) as prepared:
        fed = feed_all(session, prepared, sheets, done=done, total=total)
        run = finish(session, prepared, fed)
        status = prepared.urn.status()
    ambiguous = ReturnReason.AMBIGUOUS.value
    came_back = sum(what.outcome == "returned" and what.reason == ambiguous for _, what in fed)
    told = status.returned_by.get(ambiguous, 0)
    if status.returned_by or came_back:
        # An urn that does not count by reason has told it with each sheet, and only there.
        wrong = bool(status.returned_by) and told != came_back
        session.count(
            REQUIREMENT, 1, int(wrong), condition="share of such ballots",
            note=f"the urn says that it gave {told} sheets back for an ambiguous mark, and it gave "
            f"{came_back} back" if wrong else "",
        )
    return run


def _tail(layout: Layout, sheet: Sheet, fed: Fed, readings: Readings) -> _Tail:
    mark = sheet.marks[0]
    face = layout.face_of(mark.contest, mark.option)
    entered = reached(mark, face)
    fill = max(entered.values(), default=0.0)
    target = _nearest(face, mark)
    neighbour = Mark(target.contest, target.option, mark.kind)
    own, other = (readings.of_mark(sheet.id, fed, m) for m in (mark, neighbour))
    return _Tail(sheet, _overlap(mark, target, face), fill, _read(fed, own, other))


def _read(fed: Fed, own: str, other: str) -> str:
    if fed.outcome == "returned":
        # Another reason is a misfeed and says nothing of the mark.
        return _TOLD if fed.reason == ReturnReason.AMBIGUOUS.value else ""
    if not own or not other:
        return ""
    if _TOLD in (own, other):
        return _TOLD
    return {
        (VOTE, NONE): OWN, (VOTE, VOTE): BOTH, (NONE, VOTE): NEIGHBOUR, (NONE, NONE): NOTHING,
    }[own, other]


def _nearest(face: Face, mark: Mark) -> Target:
    """The neighbour that the tail runs to: the target nearest to its end."""
    own = next(t for t in face.targets if (t.contest, t.option) == (mark.contest, mark.option))
    x, y = own.x + mark.params["tail_x"], own.y + mark.params["tail_y"]
    others = [t for t in face.targets if t.contest == own.contest and t is not own]
    return min(others, key=lambda t: (t.x - x) ** 2 + (t.y - y) ** 2)


def _overlap(mark: Mark, neighbour: Target, face: Face) -> float:
    """How far the tail enters, as a share of the neighbour's extent."""
    own = next(t for t in face.targets if (t.contest, t.option) == (mark.contest, mark.option))
    dx, dy = neighbour.x - own.x, neighbour.y - own.y
    if abs(dy) >= abs(dx):
        return 0.5 + (abs(mark.params["tail_y"]) - abs(dy)) / neighbour.height
    return 0.5 + (abs(mark.params["tail_x"]) - abs(dx)) / neighbour.width


def _report(session: Session, rule: NeighbourRule, found: Sequence[_Tail]) -> None:
    """One observation for each ballot that was not counted by the rule, and one a zone."""
    right: Counter[str] = Counter()
    for tail in found:
        if not tail.read:
            continue
        zones = rule.zones(tail.fill)
        zone = " or ".join(_ZONES[z] for z in (OWN, AMBIGUOUS, BOTH) if z in zones)
        if any(tail.read in _RIGHT[z] for z in zones):
            right[zone] += 1
            continue
        why = tail.sheet.truth.why if tail.sheet.truth else ""
        session.count(
            REQUIREMENT, 1, 1, condition=zone, sheet=tail.sheet.id,
            note=f"{why} (fills {tail.fill:.3f} of it); counted in silence for "
            f"{_WORDS[tail.read]}",
        )
    for zone, count in right.items():
        session.count(REQUIREMENT, count, 0, condition=zone)


def _tell_response(session: Session, rule: NeighbourRule, found: Sequence[_Tail]) -> None:
    read = [tail for tail in found if tail.read]
    answers = (OWN, BOTH, _TOLD, NEIGHBOUR, NOTHING)
    used = [a for a in answers if a in (OWN, BOTH, _TOLD) or any(t.read == a for t in read)]
    told = sum(tail.read == _TOLD for tail in read)
    share = f"{told} of {len(read)} such ballots given back or recorded as marginal"
    deep = max((tail.fill for tail in read), default=0.0) or 1.0
    note_response(session, curves=[
        Curve(
            "Ticks that reach into a neighbouring square", "overlap", "%",
            tuple(_WORDS[a] for a in used),
            _points([(100 * t.overlap, t.read) for t in read], used, 100 * MOST_OVERLAP),
            note=share,
        ),
        Curve(
            "The same over what the tail fills of the neighbour", "fill", "%",
            tuple(_WORDS[a] for a in used),
            _points([(100 * t.fill, t.read) for t in read], used, 100 * deep),
            (("no mark below", 100 * rule.blank_fill), ("a mark from", 100 * rule.vote_fill)),
        ),
    ])


def _points(
    read: Sequence[tuple[float, str]], answers: Sequence[str], top: float
) -> tuple[tuple[float, int, tuple[int, ...]], ...]:
    """Equal bins from 0 to ``top``, each at its middle."""
    bins: list[Counter[str]] = [Counter() for _ in range(_BINS)]
    for x, answer in read:
        bins[min(_BINS - 1, max(0, int(_BINS * x / top)))][answer] += 1
    return tuple(
        (round((i + 0.5) * top / _BINS, 3), found.total(), tuple(found[a] for a in answers))
        for i, found in enumerate(bins) if found
    )
