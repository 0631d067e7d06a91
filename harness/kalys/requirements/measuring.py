"""Measurements from observations: what a report states, with its uncertainty or bound.

A count of positions that lie on sheets gives several: bounds suppose different things of how errors
cluster and of when one stopped, and each says what it supposes (``docs/metrology.md``).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Any

from kalys.metrology.anytime import anytime_upper, anytime_upper_of_sheets
from kalys.metrology.clusters import SheetGroup, Sheets, clustered_upper, grouped
from kalys.metrology.timing import percentile_upper
from kalys.requirements.catalogue import Requirement
from kalys.requirements.decision import Seen, estimate, seen
from kalys.requirements.detection import tables
from kalys.requirements.observation import Measurement, Observation
from kalys.requirements.rules import Guarded, Sequential

SERIES = 20
"""Readings from which on their percentiles say something."""
AT_ANY_STOP = "any stop, independent positions"
CLUSTERED = "fixed sample, errors may cluster"
CLUSTERED_AT_ANY_STOP = "any stop, errors may cluster"


def measure(
    requirement: Requirement, observations: Sequence[Observation]
) -> tuple[Measurement, ...]:
    """The measurements that the observations of one requirement give.

    Counts give the failures with the one-sided 95 % upper bound of their rate. Where positions lie
    on known sheets there follow the same per sheet, the bound per position that allows for errors
    which cluster on sheets, and the one that besides holds whenever one stops. A sequential test
    stops when it likes: there, and only there, the bound for independent positions that holds at
    any stop is given as well. Readings give what the rule judges of them, detections the p-value
    of each mark level.
    """
    own = [o for o in observations if o.requirement == requirement.id]
    found = seen(own)
    counted = [o for o in own if o.kind in ("count", "check")]
    read = [o for o in own if o.kind == "reading"]
    results = []
    if found.trials:
        results.append(_of_counts(requirement, found, counted))
        if isinstance(requirement.decision, Sequential):
            results.append(_at_any_stop(requirement, found, counted))
        if found.sheets > 1 and found.sheets != found.trials:
            results.append(_per_sheet(requirement, found, counted))
            results.extend(_clustered(requirement, found, counted))
    if found.readings:
        results.append(_of_readings(requirement, found, read))
    return (*results, *measure_detection(requirement.limit.metric, found.detections))


def measure_detection(metric: str, found: Sequence[Observation]) -> tuple[Measurement, ...]:
    """The corrected p-value of each mark level and stage, with the largest difference seen."""
    return tuple(
        Measurement(
            f"{metric}: {level.name}" + (", repeated" if level.stage > 1 else ""),
            level.p_value,
            "1",
            conditions={
                "marks for each position": level.least,
                "positions": len(level.cells),
                "detected": level.rate,
                "largest difference": level.difference.observed,
                "its 99 % bounds": [level.difference.lower, level.difference.upper],
            },
            **_origin(found),
        )
        for level in tables(found)
    )


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


def _at_any_stop(
    requirement: Requirement, found: Seen, counted: Sequence[Observation]
) -> Measurement:
    return Measurement(
        f"at any stop: {requirement.limit.metric}",
        float(found.failures),
        "1",
        trials=found.trials,
        failures=found.failures,
        bound=anytime_upper(found.failures, found.trials),
        conditions={"supposes": AT_ANY_STOP, "bound": "by betting"},
        **_origin(counted),
    )


def _clustered(
    requirement: Requirement, found: Seen, counted: Sequence[Observation]
) -> tuple[Measurement, ...]:
    """Two bounds per position that allow for errors which cluster on sheets."""
    metric = requirement.limit.metric
    common: dict[str, Any] = {
        "value": float(found.failures), "unit": "1", "trials": found.trials,
        "failures": found.failures, **_origin(counted),
    }  # fmt: skip
    spread = clustered_upper(_on_sheets(counted, even=True))
    anytime = anytime_upper_of_sheets(_on_sheets(counted, even=False))
    return (
        Measurement(
            f"errors may cluster on sheets: {metric}", bound=spread.value,
            conditions={"supposes": CLUSTERED, "bound": spread.method}, **common,
        ),
        Measurement(
            f"at any stop, errors may cluster: {metric}", bound=anytime,
            conditions={"supposes": CLUSTERED_AT_ANY_STOP, "bound": "by betting on sheets"},
            **common,
        ),
    )  # fmt: skip


def _on_sheets(counted: Sequence[Observation], *, even: bool) -> Sheets:
    """The sheets behind the observations, those of the same name put together.

    Where it is not known on how many sheets the failures of a group lie: on as many as can be when
    ``even``, else on as few. Either way no more are wrong on a sheet than it has positions.
    """
    named: dict[str, tuple[int, int]] = {}
    groups = []
    for o in counted:
        if o.sheet:
            trials, failures = named.get(o.sheet, (0, 0))
            named[o.sheet] = trials + o.trials, failures + o.failures
        elif o.trials:
            bad = o.most_bad_sheets if even else o.bad_sheets
            groups.append(_group(o.sheets, o.trials, o.failures, bad))
    groups += [
        _group(1, trials, failures, int(failures > 0))
        for trials, failures in named.values()
        if trials
    ]
    return grouped(groups)


def _group(sheets: int, trials: int, failures: int, bad: int) -> SheetGroup:
    sheets, failures = min(sheets, trials), min(failures, trials)
    fewest = math.ceil(failures * sheets / trials)
    return SheetGroup(sheets, trials, failures, min(sheets, failures, max(bad, fewest)))


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
        conditions={
            "readings": len(values), "lowest": min(values), "highest": max(values),
            **_percentiles(values),
        },
        **_origin(read),
    )


def _percentiles(values: Sequence[float]) -> dict[str, Any]:
    """Median and 95th percentile of a series, with the distribution-free 95 % upper bound of the
    percentile (None where the series is too short for one)."""
    if len(values) < SERIES:
        return {}
    return {
        "median": statistics.median(values),
        "95th percentile": statistics.quantiles(values, n=20, method="inclusive")[-1],
        "its 95 % upper bound": percentile_upper(values, 0.95),
    }


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
