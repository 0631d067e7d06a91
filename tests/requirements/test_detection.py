"""Homogeneity over positions: false alarms are looked at twice, real bias is refused."""

from __future__ import annotations

import numpy as np
import pytest

from kalys.requirements.decision import decide, seen
from kalys.requirements.detection import levels_to_confirm
from kalys.requirements.measuring import measure_detection
from kalys.requirements.observation import Observation, Outcome
from kalys.requirements.rules import Homogeneity, ZeroFailures

RULE = Homogeneity(rule="homogeneity")
POSITIONS = [f"mayor/{n}" for n in range(14)]


def marks(rates, count, rng, level="half", stage=1):
    return [
        Observation(
            "MRK-003", "p.p", "detection", trials=count, detected=int(rng.binomial(count, rate)),
            condition=level, position=place, stage=stage,
        )
        for place, rate in zip(POSITIONS, rates, strict=False)
    ]  # fmt: skip


def campaign(rates, count, seed, levels=("faint", "half", "strong")):
    """Both stages, as the procedure runs them; and whether a second one was due."""
    rng = np.random.default_rng(seed)
    found = [o for level in levels for o in marks(rates, count, rng, level)]
    again = levels_to_confirm(RULE, found)
    for level in again:
        found += marks(rates, count, rng, level, stage=2)
    return found, again


def decided(observations, plan_sample=100):
    return decide(RULE, seen(observations), plan_sample=plan_sample)


def test_a_device_without_bias_passes_for_every_seed_and_some_alarm_is_cleared():
    alarms = 0
    for seed in range(300):
        found, again = campaign([0.5] * 14, 100, seed)
        alarms += bool(again)
        told = decided(found)
        assert told.outcome is Outcome.PASS, told.reason
        assert not again or "was not confirmed" in told.reason
    assert 0 < alarms < 12


def test_the_deviation_names_the_difference_that_the_sample_could_have_found():
    found, _ = campaign([0.5] * 14, 100, seed=1)
    (deviation,) = decided(found).deviations
    assert deviation == (
        "100 marks for each position by the plan, which would have shown a position off by 32 "
        "percentage points with a probability of 90 %; the requirement asks 25,675 marks for each "
        "position, for 2 percentage points"
    )


def test_a_biased_position_is_refused_and_named():
    found, again = campaign([0.5] * 13 + [0.9], 100, seed=3)
    assert again == ("faint", "half", "strong")
    told = decided(found)
    assert told.outcome is Outcome.FAIL
    assert told.reason.startswith("Positional bias, confirmed by repetition. faint: p ")
    assert "at mayor/13" in told.reason


def test_an_alarm_without_its_confirming_stage_decides_nothing():
    rng = np.random.default_rng(3)
    first = marks([0.5] * 13 + [0.9], 100, rng)
    assert decided(first).outcome is Outcome.INCONCLUSIVE
    smaller = marks([0.5] * 14, 50, rng, stage=2)
    assert "no confirming stage of the same size" in decided([*first, *smaller]).reason
    other = marks([0.5] * 13 + [0.9], 100, rng, level="other", stage=2)
    assert decided([*first, *other]).outcome is Outcome.INCONCLUSIVE


def test_one_pair_far_apart_is_an_alarm_where_many_positions_drown_it():
    pairs = [150] * 72 + [205, 95]
    found = [
        Observation("MRK-003", "p.p", "detection", trials=300, detected=d, condition="half",
                    position=str(n), stage=stage)
        for stage in (1, 2) for n, d in enumerate(pairs)
    ]  # fmt: skip
    assert decided(found).outcome is Outcome.FAIL


def test_marks_that_are_not_marginal_decide_nothing():
    found, _ = campaign([1.0] * 14, 200, seed=1)
    assert "No mark level was marginal" in decided(found).reason
    assert decided([]).outcome is Outcome.INCONCLUSIVE
    assert decided(marks([0.5], 200, np.random.default_rng(1))).outcome is Outcome.INCONCLUSIVE


def test_too_few_marks_decide_nothing():
    found, _ = campaign([0.5] * 14, 99, seed=1)
    assert "the plan asks for 100" in decided(found).reason
    assert "the requirement asks for 25,675" in decided(found, None).reason


def test_few_marks_say_what_they_can_still_show_and_too_few_decide_nothing():
    rng = np.random.default_rng(5)
    few = [
        Observation("MRK-003", "p.p", "detection", trials=3, detected=int(rng.binomial(3, 0.5)),
                    condition="half", position=str(n), stage=1)
        for n in range(76)
    ]  # fmt: skip
    told = decided(few, 3)
    assert told.outcome is Outcome.PASS
    assert "rates that scatter over the positions by 26 percentage points" in told.reason
    none = decided(marks([0.5] * 7, 2, rng), 2)
    assert none.outcome is Outcome.INCONCLUSIVE
    assert "could not have shown any bias" in none.reason


def test_the_full_sample_needs_no_deviation_but_a_small_difference():
    full = marks([0.5] * 14, 25_675, np.random.default_rng(1), level="half")
    told = decided(full, None)
    assert (told.outcome, told.deviations) == (Outcome.PASS, ())
    shown = [
        Observation("MRK-003", "p.p", "detection", trials=40_000, detected=d, condition="half",
                    position=str(n), stage=1)
        for n, d in enumerate([20_000] * 40 + [20_410, 19_590])
    ]  # fmt: skip
    told = decided(shown, None)
    assert told.outcome is Outcome.INCONCLUSIVE
    assert "not surely so" in told.reason


def test_parts_of_a_campaign_add_up():
    rng = np.random.default_rng(9)
    parts = [o for _ in range(4) for o in marks([0.5] * 14, 25, rng)]
    assert decided(parts).outcome is Outcome.PASS


def test_other_rules_have_nothing_to_confirm():
    found, _ = campaign([0.1] * 7 + [0.9] * 7, 100, seed=1)
    assert levels_to_confirm(ZeroFailures(rule="zero-failures"), found) == ()
    assert levels_to_confirm(None, found) == ()


def test_the_measurement_is_the_largest_difference_and_the_p_value_of_each_level():
    found, _ = campaign([0.5] * 13 + [0.9], 100, seed=3)
    measured = measure_detection("p-value", found)
    assert len(measured) == 6
    assert measured[0].quantity == "p-value: faint"
    assert measured[0].value < 0.01
    assert measured[0].conditions["largest difference"] == pytest.approx(0.4, abs=0.15)


def test_the_rule_states_its_risk():
    assert "risk of refusing a device without bias at most 0.04 %" in RULE.words()
