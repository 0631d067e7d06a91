"""A paper that comes again is drawn once and read once, and looks and counts as it did before."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kalys.ballots.deck import volume
from kalys.ballots.templates import layouts_for
from kalys.counting.reader import Reader, Thresholds
from kalys.election.definition import load
from kalys.emulators.paper import Stationery
from kalys.emulators.urn.counting_core import RememberingReader

DEFINITION = load("kg-2021-11-28")
LAYOUTS = layouts_for(DEFINITION)


def test_the_same_paper_gives_the_same_picture_whatever_its_number():
    sheets = volume(DEFINITION, "KG-PL", 3, 1).sheets
    stationery = Stationery(LAYOUTS.values())
    first = [stationery.scan(sheet) for sheet in sheets]
    again = [stationery.scan(replace(sheet, id="another")) for sheet in sheets]
    third = [stationery.scan(replace(sheet, id="a third")) for sheet in sheets]
    for one, two, three in zip(first, again, third, strict=True):
        assert np.array_equal(one, two)
        assert three is two


def test_other_marks_or_other_paper_are_another_picture():
    sheet = volume(DEFINITION, "KG-PL", 1, 1).sheets[0]
    stationery = Stationery(LAYOUTS.values())
    usual = [stationery.scan(sheet) for _ in range(3)][-1]
    for other in (
        replace(sheet, marks=()), replace(sheet, seed=sheet.seed ^ 1),
        replace(sheet, orientation="up-head"),
        replace(sheet, paper=replace(sheet.paper, skew_deg=sheet.paper.skew_deg + 1)),
    ):
        assert not np.array_equal(stationery.scan(other), usual)


def test_a_picture_that_nobody_can_change_is_read_once_and_as_ever():
    sheets = volume(DEFINITION, "KG-PL", 4, 1).sheets
    stationery = Stationery(LAYOUTS.values())
    thresholds = Thresholds()
    plain = Reader([LAYOUTS["KG-PL"]], thresholds)
    remembering = RememberingReader([LAYOUTS["KG-PL"]], thresholds)
    for _ in range(3):
        for sheet in sheets:
            picture = stationery.scan(sheet)
            reading = remembering.read(picture)
            assert reading.marks == plain.read(picture).marks
            assert picture.flags.writeable or remembering.read(picture) is reading
