"""The probability of finding a defect follows from its occasions, its chance and the rule."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalys.bench.profile import load_profile
from kalys.certification import detection
from kalys.certification.detection import (
    Observed,
    Predicted,
    coincidence,
    failures_needed,
    false_alarm_by_construction,
    predict,
)
from kalys.emulators.defects import CATALOGUE
from kalys.procedures import deck_run
from kalys.requirements.decision import Seen, decide
from kalys.requirements.observation import Outcome
from kalys.requirements.plan import load_plan
from kalys.requirements.rules import RateAtMost, ZeroErrorVolume, ZeroFailures

QUICK, STANDARD, FULL = map(load_plan, ("quick", "standard", "full"))


@given(one_in=st.integers(1, 100_000))
def test_a_rule_without_tolerance_finds_with_one_less_the_chance_of_missing_every_sheet(one_in):
    sheets = QUICK.parameters("count.volume", "virtual")["sheets"]
    found = predict(f"ballot-misread-rarely:one_in={one_in}", QUICK)
    assert found.occasions == sheets and found.needed == 1
    assert found.probability == pytest.approx(1 - (1 - 1 / one_in) ** sheets, abs=1e-9)


@pytest.mark.parametrize("name", ["ballot-misread-rarely:one_in=5000", "random-misfeeds:one_in=400",
                                  "record-ids-collide:bits=24"])
def test_a_larger_plan_finds_more(name):
    quick, standard, full = (predict(name, plan).probability for plan in (QUICK, STANDARD, FULL))
    assert 0 < quick < standard <= full <= 1


def test_the_65536th_ballot_is_found_by_the_plan_that_reaches_it_and_by_no_other():
    young = "ballot-65536-lost:before=0"
    assert [predict(young, plan).probability for plan in (QUICK, STANDARD, FULL)] == [0, 0, 1]


def test_a_plan_without_the_requirement_finds_nothing():
    bare = QUICK.model_copy(update={"requirements": ("TIM-008",)})
    assert predict("ballot-misread-rarely", bare).probability == 0


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_defect_is_found_by_the_quick_plan_as_it_is_shipped(name):
    tested = set(CATALOGUE[name].requirements) & set(QUICK.requirements)
    assert predict(name, QUICK).probability > 0.99 or not tested


@given(trials=st.integers(1, 5000), limit=st.sampled_from([0.001, 0.002, 0.05]))
def test_as_many_failures_as_are_needed_fail_and_one_less_do_not(trials, limit):
    for rule in (ZeroFailures(rule="zero-failures"), ZeroErrorVolume(rule="zero-error-volume",
                 sample=10), RateAtMost(rule="rate-at-most", rate=limit)):
        needed = failures_needed(rule, trials)
        if needed is None:
            continue
        outcomes = [decide(rule, Seen(portions=((trials, failures),))).outcome
                    for failures in (needed, needed - 1)]
        assert outcomes[0] is Outcome.FAIL and outcomes[1] is not Outcome.FAIL


@given(n=st.integers(0, 300), bits=st.integers(12, 30))
def test_ids_coincide_as_birthdays_do(n, bits):
    values = 2.0**bits
    none = 1.0
    for drawn in range(n):
        none *= 1 - drawn / values
    assert coincidence(n, values) == pytest.approx(1 - none, rel=0.1, abs=1e-12)


def test_an_election_has_the_room_that_the_emulated_urn_has():
    capacity = load_profile("kalys-emulated-urn").limits.capacity
    assert capacity is not None and capacity * deck_run.ROOM == detection.ROOM


def test_elections_of_their_own_have_ids_of_their_own():
    assert coincidence(3600, 1e7) < coincidence(3600, 1e7, room=3600)


def test_what_was_observed_agrees_with_what_was_computed_or_contradicts_it():
    computed = Predicted(0.36)
    assert Observed(36, 100).agrees(computed) and not Observed(36, 100).contradicts(computed)
    assert not Observed(48, 100).agrees(computed) and not Observed(48, 100).contradicts(computed)
    assert Observed(90, 100).contradicts(computed)


def test_only_rules_that_look_into_chance_can_refuse_a_healthy_urn():
    counting = QUICK.model_copy(update={"requirements": ("ACC-001", "PAP-001", "LOG-002")})
    assert false_alarm_by_construction(counting) == 0
    looking = QUICK.model_copy(update={"requirements": ("ACC-001", "MRK-003")})
    assert 0 < false_alarm_by_construction(looking) <= 0.001
