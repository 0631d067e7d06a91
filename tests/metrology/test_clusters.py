"""Bounds that respect sheets: they cover when errors cluster, where the plain bound does not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from kalys.errors import ConfigurationError
from kalys.metrology.accuracy import clopper_pearson_upper
from kalys.metrology.clusters import (
    SheetGroup,
    Sheets,
    bootstrap_upper,
    by_sheet_upper,
    clustered_upper,
    grouped,
    korn_graubard_upper,
)

SIZE = 40


def sheets(right, *errors, size=SIZE):
    bad = (SheetGroup(1, size, count, 1) for count in errors)
    return Sheets((SheetGroup(right, right * size), *bad))


@st.composite
def groups(draw):
    count = draw(st.integers(1, 50))
    bad = draw(st.integers(0, count))
    errors = draw(st.integers(bad, bad * SIZE))
    return SheetGroup(count, count * SIZE, errors, bad)


# The worst case -----------------------------------------------------------------------------------


def test_without_an_error_positions_are_bounded_like_sheets():
    clean = sheets(2995)
    assert by_sheet_upper(clean) == pytest.approx(0.001, rel=1e-3)
    assert clustered_upper(clean).method == "a bad sheet taken as wrong everywhere"


def test_sheets_of_different_size_cost_the_ratio_of_the_largest_to_the_mean():
    mixed = Sheets((SheetGroup(300, 300 * 10), SheetGroup(100, 100 * 50)))
    mean = (300 * 10 + 100 * 50) / 400
    assert by_sheet_upper(mixed) == pytest.approx(clopper_pearson_upper(0, 400) * 50 / mean)


@given(st.lists(groups(), min_size=1, max_size=5))
def test_the_worst_case_lies_above_the_rate_and_above_the_bound_for_independent_positions(parts):
    found = Sheets(tuple(parts))
    bound = by_sheet_upper(found)
    assert found.rate <= bound <= 1
    if not found.errors:
        assert bound > clopper_pearson_upper(0, found.positions)


# Groups -------------------------------------------------------------------------------------------


@given(groups())
def test_the_extremes_of_a_group_are_its_sheets_and_errors_laid_as_unevenly_as_can_be(group):
    kinds = group.extremes()
    assert sum(count for count, _ in kinds) == group.sheets
    assert sum(count * errors for count, errors in kinds) == pytest.approx(group.errors)
    assert all(0 <= errors <= group.size for _, errors in kinds)
    even = group.errors**2 / group.bad if group.bad else 0.0
    assert sum(count * errors**2 for count, errors in kinds) >= even - 1e-9


@pytest.mark.parametrize("wrong", [(0, 0), (2, 80, 81, 2), (2, 80, 1, 2), (2, 80, 3, 3), (3, 2)])
def test_counts_that_cannot_be_are_refused(wrong):
    with pytest.raises(ConfigurationError, match="cannot be"):
        SheetGroup(*wrong)


def test_right_sheets_of_one_size_are_put_together():
    together = grouped([SheetGroup(5, 200), SheetGroup(1, 40, 3, 1), SheetGroup(7, 280)])
    assert together.groups == (SheetGroup(12, 480), SheetGroup(1, 40, 3, 1))
    with pytest.raises(ConfigurationError, match="at least one sheet"):
        grouped([])


# Korn and Graubard --------------------------------------------------------------------------------


def test_the_design_effect_of_sheets_wrong_everywhere_is_their_size():
    assert sheets(970, *[SIZE] * 30).design_effect == pytest.approx(SIZE, rel=0.01)
    assert sheets(970, *[1] * 30).design_effect == pytest.approx(1.0, abs=0.05)


def test_the_bound_is_the_beta_quantile_at_the_effective_sample():
    found = sheets(480, *[4] * 15, *[1] * 5)
    errors = np.array([0] * 480 + [4] * 15 + [1] * 5)
    n, p = 500 * SIZE, errors.sum() / (500 * SIZE)
    deff = (errors.var(ddof=1) / 500 / SIZE**2) / (p * (1 - p) / n)
    students = stats.t.ppf(0.95, n - 1) / stats.t.ppf(0.95, 499)
    effective = n / deff * students**2
    expected = stats.beta.ppf(0.95, effective * p + 1, effective * (1 - p))
    assert korn_graubard_upper(found) == pytest.approx(expected, rel=1e-9)


def test_nothing_is_learnt_from_one_bad_sheet():
    with pytest.raises(ConfigurationError, match="supposes the worst"):
        korn_graubard_upper(sheets(100, 7))


# Bootstrap ----------------------------------------------------------------------------------------


def test_the_bootstrap_agrees_with_that_of_scipy():
    rng = np.random.default_rng(5)
    errors = np.array([0] * 250 + list(rng.integers(1, SIZE, 50)))
    mine = bootstrap_upper(sheets(250, *errors[250:].tolist()), draws=20_000)
    theirs = stats.bootstrap(
        (errors / SIZE,), np.mean, confidence_level=0.95, alternative="less",
        n_resamples=20_000, method="BCa", vectorized=True, batch=2000, rng=rng,
    ).confidence_interval.high  # fmt: skip
    assert mine == pytest.approx(theirs, rel=0.02)


def test_the_bootstrap_is_reproducible_and_refuses_too_few_bad_sheets():
    found = sheets(500, *range(1, 26))
    assert bootstrap_upper(found) == bootstrap_upper(found)
    with pytest.raises(ConfigurationError, match="It needs 20"):
        bootstrap_upper(sheets(500, *[1] * 19))


# Coverage -----------------------------------------------------------------------------------------

TRIALS = 400
NOISE = 3 * (0.05 * 0.95 / TRIALS) ** 0.5


def simulated(count, share, fractions, seed):
    """Samples of ``count`` sheets of which a ``share`` is bad, wrong at such ``fractions``."""
    rng = np.random.default_rng(seed)
    errors = np.maximum(1, np.round(np.asarray(fractions) * SIZE)).astype(int)
    true = share * errors.mean() / SIZE
    for _ in range(TRIALS):
        drawn = rng.choice(errors, rng.binomial(count, share))
        yield true, sheets(count - len(drawn), *drawn.tolist())


@pytest.mark.parametrize("fractions", [(1.0,), (1.0, 0.05, 0.05, 0.1, 0.05), (0.1, 0.2)])
@pytest.mark.parametrize(("count", "share"), [(300, 0.01), (300, 0.03), (500, 0.2)])
def test_the_quoted_bound_covers_however_errors_cluster(count, share, fractions):
    covered = plain = 0
    for true, found in simulated(count, share, fractions, seed=7):
        covered += clustered_upper(found).value >= true
        plain += clopper_pearson_upper(found.errors, found.positions) >= true
    assert covered / TRIALS >= 0.95 - NOISE
    assert plain / TRIALS < 0.90


def test_the_worst_case_is_sharp_when_bad_sheets_are_wrong_everywhere():
    covered = sum(
        by_sheet_upper(found) >= true for true, found in simulated(1000, 0.03, (1.0,), seed=3)
    )
    assert covered / TRIALS < 0.99
