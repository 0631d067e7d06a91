"""Deck truth against totals and records: what differs is found, named and attributed."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kalys.ballots.sheet import Sheet
from kalys.ballots.truth import truth_of
from kalys.devices.roles import Results, VoteRecord
from kalys.election.definition import load
from kalys.procedures.comparison import compare, expected_tally, match, wrong_outcome
from kalys.procedures.control_sheets import plain_sheet
from kalys.procedures.feeding import Fed

DEFINITION = load("kg-2021-11-28")
CONTESTS = DEFINITION.style_contests("KG-PL")
OPENS = DEFINITION.opens


def sheet(number: int, party: str | None = "P01", preference: str | None = "N01") -> Sheet:
    marked = {}
    if party:
        marked["party"] = (party,)
    if preference:
        marked["preference"] = (preference,)
    return plain_sheet(DEFINITION, "KG-PL", f"s{number}", marked, random.Random(number))


def record_of(one: Sheet) -> VoteRecord:
    assert one.truth is not None
    return VoteRecord(f"r-{one.id}", "KG-PL", one.truth.valid, one.truth.marks)


def totals_of(sheets: list[Sheet]) -> Results:
    tally = expected_tally(CONTESTS, sheets)
    return Results(
        OPENS, tally.sheets, tally.valid, tally.invalid, tally.votes, tally.overvotes,
        tally.undervotes,
    )


@given(st.lists(st.sampled_from(CONTESTS[0].option_ids), max_size=30), st.randoms())
@settings(max_examples=30, deadline=None)
def test_a_right_count_compares_without_a_difference_in_whatever_order_records_come(
    parties, shuffle
):
    sheets = [sheet(n, party) for n, party in enumerate(parties)]
    records = [record_of(s) for s in sheets]
    shuffle.shuffle(records)
    found = compare(CONTESTS, sheets, totals_of(sheets), records)
    assert found.wrong_positions == 0
    assert found.notes == ()
    assert found.positions == 76 * len(sheets)


def test_a_vote_missing_from_totals_and_records_is_one_error_at_its_position():
    sheets = [sheet(n, "P04") for n in range(5)]
    blank = sheet(9, "P04")
    assert blank.truth is not None
    read = VoteRecord("x", "KG-PL", True, {"preference": ("N01",)})
    records = [*(record_of(s) for s in sheets[1:]), read]
    totals = totals_of(sheets)
    totals.votes["party"]["P04"] -= 1
    found = compare(CONTESTS, sheets, totals, records)
    assert found.errors == {("party", "P04"): 1}
    assert any("party/P04" in note for note in found.notes)


def test_records_out_of_step_are_found_though_totals_are_right():
    sheets = [sheet(1, "P01"), sheet(2, "P02")]
    records = [record_of(sheets[0]), record_of(sheets[0])]
    found = compare(CONTESTS, sheets, totals_of(sheets), records)
    assert found.totals_agree and not found.records_agree and not found.records_sum_to_totals
    assert found.errors == {("party", "P01"): 1, ("party", "P02"): 1}


def test_a_record_without_a_sheet_and_a_sheet_without_a_record_are_named():
    sheets = [sheet(1)]
    lost = compare(CONTESTS, sheets, totals_of(sheets), [])
    assert any("has no record" in note for note in lost.notes)
    doubled = compare(CONTESTS, sheets, totals_of(sheets), [record_of(sheets[0])] * 2)
    assert any("belongs to no sheet" in note for note in doubled.notes)


def test_an_invalid_sheet_that_was_counted_as_valid_is_an_error_even_with_the_same_marks():
    blank = sheet(1, None, None)
    wrong = VoteRecord("x", "KG-PL", True, {})
    found = compare(CONTESTS, [blank], totals_of([blank]), [wrong])
    assert not found.records_agree
    assert found.wrong_positions == 1


@pytest.mark.parametrize(
    ("outcome", "reason", "right"),
    [("valid", "", True), ("invalid", "", False), ("returned", "foreign", False),
     ("silent", "", False), ("jammed", "exit", False)],
)
def test_the_outcome_of_a_plain_sheet_is_right_only_when_it_is_accepted_as_valid(
    outcome, reason, right
):
    one = sheet(1)
    fed = Fed(one.id, outcome, reason, 0, 1, ())
    assert (wrong_outcome(one, fed) == "") is right


def test_doubtful_sheets_share_the_records_so_that_as_many_as_possible_are_right():
    first = sheet(1, "P06", None)
    other = Sheet(
        "s2", DEFINITION.id, "KG-PL",
        truth=truth_of(CONTESTS, [], touched={"party": ("P06",)}), group="ambiguous",
    )
    third = replace(
        first, id="s3",
        truth=truth_of(CONTESTS, first.marks, touched={"preference": ("N09",)}),
    )
    blank = VoteRecord("a", "KG-PL", False, {})
    vote = VoteRecord("b", "KG-PL", True, {"party": ("P06",)})
    for order in ([other, third], [third, other]):
        pairs = list(match(order, [vote, blank]))
        assert all(pair.exact for pair in pairs)
