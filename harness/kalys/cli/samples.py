"""How large a sample must be: the answers of ``kalys plan`` to a question about statistics."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from kalys.errors import ConfigurationError, choice
from kalys.metrology.accuracy import zero_failure_n
from kalys.metrology.anytime import error_free_n
from kalys.metrology.homogeneity import detectable_difference, marks_needed
from kalys.requirements.catalogue import Requirement, load
from kalys.requirements.rules import Sequential
from kalys.requirements.wording import number
from kalys.requirements.wording import rate as shown

MOST_ERRORS = 5
CONFIRMED = 2  # a bias must show in both stages


@dataclass(frozen=True)
class Answer:
    """An answer for a person, and as data."""

    text: str
    data: dict[str, Any]


def of_rate(rate: float) -> Answer:
    """Samples that show at 95 % that a rate is at most this."""
    allowed = [zero_failure_n(rate, allowed=failures) for failures in range(4)]
    anytime = error_free_n(rate)
    lines = [
        f"A rate of at most {shown(rate)} is shown at 95 %",
        *(
            f"  by {number(n)} trials with {'no failure' if not c else f'at most {c}'}"
            for c, n in enumerate(allowed)
        ),
        f"  by {number(anytime)} trials with no failure when one may stop at any moment.",
        "Trials that lie on one sheet are not independent: read sheets for trials.",
    ]
    return Answer(
        "\n".join(lines),
        {
            "rate": rate, "confidence": 0.95, "sample": allowed[0], "allowed": allowed,
            "any_stop": anytime,
        },
    )  # fmt: skip


def of_test(requirement: str) -> Answer:
    """The lines of a requirement's sequential test; ConfigurationError when it has none."""
    rule = _sequential(load()[requirement])
    test = rule.test()
    lines = [
        {
            "errors": errors,
            "accept_from": math.ceil(test.accept_at(errors)),
            "reject_until": max(0, math.floor(test.reject_at(errors))) if errors else 0,
        }
        for errors in range(MOST_ERRORS + 1)
    ]
    told = [
        f"{requirement}, sequential test of {shown(rule.p0)} against {shown(rule.p1)}, risks "
        f"{shown(rule.alpha)} and {shown(rule.beta)}; {rule.of}:"
    ]
    for line in lines:
        until = line["reject_until"]
        refused = f", refused when the last came by {number(until)}" if until else ""
        errors = f"{line['errors']} error" + ("" if line["errors"] == 1 else "s")
        told.append(f"  {errors}: accepted from {number(line['accept_from'])}{refused}")
    told.append(f"  each further error: {number(round(test.per_error))} more.")
    data = {
        "requirement": requirement, "p0": rule.p0, "p1": rule.p1, "alpha": rule.alpha,
        "beta": rule.beta, "per_error": test.per_error, "lines": lines,
    }  # fmt: skip
    return Answer("\n".join(told), data)


def of_positions(positions: int, difference: float, levels: int) -> Answer:
    """Marks for each position that show with 90 % that one is detected differently (MRK-003)."""
    marks = marks_needed(positions, difference, levels=levels, stages=CONFIRMED)
    smaller = {
        str(n): detectable_difference(positions, n, levels=levels, stages=CONFIRMED)
        for n in (50, 100, 200, 500, 1000, 2000)
        if n < marks
    }
    told = [
        f"{number(marks)} marks for each of {number(positions)} positions and {number(levels)} "
        f"mark levels ({number(marks * positions * levels)} in all) show with a probability of "
        f"90 % a position that is off by {number(100 * difference)} percentage points; as many "
        "again of a level to confirm it. Fewer marks show:",
        *(
            f"  {number(int(n))}: {number(float(f'{100 * found:.2g}'))} percentage points"
            for n, found in smaller.items()
        ),
    ]
    data = {
        "positions": positions, "levels": levels, "difference": difference, "power": 0.9,
        "marks_for_each_position": marks, "differences": smaller,
    }  # fmt: skip
    return Answer("\n".join(told), data)


def _sequential(requirement: Requirement) -> Sequential:
    rules = (requirement.decision, *requirement.alternatives.values())
    for rule in rules:
        if isinstance(rule, Sequential):
            return rule
    others = [
        r.id
        for r in load()
        if any(isinstance(x, Sequential) for x in (r.decision, *r.alternatives.values()))
    ]
    raise ConfigurationError(
        f"{requirement.id} has no sequential test", remedy=choice(requirement.id, others)
    )
