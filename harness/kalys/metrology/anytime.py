"""An upper bound of a mean that holds at any moment, however the moment was chosen.

Whoever stops when a result looks good cannot quote a Clopper-Pearson bound: looked at often enough,
it is too small at some moment with certainty. Betting helps. Suppose that the mean of x in [0, 1]
is at least m, and bet against it, a share c of what can be lost, on every x:

    capital <- capital (1 + c (m - x) / (1 - m)),  0 <= c <= 1.

If the supposition is true, no bet pays on average, and capital ever becomes 20-fold with a
probability of at most 1/20 (Ville). So a capital of 1/(1 - confidence) refutes m at that moment;
the smallest m refuted is the upper bound. Which c is best depends on the true mean; money is spread
over many from the start (a mixture), most of it on c near 1, which wins when x is 0 throughout. For
every c capital grows with m, so m is found by bisection, and capital depends on which x came but
not on their order. For x = 0 or 1 the bet c = 1 - q/m is Wald's likelihood ratio of q against m.

``anytime_upper`` takes single trials, supposed independent. ``anytime_upper_of_sheets`` bets on the
share of wrong positions of each sheet, so how errors cluster on sheets does not matter.

Sources: I. Waudby-Smith and A. Ramdas, J. R. Stat. Soc. B 86 (2024) 1-27, sections 4 and 5; J.
Ville, Étude critique de la notion de collectif (1939); A. Wald, Sequential Analysis (1947), 4.1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from kalys.errors import ConfigurationError
from kalys.metrology.clusters import Sheets

Kinds = Sequence[tuple[int, float]]
"""(how many, x of each)."""

_PRECISION = 1e-6
_LEAST = 1e-15  # no sample refutes a smaller mean


def anytime_upper(failures: int, trials: int, confidence: float = 0.95) -> float:
    """Upper bound of a rate after ``trials``, valid whenever one stops; 1 before the first."""
    if not 0 <= failures <= trials:
        raise ConfigurationError(f"{failures} failures in {trials} trials cannot be")
    return mean_upper([(trials - failures, 0.0), (failures, 1.0)], confidence)


def anytime_upper_of_sheets(sheets: Sheets, confidence: float = 0.95) -> float:
    """Upper bound of the rate per position, valid whenever one stops and however errors cluster.

    x is the errors of a sheet over the positions of the largest one; the bound of its mean times
    ``Sheets.unevenness`` is one of the rate. Where the errors of several bad sheets are told
    together they are taken to lie as unevenly as can be, at which every capital is smallest.
    """
    kinds = [(count, min(1.0, errors / sheets.largest)) for count, _, errors in sheets.kinds]
    return min(1.0, mean_upper(kinds, confidence) * sheets.unevenness)


def mean_upper(kinds: Kinds, confidence: float = 0.95) -> float:
    """The smallest mean in [0, 1] that is refuted, to six digits; 1 when none is."""
    if not 0 < confidence < 1:
        raise ConfigurationError(f"a confidence lies between 0 and 1, this one is {confidence:g}")
    if any(count < 0 or not 0 <= x <= 1 for count, x in kinds):
        raise ConfigurationError("a bound by betting is of values between 0 and 1")
    wanted = -math.log1p(-confidence)
    present = [(count, x) for count, x in kinds if count]
    total = sum(count for count, _ in present)
    seen = math.fsum(count * x for count, x in present) / total if total else 1.0
    low, high = max(seen, _LEAST), 1.0
    if log_capital(present, 1 - 1e-12) < wanted:
        return 1.0
    while high - low > _PRECISION * high:
        middle = math.sqrt(low * high)
        if log_capital(present, middle) >= wanted:
            high = middle
        else:
            low = middle
    return high


def log_capital(kinds: Kinds, mean: float) -> float:
    """Logarithm of the capital won against "the mean is at least ``mean``", 0 <= ``mean`` < 1."""
    spared, weights = _bets()
    share = 1 - spared
    growth = np.zeros_like(share)
    for count, x in kinds:
        # At c = 1 - q and x = 1 what is left is q; written so, nothing cancels.
        factor = spared + share * (1 - x) / (1 - mean) if x else 1 + share * mean / (1 - mean)
        growth += count * np.log(factor)
    return float(logsumexp(weights + growth))


def error_free_n(rate: float, confidence: float = 0.95) -> int:
    """Trials without error after which a rate of at most ``rate`` is shown at any stop.

    0.001 -> 3,252, where a sample fixed beforehand needs 2,995.
    """
    if not 0 < rate < 1:
        raise ConfigurationError(f"a rate lies between 0 and 1, this one is {rate:g}")
    wanted = -math.log1p(-confidence)
    low, high = 0, 1
    while log_capital([(high, 0.0)], rate) < wanted:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if log_capital([(middle, 0.0)], rate) >= wanted:
            high = middle
        else:
            low = middle
    return high


def _bets() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What each bet spares, q = 1 - c, and the logarithm of the money laid on it.

    A Beta(0.05, 1) density on 181 logits of q from -9 to 9: any fixed spread is valid. This one
    costs 9 % more trials than a fixed sample without errors, at most 53 % with some.
    """
    logits = np.linspace(-9, 9, 181)
    spared = 1 / (1 + np.exp(-logits))
    weights = 0.05 * np.log(spared) + np.log1p(-spared)
    return spared, weights - logsumexp(weights)
