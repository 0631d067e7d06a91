"""Certification of counting cores without an urn, from the command line to the verified report."""

import json
import signal
import sys
from pathlib import Path

import pytest

from kalys.resources import resource

from ..running import Kalys, journal_lines, report_of, wait_for, write_plan

CORES = Path(__file__).parent.parent / "cores.py"
OWN = "python:kalys.counting.as_core:kalys_reader"
PLAIN = f"{sys.executable} {resource('test_suites').parent}/docs/examples/plain_threshold_core.py"


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    return write_plan(
        tmp_path, requirements=["ACC-001", "MRK-001", "MRK-010", "PAP-004", "TIM-008"],
        samples={"ACC-001": 1500, "MRK-001": 6, "MRK-010": 6},
        procedures={"count.volume": {"sheets": 21}, "mark.line": {"marks": 6},
                    "mark.foreign": {"sheets": 6}, "paper.orientations": {"sheets": 1}},
    )


def verdicts(folder: Path) -> dict[str, str]:
    return {v["requirement"]: v["verdict"] for v in report_of(folder)["verdicts"]}


def test_the_reader_of_kalys_conforms_and_what_needs_an_urn_does_not_apply(
    kalys: Kalys, plan: Path
) -> None:
    ended = kalys("certify", "--core", OWN, "--plan", plan, "--out", "run")
    assert ended.code == 0, ended.err + ended.out
    report = report_of(kalys.folder / "run")
    assert report["title"] == "Certification report of a counting core"
    assert report["device"]["role"] == "core"
    found = verdicts(kalys.folder / "run")
    assert found["TIM-008"] == "NOT_APPLICABLE"
    assert {found[r] for r in ("ACC-001", "MRK-001", "MRK-010", "PAP-004")} == {"PASS"}
    assert kalys("verify", "run").code == 0


def test_a_weak_core_fails_with_a_breakdown_and_pictures_that_verify(
    kalys: Kalys, plan: Path
) -> None:
    ended = kalys("certify", "--core", PLAIN, "--plan", plan, "--out", "run")
    assert ended.code == 1, ended.err + ended.out
    run = kalys.folder / "run"
    errors = report_of(run)["errors"]
    assert {f["facet"] for f in errors["facets"]} == {"mark", "position", "orientation", "paper"}
    feet = next(r for f in errors["facets"] if f["facet"] == "orientation"
                for r in f["rows"] if r["value"] == "down-foot")
    assert 0 < feet["misread"] <= feet["tried"]
    assert 0 < len(errors["pictures"]) <= 24
    assert "data:image/png;base64" in (run / "report.html").read_text(encoding="utf-8")
    assert kalys("verify", "run").code == 0
    sheet = next(json.loads(line)["d"] for line in journal_lines(run) if '"k":"sheet"' in line)
    assert len(sheet["sha256"]) == 64 and "seed" in sheet


def test_a_core_that_knows_no_doubt_counts_ambiguous_ballots_in_silence(
    kalys: Kalys, tmp_path: Path
) -> None:
    plan = write_plan(
        tmp_path, requirements=["MRK-003", "MRK-008"], samples={"MRK-003": 1, "MRK-008": 20},
        procedures={
            "mark.homogeneity": {"marks": 1, "kinds": ["dash"], "thresholds": ["vote"],
                                 "orientations": ["down-head"], "rungs": 10, "map_rungs": 3},
            "mark.overlap": {"sheets": 30},
        },
    )
    for core, expected in ((PLAIN, "FAIL"), (OWN, "PASS")):
        kalys("certify", "--core", core, "--plan", plan, "--out", expected)
        assert verdicts(kalys.folder / expected)["MRK-008"] == expected
        marks = report_of(kalys.folder / expected)["marks"]
        assert len(marks["curves"]) == 3
        assert kalys("verify", expected).code == 0


def test_the_same_seed_gives_the_same_journal_and_pictures(kalys: Kalys, plan: Path) -> None:
    for name in ("one", "two"):
        kalys("certify", "--core", PLAIN, "--plan", plan, "--out", name)
    one, two = (journal_lines(kalys.folder / name) for name in ("one", "two"))
    assert one[1:] == two[1:]


@pytest.mark.parametrize(("how", "fault"), [("crash", "crash"), ("earlier", "out-of-order")])
def test_a_core_that_misbehaves_fails_and_the_run_goes_on_to_its_end(
    kalys: Kalys, tmp_path: Path, how: str, fault: str
) -> None:
    plan = write_plan(tmp_path, requirements=["MRK-001", "PAP-004"],
                      procedures={"mark.line": {"marks": 4}, "paper.orientations": {"sheets": 1}})
    core = f"{sys.executable} {CORES} {how} 2"
    ended = kalys("certify", "--core", core, "--plan", plan, "--out", "run")
    assert ended.code == 1, ended.err + ended.out
    assert verdicts(kalys.folder / "run") | {"MRK-001": "FAIL", "PAP-004": "FAIL"} == verdicts(
        kalys.folder / "run"
    )
    assert f'"fault":"{fault}"' in (
        kalys.folder / "run" / "evidence" / "journal.jsonl"
    ).read_text(encoding="utf-8")
    assert kalys("verify", "run").code == 0


def test_a_deck_ends_early_when_a_core_answers_nothing_unless_the_plan_says_never(
    kalys: Kalys, tmp_path: Path
) -> None:
    core = f"{sys.executable} {CORES} crash"
    for given_up, sheets in ((2, 2), (None, 5)):
        plan = write_plan(tmp_path, f"after-{given_up}", procedures={"mark.line": {"marks": 5}},
                          give_up_after=given_up)
        run = f"run-{given_up}"
        assert kalys("certify", "--core", core, "--plan", plan, "--out", run).code == 1
        assert sum('"k":"sheet"' in line for line in journal_lines(kalys.folder / run)) == sheets


def test_a_core_that_is_not_there_is_wrong_use(kalys: Kalys, plan: Path) -> None:
    refused = kalys("certify", "--core", "no-such-core", "--plan", plan, "--out", "run")
    assert refused.code == 2
    assert "there is no program no-such-core" in refused.err
    assert not (kalys.folder / "run").exists()
    refused = kalys("certify", "--core", OWN, "--bench", "line-station", "--out", "run")
    assert refused.code == 2
    assert "a bench and a core are named" in refused.err


def test_an_interrupted_run_of_a_core_is_continued(kalys: Kalys, tmp_path: Path) -> None:
    plan = write_plan(
        tmp_path, requirements=["MRK-001", "MRK-002"], samples={"MRK-001": 3, "MRK-002": 60},
        procedures={"mark.line": {"marks": 3}, "mark.folds": {"sheets": 60}},
    )
    process = kalys.start("certify", "--core", OWN, "--plan", plan, "--out", "run")
    wait_for(process, kalys.folder / "run" / "evidence" / "journal.jsonl", '"k":"sheet"', 12)
    process.send_signal(signal.SIGINT)
    assert kalys.ended(process).code == 130
    ended = kalys("certify", "--resume", "run")
    assert ended.code == 0, ended.err + ended.out
    assert verdicts(kalys.folder / "run") | {"MRK-001": "PASS", "MRK-002": "PASS"} == verdicts(
        kalys.folder / "run"
    )
    assert kalys("verify", "run").code == 0


def test_a_picture_that_was_changed_shows(kalys: Kalys, plan: Path) -> None:
    kalys("certify", "--core", PLAIN, "--plan", plan, "--out", "run")
    (kalys.folder / "run" / "evidence" / "errors" / "0001.png").write_bytes(b"something else")
    assert kalys("verify", "run").code == 1
