"""A paper that comes again is drawn once and read once, and looks and counts as it did before; and
memory is bounded, however many papers come again."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace

import numpy as np

from kalys.ballots.deck import volume
from kalys.ballots.templates import layouts_for
from kalys.counting.reader import Reader, Thresholds
from kalys.election.definition import load
from kalys.emulators.paper import Album, Stationery
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


def test_pictures_and_prints_share_their_room_however_many_papers_come_again():
    class Small(Stationery):
        ROOM = 24_000_000
        LEAST_POOL = 1

    sheets = volume(DEFINITION, "KG-PL", 8, 1).sheets
    stationery = Small(LAYOUTS.values())
    for _ in range(3):
        for sheet in sheets:
            stationery.scan(sheet)
            kept, drawing = stationery._album, stationery._drawing(sheet)
            # A print has a margin around the page; one may always be there to be drawn from.
            assert kept.size + 4_300_000 * len(drawing._bases) <= Small.ROOM + 2 * 4_300_000
    assert 0 < kept.size <= Small.ROOM


def test_an_album_lets_go_of_what_did_not_come_for_longest():
    papers = volume(DEFINITION, "KG-PL", 3, 1).sheets
    album = Album(room=2 * 100)
    for paper in (*papers, *papers):
        if album.find(paper) is None:
            album.keep(np.zeros(100, np.uint8))
    assert album.size == 200
    assert [album.find(paper) is not None for paper in papers] == [False, True, True]


def test_a_picture_too_large_for_the_album_is_drawn_again():
    paper = volume(DEFINITION, "KG-PL", 1, 1).sheets[0]
    album = Album(room=50)
    for _ in range(3):
        assert album.find(paper) is None
        assert album.keep(np.zeros(100, np.uint8)).flags.writeable


def test_a_reader_keeps_no_picture_alive():
    stationery = Stationery(LAYOUTS.values())
    remembering = RememberingReader([LAYOUTS["KG-PL"]], Thresholds())
    sheet = volume(DEFINITION, "KG-PL", 1, 1).sheets[0]
    for _ in range(2):
        picture = stationery.scan(sheet)
    remembering.read(picture)
    gone = weakref.ref(picture)
    del picture, stationery
    gc.collect()
    assert gone() is None
