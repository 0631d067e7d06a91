"""Guard bands and conformance probability (JCGM 106, ILAC-G8)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalys.metrology.conformity import (
    conformance_probability,
    decide_lower,
    decide_upper,
    false_acceptance_risk,
)


@pytest.mark.parametrize(
    ("factor", "risk"), [(0, 0.5), (0.83, 0.0485), (1, 0.0228), (1.5, 0.00135)]
)
def test_the_risk_of_a_guard_band_is_that_of_ilac_g8(factor, risk):
    assert false_acceptance_risk(factor * 2.0, 1.0) == pytest.approx(risk, rel=0.01)


def test_four_outcomes_around_an_upper_limit():
    told = [decide_upper(y, 10.0, 1.0) for y in (9.0, 9.5, 10.5, 11.5)]
    assert told == ["pass", "conditional-pass", "conditional-fail", "fail"]


@given(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3), st.floats(0, 1e3))
def test_a_lower_limit_is_an_upper_limit_in_the_mirror(value, limit, guard):
    assert decide_lower(value, limit, guard) == decide_upper(-value, -limit, guard)


@given(st.floats(-50, 50), st.floats(0.01, 10), st.floats(-50, 50))
def test_inside_and_outside_share_all_probability(value, u, limit):
    inside = conformance_probability(value, u, upper=limit)
    outside = conformance_probability(value, u, lower=limit)
    assert inside + outside == pytest.approx(1)


def test_on_the_limit_the_chances_are_even():
    assert conformance_probability(5.0, 1.0, upper=5.0) == pytest.approx(0.5)
    assert conformance_probability(4.0, 0.0, upper=5.0) == 1.0
    assert false_acceptance_risk(0.0, 0.0) == 0.0
