"""The catalogue of requirements: data in ``test_suites/requirements/``, one file per group.

A requirement states what must hold, its limit, how it is tested, where it comes from and how far
that source was read (``value_status``). Those that are tested now also say by which rule they are
decided, which procedures yield the observations and which defects these must catch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from kalys import documents
from kalys.errors import ConfigurationError, choice
from kalys.requirements.rules import Guarded, RateAtMost, Rule
from kalys.requirements.wording import number
from kalys.resources import resource

Id = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}-\d{3}$")]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z_]+\.[a-z_]+$")]

_OPERATORS = {"==": "", "<=": "at most ", ">=": "at least ", "in": "within "}


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Limit(_Part):
    """What is limited, how, and to what."""

    metric: str
    op: Literal["==", "<=", ">=", "in", "accept>= / reject<="]
    value: bool | int | float | str
    unit: str

    def text(self) -> str:
        """In words: "transport speed: at least 220 mm/s"."""
        if isinstance(self.value, bool):
            return f"{self.metric}: {'yes' if self.value else 'no'}"
        value = self.value if isinstance(self.value, str) else number(self.value)
        return f"{self.metric}: {_OPERATORS.get(self.op, '')}{value} {self.unit}".rstrip()


class Override(_Part):
    """A limit that a profile sets instead of the catalogue's, and why."""

    value: float
    reason: str
    source: str = ""


class Requirement(_Part):
    """One requirement of the catalogue."""

    id: Id
    group: str
    dut: str
    statement: str
    limit: Limit
    method: str
    source: str
    value_status: Literal["V", "F", "C", "M", "P"]
    kind: Literal["normative", "national", "proposal"]
    tier: Literal["core", "extended"]
    profile: str
    decision: Rule | None = None
    alternatives: Mapping[str, Rule] = Field(
        default_factory=dict, description="other rules, by the name under which a plan chooses them"
    )
    procedures: tuple[Name, ...] = ()
    defects: tuple[str, ...] = ()
    needs: tuple[str, ...] = Field((), description="capabilities without which it does not apply")
    override: Override | None = None

    @model_validator(mode="after")
    def _decided_when_tested(self) -> Requirement:
        if bool(self.procedures) != (self.decision is not None):
            raise ValueError(f"{self.id}: decision and procedures belong together")
        if self.alternatives and self.decision is None:
            raise ValueError(f"{self.id}: there is an alternative, but no decision")
        return self

    def decided_by(self, alternative: str | None) -> Requirement:
        """This requirement with one of its alternatives in place of its decision; None: as it is.

        A limit that a profile overrides stays: no alternative knows of it.
        """
        if alternative is None or self.override is not None:
            return self
        if alternative not in self.alternatives:
            raise ConfigurationError(
                f"{self.id} cannot be decided by {alternative!r}",
                remedy=choice(alternative, self.alternatives),
            )
        return self.model_copy(update={"decision": self.alternatives[alternative]})

    def limit_text(self) -> str:
        """The limit in words, as reports show it."""
        return self.limit.text()


@dataclass(frozen=True)
class Catalogue:
    """All requirements, in order: iterate, ask for one by its id, or ask whether it is there."""

    requirements: tuple[Requirement, ...]

    def __iter__(self) -> Iterator[Requirement]:
        return iter(self.requirements)

    def __len__(self) -> int:
        return len(self.requirements)

    def __contains__(self, name: object) -> bool:
        return name in self._by_id

    def __getitem__(self, name: str) -> Requirement:
        try:
            return self._by_id[name]
        except KeyError as error:
            raise ConfigurationError(
                f"there is no requirement {name}", remedy="kalys requirements lists them."
            ) from error

    @cached_property
    def _by_id(self) -> dict[str, Requirement]:
        return {r.id: r for r in self.requirements}

    @property
    def procedures(self) -> tuple[str, ...]:
        """Every procedure that some requirement names, in order of first mention."""
        return tuple(dict.fromkeys(p for r in self.requirements for p in r.procedures))

    def overridden(self, overrides: Mapping[str, Any]) -> Catalogue:
        """The catalogue with a profile's limits in place of its own.

        ``overrides``: requirement id -> anything with ``value``, ``reason`` and ``source``.
        ConfigurationError for an unknown requirement, and for one whose rule has no number.
        """
        for name in overrides:
            _ = self[name]
        return Catalogue(
            tuple(_override(r, overrides[r.id]) if r.id in overrides else r for r in self)
        )


class _Index(_Part):
    catalogue: str
    version: str
    date_note: str
    legend: dict[str, Any]
    files: tuple[str, ...]


class _Group(_Part):
    requirements: tuple[Requirement, ...]


@cache
def load() -> Catalogue:
    """The shipped catalogue."""
    return read(resource("test_suites", "requirements"))


def read(folder: Path) -> Catalogue:
    """The catalogue in a folder: the files that ``catalogue.yaml`` lists, in its order.

    ConfigurationError names file, line and field, an id that stands twice, and a file that is not
    listed.
    """
    index = documents.load(folder / "catalogue.yaml", _Index)
    _refuse_strays(folder, index.files)
    found: dict[str, Requirement] = {}
    for name in index.files:
        for requirement in documents.load(folder / name, _Group).requirements:
            if requirement.id in found:
                raise ConfigurationError(
                    f"the requirement {requirement.id} stands twice", where=str(folder / name)
                )
            found[requirement.id] = requirement
    return Catalogue(tuple(found.values()))


def _refuse_strays(folder: Path, listed: tuple[str, ...]) -> None:
    strays = {path.name for path in folder.glob("*.yaml")} - {*listed, "catalogue.yaml"}
    if strays:
        raise ConfigurationError(
            f"does not list {', '.join(sorted(strays))}",
            where=str(folder / "catalogue.yaml"),
            remedy="Add the file under files:, or take it away.",
        )


def _override(requirement: Requirement, given: Any) -> Requirement:
    rule = requirement.decision
    try:
        value = float(given.value)
        if isinstance(rule, Guarded):
            decided: Rule = rule.model_copy(update={"value": value, "promise": ""})
        elif isinstance(rule, RateAtMost) and 0 < value < 1:
            decided = rule.model_copy(update={"rate": value})
        else:
            raise ValueError("its rule has no number")
    except (TypeError, ValueError) as error:
        raise ConfigurationError(
            f"the limit of {requirement.id} cannot be overridden with {given.value!r}: {error}",
            remedy="Only limits on a quantity or on a rate can be; take it out of the profile.",
        ) from error
    limit = requirement.limit.model_copy(update={"value": value})
    override = Override(value=value, reason=given.reason, source=given.source)
    return requirement.model_copy(
        update={"decision": decided, "limit": limit, "override": override}
    )
