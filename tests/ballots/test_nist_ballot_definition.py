"""NIST's Ballot Definition: valid by its schema, there and back, and from other hands."""

from __future__ import annotations

import copy
import json
from datetime import UTC, date, datetime, time
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kalys.ballots.layout import Layout, track_centres
from kalys.ballots.nist_ballot_definition import ballot_definition
from kalys.ballots.nist_ballot_import import read_ballot_definition
from kalys.ballots.nist_fiducials import tracks_among
from kalys.ballots.render import Renderer
from kalys.ballots.sheet import Mark, Sheet
from kalys.ballots.templates import layouts_for
from kalys.counting.reader import Reader
from kalys.election.definition import (
    BallotStyle,
    Contest,
    ElectionDefinition,
    Option,
    Words,
    load,
)
from kalys.errors import ConfigurationError
from kalys.resources import data_root

ELECTION = load("kg-2021-11-28")
WRITTEN = datetime(2021, 11, 1, 9, 30, tzinfo=UTC)


@cache
def _validator() -> Any:
    jsonschema = pytest.importorskip("jsonschema")
    path = data_root().parent / "shared" / "schemas" / "nist-cdf" / "NIST_V1_ballot_definition.json"
    if not path.is_file():
        pytest.skip("the official schemas are not there: ../shared/schemas")
    return jsonschema.Draft7Validator(
        json.loads(path.read_text(encoding="utf-8")),
        format_checker=jsonschema.Draft7Validator.FORMAT_CHECKER,
    )


def _written(definition: ElectionDefinition, layouts: dict[str, Layout]) -> dict[str, Any]:
    return ballot_definition(definition, layouts, generated=WRITTEN)


@pytest.mark.parametrize("name", ["kg-2021-11-28", "kg-training", "accuvote"])
def test_shipped_elections_go_out_valid_and_come_back_without_their_artwork(name: str) -> None:
    definition = load(name)
    layouts = layouts_for(definition)
    data = _written(definition, layouts)
    _validator().validate(data)
    again, geometry = read_ballot_definition(json.dumps(data, ensure_ascii=False).encode())
    assert again == definition
    assert geometry == {style: layout.without_artwork() for style, layout in layouts.items()}


_WORDS = st.builds(Words, ky=st.text(max_size=8), ru=st.text(max_size=8), en=st.text(max_size=8))
_OPTIONS = st.lists(
    st.builds(
        Option, id=st.from_regex(r"[A-Z0-9]{1,8}", fullmatch=True), name=_WORDS,
        kind=st.sampled_from(["party", "candidate", "number", "against-all"]),
    ), min_size=1, max_size=5, unique_by=lambda option: option.id,
).map(tuple)


@st.composite
def _elections(draw: st.DrawFn) -> ElectionDefinition:
    ids = draw(st.lists(st.from_regex(r"[a-z][a-z0-9]{0,9}", fullmatch=True), min_size=1,
                        max_size=3, unique=True))
    contests = tuple(
        Contest(id=own, title=draw(_WORDS), options=draw(_OPTIONS),
                decides_validity=draw(st.booleans()), votes_allowed=draw(st.integers(1, 4)))
        for own in ids
    )
    codes = draw(st.lists(st.integers(0, 255), min_size=1, max_size=3, unique=True))
    styles = tuple(
        BallotStyle(id=f"S-{code}", title=draw(_WORDS), code=code, contests=tuple(
            draw(st.lists(st.sampled_from(ids), min_size=1, max_size=3, unique=True))
        )) for code in codes
    )
    return ElectionDefinition(
        id="e-1", title=draw(_WORDS), country=draw(st.sampled_from(["KG", "US", ""])),
        code=draw(st.integers(0, 63)), date=draw(st.dates(date(2000, 1, 1), date(2100, 1, 1))),
        polls_open=time(draw(st.integers(0, 11)), draw(st.integers(0, 59))),
        polls_close=time(draw(st.integers(12, 23)), draw(st.integers(0, 59))),
        offset_min=draw(st.integers(-48, 56)) * 15, zone="Asia/Bishkek", contests=contests,
        styles=styles, source=draw(st.text(max_size=10)),
    )


@settings(max_examples=25, deadline=None)
@given(_elections())
def test_any_election_goes_out_valid_and_comes_back_the_same(election: ElectionDefinition) -> None:
    data = _written(election, {})
    _validator().validate(data)
    assert read_ballot_definition(data) == (election, {})


def test_a_file_without_our_identifiers_still_gives_a_ballot_that_can_be_read() -> None:
    layouts = layouts_for(ELECTION)
    data = _without_identifiers(_written(ELECTION, layouts))
    definition, geometry = read_ballot_definition(data)
    assert [s.code for s in definition.styles] == [1, 2, 3]
    assert definition.contests[0].title == ELECTION.contests[0].title
    assert [o.name for o in definition.contests[0].options] == [
        o.name for o in ELECTION.contests[0].options
    ]
    for (style, found), (_, known) in zip(geometry.items(), layouts.items(), strict=True):
        assert found.style == style and found.page_mm == known.page_mm
        assert [(t.x, t.y, t.width) for t in found.front.targets] == [
            (t.x, t.y, t.width) for t in known.front.targets
        ]
        for track in known.front.tracks:
            twin = next(t for t in found.front.tracks if t.edge == track.edge)
            assert np.allclose(
                list(track_centres(twin, found.page_mm)), list(track_centres(track, known.page_mm)),
                atol=1e-3,
            )


def _without_identifiers(thing: Any) -> Any:
    if isinstance(thing, dict):
        return {
            k: ([] if k == "ExternalIdentifier" else _without_identifiers(v))
            for k, v in thing.items()
        }
    return [_without_identifiers(part) for part in thing] if isinstance(thing, list) else thing


def test_inches_are_turned_into_millimetres() -> None:
    layouts = layouts_for(ELECTION)
    data = copy.deepcopy(_written(ELECTION, layouts))
    form = data["BallotFormat"][0]
    form["MeasurementUnit"] = "in"
    form["LongEdge"], form["ShortEdge"] = form["LongEdge"] / 25.4, form["ShortEdge"] / 25.4
    things = list(form["FiducialMark"])
    for ordered in data["Election"][0]["BallotStyle"][0]["OrderedContent"][0]["OrderedContent"]:
        for option in ordered["Physical"][0]["PhysicalContestOption"]:
            things += option["OptionPosition"]
    for thing in things:
        for key in ("X", "Y", "W", "H"):
            thing[key] /= 25.4
    _, geometry = read_ballot_definition(data)
    known = layouts["KG-PL"].front.targets
    for found, target in zip(geometry["KG-PL"].front.targets, known, strict=True):
        assert np.allclose((found.x, found.y), (target.x, target.y))


def test_a_ballot_from_a_file_is_rendered_and_read() -> None:
    definition, geometry = read_ballot_definition(_written(ELECTION, layouts_for(ELECTION)))
    layout = geometry["KG-PL"]
    sheet = Sheet("s", definition.id, "KG-PL", (Mark("party", "P07", "cross"),), seed=3)
    reading = Reader([layout]).read(Renderer([layout]).scan(sheet))
    assert reading.read and reading.marks["party"] == ("P07",)


@pytest.mark.parametrize(("change", "told"), [
    (lambda d: d.pop("Election"), "missing"),
    (lambda d: d.update(Election=[]), "no election"),
    (lambda d: d["Election"][0].update(BallotStyle=[]), "no ballot styles"),
    (lambda d: d["Election"][0]["Contest"][0].update(HasRotation=True), "rotate"),
    (lambda d: d["Election"][0].pop("Name"), "Name"),
    (lambda d: d["Election"][0].update(StartDate="soon"), "date"),
    (lambda d: d["BallotFormat"][0].update(MeasurementUnit="ell"), "ell"),
    (lambda d: _first_option(d)["OptionPosition"].append(
        _first_option(d)["OptionPosition"][0]), "one position"),
    (lambda d: _first_option(d)["OptionPosition"][0].update(Sheet=2), "several sheets"),
    (lambda d: _first_option(d)["OptionPosition"][0].update(X=900), "not on the page"),
    (lambda d: _first_option(d).update(ContestOptionId="nobody"), "nobody"),
    (lambda d: d["BallotFormat"][0].update(FiducialMark=[], ExternalIdentifier=[]),
     "rows of timing marks"),
])
def test_what_cannot_be_counted_faithfully_is_refused_in_words(change: Any, told: str) -> None:
    data = copy.deepcopy(_written(ELECTION, layouts_for(ELECTION)))
    change(data)
    with pytest.raises(ConfigurationError, match=told):
        read_ballot_definition(data)


def _first_option(data: dict[str, Any]) -> dict[str, Any]:
    ordered = data["Election"][0]["BallotStyle"][0]["OrderedContent"][0]["OrderedContent"][0]
    option: dict[str, Any] = ordered["Physical"][0]["PhysicalContestOption"][0]
    return option


@pytest.mark.parametrize("data", [b"", b"null", b"[]", b"\x00", b"{}", b"[" * 100_000, b'{"a": 1}'])
def test_what_is_no_ballot_definition_is_refused(data: bytes) -> None:
    with pytest.raises(ConfigurationError, match=r"ballot definition|cannot be read|missing"):
        read_ballot_definition(data)


def test_a_layout_of_another_election_is_not_written() -> None:
    with pytest.raises(ConfigurationError, match="is not one of"):
        _written(ELECTION, layouts_for(load("kg-training")))
    with pytest.raises(ConfigurationError, match="zone"):
        ballot_definition(ELECTION, {}, generated=datetime(2021, 11, 1))  # noqa: DTZ001


@settings(max_examples=60, deadline=None)
@given(
    edge=st.sampled_from(["left", "right", "top", "bottom"]), pitch=st.floats(5, 9),
    count=st.integers(12, 28), data=st.data(),
)
def test_tracks_are_found_with_marks_left_out_and_other_marks_around(
    edge: str, pitch: float, count: int, data: st.DataObject
) -> None:
    page, size = (210.0, 297.0), ((4.0, 1.6) if edge in ("left", "right") else (1.6, 4.0))
    inner = st.integers(1, count - 2)
    omitted = data.draw(st.sets(inner, max_size=(count - 2) // 4))
    places = [20 + i * pitch for i in range(count) if i not in omitted]
    inset = {"left": 9.0, "right": 201.0, "top": 9.0, "bottom": 288.0}[edge]
    marks: list[tuple[float, float, float, float]] = [
        (inset, place, *size) if edge in ("left", "right") else (place, inset, *size)
        for place in places if place < 280
    ]
    other = "top" if edge in ("left", "right") else "left"
    wide = (1.6, 4.0) if other == "top" else (4.0, 1.6)
    marks += [
        (9.0, 25 + 8.0 * i, *wide) if other == "left" else (25 + 8.0 * i, 9.0, *wide)
        for i in range(20)
    ]
    marks += [(100.0, 150.0, 3.0, 3.0), (30.0, 40.0, 9.0, 9.0)]
    tracks = {t["edge"]: t for t in tracks_among(marks, page, where="here")}
    assert set(tracks) == {edge, other}
    found = tracks[edge]
    assert found["pitch"] == pytest.approx(pitch, abs=1e-3)
    assert found["first"] == pytest.approx(20, abs=1e-2)
    assert set(found["omitted"]) == {i for i in omitted if i < found["count"]}
