"""What a procedure saw, what was measured from it, and what is decided from that.

An **observation** is raw: so many trials of which so many failed, one reading of a quantity, one
named check. A **measurement** is a pure function of observations, a **verdict** a pure function of
the measurements, the limit and the decision rule. Journals hold observations; measurements and
verdicts can be derived again from them at any time, by anyone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from enum import StrEnum
from typing import Any

KINDS = ("count", "reading", "check", "detection", "blocked", "not-applicable")


class Outcome(StrEnum):
    """The verdict words (LAB-004, with INCONCLUSIVE for too little data)."""

    PASS = "PASS"
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"
    NOT_APPLICABLE = "NOT_APPLICABLE"
    NOT_TESTED = "NOT_TESTED"
    BLOCKED = "BLOCKED"


@dataclass(frozen=True, slots=True)
class Observation:
    """One raw outcome for one requirement.

    ``kind`` is "count" (``trials`` of which ``failures``), "reading" (``value`` in ``unit`` with
    standard uncertainty ``u``), "check" (one named ``condition`` that held when ``failures`` is 0),
    "detection" (of ``trials`` marks of the level ``condition`` at ``position``, ``detected`` were
    read as votes, in ``stage`` 1 or 2; neither answer is a failure: see ``rules.Homogeneity``),
    "blocked" (the procedure could not go on; ``note`` says why) or "not-applicable".
    ``condition`` says under what condition (deck part, defect, position); ``note`` tells a person
    what failed. ``sheet`` names the sheet when one is concerned; ``sheets`` is the number of sheets
    that the trials lie on, when they are positions, and ``bad_sheets`` on how many of these at
    least one failure lies (0 with failures: unknown, at most as many as failures or sheets).
    ``evidence`` is the range of journal records behind it.
    """

    requirement: str
    procedure: str
    kind: str
    trials: int = 0
    failures: int = 0
    value: float | None = None
    unit: str = "1"
    u: float | None = None
    condition: str = ""
    note: str = ""
    sheet: str = ""
    sheets: int = 0
    bad_sheets: int = 0
    position: str = ""
    detected: int = 0
    stage: int = 0
    device: str = ""
    time_base: str = "virtual"
    instrument: str = ""
    evidence: tuple[int, int] = (0, 0)

    @property
    def most_bad_sheets(self) -> int:
        """On how many sheets at most a failure lies."""
        return self.bad_sheets or min(self.failures, self.sheets)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for a journal; fields at their default are left out."""
        data: dict[str, Any] = {}
        for part in fields(self):
            value = getattr(self, part.name)
            if part.default is MISSING or value != part.default:
                data[part.name] = list(value) if part.name == "evidence" else value
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Observation:
        """The observation of such data; TypeError or ValueError when it is not one."""
        plain = dict(data)
        if plain.get("kind") not in KINDS:
            raise ValueError(f"kind {plain.get('kind')!r} is none of {', '.join(KINDS)}")
        if "evidence" in plain:
            first, last = plain["evidence"]
            plain["evidence"] = (int(first), int(last))
        return cls(**plain)


@dataclass(frozen=True)
class Measurement:
    """A measured quantity, with all that is needed to judge it.

    ``value`` in ``unit`` (UCUM); ``u`` the standard uncertainty with ``dof`` degrees of freedom
    (infinite: None); for counts ``trials`` and ``failures``, with ``bound`` the one-sided 95 %
    upper bound on the rate: that of Clopper and Pearson unless ``conditions`` say otherwise.
    """

    quantity: str
    value: float
    unit: str
    u: float | None = None
    dof: float | None = None
    trials: int | None = None
    failures: int | None = None
    bound: float | None = None
    time_base: str = "virtual"
    instrument: str = ""
    evidence: tuple[int, int] = (0, 0)
    conditions: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """What is decided about one requirement, and why."""

    requirement: str
    verdict: Outcome
    reason: str
    measurements: tuple[Measurement, ...] = ()
    limit: str = ""
    limit_source: str = "catalogue"  # catalogue, profile or plan
    limit_value: float | None = None  # the limit as a number, where it is one
    rule: str = ""  # the decision rule in words, with its risk
    deviations: tuple[str, ...] = ()
    procedures: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()  # notes of the failed observations, at most 20
    by_plan: bool = False  # NOT_TESTED because the plan leaves it out
