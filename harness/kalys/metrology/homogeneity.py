"""Are marks detected equally well at every position?

The same marginal mark is shown n_i times at position i and detected d_i times. Two questions are
asked of this table. May the rates be the same at all positions (a p-value)? And how far apart are
the two positions that differ most (an interval)? The first finds a bias that is small but sure, the
second says whether it matters. How little of a bias such a sample could find is the power.

Chi-square's distribution is used where every expected count is at least 5; below that the p-value
comes from tables drawn at random with the same margins, which is exact but for the drawing. Marks
must be independent: one to a sheet. Several mark levels are several tests: Bonferroni.

Sources: W. G. Cochran, Biometrics 10 (1954) 417-451 (expected counts); M. Dwass, Ann. Math. Stat.
28 (1957) 181-187 (p-values by drawing); Z. Šidák, J. Am. Stat. Assoc. 62 (1967) 626-633
(simultaneous intervals); J. Cohen, Statistical Power Analysis, 2nd ed., ch. 7 (non-centrality).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, chdtri, chndtr, chndtrinc

from kalys.errors import ConfigurationError
from kalys.metrology.accuracy import clopper_pearson_interval

LEAST_EXPECTED = 5.0
DRAWS = 19_999


@dataclass(frozen=True)
class Homogeneity:
    """The test of equal rates. ``drawn``: by random tables, not by chi-square's distribution."""

    statistic: float
    dof: int
    p_value: float
    drawn: bool


@dataclass(frozen=True)
class Difference:
    """The largest difference of two positions' rates: as seen, and its simultaneous bounds.

    ``highest`` and ``lowest`` are the numbers of the two positions.
    """

    observed: float
    lower: float
    upper: float
    highest: int
    lowest: int


def homogeneity(
    detected: Sequence[int], marks: Sequence[int], *, draws: int = DRAWS, seed: int = 0
) -> Homogeneity:
    """Test that all positions have the same rate of detection.

    A table without any detection, or without any miss, cannot speak against it: p is 1. The same
    ``seed`` gives the same p-value. ConfigurationError below two positions.
    """
    hits, shown = _table(detected, marks)
    dof = len(shown) - 1
    if not 0 < hits.sum() < shown.sum():
        return Homogeneity(0.0, dof, 1.0, drawn=False)
    statistic = float(_chi_square(hits, shown))
    rate = hits.sum() / shown.sum()
    if shown.min() * min(rate, 1 - rate) >= LEAST_EXPECTED:
        return Homogeneity(statistic, dof, float(chdtrc(dof, statistic)), drawn=False)
    tables = np.random.default_rng(seed).multivariate_hypergeometric(
        shown, int(hits.sum()), size=draws, method="marginals"
    )
    # Equal tables must count as equal in spite of rounding.
    as_far = np.count_nonzero(_chi_square(tables, shown) >= statistic * (1 - 1e-9))
    return Homogeneity(statistic, dof, (1 + int(as_far)) / (1 + draws), drawn=True)


def largest_difference(
    detected: Sequence[int], marks: Sequence[int], confidence: float = 0.99
) -> Difference:
    """The largest difference between two positions, with bounds that hold for all pairs at once.

    Each position has a Clopper-Pearson interval at confidence^(1/k), so that all k hold together
    with ``confidence``. Conservative: the true largest difference lies above ``lower`` and below
    ``upper`` at least that often.
    """
    hits, shown = _table(detected, marks)
    each = confidence ** (1 / len(shown))
    intervals = [
        clopper_pearson_interval(int(d), int(n), each) for d, n in zip(hits, shown, strict=True)
    ]
    low, high = (np.array(part) for part in zip(*intervals, strict=True))
    rates = hits / shown
    highest, lowest = int(rates.argmax()), int(rates.argmin())
    widest = high[:, None] - low[None, :]
    np.fill_diagonal(widest, 0.0)
    return Difference(
        float(rates[highest] - rates[lowest]),
        max(0.0, float(low.max() - high.min())),
        float(widest.max()),
        highest,
        lowest,
    )


def power(
    positions: int,
    marks: float,
    difference: float,
    *,
    levels: int = 1,
    limit: float = 0.01,
    rate: float = 0.5,
    stages: int = 1,
) -> float:
    """Probability to find that one position's rate differs from all others by ``difference``.

    ``marks`` at each position in each stage; found when p is below ``limit`` / ``levels`` in every
    one of ``stages``. Non-centrality n d^2 (1 - 1/k) / (p (1 - p)); ``rate`` 0.5 is the worst case.
    """
    _check_design(positions, levels, stages)
    _check_shares(difference, limit, rate)
    noncentrality = marks * difference**2 * (1 - 1 / positions) / (rate * (1 - rate))
    critical = chdtri(positions - 1, limit / levels)
    return float(1 - chndtr(critical, positions - 1, noncentrality)) ** stages


def marks_needed(
    positions: int,
    difference: float,
    *,
    wanted: float = 0.9,
    levels: int = 1,
    limit: float = 0.01,
    rate: float = 0.5,
    stages: int = 1,
) -> int:
    """The fewest marks at each position that find ``difference`` with a probability ``wanted``."""
    if not 0 < wanted < 1:
        raise ConfigurationError(f"a power lies between 0 and 1, this one is {wanted:g}")

    def enough(marks: int) -> bool:
        found = power(
            positions, marks, difference, levels=levels, limit=limit, rate=rate, stages=stages
        )
        return found >= wanted

    high = 1
    while not enough(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def detectable_difference(
    positions: int,
    marks: int,
    *,
    wanted: float = 0.9,
    levels: int = 1,
    limit: float = 0.01,
    rate: float = 0.5,
    stages: int = 1,
) -> float:
    """The smallest difference that ``marks`` at each position find; 1 when none is small enough."""
    low, high = 0.0, 1.0
    while high - low > 1e-6:
        middle = (low + high) / 2
        found = power(
            positions, marks, middle, levels=levels, limit=limit, rate=rate, stages=stages
        )
        low, high = (low, middle) if found >= wanted else (middle, high)
    return high


def detectable_scatter(
    positions: int,
    marks: int,
    *,
    wanted: float = 0.9,
    levels: int = 1,
    limit: float = 0.01,
    rate: float = 0.5,
    stages: int = 1,
) -> float:
    """The smallest standard deviation of the positions' rates that ``marks`` at each find.

    What few marks can still show is a bias spread over many positions: non-centrality is
    k n s^2 / (p (1 - p)), whatever the pattern.
    """
    _check_design(positions, levels, stages)
    _check_shares(limit, rate)
    critical = chdtri(positions - 1, limit / levels)
    missed = 1 - wanted ** (1 / stages)
    noncentrality = float(chndtrinc(critical, positions - 1, missed))
    return math.sqrt(noncentrality * rate * (1 - rate) / (positions * marks))


def _table(
    detected: Sequence[int], marks: Sequence[int]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    hits, shown = np.array(detected, np.int64), np.array(marks, np.int64)
    if len(shown) < 2 or hits.shape != shown.shape:
        raise ConfigurationError("positions are compared from two on, each with marks and hits")
    if shown.min() < 1 or hits.min() < 0 or (hits > shown).any():
        raise ConfigurationError("a position has at least one mark, and no more hits than marks")
    return hits, shown


def _chi_square(hits: NDArray[np.int64], shown: NDArray[np.int64]) -> NDArray[np.float64]:
    """Pearson's statistic of k x 2 tables; ``hits`` may have tables along its first axis."""
    rate = hits.sum(axis=-1, keepdims=True) / shown.sum()
    squares = (hits - shown * rate) ** 2 / (shown * rate * (1 - rate))
    return np.asarray(squares.sum(axis=-1))


def _check_design(positions: int, levels: int, stages: int) -> None:
    if positions < 2 or levels < 1 or stages < 1:
        raise ConfigurationError("a comparison needs two positions, a mark level and a stage")


def _check_shares(*shares: float) -> None:
    if not all(0 < share < 1 for share in shares):
        raise ConfigurationError(
            "difference, limit and rate lie between 0 and 1",
            remedy="Two percentage points are 0.02.",
        )
