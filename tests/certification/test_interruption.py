"""A run that is stopped loses nothing that it recorded, says so, and can be continued."""

import json
import signal
from pathlib import Path

import pytest

from ..running import (
    Kalys,
    interrupt_in_second_procedure,
    journal_lines,
    report_of,
    wait_for,
)


def procedures(folder: Path) -> list[tuple[str, str]]:
    records = [json.loads(line) for line in journal_lines(folder)[1:]]
    return [(r["d"]["id"], r["d"]["step"]) for r in records if r["k"] == "procedure"]


def test_ctrl_c_seals_what_was_recorded_and_the_run_can_be_continued(
    kalys: Kalys, long_plan: Path
) -> None:
    stopped = interrupt_in_second_procedure(kalys, long_plan, signal.SIGINT)
    assert stopped.code == 130
    assert "interrupted" in stopped.err
    assert "kalys certify --resume run" in stopped.err
    run = kalys.folder / "run"
    assert procedures(run)[-1] == ("mark.folds", "begin")
    assert report_of(run)["run"]["interrupted"]

    checked = kalys("verify", "run")
    assert checked.code == 0
    assert "the run was interrupted; what was recorded until then is sealed" in checked.out

    recorded = journal_lines(run)
    resumed = kalys("certify", "--resume", "run")
    assert resumed.code == 0, resumed.err
    assert journal_lines(run)[: len(recorded)] == recorded, "what was recorded stays"
    assert procedures(run)[-3:] == [
        ("mark.folds", "abandoned"), ("mark.folds", "begin"), ("mark.folds", "end"),
    ], "the line is not drawn a second time, the folds are"
    report = report_of(run)
    assert not report["run"]["interrupted"]
    assert {v["verdict"] for v in report["verdicts"] if v["in_plan"]} == {"PASS"}
    assert (run / "evidence" / "superseded" / "seal-1.json").is_file()
    assert kalys("verify", "run").code == 0
    again = kalys("certify", "--resume", "run")
    assert again.code == 2
    assert "complete and sealed" in again.err


def test_sigterm_ends_a_run_as_ctrl_c_does_and_an_impatient_second_one_does_no_harm(
    kalys: Kalys, long_plan: Path
) -> None:
    stopped = interrupt_in_second_procedure(kalys, long_plan, signal.SIGTERM, times=2)
    assert stopped.code == 130
    assert "one moment" in stopped.err
    assert kalys("verify", "run").code == 0


def test_a_killed_run_is_told_as_not_sealed_with_its_chain_whole_and_can_be_continued(
    kalys: Kalys, long_plan: Path
) -> None:
    assert interrupt_in_second_procedure(kalys, long_plan, signal.SIGKILL).code == -signal.SIGKILL
    run = kalys.folder / "run"
    checked = kalys("verify", "run")
    assert checked.code == 1
    assert f"the chain holds over all {len(journal_lines(run)) - 1} records" in checked.out
    assert "not sealed: the run was killed before its end" in checked.out
    assert "there is no report" in checked.out

    assert kalys("report", "run").code == 0, "what was recorded can be read at once"
    assert report_of(run)["run"]["interrupted"]

    assert kalys("certify", "--resume", "run").code == 0
    assert kalys("verify", "run").code == 0


def test_ctrl_c_before_anything_was_recorded_leaves_nothing_behind(
    kalys: Kalys, small_plan: Path
) -> None:
    process = kalys.start("certify", "--plan", small_plan, "--out", "run", "--wire", "tcp")
    wait_for(process, kalys.folder / "run" / "evidence" / "run.json", "interrupted")
    process.send_signal(signal.SIGINT)
    assert kalys.ended(process).code == 130
    assert not (kalys.folder / "run").exists()


@pytest.mark.parametrize("missing", ["options.json", "plan.json", "profile.json"])
def test_a_run_without_its_inputs_cannot_be_continued_and_says_so(
    kalys: Kalys, small_plan: Path, missing: str
) -> None:
    inputs = kalys.folder / "run" / "evidence" / "inputs"
    inputs.mkdir(parents=True)
    (inputs.parent / "journal.jsonl").write_text('{"kind":"header"}\n')
    for name in ("options", "plan", "profile", "bench"):
        (inputs / f"{name}.json").write_text("{}")
    (inputs / missing).unlink()
    refused = kalys("certify", "--resume", "run")
    assert refused.code == 2
    assert "cannot be read" in refused.err
