"""Certification suite: power that fails."""

import pytest


@pytest.mark.parametrize("requirement", ["PWR-001"])
def test_the_urn_keeps_counting_on_its_battery(requirement, certified):
    certified("power.backup", requirement)


@pytest.mark.parametrize("requirement", ["PWR-002"])
def test_when_the_battery_is_empty_nothing_is_forgotten(requirement, certified):
    certified("power.exhaustion", requirement)


@pytest.mark.parametrize("requirement", ["PWR-003"])
def test_a_power_cut_in_a_transaction_neither_loses_nor_doubles_a_ballot(requirement, certified):
    certified("power.transaction", requirement)


@pytest.mark.parametrize("requirement", ["PWR-003", "PWR-004"])
def test_a_power_cut_in_any_state_changes_nothing_and_is_followed_by_a_check(
    requirement, certified
):
    certified("power.states", requirement)


@pytest.mark.parametrize("requirement", ["PWR-004"])
def test_what_was_changed_in_the_dark_is_found_at_the_start(requirement, certified):
    certified("power.damage", requirement)


@pytest.mark.parametrize("requirement", ["PWR-005"])
def test_a_memory_that_fails_loses_no_vote(requirement, certified):
    certified("power.memory_failure", requirement)


@pytest.mark.parametrize("requirement", ["SEC-010"])
def test_an_unplugged_link_is_shut_until_somebody_has_logged_in(requirement, certified):
    certified("security.port", requirement)
