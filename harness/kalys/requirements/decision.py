"""Decide by a rule what was seen. Pure: the same observations give the same decision, always.

``seen`` gathers the observations of one requirement; ``decide`` applies the rule. Too little data
is never a PASS: it is INCONCLUSIVE. A plan may be content with a smaller sample than the
requirement asks; then a clean sample passes and the deviation is told with it, with the bound that
the sample really gives.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from kalys.metrology.accuracy import clopper_pearson_lower, clopper_pearson_upper
from kalys.metrology.conformity import conformance_probability, decide_upper
from kalys.metrology.sprt import State
from kalys.metrology.timing import Component, Estimate, combine, type_a
from kalys.requirements.detection import decide_homogeneity
from kalys.requirements.observation import Observation, Outcome
from kalys.requirements.outcome import Decided
from kalys.requirements.rules import (
    AllChecks,
    Guarded,
    Homogeneity,
    RateAtMost,
    Rule,
    Sequential,
    ZeroErrorVolume,
    ZeroFailures,
)
from kalys.requirements.wording import measured, number, quantity, rate

COVERAGE = 2.0
"""The factor k of the expanded uncertainty U."""


@dataclass(frozen=True)
class Seen:
    """What was observed for one requirement.

    ``portions`` are (trials, failures) in order, ``by_condition`` the same for each condition;
    ``checks`` says of each named check whether it always held; ``readings`` are (value, standard
    uncertainty). ``sheets`` is 0 when it is not
    known on how many sheets the trials lie; ``bad_sheets`` is how many at most had a failure.
    """

    portions: tuple[tuple[int, int], ...] = ()
    conditions: tuple[str, ...] = ()
    by_condition: tuple[tuple[str, tuple[tuple[int, int], ...]], ...] = ()
    checks: tuple[tuple[str, bool], ...] = ()
    readings: tuple[tuple[float, float], ...] = ()
    sheets: int = 0
    bad_sheets: int = 0
    detections: tuple[Observation, ...] = ()

    @cached_property
    def trials(self) -> int:
        return sum(trials for trials, _ in self.portions)

    @cached_property
    def failures(self) -> int:
        return sum(failures for _, failures in self.portions)

    @property
    def bound(self) -> float:
        """One-sided 95 % upper bound of the rate of failures."""
        return clopper_pearson_upper(self.failures, self.trials)


Counting = ZeroFailures | ZeroErrorVolume | RateAtMost


def seen(observations: Sequence[Observation]) -> Seen:
    """Gather the observations of one requirement, in their order."""
    counted = [o for o in observations if o.kind in ("count", "check")]
    checks: dict[str, bool] = {}
    apart: dict[str, list[tuple[int, int]]] = {}
    for o in counted:
        apart.setdefault(o.condition, []).append((o.trials, o.failures))
        if o.kind == "check":
            checks[o.condition] = checks.get(o.condition, True) and not o.failures
    sheets, bad_sheets = _sheets(counted)
    return Seen(
        portions=tuple((o.trials, o.failures) for o in counted),
        conditions=tuple(apart),
        by_condition=tuple((name, tuple(portions)) for name, portions in apart.items()),
        checks=tuple(checks.items()),
        readings=tuple(
            (o.value, o.u or 0.0)
            for o in observations
            if o.kind == "reading" and o.value is not None
        ),
        sheets=sheets,
        bad_sheets=bad_sheets,
        detections=tuple(o for o in observations if o.kind == "detection"),
    )


def _sheets(counted: Sequence[Observation]) -> tuple[int, int]:
    """On how many sheets the trials lie, and on how many at most a failure; (0, 0) when some
    observation does not say."""
    if not all(o.sheet or o.sheets for o in counted):
        return 0, 0
    named: dict[str, bool] = {}
    for o in counted:
        if o.sheet:
            named[o.sheet] = named.get(o.sheet, True) and not o.failures
    grouped = [o for o in counted if not o.sheet]
    sheets = len(named) + sum(o.sheets for o in grouped)
    bad = sum(not ok for ok in named.values()) + sum(o.most_bad_sheets for o in grouped)
    return sheets, bad


def decide(
    rule: Rule, found: Seen, *, plan_sample: int | None = None, promised: float | None = None
) -> Decided:
    """Apply a rule. ``plan_sample`` is the sample the plan is content with, ``promised`` the
    profile's limit in place of the rule's value."""
    match rule:
        case Sequential():
            return _sequential(rule, found)
        case RateAtMost():
            return (_rate_of_each if rule.per else _rate)(rule, found, plan_sample)
        case Guarded():
            return _guarded(rule, found, plan_sample, promised)
        case AllChecks():
            return _checks(rule, found)
        case Homogeneity():
            return decide_homogeneity(rule, found.detections, plan_sample)
        case ZeroFailures() | ZeroErrorVolume():
            return _zero(rule, found, plan_sample)


def _zero(rule: ZeroFailures | ZeroErrorVolume, found: Seen, plan_sample: int | None) -> Decided:
    if found.failures:
        return Decided(Outcome.FAIL, f"{_told(rule, found)}; {_bound(rule, found)}.")
    asked = rule.sample * (max(1, len(found.conditions)) if rule.per else 1)
    wanted = f"{number(rule.sample)} for each {rule.per}" if rule.per else number(rule.sample)
    return _clean(rule, found, asked, wanted, plan_sample)


def _rate(rule: RateAtMost, found: Seen, plan_sample: int | None) -> Decided:
    told = _told(rule, found)
    lower = clopper_pearson_lower(found.failures, found.trials, rule.refuse_at)
    if lower > rule.rate:
        return Decided(
            Outcome.FAIL,
            f"{told}; the one-sided {rate(rule.refuse_at)} lower bound {rate(lower)} of the rate "
            f"is above {rate(rule.rate)}.",
        )
    if not found.failures:
        return _clean(rule, found, rule.sample, number(rule.sample), plan_sample)
    if found.bound <= rule.rate:
        return Decided(Outcome.PASS, f"{told}; {_bound(rule, found)}.")
    return Decided(
        Outcome.INCONCLUSIVE,
        f"{told}: the rate lies between {rate(lower)} and {rate(found.bound)} (one-sided "
        f"{_confidences(rule)} bounds), which does not decide the limit of {rate(rule.rate)}.",
    )


def _rate_of_each(rule: RateAtMost, found: Seen, plan_sample: int | None) -> Decided:
    """Every condition by itself: the first that fails, or else that is undecided, decides."""
    if not found.by_condition:
        return _rate(rule, found, plan_sample)
    apart = {name: Seen(portions=portions) for name, portions in found.by_condition}
    judged = {name: _rate(rule, alone, plan_sample) for name, alone in apart.items()}
    for outcome in (Outcome.FAIL, Outcome.INCONCLUSIVE):
        worst = [name for name, decided in judged.items() if decided.outcome is outcome]
        if worst:
            others = f" ({_plural(len(worst) - 1, 'other')} like it)" if worst[1:] else ""
            reason = f"{rule.per.capitalize()} {worst[0]}{others}: {judged[worst[0]].reason}"
            return Decided(outcome, reason)
    fewest = judged[min(apart, key=lambda name: apart[name].trials)]
    return Decided(
        Outcome.PASS,
        f"Each of {_plural(len(judged), rule.per)} by itself. Of the one with the fewest "
        f"{rule.of}: {fewest.reason}",
        tuple(dict.fromkeys(text for decided in judged.values() for text in decided.deviations)),
    )


def _confidences(rule: RateAtMost) -> str:
    return "95 %" if rule.refuse_at == 0.95 else f"{rate(rule.refuse_at)} and 95 %"


def _clean(
    rule: Counting, found: Seen, asked: int, wanted: str, plan_sample: int | None
) -> Decided:
    """No failure: is the sample large enough, for the requirement or at least for the plan?"""
    bound = _bound(rule, found)
    if found.trials >= asked:
        return Decided(Outcome.PASS, f"{_told(rule, found)}; {bound}.")
    if plan_sample is None or found.trials < plan_sample:
        who = "plan" if plan_sample is not None and plan_sample < asked else "requirement"
        return Decided(
            Outcome.INCONCLUSIVE,
            f"{_told(rule, found)}, but the {who} asks for "
            f"{number(min(asked, plan_sample or asked))}; {bound}.",
        )
    return Decided(
        Outcome.PASS,
        f"{_told(rule, found)}; the requirement asks {wanted}; {bound}.",
        (f"sample of {number(found.trials)} {rule.of} by the plan; the requirement asks {wanted}",),
    )


def _sequential(rule: Sequential, found: Seen) -> Decided:
    test = rule.test()
    path = test.path(found.portions)
    if not path:
        return Decided(Outcome.INCONCLUSIVE, f"No {rule.of} were observed.")
    last = path[-1]
    told = f"{_plural(last.errors, 'error').capitalize()} in {number(last.trials)} {rule.of}"
    after = found.failures - last.errors
    later = f" {_plural(after, 'error')} came after the test had stopped." if after else ""
    accept = number(math.ceil(test.accept_at(last.errors)))
    if last.state == "accept":
        return Decided(
            Outcome.PASS, f"{told}: the sequential test accepts (from {accept} on).{later}"
        )
    if last.state == "reject":
        reject = number(math.floor(test.reject_at(last.errors)))
        return Decided(
            Outcome.FAIL, f"{told}: the sequential test rejects (up to {reject}).{later}"
        )
    return Decided(
        Outcome.INCONCLUSIVE,
        f"{told}: the sequential test has not decided; without another error it accepts at "
        f"{accept} {rule.of}.",
    )


@dataclass(frozen=True)
class Standing:
    """Where a sequential test stands: may a campaign stop?

    ``trials`` and ``errors`` until the test stopped, or so far; ``needed`` is how many further
    trials without an error would be accepted, 0 when the test has decided.
    """

    state: State
    trials: int
    errors: int
    needed: int


def standing(
    rule: Rule | None, requirement: str, observations: Sequence[Observation]
) -> Standing:
    """The state of the rule's sequential test on the observations of a requirement so far.

    Any other rule has no line to cross: it says "continue", and needs nothing more.
    """
    found = seen([o for o in observations if o.requirement == requirement])
    if not isinstance(rule, Sequential):
        return Standing("continue", found.trials, found.failures, 0)
    test = rule.test()
    path = test.path(found.portions)
    state, n, r = (path[-1].state, path[-1].trials, path[-1].errors) if path else ("continue", 0, 0)
    needed = math.ceil(test.accept_at(r)) - n if state == "continue" else 0
    return Standing(state, n, r, needed)


def _checks(rule: AllChecks, found: Seen) -> Decided:
    bad = [name for name, ok in found.checks if not ok]
    if found.failures:
        named = f": {', '.join(bad[:8])}" if any(bad) else ""
        return Decided(
            Outcome.FAIL,
            f"{number(found.failures)} of {_plural(found.trials, 'check')} failed{named}.",
        )
    made = {name for name, _ in found.checks} | set(found.conditions)
    missing = [name for name in rule.expected if name not in made]
    if missing or not found.trials:
        what = ", ".join(missing[:8]) or "any"
        return Decided(Outcome.INCONCLUSIVE, f"No check of {what} was made.")
    return Decided(
        Outcome.PASS,
        "The one check holds." if found.trials == 1 else f"All {number(found.trials)} checks hold.",
    )


def estimate(rule: Guarded, found: Seen) -> Estimate:
    """What is judged of the readings: their mean, or the worst of them.

    The uncertainty that readings bring along is that of a clock or a distance common to all of
    them: a mean does not make it smaller; the scatter of the mean is added to it.
    """
    common = max(u for _, u in found.readings)
    if rule.statistic == "mean":
        mean = type_a([value for value, _ in found.readings])
        return combine(mean.value, [Component(mean.u, dof=mean.dof), Component(common)])
    value, u = (max if rule.upper else min)(found.readings, key=lambda reading: reading[0])
    return Estimate(value, u)


def expanded(judged: Estimate) -> float:
    """U with k = 2, or with the larger Student factor where few readings give few degrees of
    freedom (GUM G.6.4)."""
    return max(judged.expanded(COVERAGE), judged.expanded() if judged.dof < 60 else 0.0)


def _guarded(
    rule: Guarded, found: Seen, plan_sample: int | None, promised: float | None
) -> Decided:
    limit = rule.value if promised is None else promised
    if found.failures:
        return Decided(
            Outcome.FAIL,
            f"{_plural(found.failures, 'failure')} in {_plural(found.trials, 'trial')}.",
        )
    if not found.readings:
        return Decided(Outcome.INCONCLUSIVE, "No reading was taken.")
    judged = estimate(rule, found)
    guard = expanded(judged)
    told = _value(rule, found, judged, guard)
    sign = 1.0 if rule.upper else -1.0
    decision = decide_upper(sign * judged.value, sign * limit, guard)
    shown = f"{'at most' if rule.upper else 'at least'} {quantity(limit, rule.unit)}"
    if decision == "fail":
        return Decided(Outcome.FAIL, f"{told}; the limit is {shown}.")
    if decision != "pass":
        met = conformance_probability(sign * judged.value, judged.u, upper=sign * limit)
        return Decided(
            Outcome.INCONCLUSIVE,
            f"{told}; within the guard band of the limit {shown} (probability of conformity "
            f"{rate(met)}).",
        )
    return _enough_readings(rule, found, plan_sample, f"{told}; the limit is {shown}.")


def _enough_readings(rule: Guarded, found: Seen, plan_sample: int | None, told: str) -> Decided:
    count = len(found.readings)
    if count >= rule.sample:
        return Decided(Outcome.PASS, told)
    asks = f"the requirement asks {number(rule.sample)} readings"
    if plan_sample is None or count < plan_sample:
        return Decided(Outcome.INCONCLUSIVE, f"{told} Only {_plural(count, 'reading')}; {asks}.")
    return Decided(
        Outcome.PASS,
        f"{told} {_plural(count, 'reading').capitalize()}; {asks}.",
        (f"{_plural(count, 'reading')} by the plan; {asks}",),
    )


def _value(rule: Guarded, found: Seen, judged: Estimate, guard: float) -> str:
    count = len(found.readings)
    which = {"mean": "mean", "worst": "highest" if rule.upper else "lowest"}[rule.statistic]
    lead = f"{which.capitalize()} of {number(count)} readings" if count > 1 else "Reading"
    return f"{lead} {measured(judged.value, guard, rule.unit)}"


def _told(rule: Counting, found: Seen) -> str:
    """ "No error in 2,200 sheets (167,200 ballot positions)", or "3 failures in 44 marks"."""
    noun = "error" if isinstance(rule, ZeroErrorVolume) else "failure"
    trials = f"{number(found.trials)} {rule.of}"
    if found.sheets > 1 and found.sheets != found.trials:
        trials = f"{number(found.sheets)} sheets ({trials})"
    if not found.failures:
        return f"No {noun} in {trials}"
    return f"{_plural(found.failures, noun)} in {trials}"


def _bound(rule: Counting, found: Seen) -> str:
    kind = "error rate" if isinstance(rule, ZeroErrorVolume) else "rate"
    per = f" per {rule.of.removesuffix('s')}" if found.bound < 1e-4 else ""
    return f"one-sided 95 % upper bound of the {kind} {rate(found.bound)}{per}"


def _plural(count: int, noun: str) -> str:
    if count == 0:
        return f"no {noun}s"
    return f"{number(count)} {noun}" + ("" if count == 1 else "s")
