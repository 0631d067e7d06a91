"""A volume deck: what thousands of voters would feed, with every sheet's truth, made on demand.

Votes follow shares (given, or drawn from the seed: few large parties, a long tail). Marks are of
valid kinds with parameters anywhere inside their published ranges; paper effects lie inside the
declared range (skew +-3 degrees, shift +-5 mm, stretch 1 %). About three sheets in a hundred are
invalid by rule, half of them blank and half overvoted.

Sheet i depends on the seed and i alone, so that shards of a campaign can make their own parts.
Where both sides hold targets, a sheet is fed in any of four orientations, else print down.
Shift, tone and noise are each sheet's own. Skew and stretch are those of a few geometries, which
change with every ``EPOCH`` sheets: so a renderer's pool serves most sheets, and a long deck goes
through thousands of geometries. Shards should take whole epochs.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Any

from kalys.ballots.deck_file import READABLE, Deck, Generated
from kalys.ballots.layout import Target
from kalys.ballots.marks import KINDS, VALID_KINDS
from kalys.ballots.sheet import ORIENTATIONS, Fold, Mark, Paper, Sheet, Stain
from kalys.ballots.templates import layouts_for
from kalys.ballots.truth import truth_of
from kalys.election.definition import Contest, ElectionDefinition

SKEW_DEG = 3.0
SHIFT_MM = 5.0
STRETCH = 0.01
"""The declared range of paper effects (docs/marks.md)."""

EPOCH = 256
"""Sheets that share their geometries."""
GEOMETRIES = 16
_INVALID = 0.03
_FOLDED = 0.10
_STAINED = 0.02
_NO_PREFERENCE = 0.35
_TWO_PREFERENCES = 0.01


def volume(
    definition: ElectionDefinition, style: str, n: int, seed: int,
    shares: Mapping[str, Mapping[str, float]] | None = None,
) -> Deck:
    """``n`` sheets of a style. ``shares[contest][option]`` are weights of the options; a contest
    that is not named gets weights from the seed. Raises ValueError for a negative weight."""
    contests = definition.style_contests(style)
    rng = random.Random(f"volume/{seed}")
    weights = [_weights(contest, (shares or {}).get(contest.id), rng) for contest in contests]
    sides = layouts_for(definition)[style].sides
    maker = _Maker(definition.id, style, contests, weights, seed, sides)
    parameters: dict[str, Any] = {"epoch": EPOCH, "geometries": GEOMETRIES}
    if shares:
        parameters["shares"] = {contest: dict(given) for contest, given in shares.items()}
    return Deck("volume", seed, definition, style, Generated(n, maker), parameters)


def draw_mark(
    rng: random.Random, contest: str, option: str, kinds: Sequence[str] = VALID_KINDS,
    target: Target | None = None,
) -> Mark:
    """A mark of a random kind, its parameters anywhere in their published ranges at ``target`` (and
    written out, so that the deck says what was drawn)."""
    kind = KINDS[kinds[rng.randrange(len(kinds))]]
    params: dict[str, float] = {}
    for name, (low, high) in kind.ranges_in(target).items():
        if name in ("angle_deg", "count"):     # only the ends of the range are published
            params[name] = rng.choice((low, high))
        else:
            params[name] = round(rng.uniform(low, high), 2)
    return Mark(contest, option, kind.name, params)


def draw_fold(rng: random.Random, width: float = 210.0, height: float = 297.0) -> Fold:
    """A fold as letters are folded: across, along, or askew, anywhere."""
    angle = rng.choice((rng.gauss(0, 1.5), 90 + rng.gauss(0, 1.5), rng.uniform(0, 180)))
    return Fold(
        round(rng.uniform(0.1, 0.9) * width, 1), round(rng.uniform(0.1, 0.9) * height, 1),
        round(angle, 2), round(rng.uniform(0.2, 0.4), 2), round(rng.uniform(0.08, 0.22), 3),
    )


def _weights(
    contest: Contest, given: Mapping[str, float] | None, rng: random.Random
) -> list[float]:
    """Running sums of the options' weights, for ``random.choices``."""
    if given is None:
        order = list(range(1, len(contest.options) + 1))
        rng.shuffle(order)
        plain = [1 / rank for rank in order]
    else:
        plain = [float(given.get(option, 0.0)) for option in contest.option_ids]
    if min(plain) < 0 or sum(plain) <= 0:
        raise ValueError(f"shares of {contest.id} must not be negative and not all zero")
    return list(accumulate(plain))


@lru_cache(maxsize=4)
def _geometries(seed: int, epoch: int) -> tuple[tuple[float, float], ...]:
    """(skew, stretch) of the geometries of one epoch: degrees and share."""
    rng = random.Random(f"volume/{seed}/epoch {epoch}")
    return tuple(
        (round(rng.uniform(-SKEW_DEG, SKEW_DEG) * 20) / 20,
         round(rng.uniform(-STRETCH, STRETCH) * 2000) / 2000)
        for _ in range(GEOMETRIES)
    )


@dataclass(frozen=True)
class _Maker:
    """Makes sheet i; a class so that a deck can be sent to another process."""

    election: str
    style: str
    contests: Sequence[Contest]
    weights: Sequence[Sequence[float]]
    seed: int
    sides: int = 1

    def __call__(self, i: int) -> Sheet:
        rng = random.Random(f"volume/{self.seed}/{i}")
        marks: list[Mark] = []
        for contest, weights in zip(self.contests, self.weights, strict=True):
            ids = contest.option_ids
            for option in self._choose(rng, contest, ids, weights):
                marks.append(draw_mark(rng, contest.id, option))
        skew, stretch = rng.choice(self._geometries(i))
        return Sheet(
            f"v{i + 1:06d}", self.election, self.style, tuple(marks),
            _on_the_way(skew, stretch, rng), rng.choice(READABLE if self.sides == 1 else
                                                        ORIENTATIONS), rng.getrandbits(32),
            truth_of(self.contests, marks), "volume",
        )

    def _geometries(self, i: int) -> Sequence[tuple[float, float]]:
        """Those of the sheet's epoch; where two sides in four orientations need four times as many
        prints of each, a quarter of them in each quarter of the epoch."""
        every = _geometries(self.seed, i // EPOCH)
        if self.sides == 1:
            return every
        each = GEOMETRIES // 4
        first = i % EPOCH // (EPOCH // 4) * each
        return every[first : first + each]

    def _choose(
        self, rng: random.Random, contest: Contest, ids: Sequence[str], weights: Sequence[float]
    ) -> list[str]:
        """The options that this voter marks in one contest."""
        luck = rng.random()
        first = rng.choices(ids, cum_weights=weights)[0]
        if contest.decides_validity:
            none, two = luck < _INVALID / 2, luck > 1 - _INVALID / 2
        else:
            none, two = luck < _NO_PREFERENCE, luck > 1 - _TWO_PREFERENCES
        if none:
            return []
        allowed = contest.votes_allowed
        if allowed == 1 and not two:
            return [first]
        others = [option for option in ids if option != first]
        more = allowed if two else rng.randrange(allowed)
        return [first, *rng.sample(others, min(more, len(others)))]


def _on_the_way(skew_deg: float, stretch: float, rng: random.Random) -> Paper:
    """Paper of this geometry with the sheet's own shift and tone, and now and then a fold or a
    stain."""
    shift = (round(rng.uniform(-SHIFT_MM, SHIFT_MM), 2), round(rng.uniform(-SHIFT_MM, SHIFT_MM), 2))
    folds = (draw_fold(rng),) if rng.random() < _FOLDED else ()
    stains: tuple[Stain, ...] = ()
    if rng.random() < _STAINED:
        # A stain on a fold must not become as dark as a mark: every sheet is to decide.
        darkest = 0.1 if folds else 0.15
        stains = (Stain(round(rng.uniform(20, 190), 1), round(rng.uniform(20, 277), 1),
                        round(rng.uniform(3, 15), 1), round(rng.uniform(0.05, darkest), 3)),)
    return Paper(
        skew_deg, shift, stretch,
        noise=round(rng.uniform(0.006, 0.02), 4),
        brightness=round(rng.uniform(-0.06, 0.04), 3),
        contrast=round(rng.uniform(0.85, 1.0), 3),
        folds=folds, stains=stains,
    )
