"""How probable it is that a plan finds a defect: computed, before anything is run.

How to think about it. A defect has occasions (``kalys.emulators.defects.entry``): sheets that are
fed or counted, or whatever the procedure that looks for it does at least once. A plan gives it n of
them. Each is struck with chance p, independently, and the requirement is judged FAIL when at least
k of n failed, k being asked of the decision rule itself. So the probability is that of a binomial
tail, P(X >= k), X ~ B(n, p); for a rule that tolerates no failure it is 1 - (1 - p)^n. A defect
that strikes once, at the n-th occasion, is found with certainty or not at all; ids of b bits that
may coincide follow the birthday problem.

Beside the computed probability stands the observed one, with its two-sided 95 % Clopper-Pearson
interval; the two must agree, or one of them is misunderstood.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scipy.stats import binom

from kalys.emulators.defects import parse
from kalys.emulators.defects.entry import Occasion, Trigger
from kalys.metrology.accuracy import clopper_pearson_interval
from kalys.requirements import catalogue
from kalys.requirements.decision import Seen, decide
from kalys.requirements.observation import Outcome
from kalys.requirements.plan import Plan
from kalys.requirements.rules import Homogeneity, Rule

# What a procedure feeds; each of these sheets is in good order, so a healthy urn counts it.
_SHEETS: Mapping[str, Callable[[Mapping[str, Any]], int]] = {
    "count.volume": lambda given: int(given.get("sheets", 20_391)),
}
_FEEDS: Mapping[str, Callable[[Mapping[str, Any]], int]] = {
    **_SHEETS,
    "paper.misfeeds": lambda given: int(given.get("sheets", 1497)),
}
ROOM = 1800                 # sheets in one election on the emulated urn: nine tenths of its box


@dataclass(frozen=True)
class Predicted:
    """What a plan must be expected to do to a defect.

    ``occasions`` it gives the defect, ``chance`` of each, ``needed`` failures until FAIL; None
    where the defect shows whenever it is looked for.
    """

    probability: float
    occasions: int | None = None
    chance: float | None = None
    needed: int | None = None
    what: str = ""


@dataclass(frozen=True)
class Observed:
    """In how many of so many seeds the defect was found, with the 95 % interval of the rate."""

    caught: int
    seeds: int

    @property
    def interval(self) -> tuple[float, float]:
        return clopper_pearson_interval(self.caught, self.seeds)

    def contradicts(self, predicted: Predicted) -> bool:
        """Whether it is no chance: even the 99.9 % interval leaves the computed probability out."""
        low, high = clopper_pearson_interval(self.caught, self.seeds, 0.999)
        return not low <= predicted.probability <= high

    def agrees(self, predicted: Predicted) -> bool:
        """Whether the computed probability lies within the interval."""
        low, high = self.interval
        return low <= predicted.probability <= high


def predict(defect: str, plan: Plan, time_base: str = "virtual") -> Predicted:
    """The probability that every requirement of the plan that names the defect is judged FAIL.

    ``defect`` is ``NAME`` or ``NAME:parameter=value,...``. 0 when the plan runs no procedure that
    looks for it.
    """
    entry, numbers = parse(defect)
    known = catalogue.load()
    running = plan.selected(known, time_base)
    looking = [name for name in entry.procedures if name in running]
    wanted = [known[name] for name in entry.requirements if name in plan.requirements]
    if not wanted or not looking:
        return Predicted(0.0)
    if entry.trigger.how == "always":
        return Predicted(1.0)
    told = []
    for requirement in wanted:
        procedures = [name for name in looking if name in requirement.procedures]
        n = occasions(entry.trigger.occasion, plan, procedures, time_base)
        assert requirement.decision is not None
        told.append(_of_rule(entry.trigger, numbers, n, requirement.decision))
    return min(told, key=lambda predicted: predicted.probability)


def occasions(
    occasion: Occasion, plan: Plan, procedures: Sequence[str], time_base: str = "virtual"
) -> int:
    """How many occasions the procedures give with the parameters of the plan."""
    of = {Occasion.SHEET: _SHEETS, Occasion.FEED: _FEEDS}.get(occasion, {})
    return sum(
        of[name](plan.parameters(name, time_base)) for name in procedures if name in of
    )


def failures_needed(rule: Rule, trials: int) -> int | None:
    """The fewest failures in so many trials that the rule calls FAIL; None when all do not."""
    low, high = 1, trials
    if not trials or not _fails(rule, trials, trials):
        return None
    while low < high:
        middle = (low + high) // 2
        if _fails(rule, trials, middle):
            high = middle
        else:
            low = middle + 1
    return low


def _fails(rule: Rule, trials: int, failures: int) -> bool:
    return decide(rule, Seen(portions=((trials, failures),))).outcome is Outcome.FAIL


def _of_rule(
    trigger: Trigger, numbers: Mapping[str, float], n: int, rule: Rule
) -> Predicted:
    what = str(trigger.occasion)
    needed = failures_needed(rule, n)
    if needed is None:
        return Predicted(0.0, n, None, None, what)
    if trigger.how == "one in":
        p = trigger.chance(numbers)
        return Predicted(float(binom.sf(needed - 1, n, p)), n, p, needed, what)
    if trigger.how == "two coincide":
        return Predicted(coincidence(n, 2.0 ** numbers[trigger.parameter]), n, None, needed, what)
    reached = n >= trigger.needs(numbers) and needed == 1
    return Predicted(float(reached), n, None, needed, what)


def coincidence(n: int, values: float, room: int = ROOM) -> float:
    """The probability that two of the ids coincide that are drawn for n sheets, in elections of
    ``room`` sheets: 1 - exp(-pairs / values), which is exact enough for pairs much above n."""
    full, rest = divmod(n, room)
    pairs = full * math.comb(room, 2) + math.comb(rest, 2)
    return -math.expm1(pairs * math.log1p(-1.0 / values))


def false_alarm_by_construction(plan: Plan) -> float:
    """The probability, at most, that the rules of a plan refuse a healthy urn by chance.

    A rule that counts failures cannot refuse an urn that makes none, nor can one that guards a
    limit from which a healthy urn keeps away. A rule that looks for a pattern in chance can:
    homogeneity, in each of its two stages by the p-value or by the bound, each with the risk
    ``p_value``.
    """
    known = catalogue.load()
    rules = [known[name].decision for name in plan.requirements]
    return sum((2 * rule.p_value) ** 2 for rule in rules if isinstance(rule, Homogeneity))
