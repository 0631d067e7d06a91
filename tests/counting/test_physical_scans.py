"""Ballots of other makers, spoilt as offices spoil them: read right or rejected, never misread."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from kalys.ballots.layout import Layout
from kalys.ballots.render import Renderer
from kalys.ballots.sheet import Mark, Paper, Sheet
from kalys.ballots.templates import layouts_for
from kalys.counting.reader import Reader
from kalys.election.definition import load

from .physical_scans import CONDITIONS, Condition, Office, verdict

ACCUVOTE = layouts_for(load("accuvote"))
LETTER = ACCUVOTE["accuvote-letter"]
READER = Reader([LETTER])
MARKS = (Mark("moderator", "M2", "tick"), Mark("school-board", "B4", "slash"),
         Mark("article-2", "NO2", "filled"))


def _scan(orientation: str = "down-head", paper: Paper | None = None,
          layout: Layout = LETTER) -> np.ndarray:
    sheet = Sheet("s", "accuvote", layout.style, MARKS, paper or Paper(), orientation, 5)
    return Renderer([layout], pool=1).scan(sheet)


@pytest.mark.parametrize("condition", CONDITIONS, ids=lambda c: c.name)
def test_no_condition_of_scanning_makes_the_reader_misread(condition: Condition) -> None:
    office = Office("accuvote-letter", seed=3)
    seen = [verdict(office.reader.read(picture), *truth)
            for picture, *truth in (office.scan(condition) for _ in range(4))]
    assert "wrong" not in seen
    spoilt = condition.erased or condition.outside or "all of it" in condition.name
    assert seen.count("right") >= (1 if spoilt else 3)


@pytest.mark.parametrize("style", ["accuvote-letter", "accuvote-legal"])
@pytest.mark.parametrize("orientation", ["down-head", "down-foot", "up-head", "up-foot"])
def test_side_and_orientation_are_known_by_the_targets_where_there_is_no_style_code(
    style: str, orientation: str
) -> None:
    reading = Reader([ACCUVOTE[style]]).read(_scan(orientation, layout=ACCUVOTE[style]))
    assert (reading.status, reading.style, reading.orientation) == ("read", style, orientation)
    marked = {option for options in reading.marks.values() for option in options}
    assert marked == ({"M2", "B4"} if orientation.startswith("down") else {"NO2"})


def test_the_code_of_the_bottom_row_is_reported() -> None:
    track = next(t for t in LETTER.front.tracks if t.coded)
    printed = "".join("0" if i in track.omitted else "1" for i in range(track.count))
    assert READER.read(_scan("down-head")).code == printed
    assert READER.read(_scan("down-foot")).code == printed


def test_a_ballot_with_the_same_timing_marks_and_other_targets_is_foreign() -> None:
    moved = {
        name: face.model_copy(update={"targets": tuple(
            t.model_copy(update={"x": t.x + 6.1, "y": t.y + 6.7}) for t in face.targets
            if t.x < 200
        )})
        for name, face in LETTER.faces.items()
    }
    other = Reader([LETTER.model_copy(update={"style": "other", "faces": moved})])
    assert other.read(_scan()).reason == "foreign"
    assert READER.read(_scan()).read


def test_a_dark_bed_is_no_row_of_timing_marks() -> None:
    """Seen: a page read one row up, its upper marks 'found' in the black bed above it."""
    image = np.zeros((2240, 1740), np.uint8)
    image[30:2230, 20:1720] = _scan(paper=Paper(noise=0.0))
    reading = READER.read(image[14:2224, 10:1720])
    assert reading.read and reading.marks["school-board"] == ("B4",)


@pytest.mark.parametrize(("rows", "columns"), [(12, 9), (-10, 7), (15, -12), (-18, -14)])
@pytest.mark.parametrize("bed", [0, 255])
def test_a_picture_a_little_larger_or_smaller_than_the_page_is_read(
    rows: int, columns: int, bed: int
) -> None:
    image = cv2.copyMakeBorder(_scan(), 20, 20, 20, 20, cv2.BORDER_CONSTANT, value=bed)
    cut = image[10 - rows // 2 : 2230 + rows - rows // 2, 10 - columns // 2 : 1730 + columns]
    cut = cut[: 2200 + rows, : 1700 + columns]
    reading = READER.read(cut)
    assert reading.read and reading.marks["moderator"] == ("M2",)


def test_a_page_far_out_on_a_dark_bed_is_cut_out() -> None:
    image = np.zeros((2500, 1900), np.uint8)
    image[150:2350, 100:1800] = _scan()
    assert READER.read(image).marks["moderator"] == ("M2",)


@pytest.mark.parametrize("level", [90, 130, 170])
def test_bilevel_pictures_are_read(level: int) -> None:
    image = np.where(_scan(paper=Paper(skew_deg=-1.5)) < level, 0, 255).astype(np.uint8)
    assert READER.read(image).marks["moderator"] == ("M2",)


def test_a_batch_reads_what_single_sheets_read() -> None:
    office = Office("accuvote-letter", seed=9)
    hard = replace(CONDITIONS[-2], erased=0.5)
    images = [office.scan(hard)[0] for _ in range(6)]
    images += [np.zeros((2200, 1700), np.uint8), np.full((2200, 1700), 255, np.uint8),
               np.vstack([images[0], np.full((80, images[0].shape[1]), 235, np.uint8)])]
    assert office.reader.read_batch(images) == [office.reader.read(image) for image in images]


def test_any_two_edges_with_timing_marks_place_a_page() -> None:
    for edges in (("left", "right"), ("top", "bottom"), ("left", "top"), ("right", "bottom")):
        faces = {
            name: face.model_copy(update={"tracks": tuple(
                t.model_copy(update={"coded": False, "omitted": ()})
                for t in face.tracks if t.edge in edges
            )})
            for name, face in LETTER.faces.items()
        }
        layout = LETTER.model_copy(update={"faces": faces})
        for orientation in ("down-head", "down-foot"):
            image = _scan(orientation, Paper(skew_deg=1.2, shift_mm=(1.0, -1.5)), layout)
            reading = Reader([layout]).read(image)
            assert reading.read, (edges, orientation, reading.reason)
            assert reading.marks["school-board"] == ("B4",) and reading.orientation == orientation
