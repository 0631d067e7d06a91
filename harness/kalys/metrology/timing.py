"""Uncertainty of a measured time, rate or speed.

Type A comes from repeating, Type B from what is known otherwise (a resolution, a certificate). They
are combined as variances, and the expanded uncertainty U covers about 95 %. Percentiles get
distribution-free bounds from order statistics, because delays are never normal.

Sources: JCGM 100:2008 (GUM) 4.2, 4.3, 5.1, G.4; JCGM 101:2008 (Monte Carlo); W. G. Hahn and
G. J. Meeker, Statistical Intervals, ch. 5 (order statistics).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import bdtr, ndtri, stdtrit

from kalys.errors import ConfigurationError


@dataclass(frozen=True)
class Component:
    """One contribution: standard uncertainty ``u``, sensitivity ``c``, degrees of freedom."""

    u: float
    c: float = 1.0
    dof: float = math.inf


@dataclass(frozen=True)
class Estimate:
    """A value with its combined standard uncertainty and effective degrees of freedom."""

    value: float
    u: float
    dof: float = math.inf

    def expanded(self, k: float | None = None) -> float:
        """U: ``k`` times u, or with the Student factor of 95 % when ``k`` is None."""
        return (coverage_factor(self.dof) if k is None else k) * self.u


def type_a(values: Sequence[float]) -> Estimate:
    """Mean of repeated readings with u = s/sqrt(n), n - 1 degrees of freedom (GUM 4.2.3).

    One reading has no Type A uncertainty: u is 0 with infinite degrees of freedom.
    """
    n = len(values)
    if not n:
        raise ConfigurationError("there is no reading to take a mean of")
    mean = math.fsum(values) / n
    if n == 1:
        return Estimate(mean, 0.0)
    variance = math.fsum((value - mean) ** 2 for value in values) / (n - 1)
    return Estimate(mean, math.sqrt(variance / n), n - 1)


def rectangular(half_width: float) -> Component:
    """Anywhere within +-a, equally likely: a/sqrt(3) (GUM 4.3.7)."""
    return Component(half_width / math.sqrt(3))


def triangular(half_width: float) -> Component:
    """Within +-a, more likely near the middle: a/sqrt(6) (GUM 4.3.9)."""
    return Component(half_width / math.sqrt(6))


def certificate(expanded: float, k: float = 2.0) -> Component:
    """From a calibration certificate: U/k (GUM 4.3.3)."""
    return Component(expanded / k)


def combine(value: float, components: Sequence[Component]) -> Estimate:
    """Independent contributions: u_c^2 = sum (c u)^2, with Welch-Satterthwaite degrees of freedom.

    nu_eff = u_c^4 / sum((c u)^4 / nu) (GUM G.4.1).
    """
    variance = math.fsum((part.c * part.u) ** 2 for part in components)
    weight = math.fsum((part.c * part.u) ** 4 / part.dof for part in components)
    dof = variance**2 / weight if weight > 0 else math.inf
    return Estimate(value, math.sqrt(variance), dof)


def coverage_factor(dof: float, confidence: float = 0.95) -> float:
    """Student's t for a two-sided interval; effective degrees of freedom are rounded down."""
    if math.isinf(dof):
        return float(ndtri((1 + confidence) / 2))
    return float(stdtrit(max(1, math.floor(dof)), (1 + confidence) / 2))


def percentile_upper(
    values: Sequence[float], share: float, confidence: float = 0.95
) -> float | None:
    """Distribution-free upper bound of a percentile: the lowest order statistic that serves.

    The k-th of n values is above the percentile with probability P(Bin(n, share) < k). None when
    the sample is too small: 59 values are needed for 95/95, 299 for 99/95.
    """
    n = len(values)
    below = bdtr(np.arange(n), n, share)  # P(fewer than k + 1 values lie below it)
    rank = int(np.searchsorted(below, confidence)) + 1
    return sorted(values)[rank - 1] if rank <= n else None


def percentile_n(share: float, confidence: float = 0.95) -> int:
    """Smallest sample whose maximum is such a bound: log(1 - confidence) / log(share)."""
    return math.ceil(math.log1p(-confidence) / math.log(share))


def allan_deviation(offsets: Sequence[float], interval: float, span: int = 1) -> float:
    """Allan deviation of clock ``offsets`` (s) taken every ``interval`` s, over ``span`` intervals.

    Overlapping estimator, IEEE Std 1139: second differences of the phase.
    """
    count = len(offsets) - 2 * span
    if span < 1 or count < 1:
        raise ConfigurationError(
            "an Allan deviation needs more than twice as many offsets as its span"
        )
    squares = math.fsum(
        (offsets[i + 2 * span] - 2 * offsets[i + span] + offsets[i]) ** 2 for i in range(count)
    )
    return math.sqrt(squares / (2 * count)) / (span * interval)
