"""From observations to verdicts: pure functions, so that anyone can derive them again.

What dominates: a failure found is a FAIL whatever else happened; then a procedure that could not go
on (BLOCKED); then what the decision rule says. A requirement of the plan that nothing observed is
NOT_TESTED, and so is one that is not in the plan, each with its reason.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import BaseModel

from kalys.requirements.catalogue import Catalogue, Requirement
from kalys.requirements.decision import decide, seen
from kalys.requirements.measuring import measure
from kalys.requirements.observation import Observation, Outcome, Verdict
from kalys.requirements.outcome import Decided
from kalys.requirements.plan import Plan
from kalys.requirements.rules import Guarded, RateAtMost
from kalys.requirements.wording import quantity

__all__ = ["conformity", "exit_code", "judge", "judge_all", "measure"]

MOST_NOTES = 20
CONFORMS, DOES_NOT_CONFORM, UNDECIDED = "conforms", "does-not-conform", "inconclusive"
_EXIT = {CONFORMS: 0, DOES_NOT_CONFORM: 1, UNDECIDED: 3}

ProfileLimits = Mapping[str, Any] | BaseModel | None


def judge(
    requirement: Requirement,
    plan: Plan,
    profile_limits: ProfileLimits,
    observations: Sequence[Observation],
    capabilities: Collection[str] | None = None,
    *,
    time_base: str | None = None,
) -> Verdict:
    """The verdict on one requirement.

    ``profile_limits``: the limits that the profile promises, by name. ``capabilities`` of the
    device; None when unknown. ``time_base``: "virtual" or "real"; taken from the observations when
    None.
    """
    base = time_base or next((o.time_base for o in observations), "virtual")
    own = [o for o in observations if o.requirement == requirement.id]
    requirement = plan.ruled(requirement)
    plain = _plain_verdict(requirement, profile_limits)
    left_out = _left_out(requirement, plan, own, capabilities, base)
    if left_out is not None:
        return replace(plain, **left_out)
    assert requirement.decision is not None
    promised = _promise(requirement, profile_limits)
    decided = decide(
        requirement.decision,
        seen(own),
        plan_sample=plan.sample(requirement.id, base),
        promised=promised,
    )
    outcome, reason = _dominate(decided, own)
    return replace(
        plain,
        verdict=outcome,
        reason=reason,
        measurements=measure(requirement, own),
        procedures=tuple(dict.fromkeys(o.procedure for o in own if o.procedure)),
        deviations=_deviations(requirement, plan, decided, base),
        failures=_notes(own),
    )


def judge_all(
    catalogue: Catalogue,
    plan: Plan,
    profile_limits: ProfileLimits,
    observations: Sequence[Observation],
    capabilities: Collection[str] | None = None,
    *,
    time_base: str | None = None,
) -> tuple[Verdict, ...]:
    """The verdict on every requirement of the catalogue, in its order."""
    base = time_base or next((o.time_base for o in observations), "virtual")
    by_requirement: dict[str, list[Observation]] = {}
    for observation in observations:
        by_requirement.setdefault(observation.requirement, []).append(observation)
    return tuple(
        judge(r, plan, profile_limits, by_requirement.get(r.id, []), capabilities, time_base=base)
        for r in catalogue
    )


def conformity(verdicts: Sequence[Verdict], plan: Plan) -> str:
    """ "conforms", "does-not-conform" or "inconclusive", over the requirements of the plan.

    NOT_APPLICABLE, and NOT_TESTED because the plan leaves it out, do not stand in the way.
    """
    within = [v for v in verdicts if v.requirement in plan.requirements]
    outcomes = {
        v.verdict
        for v in within
        if not (
            v.verdict is Outcome.NOT_APPLICABLE or (v.verdict is Outcome.NOT_TESTED and v.by_plan)
        )
    }
    if Outcome.FAIL in outcomes:
        return DOES_NOT_CONFORM
    return CONFORMS if outcomes == {Outcome.PASS} else UNDECIDED


def exit_code(verdicts: Sequence[Verdict], plan: Plan) -> int:
    """0 conforms, 1 does not, 3 undecided."""
    return _EXIT[conformity(verdicts, plan)]


def _plain_verdict(requirement: Requirement, limits: ProfileLimits) -> Verdict:
    rule = requirement.decision
    promised = _promise(requirement, limits)
    value: float | None = None
    if isinstance(rule, Guarded):
        value = rule.value if promised is None else promised
    elif isinstance(rule, RateAtMost):
        value = rule.rate
    text = requirement.limit_text()
    if promised is not None and isinstance(rule, Guarded):
        side = "at most" if rule.upper else "at least"
        text = f"{requirement.limit.metric}: {side} {quantity(promised, rule.unit)} (as declared)"
    return Verdict(
        requirement.id,
        Outcome.NOT_TESTED,
        "",
        limit=text,
        limit_source="profile" if promised is not None or requirement.override else "catalogue",
        rule=rule.words() if rule else "",
        procedures=requirement.procedures,
        limit_value=value,
    )


def _left_out(
    requirement: Requirement,
    plan: Plan,
    own: Sequence[Observation],
    capabilities: Collection[str] | None,
    time_base: str,
) -> dict[str, Any] | None:
    """Why there is nothing to decide; None when there is something."""
    if requirement.id not in plan.requirements:
        return {"reason": _not_in_plan(requirement, plan), "by_plan": True}
    lacking = [c for c in requirement.needs if capabilities is not None and c not in capabilities]
    if lacking:
        reason = f"The device does not have: {', '.join(lacking)}."
        return {"verdict": Outcome.NOT_APPLICABLE, "reason": reason}
    if own and all(o.kind == "not-applicable" for o in own):
        told = "; ".join(dict.fromkeys(o.note for o in own if o.note))
        reason = told or "It does not apply to this device."
        return {"verdict": Outcome.NOT_APPLICABLE, "reason": reason}
    if own and requirement.decision is not None:
        return None
    return _unobserved(requirement, plan, time_base)


def _unobserved(requirement: Requirement, plan: Plan, time_base: str) -> dict[str, Any]:
    names = requirement.procedures
    if not names:
        return {"reason": "No procedure tests it yet."}
    omitted = plan.omitted(time_base)
    if all(name in omitted for name in names):
        why = "; ".join(f"{name}: {omitted[name]}" for name in names)
        return {"reason": f"The plan {plan.plan} leaves it out. {why}.", "by_plan": True}
    ran = ", ".join(name for name in names if name not in omitted)
    return {"reason": f"Nothing was observed: {ran} did not run."}


def _not_in_plan(requirement: Requirement, plan: Plan) -> str:
    given = plan.not_tested.get(requirement.id)
    if given:
        return given.rstrip(".") + "."
    if not requirement.procedures:
        return "No procedure tests it yet."
    return f"The plan {plan.plan} does not include it."


def _dominate(decided: Decided, own: Sequence[Observation]) -> tuple[Outcome, str]:
    if decided.outcome is not Outcome.FAIL:
        blocked = [o for o in own if o.kind == "blocked"]
        if blocked:
            told = "; ".join(dict.fromkeys(o.note or f"{o.procedure} stopped" for o in blocked))
            return Outcome.BLOCKED, f"The test could not be carried through: {told}"
        return decided.outcome, decided.reason
    first = next((note for note in _notes(own)), "")
    return decided.outcome, f"{decided.reason} First: {first}" if first else decided.reason


def _deviations(
    requirement: Requirement, plan: Plan, decided: Decided, time_base: str
) -> tuple[str, ...]:
    told = [f"{requirement.id}: {text}" for text in decided.deviations]
    chosen = plan.decisions.get(requirement.id)
    if chosen and requirement.override is None:
        told.append(f"{requirement.id}: decided by the rule {chosen!r} that the plan chooses")
    if requirement.override is not None:
        given = requirement.override
        source = f" ({given.source})" if given.source else ""
        told.append(
            f"{requirement.id}: limit {given.value:g} set by the profile: {given.reason}{source}"
        )
        if chosen:
            told.append(f"{requirement.id}: not decided by {chosen!r}, which has no such limit")
    omitted = plan.omitted(time_base)
    told += [
        f"{name} left out: {omitted[name]}" for name in requirement.procedures if name in omitted
    ]
    return tuple(told)


def _promise(requirement: Requirement, limits: ProfileLimits) -> float | None:
    rule = requirement.decision
    if not isinstance(rule, Guarded) or not rule.promise:
        return None
    known = limits.model_dump() if isinstance(limits, BaseModel) else limits or {}
    value = known.get(rule.promise)
    return None if value is None else float(value)


def _notes(own: Sequence[Observation]) -> tuple[str, ...]:
    """What failed, in words, at most twenty."""
    notes = []
    for o in own:
        if o.failures:
            parts = (o.condition, f"sheet {o.sheet}" if o.sheet else "", o.note)
            notes.append(": ".join(part for part in parts if part) or o.procedure)
    return tuple(dict.fromkeys(notes))[:MOST_NOTES]
