"""Who comes when, with which document, and what they bring: arrivals, mistakes, ballots.

A voter is a number, and everything about him follows from the run's seed and that number: so a
voter of a long day costs what one of a short day costs, and nothing is kept. The ballots come from
a volume deck of the style (``kalys.ballots.volume``); where the script says which marks or mistakes
are made, they are made on the deck's papers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from random import Random

from kalys.ballots.deck import volume
from kalys.ballots.deck_file import Deck
from kalys.ballots.sheet import Mark, Sheet
from kalys.ballots.truth import truth_of
from kalys.ballots.volume import draw_fold, draw_mark
from kalys.election.definition import Contest, ElectionDefinition
from kalys.procedures.election_day.language import DOCUMENTS, Kit, Mistake, Voters

ON_PAPER: frozenset[str] = frozenset({"no-mark", "two-marks", "folded", "upside-down"})
"""Mistakes that show on the ballot; the others are made at the urn or at the door."""


@dataclass(frozen=True, slots=True)
class Voter:
    """One voter. ``arrives`` is in seconds of the day, ``check_in`` in seconds."""

    number: int
    arrives: float
    document: str
    mistake: Mistake | None
    check_in: float


def stretches(voters: Voters) -> list[tuple[float, float, float]]:
    """(from, until, density per hour) of the arrival curve, cut to first..last."""
    ends = [stretch.since for stretch in voters.arrivals[1:]] + [86400]
    return [
        (start, end, stretch.density)
        for stretch, until in zip(voters.arrivals, ends, strict=True)
        if (start := max(stretch.since, voters.first)) < (end := min(until, voters.last))
        and stretch.density > 0
    ]


def number_of(voters: Voters) -> int:
    """How many come when nobody else says: ``number``, or what the rates amount to."""
    if voters.number is not None:
        return voters.number
    return round(sum((end - start) / 3600 * density for start, end, density in stretches(voters)))


def arrivals(voters: Voters, number: int, rng: Random) -> list[float]:
    """When ``number`` voters come, in seconds since midnight, in order.

    Inverse-transform sampling of the piecewise constant density: sorted uniform draws over the
    whole weight, each mapped to its time. Nobody comes where the density is zero.
    """
    parts = stretches(voters)
    total = sum((end - start) * density for start, end, density in parts)
    times: list[float] = []
    reached, index = 0.0, 0
    for draw in sorted(rng.random() * total for _ in range(number if parts else 0)):
        while True:
            start, end, density = parts[index]
            mass = (end - start) * density
            if draw <= reached + mass or index == len(parts) - 1:
                break
            reached += mass
            index += 1
        times.append(min(end, start + (draw - reached) / density))
    return times


def coming(voters: Voters, number: int, seed: str) -> Iterator[Voter]:
    """The voters of a station, in the order of their arrival."""
    documents = dict(voters.documents) or {DOCUMENTS[0]: 1.0}
    words, weights = list(documents), list(accumulate(documents.values()))
    mistakes = list(voters.mistakes)
    shares = list(accumulate(voters.mistakes.values()))
    times = arrivals(voters, number, Random(f"{seed}/arrivals"))
    rng = Random(f"{seed}/voters")
    for index, time in enumerate(times):
        luck, delay = rng.random(), rng.random()
        document = rng.choices(words, cum_weights=weights)[0]
        mistake = next((m for m, s in zip(mistakes, shares, strict=True) if luck < s), None)
        yield Voter(index, time, document, mistake, delay)


def checking_in(kit: Kit, voter: Voter) -> float:
    """Seconds that this voter takes at a kit; ``voter.check_in`` is a draw in 0..1."""
    slowest = kit.check_in if kit.slowest is None else max(kit.check_in, kit.slowest)
    return kit.check_in + voter.check_in * (slowest - kit.check_in)


class Ballots:
    """The ballots for one urn: ``of(voter)`` for voters, ``spare()`` for what else is fed.

    With ``papers`` the voters bring that many different papers again and again, each time under a
    number of its own: an emulated scanner then has every picture drawn already.
    """

    def __init__(
        self, definition: ElectionDefinition, style: str, voters: Voters | None, seed: int
    ) -> None:
        self._definition = definition
        self.style = style
        self.contests: Sequence[Contest] = definition.style_contests(style)
        self._voters = voters
        self._seed = seed
        # A deck makes its sheets on demand: its length costs nothing.
        self._deck: Deck = volume(definition, style, 10_000_000, seed)
        self._papers = voters.papers if voters is not None else None
        self._made: dict[int, Sheet] = {}
        self._good: list[Sheet] = []
        self._marks = dict(voters.marks) if voters is not None else {}
        self._spares = 0
        self._drawn = 0

    def of(self, voter: Voter) -> Sheet:
        """The ballot that a voter brings, with the mistakes that he made on it."""
        if self._papers is not None:
            index = voter.number % self._papers
            if index not in self._made:
                self._made[index] = self._deck.sheets[index]
            return replace(self._made[index], id=f"v{voter.number + 1:06d}")
        sheet = self._deck.sheets[voter.number]
        chosen = self._voters is not None and bool(self._voters.mistakes)
        if not chosen and not self._marks:
            return sheet
        return self._remade(sheet, voter, Random(f"{self._seed}/{voter.number}"), chosen)

    def spare(self, papers: int | None = None) -> Sheet:
        """A good ballot for an incident or a burst, numbered apart from those of the voters.

        With ``papers`` (the voters', if not given) there are that many papers, again and again.
        """
        papers = papers or self._papers
        self._spares += 1
        number = f"x{self._spares:05d}"
        if papers is None:
            return replace(self._next_good(), id=number)
        while len(self._good) < papers:
            self._good.append(self._next_good())
        return replace(self._good[self._spares % papers], id=number)

    def _next_good(self) -> Sheet:
        while True:
            self._drawn += 1
            sheet = self._deck.sheets[9_000_000 + self._drawn]
            if sheet.truth is not None and sheet.truth.kind == "valid":
                return sheet

    def _remade(self, sheet: Sheet, voter: Voter, rng: Random, chosen: bool) -> Sheet:
        """The sheet with the marks of the script; ``chosen``: it says who makes mistakes."""
        marks = list(sheet.marks)
        if chosen:
            marks = self._with_mistake(marks, voter.mistake, rng)
        if self._marks:
            kinds, weights = list(self._marks), list(self._marks.values())
            marks = [
                draw_mark(rng, m.contest, m.option, rng.choices(kinds, weights)) for m in marks
            ]
        paper = sheet.paper
        if voter.mistake == "folded":
            paper = replace(paper, folds=(draw_fold(rng),))
        orientation = "up-head" if voter.mistake == "upside-down" else sheet.orientation
        return replace(
            sheet, marks=tuple(marks), paper=paper, orientation=orientation,
            truth=truth_of(self.contests, marks),
        )

    def _with_mistake(
        self, marks: list[Mark], mistake: str | None, rng: Random
    ) -> list[Mark]:
        """One mark in the contest that decides, unless the mistake is none or two of them."""
        kept = [mark for mark in marks if not self._decides(mark.contest)]
        for contest in self.contests:
            if contest.decides_validity and mistake != "no-mark":
                first = next((m.option for m in marks if m.contest == contest.id), None)
                options = [first or rng.choice(contest.option_ids)]
                if mistake == "two-marks":
                    options.append(rng.choice([o for o in contest.option_ids if o != options[0]]))
                kept += [draw_mark(rng, contest.id, option) for option in options]
        return kept

    def _decides(self, contest: str) -> bool:
        return any(c.id == contest and c.decides_validity for c in self.contests)
