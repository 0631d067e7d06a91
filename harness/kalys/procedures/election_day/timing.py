"""When something of a day happens: times of day, durations, and the four ways to say *when*.

A step says exactly one of

* ``at``: a local time of the election's date;
* ``after``: so many seconds after another step or fault, or after an event of an urn;
* ``every``: again and again, by the clock or by the number of sheets counted.

Faults have three ways more: ``sheet`` (the n-th sheet of an urn), ``one_in`` (a share of all
sheets) and ``per_hour`` (a rate in time); see ``faults``.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, model_validator
from pydantic.json_schema import WithJsonSchema

from kalys.protocols.urn.messages import EventKind

_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min|h)")
_UNITS = {"s": 1.0, "min": 60.0, "h": 3600.0}


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


def duration(value: Any) -> Any:
    """Seconds, from a number of seconds or from "90 s", "15 min", "4 h"."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str) and (found := _DURATION.fullmatch(value.strip())):
        return float(found[1]) * _UNITS[found[2]]
    raise ValueError(f"a duration such as 90, 90 s, 15 min or 4 h is expected, not {value!r}")


def clock_text(seconds: float) -> str:
    """Seconds since midnight as HH:MM:SS."""
    whole = int(seconds)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"


TimeOfDay = Annotated[
    int, BeforeValidator(seconds_of_day), Field(ge=0, lt=86400),
    WithJsonSchema({"type": "string", "pattern": f"^{_CLOCK.pattern}$",
                    "description": "local time, HH:MM or HH:MM:SS"}),
]
Duration = Annotated[
    float, BeforeValidator(duration), Field(ge=0),
    WithJsonSchema({"anyOf": [{"type": "number", "minimum": 0},
                              {"type": "string", "pattern": f"^{_DURATION.pattern}$"}],
                    "description": "seconds, or a text such as 15 min"}),
]


class Part(BaseModel):
    """A part of a day; what is not in the language is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class After(Part):
    """So long after another step or fault (by its ``name``, or its kind where there is one of it),
    or after an event of an urn."""

    step: str | None = Field(default=None, description="name or kind of a step or fault")
    event: EventKind | None = Field(default=None, description="event of an urn")
    seconds: Duration = 0.0
    each: bool = Field(default=False, description="after every one of them, not the first alone")

    @model_validator(mode="after")
    def _one_of_them(self) -> After:
        if (self.step is None) == (self.event is None):
            raise ValueError("after names either a step or an event")
        return self


class Every(Part):
    """Again and again: every ``interval`` of time, or every so many ``sheets`` that an urn has
    counted. ``from`` and ``until`` are the first and the last moment."""

    interval: Duration | None = None
    sheets: Annotated[int, Field(ge=1)] | None = None
    since: TimeOfDay | None = Field(default=None, alias="from")
    until: TimeOfDay | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Every:
        if (self.interval is None) == (self.sheets is None):
            raise ValueError("every names either an interval or a number of sheets")
        if self.interval is not None and not (self.interval > 0 and self.since is not None):
            raise ValueError("every interval of time is longer than 0 and has a from")
        return self


class Timed(Part):
    """What every step, fault and expectation has: when it comes, which urns it concerns (none
    named: all of them), and a name by which others refer to it."""

    WAYS: ClassVar[tuple[str, ...]] = ("at", "after", "every")

    at: TimeOfDay | None = None
    after: After | None = None
    every: Every | None = None
    urns: tuple[str, ...] = ()
    name: str = ""

    _where: str = PrivateAttr(default="")

    @property
    @abstractmethod
    def kind(self) -> str:
        """The word that says what it is (``do``, ``fault`` or ``that``)."""

    @property
    def where(self) -> str:
        """File and line."""
        return self._where

    @property
    def called(self) -> str:
        """Its name, else its kind."""
        return self.name or self.kind

    def moments(self, last: float) -> tuple[float, ...]:
        """The times of day that are known before the day begins, none later than ``last``."""
        if self.at is not None:
            return (float(self.at),)
        if self.every is None or self.every.interval is None or self.every.since is None:
            return ()
        until = min(last, float(self.every.until if self.every.until is not None else last))
        count = int((until - self.every.since) // self.every.interval) + 1
        return tuple(self.every.since + i * self.every.interval for i in range(max(0, count)))

    @model_validator(mode="after")
    def _comes_once(self) -> Timed:
        said = [way for way in self.WAYS if getattr(self, way) is not None]
        if len(said) != 1:
            given = " and ".join(said) or "none of them"
            raise ValueError(f"say when, by one of {', '.join(self.WAYS)}; here: {given}")
        return self


Expected = Literal["refused", "granted"]
