"""What must be true on election day: the kinds of entry under ``expect``.

An expectation is an observation of a requirement: met or not, one trial each time it is looked at.
Each kind names the requirement that it usually speaks for (``OF``); ``requirement`` names another
one. Whether the day passes is decided by the requirements alone.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from kalys.procedures.election_day.timing import Duration, Timed
from kalys.protocols.urn.messages import EventKind, ReportKind, UrnState


class Expectation(Timed):
    """``within`` is how long there is patience: it must become true by then."""

    OF: ClassVar[str] = ""

    that: str
    within: Duration = 0.0
    requirement: str = Field(default="", description="the requirement it speaks for")

    @property
    def kind(self) -> str:
        return self.that

    @property
    def speaks_for(self) -> str:
        """The id of the requirement."""
        return self.requirement or self.OF


class InState(Expectation):
    """The urn is in this state."""

    OF: ClassVar[str] = "TIM-008"
    that: Literal["state"]
    state: UrnState = Field(alias="is")


class OnPower(Expectation):
    """The urn works on mains or on its battery."""

    OF: ClassVar[str] = "ACC-010"
    that: Literal["power"]
    source: Literal["mains", "battery"] = Field(alias="is")


class CountersEqualBox(Expectation):
    """The counters say how many sheets have been cast, and the box holds them."""

    OF: ClassVar[str] = "ACC-009"
    that: Literal["counters-equal-box"]


class Counted(Expectation):
    """So many sheets have been counted at least, at most."""

    OF: ClassVar[str] = "ACC-010"
    that: Literal["counted"]
    at_least: int = Field(default=0, ge=0)
    at_most: int | None = Field(default=None, ge=0)


class ZeroIsZero(Expectation):
    """The last zero report showed no number but zero."""

    OF: ClassVar[str] = "REP-002"
    that: Literal["zero-report-is-zero"]


class ReportPrinted(Expectation):
    """A report of this kind comes out ``within`` that time."""

    OF: ClassVar[str] = "REP-009"
    that: Literal["report-printed"]
    report: ReportKind
    within: Duration = 60.0


class EventHeard(Expectation):
    """The urn reports this event ``within`` that time."""

    OF: ClassVar[str] = "ACC-010"
    that: Literal["event"]
    event: EventKind
    within: Duration = 10.0


class NoUnexpectedEvent(Expectation):
    """Until now the urn reported no jam, alarm, restart or opened cover but those that the script
    caused, and gave no good ballot back."""

    OF: ClassVar[str] = "ACC-010"
    that: Literal["no-unexpected-event"]


class TotalsRefused(Expectation):
    """No command gives totals."""

    OF: ClassVar[str] = "REP-004"
    that: Literal["totals-refused"]


class ClockRight(Expectation):
    """The urn's clock is right to so many seconds."""

    OF: ClassVar[str] = "TIM-008"
    that: Literal["clock"]
    seconds: float = Field(default=5.0, gt=0)


class VotesAddUp(Expectation):
    """Where one vote is cast on every valid sheet, all options together have as many votes as there
    are valid sheets: in the totals, and on the printed report."""

    OF: ClassVar[str] = "REP-009"
    that: Literal["votes-add-up"]


class SameTurnout(Expectation):
    """As many voters cast a ballot into this urn as were given ballots."""

    OF: ClassVar[str] = "ACC-009"
    that: Literal["same-turnout"]


AnyExpectation = Annotated[
    InState | OnPower | CountersEqualBox | Counted | ZeroIsZero | ReportPrinted | EventHeard
    | NoUnexpectedEvent | TotalsRefused | ClockRight | VotesAddUp | SameTurnout,
    Field(discriminator="that"),
]
