"""The laboratory's look at its own run finds what is missing, and is content with a whole run."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from kalys.evidence.journal import Journal
from kalys.procedures import laboratory
from kalys.requirements import catalogue
from kalys.requirements.observation import Measurement, Observation, Outcome, Verdict
from kalys.requirements.plan import Plan

CATALOGUE = catalogue.load()
SEEN = Observation(
    requirement="REP-002", procedure="report.zero", kind="count", trials=166, failures=0,
    device="KG-1", evidence=(3, 40),
)


def plan(*requirements: str, **changed) -> Plan:
    return Plan(plan="trial", title="t", purpose="p", requirements=requirements, **changed)


def gaps(*seen: Observation) -> dict[str, list[str]]:
    found = laboratory.record_gaps(seen, CATALOGUE, last=100)
    return {part: wrong for part, wrong in found.items() if wrong}


# LAB-001


def test_a_requirement_that_an_executed_procedure_observed_is_mapped():
    found = list(
        laboratory.mapped(CATALOGUE, plan("REP-002"), "virtual", [SEEN], {"report.zero"})
    )
    assert found == [("REP-002", True, "")]


@pytest.mark.parametrize("done", [set(), {"report.results"}])
def test_a_requirement_that_nothing_executed_observed_is_a_gap(done):
    seen = [SEEN] if done else []
    ((_, ok, note),) = laboratory.mapped(CATALOGUE, plan("REP-002"), "virtual", seen, done)
    assert not ok
    assert "none of report.zero, day.ordinary observed it" in note


def test_a_requirement_without_any_procedure_is_a_gap():
    ((_, ok, note),) = laboratory.mapped(CATALOGUE, plan("TIM-010"), "virtual", [], set())
    assert not ok
    assert "no procedure" in note


def test_what_the_plan_leaves_out_is_no_gap_but_named_with_its_reason():
    away = "the printer is away"
    lazy = plan("REP-002", omit={"report.zero": away, "day.ordinary": away})
    ((_, ok, note),) = laboratory.mapped(CATALOGUE, lazy, "virtual", [], set())
    assert ok
    assert "the printer is away" in note


def test_the_laboratory_is_testing_its_own_requirements_now():
    ((_, ok, _),) = laboratory.mapped(CATALOGUE, plan("LAB-005"), "virtual", [], set())
    assert ok


# LAB-002


def test_a_whole_record_has_no_gap():
    reading = Observation(
        requirement="TIM-009", procedure="day.ordinary", kind="reading", value=4.2, unit="s",
        u=0.01, device="KG-1", evidence=(1, 1),
    )
    blocked = replace(SEEN, kind="blocked", trials=0, note="the roll was empty")
    assert gaps(SEEN, reading, blocked) == {}


@pytest.mark.parametrize(
    ("part", "changed"),
    [
        ("requirement", {"requirement": "XXX-001"}),
        ("item under test", {"device": ""}),
        ("criterion", {"requirement": "TIM-010"}),
        ("evidence", {"evidence": (0, 0)}),
        ("evidence", {"evidence": (5, 101)}),
        ("procedure", {"procedure": "report.imagined"}),
        ("noise and variation", {"kind": "reading", "value": 1.0, "unit": "s"}),
        ("result", {"trials": 0}),
        ("result", {"failures": 200}),
        ("result", {"kind": "reading", "u": 0.1}),
        ("reason if not run", {"kind": "blocked"}),
    ],
)
def test_a_record_that_lacks_a_part_is_named(part, changed):
    found = gaps(SEEN, replace(SEEN, **changed))
    assert "observation 2" in found[part][0]


# LAB-004


def whole_run() -> list[Verdict]:
    measured = (Measurement("failures", 0, "1"),)
    return [Verdict(r.id, Outcome.PASS, "all is well", measured) for r in CATALOGUE]


def test_one_verdict_with_a_reason_for_each_requirement_is_in_order():
    assert not any(laboratory.verdict_gaps(whole_run(), CATALOGUE).values())


@pytest.mark.parametrize(
    ("condition", "spoil"),
    [
        ("one verdict for each requirement", lambda run: run.pop()),
        ("one verdict for each requirement", lambda run: run.append(run[0])),
        ("one of the words", lambda run: run.append(replace(run.pop(), verdict="MAYBE"))),
        ("a reason for each", lambda run: run.append(replace(run.pop(), reason=" "))),
        ("no PASS without data", lambda run: run.append(replace(run.pop(), measurements=()))),
    ],
)
def test_verdicts_out_of_order_are_named(condition, spoil):
    run = whole_run()
    spoil(run)
    assert laboratory.verdict_gaps(run, CATALOGUE)[condition]


# LAB-005


@pytest.fixture
def journal(tmp_path, monkeypatch):
    monkeypatch.setenv("KALYS_KEY", str(tmp_path / "laboratory.key"))
    ticks = iter(range(1000))
    written = Journal(tmp_path / "run" / "evidence" / "journal.jsonl", {}, lambda: next(ticks))
    for number in range(5):
        written.add("note", {"text": f"entry {number}"})
    yield written
    written.close()


def wrong(journal: Journal) -> dict[str, str]:
    found = laboratory.evidence_gaps(journal.path, journal.last)
    return {condition: what for condition, what in found.items() if what}


def test_a_journal_whose_chain_holds_is_good_evidence(journal):
    assert wrong(journal) == {}


def test_a_changed_record_breaks_the_chain(journal):
    text = journal.path.read_text().replace("entry 2", "entry 9")
    journal.path.write_text(text)
    assert "chain is broken at record 3" in wrong(journal)["the journal's chain holds"]


def test_a_record_that_was_taken_off_the_end_shows(journal):
    lines = journal.path.read_text().splitlines(keepends=True)
    journal.path.write_text("".join(lines[:-1]))
    told = wrong(journal)["the journal's chain holds"]
    assert told == "4 records are on the disk, 5 were written"


def test_a_file_that_cannot_be_hashed_shows(journal):
    (journal.path.parent / "elsewhere").symlink_to("/etc/hostname")
    assert wrong(journal)["every file has a hash"]


def test_a_key_that_is_none_cannot_sign(journal, tmp_path):
    (tmp_path / "laboratory.key").write_text(json.dumps("not a key"))
    assert "not an Ed25519 key" in wrong(journal)["it can be signed"]
