"""An election day written in Robot Framework, with the words of the language of days.

Each keyword adds to a document just as a line of YAML would; ``Play The Day`` has it understood by
the same models (``kalys.procedures.election_day``) and played by the same code. Values are words of
the test data, so they are read as YAML reads scalars: ``3`` is a number, ``[urn-1, urn-2]`` a list.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import yaml
from robot.api import Failure, logger
from robot.api.deco import keyword

from kalys.errors import KalysError
from kalys.procedures.day import play_day
from kalys.procedures.election_day import checking
from kalys.procedures.session import Session

LISTS = {"urns"}


class DayWords(ABC):
    """The keywords that write and play a day. ``session`` comes from the library."""

    def __init__(self) -> None:
        super().__init__()
        self._document: dict[str, Any] = {}
        self._seen: int | None = None

    @property
    @abstractmethod
    def session(self) -> Session:
        """The session at whose bench the day is played."""

    @keyword(tags=("day",))
    def a_day(self, name: str, begins: str = "07:00", title: str = "", election: str = "") -> None:
        """Begins the script of a day; whatever was written before is forgotten.

        | A Day | my-day | begins=07:00 |
        """
        self._document = {
            "day": name, "title": title or name, "begins": begins,
            "election": election or self.session.definition.id,
            "stations": [], "commission": [], "faults": [], "expect": [],
        }
        self._seen = None

    @keyword(tags=("day",))
    def a_station(self, number: str, **urns: str) -> None:
        """A polling station: its urns, each with the ballot style that it counts.

        | A Station | 1001 | urn-1=KG-PL | urn-2=KG-SM-27 |
        """
        self._part("stations").append({"number": number, "urns": urns})

    @keyword(tags=("day",))
    def a_kit(self, name: str, check_in: str = "25", slowest: str | None = None) -> None:
        """An identification kit at the last station.

        | A Kit | kit-1 | check_in=20 | slowest=50 |
        """
        kit = {"check_in": _value(check_in)}
        if slowest is not None:
            kit["slowest"] = _value(slowest)
        self._station().setdefault("kits", {})[name] = kit

    @keyword(tags=("day",))
    def voters(self, number: str, first: str, last: str, **more: str) -> None:
        """The voters of the last station. ``more`` are other fields, mappings as in YAML.

        They come evenly, unless `Voters Come` says how.

        | Voters | number=200 | first=08:00:30 | last=19:40 | mistakes={two-marks: 0.01} |
        """
        self._station()["voters"] = {
            "number": _value(number), "first": first, "last": last,
            "arrivals": [], **_fields(more),
        }

    @keyword(tags=("day",))
    def voters_come(self, since: str, weight: str) -> None:
        """From this time on they come with this weight.

        | Voters Come | 10:00 | 130 |
        """
        station = self._station()
        if "voters" not in station:
            raise Failure("nobody comes yet; Voters comes first")
        station["voters"]["arrivals"].append({"from": since, "weight": _value(weight)})

    @keyword(tags=("day",))
    def at(self, time: str, do: str, **fields: str) -> None:
        """The commission does something at a time.

        | At | 08:00 | open |
        | At | 12:00 | attempt | command=totals | by=operator |
        """
        self._part("commission").append({"at": time, "do": do, **_fields(fields)})

    @keyword(tags=("day",))
    def after(self, step: str, do: str, seconds: str = "0", **fields: str) -> None:
        """The commission does something so long after another step or fault.

        | After | open | status-report | seconds=30 min |
        """
        when = {"step": step, "seconds": _value(seconds)}
        self._part("commission").append({"after": when, "do": do, **_fields(fields)})

    @keyword(tags=("day",))
    def every(self, interval: str, do: str, since: str, until: str, **fields: str) -> None:
        """The commission does something again and again.

        | Every | 4 h | status-report | 09:00 | 19:00 |
        """
        when = {"interval": _value(interval), "from": since, "until": until}
        self._part("commission").append({"every": when, "do": do, **_fields(fields)})

    @keyword(tags=("day",))
    def fault(self, kind: str, **fields: str) -> None:
        """Something goes wrong: at=, sheet=, one_in= or per_hour= say when.

        | Fault | jam | sheet=20 | urns=urn-1 | at_mm=440 |
        """
        self._part("faults").append({"fault": kind, **_fields(fields)})

    @keyword(tags=("day",))
    def expect(self, what: str, **fields: str) -> None:
        """Something must be true: at=, or after= with the name of a step, say when.

        | Expect | state | at=08:10 | is=open |
        """
        read = _fields(fields)
        if isinstance(read.get("after"), str):
            read["after"] = {"step": read["after"]}
        self._part("expect").append({"that": what, **read})

    @keyword(tags=("day",))
    def play_the_day(self, skip_idle: str | None = None) -> None:
        """Plays the day that was written. Fails when it is none, and says which entry is wrong.

        ``skip_idle`` (seconds) puts the urns' clocks forward where nothing happens for longer.
        """
        for station in self._part("stations"):
            voters = station.get("voters")
            if voters is not None and not voters["arrivals"]:
                voters["arrivals"] = [{"from": voters["first"], "weight": 1}]
        self._seen = len(self.session.observations)
        try:
            day = checking.understand(self._document, f"the day {self._document['day']}")
            play_day(self.session, day, None, float(skip_idle) if skip_idle else None)
        except KalysError as error:
            raise Failure(str(error)) from None

    @keyword(tags=("day",))
    def nothing_should_speak_against_the_station(self) -> None:
        """Fails with whatever the day showed to go wrong, requirement by requirement."""
        if self._seen is None:
            raise Failure("no day has been played; Play The Day comes first")
        seen = self.session.observations[self._seen :]
        wrong = [f"{o.requirement}, {o.condition}: {o.note}" for o in seen if o.failures]
        if wrong:
            raise Failure("\n".join(wrong))
        logger.info(f"{len(seen)} observations, nothing against the station")

    def _part(self, name: str) -> list[Any]:
        if not self._document:
            raise Failure("no day is being written; A Day comes first")
        part: list[Any] = self._document[name]
        return part

    def _station(self) -> dict[str, Any]:
        stations = self._part("stations")
        if not stations:
            raise Failure("the day has no station yet; A Station comes first")
        last: dict[str, Any] = stations[-1]
        return last


def _fields(words: dict[str, str]) -> dict[str, Any]:
    fields = {name: _value(text) for name, text in words.items()}
    for name in LISTS & set(fields):
        if not isinstance(fields[name], list):
            fields[name] = [fields[name]]
    return fields


def _value(text: str) -> Any:
    """What YAML makes of a scalar; times stay text."""
    if not isinstance(text, str) or (":" in text and not text.startswith("{")):
        return text
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text
