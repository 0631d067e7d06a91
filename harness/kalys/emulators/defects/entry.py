"""One entry of the catalogue of defects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kalys.emulators.urn.behaviour import Behaviour


@dataclass(frozen=True)
class Defect:
    """One entry. ``requirements`` must fail, found by ``procedures``."""

    name: str
    summary: str
    requirements: tuple[str, ...]
    procedures: tuple[str, ...]
    hook: type[Behaviour]
    parameters: Mapping[str, float] = field(default_factory=dict)
