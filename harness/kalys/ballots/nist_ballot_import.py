"""Reading NIST's Ballot Definition (SP 1500-20, JSON): elections and layouts from other hands.

What ``kalys.ballots.nist_ballot_definition`` wrote comes back exactly (but for artwork). A file of
another system is read as far as the format goes: ids and codes are made where there are none that
we can use, missing languages are filled from those there are, contests leave validity alone, and
tracks of timing marks are found among the fiducial marks. What cannot be counted faithfully is
refused in words: several sheets, several positions for one option, rotation.

The file may come from anywhere; whatever is wrong with it ends in a ConfigurationError that names
the place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kalys.ballots.layout import Layout
from kalys.ballots.nist_ballot_definition import OWN
from kalys.ballots.nist_fiducials import tracks_among
from kalys.election.definition import ElectionDefinition
from kalys.errors import ConfigurationError, KalysError

_MM = {"mm": 1.0, "in": 25.4, "pt": 25.4 / 72, "pc": 25.4 / 6}
_LANGUAGES = ("ky", "ru", "en")
_WHERE = "ballot definition"
_DIGITS = 6

Json = Mapping[str, Any]


def read_ballot_definition(
    data: bytes | Mapping[str, Any],
) -> tuple[ElectionDefinition, dict[str, Layout]]:
    """The election in ``data`` (a file's bytes or its parsed JSON) and its layouts by style; styles
    without geometry have none. The file's first election is taken."""
    try:
        whole = json.loads(data) if isinstance(data, bytes) else data
        return _Import(whole).read()
    except KalysError:
        raise
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"cannot be read: {error}", where=_WHERE) from error
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ConfigurationError(
            f"something is missing or of the wrong kind: {error!r}", where=_WHERE,
            remedy="Check the file against NIST_V1_ballot_definition.json.",
        ) from error


class _Import:
    """One file and what its ids stand for."""

    def __init__(self, whole: Json) -> None:
        self._whole = whole
        elections = whole["Election"]
        if not elections:
            raise ConfigurationError("there is no election in it", where=_WHERE)
        self._election: Json = elections[0]
        self._parties = {p["@id"]: p for p in whole.get("Party", [])}
        self._candidates = {c["@id"]: c for c in self._election.get("Candidate", [])}
        self._headers = {h["@id"]: h for h in whole.get("Header", [])}
        self._formats = {f["@id"]: f for f in whole.get("BallotFormat", [])}
        self._shapes = {s["@id"]: s for s in whole.get("Shape", [])}
        self._contests: dict[str, str] = {}             # our ids by theirs
        self._options: dict[str, dict[str, str]] = {}   # by their contest and option

    def read(self) -> tuple[ElectionDefinition, dict[str, Layout]]:
        election = self._election
        contests = [self._contest(c) for c in election.get("Contest", [])]
        styles = [
            self._style(style, number)
            for number, style in enumerate(election.get("BallotStyle", []), 1)
        ]
        if not styles:
            raise ConfigurationError("there are no ballot styles in it", where=_WHERE)
        title = self._words(election["Name"])
        values = {
            "id": _own(election, "election") or _slug(title["en"]) or "election",
            "title": title, "code": int(_own(election, "code") or 0),
            "country": self._country(), "date": election["StartDate"], **_hours(election),
            "contests": contests, "styles": styles, "source": self._whole.get("Notes", ""),
        }
        definition = ElectionDefinition.from_bytes(json.dumps(values).encode())
        layouts = {}
        for style, told in zip(definition.styles, election["BallotStyle"], strict=True):
            layout = self._layout(definition.id, style.id, told)
            if layout is not None:
                layouts[style.id] = layout
        return definition, layouts

    def _country(self) -> str:
        units = (unit for unit in self._whole.get("GpUnit", []) if unit["Type"] == "country")
        return _own(next(units, {}), "country") or ""

    def _contest(self, contest: Json) -> dict[str, Any]:
        where = f"{_WHERE}, contest {contest['@id']}"
        if contest.get("HasRotation"):
            raise ConfigurationError("options that rotate are not supported", where=where)
        name = _own(contest, "contest") or _fresh(
            (_slug(contest["Name"])[:28] or "contest").strip("-"), self._contests.values()
        )
        self._contests[contest["@id"]] = name
        title = self._words(contest.get("BallotTitle") or contest["Name"])
        known = self._options.setdefault(contest["@id"], {})
        options = []
        for number, option in enumerate(contest.get("ContestOption", []), 1):
            made = self._option(option, number)
            known[option["@id"]] = made["id"]
            options.append(made)
        allowed = _own(contest, "votes-allowed") or contest.get("VotesAllowed", 1)
        return {
            "id": name, "title": title, "options": options, "votes_allowed": int(allowed),
            "decides_validity": (_own(contest, "decides-validity") or "false") == "true",
        }

    def _option(self, option: Json, number: int) -> dict[str, Any]:
        kind = str(option["@type"]).partition(".")[2]
        if kind == "PartyOption":
            names = [self._words(self._parties[p]["Name"]) for p in option["PartyIds"]]
            usual = "party"
        elif kind == "CandidateOption":
            names = [
                self._words(self._candidates[c]["BallotName"])
                for c in option.get("CandidateIds", [])
            ]
            usual = "candidate"
        else:
            names, usual = [self._words(option["Selection"])], "number"
        joined = {
            language: " / ".join(name[language] for name in names) if names else "write-in"
            for language in _LANGUAGES
        }
        return {
            "id": _own(option, "option") or f"{usual[0].upper()}{number:02d}", "name": joined,
            "kind": _own(option, "kind") or usual,
        }

    def _style(self, style: Json, number: int) -> dict[str, Any]:
        name = _own(style, "style") or next(
            (str(e["Value"]) for e in style.get("ExternalIdentifier", [])), f"STYLE-{number}"
        )
        header = next(
            (self._headers[c["HeaderId"]]["Name"] for c in style.get("OrderedContent", [])
             if "HeaderId" in c), name,
        )
        return {
            "id": name, "title": self._words(header), "code": int(_own(style, "code") or number),
            "contests": [self._contests[c["ContestId"]] for c in _ordered(style)],
        }

    def _layout(self, election: str, style: str, told: Json) -> Layout | None:
        """The geometry of a style, or None if the file holds none."""
        placed: list[tuple[str, Json]] = []
        for ordered in _ordered(told):
            if ordered.get("Physical"):
                placed.append((ordered["ContestId"], ordered["Physical"][0]))
        if not placed:
            return None
        used = {physical["BallotFormatId"] for _, physical in placed}
        if len(used) != 1:
            raise ConfigurationError(
                "contests of one style are on ballots of several formats",
                where=f"{_WHERE}, style {style}",
            )
        form = self._formats[used.pop()]
        scale = _MM[form["MeasurementUnit"]]
        edges = sorted((form["ShortEdge"] * scale, form["LongEdge"] * scale))
        page = tuple(round(e, _DIGITS) for e in edges)
        if form["Orientation"] == "landscape":
            page = page[::-1]
        faces: dict[str, dict[str, Any]] = {}
        for contest, physical in placed:
            for option in physical.get("PhysicalContestOption", []):
                side, target = self._target(contest, option, scale, style)
                face = faces.setdefault(side, {"targets": []})
                face["targets"].append(target)
        marks = {m["Side"] for m in form.get("FiducialMark", [])}
        for side in sorted(marks - set(faces)):
            faces[side] = {"targets": []}
        for side, face in faces.items():
            face["tracks"] = json.loads(_own(form, "tracks", side) or "null") or tracks_among(
                [_box(m, scale) for m in form.get("FiducialMark", []) if m["Side"] == side],
                (page[0], page[1]), where=f"{_WHERE}, style {style}, {side}",
            )
            code = _own(form, "code-marks", side)
            if code:
                face["code"] = json.loads(code)
        return Layout.from_dict({
            "election": election, "style": style, "page_mm": page, "faces": faces,
            "dpi": int(_own(form, "dpi") or 200),
        })

    def _target(
        self, contest: str, option: Json, scale: float, style: str
    ) -> tuple[str, dict[str, Any]]:
        """The side and the target of one option."""
        positions = option["OptionPosition"]
        where = f"{_WHERE}, style {style}, option {option.get('ContestOptionId', '?')}"
        if len(positions) != 1:
            raise ConfigurationError(
                f"one position an option is supported, not {len(positions)}", where=where
            )
        position = positions[0]
        if position.get("Sheet", 1) != 1:
            raise ConfigurationError("ballots of several sheets are not supported", where=where)
        x, y, width, height = _box(position, scale)
        shape = self._shapes.get(position.get("IndicatorId", ""), {"ShapeType": "ellipse"})
        square = shape["ShapeType"] == "rectangle"
        round_ = "circle" if abs(width - height) < 0.01 else "oval"
        return position["Side"], {
            "contest": self._contests[contest],
            "option": self._options[contest][option["ContestOptionId"]],
            "x": x, "y": y, "width": width, "height": height,
            "shape": "square" if square else round_,
            "line_mm": float(shape.get("StrokeWidth", 0.4 / scale)) * scale,
        }

    def _words(self, text: Json | str) -> dict[str, str]:
        """The three languages of a text; those that are missing from another."""
        if isinstance(text, str):
            return dict.fromkeys(_LANGUAGES, text)
        told = {str(t["Language"])[:2].lower(): str(t["Content"]) for t in text["Text"]}
        spare = told.get("en") or next(iter(told.values()))
        return {language: told.get(language, spare) for language in _LANGUAGES}


def _ordered(style: Json) -> Iterator[Json]:
    """The contests of a style, in order, whatever headers stand over them."""
    stack = list(reversed(style.get("OrderedContent", [])))
    while stack:
        part = stack.pop()
        if "ContestId" in part:
            yield part
        else:
            stack += reversed(part.get("OrderedContent", []))


def _hours(election: Json) -> dict[str, Any]:
    """Voting hours and zone; the whole day in UTC where the file says nothing."""
    for schedule in election.get("ContactInformation", {}).get("Schedule", []):
        for hours in schedule.get("Hours", []):
            start, end = str(hours["StartTime"]), str(hours["EndTime"])
            sign = -1 if start[8:9] == "-" else 1
            offset = 0 if start[8:9] == "Z" else sign * (int(start[9:11]) * 60 + int(start[12:14]))
            return {
                "polls_open": start[:8], "polls_close": "23:59:59" if end[:2] == "24" else end[:8],
                "offset_min": offset, "zone": hours.get("Label", f"UTC{start[8:]}"),
            }
    return {"polls_open": "00:00", "polls_close": "23:59:59", "offset_min": 0, "zone": "UTC"}


def _box(thing: Json, scale: float) -> tuple[float, float, float, float]:
    """Centre and size of a bounded object in mm."""
    width, height = thing["W"] * scale, thing["H"] * scale
    x, y = thing["X"] * scale + width / 2, thing["Y"] * scale + height / 2
    return (round(x, _DIGITS), round(y, _DIGITS), round(width, _DIGITS), round(height, _DIGITS))


def _own(thing: Json, kind: str, label: str = "") -> str | None:
    """The value of one of our identifiers, if the thing bears it."""
    for identifier in thing.get("ExternalIdentifier", []):
        if identifier.get("OtherType") == OWN + kind and identifier.get("Label", "") == label:
            return str(identifier["Value"])
    return None


def _slug(text: str) -> str:
    """``text`` as an id: small Latin letters, digits and hyphens, a letter first."""
    return re.sub(r"^[^a-z]+|-+$", "", re.sub(r"[^a-z0-9]+", "-", text.lower()))


def _fresh(name: str, taken: Iterable[str]) -> str:
    """``name``, with a number where it is taken."""
    names, number = set(taken), 2
    fresh = name
    while fresh in names:
        fresh, number = f"{name}-{number}", number + 1
    return fresh
