"""The decision rules as data: what a requirement may say under ``decision:``.

Each rule is a small model; ``words()`` states it with its risk, as ISO/IEC 17025:2017 7.8.6 asks of
every statement of conformity. What the rules decide is in ``kalys.requirements.decision``.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from kalys.metrology.sprt import WaldTest
from kalys.requirements.wording import number, rate

Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(gt=0, lt=1)]


class _Rule(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ZeroFailures(_Rule):
    """No failure in at least ``sample`` trials, for each ``per`` when that is given."""

    rule: Literal["zero-failures"]
    of: str = "trials"
    sample: Count = 1
    per: str = ""

    def words(self) -> str:
        each = f" for each {self.per}" if self.per else ""
        among = f"at least {number(self.sample)} {self.of}{each}"
        if self.sample == 1:
            among = f"any of the {self.of} observed"
        return (
            f"No failure in {among}; the one-sided 95 % Clopper-Pearson bound of the rate is stated"
        )


class ZeroErrorVolume(_Rule):
    """No error in at least ``sample`` ballot positions."""

    rule: Literal["zero-error-volume"]
    of: str = "ballot positions"
    sample: Count
    per: Literal[""] = ""

    def words(self) -> str:
        return (
            f"No error in at least {number(self.sample)} {self.of}; the one-sided 95 % "
            "Clopper-Pearson bound of the rate is stated"
        )


class Sequential(_Rule):
    """Wald's test of ``p0`` against ``p1``."""

    rule: Literal["sequential"]
    of: str = "ballot positions"
    p0: Share
    p1: Share
    alpha: Share = 0.05
    beta: Share = 0.05

    def test(self) -> WaldTest:
        return WaldTest(self.p0, self.p1, self.alpha, self.beta)

    def words(self) -> str:
        return (
            f"Wald's sequential test of {rate(self.p0)} against {rate(self.p1)} per trial, risks "
            f"{rate(self.alpha)} (refusing a good device) and {rate(self.beta)} (accepting a bad "
            "one); the test stops at the first line it crosses"
        )


class RateAtMost(_Rule):
    """Met when the 95 % upper bound is at most ``rate``, not met when the lower one is above.

    The lower bound has the confidence ``refuse_at``, the risk of refusing a device at the limit.
    With ``per`` every condition is judged by itself, with ``sample`` trials each, and the worst of
    them decides: what is pooled would hide one bad condition among good ones.
    """

    rule: Literal["rate-at-most"]
    of: str = "trials"
    rate: Share
    sample: Count = 1
    per: str = ""
    refuse_at: Share = 0.95

    def words(self) -> str:
        lower = "lower bound"
        if self.refuse_at != 0.95:
            lower = f"one-sided {rate(self.refuse_at)} {lower}"
        each = f"; each {self.per} is judged by itself, the worst decides" if self.per else ""
        return (
            f"Met when the one-sided 95 % Clopper-Pearson upper bound of the rate is at most "
            f"{rate(self.rate)}, not met when the {lower} is above it, else undecided{each}"
        )


class Guarded(_Rule):
    """A limit on a quantity, guarded by the expanded uncertainty U (k = 2)."""

    rule: Literal["guarded-upper", "guarded-lower"]
    value: float
    unit: str
    statistic: Literal["mean", "worst"] = "worst"
    sample: Count = 1
    promise: str = Field("", description="the profile's limit that takes the place of value")

    @property
    def upper(self) -> bool:
        return self.rule == "guarded-upper"

    def words(self) -> str:
        side = "plus" if self.upper else "less"
        what = "The mean" if self.statistic == "mean" else "The worst reading"
        inside = "at most" if self.upper else "at least"
        return (
            f"{what} {side} its expanded uncertainty U (k = 2) must be {inside} the limit; guard "
            "band w = U, risk of false acceptance below 2.5 % (JCGM 106, ILAC-G8); within the "
            "guard band nothing is decided"
        )


class AllChecks(_Rule):
    """Every named check holds, and every one of ``expected`` was made."""

    rule: Literal["all-checks"]
    expected: tuple[str, ...] = ()

    def words(self) -> str:
        made = f", all {len(self.expected)} expected ones" if self.expected else ""
        return f"Every check holds{made}"


class Homogeneity(_Rule):
    """Marks of the same level are detected equally often at every position.

    Observations are of the kind "detection": ``condition`` names the mark level, ``position`` where
    the marks lay, ``trials`` how many were shown and ``detected`` how many were read as votes;
    ``stage`` is 1, or 2 for the independent repetition of the levels that gave an alarm (the same
    words for level and position in both; several observations of one cell add up). One marginal
    mark lies on a sheet, since marks of one sheet share its noise.

    A level is in alarm in a stage when its p-value times the number of levels of stage 1 is below
    ``p_value``, or when the simultaneous lower bound (99 %) of the largest difference between two
    positions is above ``difference``. What is refused was in alarm twice. What ``found_with`` asks
    for gives the marks for each position, ``metrology.homogeneity.marks_needed``.
    """

    rule: Literal["homogeneity"]
    of: str = "marks"
    p_value: Share = 0.01
    difference: Share = 0.02
    found_with: Share = Field(0.9, description="probability to find a position off by difference")
    marginal: Share = Field(0.05, description="detected more often than this, and missed as well")
    per: Literal["position"] = "position"

    def words(self) -> str:
        false_alarm = 2 * self.p_value
        return (
            f"Equal rates of detection at all positions are refused when, for the same mark level, "
            f"the test of homogeneity (p below {number(self.p_value)} by Bonferroni over the "
            f"levels) or the 99 % lower bound of the largest difference of two positions (above "
            f"{number(100 * self.difference)} percentage points) gives an alarm in both of two "
            f"independent stages; risk of refusing a device without bias at most "
            f"{rate(false_alarm**2)}. The requirement asks for as many marks as find a position "
            f"that is off by {number(100 * self.difference)} percentage points with "
            f"{rate(self.found_with)}"
        )


Rule = Annotated[
    ZeroFailures | ZeroErrorVolume | Sequential | RateAtMost | Guarded | AllChecks | Homogeneity,
    Field(discriminator="rule"),
]
