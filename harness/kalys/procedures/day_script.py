"""The language of an election day: what happens when, and what is expected of the urns.

A day is a YAML document (``fixtures/election_days/``; the language is described in
``docs/election_days.md``). It names the urns and what each counts, says how the voters come, and
lists the steps of the commission and the incidents with their local times. Think of it as the
minutes of a day, written before it: the script says what happens and what is expected; *what is
judged from it is said by the requirements*, never here.

Everything in this module is data and pure functions of data. ``kalys.procedures.day`` plays a day.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from kalys import documents, resources
from kalys.errors import ConfigurationError

FOLDER = "fixtures/election_days"
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?")


def seconds_of_day(value: Any) -> Any:
    """A time of day as seconds since midnight, from "HH:MM" or "HH:MM:SS".

    YAML 1.1 reads an unquoted 12:30 as the sexagesimal number 750 and 12:30:15 as 45,015. No day
    has 1,440 minutes or more, and every HH:MM:SS that YAML turns into a number is at least 3,600:
    so the two stay apart and unquoted times mean what they say.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return value * 60 if value < 1440 else value
    if isinstance(value, str) and (found := _CLOCK.fullmatch(value.strip())):
        hours, minutes, seconds = (int(part or 0) for part in found.groups())
        return hours * 3600 + minutes * 60 + seconds
    raise ValueError(f"a time of day such as 08:00 or 08:00:30 is expected, not {value!r}")


def clock_text(seconds: float) -> str:
    """Seconds since midnight as HH:MM:SS."""
    whole = int(seconds)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"


TimeOfDay = Annotated[int, BeforeValidator(seconds_of_day), Field(ge=0, lt=86400)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Step(_Part):
    """What every step has: its time, and the urns it concerns (none named: all of them)."""

    at: TimeOfDay
    urns: tuple[str, ...] = ()


class SelfTest(Step):
    """Every item of the urn's self-test is well."""

    do: Literal["self-test"]


class ClockCheck(Step):
    """The urn's clock is compared with the bench's."""

    do: Literal["clock-check"]
    within_s: float = Field(gt=0)


class ZeroReport(Step):
    """The zero report is printed; every register on it is zero."""

    do: Literal["zero-report"]


class Open(Step):
    """The operator opens the polls, or tries to too early."""

    do: Literal["open"]
    expect: Literal["opened", "refused"] = "opened"


class OfferBallot(Step):
    """Somebody offers a good ballot outside of the voting hours."""

    do: Literal["offer-ballot"]
    expect: Literal["returned"] = "returned"


class WrongBallot(Step):
    """A voter offers the ballot that belongs into the other urn."""

    do: Literal["wrong-ballot"]
    style: str
    expect: Literal["returned"] = "returned"


class Jam(Step):
    """A sheet sticks ``at_mm`` behind the throat, is taken out and fed again."""

    do: Literal["jam"]
    at_mm: float = Field(gt=0)


class PrintTotals(Step):
    """Somebody asks for totals, by every command that gives them."""

    do: Literal["print-totals"]
    expect: Literal["refused"] = "refused"


class StatusReport(Step):
    """Ballot counts are printed, which is allowed while the polls are open."""

    do: Literal["status-report"]


class PowerCut(Step):
    """The supply is cut while a ballot is on its way, with the battery disconnected.

    The moment is seeded, anywhere in the ballot's transaction; ``off_s`` is how long there is no
    power.
    """

    do: Literal["power-cut"]
    off_s: float = Field(default=30.0, gt=0)


class Close(Step):
    """The operator closes the polls and prints the results at once."""

    do: Literal["close"]


class Export(Step):
    """Results, records and log are read out."""

    do: Literal["export"]


class Consolidate(Step):
    """The results export of one urn is brought to another, which prints the station's report."""

    do: Literal["consolidate"]
    source: str = Field(alias="from")
    into: str


AnyStep = Annotated[
    SelfTest | ClockCheck | ZeroReport | Open | OfferBallot | WrongBallot | Jam | PrintTotals
    | StatusReport | PowerCut | Close | Export | Consolidate,
    Field(discriminator="do"),
]


class Stretch(_Part):
    """From this time on voters come with this weight, in voters per hour on some scale."""

    since: TimeOfDay = Field(alias="from")
    weight: float = Field(ge=0)


class Voters(_Part):
    """How many voters come and when.

    ``number`` is the default; a plan may ask for another. Arrivals lie between ``first`` and
    ``last``; their density is piecewise constant with the weights of ``arrivals``.
    """

    number: int = Field(ge=0)
    first: TimeOfDay
    last: TimeOfDay
    arrivals: tuple[Stretch, ...] = Field(min_length=1)


class Day(_Part):
    """A scripted election day."""

    day: str
    title: str
    election: str
    station: str
    begins: TimeOfDay
    urns: Mapping[str, str] = Field(min_length=1)      # urn name -> ballot style that it counts
    voters: Voters
    script: tuple[AnyStep, ...] = Field(min_length=1)

    def of(self, step: Step) -> tuple[str, ...]:
        """The urns that a step concerns."""
        return step.urns or tuple(self.urns)


def contradictions(day: Day) -> Iterator[tuple[documents.Place, str]]:
    """What in a day cannot be, and the place in the document."""
    earlier = day.begins
    for index, step in enumerate(day.script):
        place = ("script", index)
        if step.at < earlier:
            yield (*place, "at"), f"{step.do} comes before {clock_text(earlier)}; order the steps"
        earlier = step.at
        named = (step.source, step.into) if isinstance(step, Consolidate) else step.urns
        for urn in named:
            if urn not in day.urns:
                yield place, f"there is no {urn}; the day's urns are {', '.join(day.urns)}"
        if isinstance(step, Consolidate) and step.source == step.into:
            yield (*place, "into"), f"{step.into} cannot be consolidated with itself"
    openings = [s.at for s in day.script if isinstance(s, Open) and s.expect == "opened"]
    closings = [s.at for s in day.script if isinstance(s, Close)]
    if len(openings) != 1 or len(closings) != 1:
        yield ("script",), "a day opens the polls once (expect: opened) and closes them once"
        return
    voters = day.voters
    if not openings[0] <= voters.first <= voters.last <= closings[0]:
        yield ("voters",), "first and last must lie between opening and closing, in that order"
    starts = [stretch.since for stretch in voters.arrivals]
    if starts != sorted(set(starts)):
        yield ("voters", "arrivals"), "the times must be in order, each of them once"
    elif not any(weight for _, _, weight in _stretches(voters)):
        yield ("voters", "arrivals"), "no weight lies between voters.first and voters.last"


def _stretches(voters: Voters) -> list[tuple[float, float, float]]:
    """(from, until, weight) of the arrival curve, cut to first..last."""
    ends = [stretch.since for stretch in voters.arrivals[1:]] + [86400]
    return [
        (start, end, stretch.weight)
        for stretch, until in zip(voters.arrivals, ends, strict=True)
        if (start := max(stretch.since, voters.first)) < (end := min(until, voters.last))
    ]


def arrivals(voters: Voters, number: int, rng: Random) -> list[float]:
    """When ``number`` voters come, in seconds since midnight, in order.

    Inverse-transform sampling of the piecewise constant density: sorted uniform draws over the
    whole weight, each mapped to its time.
    """
    stretches = [stretch for stretch in _stretches(voters) if stretch[2] > 0]
    total = sum((end - start) * weight for start, end, weight in stretches)
    times = []
    reached, index = 0.0, 0
    for draw in sorted(rng.random() * total for _ in range(number)):
        while True:
            start, end, weight = stretches[index]
            mass = (end - start) * weight
            if draw <= reached + mass or index == len(stretches) - 1:
                break
            reached += mass
            index += 1
        times.append(min(end, start + (draw - reached) / weight))
    return times


def load(name: str | Path) -> Day:
    """The day of a file, or the shipped day of that name.

    Raises ConfigurationError with file, line and field.
    """
    path = resources.find(name, FOLDER)
    data, lines = documents.read(path)
    day = documents.validate(data, Day, path, {**lines, **_lines_by_kind(data, lines)})
    for place, what in contradictions(day):
        where = f"{path}:{lines.get(place, lines.get(place[:1], 1))}"
        raise ConfigurationError(f"{'.'.join(map(str, place))}: {what}", where=where)
    return day


def _lines_by_kind(
    data: Any, lines: Mapping[documents.Place, int]
) -> dict[documents.Place, int]:
    """The lines of the steps' fields once more under the places pydantic uses for a tagged union:
    it puts the tag (the step's ``do``) between the index and the field."""
    script = data.get("script") if isinstance(data, Mapping) else None
    if not isinstance(script, Sequence):
        return {}
    kinds = [step.get("do") if isinstance(step, Mapping) else None for step in script]
    return {
        ("script", place[1], str(kinds[place[1]]), *place[2:]): line
        for place, line in lines.items()
        if len(place) > 2 and place[0] == "script" and isinstance(place[1], int)
    }


def check_against(day: Day, styles: Sequence[str], urns: Sequence[str]) -> None:
    """Raise ConfigurationError when the day does not fit the election's styles or the bench."""
    wanted = {*day.urns.values(), *(s.style for s in day.script if isinstance(s, WrongBallot))}
    for what, names, known in (
        ("ballot style", wanted, styles),
        ("urn", set(day.urns), urns),
    ):
        missing = sorted(names - set(known))
        if missing:
            raise ConfigurationError(
                f"the day {day.day} needs the {what} {', '.join(missing)}",
                where=f"{FOLDER}/{day.day}.yaml",
                remedy=f"There is: {', '.join(known) or 'none'}. Name another day or bench.",
            )
