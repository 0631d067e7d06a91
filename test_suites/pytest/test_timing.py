"""Certification suite: how fast, and when."""

import pytest


@pytest.mark.parametrize("requirement", ["TIM-001", "TIM-003", "TIM-004"])
def test_the_voter_sees_soon_that_a_ballot_was_taken_and_what_became_of_it(requirement, certified):
    certified("timing.response", requirement)


@pytest.mark.parametrize("requirement", ["TIM-005"])
def test_a_log_in_that_is_left_alone_is_alerted_and_ends(requirement, certified):
    certified("timing.inactivity", requirement)


@pytest.mark.parametrize("requirement", ["TIM-006"])
def test_sheets_move_as_fast_as_promised(requirement, certified):
    certified("timing.transport", requirement)


@pytest.mark.parametrize("requirement", ["TIM-007"])
def test_the_promised_throughput_is_held(requirement, certified):
    certified("timing.throughput", requirement)


@pytest.mark.parametrize("requirement", ["TIM-008"])
def test_no_ballot_is_accepted_outside_the_hours_of_the_poll(requirement, certified):
    certified("timing.poll_hours", requirement)


@pytest.mark.parametrize("requirement", ["TIM-009"])
def test_the_final_report_is_printed_soon_after_closing(requirement, certified):
    certified("timing.close", requirement)


@pytest.mark.parametrize("requirement", ["TIM-012"])
def test_the_harness_measures_time_well_enough_for_its_limits(requirement, certified):
    certified("timing.uncertainty", requirement)
