"""Reading reports that others wrote: whatever is wrong with one is told, and nothing is guessed."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kalys.election.cast_vote_record_reading import read_cast_vote_records, votes_of
from kalys.election.cast_vote_records import Device, SheetRecord, report
from kalys.election.definition import load
from kalys.errors import ProtocolError

ELECTION = load("kg-2021-11-28")
SHEETS = (
    SheetRecord("a1", "KG-PL", {"party": ("P01",), "preference": ("N05",)}, {"party": ("P02",)},
                {"party": {"P02": 0.0612}}),
    SheetRecord("b2", "KG-PL", {}),
)
REPORT = report(ELECTION, SHEETS, device=Device("urn-1"),
                generated=datetime(2021, 11, 28, 12, tzinfo=UTC))


def read(data: Any) -> Any:
    return read_cast_vote_records(json.dumps(data).encode(), ELECTION)


def changed(change: Any) -> Any:
    data = copy.deepcopy(REPORT)
    change(data)
    return data


def position(data: Any) -> Any:
    (record, _) = data["CVR"]
    selections = record["CVRSnapshot"][0]["CVRContest"][0]["CVRContestSelection"]
    return selections[1]["SelectionPosition"][0]


def test_a_record_says_what_was_seen_and_what_it_is_worth() -> None:
    first, second = read(REPORT)
    assert (first.id, first.style) == ("a1", "KG-PL")
    assert first.places("yes") == {("party", "P01"), ("preference", "N05")}
    assert first.places("unknown") == {("party", "P02")}
    assert first.original["party", "P02"].metric == 0.0612
    assert votes_of([first, second]) == {("party", "P01"): 1, ("preference", "N05"): 1}
    assert second.original == {} and second.current == {}


def test_a_device_without_original_snapshots_is_taken_at_its_current_ones() -> None:
    data = changed(lambda d: [r["CVRSnapshot"].pop(0) for r in d["CVR"]])
    assert read(data)[0].places("unknown") == {("party", "P02")}


@pytest.mark.parametrize(("change", "told"), [
    (lambda d: d.update(Version="2.0"), "Version"),
    (lambda d: d.pop("Election"), "Election"),
    (lambda d: d["Election"][0]["Contest"][0].update(Code=[]), "contest-party has no code"),
    (lambda d: d["Election"][0]["Contest"][0]["ContestSelection"][0].update(Code=[]),
     "selection-party-P01 has no code"),
    (lambda d: position(d).update(HasIndication="maybe"), "HasIndication"),
    (lambda d: position(d).update(MarkMetricValue=["dark"]), "party/P02 is 'dark', no number"),
    (lambda d: position(d).update(NumberVotes="1"), "NumberVotes"),
    (lambda d: d["CVR"][0].update(CurrentSnapshotId="elsewhere"), "current snapshot"),
    (lambda d: d["CVR"].append(d["CVR"][0]), "two records have the UniqueId 'a1'"),
    (lambda d: d["CVR"][0].pop("UniqueId"), "UniqueId"),
    (lambda d: d["CVR"][0]["CVRSnapshot"][0]["CVRContest"][0]["CVRContestSelection"][0].update(
        ContestSelectionId="selection-party-P99"), "no selection selection-party-P99"),
    (lambda d: d["CVR"][0]["CVRSnapshot"][0]["CVRContest"].append(
        d["CVR"][0]["CVRSnapshot"][0]["CVRContest"][0]), "comes twice"),
    (lambda d: d["CVR"][0]["CVRSnapshot"][1].update(Type="original"), "two original snapshots"),
])
def test_what_is_wrong_is_named(change: Any, told: str) -> None:
    with pytest.raises(ProtocolError) as wrong:
        read(changed(change))
    assert told in str(wrong.value) and "\n" not in wrong.value.what


@pytest.mark.parametrize("data", [b"", b"[]", b"3", b"{", b"\xff", b"[" * 100_000, b'{"CVR": 3}'])
def test_what_is_no_report_is_refused_in_words(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        read_cast_vote_records(data, ELECTION)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_report_with_a_part_missing_raises_anything_else(data: st.DataObject) -> None:
    broken = copy.deepcopy(REPORT)
    node: Any = broken
    while isinstance(node, dict | list) and node:
        key = data.draw(st.sampled_from(sorted(node) if isinstance(node, dict)
                                        else range(len(node))))
        if data.draw(st.booleans()) or not isinstance(node[key], dict | list):
            node[key] = data.draw(st.sampled_from([None, 3, "x", [], {}]))
            break
        node = node[key]
    try:
        read(broken)
    except ProtocolError as told:
        assert str(told)
