"""A campaign on an emulated urn whose process is killed: no sheet is lost, none is counted twice."""

import signal
from pathlib import Path

import pytest

from kalys.evidence.standing import standing
from kalys.requirements import catalogue
from kalys.requirements.observation import Observation

from ..running import Kalys, journal_lines, wait_for, write_plan

CUTS = {"power.transaction": {"cuts": 24}}
VOLUME = {"count.volume": {"sheets": 90}}


def plan_of(folder: Path, procedures: dict, requirement: str) -> Path:
    others = catalogue.load()[requirement].procedures
    return write_plan(
        folder, "campaign", requirements=["MRK-001", requirement],
        samples={"MRK-001": 3, requirement: 3},
        procedures={"mark.line": {"marks": 3}, **procedures},
        omit={name: "a test" for name in others if name not in procedures},
    )


def observed(run: Path) -> list[dict]:
    """What stands at the end, wherever its evidence stands."""
    found = standing(run / "evidence" / "journal.jsonl").observations
    return [{k: v for k, v in o.to_dict().items() if k != "evidence"} for o in found]


def trials_of(run: Path, requirement: str, condition: str = "") -> list[Observation]:
    found = standing(run / "evidence" / "journal.jsonl").observations
    return [o for o in found if o.requirement == requirement and condition in o.condition]


@pytest.mark.parametrize(
    ("procedures", "requirement", "written", "when", "defects"),
    [
        (CUTS, "PWR-003", '"k":"observation"', 12, []),
        (CUTS, "PWR-003", '"k":"observation"', 16, ["--defect", "record-lost-in-cache"]),
        (VOLUME, "MET-005", '"k":"sheet"', 60, []),
    ],
)
def test_a_killed_campaign_ends_as_one_that_was_not(
    kalys: Kalys, procedures, requirement, written, when, defects
) -> None:
    plan = plan_of(kalys.folder, procedures, requirement)
    process = kalys.start("certify", "--plan", plan, "--out", "run", *defects)
    run = kalys.folder / "run"
    wait_for(process, run / "evidence" / "journal.jsonl", written, when)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert kalys("certify", "--resume", "run").code == (1 if defects else 0)
    assert [line for line in journal_lines(run) if '"abandoned"' in line]
    assert kalys("certify", "--plan", plan, "--out", "whole", *defects).code == bool(defects)
    assert observed(run) == observed(kalys.folder / "whole")
    assert kalys("verify", "run").code == 0
    if requirement == "PWR-003":
        assert sum(o.trials for o in trials_of(run, "PWR-003", "cut ")) == 24
        assert any(o.failures for o in trials_of(run, "PWR-003")) == bool(defects)
    else:
        assert [o.trials for o in trials_of(run, "MET-005")] == [90]
