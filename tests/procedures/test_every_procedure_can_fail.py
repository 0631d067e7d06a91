"""A procedure that nothing can fail is not a test: every requirement has a known-bad urn, or, where
it is about the harness itself, a run or a deck that is broken on purpose."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kalys.ballots.deck import Deck
from kalys.certification.emulated import emulated_session
from kalys.emulators.defects import CATALOGUE
from kalys.procedures import count, laboratory, registry, timing
from kalys.procedures.session import Session
from kalys.procedures.timing_budget import HostTiming
from kalys.requirements import catalogue
from kalys.requirements.observation import Outcome

REQUIREMENTS = catalogue.load()
# What no urn can violate, for it is about the deck, the harness or the laboratory.
OF_THE_HARNESS = {"ACC-003", "ACC-007", "TIM-012", "LAB-001", "LAB-002", "LAB-004", "LAB-005"}


def verdict(session: Session, procedure: str, requirement: str) -> Outcome:
    assert session.run(procedure).error is None
    return session.verdicts((requirement,))[0].verdict


def test_every_requirement_that_is_tested_and_that_an_urn_can_violate_has_a_known_bad_urn():
    without = {r.id for r in REQUIREMENTS if r.procedures and not r.defects}
    assert without == OF_THE_HARNESS


def test_requirements_and_the_catalogue_of_defects_name_each_other():
    named = {
        name: {r.id for r in REQUIREMENTS if name in r.defects}
        for name in {*CATALOGUE, *(d for r in REQUIREMENTS for d in r.defects)}
    }
    assert named == {name: set(defect.requirements) for name, defect in CATALOGUE.items()}


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_defect_is_found_by_procedures_of_the_requirements_that_it_violates(name):
    known = registry.load()
    tested = {p for r in CATALOGUE[name].requirements for p in REQUIREMENTS[r].procedures}
    assert set(CATALOGUE[name].procedures) <= tested & set(known)
    for requirement in CATALOGUE[name].requirements:
        assert set(CATALOGUE[name].procedures) & set(REQUIREMENTS[requirement].procedures)


# The harness


def test_an_accuracy_verdict_without_its_bound_fails_acc_003(emulated, monkeypatch):
    def without_bounds(self, requirements):
        return tuple(
            replace(v, measurements=tuple(replace(m, bound=None) for m in v.measurements))
            for v in judged(self, requirements)
        )

    with emulated(parameters={"count.volume": {"sheets": 5}}) as session:
        judged = Session.verdicts
        monkeypatch.setattr(Session, "verdicts", without_bounds)
        assert verdict(session, "count.volume", "ACC-003") is Outcome.FAIL


def test_a_sequential_verdict_with_a_bound_for_fixed_samples_only_fails_acc_003(
    emulated, monkeypatch
):
    def for_fixed_samples(self, requirements):
        return tuple(
            replace(v, measurements=tuple(replace(m, conditions={}) for m in v.measurements))
            for v in judged(self, requirements)
        )

    with emulated(parameters={"count.volume": {"sheets": 5}}) as session:
        plan = session.plan
        session.plan = plan.model_copy(update={"requirements": (*plan.requirements, "ACC-002")})
        judged = Session.verdicts
        monkeypatch.setattr(Session, "verdicts", for_fixed_samples)
        assert verdict(session, "count.volume", "ACC-003") is Outcome.FAIL


def test_a_deck_that_leaves_an_option_out_fails_acc_007(emulated, monkeypatch):
    whole = count.logic_and_accuracy

    def without_an_option(*given: object) -> Deck:
        deck = whole(*given)
        kept = [s for s in deck.sheets if all(m.option != "C03" for m in s.marks)]
        return replace(deck, sheets=tuple(kept))

    monkeypatch.setattr(count, "logic_and_accuracy", without_an_option)
    parameters = {"count.logic_and_accuracy": {"styles": ["KG-SM-27"]}}
    with emulated(parameters=parameters) as session:
        assert verdict(session, "count.logic_and_accuracy", "ACC-007") is Outcome.FAIL
        assert "C03" in session.verdicts(("ACC-007",))[0].failures[0]


def test_a_link_too_slow_for_its_limits_fails_tim_012(emulated, monkeypatch):
    slow = HostTiming((0.5, 4.5, 0.5, 4.5))
    monkeypatch.setattr(timing, "measure_host", lambda *_: slow)
    with emulated() as session:
        assert verdict(session, "timing.uncertainty", "TIM-012") is Outcome.FAIL


def test_a_run_that_tested_nothing_fails_lab_001(emulated):
    with emulated() as session:
        assert verdict(session, "laboratory.coverage", "LAB-001") is Outcome.FAIL


def test_an_observation_that_names_no_device_fails_lab_002(emulated):
    with emulated(parameters={}) as session:
        session.run("report.zero")
        session.observations[-1] = replace(session.observations[-1], device="")
        assert verdict(session, "laboratory.records", "LAB-002") is Outcome.FAIL


def test_a_verdict_without_a_reason_fails_lab_004(emulated, monkeypatch):
    judge_all = laboratory.verdicts.judge_all

    def without_reasons(*given, **named):
        return tuple(replace(v, reason="") for v in judge_all(*given, **named))

    with emulated() as session:
        with monkeypatch.context() as broken:
            broken.setattr(laboratory.verdicts, "judge_all", without_reasons)
            session.run("laboratory.verdicts")
        assert session.verdicts(("LAB-004",))[0].verdict is Outcome.FAIL


def test_a_journal_that_was_changed_during_the_run_fails_lab_005(tmp_path, monkeypatch):
    monkeypatch.setenv("KALYS_KEY", str(tmp_path / "laboratory.key"))
    journal = tmp_path / "run" / "evidence" / "journal.jsonl"
    journal.parent.mkdir(parents=True)
    with emulated_session(journal, seed=1, plan="quick") as session:
        session.run("report.zero")
        text = journal.read_text(encoding="utf-8")
        journal.write_text(text.replace('"rx"', '"tx"', 1), encoding="utf-8")
        assert verdict(session, "laboratory.evidence", "LAB-005") is Outcome.FAIL
