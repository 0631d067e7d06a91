"""Layouts as data, their style codes, and the package that is loaded into an urn."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalys.ballots.layout import Layout
from kalys.ballots.package import package_sha256, read_package, urn_package
from kalys.ballots.style_code import code_bits, decode_bits
from kalys.election.definition import ElectionDefinition
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
    (lambda d: d["faces"]["front"].update(tracks=[]), "left and right"),
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
