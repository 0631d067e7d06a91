"""Bounds of an error rate per position when positions lie on sheets.

A sheet that is read badly is wrong at many positions at once. Bounds for independent positions
(``accuracy``) are then too small: ten errors on one sheet are one mishap, not ten. And as long as
no error is seen, nothing at all is known about how errors cluster. Hence three bounds:

- ``by_sheet_upper`` supposes the worst, that a bad sheet is wrong everywhere. Positions can then
  be no worse than sheets: with errors E and positions M of a sheet,
  E[E] / E[M] <= P(E > 0) max M / E[M]. Exact, and sharp when bad sheets are wrong throughout.
- ``korn_graubard_upper`` learns from the bad sheets how errors cluster: Clopper-Pearson with the
  effective sample n / deff and a correction for the degrees of freedom. An approximation.
- ``bootstrap_upper`` draws sheets anew. An approximation as well.

Both approximations need bad sheets to learn from: with nine of which every fifth is wrong
everywhere, a nominal 95 % is really 84 %; from twenty on it holds. ``clustered_upper`` chooses.

Sheets are told in groups (``SheetGroup``), so ten million positions cost no more than ten. How the
errors of a group lie on its bad sheets is not known; they are taken to lie as unevenly as they can.

Sources: E. L. Korn and B. I. Graubard, Survey Methodology 24 (1998) 193-201; B. Efron, J. Am. Stat.
Assoc. 82 (1987) 171-185 (BCa); W. G. Cochran, Sampling Techniques, 3rd ed., 6.4 (ratio estimates).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import betaincinv, ndtr, ndtri, stdtrit

from kalys.errors import ConfigurationError
from kalys.metrology.accuracy import clopper_pearson_upper

ENOUGH_BAD_SHEETS = 20
"""Bad sheets from which on they say something about the next ones."""


@dataclass(frozen=True)
class SheetGroup:
    """``sheets`` of the same size with ``positions`` in all; ``errors`` lie on ``bad`` of them."""

    sheets: int
    positions: int
    errors: int = 0
    bad: int = 0

    def __post_init__(self) -> None:
        if (
            self.sheets < 1
            or not self.sheets <= self.positions
            or not self.bad <= self.errors <= math.ceil(self.bad * self.size)
            or not 0 <= self.bad <= self.sheets
        ):
            raise ConfigurationError(
                f"{self.errors} errors on {self.bad} of {self.sheets} sheets with "
                f"{self.positions} positions cannot be",
                remedy="A bad sheet has at least one error, and at most one at each position.",
            )

    @property
    def size(self) -> float:
        """Positions of one sheet."""
        return self.positions / self.sheets

    def extremes(self) -> tuple[tuple[int, float], ...]:
        """(sheets, errors of each), as uneven as can be: full sheets, a rest, one error each.

        No other division has a larger sum of a convex function, or a smaller one of a concave
        function, of the errors of each sheet (majorization).
        """
        full, rest = 0, 0.0
        spare = self.errors - self.bad
        if spare:
            full = min(self.bad, int(spare // (self.size - 1)))
            rest = max(0.0, spare - full * (self.size - 1))
        parts = [(self.sheets - self.bad, 0.0), (full, self.size)]
        if full < self.bad:
            parts += [(1, 1 + rest), (self.bad - full - 1, 1.0)]
        return tuple((count, errors) for count, errors in parts if count)


@dataclass(frozen=True)
class Sheets:
    """All sheets of a sample, in groups."""

    groups: tuple[SheetGroup, ...]

    def __post_init__(self) -> None:
        if not self.groups:
            raise ConfigurationError("a bound by sheets needs at least one sheet")

    @cached_property
    def count(self) -> int:
        return sum(group.sheets for group in self.groups)

    @cached_property
    def bad(self) -> int:
        return sum(group.bad for group in self.groups)

    @cached_property
    def positions(self) -> int:
        return sum(group.positions for group in self.groups)

    @cached_property
    def errors(self) -> int:
        return sum(group.errors for group in self.groups)

    @property
    def rate(self) -> float:
        """Errors per position."""
        return self.errors / self.positions

    @cached_property
    def largest(self) -> float:
        """Positions of the largest sheet."""
        return max(group.size for group in self.groups)

    @property
    def unevenness(self) -> float:
        """Positions of the largest sheet over those of the mean one; 1 when all are alike."""
        return self.largest * self.count / self.positions

    @cached_property
    def kinds(self) -> tuple[tuple[int, float, float], ...]:
        """(sheets, positions of each, errors of each) for every kind of sheet that there is."""
        kinds: dict[tuple[float, float], int] = {}
        for group in self.groups:
            for count, errors in group.extremes():
                key = group.size, errors
                kinds[key] = kinds.get(key, 0) + count
        return tuple((count, size, errors) for (size, errors), count in kinds.items())

    @cached_property
    def design_effect(self) -> float:
        """Variance of the rate over what it would be for independent positions; at least 1.

        Ratio estimate with sheets as the units: N/(N-1) sum((e - p m)^2) / (sum m)^2, over
        p (1 - p) / n. 1 when there is no error, or nothing but errors, to learn from.
        """
        p = self.rate
        if not 0 < p < 1 or self.count < 2:
            return 1.0
        squares = math.fsum(count * (e - p * m) ** 2 for count, m, e in self.kinds)
        variance = self.count / (self.count - 1) * squares / self.positions**2
        return max(1.0, variance / (p * (1 - p) / self.positions))


@dataclass(frozen=True)
class ClusteredBound:
    """An upper bound of the rate per position, and how it was found, in words."""

    value: float
    method: str


def clustered_upper(sheets: Sheets, confidence: float = 0.95) -> ClusteredBound:
    """The bound to quote: the worst case until enough sheets were bad to learn from them, then
    the larger of the two approximations."""
    worst = by_sheet_upper(sheets, confidence)
    if sheets.bad < ENOUGH_BAD_SHEETS:
        return ClusteredBound(worst, "a bad sheet taken as wrong everywhere")
    design = korn_graubard_upper(sheets, confidence)
    drawn = bootstrap_upper(sheets, confidence)
    if design >= drawn:
        return ClusteredBound(min(worst, design), "Korn-Graubard, sheets as clusters")
    return ClusteredBound(min(worst, drawn), "bootstrap of sheets")


def by_sheet_upper(sheets: Sheets, confidence: float = 0.95) -> float:
    """Upper bound of the rate per position when a bad sheet may be wrong everywhere.

    The Clopper-Pearson bound of bad sheets, times ``Sheets.unevenness``.
    """
    bound = clopper_pearson_upper(sheets.bad, sheets.count, confidence)
    return min(1.0, bound * sheets.unevenness)


def korn_graubard_upper(sheets: Sheets, confidence: float = 0.95) -> float:
    """Upper bound of the rate per position by the effective sample, at least Clopper-Pearson's.

    n* = n / deff (t_{n-1} / t_{N-1})^2 with the Student quantiles of ``confidence``; then the beta
    quantile at (n* p + 1, n* (1 - p)). ConfigurationError below two bad sheets: a design effect
    cannot be learnt from one, and it is the worst case that then holds.
    """
    if sheets.bad < 2:
        raise ConfigurationError(
            f"how errors cluster cannot be learnt from {sheets.bad} bad sheets",
            remedy="Use the bound by sheets, which supposes the worst.",
        )
    n, p = sheets.positions, sheets.rate
    plain = clopper_pearson_upper(sheets.errors, n, confidence)
    if p == 1:
        return 1.0
    students = stdtrit(n - 1, confidence) / stdtrit(sheets.count - 1, confidence)
    effective = n / sheets.design_effect * students**2
    bound = float(betaincinv(effective * p + 1, effective * (1 - p), confidence))
    return max(plain, bound)


def bootstrap_upper(
    sheets: Sheets, confidence: float = 0.95, *, draws: int = 4000, seed: int = 0
) -> float:
    """Upper bound of the rate per position by drawing sheets anew (BCa).

    As many sheets as there were are drawn with replacement, ``draws`` times; the percentile is
    corrected for bias and skewness. The same seed gives the same bound. ConfigurationError below
    ``ENOUGH_BAD_SHEETS``.
    """
    if sheets.bad < ENOUGH_BAD_SHEETS:
        raise ConfigurationError(
            f"a bootstrap of {sheets.bad} bad sheets says nothing",
            remedy=f"It needs {ENOUGH_BAD_SHEETS}; use the bound by sheets.",
        )
    counts, sizes, errors = (np.array(part, float) for part in zip(*sheets.kinds, strict=True))
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(sheets.count, counts / sheets.count, size=draws)
    rates = np.sort((drawn @ errors) / (drawn @ sizes))
    below = (np.sum(rates < sheets.rate) + np.sum(rates <= sheets.rate)) / (2 * draws)
    bias = ndtri(np.clip(below, 1 / draws, 1 - 1 / draws))
    influence = errors - sheets.rate * sizes
    spread = float(counts @ influence**2)
    skew = float(counts @ influence**3) / (6 * spread**1.5) if spread else 0.0
    z = bias + ndtri(confidence)
    level = ndtr(bias + z / (1 - skew * z)) if skew * z < 1 else 1.0
    return float(rates[min(draws - 1, math.ceil(level * draws) - 1)])


def grouped(portions: Sequence[SheetGroup]) -> Sheets:
    """Sheets from many portions, with the right ones of the same size put together."""
    right: dict[float, tuple[int, int]] = {}
    bad = []
    for part in portions:
        if part.bad:
            bad.append(part)
        else:
            sheets, positions = right.get(part.size, (0, 0))
            right[part.size] = sheets + part.sheets, positions + part.positions
    return Sheets((*(SheetGroup(*parts) for parts in right.values()), *bad))
