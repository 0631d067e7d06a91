"""Builders of decks: what a suite feeds, and why each sheet is in it.

Every builder is seeded and gives each sheet its truth and its group. Decks for one question each
(lines, folds, foreign sheets, ...) spread over all positions of the style; ``logic_and_accuracy``
is the deck that a commission would feed on the eve of an election, after VxSuite's scheme: ballot i
marks position i mod n in each contest with n options, plus overvotes and blanks.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from kalys.ballots.deck_file import READABLE, Coverage, Deck, Generated, load_deck
from kalys.ballots.layout import Layout, layouts_for
from kalys.ballots.marks import AMBIGUOUS_KINDS, INVALID_KINDS, KINDS, VALID_KINDS, aim_tail
from kalys.ballots.sheet import (
    ORIENTATIONS,
    Fold,
    Mark,
    Paper,
    Sheet,
    Stain,
    Streak,
    Tear,
    Truth,
)
from kalys.ballots.truth import returned, truth_of
from kalys.ballots.volume import SHIFT_MM, SKEW_DEG, STRETCH, draw_fold, draw_mark, volume
from kalys.election.definition import Contest, ElectionDefinition, load
from kalys.errors import ConfigurationError

__all__ = [
    "BUILDERS", "Coverage", "Deck", "Generated", "blank_and_double", "build", "damaged",
    "folds", "foreign", "ladder", "lines", "load_deck", "logic_and_accuracy", "marks",
    "orientations", "tails", "volume",
]

FOREIGN = ("foreign", "unreadable", "wrong-side")
"""Reasons that are right for a sheet of another kind."""
OTHER_ELECTION = "kg-training"


@dataclass(frozen=True)
class _Bench:
    """What every builder needs: the style's contests and layout, and a random source."""

    definition: ElectionDefinition
    style: str
    contests: tuple[Contest, ...]
    layout: Layout
    rng: random.Random

    @classmethod
    def of(cls, definition: ElectionDefinition, style: str, name: str, seed: int) -> _Bench:
        return cls(
            definition, style, definition.style_contests(style), layouts_for(definition)[style],
            random.Random(f"{name}/{definition.id}/{style}/{seed}"),
        )

    @property
    def deciding(self) -> Contest:
        """The contest that decides whether the sheet is valid."""
        return next((c for c in self.contests if c.decides_validity), self.contests[0])

    def sheet(
        self, group: str, marks: Sequence[Mark], paper: Paper | None = None,
        orientation: str = "down-head", truth: Truth | None = None,
    ) -> Sheet:
        """A sheet without its number; ``_numbered`` gives it one."""
        return Sheet(
            "", self.definition.id, self.style, tuple(marks), paper or Paper(), orientation,
            self.rng.getrandbits(32), truth or truth_of(self.contests, marks), group,
        )

    def tick(self, option: str | None = None, *, kind: str = "tick") -> Mark:
        """A plain mark in the deciding contest."""
        contest = self.deciding
        return Mark(contest.id, option or self.rng.choice(contest.option_ids), kind)

    def other(self, option: str) -> str:
        """Another option of the deciding contest."""
        return self.rng.choice([o for o in self.deciding.option_ids if o != option])

    def places(self, n: int) -> Iterable[tuple[Contest, str]]:
        """``n`` targets, going round all targets of the style."""
        every = [(c, o) for c in self.contests for o in c.option_ids]
        return (every[i % len(every)] for i in range(n))

    def mild(self) -> Paper:
        """Paper within the declared range, in steps that let a renderer's pool serve the deck."""
        r = self.rng
        return Paper(
            skew_deg=float(round(r.uniform(-SKEW_DEG, SKEW_DEG))),
            shift_mm=(round(r.uniform(-SHIFT_MM, SHIFT_MM), 1),
                      round(r.uniform(-SHIFT_MM, SHIFT_MM), 1)),
            stretch=r.choice((-STRETCH, 0.0, STRETCH)),
        )

    def deck(self, name: str, seed: int, sheets: Iterable[Sheet]) -> Deck:
        return Deck(name, seed, self.definition, self.style, _numbered(sheets))

    def with_deciding(self, contest: Contest, mark: Mark) -> list[Mark]:
        """``mark``, and a tick in the deciding contest if the mark is elsewhere: so that the sheet
        is valid whatever the other contest holds."""
        return [mark] if contest.decides_validity else [mark, self.tick()]


def _numbered(sheets: Iterable[Sheet]) -> tuple[Sheet, ...]:
    """Each sheet with its running number in front of its group."""
    return tuple(
        Sheet(f"{i:05d}-{s.group}", s.election, s.style, s.marks, s.paper, s.orientation, s.seed,
              s.truth, s.group)
        for i, s in enumerate(sheets, 1)
    )


def logic_and_accuracy(definition: ElectionDefinition, style: str, seed: int) -> Deck:
    """Every option of every contest in both readable orientations, once with an ordinary mark and
    once with a 1 mm line; overvotes, blanks, folds, foreign and upside-down sheets."""
    bench = _Bench.of(definition, style, "logic-and-accuracy", seed)
    longest = max(len(contest.options) for contest in bench.contests)
    ordinary = [kind for kind in VALID_KINDS if kind != "line"]
    sheets: list[Sheet] = []
    for run, group in enumerate(("positions", "lines")):
        for i in range(longest):
            kind = ordinary[i % len(ordinary)] if run == 0 else "line"
            marks = [
                Mark(c.id, c.option_ids[i % len(c.options)], kind) for c in bench.contests
            ]
            sheets.append(bench.sheet(group, marks, bench.mild(), READABLE[(i + run) % 2]))
    for contest in bench.contests:
        two = [Mark(contest.id, option, "tick") for option in contest.option_ids[:2]]
        rest = [] if contest.decides_validity else [bench.tick()]
        sheets.append(bench.sheet("overvote", two + rest))
    sheets += [bench.sheet("blank", []), bench.sheet("blank", [], bench.mild(), "down-foot")]
    sheets.append(bench.sheet("undervote", [bench.tick()]))
    sheets += _fold_sheets(bench, 8)
    sheets += _foreign_sheets(bench, 6)
    sheets += [_upside_down(bench, orientation) for orientation in ORIENTATIONS[2:]]
    return bench.deck("logic-and-accuracy", seed, sheets)


def lines(definition: ElectionDefinition, style: str, n: int, seed: int) -> Deck:
    """Pencil lines of 1 mm along the full axis, going round all positions (MRK-001)."""
    bench = _Bench.of(definition, style, "lines", seed)
    return bench.deck("lines", seed, [
        bench.sheet("lines", bench.with_deciding(contest, Mark(contest.id, option, "line")),
                    bench.mild(), READABLE[i % 2])
        for i, (contest, option) in enumerate(bench.places(n))
    ])


def marks(
    definition: ElectionDefinition, style: str, n: int, seed: int,
    kinds: Sequence[str] = (*VALID_KINDS, *AMBIGUOUS_KINDS, *INVALID_KINDS),
) -> Deck:
    """Marks of all kinds over all positions, parameters anywhere in their ranges (MRK-006).

    The group is "valid", "ambiguous" or "invalid". An invalid mark stands, on
    every other sheet, beside a proper vote that reading it as a vote would spoil; others stand
    alone.
    """
    bench = _Bench.of(definition, style, "marks", seed)
    sheets = []
    for i, (contest, option) in enumerate(bench.places(n)):
        kind = kinds[(i + i // len(kinds)) % len(kinds)]
        mark = draw_mark(bench.rng, contest.id, option, (kind,))
        klass = KINDS[mark.kind].klass
        put = bench.with_deciding(contest, mark)
        if klass == "invalid" and contest.decides_validity and i % 2:
            put.append(bench.tick(bench.other(option)))
        sheets.append(bench.sheet(klass, put, bench.mild(), READABLE[bench.rng.randrange(2)]))
    return bench.deck("marks", seed, sheets)


def folds(definition: ElectionDefinition, style: str, n: int, seed: int) -> Deck:
    """Folds through targets at any offset and angle beside a proper vote elsewhere (MRK-002; the
    case of Windham, New Hampshire, 2020)."""
    bench = _Bench.of(definition, style, "folds", seed)
    return bench.deck("folds", seed, _fold_sheets(bench, n))


def _fold_sheets(bench: _Bench, n: int) -> list[Sheet]:
    sheets = []
    for i, (contest, option) in enumerate(bench.places(n * 7)):
        if i % 7:
            continue  # every seventh position: 7 shares no factor with the usual row lengths
        target = bench.layout.target(contest.id, option)
        fold = draw_fold(bench.rng)
        share = bench.rng.uniform(-0.45, 0.45)
        through = Fold(
            round(target.x + share * target.width, 2), round(target.y + share * target.height, 2),
            fold.angle_deg, fold.width_mm, fold.depth,
        )
        vote = bench.tick(bench.other(option) if contest.decides_validity else None)
        sheets.append(bench.sheet("folds", [vote], Paper(folds=(through,)), READABLE[i % 2]))
    return sheets


def foreign(definition: ElectionDefinition, style: str, n: int, seed: int) -> Deck:
    """Ballots of other styles and another election, and blank paper (MRK-010)."""
    bench = _Bench.of(definition, style, "foreign", seed)
    return bench.deck("foreign", seed, _foreign_sheets(bench, n))


def _foreign_sheets(bench: _Bench, n: int) -> list[Sheet]:
    own = bench.definition
    kinds = [(own, s.id) for s in own.styles if s.id != bench.style]
    if own.id != OTHER_ELECTION:
        training = load(OTHER_ELECTION)
        kinds += [(training, s.id) for s in training.styles]
    sheets = []
    for i in range(n):
        orientation = READABLE[i // (len(kinds) + 1) % 2]
        seed = bench.rng.getrandbits(32)
        if i % (len(kinds) + 1) == len(kinds):
            truth = returned(FOREIGN, "blank paper")
            sheets.append(Sheet("", own.id, "plain", (), bench.mild(), orientation, seed, truth,
                                "foreign"))
            continue
        election, style = kinds[i % (len(kinds) + 1)]
        contest = election.style_contests(style)[0]
        mark = Mark(contest.id, bench.rng.choice(contest.option_ids), "tick")
        truth = returned(FOREIGN, f"a ballot of {election.id}/{style}")
        sheets.append(Sheet("", election.id, style, (mark,), bench.mild(), orientation, seed, truth,
                            "foreign"))
    return sheets


def orientations(definition: ElectionDefinition, style: str, n: int, seed: int) -> Deck:
    """The four orientations in turn (PAP-004): face down counts either way round, face up comes
    back."""
    bench = _Bench.of(definition, style, "orientations", seed)
    sheets = []
    for i in range(n):
        orientation = ORIENTATIONS[i % 4]
        if orientation in READABLE:
            option = bench.deciding.option_ids[(i // 4) % len(bench.deciding.options)]
            sheets.append(bench.sheet("orientations", [bench.tick(option)], bench.mild(),
                                      orientation))
        else:
            sheets.append(_upside_down(bench, orientation))
    return bench.deck("orientations", seed, sheets)


def _upside_down(bench: _Bench, orientation: str) -> Sheet:
    truth = returned(("wrong-side", "unreadable"), "fed with the print up")
    return bench.sheet("upside-down", [bench.tick()], bench.mild(), orientation, truth)


def blank_and_double(definition: ElectionDefinition, style: str, n: int, seed: int) -> Deck:
    """Blank and two-mark sheets in turn: invalid by the Kyrgyz rule (MRK-007)."""
    bench = _Bench.of(definition, style, "blank-and-double", seed)
    sheets = []
    for i in range(n):
        if i % 2:
            first = bench.deciding.option_ids[(i // 2) % len(bench.deciding.options)]
            put = [
                draw_mark(bench.rng, bench.deciding.id, option)
                for option in (first, bench.other(first))
            ]
            sheets.append(bench.sheet("overvote", put, bench.mild(), READABLE[i // 2 % 2]))
        else:
            others = [c for c in bench.contests if not c.decides_validity]
            put = [Mark(c.id, bench.rng.choice(c.option_ids), "tick") for c in others if i % 4]
            sheets.append(bench.sheet("blank", put, bench.mild(), READABLE[i // 2 % 2]))
    return bench.deck("blank-and-double", seed, sheets)


def tails(definition: ElectionDefinition, style: str, n: int, seed: int) -> Deck:
    """Ticks whose tail enters the square above by 0 to 50 % (MRK-008, the known Kyrgyz cause of
    differences between urn and hand count): ambiguous from 5 % on."""
    bench = _Bench.of(definition, style, "tails", seed)
    contest, sheets = bench.deciding, []
    for i in range(n):
        place = 1 + i % (len(contest.options) - 1)
        option, above = contest.option_ids[place], contest.option_ids[place - 1]
        overlap = 0.5 * i / max(1, n - 1)
        aim = aim_tail(bench.layout.target(contest.id, option),
                       bench.layout.target(contest.id, above), overlap)
        mark = Mark(contest.id, option, "tail", {k: round(v, 3) for k, v in aim.items()})
        truth = truth_of(bench.contests, [mark], touched={contest.id: (above,)},
                         why=f"tail enters the square above by {100 * overlap:.0f} %")
        sheets.append(bench.sheet("tails", [mark], truth=truth))
    return bench.deck("tails", seed, sheets)


def ladder(definition: ElectionDefinition, style: str, n: int, seed: int) -> Deck:
    """Marks of rising strength at going-round positions: lines 0.05 to 1 mm wide, to find the
    threshold (MRK-003) and to re-scan marginal marks (MRK-004). Below 1 mm they are ambiguous."""
    bench = _Bench.of(definition, style, "ladder", seed)
    sheets = []
    for i, (contest, option) in enumerate(bench.places(n)):
        width = round(0.05 + 0.95 * i / max(1, n - 1), 3)
        mark = Mark(contest.id, option, "line", {"width_mm": width, "density": 0.9})
        sheets.append(bench.sheet("ladder", bench.with_deciding(contest, mark)))
    return bench.deck("ladder", seed, sheets)


def damaged(definition: ElectionDefinition, style: str, n: int, seed: int) -> Deck:
    """Torn, stained, streaked, crumpled, faint and badly fed sheets (PAP-005): counted as marked or
    given back, never miscounted."""
    bench = _Bench.of(definition, style, "damaged", seed)
    sheets = []
    for i in range(n):
        group, paper = _damage(bench.rng, i)
        put = [draw_mark(bench.rng, bench.deciding.id, bench.tick().option, ("tick", "cross"))]
        truth = truth_of(bench.contests, put, doubtful=True, why=group)
        sheets.append(bench.sheet(group, put, paper, READABLE[i % 2], truth))
    return bench.deck("damaged", seed, sheets)


def _damage(r: random.Random, i: int) -> tuple[str, Paper]:
    """One kind of damage after the other."""
    corner = r.choice(("head-left", "head-right", "foot-left", "foot-right"))
    sign = r.choice((-1, 1))
    kinds = (
        ("torn", Paper(tears=(Tear(corner, r.uniform(10, 70), r.uniform(10, 70)),))),
        ("stained", Paper(stains=tuple(
            Stain(r.uniform(10, 200), r.uniform(10, 287), r.uniform(5, 30), r.uniform(0.1, 0.25))
            for _ in range(3)))),
        ("streaked", Paper(streaks=tuple(
            Streak(r.uniform(5, 205), r.uniform(0.1, 0.5), r.uniform(0.5, 1)) for _ in range(2)))),
        ("crumpled", Paper(folds=tuple(draw_fold(r) for _ in range(9)))),
        ("skewed", Paper(skew_deg=sign * r.uniform(3.5, 12))),
        ("shifted", Paper(shift_mm=(sign * r.uniform(6, 30), r.uniform(-20, 20)))),
        ("stretched", Paper(stretch=sign * r.uniform(0.012, 0.05))),
        ("faint", Paper(contrast=round(r.uniform(0.2, 0.7), 2), noise=0.03)),
        ("dark", Paper(brightness=-round(r.uniform(0.1, 0.5), 2), noise=0.03)),
    )
    return kinds[i % len(kinds)]


Builder = Callable[[ElectionDefinition, str, int, int], Deck]

BUILDERS: Mapping[str, Builder] = {
    "logic-and-accuracy": lambda d, style, _, seed: logic_and_accuracy(d, style, seed),
    "volume": volume, "lines": lines, "marks": marks, "folds": folds, "foreign": foreign,
    "orientations": orientations, "blank-and-double": blank_and_double, "tails": tails,
    "ladder": ladder, "damaged": damaged,
}
"""Every builder by the name a person gives it, called with definition, style, n and seed."""


def build(kind: str, definition: ElectionDefinition, style: str, *, n: int, seed: int) -> Deck:
    """The deck of that kind; ConfigurationError names the kinds, styles or the wrong number."""
    if kind not in BUILDERS:
        raise ConfigurationError(
            f"no such kind of deck: {kind}", remedy=f"One of: {', '.join(BUILDERS)}"
        )
    if n < 1:
        raise ConfigurationError(f"a deck needs at least one sheet, not {n}")
    return BUILDERS[kind](definition, definition.style(style).id, n, seed)
