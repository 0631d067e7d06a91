"""The language of an election day: the document as a whole.

A day is a YAML document (``fixtures/election_days/``; ``docs/election_days.md`` describes it, and
``kalys day schema`` prints its JSON Schema). It names the stations with their devices, says how the
voters come, and lists what the commission does, what goes wrong and what is expected, each with its
time. Think of it as the minutes of a day, written before it: the script says what happens; *what is
judged from it is said by the requirements*.

Everything here is data. ``checking`` loads and checks a document, ``play`` plays it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, get_args

from pydantic import Field, model_validator

from kalys.ballots.marks import KINDS
from kalys.procedures.election_day.commission import AnyAction
from kalys.procedures.election_day.expectations import AnyExpectation
from kalys.procedures.election_day.faults import AnyFault
from kalys.procedures.election_day.timing import Duration, Part, TimeOfDay

Share = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(ge=0)]
Mistake = Literal[
    "no-mark", "two-marks", "wrong-urn", "upside-down", "pulled-back", "folded", "second-attempt"
]
Document = Literal["id-card", "passport", "tunduk"]
DOCUMENTS: tuple[Document, ...] = get_args(Document)


def plain_kind(name: str) -> bool:
    """Whether it is said what a right urn makes of a mark of this kind, wherever it stands."""
    kind = KINDS[name]
    return kind.klass != "ambiguous" and not kind.touches_neighbour


class Stretch(Part):
    """From this time on voters come with this weight, or at this rate."""

    since: TimeOfDay = Field(alias="from")
    weight: Weight | None = None
    per_hour: Weight | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Stretch:
        if (self.weight is None) == (self.per_hour is None):
            raise ValueError("a stretch has either a weight or a rate per_hour")
        return self

    @property
    def density(self) -> float:
        """Voters per hour, on some scale where it is a weight."""
        value = self.per_hour if self.weight is None else self.weight
        return value if value is not None else 0.0


class Voters(Part):
    """Who comes when.

    ``number`` is the default; a plan may ask for another. It may be left out where every stretch is
    a rate: then that many come. Arrivals lie between ``first`` and ``last``; their density is
    piecewise constant.
    """

    number: Annotated[int, Field(ge=0)] | None = None
    first: TimeOfDay
    last: TimeOfDay
    arrivals: tuple[Stretch, ...] = Field(min_length=1)
    documents: Mapping[Document, Weight] = Field(
        default_factory=dict, description="weights of the documents that voters show"
    )
    marks: Mapping[str, Weight] = Field(
        default_factory=dict,
        description="weights of the kinds of mark; without it, any valid mark",
    )
    mistakes: Mapping[Mistake, Share] = Field(
        default_factory=dict, description="share of the voters who make each mistake"
    )
    booth: Duration = Field(default=60.0, description="between check-in and the first urn")
    papers: Annotated[int, Field(ge=1)] | None = Field(
        default=None,
        description="voters bring so many different papers again and again (a pre-rendered deck)",
    )

    @model_validator(mode="after")
    def _can_be(self) -> Voters:
        for kind in self.marks:
            if kind not in KINDS:
                continue          # told by ``checking``, with the names there are
            if not plain_kind(kind):
                raise ValueError(
                    f"marks: a {kind} is ambiguous; nobody can say what a right urn makes of it"
                )
        if self.marks and not sum(self.marks.values()):
            raise ValueError("marks: all weights are zero")
        if self.documents and not sum(self.documents.values()):
            raise ValueError("documents: all weights are zero")
        if sum(self.mistakes.values()) > 1:
            raise ValueError("mistakes: a voter makes one at most; these add up to more than 1")
        return self


class Kit(Part):
    """An identification kit. Until it takes its full part, it is a delay at check-in: between
    ``check_in`` and ``slowest``, drawn for every voter."""

    check_in: Duration = 25.0
    slowest: Duration | None = None


class Station(Part):
    """A polling station: its urns with the ballot style that each counts, its identification kits
    and its voters. Every voter checks in at a free kit and casts one ballot into each urn."""

    number: str = Field(pattern=r"^\d{1,8}$")
    urns: Mapping[str, str] = Field(min_length=1)
    kits: Mapping[str, Kit] = Field(default_factory=dict)
    voters: Voters | None = None


class Day(Part):
    """A scripted election day."""

    day: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$", description="its name")
    title: str
    election: str
    begins: TimeOfDay
    sittings: int = Field(
        default=1, ge=1, le=100,
        description="the day is played so many times without a pause, each time as a new election",
    )
    stations: tuple[Station, ...] = Field(min_length=1)
    commission: tuple[AnyAction, ...] = Field(min_length=1)
    faults: tuple[AnyFault, ...] = ()
    expect: tuple[AnyExpectation, ...] = ()

    @property
    def urns(self) -> dict[str, str]:
        """Every urn of the day, with the style that it counts."""
        return {urn: style for station in self.stations for urn, style in station.urns.items()}

    def station_of(self, urn: str) -> Station:
        """The station at which an urn stands."""
        return next(station for station in self.stations if urn in station.urns)
