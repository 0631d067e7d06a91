"""A plan: what is tested, how much of it, and what is left out and why.

Data in ``test_suites/plans/``. The plan's list of requirements is the conformance statement. A plan
may ask for a smaller sample than a requirement does; that is a deviation, and verdicts say so.
Under ``real_time:`` stands what differs when a real clock runs; procedures that cannot be run there
are omitted with a reason, and what only they test is NOT_TESTED for that reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from kalys import documents
from kalys.errors import ConfigurationError
from kalys.requirements import catalogue
from kalys.requirements.catalogue import Catalogue, Id, Name, Requirement
from kalys.resources import find

Parameters = Mapping[str, Any]
Samples = Mapping[Id, Annotated[int, Field(ge=1)]]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RealTime(_Part):
    """What differs in real time."""

    procedures: Mapping[Name, Parameters] = Field(default_factory=dict)
    samples: Samples = Field(default_factory=dict)
    omit: Mapping[Name, str] = Field(default_factory=dict)


class Plan(_Part):
    """One plan. ``procedures`` holds the parameters of procedures."""

    plan: str
    title: str
    purpose: str
    basis: str = ""
    requirements: tuple[Id, ...]
    not_tested: Mapping[Id, str] = Field(
        default_factory=dict, description="requirements left out on purpose, and why"
    )
    samples: Samples = Field(default_factory=dict)
    decisions: Mapping[Id, str] = Field(
        default_factory=dict, description="requirements decided by one of their alternative rules"
    )
    procedures: Mapping[Name, Parameters] = Field(default_factory=dict)
    omit: Mapping[Name, str] = Field(default_factory=dict)
    give_up_after: Annotated[int, Field(ge=1)] | None = Field(
        default=3,
        description="sheets in a row that a counting core leaves without an answer, after which a "
        "deck ends early; null: never",
    )
    stop_after_errors: Annotated[int, Field(ge=1)] | None = Field(
        default=None,
        description="sheets that may go wrong in a campaign on a counting core before it ends, "
        "with the shard in which they did; null: it goes on to its end",
    )
    stop_after_lost: Annotated[int, Field(ge=1)] | None = Field(
        default=1,
        description="shards that no worker brought to its end, after which a campaign ends; null: "
        "it goes on with the others",
    )
    real_time: RealTime = RealTime()

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Plan:
        if len(set(self.requirements)) != len(self.requirements):
            raise ValueError("a requirement stands twice")
        for name in (*self.samples, *self.real_time.samples):
            if name not in self.requirements:
                raise ValueError(f"there is a sample for {name}, which the plan does not test")
        for name in self.decisions:
            if name not in self.requirements:
                raise ValueError(f"there is a decision for {name}, which the plan does not test")
        for name in self.not_tested:
            if name in self.requirements:
                raise ValueError(f"{name} is both tested and not tested")
        return self

    @classmethod
    def load(cls, name_or_path: str | Path) -> Plan:
        """A plan file, or a shipped plan by name; ConfigurationError names file and line."""
        return load_plan(name_or_path)

    def parameters(self, procedure: str, time_base: str) -> dict[str, Any]:
        """The parameters of a procedure in a time base ("virtual" or "real")."""
        own = dict(self.procedures.get(procedure, {}))
        return own | dict(self._real(time_base).procedures.get(procedure, {}))

    def sample(self, requirement: str, time_base: str) -> int | None:
        """The sample that this plan is content with; None: what the requirement asks."""
        real = self._real(time_base).samples.get(requirement)
        return real if real is not None else self.samples.get(requirement)

    def ruled(self, requirement: Requirement) -> Requirement:
        """The requirement with the rule that this plan chooses for it."""
        return requirement.decided_by(self.decisions.get(requirement.id))

    def omitted(self, time_base: str) -> dict[str, str]:
        """Procedures that are left out in this time base, with the reason."""
        return {**self.omit, **self._real(time_base).omit}

    def selected(self, known: Catalogue, time_base: str) -> tuple[str, ...]:
        """The procedures to run, in the order of the catalogue's requirements.

        Those of the laboratory come last: they look at what the others left.
        """
        omitted = self.omitted(time_base)
        wanted = dict.fromkeys(
            name for r in known if r.id in self.requirements for name in r.procedures
        )
        kept = [name for name in wanted if name not in omitted]
        return tuple(sorted(kept, key=lambda name: name.startswith("laboratory.")))

    def _real(self, time_base: str) -> RealTime:
        return self.real_time if time_base == "real" else RealTime()


def load_plan(name_or_path: str | Path) -> Plan:
    """A plan file, or a shipped plan by name.

    ConfigurationError names file and line, also for a requirement or procedure that the catalogue
    does not have.
    """
    path = find(name_or_path, "test_suites/plans")
    data, lines = documents.read(path)
    plan = documents.validate(data, Plan, path, lines)
    for place, what in _strangers(plan, catalogue.load()):
        raise ConfigurationError(
            what,
            where=f"{path}:{lines.get(place, 1)}",
            remedy="kalys requirements lists requirements and procedures.",
        )
    return plan


def _strangers(plan: Plan, known: Catalogue) -> list[tuple[documents.Place, str]]:
    found: list[tuple[documents.Place, str]] = []
    for index, name in enumerate(plan.requirements):
        if name not in known:
            found.append((("requirements", index), f"there is no requirement {name}"))
    for name in plan.not_tested:
        if name not in known:
            found.append((("not_tested", name), f"there is no requirement {name}"))
    for name, rule in plan.decisions.items():
        if name not in known:
            found.append((("decisions", name), f"there is no requirement {name}"))
        elif rule not in known[name].alternatives:
            among = ", ".join(known[name].alternatives) or "none"
            text = f"{name} cannot be decided by {rule!r}; its alternatives: {among}"
            found.append((("decisions", name), text))
    real = plan.real_time
    parts: tuple[tuple[documents.Place, Mapping[str, Any]], ...] = (
        (("procedures",), plan.procedures),
        (("omit",), plan.omit),
        (("real_time", "procedures"), real.procedures),
        (("real_time", "omit"), real.omit),
    )
    for place, names in parts:
        for name in names:
            if name not in known.procedures:
                found.append(((*place, name), f"no requirement names the procedure {name}"))
    return found
