"""What a front says of a requirement after a procedure: passed, failed, skipped, or not settled.

Both fronts tell the same story by this one function, each in its runner's words. Too little data is
never a pass: INCONCLUSIVE and BLOCKED are *unsettled*, unless another procedure of the plan still
has to show its part; what the plan leaves out is *skipped*, with the plan's reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from kalys.requirements.observation import Outcome, Verdict

if TYPE_CHECKING:
    from kalys.procedures.session import Session

Ending = Literal["passed", "failed", "skipped", "unsettled"]


@dataclass(frozen=True)
class Settled:
    """How a test of a requirement ends. ``message`` says it with measured value and limit."""

    ending: Ending
    message: str
    verdict: Verdict | None = None


def left_out(session: Session, procedure: str, requirement: str = "") -> str:
    """Why the plan does not want this (procedure, requirement); empty when it does."""
    plan = session.plan
    if requirement and requirement not in plan.requirements:
        why = plan.not_tested.get(requirement, f"the plan {plan.plan} does not include it")
        return f"{requirement}: {why}"
    omitted = plan.omitted(session.clock.base)
    if procedure in omitted:
        return f"{procedure}: {omitted[procedure]}"
    if procedure and procedure not in plan.selected(session.catalogue, session.clock.base):
        return f"{procedure}: it tests nothing that the plan {plan.plan} includes"
    return ""


def settle(session: Session, requirement: str) -> Settled:
    """The verdict on a requirement from all that was observed so far, as an ending of a test."""
    why = left_out(session, "", requirement)
    if why:
        return Settled("skipped", why)
    verdict = session.verdicts((requirement,))[0]
    if verdict.verdict is Outcome.PASS:
        return Settled("passed", told(verdict), verdict)
    if verdict.verdict is Outcome.FAIL:
        return Settled("failed", told(verdict), verdict)
    if verdict.verdict in (Outcome.NOT_TESTED, Outcome.NOT_APPLICABLE):
        message = f"{requirement} {verdict.verdict}: {verdict.reason}"
        return Settled("skipped", message, verdict)
    waiting = still_to_run(session, requirement)
    if verdict.verdict is Outcome.INCONCLUSIVE and waiting:
        message = f"{requirement} is decided when this has run too: {', '.join(waiting)}"
        return Settled("skipped", message, verdict)
    return Settled("unsettled", told(verdict), verdict)


def still_to_run(session: Session, requirement: str) -> list[str]:
    """Procedures of the requirement that the plan wants and that have not run yet."""
    omitted = session.plan.omitted(session.clock.base)
    return [
        name
        for name in session.catalogue[requirement].procedures
        if name not in session.finished and name not in omitted
    ]


def told(verdict: Verdict) -> str:
    """A verdict in lines: the requirement with what was measured, limit, rule, failures."""
    lines = [f"{verdict.requirement} {verdict.verdict}: {verdict.reason}"]
    lines += [
        f"{name}: {text}" for name, text in (("limit", verdict.limit), ("rule", verdict.rule))
        if text
    ]
    return "\n".join([*lines, *(f"- {note}" for note in verdict.failures)])
