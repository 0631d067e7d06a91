"""Marks that are neither vote nor no vote: given back or taken and recorded; and what is told."""

from __future__ import annotations

import json
from collections.abc import Callable

import cv2
import numpy as np
import pytest

from kalys.ballots.render import Renderer
from kalys.ballots.sheet import Mark, Sheet
from kalys.election.cast_vote_record_reading import read_cast_vote_records, votes_of
from kalys.protocols.urn import mark_text
from kalys.protocols.urn.messages import AMBIGUOUS_MARKS, Op, UrnState
from kalys.resources import data_root

from .conftest import Station, plain_layouts

Make = Callable[..., Station]
MARGINAL = Mark("party", "P02", "dot", {"diameter_mm": 1.19})


def marginal(s: Station, *marks: str) -> Sheet:
    sheet = s.sheet(*marks)
    return Sheet(**{**{f: getattr(sheet, f) for f in sheet.__dataclass_fields__},
                    "marks": (*sheet.marks, MARGINAL)})


def png(image: np.ndarray) -> bytes:
    return cv2.imencode(".png", image)[1].tobytes()


def scan(s: Station, sheet: Sheet) -> bytes:
    return png(Renderer(plain_layouts(s.definition.id)).scan(sheet))


def accept(s: Station) -> None:
    s.login("administrator")
    s.ask(Op.SET_PARAMETER, name=AMBIGUOUS_MARKS, value="accept")


def accepting(station: Make) -> Station:
    """An open urn that takes sheets with marginal marks."""
    s = station(UrnState.STANDBY)
    accept(s)
    s.bring_to(UrnState.OPEN)
    return s


def test_a_sheet_with_a_marginal_mark_is_given_back_unless_the_urn_is_told_otherwise(station):
    s = station(UrnState.OPEN)
    assert s.feed(marginal(s, "party/P01")) == "ambiguous-mark"
    assert s.status()["returned_by"] == "ambiguous-mark=1"


def test_a_marginal_mark_that_is_taken_is_recorded_with_its_fill_and_counts_nothing(station):
    s = accepting(station)
    assert s.feed(marginal(s, "party/P01", "preference/N05")) == "valid"
    assert s.feed(marginal(s, "preference/N05")) == "invalid"
    s.close()
    assert s.votes() == {"party/P01": 1, "preference/N05": 1}
    for record in s.records():
        fill = mark_text.read_marginal(record["marginal"])["party"]["P02"]
        assert 0.045 < fill < 0.09
        assert "party/P02" not in record["marks"]


def test_returns_are_counted_by_reason_and_survive_a_power_cut(station):
    s = station(UrnState.OPEN)
    s.feed(marginal(s, "party/P01"))
    s.feed(s.sheet("party/P01"), s.sheet("party/P02"), overlap_mm=100)
    s.feed(marginal(s, "party/P03"))
    told = mark_text.read_counts(s.status()["returned_by"])
    assert told == {"ambiguous-mark": 2, "double-feed": 1}
    assert sum(told.values()) == s.status()["returned"]
    s.cut_power()
    assert mark_text.read_counts(s.status()["returned_by"]) == told


def test_marginal_marks_survive_a_power_cut(station):
    s = accepting(station)
    s.feed(marginal(s, "party/P01"))
    before = s.status()["valid"]
    s.cut_power()
    s.close()
    (record,) = s.records()
    assert before == 1 and record["marginal"].startswith("party/P02=0.0")


def test_the_parameter_is_a_word_that_only_an_administrator_sets_outside_of_the_polls(station):
    s = station(UrnState.STANDBY)
    told = {row["name"]: row for row in s.ask(Op.PARAMETERS)["items"]}
    assert told[AMBIGUOUS_MARKS] == {"name": AMBIGUOUS_MARKS, "value": "return", "unit": ""}
    assert s.result(Op.SET_PARAMETER, name=AMBIGUOUS_MARKS, value="accept") == "not-authorised"
    s.login("administrator")
    for wrong in ("", "maybe", "1", "ACCEPT"):
        assert s.result(Op.SET_PARAMETER, name=AMBIGUOUS_MARKS, value=wrong) == "bad-fields"
    s.bring_to(UrnState.OPEN)
    s.login("administrator")
    assert s.result(Op.SET_PARAMETER, name=AMBIGUOUS_MARKS, value="accept") == "wrong-state"


def test_setting_it_is_logged_in_words_counted_and_printed(station):
    s = station(UrnState.READY)
    before = s.status()["event_counter"]
    accept(s)
    assert s.status()["event_counter"] == before + 1
    assert s.log()[-1]["event"] == "ambiguous_marks set from return to accept"
    assert "ambiguous_marks = accept" in s.print("parameters")


# Cast vote records


def exported(s: Station) -> bytes:
    size = s.ask(Op.EXPORT_BEGIN, kind="cast-vote-records")["size"]
    data = b""
    while len(data) < size:
        data += s.ask(Op.EXPORT_CHUNK, offset=len(data), length=2048)["data"]
    return data


def test_exported_cast_vote_records_are_the_records_and_say_what_was_marginal(station):
    s = accepting(station)
    for number in range(1, 7):
        s.feed(marginal(s, f"party/P{number + 2:02d}"), seconds=4)
    s.feed(s.sheet("party/P01", "preference/N01"), seconds=4)
    s.close()
    records = read_cast_vote_records(exported(s), s.definition)
    assert [r.id for r in records] == [r["id"] for r in s.records()]
    assert sum(r.places("unknown") == {("party", "P02")} for r in records) == 6
    votes = {f"{c}/{o}": n for (c, o), n in votes_of(records).items()}
    assert votes == s.votes()


def test_their_order_is_that_of_random_ids_and_not_that_of_casting(station):
    s = station(UrnState.OPEN)
    for number in range(1, 9):
        s.feed(s.sheet(f"party/P{number:02d}"), seconds=3)
    s.close()
    data = json.loads(exported(s))
    ids = [record["UniqueId"] for record in data["CVR"]]
    options = [next(iter(r.places("yes")))[1]
               for r in read_cast_vote_records(exported(s), s.definition)]
    assert ids == sorted(ids) and options not in (sorted(options), sorted(options)[::-1])
    assert "08:0" not in json.dumps(data["CVR"]), "no record tells its hour"


@pytest.mark.parametrize("state", [UrnState.STANDBY, UrnState.READY, UrnState.OPEN])
def test_they_cannot_be_had_before_the_polls_are_closed(station, state):
    s = station(state)
    s.login("administrator")
    assert s.result(Op.EXPORT_BEGIN, kind="cast-vote-records") == "wrong-state"
    assert s.result(Op.EXPORT_BEGIN, kind="votes") == "bad-fields"


def test_they_are_valid_by_the_official_schema(station):
    jsonschema = pytest.importorskip("jsonschema")
    path = data_root().parent / "shared" / "schemas" / "nist-cdf" / "NIST_V0_cast_vote_records.json"
    if not path.is_file():
        pytest.skip("the official schemas are not there: ../shared/schemas")
    s = accepting(station)
    s.feed(marginal(s, "party/P01"))
    s.feed(s.sheet("party/P01", "party/P03", "preference/N05"))
    s.close()
    jsonschema.Draft4Validator(
        json.loads(path.read_text(encoding="utf-8")),
        format_checker=jsonschema.Draft4Validator.FORMAT_CHECKER,
    ).validate(json.loads(exported(s)))


# Pictures instead of paper


def test_a_picture_is_read_as_the_sheet_would_be_and_counts_nothing(station):
    s = station(UrnState.TEST)
    before = s.status()
    assert s.load("image", scan(s, s.sheet("party/P05", "preference/N07"))) == "ok"
    answer = s.ask(Op.READ_IMAGE)
    assert answer == {"status": "read", "reason": "", "valid": True,
                      "marks": "party/P05;preference/N07", "marginal": ""}
    assert s.ask(Op.READ_IMAGE) == answer
    assert s.load("image", scan(s, marginal(s, "party/P05"))) == "ok"
    assert s.ask(Op.READ_IMAGE)["reason"] == "ambiguous-mark"
    assert s.status() == before and s.records() == []
    events = [entry["event"] for entry in s.log()]
    assert events.count("picture read by the counting core") == 3
    assert events.count("picture of a sheet added") == 2


def test_with_ambiguous_marks_taken_a_picture_shows_them(station):
    s = station(UrnState.STANDBY)
    accept(s)
    s.bring_to(UrnState.TEST)
    s.load("image", scan(s, marginal(s, "party/P05")))
    answer = s.ask(Op.READ_IMAGE)
    assert answer["status"] == "read" and answer["marginal"].startswith("party/P02=0.0")


@pytest.mark.parametrize("state", [s for s in UrnState if s is not UrnState.TEST])
def test_pictures_are_taken_in_test_mode_only(station, state):
    s = station(state)
    s.login("administrator")
    refused = "fault" if state is UrnState.FAULT else "wrong-state"
    assert s.load("image", b"x") == refused
    assert s.result(Op.READ_IMAGE) == refused


def test_pictures_are_taken_from_an_administrator_only_and_forgotten_with_the_state(station):
    s = station(UrnState.TEST)
    picture = scan(s, s.sheet("party/P05"))
    assert s.load("image", picture) == "ok"
    s.login("operator")
    assert s.load("image", picture) == "not-authorised"
    assert s.result(Op.READ_IMAGE) == "not-authorised"
    s.login("administrator")
    s.ask(Op.TEST_MODE, on=False)
    s.ask(Op.TEST_MODE, on=True)
    assert s.result(Op.READ_IMAGE) == "wrong-state"


def test_what_is_no_picture_of_a_sheet_is_refused_or_rejected_and_nothing_breaks(station):
    s = station(UrnState.TEST)
    bomb = b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR" + (60_000).to_bytes(4, "big") * 2
    cut_short = png(np.zeros((9, 9), np.uint8))[:40]
    for broken in (b"not a picture", b"\x89PNG\r\n\x1a\n", bomb, cut_short):
        assert s.load("image", broken) == "bad-definition"
    assert s.result(Op.READ_IMAGE) == "wrong-state"
    for image in (np.zeros((9, 9), np.uint8), np.full((2339, 1654), 255, np.uint8)):
        assert s.load("image", png(image)) == "ok"
        answer = s.ask(Op.READ_IMAGE)
        assert answer["status"] == "rejected" and answer["marks"] == ""
