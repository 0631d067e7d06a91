"""The course of a day in words, one line an entry, in the order of time as far as it is known."""

from __future__ import annotations

from collections.abc import Iterator

from kalys.procedures.election_day.language import Day
from kalys.procedures.election_day.timing import Timed, clock_text
from kalys.procedures.election_day.voters import number_of

_WHEN = {"at", "after", "every", "sheet", "one_in", "per_hour", "urns", "name", "do", "fault",
         "that"}
LATER = 86_400.0


def lines(day: Day) -> Iterator[str]:
    """The day, told line by line."""
    yield f"{day.day}: {day.title}"
    for station in day.stations:
        urns = ", ".join(f"{urn} counts {style}" for urn, style in station.urns.items())
        voters = f"; {number_of(station.voters)} voters" if station.voters else ""
        kits = f"; kits: {', '.join(station.kits)}" if station.kits else ""
        yield f"station {station.number}: {urns}{kits}{voters}"
    entries: list[Timed] = [*day.commission, *day.faults, *day.expect]
    for entry in sorted(entries, key=lambda e: e.at if e.at is not None else LATER):
        yield f"{when(entry):<34}{_what(entry)}"


def when(entry: Timed) -> str:
    """When an entry comes, in words."""
    if entry.at is not None:
        return clock_text(entry.at)
    if entry.after is not None:
        later = f" + {entry.after.seconds:g} s" if entry.after.seconds else ""
        return f"after {entry.after.step or entry.after.event}{later}"
    if entry.every is not None and entry.every.sheets is not None:
        return f"every {entry.every.sheets} sheets"
    if entry.every is not None:
        return f"every {entry.every.interval:g} s from {clock_text(entry.every.since or 0)}"
    for way, text in (("sheet", "at sheet {:g}"), ("one_in", "at one sheet in {:g}"),
                      ("per_hour", "{:g} in an hour")):
        if (value := getattr(entry, way, None)) is not None:
            return text.format(value)
    return ""


def _what(entry: Timed) -> str:
    fields = entry.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude=_WHEN)
    told = ", ".join(f"{name} {value}" for name, value in fields.items())
    where = f" at {', '.join(entry.urns)}" if entry.urns else ""
    kind = {"do": "", "fault": "FAULT ", "that": "expect "}[
        next(word for word in ("do", "fault", "that") if word in type(entry).model_fields)
    ]
    return f"{kind}{entry.kind}{where}" + (f" ({told})" if told else "")
