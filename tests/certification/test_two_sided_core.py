"""Certification of counting cores on ballots that have targets on both sides."""

import json
import shutil
from pathlib import Path

import pytest

from ..running import Kalys, journal_lines, report_of, write_plan

OWN = "python:kalys.counting.as_core:kalys_reader"
CORES = "python:two_sided_cores"


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    return write_plan(
        tmp_path, requirements=["ACC-001", "ACC-007", "ACC-009", "MET-005", "MRK-007", "MRK-010"],
        samples={"ACC-001": 1000, "MET-005": 40, "MRK-010": 10},
        procedures={
            "count.volume": {"sheets": 4, "positions": 1100, "shard": 32},
            "count.logic_and_accuracy": {"styles": 1}, "mark.foreign": {"sheets": 10},
        },
        omit={"mark.records": "not asked here", "day.ordinary": "not asked here"},
    )


def certified(kalys: Kalys, core: str, plan: Path) -> dict[str, str]:
    shutil.copy(Path(__file__).parent.parent / "two_sided_cores.py", kalys.folder)
    kalys("certify", "--core", core, "--election", "accuvote", "--plan", plan, "--out", "run")
    assert kalys("verify", "run").code == 0
    return {v["requirement"]: v["verdict"] for v in report_of(kalys.folder / "run")["verdicts"]}


def test_the_reader_of_kalys_conforms_on_both_sides(kalys: Kalys, plan: Path) -> None:
    found = certified(kalys, OWN, plan)
    assert {found[r] for r in ("ACC-001", "ACC-007", "ACC-009", "MET-005", "MRK-010")} == {"PASS"}
    assert found["MRK-007"] == "NOT_APPLICABLE"
    observed = [json.loads(line)["d"] for line in journal_lines(kalys.folder / "run")
                if '"requirement":"ACC-007"' in line]
    # Style, contest and side; 2 options in four ways of feeding.
    assert next(o for o in observed if o["condition"] == "accuvote-letter article-1, back")[
        "trials"
    ] == 8
    volume = [json.loads(line)["d"] for line in journal_lines(kalys.folder / "run")
              if '"requirement":"ACC-001"' in line]
    # 35 sheets of 32 positions make up 1,100 of them.
    assert sum(o["trials"] for o in volume if o["kind"] == "count") == 35 * 32


def test_a_core_that_ignores_the_back_fails_with_the_side_named(kalys: Kalys, plan: Path) -> None:
    found = certified(kalys, f"{CORES}:front_only", plan)
    assert {found[r] for r in ("ACC-001", "ACC-007", "ACC-009", "MET-005")} == {"FAIL"}
    errors = report_of(kalys.folder / "run")["errors"]
    sides = {r["value"]: r["misread"] for f in errors["facets"] if f["facet"] == "side"
             for r in f["rows"]}
    assert sides["front"] == 0 < sides["back"]
    assert any("back" in picture["text"] for picture in errors["pictures"])


def test_a_core_that_takes_any_two_sides_for_a_sheet_fails(kalys: Kalys, plan: Path) -> None:
    found = certified(kalys, f"{CORES}:trusting", plan)
    assert found["MRK-010"] == "FAIL" and found["ACC-007"] == "PASS"


def test_an_election_that_is_not_there_is_wrong_use(kalys: Kalys, plan: Path) -> None:
    refused = kalys("certify", "--core", OWN, "--election", "no-such", "--plan", plan)
    assert refused.code == 2 and "no-such" in refused.err
