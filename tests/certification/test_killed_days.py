"""An election day whose process is killed is played again up to where it was, and goes on: one
story, told once."""

import json
import signal
from pathlib import Path

import pytest

from ..running import Ended, Kalys, journal_lines, report_of, wait_for, write_plan


@pytest.fixture
def day_plan(tmp_path: Path) -> Path:
    return write_plan(
        tmp_path, "day", requirements=["REP-007", "MRK-001"], samples={"MRK-001": 3},
        procedures={"mark.line": {"marks": 3}, "day.ordinary": {"voters": 40}},
        omit={"report.consolidation": "a test", "day.november": "a test"},
    )


def killed(kalys: Kalys, plan: Path, sheets: int, *more: str) -> Path:
    """A run that is killed by SIGKILL when so many sheets have been told of."""
    process = kalys.start("certify", *(more or ("--plan", plan, "--out", "run")))
    run = kalys.folder / "run"
    wait_for(process, run / "evidence" / "journal.jsonl", '"k":"sheet"', sheets)
    process.send_signal(signal.SIGKILL)
    process.wait()
    return run


def story(run: Path) -> list[tuple[object, ...]]:
    """What happened, without the notes that tell of replays."""
    records = [json.loads(line) for line in journal_lines(run)[1:]]
    told = [r for r in records if "replayed" not in r["d"]]
    return [
        (r["t"], r["k"], {k: v for k, v in r["d"].items() if k != "evidence"}) for r in told
    ]


def resumed(kalys: Kalys) -> Ended:
    ended = kalys("certify", "--resume", "run")
    assert ended.code == 0, ended.err
    return ended


def test_a_killed_day_goes_on_as_if_nothing_had_happened(kalys: Kalys, day_plan: Path) -> None:
    run = killed(kalys, day_plan, 40)
    recorded = journal_lines(run)
    resumed(kalys)
    assert journal_lines(run)[: len(recorded) - 1] == recorded[:-1], "what was recorded stays"
    notes = [json.loads(line)["d"] for line in journal_lines(run) if '"replayed":' in line]
    assert [note["replayed"] for note in notes] == [len(recorded) - 1]
    assert not [line for line in journal_lines(run) if '"abandoned"' in line]
    assert kalys("certify", "--plan", day_plan, "--out", "whole").code == 0
    assert story(run) == story(kalys.folder / "whole")
    assert {v["verdict"] for v in report_of(run)["verdicts"] if v["in_plan"]} == {"PASS"}
    assert kalys("verify", "run").code == 0


def test_a_day_may_be_killed_again_while_it_is_continued(kalys: Kalys, day_plan: Path) -> None:
    killed(kalys, day_plan, 25)
    run = killed(kalys, day_plan, 60, "--resume", "run")
    resumed(kalys)
    assert len([line for line in journal_lines(run) if '"replayed":' in line]) == 2
    assert kalys("verify", "run").code == 0


def test_a_line_that_was_cut_off_is_kept_aside(kalys: Kalys, day_plan: Path) -> None:
    run = killed(kalys, day_plan, 40)
    path = run / "evidence" / "journal.jsonl"
    path.write_bytes(path.read_bytes()[:-30])
    resumed(kalys)
    assert (run / "evidence" / "journal.partial-1").is_file()
    assert kalys("verify", "run").code == 0


def test_a_day_that_parts_from_its_record_is_abandoned_and_played_anew(
    kalys: Kalys, day_plan: Path
) -> None:
    run = killed(kalys, day_plan, 40)
    options = run / "evidence" / "inputs" / "options.json"
    asked = json.loads(options.read_text())
    options.write_text(json.dumps({**asked, "seed": asked["seed"] + 1}))
    recorded = journal_lines(run)
    resumed(kalys)
    assert journal_lines(run)[: len(recorded) - 1] == recorded[:-1]
    assert [line for line in journal_lines(run) if '"abandoned"' in line]
    assert not [line for line in journal_lines(run) if '"replayed":' in line]
    assert kalys("verify", "run").code == 0
