"""A whole run: the same evidence for the same seed, the folder and the codes of the design."""

import json
import shutil
from pathlib import Path

import pytest

from kalys.resources import resource

from ..running import Kalys, journal_lines, report_of, write_plan

BENCHES = ("device_profiles", "benches")


def certify(kalys: Kalys, out: str):
    return kalys("certify", "--bench", "bench.yaml", "--plan", "small.yaml", "--out", out,
                 "--seed", 3, "--lang", "ky")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, key: Path) -> Kalys:
    """A folder with a plan, a bench, and a run of them that is complete."""
    kalys = Kalys(tmp_path_factory.mktemp("finished"), key)
    write_plan(kalys.folder)
    shutil.copy(resource(*BENCHES, "emulated-station.yaml"), kalys.folder / "bench.yaml")
    ended = certify(kalys, "run")
    assert ended.code == 0, ended.err
    assert "[1/1] mark.line: PASS" in ended.err
    return kalys


@pytest.fixture
def unsealed(finished: Kalys, tmp_path: Path) -> Path:
    """A copy of the run as if it had been killed at its very end."""
    copy = Path(shutil.copytree(finished.folder / "run", tmp_path / "run"))
    (copy / "evidence" / "seal.json").unlink()
    return copy


def test_the_run_folder_holds_what_the_design_says(finished: Kalys) -> None:
    for name in ("report.pdf", "report.html", "report.json", "evidence/verify.py",
                 "evidence/seal.json", "allure-results", "robot"):
        assert (finished.folder / "run" / name).exists(), name


def test_two_runs_of_one_seed_write_the_same_journal_but_for_its_header(finished: Kalys) -> None:
    assert certify(finished, "again").code == 0
    one, two = (journal_lines(finished.folder / name) for name in ("run", "again"))
    assert one[1:] == two[1:]
    assert one[0] != two[0]


def test_the_report_is_in_the_language_asked_for_and_another_can_be_added(
    finished: Kalys
) -> None:
    assert '<html lang="ky"' in (finished.folder / "run" / "report.html").read_text()
    again = finished("report", "run", "--lang", "en")
    assert again.code == 0
    assert "report.en.pdf" in again.out
    assert finished("verify", "run").code == 0


def test_a_journal_that_was_changed_is_not_continued(finished: Kalys, unsealed: Path) -> None:
    journal = unsealed / "evidence" / "journal.jsonl"
    journal.write_text(journal.read_text().replace('"trials":1', '"trials":2', 1))
    before = journal.read_bytes()
    refused = finished("certify", "--resume", unsealed)
    assert refused.code == 2
    assert "the chain is broken at record" in refused.err
    assert journal.read_bytes() == before


def test_a_run_is_not_continued_on_another_bench(finished: Kalys, unsealed: Path) -> None:
    path = finished.folder / "bench.yaml"
    kept = path.read_text()
    path.write_text(kept.replace('station: "1001"', 'station: "1002"'))
    try:
        refused = finished("certify", "--resume", unsealed)
    finally:
        path.write_text(kept)
    assert refused.code == 2
    assert "the bench is not the one with which this run began" in refused.err


def test_a_defect_ends_with_1_and_json_is_the_report(kalys: Kalys, small_plan: Path) -> None:
    ended = kalys("certify", "--plan", small_plan, "--out", "run", "--defect", "thin-line-missed",
                  "--json")
    assert ended.code == 1
    told = json.loads(ended.out)
    assert told == report_of(kalys.folder / "run")
    assert told["conformity"] == "does-not-conform"
    assert {"run", "device", "plan", "conformity", "verdicts"} <= set(told)


def test_a_bench_that_needs_a_person_is_refused_where_there_is_none(
    kalys: Kalys, small_plan: Path
) -> None:
    refused = kalys("certify", "--bench", "serial-urn-with-operator", "--plan", small_plan,
                    "--out", "run")
    assert refused.code == 2
    assert "the bench needs a person" in refused.err
    assert "Run kalys at a terminal" in refused.err
    assert not (kalys.folder / "run").exists()
