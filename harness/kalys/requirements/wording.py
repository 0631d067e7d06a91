"""Numbers as a report's reader expects them: 2,995; 6.6 %; 1.8e-5."""

from __future__ import annotations

import math

UNITS = {"1": "", "%": "%", "Cel": "°C", "[ppm]": "ppm"}
"""UCUM codes that read differently in a sentence."""


def number(value: float) -> str:
    """1549704 -> 1,549,704; 0.25 -> 0.25; four significant digits for what is not whole."""
    if isinstance(value, int) or (math.isfinite(value) and value == int(value)):
        return f"{int(value):,}"
    return f"{value:,.4g}"


def rate(value: float) -> str:
    """A rate: in per cent from 0.01 % on, below that as a power of ten (1.8e-5)."""
    if value == 0 or value >= 1e-4:
        return f"{number(float(f'{value * 100:.2g}'))} %"
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent)}"


def measured(value: float, expanded: float, unit: str) -> str:
    """A value with its expanded uncertainty, as in "299.90 mm/s, U = 0.57 mm/s (k = 2)".

    U has two significant digits and the value as many decimals as U (GUM 7.2.6).
    """
    if expanded <= 0 or not math.isfinite(expanded):
        return quantity(value, unit)
    decimals = max(0, 1 - math.floor(math.log10(expanded)))
    shown = UNITS.get(unit, unit)
    return (
        f"{value:,.{decimals}f} {shown}".rstrip()
        + f", U = {expanded:,.{decimals}f} {shown}".rstrip()
        + " (k = 2)"
    )


def quantity(value: float, unit: str) -> str:
    """A value with its unit, as in "298.4 mm/s"."""
    shown = UNITS.get(unit, unit)
    return f"{number(value)} {shown}".rstrip()
