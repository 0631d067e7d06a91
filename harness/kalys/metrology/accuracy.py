"""How sure may one be of a rate of rare errors?

A count has no measurement uncertainty of its own: a vote is counted right or it is not (UKAS
LAB 48, examples 2 and 14). What is uncertain is the *rate* behind the counts, and the statement
about it is a bound. Everything here is exact for independent trials; positions on one sheet are not
quite independent, so a report gives the bound per sheet beside the bound per position.

Sources: Clopper and Pearson, Biometrika 26 (1934) 404-413; zero-failure sample sizes follow from
(1 - p)^n <= 1 - confidence; acceptance sampling by two points after ISO 2859 practice.
"""

from __future__ import annotations

import math

from scipy.special import bdtr, bdtrc, betaincinv

from kalys.errors import ConfigurationError


def clopper_pearson_upper(failures: int, trials: int, confidence: float = 0.95) -> float:
    """One-sided exact upper bound of a rate: beta quantile of ``confidence`` at (r + 1, n - r).

    1 when nothing was tried or everything failed. Not valid after a sequential stop.
    """
    _check(failures, trials, confidence)
    if failures == trials:
        return 1.0
    if failures == 0:
        return -math.expm1(math.log1p(-confidence) / trials)
    return float(betaincinv(failures + 1, trials - failures, confidence))


def clopper_pearson_lower(failures: int, trials: int, confidence: float = 0.95) -> float:
    """One-sided exact lower bound of a rate: beta quantile of 1 - confidence at (r, n - r + 1)."""
    _check(failures, trials, confidence)
    if failures == 0:
        return 0.0
    if failures == trials:
        return float((1 - confidence) ** (1 / trials))
    return float(betaincinv(failures, trials - failures + 1, 1 - confidence))


def clopper_pearson_interval(
    failures: int, trials: int, confidence: float = 0.95
) -> tuple[float, float]:
    """Two-sided exact interval: each bound at half the risk."""
    one_sided = (1 + confidence) / 2
    return (
        clopper_pearson_lower(failures, trials, one_sided),
        clopper_pearson_upper(failures, trials, one_sided),
    )


def zero_failure_n(rate: float, confidence: float = 0.95, allowed: int = 0) -> int:
    """Smallest sample in which at most ``allowed`` failures show that a rate is at most ``rate``.

    0.001 -> 2,995; with 1, 2, 3 failures allowed 4,742, 6,294, 7,752.
    """
    if not 0 < rate < 1:
        raise ConfigurationError(f"a rate lies between 0 and 1, this one is {rate:g}")
    _check(0, 1, confidence)
    if allowed < 0:
        raise ConfigurationError(f"{allowed} failures cannot be allowed")
    if allowed == 0:
        return math.ceil(math.log1p(-confidence) / math.log1p(-rate))
    low, high = allowed, math.ceil((allowed + 1) / rate)
    while bdtr(allowed, high, rate) > 1 - confidence:
        high *= 2
    while high - low > 1:
        middle = (low + high) // 2
        if bdtr(allowed, middle, rate) <= 1 - confidence:
            high = middle
        else:
            low = middle
    return high


def two_point_plan(
    acceptable: float, intolerable: float, producer_risk: float = 0.05, consumer_risk: float = 0.10
) -> tuple[int, int]:
    """The smallest attribute plan (n, c) through two points of the operating characteristic.

    A lot at the ``acceptable`` rate is refused with at most ``producer_risk``, one at the
    ``intolerable`` rate accepted with at most ``consumer_risk``. (0.001, 0.005) -> (1335, 3).
    """
    if not 0 < acceptable < intolerable < 1:
        raise ConfigurationError("the acceptable rate must be below the intolerable one")
    for allowed in range(1000):
        n = zero_failure_n(intolerable, 1 - consumer_risk, allowed)
        if bdtrc(allowed, n, acceptable) <= producer_risk:
            return n, allowed
    raise ConfigurationError("these two rates are too close for an attribute plan")


def difference_upper(
    failures: int, trials: int, other_failures: int, other_trials: int, confidence: float = 0.95
) -> float:
    """Upper bound of how much higher one rate is than another (two firmware versions).

    Bonferroni: the upper bound of the one minus the lower bound of the other, each at half the
    risk. Conservative; for rare errors a test of equality has no power at all.
    """
    each = 1 - (1 - confidence) / 2
    return clopper_pearson_upper(failures, trials, each) - clopper_pearson_lower(
        other_failures, other_trials, each
    )


def _check(failures: int, trials: int, confidence: float) -> None:
    if not 0 <= failures <= trials:
        raise ConfigurationError(f"{failures} failures in {trials} trials cannot be")
    if not 0 < confidence < 1:
        raise ConfigurationError(f"a confidence lies between 0 and 1, this one is {confidence:g}")
