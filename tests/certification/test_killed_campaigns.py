"""A campaign whose process is killed goes on: no sheet is lost, none is counted twice."""

import json
import signal
from pathlib import Path

import pytest

from kalys.evidence.standing import standing
from kalys.requirements import catalogue
from kalys.requirements.observation import Observation

from ..running import Kalys, emulated, journal_lines, wait_for, write_bench, write_plan

CUTS = {"power.transaction": {"cuts": 24}}
CUTS_IN_PARTS = {"power.transaction": {"cuts": 24, "part": 7}}
VOLUME = {"count.volume": {"sheets": 90}}
VOLUME_IN_PARTS = {"count.volume": {"sheets": 90, "part": 25}}


def plan_of(folder: Path, procedures: dict, requirement: str) -> Path:
    others = catalogue.load()[requirement].procedures
    return write_plan(
        folder, "campaign", requirements=["MRK-001", requirement],
        samples={"MRK-001": 3, requirement: 3},
        procedures={"mark.line": {"marks": 3}, **procedures},
        omit={name: "a test" for name in others if name not in procedures},
    )


def done_of(parts: list[str]) -> list[int]:
    return [json.loads(line)["d"]["done"] for line in parts]


def observed(run: Path) -> list[dict]:
    """What stands at the end, wherever its evidence stands."""
    found = standing(run / "evidence" / "journal.jsonl").observations
    return [{k: v for k, v in o.to_dict().items() if k != "evidence"} for o in found]


def trials_of(run: Path, requirement: str, condition: str = "") -> list[Observation]:
    found = standing(run / "evidence" / "journal.jsonl").observations
    return [o for o in found if o.requirement == requirement and condition in o.condition]


@pytest.mark.parametrize(
    ("procedures", "written", "when", "defects"),
    [
        (CUTS, '"k":"observation"', 12, []),
        (CUTS, '"k":"observation"', 16, ["--defect", "record-lost-in-cache"]),
        (CUTS_IN_PARTS, '"k":"observation"', 16, ["--defect", "record-lost-in-cache"]),
        (VOLUME, '"k":"sheet"', 60, []),
        (VOLUME_IN_PARTS, '"k":"sheet"', 60, []),
    ],
)
def test_a_killed_campaign_ends_as_one_that_was_not(
    kalys: Kalys, procedures, written, when, defects
) -> None:
    requirement = "PWR-003" if "power.transaction" in procedures else "MET-005"
    plan = plan_of(kalys.folder, procedures, requirement)
    process = kalys.start("certify", "--plan", plan, "--out", "run", *defects)
    run = kalys.folder / "run"
    wait_for(process, run / "evidence" / "journal.jsonl", written, when)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert kalys("certify", "--resume", "run").code == (1 if defects else 0)
    assert [line for line in journal_lines(run) if '"abandoned"' in line]
    cut_off = [line for line in journal_lines(run) if '"k":"part"' in line]
    assert len(cut_off) == len(set(done_of(cut_off))), "no part was done twice"
    assert kalys("certify", "--plan", plan, "--out", "whole", *defects).code == bool(defects)
    assert observed(run) == observed(kalys.folder / "whole")
    assert kalys("verify", "run").code == 0
    if requirement == "PWR-003":
        assert sum(o.trials for o in trials_of(run, "PWR-003", "cut ")) == 24
        assert any(o.failures for o in trials_of(run, "PWR-003")) == bool(defects)
    else:
        assert sum(o.trials for o in trials_of(run, "MET-005")) == 90


def test_on_a_real_bench_it_goes_on_with_the_next_part_while_the_urn_stands_as_it_was_left(
    kalys: Kalys
) -> None:
    """The harness is killed with a sheet in the urn's path; the urn, in another process, keeps its
    election, its box and its counters."""
    plan = plan_of(kalys.folder, {"count.volume": {"sheets": 4, "part": 2}}, "MET-005")
    with emulated() as addresses:
        bench = write_bench(
            kalys.folder, addresses["link"], feeder=addresses["world"], hands=addresses["world"],
            printer=addresses["printer"],
        )
        process = kalys.start("certify", "--bench", bench, "--plan", plan, "--out", "run")
        run = kalys.folder / "run"
        journal = run / "evidence" / "journal.jsonl"
        wait_for(process, journal, '"do":"insert"', 3)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert '"done":2' in journal.read_text()
        before = len(journal_lines(run))
        ended = kalys("certify", "--resume", "run")
    assert ended.code == 0, ended.err + ended.out
    again = "".join(journal_lines(run)[before:])
    fed = again[: again.index('"k":"procedure","d":{"error"')].count('"k":"sheet"')
    assert fed == 2, "only the part that was broken off is fed again"
    assert [o.trials for o in trials_of(run, "MET-005")] == [2, 2]
    assert all(o.time_base == "real" for o in trials_of(run, "MET-005"))
    in_the_box = trials_of(run, "ACC-009", "box = counter")
    assert [(o.trials, o.failures) for o in in_the_box] == [(1, 0), (1, 0)]
    assert not [o for o in trials_of(run, "ACC-009") if o.failures]
    assert kalys("verify", "run").code == 0

