"""The upper bounds of an error rate beside each other: what each supposes decides which holds.

One row for each requirement whose positions lie on known sheets. A bound for a fixed sample is left
out where a sequential test decides, because it does not hold there (``docs/metrology.md``).
"""

from __future__ import annotations

from collections.abc import Sequence

from kalys.reporting.document import BoundsRow
from kalys.requirements.measuring import AT_ANY_STOP, CLUSTERED, CLUSTERED_AT_ANY_STOP
from kalys.requirements.observation import Measurement, Verdict


def bounds_rows(verdicts: Sequence[Verdict], within: Sequence[str]) -> list[BoundsRow]:
    """The rows of the requirements ``within`` the plan, in their order."""
    rows = []
    for verdict in verdicts:
        known = {str(m.conditions.get("supposes", "")): m for m in verdict.measurements}
        if verdict.requirement in within and CLUSTERED in known:
            rows.append(_row(verdict, known))
    return rows


def _row(verdict: Verdict, known: dict[str, Measurement]) -> BoundsRow:
    plain, clustered = verdict.measurements[0], known[CLUSTERED]
    any_stop = known.get(AT_ANY_STOP)
    return BoundsRow(
        requirement=verdict.requirement,
        errors=plain.failures or 0,
        positions=plain.trials or 0,
        sheets=int(plain.conditions.get("sheets", 0)),
        independent=None if any_stop else plain.bound,
        clustered=None if any_stop else clustered.bound,
        any_stop=any_stop.bound if any_stop else None,
        any_stop_clustered=known[CLUSTERED_AT_ANY_STOP].bound,
        method=str(clustered.conditions["bound"]),
    )
