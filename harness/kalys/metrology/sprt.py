"""Wald's sequential probability ratio test of an error rate.

Two parallel lines over the number of trials n: after r errors, accept when n has come past the
upper line, reject when the r-th error came before the lower one, else go on. Expected sample sizes
are the smallest of any test with these two risks; the price is that a bound computed as if n had
been fixed is not valid after the stop.

Source: A. Wald, Sequential Analysis (1947), ch. 5. The constants of ``VOTING_SYSTEM_TEST`` are
those of the US standards of 2002 and 2005 (VVSG 1.0 vol. II app. C).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from kalys.errors import ConfigurationError

State = Literal["accept", "reject", "continue"]


@dataclass(frozen=True)
class Step:
    """The test after one portion of trials: ``trials`` and ``errors`` so far, and its state."""

    trials: int
    errors: int
    state: State


@dataclass(frozen=True)
class WaldTest:
    """Accept a rate ``p0`` against ``p1``; ``alpha`` risks refusing p0, ``beta`` accepting p1."""

    p0: float
    p1: float
    alpha: float = 0.05
    beta: float = 0.05

    def __post_init__(self) -> None:
        if not 0 < self.p0 < self.p1 < 1:
            raise ConfigurationError("a sequential test needs 0 < p0 < p1 < 1")
        if not (0 < self.alpha < 0.5 and 0 < self.beta < 0.5):
            raise ConfigurationError("the risks of a sequential test lie between 0 and 0.5")

    @cached_property
    def per_error(self) -> float:
        """Trials that one error costs: k/s, the distance between neighbouring steps of a line."""
        k = math.log(self.p1 / self.p0) + math.log1p(-self.p0) - math.log1p(-self.p1)
        return k / self._s

    @cached_property
    def _s(self) -> float:
        return math.log1p(-self.p0) - math.log1p(-self.p1)

    def accept_at(self, errors: int) -> float:
        """Trials from which on the rate is accepted with ``errors`` errors: (A + r k) / s."""
        return math.log((1 - self.alpha) / self.beta) / self._s + errors * self.per_error

    def reject_at(self, errors: int) -> float:
        """Trials up to which the ``errors``-th error rejects; negative when it cannot reject."""
        return errors * self.per_error - math.log((1 - self.beta) / self.alpha) / self._s

    def state(self, trials: int, errors: int) -> State:
        """The state after ``trials`` with ``errors`` when the last error came at ``trials``."""
        if errors and trials <= self.reject_at(errors):
            return "reject"
        return "accept" if trials >= self.accept_at(errors) else "continue"

    def path(self, portions: Iterable[tuple[int, int]]) -> tuple[Step, ...]:
        """The test over portions (trials, errors) in order, up to the portion that decides.

        Where in a portion an error came is not known; it is taken to have come at its end, and the
        acceptance line is asked only with the errors of the portion included.
        """
        steps = []
        n = r = 0
        for trials, errors in portions:
            n, r = n + trials, r + errors
            steps.append(Step(n, r, self._after(n, r, errors)))
            if steps[-1].state != "continue":
                break
        return tuple(steps)

    def _after(self, n: int, r: int, fresh: int) -> State:
        if fresh and n <= self.reject_at(r):
            return "reject"
        return "accept" if n >= self.accept_at(r) else "continue"


VOTING_SYSTEM_TEST = WaldTest(p0=1e-7, p1=2e-6)
"""VVSG 1.0: 1 in 10,000,000 against 1 in 500,000, both risks 5 %."""

MISFEED_TEST = WaldTest(p0=0.0005, p1=0.002)
"""PAP-001: accept n >= 1961 + 924 r, reject n <= -1961 + 924 r."""
