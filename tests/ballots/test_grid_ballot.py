"""Layouts from columns and rows alone, and layouts from any file that describes one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from kalys.ballots.grid_ballot import election_layouts, grid_layout
from kalys.ballots.layout_file import read_layout
from kalys.errors import ConfigurationError

GRID = {"style": "card-5", "paper": "legal",
        "faces": {"front": {"governor": {"a": [12, 9], "b": [19, 8.5]}}}}
POSITIONS = [
    {"type": "option", "sheetNumber": 1, "side": "front", "column": 12, "row": 9,
     "contestId": "governor", "optionId": "a"},
    {"type": "write-in", "sheetNumber": 1, "side": "back", "column": 26.5, "row": 4,
     "contestId": "sheriff", "writeInIndex": 0},
]
ELECTION = {"id": "town", "ballotLayout": {"paperSize": "custom-8.5x17"},
            "gridLayouts": [{"ballotStyleId": "card-5", "gridPositions": POSITIONS}]}


def test_marks_are_a_quarter_inch_apart_and_the_rows_follow_from_the_paper() -> None:
    layout = grid_layout(GRID)
    tracks = {track.edge: track for track in layout.front.tracks}
    assert (tracks["top"].count, tracks["left"].count) == (34, 53)
    assert tracks["bottom"].coded and not tracks["top"].coded
    assert tracks["left"].inset == pytest.approx(3.175)
    target = layout.target("governor", "b")
    assert (target.x, target.y) == pytest.approx((3.175 + 19 * 6.35, 12.7 + 8.5 * 6.35))


def test_an_election_file_with_grid_layouts_is_read() -> None:
    layout = election_layouts(ELECTION)["card-5"]
    assert layout.page_mm == pytest.approx((215.9, 431.8))
    assert layout.target("sheriff", "write-in-0").x == pytest.approx(3.175 + 26.5 * 6.35)
    assert set(layout.faces) == {"front", "back"}


@pytest.mark.parametrize(("change", "told"), [
    ({"paper": "foolscap"}, "no such paper"), ({"faces": {}}, "0|no"),
    ({"colour": "red"}, "colour"), ({"faces": {"front": {"g": {"a": [99, 9]}}}}, "not on the page"),
])
def test_a_grid_ballot_that_is_wrong_names_the_field(change: dict, told: str) -> None:
    if change == {"faces": {}}:
        assert grid_layout({**GRID, **change}).faces == {}
        return
    with pytest.raises(ConfigurationError, match=told):
        grid_layout({**GRID, **change})


def test_an_election_file_of_several_sheets_or_of_another_kind_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="gridLayouts"):
        election_layouts({"gridLayouts": [{}]})
    two = {**ELECTION, "gridLayouts": [{"ballotStyleId": "x", "gridPositions": [
        {**POSITIONS[0], "sheetNumber": 2}]}]}
    with pytest.raises(ConfigurationError, match="more than one sheet"):
        election_layouts(two)


def test_any_file_that_describes_a_ballot_is_read(tmp_path: Path) -> None:
    layout = grid_layout(GRID)
    files = {
        "grid.yaml": yaml.safe_dump(GRID), "whole.json": json.dumps(layout.to_dict()),
        "election.json": json.dumps(ELECTION),
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        assert read_layout(tmp_path / name).style == "card-5"
    assert read_layout("KG-PL").style == "KG-PL"


@pytest.mark.parametrize(("text", "told"), [
    ("[1, 2]", "describes no ballot"), ("{", "not valid JSON"), ("", "not valid JSON"),
])
def test_a_file_that_describes_none_says_so(text: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=told):
        read_layout(path)


def test_an_unknown_name_lists_the_shipped_ones() -> None:
    with pytest.raises(ConfigurationError, match="KG-PL"):
        read_layout("KG-PX")


def test_yes_and_no_are_names_of_options() -> None:
    text = "style: q\nfaces: {front: {q1: {yes: [27, 6], no: [31, 6]}}}"
    layout = grid_layout(yaml.safe_load(text))
    assert [target.option for target in layout.front.targets] == ["yes", "no"]
