"""Certification suite: the count itself.

Run alone with ``pytest test_suites/pytest --bench emulated-station --plan quick``, or as a part of
``kalys certify``.
"""

import pytest


@pytest.mark.parametrize("requirement", ["ACC-001", "ACC-002", "ACC-003", "PAP-001", "MET-005"])
def test_a_volume_of_ballots_is_counted_without_error(requirement, certified):
    certified("count.volume", requirement)


@pytest.mark.parametrize("requirement", ["ACC-007", "ACC-009"])
def test_deck_records_and_totals_agree_on_every_position(requirement, certified):
    certified("count.logic_and_accuracy", requirement)


@pytest.mark.parametrize("requirement", ["ACC-008"])
def test_a_counter_that_cannot_be_right_stops_the_count_with_an_alarm(requirement, certified):
    certified("count.integrity", requirement)


@pytest.mark.parametrize("requirement", ["ACC-010"])
def test_the_urn_warns_before_it_is_full_and_never_stops_suddenly(requirement, certified):
    certified("count.capacity", requirement)
