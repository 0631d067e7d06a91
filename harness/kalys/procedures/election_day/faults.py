"""What goes wrong on election day: the kinds of entry under ``faults``, and when they strike.

Beside ``at``, ``after`` and ``every``, a fault may strike at the n-th sheet of an urn (``sheet``),
at one in so many sheets (``one_in``), or at a rate in time (``per_hour``, a Poisson process). By
the clock, a fault that concerns a sheet takes a ballot of its own; by the sheet, it takes the
voter's.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from kalys.procedures.election_day.timing import Duration, Timed


class Fault(Timed):
    """A fault."""

    WAYS: ClassVar[tuple[str, ...]] = ("at", "after", "every", "sheet", "one_in", "per_hour")
    OF_A_SHEET: ClassVar[bool] = False

    fault: str
    sheet: Annotated[
        int, Field(ge=1, description="the n-th sheet that voters offer to the urn")
    ] | None = None
    one_in: Annotated[
        float, Field(ge=1, description="one in so many sheets, drawn for every sheet")
    ] | None = None
    per_hour: Annotated[
        float, Field(gt=0, description="so many in an hour while the polls are open")
    ] | None = None

    @property
    def kind(self) -> str:
        return self.fault

    @property
    def by_sheet(self) -> bool:
        """Whether it strikes at sheets, not at times."""
        return self.sheet is not None or self.one_in is not None


class Jam(Fault):
    """A sheet sticks ``at_mm`` behind the throat, is taken out and fed again."""

    OF_A_SHEET: ClassVar[bool] = True
    fault: Literal["jam"]
    at_mm: float = Field(gt=0)


class DoubleFeed(Fault):
    """Two sheets go in together, the second ``overlap_mm`` behind the first; both come back."""

    OF_A_SHEET: ClassVar[bool] = True
    fault: Literal["double-feed"]
    overlap_mm: float = Field(default=40.0, ge=0)


class PowerCut(Fault):
    """The supply is cut while a ballot is on its way, without battery unless ``battery``.

    ``point_s`` is the moment, in seconds after insertion; without it, any moment of the
    transaction, drawn.
    """

    OF_A_SHEET: ClassVar[bool] = True
    fault: Literal["power-cut"]
    off_s: float = Field(default=30.0, gt=0)
    point_s: float | None = Field(default=None, ge=0)
    battery: bool = Field(default=False, description="the backup battery stays connected")


class MainsLoss(Fault):
    """The mains fails for a while; the urn goes on on its battery."""

    fault: Literal["mains-loss"]
    lasts: Duration = 600.0


class PaperOut(Fault):
    """The printer's roll is at its end; somebody puts a new one in after a while."""

    fault: Literal["paper-out"]
    lasts: Duration = 60.0


class MediaOut(Fault):
    """The memory stick is pulled and put back."""

    fault: Literal["media-out"]
    lasts: Duration = 60.0


class CoverOpen(Fault):
    """Somebody opens the cover and closes it again."""

    fault: Literal["cover-open"]
    lasts: Duration = 20.0


class ClockWrong(Fault):
    """An administrator sets the clock wrong by ``by``, and right again after a while."""

    fault: Literal["clock-wrong"]
    by: float = Field(description="seconds; negative: slow")
    lasts: Duration = 300.0


class Cable(Fault):
    """The cable of the urn's ``port`` is pulled and plugged in again."""

    fault: Literal["cable"]
    port: Literal["link", "printer"]
    lasts: Duration = 10.0


class Memory(Fault):
    """A memory chip fails, or is full, for a while; a ballot is offered meanwhile."""

    fault: Literal["memory"]
    chip: Literal["primary", "secondary"]
    how: Literal["failed", "full"] = "failed"
    lasts: Duration = 60.0


AnyFault = Annotated[
    Jam | DoubleFeed | PowerCut | MainsLoss | PaperOut | MediaOut | CoverOpen | ClockWrong | Cable
    | Memory,
    Field(discriminator="fault"),
]
