"""Builders of decks: what a suite feeds, and why each sheet is in it.

Every builder is seeded and gives each sheet its truth and its group. Decks for one question each
(lines, folds, foreign sheets, ...) spread over all positions of the style; ``logic_and_accuracy``
is the deck that a commission would feed on the eve of an election, after VxSuite's scheme: ballot i
marks position i mod n in each contest with n options, plus overvotes and blanks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from kalys.ballots.deck_file import Coverage, Deck, Generated, load_deck
from kalys.ballots.deck_ladders import ladder, same_mark
from kalys.ballots.deck_maker import DeckMaker
from kalys.ballots.deck_stress import damaged, paper_stress
from kalys.ballots.deck_tails import tails
from kalys.ballots.marks import AMBIGUOUS_KINDS, INVALID_KINDS, KINDS, VALID_KINDS
from kalys.ballots.paper import mirrored
from kalys.ballots.sheet import ORIENTATIONS, Fold, Mark, Paper, Sheet
from kalys.ballots.templates import layouts_for
from kalys.ballots.truth import returned
from kalys.ballots.volume import draw_fold, volume
from kalys.election.definition import ElectionDefinition, load
from kalys.errors import ConfigurationError

__all__ = [
    "BUILDERS", "Coverage", "Deck", "Generated", "blank_and_double", "build", "coverage", "damaged",
    "folds", "foreign", "ladder", "lines", "load_deck", "logic_and_accuracy", "marks",
    "orientations", "paper_stress", "same_mark", "tails", "volume",
]

FOREIGN = ("foreign", "unreadable", "wrong-side")
"""Reasons that are right for a sheet of another kind."""
OTHER_ELECTION = "kg-training"


def logic_and_accuracy(definition: ElectionDefinition, style: str, seed: int) -> Deck:
    """Every option of every contest in every readable orientation (two, or four where both sides
    hold targets), in turn with an ordinary mark and with a 1 mm line; overvotes, blanks, folds,
    foreign and upside-down sheets."""
    bench = DeckMaker.of(definition, style, "logic-and-accuracy", seed)
    longest = max(len(contest.options) for contest in bench.contests)
    ordinary = [kind for kind in VALID_KINDS if kind != "line"]
    sheets: list[Sheet] = []
    for run in range(len(bench.readable)):
        group = ("positions", "lines")[run % 2]
        for i in range(longest):
            kind = ordinary[i % len(ordinary)] if group == "positions" else "line"
            marks = [
                Mark(c.id, c.option_ids[i % len(c.options)], kind) for c in bench.contests
            ]
            sheets.append(bench.sheet(group, marks, bench.mild(), bench.way(i + run)))
    for contest in bench.contests:
        if len(contest.options) > contest.votes_allowed:
            rest = [] if contest is bench.deciding else [bench.tick()]
            sheets.append(bench.sheet("overvote", bench.overvote(contest) + rest))
    sheets += [bench.sheet("blank", []), bench.sheet("blank", [], bench.mild(), "down-foot")]
    sheets.append(bench.sheet("undervote", [bench.tick()]))
    sheets += _fold_sheets(bench, 8)
    sheets += _foreign_sheets(bench, 6)
    sheets += [
        bench.upside_down(orientation) for orientation in ORIENTATIONS
        if orientation not in bench.readable
    ]
    return bench.deck("logic-and-accuracy", seed, sheets)


def coverage(definition: ElectionDefinition, style: str, seed: int) -> Deck:
    """Every option of every contest of the style in each of the four orientations, with any valid
    mark (VVSG 2.0 1.1.2-D); with the print up a sheet comes back."""
    bench = DeckMaker.of(definition, style, "coverage", seed)
    longest = max(len(contest.options) for contest in bench.contests)
    sheets = []
    for orientation in ORIENTATIONS:
        for i in range(longest):
            put = [bench.drawn(c.id, c.option_ids[i % len(c.options)]) for c in bench.contests]
            truth = None if orientation in bench.readable else returned(
                ("wrong-side", "unreadable"), "fed with the print up"
            )
            sheets.append(bench.sheet("coverage" if truth is None else "upside-down", put,
                                      bench.mild(), orientation, truth=truth))
    return bench.deck("coverage", seed, sheets)


def lines(definition: ElectionDefinition, style: str, n: int, seed: int) -> Deck:
    """Pencil lines of 1 mm along the full axis, going round all positions (MRK-001)."""
    bench = DeckMaker.of(definition, style, "lines", seed)
    return bench.deck("lines", seed, [
        bench.sheet("lines", bench.with_deciding(contest, Mark(contest.id, option, "line")),
                    bench.mild(), bench.way(i))
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
    bench = DeckMaker.of(definition, style, "marks", seed)
    sheets = []
    for i, (contest, option) in enumerate(bench.places(n)):
        kind = kinds[(i + i // len(kinds)) % len(kinds)]
        mark = bench.drawn(contest.id, option, (kind,))
        klass = KINDS[mark.kind].klass
        put = bench.with_deciding(contest, mark)
        if klass == "invalid" and contest.decides_validity and i % 2:
            put.append(bench.tick(bench.other(option)))
        sheets.append(bench.sheet(klass, put, bench.mild(), bench.any_way()))
    return bench.deck("marks", seed, sheets)


def folds(definition: ElectionDefinition, style: str, n: int, seed: int) -> Deck:
    """Folds through targets at any offset and angle beside a proper vote elsewhere (MRK-002; the
    case of Windham, New Hampshire, 2020)."""
    bench = DeckMaker.of(definition, style, "folds", seed)
    return bench.deck("folds", seed, _fold_sheets(bench, n))


def _fold_sheets(bench: DeckMaker, n: int) -> list[Sheet]:
    sheets = []
    for i, (contest, option) in enumerate(bench.places(n * 7)):
        if i % 7:
            continue  # every seventh position: 7 shares no factor with the usual row lengths
        target = bench.layout.target(contest.id, option)
        fold = draw_fold(bench.rng)
        share = bench.rng.uniform(-0.45, 0.45)
        paper = Paper(folds=(Fold(
            round(target.x + share * target.width, 2), round(target.y + share * target.height, 2),
            fold.angle_deg, fold.width_mm, fold.depth,
        ),))
        way = bench.way(i)
        if not bench.below(contest.id, option, way):
            paper = mirrored(paper, bench.layout.page_mm[0])
        vote = bench.tick(bench.other(option) if contest.decides_validity else None)
        sheets.append(bench.sheet("folds", [vote], paper, way))
    return sheets


def foreign(definition: ElectionDefinition, style: str, n: int, seed: int) -> Deck:
    """Ballots of other styles and another election, and blank paper (MRK-010)."""
    bench = DeckMaker.of(definition, style, "foreign", seed)
    return bench.deck("foreign", seed, _foreign_sheets(bench, n))


def _foreign_sheets(bench: DeckMaker, n: int) -> list[Sheet]:
    own = bench.definition
    kinds = [(own, s.id) for s in own.styles if s.id != bench.style]
    if own.id != OTHER_ELECTION:
        training = load(OTHER_ELECTION)
        kinds += [(training, s.id) for s in training.styles]
    misprints = _misprints(bench)
    sheets = []
    for i in range(n):
        turn, kind = divmod(i, len(kinds) + 1 + len(misprints))
        orientation = bench.way(turn)
        seed = bench.rng.getrandbits(32)
        if kind == len(kinds):
            truth = returned(FOREIGN, "blank paper")
            sheets.append(Sheet("", own.id, "plain", (), bench.mild(), orientation, seed, truth,
                                "foreign"))
            continue
        if kind > len(kinds):
            printed = misprints[kind - len(kinds) - 1]
            truth = returned((), f"front and back are {' and '.join(printed)}")
            sheets.append(replace(
                bench.sheet("foreign", bench.on_both_sides([bench.tick()]), bench.mild(),
                            orientation, truth=truth), printed=printed,
            ))
            continue
        election, style = kinds[kind]
        contest = election.style_contests(style)[0]
        mark = Mark(contest.id, bench.rng.choice(contest.option_ids), "tick")
        same = layouts_for(election)[style].page_mm == bench.layout.page_mm
        truth = returned(FOREIGN if same else (), f"a ballot of {election.id}/{style}")
        sheets.append(Sheet("", election.id, style, (mark,), bench.mild(), orientation, seed, truth,
                            "foreign"))
    return sheets


def _misprints(bench: DeckMaker) -> list[tuple[str, str]]:
    """What may stand on the sides of a two-sided ballot and must not: one face twice, or the back
    of another style. Where two sheets of one style were mixed up nobody can tell."""
    if bench.layout.sides == 1:
        return []
    others = layouts_for(bench.definition)
    return [("front", "front"), ("back", "back")] + [
        ("front", f"{style}/back") for style, layout in others.items()
        if style != bench.style and layout.sides == 2 and layout.shape == bench.layout.shape
    ]


def orientations(definition: ElectionDefinition, style: str, n: int, seed: int) -> Deck:
    """The four orientations in turn (PAP-004): face down counts either way round, face up comes
    back; a ballot with targets on both sides counts in all four."""
    bench = DeckMaker.of(definition, style, "orientations", seed)
    sheets = []
    for i in range(n):
        orientation = ORIENTATIONS[i % 4]
        if orientation in bench.readable:
            option = bench.deciding.option_ids[(i // 4) % len(bench.deciding.options)]
            put = bench.on_both_sides([bench.tick(option)])
            sheets.append(bench.sheet("orientations", put, bench.mild(), orientation))
        else:
            sheets.append(bench.upside_down(orientation))
    return bench.deck("orientations", seed, sheets)


def blank_and_double(definition: ElectionDefinition, style: str, n: int, seed: int) -> Deck:
    """Blank and two-mark sheets in turn: invalid by the Kyrgyz rule (MRK-007)."""
    bench = DeckMaker.of(definition, style, "blank-and-double", seed)
    sheets = []
    for i in range(n):
        if i % 2:
            first = bench.deciding.option_ids[(i // 2) % len(bench.deciding.options)]
            allowed = min(bench.deciding.votes_allowed, len(bench.deciding.options) - 1)
            rest = [option for option in bench.deciding.option_ids if option != first]
            put = [
                bench.drawn(bench.deciding.id, option)
                for option in (first, *bench.rng.sample(rest, allowed))
            ]
            sheets.append(bench.sheet("overvote", put, bench.mild(), bench.way(i // 2)))
        else:
            others = [c for c in bench.contests if not c.decides_validity]
            put = [Mark(c.id, bench.rng.choice(c.option_ids), "tick") for c in others if i % 4]
            sheets.append(bench.sheet("blank", put, bench.mild(), bench.way(i // 2)))
    return bench.deck("blank-and-double", seed, sheets)


Builder = Callable[[ElectionDefinition, str, int, int], Deck]

BUILDERS: Mapping[str, Builder] = {
    "logic-and-accuracy": lambda d, style, _, seed: logic_and_accuracy(d, style, seed),
    "coverage": lambda d, style, _, seed: coverage(d, style, seed),
    "volume": volume, "lines": lines, "marks": marks, "folds": folds, "foreign": foreign,
    "orientations": orientations, "blank-and-double": blank_and_double, "tails": tails,
    "ladder": ladder,
    "ladder-density": lambda d, style, n, seed: ladder(d, style, n, seed, by="density"),
    "ladder-dot": lambda d, style, n, seed: ladder(d, style, n, seed, by="dot"),
    "ladder-dash": lambda d, style, n, seed: ladder(d, style, n, seed, by="dash"),
    "ladder-pencil": lambda d, style, n, seed: ladder(d, style, n, seed, by="pencil"),
    "ladder-area": lambda d, style, n, seed: ladder(d, style, n, seed, by="area"),
    "same-mark": same_mark,
    "damaged": damaged, "paper-stress": paper_stress,
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
