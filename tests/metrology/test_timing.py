"""Uncertainty and order statistics, against hand-computed and published figures."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalys.errors import ConfigurationError
from kalys.metrology.timing import (
    Component,
    Estimate,
    allan_deviation,
    certificate,
    combine,
    coverage_factor,
    percentile_n,
    percentile_upper,
    rectangular,
    triangular,
    type_a,
)

FINITE = st.floats(-1e6, 1e6)


def test_the_mean_of_readings_has_the_uncertainty_of_the_gum():
    mean = type_a([1.0, 2.0, 3.0, 4.0])
    assert mean.value == 2.5
    assert mean.u == pytest.approx(math.sqrt(5 / 3) / 2)
    assert mean.dof == 3


def test_one_reading_says_nothing_about_scatter():
    assert type_a([7.0]) == Estimate(7.0, 0.0)
    with pytest.raises(ConfigurationError):
        type_a([])


def test_type_b_contributions():
    assert rectangular(0.5).u == pytest.approx(0.2887, abs=1e-4)
    assert triangular(0.5).u == pytest.approx(0.2041, abs=1e-4)
    assert certificate(0.02).u == 0.01


def test_welch_satterthwaite_as_in_the_gum_example_h1():
    parts = [
        Component(25, dof=18),
        Component(9.7, dof=25.6),
        Component(2.9, dof=50),
        Component(16.6, dof=2),
    ]
    end_gauge = combine(50.000838, parts)
    assert end_gauge.u == pytest.approx(31.7, abs=0.1)
    assert end_gauge.dof == pytest.approx(16.6, abs=1.0)


def test_the_coverage_factor_comes_down_to_the_normal_one():
    assert coverage_factor(math.inf) == pytest.approx(1.96, abs=0.001)
    assert coverage_factor(16.9) == pytest.approx(2.12, abs=0.005)
    assert coverage_factor(0.4) == pytest.approx(12.7, abs=0.01)


@given(st.lists(st.floats(0, 1e3), min_size=1, max_size=6), st.floats(0, 1e3))
def test_another_contribution_never_lowers_the_uncertainty(parts, extra):
    before = combine(0.0, [Component(u) for u in parts])
    after = combine(0.0, [Component(u) for u in (*parts, extra)])
    assert after.u >= before.u * (1 - 1e-12)


@given(st.lists(FINITE, min_size=1, max_size=40), FINITE)
def test_a_shift_of_all_readings_shifts_the_mean_alone(values, shift):
    plain, moved = type_a(values), type_a([v + shift for v in values])
    assert moved.value == pytest.approx(plain.value + shift, abs=1e-6)
    assert moved.u == pytest.approx(plain.u, abs=1e-6)


@pytest.mark.parametrize(("share", "n"), [(0.95, 59), (0.99, 299)])
def test_the_maximum_bounds_a_percentile_from_the_published_sample_on(share, n):
    assert percentile_n(share) == n
    values = list(range(n))
    assert percentile_upper(values, share) == n - 1
    assert percentile_upper(values[:-1], share) is None


def test_a_larger_sample_bounds_the_percentile_from_below_the_maximum():
    bound = percentile_upper(list(range(1000)), 0.95)
    assert bound is not None
    assert 950 <= bound < 999


def test_a_constant_drift_has_no_allan_deviation_and_a_jump_has_one():
    steady = [0.1 * n for n in range(20)]
    assert allan_deviation(steady, 1.0) == pytest.approx(0, abs=1e-12)
    assert allan_deviation([*steady, 9.0], 1.0) > 0.1
    with pytest.raises(ConfigurationError):
        allan_deviation([0.0, 1.0], 1.0)
