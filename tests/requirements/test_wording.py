"""Numbers are written as a report's reader expects them."""

from __future__ import annotations

import pytest

from kalys.requirements.wording import measured, number, quantity, rate


@pytest.mark.parametrize(
    ("value", "text"),
    [(1_549_704, "1,549,704"), (0, "0"), (0.25, "0.25"), (1234.5678, "1,235"), (3.0, "3")],
)
def test_numbers(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0658, "6.6 %"), (1.0, "100 %"), (1.79e-5, "1.8e-5"), (3e-7, "3e-7"), (0, "0 %")],
)
def test_rates(value, text):
    assert rate(value) == text


@pytest.mark.parametrize(
    ("value", "u", "unit", "text"),
    [
        (299.9012, 0.5734, "mm/s", "299.90 mm/s, U = 0.57 mm/s (k = 2)"),
        (0.89213, 5.151e-05, "1", "0.892130, U = 0.000052 (k = 2)"),
        (1234.5, 140.0, "s", "1,234 s, U = 140 s (k = 2)"),
        (0.0018, 0.0, "1", "0.0018"),
    ],
)
def test_a_value_has_the_decimals_of_its_uncertainty(value, u, unit, text):
    assert measured(value, u, unit) == text


def test_a_degree_is_written_as_one():
    assert quantity(21.5, "Cel") == "21.5 °C"
