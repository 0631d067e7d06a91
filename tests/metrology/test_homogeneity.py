"""Positional bias: the test, the interval of the largest difference, and what a sample can find."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from kalys.errors import ConfigurationError
from kalys.metrology.homogeneity import (
    detectable_difference,
    detectable_scatter,
    homogeneity,
    largest_difference,
    marks_needed,
    power,
)

TABLES = st.lists(
    st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
    min_size=2, max_size=12,
)  # fmt: skip


def table(pairs):
    return tuple(zip(*pairs, strict=True))


def test_large_counts_give_the_chi_square_test_of_scipy():
    detected, marks = (52, 47, 61, 40), (100, 100, 110, 90)
    missed = [n - d for d, n in zip(detected, marks, strict=True)]
    theirs = stats.chi2_contingency([detected, missed], correction=False)
    mine = homogeneity(detected, marks)
    assert (mine.statistic, mine.p_value) == pytest.approx((theirs.statistic, theirs.pvalue))
    assert (mine.dof, mine.drawn) == (3, False)


def test_small_counts_give_the_exact_p_value():
    detected, marks = (0, 3, 5), (6, 6, 6)
    rate = sum(detected) / sum(marks)

    def statistic(hits):
        return sum((d - 6 * rate) ** 2 for d in hits)

    tables = [hits for hits in itertools.product(range(7), repeat=3) if sum(hits) == 8]
    law = stats.multivariate_hypergeom(m=marks, n=8)
    exact = sum(law.pmf(hits) for hits in tables if statistic(hits) >= statistic(detected) - 1e-9)
    mine = homogeneity(detected, marks)
    assert mine.drawn
    assert mine.p_value == pytest.approx(exact, abs=4 * (exact / 20_000) ** 0.5)
    assert mine == homogeneity(detected, marks)


@pytest.mark.parametrize("detected", [(0, 0, 0), (9, 9, 9)])
def test_marks_detected_everywhere_or_nowhere_say_nothing(detected):
    assert homogeneity(detected, (9, 9, 9)).p_value == 1.0


@pytest.mark.parametrize("rate", [0.5, 0.1, 0.01])
def test_equal_rates_give_an_alarm_as_seldom_as_promised(rate):
    rng = np.random.default_rng(2)
    runs = 300 if rate == 0.01 else 2000
    hits = rng.binomial(100, rate, (runs, 14)).tolist()
    alarms = sum(homogeneity(row, [100] * 14, draws=999).p_value < 0.05 for row in hits)
    assert alarms / runs <= 0.05 + 3 * (0.05 * 0.95 / runs) ** 0.5


# The largest difference ---------------------------------------------------------------------------


@settings(max_examples=50)
@given(TABLES)
def test_the_bounds_hold_the_observed_difference(pairs):
    found = largest_difference(*table(pairs))
    rates = [d / n for d, n in pairs]
    assert found.observed == pytest.approx(max(rates) - min(rates))
    assert 0 <= found.lower <= found.observed <= found.upper <= 1
    assert rates[found.highest] - rates[found.lowest] == found.observed


@pytest.mark.parametrize("rates", [[0.5] * 14, [0.5] * 13 + [0.55], [0.1, 0.2, 0.9]])
def test_the_true_largest_difference_lies_between_its_bounds(rates):
    rng = np.random.default_rng(4)
    true, runs = max(rates) - min(rates), 400
    held = 0
    for _ in range(runs):
        found = largest_difference(rng.binomial(200, rates).tolist(), [200] * len(rates), 0.95)
        held += found.lower <= true <= found.upper
    assert held / runs >= 0.95


# Power --------------------------------------------------------------------------------------------


def test_the_power_is_that_of_simulated_tables():
    rng = np.random.default_rng(6)
    marks, difference, runs = 400, 0.16, 1500
    rates = [0.5 + difference] + [0.5] * 13
    found = sum(
        homogeneity(rng.binomial(marks, rates).tolist(), [marks] * 14).p_value < 0.01 / 3
        for _ in range(runs)
    )
    assert power(14, marks, difference, levels=3) == pytest.approx(found / runs, abs=0.03)
    assert power(14, marks, difference, levels=3, stages=2) == pytest.approx(
        power(14, marks, difference, levels=3) ** 2
    )


@pytest.mark.parametrize("positions", [2, 7, 38])
def test_sample_and_difference_are_two_sides_of_the_same_power(positions):
    marks = marks_needed(positions, 0.02, levels=3, stages=2)
    assert power(positions, marks, 0.02, levels=3, stages=2) >= 0.9
    assert power(positions, marks - 1, 0.02, levels=3, stages=2) < 0.9
    assert detectable_difference(positions, marks, levels=3, stages=2) == pytest.approx(
        0.02, rel=1e-3
    )


def test_one_position_off_is_a_scatter_like_any_other():
    difference = detectable_difference(14, 400, levels=3, stages=2)
    scatter = np.std([difference] + [0.0] * 13)
    assert detectable_scatter(14, 400, levels=3, stages=2) == pytest.approx(scatter, rel=1e-3)


def test_the_sample_of_two_positions_is_that_of_the_normal_approximation():
    z = stats.norm.ppf(0.995) + stats.norm.ppf(0.9)
    assert marks_needed(2, 0.02) == pytest.approx(z**2 * 2 * 0.25 / 0.02**2, rel=1e-3)


@pytest.mark.parametrize(
    "wrong", [((1,), (2,)), ((3, 1), (2, 2)), ((0, 0), (0, 1)), ((1, 1), (2,))]
)
def test_tables_that_cannot_be_are_refused(wrong):
    with pytest.raises(ConfigurationError):
        homogeneity(*wrong)


@pytest.mark.parametrize(
    "wrong", [{"positions": 1}, {"difference": 2.0}, {"rate": 0.0}, {"stages": 0}]
)
def test_designs_that_cannot_be_are_refused(wrong):
    with pytest.raises(ConfigurationError):
        power(**({"positions": 3, "marks": 10, "difference": 0.1} | wrong))
    with pytest.raises(ConfigurationError):
        marks_needed(3, 0.02, wanted=1.0)
