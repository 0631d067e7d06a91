"""Layouts as data, their style codes, and the package that is loaded into an urn."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalys.ballots.layout import Layout, grid_point
from kalys.ballots.package import package_sha256, read_package, urn_package
from kalys.ballots.style_code import code_bits, decode_bits
from kalys.ballots.templates import layouts_for
from kalys.election.definition import ElectionDefinition, load
from kalys.errors import ConfigurationError


def test_every_option_of_every_style_has_a_target(
    election: ElectionDefinition, layouts: dict[str, Layout]
) -> None:
    for style in election.styles:
        wanted = {(c.id, o) for c in election.style_contests(style.id) for o in c.option_ids}
        assert {(t.contest, t.option) for t in layouts[style.id].front.targets} == wanted


def test_a_layout_survives_json(layouts: dict[str, Layout]) -> None:
    for layout in layouts.values():
        assert Layout.from_dict(json.loads(json.dumps(layout.to_dict()))) == layout
        assert layout.shape == (2339, 1654)


@pytest.mark.parametrize(("change", "told"), [
    (lambda d: d["faces"]["front"]["targets"][0].update(x=500), "not on the page"),
    (lambda d: d["faces"]["front"]["targets"][0].update(
        x=d["faces"]["front"]["targets"][1]["x"],
        y=d["faces"]["front"]["targets"][1]["y"]), "overlap"),
    (lambda d: d["faces"]["front"]["targets"][0].update(x=208), "party/P01 is not on the page"),
    (lambda d: d["faces"]["front"]["targets"][0].update(x=float("nan")), "targets.0.x"),
    (lambda d: d["faces"]["front"].update(tracks=[]), "left and right"),
    (lambda d: d["faces"]["front"]["tracks"][0].update(pitch=1.5), "no timing marks"),
    (lambda d: d["faces"]["front"]["tracks"][0].update(count=5), "at least 8"),
    (lambda d: d["faces"]["front"]["tracks"][0].update(count=60), "left timing mark"),
    (lambda d: d["faces"]["front"]["tracks"][1].update(edge="left"), "two tracks"),
    (lambda d: d["faces"]["front"]["code"].update(x=170), "the code is not on the page"),
    (lambda d: d["faces"]["front"]["targets"][0].update(x=12.5), "P01 lies on left timing mark"),
    (lambda d: d["faces"]["front"]["targets"][0].update(x=75, y=20), "lies on the style code"),
    (lambda d: d.update(page_mm=[210000, 297000]), "a page of 210000 x 297000 mm"),
    (lambda d: d.update(page_mm=[20, 30]), "50 to 1200 mm"),
    (lambda d: d.update(pages=2), "pages"),
    (lambda d: d["faces"]["front"]["targets"].append(
        d["faces"]["front"]["targets"][0] | {"y": 20, "x": 40}), "two targets"),
])
def test_a_layout_that_cannot_be_printed_is_refused_in_words(
    layouts: dict[str, Layout], change: Any, told: str
) -> None:
    data = copy.deepcopy(layouts["KG-PL"].to_dict())
    change(data)
    with pytest.raises(ConfigurationError, match=told):
        Layout.from_dict(data)


def test_targets_that_overlap_are_named(layouts: dict[str, Layout]) -> None:
    data = copy.deepcopy(layouts["KG-PL"].to_dict())
    data["faces"]["front"]["targets"][5]["y"] += 3
    with pytest.raises(ConfigurationError, match="party/P06 and party/P07 overlap"):
        Layout.from_dict(data)


def test_a_layout_of_ten_thousand_targets_is_checked_at_once(layouts: dict[str, Layout]) -> None:
    data = copy.deepcopy(layouts["KG-PL"].to_dict())
    targets = [
        {"contest": "c", "option": f"o{i}", "x": 35 + i % 100 * 1.4, "y": 60 + i // 100 * 1.9,
         "width": 1.2, "height": 1.2, "shape": "circle", "line_mm": 0.1} for i in range(10_000)
    ]
    data["faces"]["front"]["targets"] = targets
    assert len(Layout.from_dict(data).targets) == 10_000
    targets[9_999]["y"] -= 1
    with pytest.raises(ConfigurationError, match="c/o9899 and c/o9999 overlap"):
        Layout.from_dict(data)


def test_a_layout_serves_any_resolution_and_needs_no_code(layouts: dict[str, Layout]) -> None:
    assert layouts["KG-PL"].at(300).shape == (3508, 2480)
    data = copy.deepcopy(layouts["KG-PL"].to_dict())
    del data["faces"]["front"]["code"]
    assert Layout.from_dict(data).front.code is None
    with pytest.raises(ConfigurationError, match="dpi"):
        layouts["KG-PL"].at(1200)


@pytest.mark.parametrize(("style", "rows", "shape"), [
    ("accuvote-letter", 41, (2200, 1700)), ("accuvote-legal", 53, (2800, 1700)),
])
def test_accuvote_layouts_have_the_published_grid(
    style: str, rows: int, shape: tuple[int, int]
) -> None:
    layout = layouts_for(load("accuvote"))[style]
    assert layout.shape == shape and set(layout.faces) == {"front", "back"}
    for face in layout.faces.values():
        tracks = {track.edge: track for track in face.tracks}
        assert {edge: track.count for edge, track in tracks.items()} == {
            "left": rows, "right": rows, "top": 34, "bottom": 34,
        }
        # The corner marks belong to two tracks each.
        last = grid_point(face.tracks, 33, rows - 1)
        assert last == pytest.approx(
            (215.9 - tracks["right"].inset, layout.page_mm[1] - tracks["bottom"].inset), abs=0.01
        )
        assert {(t.width, t.height, t.shape) for t in face.targets} == {(5.08, 3.302, "oval")}
        assert all(t.mark_mm == (4.7625, 1.5875) for t in face.tracks)


def test_a_grid_in_cells_needs_marks_along_two_sides(layouts: dict[str, Layout]) -> None:
    tracks = [t for t in layouts["KG-PL"].front.tracks if t.edge == "left"]
    with pytest.raises(ConfigurationError, match="one long and one short edge"):
        grid_point(tracks, 1, 1)


@given(st.integers(0, 63), st.integers(0, 255), st.integers(0, 19))
def test_a_style_code_reads_back_and_one_wrong_cell_is_always_seen(
    election: int, style: int, cell: int
) -> None:
    bits = code_bits(election, style)
    assert decode_bits(bits) == (election, style)
    wrong = bits[:cell] + ("0" if bits[cell] == "1" else "1") + bits[cell + 1 :]
    assert decode_bits(wrong) is None
    assert decode_bits(bits[:cell] + "?" + bits[cell + 1 :]) is None


def test_the_package_gives_an_urn_all_it_needs(election: ElectionDefinition) -> None:
    data = urn_package(election, "KG-PL", "1001")
    package = read_package(data)
    assert package.definition == election
    assert (package.style, package.station) == ("KG-PL", "1001")
    assert package.layout.front.targets and not package.layout.front.texts
    assert (package.opens.hour, package.closes.hour, package.offset_min) == (8, 20, 360)
    assert [contest.id for contest in package.contests] == ["party", "preference"]
    assert len(package_sha256(data)) == 64
    assert data == urn_package(election, "KG-PL", "1001")


def test_a_package_that_does_not_fit_together_is_refused(
    election: ElectionDefinition, layouts: dict[str, Layout]
) -> None:
    whole = json.loads(urn_package(election, "KG-PL", "1001"))
    for change in (
        {"style": "KG-SM-27"},
        {"date": "yesterday"},
        {"window": {"open": "20:00", "close": "08:00", "offset_min": 0}},
        {"layout": layouts["KG-SM-28"].to_dict()},
        {"more": 1},
    ):
        with pytest.raises(ConfigurationError, match=r"urn package|layout"):
            read_package(json.dumps(whole | change).encode())
    for data in (b"", b"null", b"[]", b"\x00", b"[" * 100_000):
        with pytest.raises(ConfigurationError, match="urn package"):
            read_package(data)
