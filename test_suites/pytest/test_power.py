"""Certification suite: power that fails."""

import pytest


@pytest.mark.parametrize("requirement", ["PWR-001"])
def test_the_urn_keeps_counting_on_its_battery(requirement, certified):
    certified("power.backup", requirement)


@pytest.mark.parametrize("requirement", ["PWR-003"])
def test_a_power_cut_in_a_transaction_neither_loses_nor_doubles_a_ballot(requirement, certified):
    certified("power.transaction", requirement)
