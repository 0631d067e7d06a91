"""Measurements of counts: each bound says what it supposes, and holds for the counts it is of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalys.metrology.accuracy import clopper_pearson_upper
from kalys.metrology.anytime import anytime_upper
from kalys.requirements import catalogue
from kalys.requirements.decision import standing
from kalys.requirements.measuring import measure
from kalys.requirements.observation import Observation, Outcome
from kalys.requirements.plan import Plan
from kalys.requirements.verdict import judge

KNOWN = catalogue.load()


def count(requirement, trials, failures=0, **rest):
    return Observation(requirement, "p.p", "count", trials=trials, failures=failures, **rest)


def bounds(requirement, *observations):
    measured = measure(KNOWN[requirement], observations)
    assert all(m.bound is not None for m in measured)
    return {m.conditions.get("supposes", m.quantity): m for m in measured}


CLUSTERED = "fixed sample, errors may cluster"
ANY_STOP_CLUSTERED = "any stop, errors may cluster"
ANY_STOP = "any stop, independent positions"


def test_a_bad_sheet_counts_once_however_many_positions_it_has_wrong():
    right = count("ACC-001", 76 * 2999, sheets=2999)
    bad = count("ACC-001", 76, 50, sheets=1, bad_sheets=1, sheet="s-17")
    found = bounds("ACC-001", right, bad)
    assert found[CLUSTERED].bound == pytest.approx(clopper_pearson_upper(1, 3000))
    assert found["sheets concerned at most: " + KNOWN["ACC-001"].limit.metric].failures == 1
    plain = found[KNOWN["ACC-001"].limit.metric]
    assert plain.bound == clopper_pearson_upper(50, 76 * 3000)


def test_bad_sheets_of_a_group_are_taken_as_told():
    grouped = count("ACC-001", 76 * 3000, 50, sheets=3000, bad_sheets=2)
    assert bounds("ACC-001", grouped)[CLUSTERED].bound == pytest.approx(
        clopper_pearson_upper(2, 3000)
    )


def test_where_it_is_not_told_as_many_sheets_are_bad_as_can_be():
    grouped = count("ACC-001", 76 * 3000, 5, sheets=3000)
    assert bounds("ACC-001", grouped)[CLUSTERED].bound == pytest.approx(
        clopper_pearson_upper(5, 3000)
    )


def test_a_sequential_test_gets_the_bound_that_holds_at_any_stop():
    found = bounds("ACC-002", count("ACC-002", 1_549_716, sheets=20_391))
    assert found[ANY_STOP].bound == pytest.approx(anytime_upper(0, 1_549_716))
    assert found[ANY_STOP].bound < 2.2e-6
    assert found[ANY_STOP_CLUSTERED].bound == pytest.approx(anytime_upper(0, 20_391))
    plain = found[KNOWN["ACC-002"].limit.metric]
    assert "not valid after a sequential stop" in plain.conditions["bound"]
    assert ANY_STOP not in bounds("ACC-001", count("ACC-001", 76, sheets=1))


def test_positions_of_unknown_sheets_have_no_bound_by_sheets():
    assert len(measure(KNOWN["ACC-001"], [count("ACC-001", 7600)])) == 1


PARTS = st.lists(
    st.tuples(st.integers(1, 30), st.integers(0, 900), st.integers(0, 30), st.booleans()),
    min_size=1, max_size=8,
)  # fmt: skip


@given(PARTS)
def test_no_counts_that_a_procedure_may_report_break_the_bounds(parts):
    observations = []
    for n, (sheets, failures, bad, named) in enumerate(parts):
        wrong = min(failures, sheets * 30)
        name = f"s{n % 3}" if named else ""
        observations.append(
            count("ACC-001", sheets * 30, wrong, sheets=sheets, sheet=name,
                  bad_sheets=min(bad, wrong, sheets))
        )  # fmt: skip
    for measured in measure(KNOWN["ACC-001"], observations):
        assert 0 <= measured.bound <= 1


# Sequential decisions -----------------------------------------------------------------------------


def test_a_procedure_can_ask_whether_to_go_on():
    rule = KNOWN["ACC-002"].decision
    now = standing(rule, "ACC-002", [count("ACC-002", 1_000_000), count("ACC-001", 7, 7)])
    assert (now.state, now.trials, now.needed) == ("continue", 1_000_000, 549_704)
    now = standing(rule, "ACC-002", [count("ACC-002", 1_549_704)])
    assert (now.state, now.needed) == ("accept", 0)
    assert standing(rule, "ACC-002", [count("ACC-002", 76, 2)]).state == "reject"
    assert standing(rule, "ACC-002", []).needed == 1_549_704
    assert standing(KNOWN["ACC-001"].decision, "ACC-001", []).state == "continue"


SEQUENTIAL = Plan(
    plan="p", title="t", purpose="p", requirements=("PAP-001",),
    decisions={"PAP-001": "sequential"},
)  # fmt: skip


def misfeeds(trials, failures=0):
    return judge(KNOWN["PAP-001"], SEQUENTIAL, None, [count("PAP-001", trials, failures)])


def test_misfeeds_are_decided_sequentially_where_the_plan_says_so():
    assert misfeeds(1961).verdict is Outcome.PASS
    assert misfeeds(1960).verdict is Outcome.INCONCLUSIVE
    assert misfeeds(2885, 1).verdict is Outcome.PASS
    assert misfeeds(811, 3).verdict is Outcome.FAIL
    told = misfeeds(1961)
    assert "PAP-001: decided by the rule 'sequential' that the plan chooses" in told.deviations
    assert told.rule.startswith("Wald's sequential test of 0.05 % against 0.2 %")


def test_a_limit_of_the_profile_stands_above_the_choice_of_the_plan():
    class Given:
        value, reason, source = 0.01, "tender", ""

    known = KNOWN.overridden({"PAP-001": Given})["PAP-001"]
    told = judge(known, SEQUENTIAL, None, [count("PAP-001", 1961)])
    assert told.rule.startswith("Met when")
    assert "PAP-001: not decided by 'sequential', which has no such limit" in told.deviations


def test_refusing_may_have_a_confidence_of_its_own():
    plan = Plan(plan="p", title="t", purpose="p", requirements=("ACC-006", "ACC-004"))
    found = [count("ACC-006", 380_000, 6)]
    told = judge(KNOWN["ACC-006"], plan, None, found)
    assert told.verdict is Outcome.FAIL
    assert "one-sided 90 % lower bound" in told.reason
    strict = KNOWN["ACC-006"].model_copy(
        update={"decision": KNOWN["ACC-006"].decision.model_copy(update={"refuse_at": 0.95})}
    )
    assert judge(strict, plan, None, found).verdict is Outcome.INCONCLUSIVE
    assert judge(KNOWN["ACC-006"], plan, None, [count("ACC-006", 374_466)]).deviations == ()
    assert judge(KNOWN["ACC-004"], plan, None, [count("ACC-004", 59_914)]).verdict is Outcome.PASS
