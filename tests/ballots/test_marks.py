"""The library of marks and its published page."""

from __future__ import annotations

import random
import re

import pytest

from kalys.ballots.layout import Layout, Target
from kalys.ballots.marks import (
    KINDS,
    PENS,
    aim_tail,
    classify,
    free_side,
    in_light,
    relative_size,
    strokes,
)
from kalys.ballots.sheet import Mark
from kalys.ballots.truth import truth_of
from kalys.ballots.volume import draw_mark
from kalys.election.definition import ElectionDefinition
from kalys.errors import ConfigurationError
from kalys.resources import data_root


def test_the_published_page_names_every_kind_with_its_class() -> None:
    page = (data_root() / "docs" / "marks.md").read_text(encoding="utf-8")
    page = page[page.index("## Kinds"):page.index("### Pens")]
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| (\w+)", page, re.MULTILINE))
    assert rows == {name: kind.klass for name, kind in KINDS.items()}


def test_the_usual_parameters_lie_inside_the_published_ranges() -> None:
    for kind in KINDS.values():
        assert set(kind.usual) == set(kind.ranges), kind.name
        for name, (low, high) in kind.ranges.items():
            assert low <= kind.usual[name] <= high, (kind.name, name)


def test_every_kind_can_be_drawn_at_every_target(layouts: dict[str, Layout]) -> None:
    face = layouts["KG-PL"].front
    for kind in KINDS:
        for target in face.targets:
            drawn = strokes(Mark(target.contest, target.option, kind), face)
            assert drawn and all(0 <= s.density <= 1 for s in drawn)


def test_a_mark_outside_its_published_range_decides_nothing() -> None:
    assert classify(Mark("party", "P01", "line")) == "valid"
    assert classify(Mark("party", "P01", "line", {"width_mm": 0.6})) == "ambiguous"
    assert classify(Mark("party", "P01", "line", {"angle_deg": 45.0})) == "ambiguous"
    assert classify(Mark("party", "P01", "dot", {"diameter_mm": 2.0})) == "ambiguous"
    assert classify(Mark("party", "P01", "tick", {"colour": 1.0})) == "ambiguous"


def test_an_unknown_kind_or_parameter_is_refused_in_words(layouts: dict[str, Layout]) -> None:
    face = layouts["KG-PL"].front
    with pytest.raises(ConfigurationError, match="no such kind of mark: heart"):
        classify(Mark("party", "P01", "heart"))
    with pytest.raises(ConfigurationError, match="no parameter colour"):
        strokes(Mark("party", "P01", "tick", {"colour": 1.0}), face)
    with pytest.raises(ConfigurationError, match="party/P77"):
        strokes(Mark("party", "P77", "tick"), face)


def test_a_mark_outside_finds_a_place_that_touches_no_target(layouts: dict[str, Layout]) -> None:
    for layout in layouts.values():
        for target in layout.front.targets:
            x, y = free_side(layout.front, target)
            for other in layout.front.targets:
                apart_x = abs(x - other.x) - (other.width + target.width) / 2
                apart_y = abs(y - other.y) - (other.height + target.height) / 2
                assert apart_x > 0 or apart_y > 0


def test_a_tail_reaches_as_far_into_the_neighbour_as_asked(layouts: dict[str, Layout]) -> None:
    layout = layouts["KG-PL"]
    own, above = layout.target("party", "P05"), layout.target("party", "P04")
    for overlap in (0.0, 0.25, 0.5):
        end = own.y + aim_tail(own, above, overlap)["tail_y"]
        assert end == pytest.approx(above.y + above.height / 2 - overlap * above.height)


def test_the_truth_follows_from_the_classes(election: ElectionDefinition) -> None:
    contests = election.style_contests("KG-PL")
    valid = truth_of(contests, [Mark("party", "P01", "tick"), Mark("preference", "N05", "dot")])
    assert (valid.kind, valid.votes["party"], valid.votes["preference"]) == ("valid", ("P01",), ())
    assert valid.accepts("valid") and not valid.accepts("returned", "ambiguous-mark")
    unclear = truth_of(contests, [Mark("party", "P01", "erasure")])
    assert unclear.kind == "any-but-miscounted" and unclear.ambiguous["party"] == ("P01",)
    assert unclear.accepts("valid") and unclear.accepts("invalid")
    assert unclear.accepts("returned", "ambiguous-mark")
    assert not unclear.accepts("returned", "foreign")
    assert truth_of(contests, []).kind == "invalid"


def test_a_pen_is_seen_by_the_light_of_the_sensor() -> None:
    red = Mark("party", "P01", "red-pen")
    assert classify(red) == classify(in_light(red, "green")) == "valid"
    assert classify(in_light(red, "red")) == "ambiguous"
    assert in_light(red, "red").params["density"] < 0.2
    assert classify(in_light(Mark("party", "P01", "blue-pen"), "infrared")) == "ambiguous"
    assert in_light(Mark("party", "P01", "tick"), "red").params == {}
    with pytest.raises(ConfigurationError, match="no such light: moon"):
        in_light(red, "moon")


def test_the_published_page_tells_every_pen_in_every_light() -> None:
    page = (data_root() / "docs" / "marks.md").read_text(encoding="utf-8")
    for light, pens in PENS.items():
        told = " | ".join(f"{low:g}-{high:.3g}" for low, high in pens.values())
        assert f"| {light} | {told} |" in page.replace("1.0", "1")


def test_dots_are_judged_by_the_size_of_the_target(layouts: dict[str, Layout]) -> None:
    square = layouts["KG-PL"].target("party", "P01")
    oval = Target(contest="c", option="A", x=50, y=50, width=5.08, height=3.302, shape="oval",
                  line_mm=0.3)
    assert relative_size(square) == 1 and relative_size(oval) == pytest.approx(0.55, abs=0.01)
    dot = Mark("c", "A", "dot", {"diameter_mm": 0.7})
    assert classify(dot, square) == classify(dot) == "invalid"
    assert classify(dot, oval) == "ambiguous"
    for seed in range(20):
        for kind in ("dot", "hesitation"):
            assert classify(draw_mark(random.Random(seed), "c", "A", (kind,), oval), oval) == (
                "invalid"
            )
