"""How a device answers to marks that are neither clear votes nor clearly none.

Decks of marginal marks give no right and wrong but a response: what share of marks is read as a
vote, taken as doubtful (given back, or recorded as marginal) or not taken for a mark, over their
strength, over the ballot, over the overlap of a tail. ``read_as`` tells what became of one mark;
``Curve`` and ``BallotMap`` are what the journal keeps of many, for the pictures of the report.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from kalys.ballots.layout import Layout
from kalys.ballots.sheet import Mark
from kalys.procedures.comparison import Pair
from kalys.procedures.deck_outcome import DeckRun
from kalys.procedures.feeding import Fed

if TYPE_CHECKING:
    from kalys.procedures.session import Session

VOTE, DOUBTFUL, NONE = "vote", "doubtful", "none"
"""What a device made of a mark. DOUBTFUL: the sheet came back, or the record says marginal."""

RECORD = "response"
"""The kind of journal record that holds a curve or a map."""

_LEAST_IN_A_POINT = 8       # marks that are put together to one point of a curve


@dataclass(frozen=True)
class Answer:
    """What became of one mark of a strength at a position (contest, option); "" for ``read``: the
    device gave no answer, such as a jam."""

    strength: float
    position: tuple[str, str]
    read: str


@dataclass(frozen=True)
class Curve:
    """Shares of answers over ``quantity``. ``points`` are (x, trials, count of each of
    ``answers``); ``thresholds`` are (what, x)."""

    title: str
    quantity: str
    unit: str
    answers: tuple[str, ...]
    points: tuple[tuple[float, int, tuple[int, ...]], ...]
    thresholds: tuple[tuple[str, float], ...] = ()
    note: str = ""


@dataclass(frozen=True)
class BallotMap:
    """A value for each target of one side of a style. ``places`` are (contest/option, x, y, width,
    height, value, end) in mm; ``end`` is -1 or 1 where the value is only a bound from above or
    below, else 0."""

    title: str
    unit: str
    style: str
    page_mm: tuple[float, float]
    places: tuple[tuple[str, float, float, float, float, float, int], ...]
    note: str = ""


@dataclass(frozen=True)
class Readings:
    """What a run tells of marks: by sheet id, and the pairs of sheets and records."""

    run: DeckRun
    pairs: Mapping[str, Pair] = field(default_factory=dict)

    @classmethod
    def of(cls, run: DeckRun) -> Readings:
        return cls(run, run.pairs)

    def of_mark(self, sheet: str, fed: Fed, mark: Mark) -> str:
        """What became of ``mark``: VOTE, DOUBTFUL, NONE, or "" without an answer."""
        if fed.outcome == "returned":
            return DOUBTFUL
        pair = self.pairs.get(sheet)
        if not fed.counted or pair is None or pair.record is None:
            return ""
        if mark.option in pair.record.marks.get(mark.contest, ()):
            return VOTE
        return DOUBTFUL if mark.option in pair.record.marginal.get(mark.contest, {}) else NONE

    def answers(self, parameter: str) -> list[Answer]:
        """The answers to the first mark of each sheet; its strength is that parameter's value."""
        return [
            Answer(mark.params[parameter], (mark.contest, mark.option),
                   self.of_mark(sheet.id, fed, mark))
            for sheet, fed in self.run.fed for mark in sheet.marks[:1]
        ]


def points_of(
    answers: Iterable[Answer], least: int = _LEAST_IN_A_POINT
) -> tuple[tuple[float, int, tuple[int, ...]], ...]:
    """Points of a curve with the answers VOTE and DOUBTFUL: marks of one strength together, and
    neighbouring strengths until a point has ``least`` marks."""
    by_strength: dict[float, Counter[str]] = {}
    for answer in answers:
        if answer.read:
            by_strength.setdefault(answer.strength, Counter())[answer.read] += 1
    points: list[tuple[float, int, tuple[int, ...]]] = []
    total, weighted, counts = 0, 0.0, Counter[str]()
    for strength, found in sorted(by_strength.items()):
        count = found.total()
        total, weighted, counts = total + count, weighted + count * strength, counts + found
        if total >= least:
            points.append(
                (round(weighted / total, 4), total, (counts[VOTE], counts[DOUBTFUL]))
            )
            total, weighted, counts = 0, 0.0, Counter()
    return tuple(points)


def maps_of(
    layout: Layout, title: str, unit: str, values: Mapping[tuple[str, str], tuple[float, int]],
    note: str = "",
) -> list[BallotMap]:
    """Maps of ``values`` ((value, end) by position) on ``layout``: one for each side with targets.
    """
    found = []
    for side, face in layout.faces.items():
        places = tuple(
            (f"{t.contest}/{t.option}", t.x, t.y, t.width, t.height,
             round(values[t.contest, t.option][0], 5), values[t.contest, t.option][1])
            for t in face.targets if (t.contest, t.option) in values
        )
        if face.targets:
            named = title if layout.sides == 1 else f"{title}, {side}"
            found.append(BallotMap(named, unit, layout.style, layout.page_mm, places, note))
    return found


def note_response(
    session: Session, *, curves: Sequence[Curve] = (), maps: Sequence[BallotMap] = ()
) -> None:
    """Keep curves and maps in the journal: the report draws them."""
    session.journal.add(RECORD, {
        "procedure": session.running,
        "curves": [asdict(curve) for curve in curves],
        "maps": [asdict(map_) for map_ in maps],
    })
