"""One entry of the catalogue of defects, and when the defect shows.

How to think about it: a defect has *occasions*, and shows at each of them, at one in so many, or
from one of them on. ``Trigger`` says what an occasion is and how often the defect strikes there, so
that the probability of finding it can be computed from a plan before anything is run
(``kalys.certification.detection``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from kalys.emulators.urn.behaviour import Behaviour


class Occasion(StrEnum):
    """What a defect has its chances at."""

    SHEET = "sheet that is counted"
    FEED = "sheet that is fed"
    TEST = "test of what it breaks"     # whatever the procedure does at least once


@dataclass(frozen=True)
class Trigger:
    """At which of its occasions a defect shows.

    ``how``: "always"; "one in" the value of ``parameter``, at random and independently; once, at
    "the n-th" occasion, ``parameter`` being n and ``before`` (another parameter) how many occasions
    it has had before the test began; or when, of the numbers of ``parameter`` bits that occasions
    draw, "two coincide".
    """

    occasion: Occasion = Occasion.TEST
    how: Literal["always", "one in", "the n-th", "two coincide"] = "always"
    parameter: str = ""
    before: str = ""

    def chance(self, numbers: Mapping[str, float]) -> float:
        """Of one occasion, that the defect shows there; 1 for what always shows."""
        return min(1.0, 1.0 / max(1.0, numbers[self.parameter])) if self.how == "one in" else 1.0

    def needs(self, numbers: Mapping[str, float]) -> int:
        """Occasions until it can show for the first time."""
        if self.how != "the n-th":
            return 1
        had = numbers[self.before] if self.before else 0.0
        return max(1, int(numbers[self.parameter] - had))


ALWAYS = Trigger()


@dataclass(frozen=True)
class Defect:
    """One entry. ``requirements`` must fail, found by ``procedures``."""

    name: str
    summary: str
    requirements: tuple[str, ...]
    procedures: tuple[str, ...]
    hook: type[Behaviour]
    parameters: Mapping[str, float] = field(default_factory=dict)
    trigger: Trigger = ALWAYS
