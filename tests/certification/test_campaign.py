"""Campaigns from the command line: broken off, continued, verified from the core's own answers."""

import dataclasses
import json
import shutil
import signal
from pathlib import Path

import pytest

from kalys.reporting.build import read_run
from kalys.reporting.campaign_verification import verify_campaigns
from kalys.resources import resource

from ..campaigns import answers_of, write_cores
from ..running import Kalys, journal_lines, report_of, wait_for, write_plan

FORGETS = "python:weak_cores:forgets"
ANSWERS = Path("evidence", "answers", "count.volume")
OMIT = {"count.logic_and_accuracy": "not a part of the volume"}


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    write_cores(tmp_path)
    return write_plan(
        tmp_path, requirements=["ACC-001", "ACC-002", "MET-005"], samples={},
        procedures={"count.volume": {"sheets": 96, "shard": 12}}, omit=OMIT,
    )


def observations(run: Path) -> list[dict]:
    """Every observation, apart from where in the journal it stands."""
    records = [json.loads(line) for line in journal_lines(run)[1:]]
    return [{k: v for k, v in r["d"].items() if k != "evidence"}
            for r in records if r["k"] == "observation"]


def shards(run: Path) -> list[int]:
    records = [json.loads(line) for line in journal_lines(run)[1:]]
    return [r["d"]["shard"] for r in records if r["k"] == "shard"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_campaign_that_was_broken_off_is_continued_without_a_sheet_twice_or_lost(
    kalys: Kalys, plan: Path, number: signal.Signals
) -> None:
    whole = kalys("certify", "--core", FORGETS, "--plan", plan, "--out", "whole", "--workers", 1)
    assert whole.code == 1, whole.err
    process = kalys.start(
        "certify", "--core", FORGETS, "--plan", plan, "--out", "run", "--workers", 2
    )
    run = kalys.folder / "run"
    wait_for(process, run / "evidence" / "journal.jsonl", '"k":"shard"', 3)
    process.send_signal(number)
    process.wait(60)
    before = shards(run)
    assert 3 <= len(before) < 8
    kept = {p.name: p.stat().st_mtime_ns for p in (run / ANSWERS).iterdir()}
    resumed = kalys("certify", "--resume", "run", "--workers", 2)
    assert resumed.code == 1, resumed.err
    assert shards(run) == list(range(8))
    assert observations(run) == observations(kalys.folder / "whole")
    assert answers_of(run / "evidence") == answers_of(kalys.folder / "whole" / "evidence")
    after = {p.name: p.stat().st_mtime_ns for p in (run / ANSWERS).iterdir()}
    for shard in before:
        name = f"KG-PL-{shard:06d}.jsonl.gz"
        assert after[name] == kept[name], "a recorded shard is not done again"
    checked = kalys("verify", "run", "--redraw")
    assert checked.code == 0, checked.out
    assert "96 answers in 8 shards compared with the deck" in checked.out
    assert "pictures drawn again" in checked.out


def test_a_campaign_whose_recorded_answers_were_changed_is_not_continued(
    kalys: Kalys, plan: Path
) -> None:
    process = kalys.start(
        "certify", "--core", FORGETS, "--plan", plan, "--out", "run", "--workers", 1
    )
    run = kalys.folder / "run"
    wait_for(process, run / "evidence" / "journal.jsonl", '"k":"shard"', 2)
    process.send_signal(signal.SIGKILL)
    process.wait(60)
    (run / ANSWERS / "KG-PL-000000.jsonl.gz").write_bytes(b"something else")
    refused = kalys("certify", "--resume", "run")
    assert refused.code == 1, "what was recorded is judged all the same"
    assert "the answers of shard 0 are not those that were recorded" in refused.err + refused.out


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, key: Path) -> Path:
    """A run with a small campaign, sealed; not to be changed."""
    folder = tmp_path_factory.mktemp("finished")
    write_cores(folder)
    plan = write_plan(
        folder, requirements=["ACC-001", "MET-005"], samples={},
        procedures={"count.volume": {"sheets": 48, "shard": 16}}, omit=OMIT,
    )
    ended = Kalys(folder, key)("certify", "--core", FORGETS, "--plan", plan, "--out", "run")
    assert ended.code == 1, ended.err
    return folder / "run"


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "run"))


def test_missing_and_changed_answers_are_found(run: Path) -> None:
    answers = run / ANSWERS
    (answers / "KG-PL-000000.jsonl.gz").unlink()
    (answers / "KG-PL-000001.jsonl.gz").write_bytes(b"x")
    (answers / "KG-PL-000002.jsonl.gz").replace(answers / "other")
    (answers / "KG-PL-000002.jsonl.gz").symlink_to(answers / "other")
    found = {f.where: f.what for f in verify_campaigns(read_run(run)) if not f.ok}
    place = "answers/count.volume/KG-PL-00000"
    assert "missing" in found[f"{place}0.jsonl.gz"]
    assert "changed" in found[f"{place}1.jsonl.gz"]
    assert "no file of answers" in found[f"{place}2.jsonl.gz"]


def spoilt(run: Path, **changes: object) -> list[str]:
    """What is wrong when the first shard record says something else."""
    data = read_run(run)
    records = data.shards["count.volume"]
    first = {**records[0], **changes}
    other = dataclasses.replace(data, shards={"count.volume": [first, *records[1:]]})
    return [f"{f.where}: {f.what}" for f in verify_campaigns(other) if not f.ok]


def test_a_record_that_the_answers_do_not_give_is_found(run: Path) -> None:
    record = read_run(run).shards["count.volume"][0]
    assert spoilt(run) == []
    count = {**record["count"], "misread": 0, "failures": 0, "wrong": [], "errors": {}, "off": {},
             "notes": []}
    found = "\n".join(spoilt(run, count=count))
    assert "the journal says 0, 0" in found
    assert "the answers give" in found
    deck = {**record["deck"], "seed": record["deck"]["seed"] + 1}
    assert any("another deck" in line for line in spoilt(run, deck=deck))
    assert any("is missing" in line for line in spoilt(run, shard=7))
    assert any("no such sheets" in line for line in spoilt(run, last=10**12))
    assert any("no file of answers" in line for line in spoilt(run, file="../../../etc/passwd"))


def test_observations_that_do_not_follow_from_the_answers_are_found(run: Path) -> None:
    data = read_run(run)
    better = tuple(
        dataclasses.replace(o, failures=0, bad_sheets=0) for o in data.observations
    )
    found = [f for f in verify_campaigns(dataclasses.replace(data, observations=better))
             if not f.ok]
    assert found and "the journal observes 0 of" in found[0].what
    last = max(i for i, o in enumerate(data.observations)
               if (o.procedure, o.requirement) == ("count.volume", "ACC-009"))
    left = (*data.observations[:last], *data.observations[last + 1 :])
    fewer = dataclasses.replace(data, observations=left)
    assert [f for f in verify_campaigns(fewer) if not f.ok]


def test_the_report_of_a_campaign_shows_its_errors_and_times(run: Path) -> None:
    report = report_of(run)
    assert {f["facet"] for f in report["errors"]["facets"]} == {
        "mark", "position", "orientation", "paper",
    }
    assert report["errors"]["pictures"]
    assert any("Time of one read" in part["title"] for part in report["timing"])


@pytest.mark.parametrize(("words", "said"), [
    (["--core", FORGETS, "--workers", "0"], "there can be 1 to"),
    (["--workers", "2"], "an urn cannot be shared out"),
    (["--scheduler", "tcp://127.0.0.1:9"], "an urn cannot be shared out"),
    (["--core", FORGETS, "--workers", "2", "--scheduler", "tcp://127.0.0.1:9"], "Name one of them"),
])
def test_workers_that_cannot_be_had_are_wrong_use(
    kalys: Kalys, plan: Path, words: list[str], said: str
) -> None:
    refused = kalys("certify", *words, "--plan", plan, "--out", "run")
    assert refused.code == 2
    assert said in refused.err
    assert not (kalys.folder / "run").exists()


@pytest.mark.slow
def test_the_acceptance_of_the_sequential_test_by_the_reader_of_kalys(
    kalys: Kalys, tmp_path: Path
) -> None:
    plan = write_plan(
        tmp_path, requirements=["ACC-002", "MET-005"], samples={},
        procedures={"count.volume": {"sheets": 131_900, "stop": "decided"}},
    )
    process = kalys.start(
        "certify", "--core", "python:kalys.counting.as_core:kalys_reader", "--plan", plan,
        "--out", "run",
    )
    assert process.wait(900) == 0
    verdicts = {v["requirement"]: v["verdict"] for v in report_of(kalys.folder / "run")["verdicts"]}
    assert verdicts["ACC-002"] == verdicts["MET-005"] == "PASS"


def test_the_shipped_plan_asks_for_ten_million_positions() -> None:
    text = (resource("test_suites") / "plans" / "accuracy.yaml").read_text(encoding="utf-8")
    assert 131_900 * 76 >= 10_000_000 and "sheets: 131900" in text
