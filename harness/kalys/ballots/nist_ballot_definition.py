"""An election and its layouts in NIST's Ballot Definition format: SP 1500-20, version 1.0.0, JSON.

Contests, options, candidates, parties and styles become the format's own objects; so do targets
(``OptionPosition``), timing and code marks (``FiducialMark``) and voting hours (``Schedule``). What
the format has no word for stands in an ``ExternalIdentifier`` of type "other" whose ``OtherType``
begins with "kalys-": codes, ids, the rule of validity, resolution, and the tracks as tracks. Other
programs can leave those out; ``kalys.ballots.nist_ballot_import`` then does without them.

A bounded object is given by the upper left corner of its box (``X``, ``Y``), its width and height,
in mm, from the upper left corner of the page as a reader of the print holds it. Artwork (texts,
lines, boxes) has no place in the format and is not written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, time
from typing import Any

from kalys.ballots.layout import Face, Layout, Target, track_centres
from kalys.election.definition import (
    BallotStyle,
    Contest,
    ElectionDefinition,
    Option,
    Words,
)
from kalys.errors import ConfigurationError

VERSION = "1.0.0"
OWN = "kalys-"
"""How the ``OtherType`` of our own identifiers begins."""
SCOPE = "unit-country"
_DIGITS = 6


def ballot_definition(
    definition: ElectionDefinition, layouts: Mapping[str, Layout], *, generated: datetime,
    issuer: str = "Kalys", application: str = "Kalys",
) -> dict[str, Any]:
    """The whole definition as plain data. ``layouts`` by style; styles without one are written
    without geometry. ``generated`` must bear its zone.

    Raises ConfigurationError for a layout of another election or style.
    """
    if generated.tzinfo is None:
        raise ConfigurationError("the time needs its zone", where="ballot definition")
    for style, layout in layouts.items():
        if (layout.election, layout.style) != (definition.id, style):
            raise ConfigurationError(
                f"the layout of {layout.election}/{layout.style} is not one of "
                f"{definition.id}/{style}", where="ballot definition",
            )
    targets = [t for layout in layouts.values() for f in layout.faces.values() for t in f.targets]
    whole = _plain(
        "BallotDefinition", Version=VERSION, VendorApplicationId=application, Issuer=issuer,
        IssuerAbbreviation=issuer, SequenceStart=1, SequenceEnd=1,
        GeneratedDate=generated.isoformat(timespec="seconds"), Notes=definition.source,
        GpUnit=[_thing("ReportingUnit", SCOPE, Type="country",
                       ExternalIdentifier=[own("country", definition.country)])],
        Party=[
            _thing("Party", _party(contest, option), Name=_words(option.name),
                   ExternalIdentifier=[own("option", option.id)])
            for contest in definition.contests for option in contest.options
            if option.kind == "party"
        ],
        Header=[
            _thing("Header", _header(style), Name=_words(style.title))
            for style in definition.styles
        ],
        BallotFormat=[_format(layouts[s.id]) for s in definition.styles if s.id in layouts],
        Shape=_shapes(targets),
        Election=[_election(definition, layouts)],
    )
    return {key: value for key, value in whole.items() if value not in ([], "")}


def own(kind: str, value: object, label: str = "") -> dict[str, Any]:
    """One of our identifiers; anything but text is written as JSON."""
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    told = _plain("ExternalIdentifier", Type="other", OtherType=OWN + kind, Value=text)
    return {**told, "Label": label} if label else told


def _election(definition: ElectionDefinition, layouts: Mapping[str, Layout]) -> dict[str, Any]:
    day = definition.date.isoformat()
    zone = definition.opens.strftime("%z")
    zone = f"{zone[:3]}:{zone[3:5]}"
    hours = _plain(
        "Hours", StartTime=f"{_clock(definition.polls_open)}{zone}",
        EndTime=f"{_clock(definition.polls_close)}{zone}", Label=definition.zone,
    )
    schedule = _plain("Schedule", StartDate=day, EndDate=day, Hours=[hours])
    return _plain(
        "Election", ElectionScopeId=SCOPE, StartDate=day, EndDate=day, Type="general",
        Name=_words(definition.title),
        ExternalIdentifier=[own("election", definition.id), own("code", definition.code)],
        ContactInformation=_plain("ContactInformation", Schedule=[schedule]),
        Candidate=[
            _thing("Candidate", _candidate(contest, option), BallotName=_words(option.name))
            for contest in definition.contests for option in contest.options
            if option.kind == "candidate"
        ],
        Contest=[_contest(contest, i) for i, contest in enumerate(definition.contests, 1)],
        BallotStyle=[
            _style(definition, style, layouts.get(style.id)) for style in definition.styles
        ],
    )


def _contest(contest: Contest, order: int) -> dict[str, Any]:
    party = any(option.kind == "party" for option in contest.options)
    told = _thing(
        "PartyContest" if party else "CandidateContest", _contest_id(contest.id),
        Name=contest.title.en, BallotTitle=_words(contest.title), SequenceOrder=order,
        ElectionDistrictId=SCOPE, HasRotation=False,
        VoteVariation="plurality" if contest.votes_allowed == 1 else "n-of-m",
        ContestOption=[_option(contest, o, i) for i, o in enumerate(contest.options, 1)],
        ExternalIdentifier=[
            own("contest", contest.id), own("decides-validity", contest.decides_validity),
            own("votes-allowed", contest.votes_allowed),
        ],
    )
    return told if party else {**told, "VotesAllowed": contest.votes_allowed}


def _option(contest: Contest, option: Option, order: int) -> dict[str, Any]:
    told: dict[str, Any] = {
        "SequenceOrder": order,
        "ExternalIdentifier": [own("option", option.id), own("kind", option.kind)],
    }
    name = _option_id(contest.id, option.id)
    if option.kind == "party":
        return _thing("PartyOption", name, PartyIds=[_party(contest, option)], **told)
    if option.kind == "candidate":
        return _thing("CandidateOption", name, CandidateIds=[_candidate(contest, option)], **told)
    return _thing("BallotMeasureOption", name, Selection=_words(option.name), **told)


def _style(
    definition: ElectionDefinition, style: BallotStyle, layout: Layout | None
) -> dict[str, Any]:
    ordered = [
        _ordered(contest, layout) for contest in definition.style_contests(style.id)
    ]
    return _plain(
        "BallotStyle", GpUnitIds=[SCOPE],
        ExternalIdentifier=[own("style", style.id), own("code", style.code)],
        OrderedContent=[
            _plain("OrderedHeader", HeaderId=_header(style), OrderedContent=ordered)
        ],
    )


def _ordered(contest: Contest, layout: Layout | None) -> dict[str, Any]:
    told = _plain(
        "OrderedContest", ContestId=_contest_id(contest.id),
        OrderedContestOptionIds=[_option_id(contest.id, o) for o in contest.option_ids],
    )
    if layout is None:
        return told
    options = [
        _plain("PhysicalContestOption", ContestOptionId=_option_id(contest.id, target.option),
               OptionPosition=[_plain(
                   "OptionPosition", NumberVotes=1, IndicatorId=_shape_id(target),
                   **_bounds(target.x, target.y, target.width, target.height, side),
               )])
        for side, face in layout.faces.items() for target in face.targets
        if target.contest == contest.id
    ]
    physical = _plain("PhysicalContest", BallotFormatId=_format_id(layout.style),
                      PhysicalContestOption=options)
    return {**told, "Physical": [physical]}


def _format(layout: Layout) -> dict[str, Any]:
    width, height = layout.page_mm
    identifiers = [own("style", layout.style), own("dpi", layout.dpi)]
    marks: list[dict[str, Any]] = []
    for side, face in layout.faces.items():
        plain = face.model_dump(mode="json", exclude_defaults=True)
        identifiers.append(own("tracks", plain["tracks"], side))
        if face.code is not None:
            identifiers.append(own("code-marks", plain["code"], side))
        marks += _fiducials(face, layout.page_mm, side)
    return _thing(
        "BallotFormat", _format_id(layout.style), ExternalIdentifier=identifiers,
        LongEdge=max(width, height), ShortEdge=min(width, height), MeasurementUnit="mm",
        Orientation="landscape" if width > height else "portrait", SelectionCaptureMethod="omr",
        FiducialMark=marks,
    )


def _fiducials(face: Face, page_mm: tuple[float, float], side: str) -> list[dict[str, Any]]:
    """Timing marks and the dark cells of the code."""
    marks = [
        _plain("FiducialMark", ShapeId="shape-timing", **_bounds(x, y, *track.mark_mm, side))
        for track in face.tracks for _, x, y in track_centres(track, page_mm)
    ]
    code = face.code
    if code is not None:
        marks += [
            _plain("FiducialMark", ShapeId="shape-code",
                   **_bounds(code.x + i * code.pitch, code.y, *code.mark_mm, side))
            for i, bit in enumerate(code.bits) if bit == "1"
        ]
    return marks


def _shapes(targets: list[Target]) -> list[dict[str, Any]]:
    if not targets:
        return []
    shapes = {
        name: _thing("Shape", name, ShapeType="rectangle", FillColor="000000")
        for name in ("shape-timing", "shape-code")
    }
    for target in targets:
        kind = "rectangle" if target.shape == "square" else "ellipse"
        shapes[_shape_id(target)] = _thing(
            "Shape", _shape_id(target), ShapeType=kind, StrokeColor="000000",
            StrokeWidth=target.line_mm,
        )
    return list(shapes.values())


def _bounds(x: float, y: float, width: float, height: float, side: str) -> dict[str, Any]:
    return {
        "X": round(x - width / 2, _DIGITS), "Y": round(y - height / 2, _DIGITS),
        "W": round(width, _DIGITS), "H": round(height, _DIGITS), "Side": side, "Sheet": 1,
    }


def _clock(at: time) -> str:
    return at.isoformat(timespec="seconds")


def _words(words: Words) -> dict[str, Any]:
    return _plain("InternationalizedText", Text=[
        _plain("LanguageString", Language=language, Content=getattr(words, language))
        for language in ("ky", "ru", "en")
    ])


def _contest_id(contest: str) -> str:
    return f"contest-{contest}"


def _option_id(contest: str, option: str) -> str:
    return f"option-{contest}-{option}"


def _party(contest: Contest, option: Option) -> str:
    return f"party-{contest.id}-{option.id}"


def _candidate(contest: Contest, option: Option) -> str:
    return f"candidate-{contest.id}-{option.id}"


def _header(style: BallotStyle) -> str:
    return f"header-{style.id}"


def _format_id(style: str) -> str:
    return f"format-{style}"


def _shape_id(target: Target) -> str:
    return f"shape-{target.shape}-{target.line_mm:g}"


def _plain(name: str, **fields: Any) -> dict[str, Any]:
    return {"@type": f"BallotDefinition.{name}", **fields}


def _thing(name: str, own_id: str, **fields: Any) -> dict[str, Any]:
    return {"@id": own_id, "@type": f"BallotDefinition.{name}", **fields}
