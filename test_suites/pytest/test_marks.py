"""Certification suite: what counts as a mark."""

import pytest


@pytest.mark.parametrize("requirement", ["MRK-001"])
def test_a_line_of_1_mm_is_read_in_every_target(requirement, certified):
    certified("mark.line", requirement)


@pytest.mark.parametrize("requirement", ["MRK-002"])
def test_folds_and_flaws_of_the_paper_are_not_read_as_votes(requirement, certified):
    certified("mark.folds", requirement)


@pytest.mark.parametrize("requirement", ["MRK-004"])
def test_no_mark_flips_between_vote_and_no_vote_when_scanned_again(requirement, certified):
    certified("mark.rescan", requirement)


@pytest.mark.parametrize("requirement", ["MRK-005"])
def test_the_urn_tells_its_thresholds_and_they_are_the_promised_ones(requirement, certified):
    certified("mark.thresholds", requirement)


@pytest.mark.parametrize("requirement", ["MRK-006"])
def test_marks_are_read_as_the_maker_specifies(requirement, certified):
    certified("mark.specification", requirement)


@pytest.mark.parametrize("requirement", ["MRK-007"])
def test_blank_and_two_mark_ballots_go_to_the_invalid_compartment(requirement, certified):
    certified("mark.validity", requirement)


@pytest.mark.parametrize("requirement", ["MRK-010"])
def test_a_foreign_ballot_is_given_back(requirement, certified):
    certified("mark.foreign", requirement)


@pytest.mark.parametrize("requirement", ["MRK-012", "ACC-009"])
def test_a_marginal_mark_is_told_as_such_in_cast_vote_records(requirement, certified):
    certified("mark.records", requirement)


@pytest.mark.parametrize("requirement", ["MRK-003"])
def test_a_marginal_mark_is_detected_alike_wherever_it_stands(requirement, certified):
    certified("mark.homogeneity", requirement)


@pytest.mark.parametrize("requirement", ["MRK-008"])
def test_a_tick_that_touches_a_neighbouring_square_is_counted_by_the_rule_and_told(
    requirement, certified
):
    certified("mark.overlap", requirement)
