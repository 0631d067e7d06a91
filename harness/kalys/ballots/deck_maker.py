"""What builders of decks share: sheets of one style, made from a seed, numbered and told apart.

A builder asks the maker for places, marks and paper and says why each sheet is in the deck (its
group); truths follow from the published tables unless the builder knows better.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kalys.ballots.deck_file import READABLE, Deck
from kalys.ballots.layout import Layout
from kalys.ballots.marks import VALID_KINDS
from kalys.ballots.sheet import ORIENTATIONS, Mark, Paper, Sheet, Truth
from kalys.ballots.templates import layouts_for
from kalys.ballots.truth import returned, truth_on_paper
from kalys.ballots.volume import SHIFT_MM, SKEW_DEG, STRETCH, draw_mark
from kalys.election.definition import Contest, ElectionDefinition


@dataclass(frozen=True)
class DeckMaker:
    """What every builder needs: the style's contests and layout, and a random source."""

    definition: ElectionDefinition
    style: str
    contests: tuple[Contest, ...]
    layout: Layout
    rng: random.Random

    @classmethod
    def of(cls, definition: ElectionDefinition, style: str, name: str, seed: int) -> DeckMaker:
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
        orientation: str = "down-head", *, truth: Truth | None = None,
    ) -> Sheet:
        """A sheet without its number; ``deck`` gives it one. Without ``truth`` it follows from
        marks and paper."""
        paper = paper or Paper()
        truth = truth or truth_on_paper(
            self.contests, marks, paper, self.layout, orientation=orientation
        )
        return Sheet(
            "", self.definition.id, self.style, tuple(marks), paper, orientation,
            self.rng.getrandbits(32), truth, group,
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

    @property
    def readable(self) -> tuple[str, ...]:
        """Orientations in which a device must count: all where both sides hold targets, which
        takes a device with a sensor on either side."""
        return ORIENTATIONS if self.layout.sides == 2 else READABLE

    def way(self, i: int) -> str:
        """One of the readable orientations after the other."""
        return self.readable[i % len(self.readable)]

    def any_way(self) -> str:
        """Any of the readable orientations."""
        return self.readable[self.rng.randrange(len(self.readable))]

    def below(self, contest: str, option: str, orientation: str) -> bool:
        """Whether a target lies on the lower side of a sheet that is fed like that."""
        return (self.layout.side_of(contest, option) == "back") == orientation.startswith("up")

    def on_both_sides(self, marks: Sequence[Mark]) -> list[Mark]:
        """``marks``, and a tick on each side with targets that bears none of them."""
        bare = {self.layout.side_of(t.contest, t.option) for t in self.layout.targets} - {
            self.layout.side_of(mark.contest, mark.option) for mark in marks
        }
        more = [self.rng.choice(self.layout.faces[side].targets) for side in sorted(bare)]
        return [*marks, *(Mark(t.contest, t.option, "tick") for t in more)]

    def overvote(self, contest: Contest, *, kind: str = "tick") -> list[Mark]:
        """One mark more than the contest allows; all options where it allows them all."""
        first = self.rng.randrange(len(contest.options))
        ids = contest.option_ids[first:] + contest.option_ids[:first]
        return [Mark(contest.id, option, kind) for option in ids[: contest.votes_allowed + 1]]

    def drawn(self, contest: str, option: str, kinds: Sequence[str] = VALID_KINDS) -> Mark:
        """A mark of one of ``kinds`` anywhere in its ranges at this target."""
        return draw_mark(self.rng, contest, option, kinds, self.layout.target(contest, option))

    def upside_down(self, orientation: str, option: str | None = None) -> Sheet:
        """A marked sheet with its print away from the sensor: it comes back."""
        truth = returned(("wrong-side", "unreadable"), "fed with the print up")
        return self.sheet(
            "upside-down", [self.tick(option)], self.mild(), orientation, truth=truth
        )

    def deck(
        self, name: str, seed: int, sheets: Iterable[Sheet],
        parameters: Mapping[str, Any] | None = None,
    ) -> Deck:
        """The deck of ``sheets``, numbered; ``parameters`` say in its manifest how it was made."""
        return Deck(name, seed, self.definition, self.style, numbered(sheets), parameters or {})

    def with_deciding(self, contest: Contest, mark: Mark) -> list[Mark]:
        """``mark``, and a tick in the deciding contest if the mark is elsewhere: so that the sheet
        is valid whatever the other contest holds. Where none decides, every sheet is."""
        if contest.decides_validity or not self.deciding.decides_validity:
            return [mark]
        return [mark, self.tick()]


def numbered(sheets: Iterable[Sheet]) -> tuple[Sheet, ...]:
    """Each sheet with its running number in front of its group."""
    return tuple(replace(s, id=f"{i:05d}-{s.group}") for i, s in enumerate(sheets, 1))
