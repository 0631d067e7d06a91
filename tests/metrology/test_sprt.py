"""Wald's lines, against the figures of the US standards."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalys.errors import ConfigurationError
from kalys.metrology.sprt import MISFEED_TEST, VOTING_SYSTEM_TEST, WaldTest

TEST = VOTING_SYSTEM_TEST


def test_the_lines_are_those_of_the_standards():
    assert TEST.accept_at(0) == pytest.approx(1_549_703.1, abs=0.1)
    assert TEST.per_error == pytest.approx(1_576_700.5, abs=0.1)
    assert TEST.reject_at(1) == pytest.approx(26_997.4, abs=0.1)


def test_the_misfeed_test_is_that_of_the_catalogue():
    assert MISFEED_TEST.accept_at(0) == pytest.approx(1961, abs=1)
    assert MISFEED_TEST.per_error == pytest.approx(924, abs=1)
    assert MISFEED_TEST.reject_at(0) == pytest.approx(-1961, abs=1)


def test_one_position_decides_at_the_line():
    assert TEST.state(1_549_703, 0) == "continue"
    assert TEST.state(1_549_704, 0) == "accept"
    assert TEST.state(26_997, 1) == "reject"
    assert TEST.state(26_998, 1) == "continue"


def test_the_path_stops_where_it_decides():
    path = TEST.path([(76, 0), (76, 1), (10**7, 0)])
    assert [(s.trials, s.errors, s.state) for s in path] == [
        (76, 0, "continue"),
        (152, 1, "reject"),
    ]
    path = TEST.path([(76, 0)] * 20_400)
    assert path[-1].state == "accept"
    assert path[-1].trials == 20_391 * 76


def test_an_old_error_cannot_reject_later_on():
    path = TEST.path([(30_000, 1), (76, 0)])
    assert [s.state for s in path] == ["continue", "continue"]


RATES = st.tuples(st.floats(1e-8, 1e-3), st.floats(1.5, 100)).map(lambda x: (x[0], x[0] * x[1]))
RISKS = st.floats(0.001, 0.2)


@given(RATES, RISKS, RISKS, st.integers(0, 50))
def test_the_lines_are_parallel_and_never_cross(rates, alpha, beta, errors):
    test = WaldTest(*rates, alpha, beta)
    assert test.reject_at(errors) < test.accept_at(errors)
    step = test.accept_at(errors + 1) - test.accept_at(errors)
    assert step == pytest.approx(test.reject_at(errors + 1) - test.reject_at(errors), rel=1e-6)
    assert 1 / rates[1] < step < 1 / rates[0]


@given(st.lists(st.tuples(st.integers(1, 10**5), st.integers(0, 1)), max_size=30))
def test_more_errors_in_the_same_trials_never_turn_reject_into_accept(portions):
    better = TEST.path([(n, 0) for n, _ in portions])
    worse = TEST.path(portions)
    if worse and worse[-1].state == "accept":
        assert better[-1].state == "accept"


def test_senseless_tests_are_refused():
    with pytest.raises(ConfigurationError):
        WaldTest(2e-6, 1e-7)
    with pytest.raises(ConfigurationError):
        WaldTest(1e-7, 2e-6, alpha=0.7)
