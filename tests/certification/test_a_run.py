"""A whole run: the same evidence for the same seed, the folder and the codes of the design."""

import json
from pathlib import Path

import pytest
import yaml

from kalys.resources import resource

from ..running import Kalys, journal_lines, report_of, write_plan


def test_two_runs_of_one_seed_write_the_same_journal_but_for_its_header(
    kalys: Kalys, small_plan: Path
) -> None:
    for name in ("one", "two"):
        ended = kalys("certify", "--plan", small_plan, "--out", name, "--seed", 3)
        assert ended.code == 0, ended.err
        assert "[1/1] mark.line: PASS" in ended.err
    one, two = (journal_lines(kalys.folder / name) for name in ("one", "two"))
    assert one[1:] == two[1:]
    assert one[0] != two[0]
    run = kalys.folder / "one"
    for name in ("report.pdf", "report.html", "report.json", "evidence/verify.py",
                 "evidence/seal.json", "allure-results", "robot"):
        assert (run / name).exists(), name


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
    bench = yaml.safe_load(resource(
        "device_profiles", "benches", "serial-urn-with-operator.yaml"
    ).read_text(encoding="utf-8"))
    (kalys.folder / "bench.yaml").write_text(yaml.safe_dump(bench))
    refused = kalys("certify", "--bench", "bench.yaml", "--plan", small_plan, "--out", "run")
    assert refused.code == 2
    assert "the bench needs a person" in refused.err
    assert "Run kalys at a terminal" in refused.err
    assert not (kalys.folder / "run").exists()


def test_a_run_is_not_continued_on_another_bench(kalys: Kalys, small_plan: Path) -> None:
    bench = yaml.safe_load(resource(
        "device_profiles", "benches", "emulated-station.yaml"
    ).read_text(encoding="utf-8"))
    path = kalys.folder / "bench.yaml"
    path.write_text(yaml.safe_dump(bench))
    assert kalys("certify", "--bench", path, "--plan", small_plan, "--out", "run").code == 0
    (kalys.folder / "run" / "evidence" / "seal.json").unlink()
    path.write_text(yaml.safe_dump(bench | {"station": "1002"}))
    refused = kalys("certify", "--resume", "run")
    assert refused.code == 2
    assert "the bench is not the one with which this run began" in refused.err


def test_a_journal_that_was_changed_is_not_continued(kalys: Kalys, small_plan: Path) -> None:
    assert kalys("certify", "--plan", small_plan, "--out", "run").code == 0
    evidence = kalys.folder / "run" / "evidence"
    (evidence / "seal.json").unlink()
    journal = evidence / "journal.jsonl"
    journal.write_text(journal.read_text().replace('"trials":1', '"trials":2', 1))
    before = journal.read_bytes()
    refused = kalys("certify", "--resume", "run")
    assert refused.code == 2
    assert "the chain is broken at record" in refused.err
    assert journal.read_bytes() == before


@pytest.mark.parametrize("lang", ["ky"])
def test_the_report_is_written_in_the_language_asked_for(kalys: Kalys, lang: str) -> None:
    plan = write_plan(kalys.folder)
    assert kalys("certify", "--plan", plan, "--out", "run", "--lang", lang).code == 0
    assert f'<html lang="{lang}"' in (kalys.folder / "run" / "report.html").read_text()
    assert kalys("verify", "run").code == 0
    again = kalys("report", "run", "--lang", "en")
    assert again.code == 0
    assert "report.en.pdf" in again.out
