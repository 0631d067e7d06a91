"""Deciding conformity with a limit when the measurement is uncertain.

Accepting whatever measures inside the limit (simple acceptance) lets through up to half of the
items that lie exactly on the limit. A **guard band** w moves the acceptance limit inwards: with
w = U (k = 2) a single item is falsely accepted with a probability below 2.5 %. Between the
acceptance limit and the tolerance limit nothing is decided.

Sources: JCGM 106:2012 clause 8 (guarded acceptance), 7 (conformance probability); ILAC-G8:09/2019
table 1 (risk per guard band); ISO/IEC 17025:2017, 7.8.6 (state the rule).
"""

from __future__ import annotations

import math
from typing import Literal

from scipy.special import ndtr

Decision = Literal["pass", "conditional-pass", "conditional-fail", "fail"]


def decide_upper(value: float, limit: float, guard: float) -> Decision:
    """Non-binary decision about ``value <= limit`` with guard band ``guard`` (ILAC-G8 4.2.3)."""
    if value <= limit - guard:
        return "pass"
    if value <= limit:
        return "conditional-pass"
    return "conditional-fail" if value <= limit + guard else "fail"


def decide_lower(value: float, limit: float, guard: float) -> Decision:
    """Non-binary decision about ``value >= limit``."""
    return decide_upper(-value, -limit, guard)


def conformance_probability(
    value: float, u: float, lower: float = -math.inf, upper: float = math.inf
) -> float:
    """p_c = Phi((T_U - y)/u) - Phi((T_L - y)/u), JCGM 106 7.2; without uncertainty 0 or 1."""
    if u == 0:
        return 1.0 if lower <= value <= upper else 0.0
    above = ndtr((upper - value) / u)
    return float(above - ndtr((lower - value) / u))


def false_acceptance_risk(guard: float, u: float) -> float:
    """Highest risk of accepting an item outside the limit: Phi(-w/u) for one limit.

    w = 0: 50 %; 0.83 U: 4.85 %; U: 2.28 %; 1.5 U: 0.135 % (U = 2 u).
    """
    if u == 0:
        return 0.0
    return float(ndtr(-guard / u))
