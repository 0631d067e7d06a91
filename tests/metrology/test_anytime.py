"""The bound by betting: it holds at the most flattering moment, where Clopper-Pearson does not."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from kalys.errors import ConfigurationError
from kalys.metrology.accuracy import clopper_pearson_upper
from kalys.metrology.anytime import (
    anytime_upper,
    anytime_upper_of_sheets,
    error_free_n,
    log_capital,
    mean_upper,
)
from kalys.metrology.clusters import SheetGroup, Sheets

COUNTS = st.integers(1, 10**7).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
KINDS = st.lists(st.tuples(st.integers(0, 1000), st.floats(0, 1)), min_size=1, max_size=6)


def test_error_free_samples_are_those_published_for_betting_bounds():
    assert 3040 <= error_free_n(0.001) <= 3330
    assert anytime_upper(0, error_free_n(0.001)) <= 0.001 < anytime_upper(0, 3251)


@given(st.floats(1e-6, 0.5))
def test_the_sample_is_the_smallest_that_refutes_the_rate(rate):
    n = error_free_n(rate)
    assert log_capital([(n, 0.0)], rate) >= math.log(20) > log_capital([(n - 1, 0.0)], rate)


@given(COUNTS)
def test_to_be_free_to_stop_costs_something_but_not_much(counts):
    failures, trials = counts
    fixed = clopper_pearson_upper(failures, trials)
    assert failures / trials <= anytime_upper(failures, trials) <= 1
    assert fixed * (1 - 1e-6) <= anytime_upper(failures, trials) <= max(1.7 * fixed, fixed)


@given(KINDS, st.floats(0.001, 0.99), st.floats(0.001, 0.99))
def test_capital_grows_with_the_mean_it_is_won_against(kinds, one, other):
    low, high = sorted((one, other))
    assert log_capital(kinds, low) <= log_capital(kinds, high) + 1e-9


@given(st.lists(st.floats(0, 1), min_size=2, max_size=40), st.floats(0.01, 0.95))
def test_the_same_errors_laid_more_unevenly_never_win_more(values, mean):
    total = sum(values)
    full = math.floor(total)
    uneven = [1.0] * full + [total - full] * (full < len(values))
    uneven += [0.0] * (len(values) - len(uneven))
    capital = log_capital([(1, min(1.0, x)) for x in uneven], mean)
    assert capital <= log_capital([(1, x) for x in values], mean) + 1e-6


def test_a_fair_bet_pays_nothing_on_average():
    mean, outcomes = 0.3, (0.0, 0.5, 1.0)
    chances = (0.55, 0.3, 0.15)
    assert math.isclose(sum(p * x for p, x in zip(chances, outcomes, strict=True)), mean)
    expected = sum(
        p * math.exp(log_capital([(1, x)], mean)) for p, x in zip(chances, outcomes, strict=True)
    )
    assert expected == pytest.approx(1.0)


def test_without_trials_and_with_failures_only_nothing_is_refuted():
    assert anytime_upper(0, 0) == anytime_upper(5, 5) == mean_upper([]) == 1.0


@pytest.mark.parametrize("wrong", [([(1, 1.5)], 0.95), ([(-1, 0.5)], 0.95), ([(1, 0.5)], 1.0)])
def test_what_is_no_share_is_refused(wrong):
    with pytest.raises(ConfigurationError):
        mean_upper(*wrong)
    with pytest.raises(ConfigurationError):
        anytime_upper(2, 1)


# Sheets -------------------------------------------------------------------------------------------


def test_right_sheets_are_bounded_as_trials_are():
    clean = Sheets((SheetGroup(3252, 3252 * 76),))
    assert anytime_upper_of_sheets(clean) == pytest.approx(anytime_upper(0, 3252))


def test_a_sheet_with_one_error_costs_less_than_one_that_is_wrong_everywhere():
    right = SheetGroup(2000, 2000 * 76)
    one, all_wrong = SheetGroup(1, 76, 1, 1), SheetGroup(1, 76, 76, 1)
    mild = anytime_upper_of_sheets(Sheets((right, one)))
    severe = anytime_upper_of_sheets(Sheets((right, all_wrong)))
    assert anytime_upper(0, 2001) < mild < severe == pytest.approx(anytime_upper(1, 2001))


def test_errors_told_together_are_bounded_as_if_laid_most_unevenly():
    told = Sheets((SheetGroup(2000, 2000 * 76, 80, 5),))
    apart = [SheetGroup(1, 76, 76, 1), *[SheetGroup(1, 76, 1, 1)] * 4]
    known = Sheets((SheetGroup(1995, 1995 * 76), *apart))
    assert anytime_upper_of_sheets(told) == pytest.approx(anytime_upper_of_sheets(known))


# Optional stopping --------------------------------------------------------------------------------

RUNS, LONGEST = 300, 1000
NOISE = 3 * (0.05 * 0.95 / RUNS) ** 0.5


def capitals(values, mean):
    """Capital against ``mean`` after each of the values, by the definition: money spread over 181
    bets, each with 1 + c (m - x) / (1 - m) for each x."""
    spared = 1 / (1 + np.exp(-np.linspace(-9, 9, 181)))
    money = spared**0.05 * (1 - spared)
    factors = 1 + (1 - spared) * (mean - values[:, None]) / (1 - mean)
    return np.exp(np.log(factors).cumsum(axis=0)) @ (money / money.sum())


def test_the_bound_holds_at_the_most_flattering_moment_where_clopper_pearson_does_not():
    rng, rate = np.random.default_rng(11), 0.02
    n = np.arange(1, LONGEST + 1)
    betting = clopper_pearson = 0
    for _ in range(RUNS):
        errors = (rng.random(LONGEST) < rate).astype(float)
        so_far = errors.cumsum()
        betting += capitals(errors, rate).max() < 20
        clopper_pearson += stats.beta.ppf(0.95, so_far + 1, n - so_far + 1e-12).min() >= rate
    assert betting / RUNS >= 0.95 - NOISE
    assert clopper_pearson / RUNS < 0.95 - NOISE


def test_the_bound_by_sheets_holds_at_any_moment_when_errors_cluster():
    rng = np.random.default_rng(12)
    fractions = np.array([1.0, 0.05, 0.05, 0.1])
    true = 0.03 * fractions.mean()
    held = 0
    for _ in range(RUNS):
        bad = rng.random(LONGEST) < 0.03
        values = np.where(bad, rng.choice(fractions, LONGEST), 0.0)
        held += capitals(values, true).max() < 20
    assert held / RUNS >= 0.95 - NOISE


def test_the_bound_is_the_mean_at_which_capital_reaches_twenty():
    values = np.array([0.0] * 400 + [1.0, 0.25])
    bound = mean_upper([(400, 0.0), (1, 1.0), (1, 0.25)])
    assert capitals(values, bound)[-1] == pytest.approx(20, rel=1e-3)
