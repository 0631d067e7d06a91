"""Plans: three depths, honest about what they leave out."""

from __future__ import annotations

import math

import pytest

from kalys.errors import ConfigurationError
from kalys.metrology.sprt import VOTING_SYSTEM_TEST
from kalys.requirements import catalogue
from kalys.requirements.plan import Plan, load_plan

POSITIONS = 76


@pytest.mark.parametrize("name", ["quick", "standard", "full"])
def test_the_shipped_plans_load_and_survive_json(name):
    plan = load_plan(name)
    assert plan.plan == name
    assert Plan.model_validate(plan.model_dump(mode="json")) == plan


@pytest.mark.parametrize("name", ["quick", "standard", "full"])
def test_every_requirement_of_a_plan_has_a_procedure_that_it_gives_parameters_or_none(name):
    plan, known = load_plan(name), catalogue.load()
    assert all(known[r].procedures for r in plan.requirements)
    assert set(plan.procedures) <= set(plan.selected(known, "virtual"))


def test_the_quick_plan_leaves_the_sequential_test_out_and_says_why():
    plan = load_plan("quick")
    assert "ACC-002" not in plan.requirements
    assert "cannot decide" in plan.not_tested["ACC-002"]


def test_the_standard_plan_has_the_volume_for_the_sequential_test():
    volume = load_plan("standard").procedures["count.volume"]["sheets"] * POSITIONS
    assert volume >= VOTING_SYSTEM_TEST.accept_at(0)
    assert math.ceil(VOTING_SYSTEM_TEST.accept_at(0)) == 1_549_704


def test_the_full_plan_has_ten_million_positions_and_reduces_only_what_no_one_can_feed():
    plan = load_plan("full")
    assert plan.procedures["count.volume"]["sheets"] * POSITIONS >= 10_000_000
    assert set(plan.samples) <= {"MRK-003"}  # some 26,000 marks for each position and level


def test_real_time_overrides_parameters_and_samples_and_omits_with_reasons():
    plan = load_plan("quick")
    assert plan.parameters("count.volume", "virtual")["sheets"] == 2200
    assert plan.parameters("count.volume", "real")["sheets"] < 200
    assert plan.sample("MRK-001", "virtual") == 44
    assert plan.sample("MRK-001", "real") == 22
    assert plan.sample("ACC-009", "virtual") is None
    assert "day.ordinary" in plan.omitted("real")
    assert "day.ordinary" not in plan.omitted("virtual")
    assert "day.ordinary" not in plan.selected(catalogue.load(), "real")


def test_the_quick_plan_in_real_time_takes_about_a_quarter_of_an_hour():
    plan = load_plan("quick")
    sheets = 0
    for name in plan.selected(catalogue.load(), "real"):
        given = plan.parameters(name, "real")
        pieces = [given.get(key, 0) for key in ("sheets", "marks", "trials", "cuts")]
        times = given.get("rescans", 1) * (8 if name == "paper.orientations" else 1)
        sheets += max(pieces) * times
    assert sheets * 2 < 15 * 60


def test_the_laboratory_looks_last():
    order = load_plan("quick").selected(catalogue.load(), "virtual")
    lab = [name.startswith("laboratory.") for name in order]
    assert lab == sorted(lab)
    assert order[0] == "count.volume"


def write(folder, text):
    path = folder / "mine.yaml"
    path.write_text("plan: mine\ntitle: t\npurpose: p\n" + text)
    return path


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("requirements: [ACC-999]", r"mine\.yaml:4.*ACC-999"),
        ("requirements: [ACC-001]\nprocedures:\n  count.volum: {sheets: 3}", r":6.*count\.volum"),
        ("requirements: [ACC-001]\nomit:\n  day.night: no", r":6.*day\.night"),
        ("requirements: [ACC-001]\nsamples: {ACC-002: 5}", "ACC-002"),
        ("requirements: [ACC-001, ACC-001]", "twice"),
        ("requirements: [ACC-001]\nnot_tested: {ACC-001: why}", "both"),
        ("requirements: [ACC-001]\nsample: {}", r"did you mean samples"),
        ("requirements: [ACC-001]\nsamples: {ACC-001: 0}", "greater than or equal to 1"),
    ],
)
def test_a_mistake_in_a_plan_is_told_with_its_place(tmp_path, text, told):
    with pytest.raises(ConfigurationError, match=told):
        load_plan(write(tmp_path, text))


def test_an_unknown_plan_is_answered_with_those_there_are():
    with pytest.raises(ConfigurationError, match="full, quick, standard"):
        Plan.load("slow")


# Alternative rules --------------------------------------------------------------------------------

CHOOSING = """
plan: mine
title: t
purpose: p
requirements: [PAP-001, MRK-001]
decisions: {PAP-001: sequential}
"""


def test_a_plan_may_choose_an_alternative_rule(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(CHOOSING)
    plan = load_plan(path)
    ruled = plan.ruled(catalogue.load()["PAP-001"])
    assert (ruled.decision.rule, ruled.decision.p0) == ("sequential", 0.0005)
    kept = catalogue.load()["MRK-001"]
    assert plan.ruled(kept) is kept


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ("decisions: {PAP-001: zero}", "PAP-001 cannot be decided by 'zero'; its alternatives"),
        ("decisions: {MRK-001: sequential}", "its alternatives: none"),
        ("decisions: {PAP-002: sequential}", "PAP-002, which the plan does not test"),
    ],
)
def test_a_rule_that_is_no_alternative_is_refused_with_its_line(tmp_path, changed, told):
    path = tmp_path / "mine.yaml"
    path.write_text(CHOOSING.replace("decisions: {PAP-001: sequential}", changed))
    with pytest.raises(ConfigurationError) as refused:
        load_plan(path)
    assert told in str(refused.value)
    assert "mine.yaml" in str(refused.value)
