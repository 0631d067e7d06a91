"""Verdicts: pure, never too kind, and told in plain sentences."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalys.bench.profile import LimitOverride
from kalys.requirements import catalogue
from kalys.requirements.observation import Observation, Outcome, Verdict
from kalys.requirements.plan import Plan, load_plan
from kalys.requirements.verdict import conformity, exit_code, judge, judge_all, measure

QUICK, STANDARD = load_plan("quick"), load_plan("standard")


def count(requirement, trials, failures=0, **rest):
    return Observation(requirement, "p.p", "count", trials=trials, failures=failures, **rest)


def check(requirement, condition, ok=True, note=""):
    failures = 0 if ok else 1
    return Observation(
        requirement, "p.p", "check", trials=1, failures=failures, condition=condition, note=note
    )


def reading(requirement, value, u=None, unit="s"):
    return Observation(requirement, "p.p", "reading", value=value, unit=unit, u=u)


def verdict(requirement, *observations, plan=QUICK, limits=None, **rest):
    return judge(catalogue.load()[requirement], plan, limits, observations, **rest)


def test_a_clean_volume_passes_with_its_bound_in_a_plain_sentence():
    told = verdict("ACC-001", *(count("ACC-001", 76, sheet=f"s{n}") for n in range(2200)))
    assert told.verdict is Outcome.PASS
    assert told.reason == (
        "No error in 2,200 sheets (167,200 ballot positions); the requirement asks 10,000,000; "
        "one-sided 95 % upper bound of the error rate 1.8e-5 per ballot position."
    )
    assert told.deviations == (
        "ACC-001: sample of 167,200 ballot positions by the plan; the requirement asks 10,000,000",
    )
    positions, sheets, clustered, anytime = told.measurements
    assert (positions.trials, positions.failures) == (167_200, 0)
    assert positions.bound == pytest.approx(1.79e-5, rel=0.01)
    assert (sheets.trials, sheets.failures) == (2200, 0)
    assert clustered.bound == sheets.bound == pytest.approx(1.36e-3, rel=0.01)
    assert anytime.bound == pytest.approx(1.36e-3 * 1.09, rel=0.01)


def test_positions_counted_in_groups_tell_their_sheets_too():
    told = verdict("ACC-001", *(count("ACC-001", 76 * 50, sheets=50) for _ in range(44)))
    assert told.reason.startswith("No error in 2,200 sheets (167,200 ballot positions)")
    assert told.measurements[1].trials == 2200


def test_sheets_that_went_wrong_one_by_one_are_not_taken_for_all_sheets():
    bad = count("PAP-001", 1, 1, sheet="s-1")
    (measured,) = verdict("PAP-001", count("PAP-001", 2199), bad).measurements
    assert (measured.trials, measured.failures) == (2200, 1)


def test_the_full_volume_needs_no_deviation():
    told = verdict("ACC-001", count("ACC-001", 10_000_004), plan=load_plan("full"))
    assert (told.verdict, told.deviations) == (Outcome.PASS, ())
    assert "3e-7 per ballot position" in told.reason


def test_a_reduced_sample_passes_with_the_deviation_named():
    told = verdict("MRK-001", count("MRK-001", 44))
    assert told.verdict is Outcome.PASS
    assert told.reason == (
        "No failure in 44 marks; the requirement asks 299 for each target position; one-sided "
        "95 % upper bound of the rate 6.6 %."
    )


def test_too_little_data_is_never_a_pass():
    told = verdict("MRK-001", count("MRK-001", 43))
    assert told.verdict is Outcome.INCONCLUSIVE
    assert "the plan asks for 44" in told.reason
    assert verdict("MRK-001", count("MRK-001", 0)).verdict is Outcome.INCONCLUSIVE
    assert verdict("MRK-010", count("MRK-010", 2994), plan=STANDARD).verdict is Outcome.INCONCLUSIVE


def test_one_failure_fails_and_is_named():
    told = verdict(
        "MRK-010", count("MRK-010", 30),
        count("MRK-010", 1, 1, condition="other district", sheet="f-7", note="valid"),
    )  # fmt: skip
    assert told.verdict is Outcome.FAIL
    assert told.reason.startswith("1 failure in 31 foreign sheets; one-sided 95 % upper bound")
    assert told.reason.endswith("First: other district: sheet f-7: valid")
    assert told.failures == ("other district: sheet f-7: valid",)


def test_a_failure_dominates_a_blocked_procedure_and_blocked_dominates_a_pass():
    blocked = Observation("MRK-010", "mark.foreign", "blocked", note="link lost")
    assert verdict("MRK-010", count("MRK-010", 5, 1), blocked).verdict is Outcome.FAIL
    told = verdict("MRK-010", count("MRK-010", 5000), blocked)
    assert told.verdict is Outcome.BLOCKED
    assert "link lost" in told.reason
    assert verdict("MRK-010", blocked).verdict is Outcome.BLOCKED


def test_what_does_not_apply_is_not_applicable():
    told = verdict(
        "PWR-001", Observation("PWR-001", "power.backup", "not-applicable", note="no battery")
    )
    assert (told.verdict, told.reason) == (Outcome.NOT_APPLICABLE, "no battery")


def test_a_missing_capability_makes_a_requirement_not_applicable():
    known = catalogue.load()["REP-007"].model_copy(update={"needs": ("consolidation",)})
    without = judge(known, QUICK, None, [], ())
    assert without.verdict is Outcome.NOT_APPLICABLE
    assert "consolidation" in without.reason
    assert judge(known, QUICK, None, [], ("consolidation",)).verdict is Outcome.NOT_TESTED


def test_not_tested_has_a_reason_each_time():
    assert "sequential test" in verdict("ACC-002", count("ACC-002", 76)).reason
    untested = next(r.id for r in catalogue.load() if not r.procedures)
    assert verdict(untested).reason == "No procedure tests it yet."
    assert verdict("MRK-010").reason == "Nothing was observed: mark.foreign did not run."
    omitted = verdict("PWR-001", time_base="real")
    assert omitted.verdict is Outcome.NOT_TESTED
    assert "Two hours without mains" in omitted.reason
    assert omitted.by_plan


def test_the_sequential_test_accepts_rejects_and_waits():
    sheets = [count("ACC-002", 76, sheet=f"s{n}") for n in range(20_391)]
    accepted = verdict("ACC-002", *sheets, plan=STANDARD)
    assert accepted.verdict is Outcome.PASS
    assert accepted.reason.startswith("No errors in 1,549,716 ballot positions")
    assert verdict("ACC-002", *sheets[:-1], plan=STANDARD).verdict is Outcome.INCONCLUSIVE
    rejected = verdict("ACC-002", count("ACC-002", 20_000, 1), plan=STANDARD)
    assert rejected.verdict is Outcome.FAIL
    late = verdict("ACC-002", *sheets, count("ACC-002", 76, 1), plan=STANDARD)
    assert "came after the test had stopped" in late.reason


def test_a_rate_passes_by_its_upper_bound_fails_by_its_lower_and_is_open_between():
    assert verdict("PAP-001", count("PAP-001", 2200), plan=STANDARD).verdict is Outcome.PASS
    one = count("PAP-001", 2200, 1)
    assert verdict("PAP-001", one, plan=STANDARD).verdict is Outcome.INCONCLUSIVE
    assert verdict("PAP-001", count("PAP-001", 2200, 30), plan=STANDARD).verdict is Outcome.FAIL
    assert verdict("PAP-001", count("PAP-001", 4000, 1), plan=STANDARD).verdict is Outcome.PASS
    assert verdict("PAP-002", count("PAP-002", 20, 1)).verdict is Outcome.FAIL
    reduced = verdict("PAP-002", count("PAP-002", 20))
    assert reduced.verdict is Outcome.PASS
    assert reduced.deviations


def test_each_corner_is_judged_by_itself_and_the_worst_decides():
    good = [count("PAP-006", 1497, condition=f"corner {i}") for i in range(7)]
    whole = verdict("PAP-006", *good, count("PAP-006", 1497, condition="damp"), plan=STANDARD)
    assert whole.verdict is Outcome.PASS
    assert "8 corners" in whole.reason
    # Of all sheets together this were 1 in 1,000, well within the limit.
    bad = count("PAP-006", 1497, 12, condition="damp")
    refused = verdict("PAP-006", *good, bad, plan=STANDARD)
    assert refused.verdict is Outcome.FAIL
    assert "Corner damp" in refused.reason
    few = verdict("PAP-006", *good, count("PAP-006", 5, condition="damp"), plan=STANDARD)
    assert few.verdict is Outcome.INCONCLUSIVE
    open_ = verdict("PAP-006", *good, count("PAP-006", 1497, 3, condition="damp"), plan=STANDARD)
    assert open_.verdict is Outcome.INCONCLUSIVE
    assert verdict("PAP-006", count("PAP-006", 6, condition="damp")).deviations


def test_timing_is_accepted_with_a_guard_band():
    inside = verdict("TIM-009", reading("TIM-009", 40.0, 0.5), reading("TIM-009", 41.5, 0.5))
    assert inside.verdict is Outcome.PASS
    assert inside.reason == (
        "Highest of 2 readings 41.5 s, U = 1.0 s (k = 2); the limit is at most 300 s."
    )
    assert verdict("TIM-009", reading("TIM-009", 299.5, 0.5)).verdict is Outcome.INCONCLUSIVE
    assert verdict("TIM-009", reading("TIM-009", 300.5, 0.5)).verdict is Outcome.INCONCLUSIVE
    assert verdict("TIM-009", reading("TIM-009", 301.5, 0.5)).verdict is Outcome.FAIL
    (measured,) = inside.measurements
    assert (measured.value, measured.u, measured.unit) == (41.5, 0.5, "s")


def test_the_declared_speed_takes_the_place_of_the_catalogue_s():
    speeds = [reading("TIM-006", 300 + d, 0.4, "mm/s") for d in (-0.2, 0.0, 0.1, 0.1)]
    told = verdict("TIM-006", *speeds, limits={"transport_speed_mm_s": 290.0})
    assert told.verdict is Outcome.PASS
    assert told.limit == "speed: at least 290 mm/s (as declared)"
    assert (told.limit_source, told.limit_value) == ("profile", 290.0)
    slow = [reading("TIM-006", 240 + d, 0.4, "mm/s") for d in (-0.2, 0.0, 0.1, 0.1)]
    assert verdict("TIM-006", *slow, limits={"transport_speed_mm_s": 290.0}).verdict is Outcome.FAIL
    assert verdict("TIM-006", *slow, limits={"transport_speed_mm_s": None}).limit_value == 220


def test_a_mean_of_few_readings_gets_the_student_factor():
    told = verdict("TIM-006", *(reading("TIM-006", v, 0.0, "mm/s") for v in (221.0, 224.0)))
    assert told.verdict is Outcome.INCONCLUSIVE


def test_fewer_readings_than_the_requirement_asks_are_a_deviation():
    told = verdict("TIM-007", reading("TIM-007", 1.1, 0.001, "1"))
    assert told.verdict is Outcome.PASS
    assert "TIM-007: 1 reading by the plan; the requirement asks 4 readings" in told.deviations
    one = reading("TIM-007", 1.1)
    assert verdict("TIM-007", one, plan=STANDARD).verdict is Outcome.INCONCLUSIVE


def test_every_check_must_hold():
    told = verdict("LAB-002", check("LAB-002", "a"), check("LAB-002", "b"))
    assert (told.verdict, told.reason) == (Outcome.PASS, "All 2 checks hold.")
    told = verdict("LAB-002", check("LAB-002", "a"), check("LAB-002", "b", False, "no procedure"))
    assert told.verdict is Outcome.FAIL
    assert told.reason == "1 of 2 checks failed: b. First: b: no procedure"


def test_an_expected_check_that_was_not_made_leaves_it_open():
    known = catalogue.load()["LAB-002"]
    rule = known.decision.model_copy(update={"expected": ("a", "b")})
    strict = known.model_copy(update={"decision": rule})
    assert judge(strict, QUICK, None, [check("LAB-002", "a")]).verdict is Outcome.INCONCLUSIVE


def test_an_override_of_the_profile_is_a_deviation():
    given = LimitOverride(value=60, reason="tender", source="annex 2")
    known = catalogue.load().overridden({"TIM-009": given})
    told = judge(known["TIM-009"], QUICK, None, [reading("TIM-009", 70.0, 0.1)])
    assert told.verdict is Outcome.FAIL
    assert told.limit_source == "profile"
    assert told.deviations == ("TIM-009: limit 60 set by the profile: tender (annex 2)",)


def test_a_procedure_left_out_in_real_time_is_a_deviation_of_what_others_test():
    told = verdict("ACC-009", count("ACC-009", 76), time_base="real")
    assert told.verdict is Outcome.PASS
    assert any("day.ordinary left out" in d for d in told.deviations)


# Laws ---------------------------------------------------------------------------------------------

COUNTS = st.lists(st.tuples(st.integers(1, 400), st.integers(0, 2)), min_size=1, max_size=30)
RULED = st.sampled_from([
    r.id for r in catalogue.load()
    if r.decision and r.decision.rule != "homogeneity" and r.id in STANDARD.requirements
])  # fmt: skip


@given(RULED, COUNTS, st.integers(1, 400))
def test_another_failure_never_turns_a_fail_into_anything_better(name, counts, more):
    seen = [count(name, max(n, f), f) for n, f in counts]
    before = verdict(name, *seen, plan=STANDARD)
    rule = catalogue.load()[name].decision.rule
    if before.verdict is Outcome.FAIL and rule != "rate-at-most":
        assert verdict(name, *seen, count(name, more, 1), plan=STANDARD).verdict is Outcome.FAIL


@given(RULED, COUNTS)
def test_a_requirement_of_zero_failures_never_passes_with_one(name, counts):
    seen = [count(name, max(n, f), f) for n, f in counts]
    rule = catalogue.load()[name].decision.rule
    if any(f for _, f in counts) and rule not in ("sequential", "rate-at-most"):
        assert verdict(name, *seen, plan=STANDARD).verdict is Outcome.FAIL


@given(RULED, COUNTS, st.integers())
def test_the_order_of_observations_matters_only_to_the_sequential_test(name, counts, seed):
    seen = [count(name, max(n, f), f) for n, f in counts]
    shuffled = random.Random(seed).sample(seen, len(seen))
    if catalogue.load()[name].decision.rule != "sequential":
        assert verdict(name, *seen).verdict is verdict(name, *shuffled).verdict


@given(RULED, COUNTS)
def test_every_count_verdict_carries_the_bound(name, counts):
    (measured, *_) = measure(catalogue.load()[name], [count(name, max(n, f), f) for n, f in counts])
    assert measured.failures / measured.trials <= measured.bound <= 1


# The whole ----------------------------------------------------------------------------------------


def test_all_requirements_get_a_verdict_in_order():
    told = judge_all(catalogue.load(), QUICK, {}, [count("MRK-010", 30)])
    assert [v.requirement for v in told] == [r.id for r in catalogue.load()]
    assert {v.verdict for v in told} == {Outcome.NOT_TESTED, Outcome.PASS}
    assert all(v.reason for v in told)


def plan(*requirements):
    return Plan(plan="p", title="t", purpose="p", requirements=requirements)


def told(requirement, outcome, by_plan=False):
    return Verdict(requirement, outcome, "-", by_plan=by_plan)


@pytest.mark.parametrize(
    ("outcomes", "conforms", "code"),
    [
        ((Outcome.PASS, Outcome.PASS), "conforms", 0),
        ((Outcome.PASS, Outcome.NOT_APPLICABLE), "conforms", 0),
        ((Outcome.PASS, Outcome.FAIL), "does-not-conform", 1),
        ((Outcome.BLOCKED, Outcome.FAIL), "does-not-conform", 1),
        ((Outcome.PASS, Outcome.INCONCLUSIVE), "inconclusive", 3),
        ((Outcome.PASS, Outcome.BLOCKED), "inconclusive", 3),
        ((Outcome.PASS, Outcome.NOT_TESTED), "inconclusive", 3),
        ((Outcome.NOT_APPLICABLE, Outcome.NOT_APPLICABLE), "inconclusive", 3),
    ],
)
def test_conformity_follows_the_worst_verdict(outcomes, conforms, code):
    verdicts = [told("ACC-001", outcomes[0]), told("ACC-009", outcomes[1])]
    assert conformity(verdicts, plan("ACC-001", "ACC-009")) == conforms
    assert exit_code(verdicts, plan("ACC-001", "ACC-009")) == code


def test_what_the_plan_leaves_out_does_not_stand_in_the_way():
    verdicts = [
        told("ACC-001", Outcome.PASS), told("PWR-001", Outcome.NOT_TESTED, by_plan=True),
        told("MRK-003", Outcome.FAIL),
    ]  # fmt: skip
    assert exit_code(verdicts, plan("ACC-001", "PWR-001")) == 0
