"""Finding the level of a mark at which a device reads about half of them.

A homogeneity test has power only where marks are marginal for the device at hand, and that is not
known before. So a few marks of a ladder are shown, then a few more about the place where the answer
changes, and once more; each round is one deck, since an urn tells what it read only when its polls
are closed. The level is the 50 % point of a probit fit (``kalys.metrology.response_curve``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kalys.ballots.deck_ladders import Ladder, rungs_of, search
from kalys.metrology.response_curve import Response, Rung, fit
from kalys.procedures.deck_run import run_deck
from kalys.procedures.mark_response import DOUBTFUL, VOTE, Answer, Readings

if TYPE_CHECKING:
    from kalys.procedures.session import Session

AS_VOTE, NOT_AS_NONE = "vote", "trace"
"""The two thresholds of a device that knows doubtful marks: above the one a mark is read as a vote,
above the other it is at least not taken for none."""

DETECTING = {AS_VOTE: frozenset({VOTE}), NOT_AS_NONE: frozenset({VOTE, DOUBTFUL})}
"""The answers that count as detected, for each threshold."""

WORDS = {AS_VOTE: "read as a vote", NOT_AS_NONE: "not taken for none"}

_ROUNDS = 3
_REACH = 3.0            # spreads about the threshold that the next round covers
_APART = 0.5            # spreads by which two thresholds of one device must differ to be two


@dataclass(frozen=True)
class Level:
    """A strength of the ladder ``by`` at which about half the marks are detected; ``reading`` is
    what counts as detected, a key of DETECTING."""

    by: str
    strength: float
    reading: str
    response: Response

    @property
    def ladder(self) -> Ladder:
        return rungs_of(self.by)

    @property
    def name(self) -> str:
        """For the report: "dash, length 2.02 mm, read as a vote"."""
        return f"{self.ladder.named(self.strength)}, {WORDS[self.reading]}"

    def detects(self, answer: str) -> bool:
        return answer in DETECTING[self.reading]


def find_levels(
    session: Session, by: str, style: str, readings: Sequence[str], rungs: int
) -> tuple[list[Level], list[Answer]]:
    """The levels of the ladder ``by`` for ``readings``, and every answer on the way; ``rungs`` are
    the strengths of one window in one round. A threshold outside the ladder has no level."""
    ladder = rungs_of(by)
    answers: list[Answer] = []
    windows = dict.fromkeys(readings, (ladder.low, ladder.high))
    found: dict[str, Response] = {}
    for number in range(1, _ROUNDS + 1):
        strengths = {s for window in windows.values() for s in _steps(window, rungs)}
        seed = session.rng(f"{session.running}.{by}.{number}").getrandbits(31)
        deck = search(session.definition, style, sorted(strengths), seed, by=by,
                      group=f"search-{number}")
        run = run_deck(session, deck.sheets, style)
        answers += [a for a in Readings.of(run).answers(ladder.parameter) if a.read]
        for reading, window in list(windows.items()):
            response = _response(answers, reading, window)
            if response is None and reading not in found:
                del windows[reading]
            elif response is not None:
                found[reading] = response
                windows[reading] = _window(response, window, ladder, rungs)
        if not windows:
            break
    return _told(by, readings, found), answers


def answers_as(answers: Iterable[Answer], reading: str) -> list[Rung]:
    """The answers as rungs of a fit."""
    return [
        Rung(answer.strength, 1, int(answer.read in DETECTING[reading])) for answer in answers
    ]


def _response(
    answers: Sequence[Answer], reading: str, window: tuple[float, float]
) -> Response | None:
    inside = [a for a in answers if window[0] - 1e-6 <= a.strength <= window[1] + 1e-6]
    return fit(answers_as(inside, reading))


def _window(
    response: Response, last: tuple[float, float], ladder: Ladder, rungs: int
) -> tuple[float, float]:
    """Where the next round looks: some spreads about the threshold, and never so narrow that the
    last round's own steps could have hidden it."""
    low, high = response.around(_REACH)
    step = (last[1] - last[0]) / (rungs - 1)
    low = min(low, response.threshold - 1.5 * step)
    high = max(high, response.threshold + 1.5 * step)
    return max(low, last[0], ladder.low), min(high, last[1], ladder.high)


def _steps(window: tuple[float, float], rungs: int) -> list[float]:
    low, high = window
    return [round(low + (high - low) * i / (rungs - 1), 4) for i in range(rungs)]


def _told(by: str, readings: Sequence[str], found: dict[str, Response]) -> list[Level]:
    """The levels that were found; one where a device knows no doubtful marks."""
    levels = [
        Level(by, round(found[reading].threshold, 4), reading, found[reading])
        for reading in readings if reading in found
    ]
    if len(levels) == 2:
        one, two = levels
        apart = abs(one.strength - two.strength)
        if apart < _APART * (one.response.spread + two.response.spread):
            return levels[:1]
    return levels
