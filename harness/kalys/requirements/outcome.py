"""What a rule decided: the value that every decision gives."""

from __future__ import annotations

from dataclasses import dataclass

from kalys.requirements.observation import Outcome


@dataclass(frozen=True)
class Decided:
    """What a rule decided, in a sentence, and where the plan deviates from the requirement."""

    outcome: Outcome
    reason: str
    deviations: tuple[str, ...] = ()
