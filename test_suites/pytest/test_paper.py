"""Certification suite: what happens to the sheet of paper."""

import pytest


@pytest.mark.parametrize("requirement", ["PAP-001"])
def test_ballots_in_good_order_are_seldom_misfed(requirement, certified):
    certified("paper.misfeeds", requirement)


@pytest.mark.parametrize("requirement", ["PAP-002"])
def test_two_sheets_fed_together_are_noticed(requirement, certified):
    certified("paper.double_feed", requirement)


@pytest.mark.parametrize("requirement", ["PAP-003"])
def test_after_a_jam_the_sheet_counts_once(requirement, certified):
    certified("paper.jam", requirement)


@pytest.mark.parametrize("requirement", ["PAP-004"])
def test_a_ballot_counts_the_same_whichever_way_round_it_is_fed(requirement, certified):
    certified("paper.orientations", requirement)


@pytest.mark.parametrize("requirement", ["PAP-005"])
def test_a_damaged_ballot_is_counted_right_or_given_back(requirement, certified):
    certified("paper.damaged", requirement)


@pytest.mark.parametrize("requirement", ["PAP-007"])
def test_the_voter_is_told_what_became_of_the_ballot(requirement, certified):
    certified("paper.notices", requirement)


@pytest.mark.parametrize("requirement", ["PAP-009"])
def test_a_ballot_that_is_pulled_back_is_not_counted(requirement, certified):
    certified("paper.pull_back", requirement)


@pytest.mark.parametrize("requirement", ["PAP-006", "PAP-002"])
def test_every_corner_of_the_declared_range_of_paper_is_fed(requirement, certified):
    certified("paper.range", requirement)


@pytest.mark.parametrize("requirement", ["PAP-008"])
def test_a_sheet_without_the_security_mark_is_given_back(requirement, certified):
    certified("paper.authenticity", requirement)
