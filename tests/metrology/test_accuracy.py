"""Bounds on rare errors, against the published figures and the laws that they obey."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from kalys.errors import ConfigurationError
from kalys.metrology.accuracy import (
    clopper_pearson_interval,
    clopper_pearson_lower,
    clopper_pearson_upper,
    difference_upper,
    two_point_plan,
    zero_failure_n,
)

COUNTS = st.integers(1, 10**7).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@pytest.mark.parametrize(
    ("trials", "bound"), [(10_000_000, 2.996e-7), (1_549_703, 1.933e-6), (44, 0.0658)]
)
def test_no_error_bounds_the_rate_as_published(trials, bound):
    assert clopper_pearson_upper(0, trials) == pytest.approx(bound, rel=5e-4)


@pytest.mark.parametrize(
    ("rate", "n"),
    [
        (0.01, 299), (0.002, 1497), (0.001, 2995), (1e-4, 29_956), (5e-5, 59_914), (1e-5, 299_572),
        (8e-6, 374_466), (2e-6, 1_497_865),
    ],
)  # fmt: skip
def test_zero_failure_samples_are_those_of_the_catalogue(rate, n):
    assert zero_failure_n(rate) == n


@pytest.mark.parametrize(("allowed", "n"), [(0, 2995), (1, 4742), (2, 6294), (3, 7752)])
def test_each_allowed_failure_asks_for_a_larger_sample(allowed, n):
    assert zero_failure_n(0.001, allowed=allowed) == n


def test_the_two_point_plan_is_the_published_one():
    assert two_point_plan(0.001, 0.005) == (1335, 3)


@given(COUNTS)
def test_bounds_enclose_the_observed_rate(count):
    failures, trials = count
    low, high = clopper_pearson_lower(failures, trials), clopper_pearson_upper(failures, trials)
    assert 0 <= low <= failures / trials <= high <= 1


@given(COUNTS)
def test_one_more_failure_never_lowers_the_bound_and_one_more_success_never_raises_it(count):
    failures, trials = count
    bound = clopper_pearson_upper(failures, trials)
    assert clopper_pearson_upper(failures, trials + 1) <= bound + 1e-12
    if failures < trials:
        assert clopper_pearson_upper(failures + 1, trials) >= bound


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_is_scipy_s_exact_one(count):
    failures, trials = count
    peer = stats.binomtest(failures, trials).proportion_ci(0.95, "exact")
    assert clopper_pearson_interval(failures, trials) == pytest.approx(
        (peer.low, peer.high), abs=1e-9
    )


@given(st.floats(1e-6, 0.2), st.integers(0, 5))
def test_a_sample_is_the_smallest_that_serves(rate, allowed):
    n = zero_failure_n(rate, allowed=allowed)
    assert clopper_pearson_upper(allowed, n) <= rate * (1 + 1e-9)
    assert n - 1 <= allowed or clopper_pearson_upper(allowed, n - 1) > rate * (1 - 1e-9)


def test_nothing_tried_bounds_nothing():
    assert clopper_pearson_upper(0, 0) == 1.0
    assert clopper_pearson_lower(0, 0) == 0.0


def test_two_versions_are_compared_by_a_bound_on_the_difference():
    assert difference_upper(0, 2995, 0, 2995) == pytest.approx(0.00123, rel=0.01)


@pytest.mark.parametrize("wrong", [(-1, 3), (4, 3)])
def test_impossible_counts_are_refused(wrong):
    with pytest.raises(ConfigurationError):
        clopper_pearson_upper(*wrong)
    with pytest.raises(ConfigurationError):
        zero_failure_n(0)
