"""Defects of the exported cast vote records show in the file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from kalys.ballots.sheet import Mark
from kalys.emulators.defects import records
from kalys.protocols.urn.messages import AMBIGUOUS_MARKS, Op, UrnState

Make = Callable[..., Any]          # the fixture ``station``

# A dot whose fill lies between the thresholds of the reader.
DOT = Mark("party", "P02", "dot", {"diameter_mm": 1.2, "density": 0.95})


def exported(make: Make, defects: list[str], sheets: int = 1) -> dict[str, Any]:
    """What an urn that takes marginal marks exports of so many sheets, each with one."""
    s = make(UrnState.OPEN, defects=defects, ambiguous_marks="accept")
    assert any(row["value"] == "accept" for row in s.ask(Op.PARAMETERS)["items"]
               if row["name"] == AMBIGUOUS_MARKS)
    for _ in range(sheets):
        plain = s.sheet("party/P01", "preference/N05")
        assert s.feed(replace(plain, marks=(*plain.marks, DOT))) == "valid"
    s.close()
    size, data = s.ask(Op.EXPORT_BEGIN, kind="cast-vote-records")["size"], b""
    while len(data) < size:
        data += s.ask(Op.EXPORT_CHUNK, offset=len(data), length=4000)["data"]
    return dict(json.loads(data))


def dots(report: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The positions of the dots."""
    for record in report["CVR"]:
        for snapshot in record["CVRSnapshot"]:
            for contest in snapshot["CVRContest"]:
                for selection in contest["CVRContestSelection"]:
                    if selection["ContestSelectionId"] == "selection-party-P02":
                        yield from selection["SelectionPosition"]


def indications(make: Make, defects: list[str]) -> set[str]:
    return {position["HasIndication"] for position in dots(exported(make, defects))}


def marginal_exported_as_vote(make: Make, defects: list[str]) -> bool:
    return indications(make, defects) == {"yes"}


def marginal_exported_as_blank(make: Make, defects: list[str]) -> bool:
    return indications(make, defects) == {"no"}


def marginal_exported_unmeasured(make: Make, defects: list[str]) -> bool:
    return all("MarkMetricValue" not in position for position in dots(exported(make, defects)))


def export_leaves_records_out(make: Make, defects: list[str]) -> bool:
    return len(exported(make, defects, sheets=5)["CVR"]) < 5


SHOWN: dict[str, Callable[[Make, list[str]], bool]] = {
    entry.name: globals()[entry.name.replace("-", "_")] for entry in records.ENTRIES
}


@pytest.mark.parametrize("name", list(SHOWN))
def test_the_defect_shows_and_the_healthy_urn_does_not_show_it(station: Make, name: str) -> None:
    assert SHOWN[name](station, [name])
    assert not SHOWN[name](station, [])
