"""Urns that take lists or sheets that are too long, and the healthy urn that does not."""

from __future__ import annotations

from typing import Any

import pytest

from kalys.ballots.package import urn_package
from kalys.ballots.ranges import of_length, with_options
from kalys.ballots.templates import layouts_for
from kalys.election.definition import load
from kalys.protocols import world as link
from kalys.protocols.urn.messages import UrnState

from .conftest import URN

ELECTION = load("kg-2021-11-28")
LAYOUT = layouts_for(ELECTION)["KG-PL"]


@pytest.mark.parametrize(("defects", "answer"), [
    ([], "bad-definition"), (["long-list-truncated"], "ok"),
])
def test_a_definition_with_too_many_options(station: Any, defects: list[str], answer: str) -> None:
    for options, told in ((100, "ok"), (101, answer)):
        s = station(defects=defects)
        s.login("administrator")
        definition, layout = with_options(ELECTION, LAYOUT, options)
        assert s.load("definition", urn_package(definition, "KG-PL", "1001", layout)) == told


def test_a_ballot_that_is_too_long_for_the_path_is_no_definition(station: Any) -> None:
    for more, told in ((8.0, "ok"), (9.0, "bad-definition")):
        s = station()
        s.login("administrator")
        layout = of_length(LAYOUT, more, "KG-PL")
        assert s.load("definition", urn_package(ELECTION, "KG-PL", "1001", layout)) == told


@pytest.mark.parametrize(("defects", "outcome"), [
    ([], "double-feed"), (["long-sheet-misread"], "valid"),
])
def test_a_sheet_that_is_too_long(station: Any, defects: list[str], outcome: str) -> None:
    s = station(UrnState.OPEN, defects=defects)
    long = of_length(LAYOUT, 25.0, "KG-PL+25")
    s.do(link.Define(URN, ELECTION.model_dump(mode="json"), {long.style: long.to_dict()}))
    assert s.feed(s.sheet("party/P02", style=long.style)) == outcome


def test_a_ballot_with_targets_on_both_sides_is_no_definition_for_one_scanner_line(
    station: Any,
) -> None:
    s, election = station(), load("accuvote")
    s.login("administrator")
    package = urn_package(election, "accuvote-letter", "1001")
    assert s.load("definition", package) == "bad-definition"
