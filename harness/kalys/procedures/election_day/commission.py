"""What the commission does on election day: the kinds of step under ``commission``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from kalys.procedures.election_day.timing import Duration, Expected, Timed

Command = Literal[
    "open", "close", "set-clock", "set-parameter", "load-definition", "reset", "test-mode",
    "totals",
]


class Action(Timed):
    """A step of the commission."""

    do: str

    @property
    def kind(self) -> str:
        return self.do


class SelfTest(Action):
    """The self-test is run; every item should be well."""

    do: Literal["self-test"]


class ClockCheck(Action):
    """The urn's clock is compared with the bench's."""

    do: Literal["clock-check"]
    within_s: float = Field(gt=0, description="how far off it may be")


class ZeroReport(Action):
    """The zero report is printed and read; every register should be zero."""

    do: Literal["zero-report"]


class TestVotes(Action):
    """Ballots are fed in test mode, and test mode is left again."""

    do: Literal["test-votes"]
    sheets: int = Field(default=3, ge=1)


class Open(Action):
    """The operator opens the polls; with ``expect: refused`` he tries to, when he must not."""

    do: Literal["open"]
    expect: Literal["opened", "refused"] = "opened"


class OfferBallot(Action):
    """Somebody offers a good ballot outside of the voting hours."""

    do: Literal["offer-ballot"]
    expect: Literal["returned"] = "returned"


class WrongBallot(Action):
    """A voter offers a ballot that belongs into another urn."""

    do: Literal["wrong-ballot"]
    style: str = Field(description="ballot style that is offered")
    expect: Literal["returned"] = "returned"


class StatusReport(Action):
    """Ballot counts are printed, which is allowed while the polls are open."""

    do: Literal["status-report"]


class PrintTotals(Action):
    """Operator and administrator ask for totals, by every command that gives them."""

    do: Literal["print-totals"]
    expect: Literal["refused"] = "refused"


class Attempt(Action):
    """Somebody gives a command that he should, or should not, be allowed now."""

    do: Literal["attempt"]
    command: Command
    by: Literal["operator", "administrator", "auditor", "nobody"] = "operator"
    expect: Expected = "refused"


class WrongPassword(Action):
    """Somebody logs in with a wrong key, so many times."""

    do: Literal["wrong-password"]
    by: Literal["operator", "administrator", "auditor"] = "operator"
    times: int = Field(default=1, ge=1, le=20)


class Burst(Action):
    """Sheets are fed without a pause; the rate is compared with what the profile declares."""

    do: Literal["burst"]
    minutes: float = Field(default=15.0, gt=0)
    papers: int | None = Field(
        default=None, ge=1, description="so many different papers again and again"
    )


class ChangeBox(Action):
    """The box is emptied by the commission; its sheets go on counting as cast."""

    do: Literal["change-box"]


class Restart(Action):
    """The administrator restarts the urn."""

    do: Literal["restart"]


class Close(Action):
    """The operator closes the polls and prints the results at once."""

    do: Literal["close"]


class Export(Action):
    """Results, records and log are read out and compared with the sheets in the box."""

    do: Literal["export"]


class Consolidate(Action):
    """The results export of one urn is brought to another, which prints the station's report."""

    do: Literal["consolidate"]
    source: str = Field(alias="from")
    into: str


class Pause(Action):
    """Nobody may use the urn for a while."""

    do: Literal["pause"]
    seconds: Duration


AnyAction = Annotated[
    SelfTest | ClockCheck | ZeroReport | TestVotes | Open | OfferBallot | WrongBallot | StatusReport
    | PrintTotals | Attempt | WrongPassword | Burst | ChangeBox | Restart | Close | Export
    | Consolidate | Pause,
    Field(discriminator="do"),
]
