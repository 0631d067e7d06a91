"""Measurements from observations: what a report states, with its uncertainty or bound."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kalys.requirements.catalogue import Requirement
from kalys.requirements.decision import Seen, estimate, seen
from kalys.requirements.observation import Measurement, Observation
from kalys.requirements.rules import Guarded, Sequential


def measure(
    requirement: Requirement, observations: Sequence[Observation]
) -> tuple[Measurement, ...]:
    """The measurements that the observations of one requirement give.

    Counts give the failures with the one-sided 95 % upper bound of their rate, and, where sheets
    are known, the same per sheet (positions of one sheet are not independent); readings give what
    the rule judges of them.
    """
    own = [o for o in observations if o.requirement == requirement.id]
    found = seen(own)
    counted = [o for o in own if o.kind in ("count", "check")]
    read = [o for o in own if o.kind == "reading"]
    results = []
    if found.trials:
        results.append(_of_counts(requirement, found, counted))
        if found.sheets > 1 and found.sheets != found.trials:
            results.append(_per_sheet(requirement, found, counted))
    if found.readings:
        results.append(_of_readings(requirement, found, read))
    return tuple(results)


def _of_counts(
    requirement: Requirement, found: Seen, counted: Sequence[Observation]
) -> Measurement:
    conditions: dict[str, Any] = {}
    if found.sheets:
        conditions["sheets"] = found.sheets
    if found.checks:
        conditions["checks"] = [name for name, _ in found.checks]
    if isinstance(requirement.decision, Sequential):
        conditions["bound"] = "as for a fixed sample; not valid after a sequential stop"
    return Measurement(
        requirement.limit.metric,
        float(found.failures),
        "1",
        trials=found.trials,
        failures=found.failures,
        bound=found.bound,
        conditions=conditions,
        **_origin(counted),
    )


def _per_sheet(
    requirement: Requirement, found: Seen, counted: Sequence[Observation]
) -> Measurement:
    of_sheets = Seen(portions=((found.sheets, found.bad_sheets),))
    return Measurement(
        f"sheets concerned at most: {requirement.limit.metric}",
        float(found.bad_sheets),
        "1",
        trials=found.sheets,
        failures=found.bad_sheets,
        bound=of_sheets.bound,
        **_origin(counted),
    )


def _of_readings(requirement: Requirement, found: Seen, read: Sequence[Observation]) -> Measurement:
    rule = requirement.decision
    values = [value for value, _ in found.readings]
    judged = estimate(rule, found) if isinstance(rule, Guarded) else None
    return Measurement(
        requirement.limit.metric,
        judged.value if judged else values[-1],
        read[0].unit,
        u=judged.u if judged else found.readings[-1][1],
        dof=None if judged is None or judged.dof == float("inf") else judged.dof,
        conditions={"readings": len(values), "lowest": min(values), "highest": max(values)},
        **_origin(read),
    )


def _origin(observations: Sequence[Observation]) -> dict[str, Any]:
    """Time base, instrument and range of journal records of what was measured."""
    ranges = [o.evidence for o in observations if o.evidence[1]]
    first = min((first for first, _ in ranges), default=0)
    last = max((last for _, last in ranges), default=0)
    return {
        "time_base": "+".join(sorted({o.time_base for o in observations})),
        "instrument": ", ".join(dict.fromkeys(o.instrument for o in observations if o.instrument)),
        "evidence": (first, last),
    }
