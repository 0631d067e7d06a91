"""Ballots with targets on both sides: decks with truth, what is seen of them, pages to print."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kalys.ballots.deck import build, coverage, foreign, logic_and_accuracy, tails, volume
from kalys.ballots.deck_file import load_deck
from kalys.ballots.layout import Layout
from kalys.ballots.printing import contact_sheet, deck_pdf, instructions_pdf
from kalys.ballots.render import Renderer
from kalys.ballots.sheet import ORIENTATIONS, Mark, Paper, Sheet, physical_sheet
from kalys.ballots.templates import layouts_for
from kalys.counting.reader import Reader
from kalys.counting.sides import merged
from kalys.election.definition import load
from kalys.errors import ConfigurationError

ELECTION = load("accuvote")
LAYOUTS = layouts_for(ELECTION)
STYLE = "accuvote-letter"
LETTER = LAYOUTS[STYLE]
RENDERER = Renderer(LAYOUTS, pool=12)
READER = Reader([LETTER])


def test_the_layout_knows_its_sides_and_where_an_option_stands() -> None:
    assert LETTER.sides == 2
    assert (LETTER.side_of("moderator", "M1"), LETTER.side_of("article-1", "NO1")) == (
        "front", "back"
    )
    assert len(LETTER.targets) == sum(len(c.options) for c in ELECTION.style_contests(STYLE))
    data = LETTER.to_dict()
    data["faces"]["back"]["targets"].append({**data["faces"]["front"]["targets"][0], "y": 230.0})
    with pytest.raises(ConfigurationError, match="a target on the front and one on the back"):
        Layout.from_dict(data)


@pytest.mark.parametrize("build_", [logic_and_accuracy, coverage])
def test_every_option_of_both_faces_is_active_in_four_orientations(build_) -> None:
    found = build_(ELECTION, STYLE, 3).coverage()
    assert found.missing == () and found.share == 1.0
    assert all(
        set(by) == set(ORIENTATIONS) for options in found.count.values() for by in options.values()
    )


def test_a_volume_goes_through_all_orientations_with_few_geometries_at_a_time() -> None:
    deck = volume(ELECTION, STYLE, 256, 5)
    part = [deck[i] for i in range(64)]
    assert {sheet.orientation for sheet in part} == set(ORIENTATIONS)
    assert len({(s.paper.skew_deg, s.paper.stretch) for s in part}) <= 4
    assert len({(s.paper.skew_deg, s.paper.stretch) for s in deck}) > 12


@pytest.mark.parametrize(("kind", "n"), [("logic-and-accuracy", 0), ("volume", 24), ("folds", 12)])
def test_the_truth_of_a_deck_is_what_is_read_of_both_sides(kind: str, n: int) -> None:
    for sheet in build(kind, ELECTION, STYLE, n=max(1, n), seed=4):
        if sheet.truth is None or not sheet.truth.counted:
            continue
        reading = merged(READER, *READER.read_batch(list(RENDERER.seen(sheet, 2))))
        assert reading.read, (sheet.id, reading.reason)
        assert {c: set(o) for c, o in reading.marks.items()} == {
            c: set(o) for c, o in sheet.truth.marks.items()
        }, sheet.id


def test_sides_that_do_not_belong_together_are_in_the_foreign_deck_and_come_back() -> None:
    deck = foreign(ELECTION, STYLE, 10, 1)
    mixed = [sheet for sheet in deck if sheet.printed]
    assert {sheet.printed for sheet in mixed} == {("front", "front"), ("back", "back")}
    for sheet in mixed:
        assert sheet.truth is not None and sheet.truth.kind == "return"
        assert physical_sheet(sheet.physical()).printed == sheet.printed
        assert not merged(READER, *READER.read_batch(list(RENDERER.seen(sheet, 2)))).read


def test_tails_reach_into_neighbours_on_either_face() -> None:
    deck = tails(ELECTION, STYLE, 60, 2)
    assert {LETTER.side_of(s.marks[0].contest, s.marks[0].option) for s in deck} == {
        "front", "back"
    }


def test_both_sides_are_drawn_into_one_array() -> None:
    sheet = Sheet("s", ELECTION.id, STYLE, (Mark("moderator", "M2", "tick"),), Paper(skew_deg=1.0),
                  seed=3)
    page = np.empty((2, *LETTER.shape), np.uint8)
    assert RENDERER.seen(sheet, 2, out=page) is page
    lower, upper = RENDERER.scan_sides(sheet)
    assert (page[0] == lower).all() and (page[1] == upper).all()
    assert (RENDERER.seen(sheet, 1) == lower).all()


@pytest.mark.parametrize("printed", [["front"], [1, 2], ["front", "inside"], ["front", "X/back"]])
def test_a_misprint_of_what_there_is_not_is_refused(printed: list[object]) -> None:
    with pytest.raises(ConfigurationError):
        RENDERER.seen(physical_sheet({
            "id": "s", "election": ELECTION.id, "style": STYLE, "printed": printed,
        }), 2)


def test_a_deck_has_two_pages_a_sheet_and_comes_back_from_its_file(tmp_path: Path) -> None:
    deck = foreign(ELECTION, STYLE, 5, 1)
    deck.save(tmp_path / "deck.jsonl")
    assert [s.printed for s in load_deck(tmp_path / "deck.jsonl", ELECTION)] == [
        s.printed for s in deck
    ]
    deck_pdf(deck, LAYOUTS, tmp_path / "deck.pdf")
    instructions_pdf(deck, tmp_path / "instructions.pdf")
    contact_sheet(deck, LAYOUTS, tmp_path / "contact.png")
    assert b"/Count 10" in (tmp_path / "deck.pdf").read_bytes()


def test_of_a_sheet_with_one_side_nothing_more_is_told() -> None:
    sheet = Sheet("s", "kg-2021-11-28", "KG-PL")
    assert "printed" not in sheet.to_dict() and "printed" not in sheet.physical()
