"""Loading a day, and saying what is wrong with it: file, line, field, and what was probably meant.

Three kinds of mistakes are told apart. What is not in the language (a field, a kind, a value) comes
from the models and is told with the nearest word that is in it. What contradicts itself (steps of
no station, a second opening) is in ``contradictions``. What does not fit the bench or the election
is in ``check_against``.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from kalys import documents, resources
from kalys.ballots.marks import KINDS
from kalys.errors import ConfigurationError, choice
from kalys.procedures.election_day import commission, expectations, faults
from kalys.procedures.election_day.commission import Close, Consolidate, Open, WrongBallot
from kalys.procedures.election_day.language import Day, Voters, plain_kind
from kalys.procedures.election_day.timing import Timed, clock_text
from kalys.requirements import catalogue

FOLDER = "fixtures/election_days"
LISTS = {
    "commission": ("do", commission.AnyAction),
    "faults": ("fault", faults.AnyFault),
    "expect": ("that", expectations.AnyExpectation),
}
Trouble = tuple[documents.Place, str]


def kinds(part: str) -> dict[str, type[Timed]]:
    """The kinds of entry of ``commission``, ``faults`` or ``expect``, by the word for each."""
    word, union = LISTS[part]
    models = get_args(get_args(union)[0])
    return {get_args(model.model_fields[word].annotation)[0]: model for model in models}


def load(name: str | Path) -> Day:
    """The day of a file, or the shipped day of that name.

    Raises ConfigurationError with file, line and field.
    """
    path = resources.find(name, FOLDER)
    data, lines = documents.read(path)
    return understand(data, str(path), lines)


def understand(data: Any, source: str, lines: dict[documents.Place, int] | None = None) -> Day:
    """Plain data as a day; ``source`` names them in errors, ``lines`` says where they stand."""

    def place(at: documents.Place) -> str:
        if lines is None:
            return f"{source}, {_told(at)}" if at else source
        while at and at not in lines:
            at = at[:-1]
        return f"{source}:{lines.get(at, 1)}"

    try:
        day = Day.model_validate(data)
    except ValidationError as error:
        # A misspelt field is also a missing one: what is there says more than what is not.
        first = min(error.errors(), key=lambda e: e["type"] == "missing")
        at, what = _explained(first, data)
        raise ConfigurationError(what, where=place(at)) from error
    for at, what in contradictions(day):
        raise ConfigurationError(f"{_told(at)}: {what}" if at else what, where=place(at))
    for part in LISTS:
        for index, entry in enumerate(getattr(day, part)):
            # The journal knows the file by its name: it is the same on every machine.
            entry._where = place((part, index)).rpartition("/")[2]
    return day


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the language."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A scripted election day of Kalys",
        **Day.model_json_schema(by_alias=True),
    }


# What is not in the language ----------------------------------------------------------------------


def _explained(error: Any, data: Any) -> tuple[documents.Place, str]:
    """The place of pydantic's error in the document, and what is wrong there."""
    place = _without_tags(error["loc"])
    part = str(place[0]) if place and place[0] in LISTS else ""
    said = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        known = _fields_at(place[:-1], data)
        return place, f"{_told(place[:-1])}: no field {place[-1]!r}{_meant(place[-1], known)}"
    if error["type"] == "union_tag_invalid" and part:
        return _strange_kind(place, part, str(error["ctx"]["tag"]))
    if error["type"] == "union_tag_not_found" and part:
        word = LISTS[part][0]
        return place, f"{_told(place)}: the field {word!r} says of what kind it is, and is missing"
    if error["type"] in ("literal_error", "enum"):
        known = re.findall(r"'([^']*)'", str(error["ctx"]["expected"]))
        given = error["input"]
        return place, f"{_told(place)}: {given!r} is not known{_meant(given, known)}"
    if error["type"] == "missing":
        return place, f"{_told(place)} is missing"
    return place, f"{_told(place)}: {said[:1].lower()}{said[1:]}"


def _strange_kind(place: documents.Place, part: str, tag: str) -> Trouble:
    word = LISTS[part][0]
    for other in LISTS:
        if other != part and tag in kinds(other):
            return (*place, word), (
                f"{_told(place)}: {tag!r} stands under {other!r}, as {LISTS[other][0]}: {tag}"
            )
    return (*place, word), f"{_told(place)}: no {word} {tag!r}{_meant(tag, kinds(part))}"


def _meant(given: object, known: Iterable[str]) -> str:
    names = list(known)
    near = difflib.get_close_matches(str(given), names, n=1)
    there = f"there are {', '.join(names)}" if names else "it has none"
    return f"; did you mean {near[0]!r}? ({there})" if near else f"; {there}"


def _without_tags(loc: Sequence[str | int]) -> documents.Place:
    """A place of pydantic's without the tags of unions and the marks of keys in it."""
    place = tuple(part for part in loc if part != "[key]")
    if len(place) > 2 and place[0] in LISTS and place[2] in kinds(str(place[0])):
        place = (*place[:2], *place[3:])
    return place


def _fields_at(place: documents.Place, data: Any) -> list[str]:
    """The fields that the part of the document at ``place`` may have."""
    model: Any = Day
    for index, step in enumerate(place):
        if isinstance(step, int) and index == 1 and place[0] in LISTS:
            word = LISTS[str(place[0])][0]
            model = kinds(str(place[0])).get(data[place[0]][step].get(word), Day)
        elif isinstance(step, int):
            continue          # an item of the kind that the list's field spoke of
        elif isinstance(model, type) and issubclass(model, BaseModel):
            model = _model_in(next(
                (f.annotation for n, f in model.model_fields.items() if step in (n, f.alias)), None
            ))
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return []
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_in(annotation: Any) -> Any:
    """The model that an annotation such as ``tuple[Model, ...]`` or ``Model | None`` speaks of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = [_model_in(part) for part in get_args(annotation)]
    return next((model for model in found if model is not None), None)


def _told(place: documents.Place) -> str:
    text = ""
    for part in place:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text or "the document"


# What contradicts itself --------------------------------------------------------------------------


def contradictions(day: Day) -> Iterator[Trouble]:
    """What in a day cannot be, and the place in the document."""
    yield from _of_stations(day)
    opens = [s for s in day.commission if isinstance(s, Open) and s.expect == "opened"]
    closes = [s for s in day.commission if isinstance(s, Close)]
    if len(opens) != 1 or len(closes) != 1 or opens[0].at is None or closes[0].at is None:
        yield ("commission",), (
            "a day opens the polls once (open) and closes them once (close), both at a time"
        )
        return
    for index, station in enumerate(day.stations):
        if station.voters is not None:
            place = ("stations", index, "voters")
            yield from _of_voters(place, station.voters, opens[0].at, closes[0].at)
    earlier = day.begins
    for index, step in enumerate(day.commission):
        if step.at is not None:
            if step.at < earlier:
                yield ("commission", index, "at"), (
                    f"{step.do} comes before {clock_text(earlier)}; write the steps in their order"
                )
            earlier = step.at
    for part in LISTS:
        for index, entry in enumerate(getattr(day, part)):
            yield from _of_entry(day, (part, index), entry)


def _of_stations(day: Day) -> Iterator[Trouble]:
    seen: dict[str, str] = {}
    for index, station in enumerate(day.stations):
        for kind, names in (("urns", station.urns), ("kits", station.kits)):
            for name in names:
                if name in seen:
                    yield ("stations", index, kind, name), (
                        f"{name} stands at station {seen[name]} already"
                    )
                seen[name] = station.number


def _of_voters(
    place: documents.Place, voters: Voters, opens: int, closes: int
) -> Iterator[Trouble]:
    if not opens <= voters.first <= voters.last <= closes:
        yield (*place, "first"), (
            f"first and last must lie between opening ({clock_text(opens)}) and closing "
            f"({clock_text(closes)}), in that order"
        )
    starts = [stretch.since for stretch in voters.arrivals]
    if starts != sorted(set(starts)):
        yield (*place, "arrivals"), "the times must be in order, each of them once"
    elif len({stretch.weight is None for stretch in voters.arrivals}) > 1:
        yield (*place, "arrivals"), "weights and rates cannot stand side by side"
    elif voters.number is None and voters.arrivals[0].weight is not None:
        yield place, "weights say how voters spread, not how many there are: give their number"
    for kind in voters.marks:
        if kind not in KINDS:
            usable = [name for name in KINDS if plain_kind(name)]
            yield (*place, "marks", kind), f"there is no mark {kind!r}{_meant(kind, usable)}"


def _of_entry(day: Day, place: documents.Place, entry: Timed) -> Iterator[Trouble]:
    named = entry.urns
    if isinstance(entry, Consolidate):
        named = (entry.source, entry.into)
        if entry.source == entry.into:
            yield (*place, "into"), f"{entry.into} cannot be consolidated with itself"
    for urn in named:
        if urn not in day.urns:
            yield (*place, "urns"), f"there is no urn {urn!r}{_meant(urn, day.urns)}"
    if entry.at is not None and entry.at < day.begins:
        yield (*place, "at"), f"the day begins at {clock_text(day.begins)}"
    if entry.after is not None and entry.after.step is not None:
        yield from _of_reference(day, (*place, "after", "step"), entry, entry.after.step)
    if isinstance(entry, faults.Fault) and entry.by_sheet and not entry.OF_A_SHEET:
        yield place, f"a {entry.fault} strikes at a time, not at a sheet"
    if isinstance(entry, expectations.Expectation):
        yield from _of_requirement(place, entry)


def _of_reference(
    day: Day, place: documents.Place, entry: Timed, name: str
) -> Iterator[Trouble]:
    others = [e for part in ("commission", "faults") for e in getattr(day, part) if e is not entry]
    known = sorted({other.name for other in others if other.name} | {o.kind for o in others})
    bearing = [other for other in others if name in (other.name, other.kind)]
    if not bearing:
        yield place, f"there is no step or fault {name!r}{_meant(name, known)}"
    elif len(bearing) > 1 and entry.after is not None and not entry.after.each:
        yield place, f"there are {len(bearing)} of {name!r}; give the one that is meant a name"


def _of_requirement(place: documents.Place, entry: expectations.Expectation) -> Iterator[Trouble]:
    known = catalogue.load()
    if entry.speaks_for not in known:
        ids = [requirement.id for requirement in known]
        near = difflib.get_close_matches(entry.speaks_for, ids, n=3)
        yield (*place, "requirement"), (
            f"there is no requirement {entry.speaks_for!r}; near are {', '.join(near) or 'none'}"
        )
        return
    decision = known[entry.speaks_for].decision
    if decision is not None and decision.rule not in ("zero-failures", "rate-at-most"):
        yield (*place, "requirement"), (
            f"{entry.speaks_for} is decided by readings or named checks ({decision.rule}); an "
            "expectation is met or not: name a requirement that counts"
        )


# What does not fit the bench ----------------------------------------------------------------------


def check_against(day: Day, styles: Sequence[str], urns: Sequence[str]) -> None:
    """Raise ConfigurationError when the day does not fit the election's styles or the bench."""
    wanted = {*day.urns.values(), *(s.style for s in day.commission if isinstance(s, WrongBallot))}
    for what, names, known in (("ballot style", wanted, styles), ("urn", set(day.urns), urns)):
        missing = sorted(names - set(known))
        if missing:
            raise ConfigurationError(
                f"the day {day.day} needs the {what} {', '.join(missing)}",
                where=f"{FOLDER}/{day.day}.yaml",
                remedy=f"{choice(missing[0], known)}. Name another day or bench.",
            )
