"""The Kyrgyz rule of invalid ballots, and totals that only add."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalys.election.definition import load
from kalys.election.rules import judge_sheet
from kalys.election.tally import Tally

CONTESTS = load("kg-2021-11-28").style_contests("KG-PL")
PARTIES, NUMBERS = (contest.option_ids for contest in CONTESTS)
MARKS = st.fixed_dictionaries({
    "party": st.lists(st.sampled_from(PARTIES), unique=True, max_size=3),
    "preference": st.lists(st.sampled_from(NUMBERS), unique=True, max_size=3),
})


def test_one_mark_in_the_deciding_contest_is_a_vote() -> None:
    judged = judge_sheet(CONTESTS, {"party": ["P03"]})
    assert judged.valid and judged.votes["party"] == ("P03",)
    assert judged.undervotes == {"party": 0, "preference": 1}


def test_no_mark_and_two_marks_make_the_sheet_invalid_and_no_vote_counts() -> None:
    blank = judge_sheet(CONTESTS, {"preference": ["N07"]})
    assert (blank.valid, blank.reason) == (False, "blank")
    assert blank.votes == {"party": (), "preference": ()}
    double = judge_sheet(CONTESTS, {"party": ["P01", "P02"], "preference": ["N07"]})
    assert (double.valid, double.reason) == (False, "overvote")
    assert double.votes["preference"] == () and double.overvotes["party"] == 1


def test_two_marks_in_the_second_part_spoil_that_part_only() -> None:
    judged = judge_sheet(CONTESTS, {"party": ["AA"], "preference": ["N01", "N54"]})
    assert judged.valid
    assert judged.votes == {"party": ("AA",), "preference": ()}
    assert judged.overvotes == {"party": 0, "preference": 1}


def test_a_mark_that_is_not_on_the_ballot_cannot_be_judged() -> None:
    with pytest.raises(ValueError, match="P99"):
        judge_sheet(CONTESTS, {"party": ["P99"]})
    with pytest.raises(ValueError, match="district-27"):
        judge_sheet(CONTESTS, {"district-27": ["C01"]})


@given(st.lists(MARKS, max_size=30))
def test_totals_balance_for_any_marks(sheets: list[dict[str, list[str]]]) -> None:
    tally = Tally(CONTESTS)
    for marks in sheets:
        tally.add(judge_sheet(CONTESTS, marks))
    assert tally.sheets == len(sheets) == tally.valid + tally.invalid
    assert sum(tally.votes["party"].values()) == tally.valid
    assert tally.overvotes["party"] + tally.undervotes["party"] == tally.invalid
    assert sum(tally.votes["preference"].values()) <= tally.valid


@given(st.lists(MARKS, max_size=20), st.integers(0, 20))
def test_merging_two_parts_equals_counting_the_whole(
    sheets: list[dict[str, list[str]]], cut: int
) -> None:
    whole, one, two = Tally(CONTESTS), Tally(CONTESTS), Tally(CONTESTS)
    for i, marks in enumerate(sheets):
        judged = judge_sheet(CONTESTS, marks)
        whole.add(judged)
        (one if i < cut else two).add(judged)
    one.merge(two)
    assert one == whole and not one.difference(whole)
    assert Tally.from_dict(whole.to_dict()) == whole


def test_a_difference_names_the_number_and_both_values() -> None:
    one, two = Tally(CONTESTS), Tally(CONTESTS)
    two.add(judge_sheet(CONTESTS, {"party": ["P05"]}))
    assert "party/P05: 0, 1" in one.difference(two)
    assert "sheets: 0, 1" in one.difference(two)
