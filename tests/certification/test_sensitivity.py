"""The matrix of defects: what it runs, what it says, what it keeps; and the part that CI runs."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest

from kalys.certification import sensitivity
from kalys.certification.detection import Observed, Predicted
from kalys.certification.progress import Quiet
from kalys.certification.sensitivity import Row, ci_subset, known_defects, run_matrix
from kalys.certification.trial import Task, Trial, run_trial
from kalys.emulators.defects import CATALOGUE
from kalys.errors import ConfigurationError
from kalys.procedures import registry
from kalys.requirements import catalogue

DEFECT = "log-user-late"


def matrix(**given):
    return run_matrix(**{
        "defects": [DEFECT], "healthy_seeds": 0, "seed": 1, "plan": "quick", "processes": 1,
        "progress": Quiet(), **given,
    })


@pytest.fixture
def without_running(monkeypatch):
    """Trials that catch at even seeds, in this process; gives the seeds that were run."""
    run = []

    def catch(task):
        run.append(task.seed)
        caught = task.seed % 2 == 0
        return Trial(task.defect, task.seed, ("LOG-006",) if caught else (),
                     () if caught else ("LOG-006",), ("log.fields",), 10, 3)

    monkeypatch.setattr(sensitivity, "_run_all", lambda tasks, processes: map(catch, tasks))
    return run


def test_a_trial_tells_who_found_it_and_after_how_much():
    found = run_trial(Task(DEFECT, 1, "quick", ("LOG-006",), ("log.fields",)))
    assert found.caught and found.failed == ("LOG-006",) and found.by == ("log.fields",)
    assert found.sheets == 10 and found.first == 10 and found.device_seconds > 10


def test_a_trial_looks_no_further_once_every_requirement_has_failed():
    found = run_trial(Task(DEFECT, 1, "quick", ("LOG-006",), ("log.fields", "count.volume")))
    assert found.sheets == 10


def test_a_trial_of_the_wrong_procedure_misses():
    found = run_trial(Task(DEFECT, 1, "quick", ("LOG-006",), ("report.zero",)))
    assert not found.caught and found.missed == ("LOG-006",) and found.by == ()


def test_a_trial_is_the_same_for_the_same_seed():
    task = Task("ballot-misread-rarely:one_in=5", 3, "quick", ("PAP-003",), ("paper.jam",))
    assert run_trial(task) == run_trial(task)


def test_the_healthy_urn_raises_no_alarm_in_the_procedures_of_the_new_defects():
    named = ("log.fields", "log.calendar", "report.zero", "report.results")
    known = registry.load()
    requirements = tuple(dict.fromkeys(r for name in named for r in known[name].requirements))
    for seed in (1, 2):
        assert run_trial(Task(None, seed, "quick", requirements, named)).alarms == ()


def test_seeds_are_tried_one_by_one_and_added_up(without_running):
    (row,) = matrix(seeds=4).rows
    assert sorted(without_running) == [1, 2, 3, 4]
    assert row.observed == Observed(2, 4) and row.failed == ("LOG-006",)
    assert not row.caught, "a defect that always shows must be caught by every seed"


def test_kept_trials_are_not_run_again(without_running, tmp_path):
    keep = tmp_path / "kept.jsonl"
    first = matrix(seeds=2, keep=keep)
    assert matrix(seeds=2, keep=keep) == first
    matrix(seeds=3, keep=keep)
    assert without_running == [1, 2, 3]


def test_a_kept_trial_that_was_cut_off_is_run_again(without_running, tmp_path):
    keep = tmp_path / "kept.jsonl"
    matrix(seeds=3, keep=keep)
    keep.write_text(keep.read_text()[:-20])
    matrix(seeds=3, keep=keep)
    assert without_running == [1, 2, 3, 3]
    assert len(keep.read_text().splitlines()) == 4


@pytest.mark.parametrize("text", ["", "nonsense\n", "[]\n", '{"format": "kalys-sensitivity/1"}\n'])
def test_a_file_of_something_else_is_refused_and_left_as_it_is(text, tmp_path):
    keep = tmp_path / "other.json"
    keep.write_text(text)
    with pytest.raises(ConfigurationError, match=r"other\.json:1"):
        matrix(keep=keep)
    assert keep.read_text() == text


def test_a_kept_line_that_is_no_trial_is_named(without_running, tmp_path):
    keep = tmp_path / "kept.jsonl"
    matrix(seeds=2, keep=keep)
    lines = keep.read_text().splitlines(keepends=True)
    keep.write_text("".join([*lines[:2], json.dumps({"seed": "one"}) + "\n"]))
    with pytest.raises(ConfigurationError, match=r"kept\.jsonl:3"):
        matrix(keep=keep)


def test_an_interruption_leaves_what_was_done(monkeypatch, tmp_path):
    def two_and_then_none(tasks, processes):
        for task in tasks[:2]:
            yield Trial(task.defect, task.seed, ("LOG-006",))
        raise KeyboardInterrupt

    monkeypatch.setattr(sensitivity, "_run_all", two_and_then_none)
    found = matrix(seeds=5, keep=tmp_path / "kept.jsonl")
    assert not found.complete and not found.holds
    assert found.rows[0].observed == Observed(2, 2)
    assert len((tmp_path / "kept.jsonl").read_text().splitlines()) == 3


def test_a_defect_that_nobody_names_or_knows_is_refused(monkeypatch):
    with pytest.raises(ConfigurationError, match="no defect 'nothing'"):
        matrix(defects=["nothing"])
    monkeypatch.setattr(sensitivity, "known_defects", dict)
    with pytest.raises(ConfigurationError, match="no requirement names"):
        matrix()


def row(predicted: float, caught: int, seeds: int) -> Row:
    return Row(DEFECT, "LOG-006", ("LOG-006",), Predicted(predicted), Observed(caught, seeds),
               (), ("LOG-006",), (), 1, 1, 0, 1.0)


def test_a_row_holds_when_it_is_caught_as_often_as_computed():
    assert row(1.0, 3, 3).holds and not row(1.0, 2, 3).holds
    assert row(0.36, 0, 3).holds and not row(0.36, 0, 3).caught
    assert not row(0.36, 95, 100).holds
    assert replace(row(1.0, 0, 1), failed=()).holds, "the plan does not test it"


def test_false_alarms_are_bounded_by_the_seeds_that_were_tried():
    quiet = sensitivity.Matrix("quick", (), 200, ())
    assert quiet.holds and quiet.false_alarm_bound == pytest.approx(0.0149, abs=1e-4)
    loud = sensitivity.Matrix("quick", (), 200, ("seed 3: MRK-001 FAIL: x", "seed 3: y"))
    assert not loud.holds and loud.alarming_seeds == 1


def test_there_are_defects_enough_and_each_core_requirement_of_an_urn_has_one():
    assert len(CATALOGUE) >= 80
    assert set(known_defects()) == set(CATALOGUE)
    assert all(name in catalogue.load() for d in CATALOGUE.values() for name in d.requirements)


def test_the_subset_for_ci_lets_every_procedure_fail_that_is_quick():
    chosen = ci_subset("quick")
    assert len(chosen) == len(set(chosen)) > 30
    first = [next(p for p in CATALOGUE[name].procedures) for name in chosen]
    assert len(set(first)) == len(first)


def test_the_subset_for_ci_is_caught():
    found = matrix(defects=ci_subset("quick"), processes=2)
    missed = [(row.name, row.missed) for row in found.rows if not row.caught]
    assert not missed and found.holds


def test_a_matrix_is_plain_data(without_running):
    told = json.loads(json.dumps(matrix(seeds=2, healthy_seeds=1).to_dict()))
    (only,) = told["defects"]
    assert only["observed"]["caught"] == 1 and only["predicted"] == asdict(Predicted(1.0))
    assert told["healthy"]["seeds"] == 1 and told["complete"]
