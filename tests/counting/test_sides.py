"""Both sides of a sheet are one record; two sheets are never taken for one."""

from __future__ import annotations

import numpy as np
import pytest

from kalys.ballots.render import Renderer
from kalys.ballots.sheet import Mark, Paper, Sheet
from kalys.ballots.templates import layouts_for
from kalys.counting.reader import Reader
from kalys.counting.sides import read_sides
from kalys.election.definition import load

LETTER = layouts_for(load("accuvote"))["accuvote-letter"]
READER = Reader([LETTER])
RENDERER = Renderer([LETTER], pool=8)
MARKS = (Mark("moderator", "M2", "tick"), Mark("article-2", "NO2", "filled"))
ONE_SIDED = layouts_for(load("kg-2021-11-28"))["KG-PL"]


def _sides(orientation: str = "down-head", *marks: Mark) -> tuple[np.ndarray, np.ndarray]:
    paper = Paper(skew_deg=1.2, shift_mm=(1.0, -1.5))
    return RENDERER.scan_sides(
        Sheet("s", "accuvote", LETTER.style, marks or MARKS, paper, orientation, 4)
    )


@pytest.mark.parametrize("orientation", ["down-head", "down-foot", "up-head", "up-foot"])
def test_marks_of_both_faces_are_one_record_whichever_side_lies_below(orientation: str) -> None:
    reading = read_sides(READER, *_sides(orientation))
    assert reading.read and reading.orientation == orientation
    assert reading.marks["moderator"] == ("M2",) and reading.marks["article-2"] == ("NO2",)
    every = {(t.contest, t.option) for face in LETTER.faces.values() for t in face.targets}
    assert {(c, o) for c, fills in reading.fills.items() for o in fills} == every


def test_every_option_of_either_face_is_read_on_its_own() -> None:
    for face in LETTER.faces.values():
        for target in face.targets[:: 3]:
            mark = Mark(target.contest, target.option, "cross")
            reading = read_sides(READER, *_sides("down-head", mark))
            marked = {c: options for c, options in reading.marks.items() if options}
            assert marked == {target.contest: (target.option,)}


def test_two_fronts_two_backs_or_two_ends_are_two_sheets() -> None:
    front, back = _sides()
    turned_front, turned_back = _sides("down-foot")
    for pair in ((front, front), (back, back), (front, turned_back), (turned_front, back)):
        reading = read_sides(READER, *pair)
        assert (reading.status, reading.reason) == ("rejected", "double-feed")
        assert not reading.marks


def test_a_side_that_cannot_be_read_spoils_the_sheet() -> None:
    front, back = _sides()
    for spoilt, reason in ((np.full_like(back, 235), "wrong-side"),
                           (np.zeros_like(back), "unreadable")):
        assert read_sides(READER, front, spoilt).reason == reason
        assert read_sides(READER, spoilt, back).reason == reason


def test_an_ambiguous_mark_on_either_side_sends_the_sheet_back_and_is_named() -> None:
    dash = Mark("article-1", "YES1", "dash", {"length_mm": 0.9, "width_mm": 0.5})
    reading = read_sides(READER, *_sides("down-head", MARKS[0], dash))
    assert (reading.status, reading.ambiguous) == ("rejected", ("article-1/YES1",))


def test_a_ballot_printed_on_one_side_needs_the_other_to_be_empty() -> None:
    reader, renderer = Reader([ONE_SIDED]), Renderer([ONE_SIDED], pool=2)
    sheet = Sheet("s", ONE_SIDED.election, "KG-PL", (Mark("party", "P05", "cross"),))
    lower, upper = renderer.scan_sides(sheet)
    assert read_sides(reader, lower, upper).marks["party"] == ("P05",)
    assert read_sides(reader, upper, lower).marks["party"] == ("P05",)
    assert read_sides(reader, lower, lower).reason == "double-feed"
    assert read_sides(reader, upper, upper).reason == "wrong-side"
