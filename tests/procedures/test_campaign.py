"""Campaigns on a counting core: the same whoever does the shards, honest about what goes wrong."""

import json
import sys
from pathlib import Path

import pytest

from kalys.errors import ConfigurationError
from kalys.procedures.campaign import shard_sheets
from kalys.procedures.dask_workforce import DaskWorkers
from kalys.procedures.shard import Recipe, ShardFailure, ShardOrder, Workbench, do_shard
from kalys.procedures.workforce import WorkerProcesses, Workforce
from kalys.requirements.observation import Outcome

from ..campaigns import (
    answers_of,
    campaign_session,
    lines_of,
    plan_of,
    records_of,
    write_cores,
)

OWN = "python:kalys.counting.as_core:kalys_reader"
MISBEHAVING = Path(__file__).parent.parent / "cores.py"


@pytest.fixture(autouse=True)
def cores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_cores(tmp_path)
    monkeypatch.chdir(tmp_path)


def run(
    folder: Path, spec: str, plan, workforce: Workforce | None = None, timeout_s: float = 10
) -> dict[str, object]:
    """Run the volume and give back the verdicts."""
    folder.mkdir()
    with campaign_session(folder, spec, plan, workforce, timeout_s) as session:
        try:
            result = session.run("count.volume")
        finally:
            if workforce is not None:
                workforce.close()
        assert result.error is None, result.error
        return {v.requirement: v for v in result.verdicts}


def test_journal_and_answers_are_the_same_whatever_the_number_of_workers(tmp_path: Path) -> None:
    for name, workforce in (
        ("one", None), ("two", WorkerProcesses(2)), ("three", WorkerProcesses(3)),
    ):
        run(tmp_path / name, "python:weak_cores:forgets", plan_of(sheets=72), workforce)
    assert any(o["failures"] for o in records_of(tmp_path / "one", "observation")
               if "failures" in o)
    files = {
        name: {p.relative_to(tmp_path / name): p.read_bytes()
               for place in ("answers", "errors") for p in (tmp_path / name / place).rglob("*")
               if p.is_file()}
        for name in ("one", "two", "three")
    }
    assert len(files["one"]) > 5
    for name in ("two", "three"):
        assert lines_of(tmp_path / name) == lines_of(tmp_path / "one")
        assert files[name] == files["one"]


def test_a_dask_cluster_gives_the_same_journal(tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    run(tmp_path / "here", "python:weak_cores:forgets", plan_of())
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50,
    ) as cluster:
        workers = DaskWorkers(cluster.scheduler_address)
        run(tmp_path / "there", "python:weak_cores:forgets", plan_of(), workers)
    assert lines_of(tmp_path / "there") == lines_of(tmp_path / "here")
    assert answers_of(tmp_path / "there") == answers_of(tmp_path / "here")


def test_a_cluster_that_cannot_be_used_is_told_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    with pytest.raises(ConfigurationError, match="no Dask scheduler answers"):
        DaskWorkers("tcp://127.0.0.1:9", wait_s=0.5)
    with pytest.raises(ConfigurationError, match="no Dask scheduler answers"):
        DaskWorkers("nonsense://here", wait_s=0.5)
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ConfigurationError, match="not installed"):
        DaskWorkers("tcp://127.0.0.1:9")


def test_a_worker_with_another_kalys_does_nothing() -> None:
    from kalys.election.definition import load

    order = ShardOrder(
        3, 0, 8, Recipe("volume", "KG-PL", 1, 8), load("kg-2021-11-28"), None, kalys="0.0.1"
    )
    done = do_shard(order, Workbench(), lambda _: None)
    assert isinstance(done, ShardFailure)
    assert "the order comes from Kalys 0.0.1" in done.what


def test_every_wrong_sheet_is_an_observation_of_its_own_between_runs_of_right_ones(
    tmp_path: Path,
) -> None:
    verdicts = run(tmp_path / "run", "python:weak_cores:forgets", plan_of())
    seen = [o for o in records_of(tmp_path / "run", "observation") if o["requirement"] == "ACC-001"]
    wrong = [o for o in seen if o.get("failures")]
    right = [o for o in seen if not o.get("failures")]
    assert wrong and all(o["sheets"] == o["bad_sheets"] == 1 for o in wrong)
    assert all(o["trials"] == 76 and o["sheet"].startswith("v") for o in wrong)
    assert sum(o["sheets"] for o in seen) == 64
    assert all(o["trials"] == 76 * o["sheets"] for o in right)
    assert verdicts["ACC-001"].verdict is Outcome.FAIL
    by_sheet = [o["sheet"] for o in wrong]
    assert by_sheet == sorted(by_sheet)


def test_a_good_core_makes_no_error_and_its_pictures_are_sampled(tmp_path: Path) -> None:
    verdicts = run(tmp_path / "run", OWN, plan_of(sheets=70, shard=32))
    assert verdicts["ACC-001"].verdict is not Outcome.FAIL
    assert verdicts["ACC-009"].verdict is Outcome.PASS
    answers = answers_of(tmp_path / "run")
    assert len(answers) == 70
    assert [i for i, a in enumerate(answers) if "sha256" in a] == [0, 64]
    assert not records_of(tmp_path / "run", "error")


@pytest.mark.parametrize(("spec", "fault"), [
    ("python:weak_cores:fails", "error"), ("python:weak_cores:aborts", "crash"),
    ("python:weak_cores:hangs", "timeout"), ("python:weak_cores:rambles", "garbage"),
    (f"{sys.executable} {MISBEHAVING} earlier 11 4", "out-of-order"),
    (f"{sys.executable} {MISBEHAVING} other 11", "wrong-sheet"),
    (f"{sys.executable} {MISBEHAVING} garbage 11 4", "garbage"),
])
def test_a_core_that_misbehaves_in_the_middle_fails_with_that_sheet_and_the_campaign_goes_on(
    tmp_path: Path, spec: str, fault: str
) -> None:
    plan = plan_of(sheets=48, give_up_after=None)
    verdicts = run(tmp_path / "run", spec, plan, WorkerProcesses(2), timeout_s=1.5)
    answers = answers_of(tmp_path / "run")
    assert len(answers) == 48
    silent = [a for a in answers if a["status"] == "silent"]
    assert {a["fault"] for a in silent} == {fault}
    assert all(len(a["sha256"]) == 64 for a in silent)
    assert verdicts["MET-005"].verdict is Outcome.FAIL
    noted = [o for o in records_of(tmp_path / "run", "observation")
             if o["requirement"] == "MET-005" and "the core gave no answer" in o.get("note", "")]
    assert {o["sheet"] for o in noted} == {a["sheet"] for a in silent}


def test_a_core_that_answers_nothing_ends_the_deck_as_the_plan_says(tmp_path: Path) -> None:
    spec = f"{sys.executable} {MISBEHAVING} crash"
    verdicts = run(tmp_path / "run", spec, plan_of(give_up_after=2), WorkerProcesses(2))
    assert len(answers_of(tmp_path / "run")) == 2
    assert verdicts["ACC-001"].verdict is Outcome.BLOCKED
    assert verdicts["MET-005"].verdict is Outcome.FAIL
    notes = [note["text"] for note in records_of(tmp_path / "run", "note")]
    assert notes == ["2 sheets in a row without an answer: the deck ends after 2 of 64"]


def test_a_worker_that_dies_is_replaced_and_its_shard_done_once_more(tmp_path: Path) -> None:
    run(tmp_path / "alone", OWN, plan_of())
    workers = WorkerProcesses(2)
    spec = "python:weak_cores:ended_its_worker_once"
    verdicts = run(tmp_path / "run", spec, plan_of(), workers)
    assert Path("done").exists()
    assert not any(o.get("failures") for o in records_of(tmp_path / "run", "observation"))
    assert verdicts["ACC-009"].verdict is Outcome.PASS
    assert answers_of(tmp_path / "run") == answers_of(tmp_path / "alone")


@pytest.mark.parametrize(("after", "shards"), [(1, None), (None, 4)])
def test_a_shard_whose_workers_die_is_blocked_and_the_campaign_ends_as_the_plan_says(
    tmp_path: Path, after: int | None, shards: int | None
) -> None:
    plan = plan_of(stop_after_lost=after)
    verdicts = run(
        tmp_path / "run", "python:weak_cores:ends_its_worker", plan, WorkerProcesses(2)
    )
    records = records_of(tmp_path / "run", "shard")
    lost = [r for r in records if "lost" in r]
    assert lost and "killed by signal 9" in lost[0]["lost"]
    assert verdicts["ACC-001"].verdict is Outcome.BLOCKED
    if shards is not None:
        assert len(records) == shards
    else:
        assert records[-1] is lost[0] or records[-1] == lost[0]


def test_a_campaign_stops_after_as_many_errors_as_the_plan_allows(tmp_path: Path) -> None:
    run(tmp_path / "run", "python:weak_cores:forgets", plan_of(stop_after_errors=1))
    records = records_of(tmp_path / "run", "shard")
    assert len(records) < 4 and records[-1]["count"]["misread"]
    assert "went wrong" in records_of(tmp_path / "run", "note")[-1]["text"]


def test_a_campaign_may_stop_when_the_sequential_test_has_decided(tmp_path: Path) -> None:
    verdicts = run(
        tmp_path / "run", "python:weak_cores:forgets", plan_of(sheets=160, stop="decided"),
        WorkerProcesses(2),
    )
    assert verdicts["ACC-002"].verdict is Outcome.FAIL
    assert len(records_of(tmp_path / "run", "shard")) < 10
    assert "has decided" in records_of(tmp_path / "run", "note")[-1]["text"]


def test_a_stop_that_there_is_not_blocks_with_the_words_that_there_are(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with campaign_session(tmp_path / "run", OWN, plan_of(stop="whenever")) as session:
        result = session.run("count.volume")
    assert result.error is not None and "decided" in result.error


def test_shards_are_whole_epochs_and_about_a_hundred_of_a_long_deck() -> None:
    assert shard_sheets(2200) == 256
    assert shard_sheets(131_900) % 256 == 0
    assert 90 <= 131_900 / shard_sheets(131_900) <= 128


def test_progress_counts_every_sheet_once_and_ends_with_the_last(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    (tmp_path / "run").mkdir()
    workers = WorkerProcesses(2)
    with campaign_session(tmp_path / "run", OWN, plan_of(sheets=40), workers) as session:
        session._progress = lambda part, done, total, text: told.append((done, total))
        session.run("count.volume")
    workers.close()
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1] == (40, 40)


def test_the_answers_tell_what_was_read(tmp_path: Path) -> None:
    run(tmp_path / "run", "python:weak_cores:forgets", plan_of(sheets=16))
    answers = answers_of(tmp_path / "run")
    assert answers[0]["sheet"] == "v000001"
    assert all(a["status"] in ("read", "rejected") for a in answers)
    assert any(a["marks"].get("party") for a in answers)
    record = records_of(tmp_path / "run", "shard")[0]
    assert record["deck"] == {"builder": "volume", "style": "KG-PL", "sheets": 16,
                              "seed": record["deck"]["seed"]}
    assert json.dumps(record)
