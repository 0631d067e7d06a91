"""The Robot front: suites run alone and under a given session, and say what failed and how."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from robot.api import ExecutionResult
from robot.libdoc import libdoc

from kalys import resources
from kalys.bench.bench import open_bench
from kalys.evidence.journal import NullJournal
from kalys.procedures.session import Session
from kalys.requirements.plan import Plan
from kalys.robot.handover import SessionHandover, suite_name
from robot import run

SUITES = resources.resource("test_suites", "robot")
REPORTS = SUITES / "2__reports.robot"


def robot(source: Path, folder: Path, **options):
    output = io.StringIO()
    run(str(source), outputdir=str(folder), stdout=output, stderr=output, **options)
    return ExecutionResult(str(folder / "output.xml"))


def endings_of(result) -> dict[str, tuple[str, str]]:
    found = {}

    def gather(suite):
        found.update({test.name: (test.status, test.message) for test in suite.tests})
        for child in suite.suites:
            gather(child)

    gather(result.suite)
    return found


@pytest.fixture
def suite(tmp_path):
    """A suite with the given test bodies, one test each."""

    def write(*bodies: str) -> Path:
        resource = SUITES / "kalys.resource"
        lines = ["*** Settings ***", f"Resource    {resource}", "*** Test Cases ***"]
        for number, body in enumerate(bodies, 1):
            lines += [f"Test {number}", *(f"    {line}" for line in body.splitlines())]
        path = tmp_path / "suite.robot"
        path.write_text("\n".join(lines) + "\n")
        return path

    return write


def test_the_report_suite_passes_alone_with_nothing_but_defaults(tmp_path):
    result = robot(REPORTS, tmp_path)
    assert result.return_code == 0
    assert len(endings_of(result)) == 10


def test_a_failure_names_the_requirement_what_was_measured_and_the_limit(tmp_path, suite):
    source = suite("Run The Procedure    log.drift\nRequirement LOG-002 Should Be Met")
    result = robot(source, tmp_path, variable=["DEFECTS:clock-drift"])
    status, message = endings_of(result)["Test 1"]
    assert status == "FAIL"
    assert "LOG-002 FAIL: Reading 2,000.0" in message
    assert "limit: drift over 15 h: at most 20 ppm (as declared)" in message


def test_an_auditor_sees_a_report_without_a_time(tmp_path, suite):
    source = suite(
        "Prepare The Urn\nPrint The Zero Report\nThe Report Should Carry Date And Time\n"
        "[Teardown]    Leave The Urn As It Was"
    )
    result = robot(source, tmp_path, variable=["DEFECTS:report-without-time"])
    assert endings_of(result)["Test 1"] == (
        "FAIL", "the zero report has no date and time to the second with zone",
    )


@pytest.mark.parametrize(
    ("variable", "told"),
    [
        ("BENCH:no-such-bench", "there is no file no-such-bench"),
        ("PLAN:no-such-plan", "there is no file no-such-plan"),
        ("DEFECTS:clock-drft", "there is no defect 'clock-drft'"),
    ],
)
def test_wrong_use_is_told_in_words_without_a_traceback(tmp_path, suite, variable, told):
    result = robot(suite("Open The Bench"), tmp_path, variable=[variable])
    status, message = endings_of(result)["Test 1"]
    assert status == "FAIL"
    assert told in message
    assert "Traceback" not in message


def test_what_the_plan_leaves_out_is_skipped_with_the_plans_reason(tmp_path, suite):
    plan = tmp_path / "small.yaml"
    plan.write_text(
        "plan: small\ntitle: t\npurpose: p\nrequirements: [REP-002, LOG-001]\n"
        "omit: {log.stamps: the log is read elsewhere}\n"
    )
    source = suite(
        "Run The Procedure    log.stamps",
        "Requirement REP-008 Should Be Met",
        "The Whole Plan Should Have Run",
    )
    found = endings_of(robot(source, tmp_path, variable=[f"PLAN:{plan}"]))
    assert found["Test 1"] == ("SKIP", "log.stamps: the log is read elsewhere")
    assert found["Test 2"] == ("SKIP", "REP-008: the plan small does not include it")
    assert found["Test 3"][0] == "SKIP"


def test_too_little_data_is_not_a_pass(tmp_path, suite):
    plan = tmp_path / "small.yaml"
    plan.write_text("plan: small\ntitle: t\npurpose: p\nrequirements: [LOG-007]\n")
    source = suite("Run The Procedure    log.tamper\nRequirement LOG-007 Should Be Met")
    status, message = endings_of(robot(source, tmp_path, variable=[f"PLAN:{plan}"]))["Test 1"]
    assert status == "FAIL"
    assert "LOG-007 INCONCLUSIVE" in message


def test_a_given_session_is_used_and_the_units_serial_number_is_in_every_name(tmp_path, suite):
    source = suite("Run The Procedure    report.zero\nRequirement REP-002 Should Be Met")
    allure = tmp_path / "allure"
    with open_bench("emulated-station", journal=lambda _: NullJournal()) as bench:
        session = Session(bench, Plan.load("quick"), bench.journal, 1)
        result = robot(
            source, tmp_path, name=suite_name(session), variable=["BENCH:no-such-bench"],
            listener=[SessionHandover(session), f"allure_robotframework:{allure}"],
        )
        assert "report.zero" in session.finished
        serial = session.identity.serial
    assert endings_of(result)["Test 1"][0] == "PASS"
    assert serial in result.suite.name
    (record,) = [json.loads(path.read_text()) for path in allure.glob("*-result.json")]
    labels = {(label["name"], label["value"]) for label in record["labels"]}
    assert {("DUT", serial), ("requirement", "REP-002")} <= labels
    assert serial in record["fullName"]


def test_results_of_two_units_have_different_histories(tmp_path, suite):
    from kalys.robot import allure_result

    source = suite("Run The Procedure    report.zero\nRequirement REP-002 Should Be Met")
    histories = set()
    for serial in ("KG-1", "KG-2"):
        listener = f"allure_robotframework:{tmp_path / serial}"
        with pytest.MonkeyPatch.context() as patch:
            told = allure_result.label
            patch.setattr(allure_result, "label", lambda _, labels, s=serial: told(s, labels))  # noqa: B023
            robot(source, tmp_path, listener=[listener])
        (path,) = (tmp_path / serial).glob("*-result.json")
        record = json.loads(path.read_text())
        assert {"name": "DUT", "value": serial}.items() <= record["parameters"][0].items()
        histories.add(record["historyId"])
    assert len(histories) == 2


def test_the_session_that_was_given_stays_open(tmp_path, suite):
    with open_bench("emulated-station", journal=lambda _: NullJournal()) as bench:
        session = Session(bench, Plan.load("quick"), bench.journal, 1)
        robot(suite("Open The Bench"), tmp_path, listener=[SessionHandover(session)])
        assert session.urn.status().path == "idle"


def test_every_keyword_is_documented_and_libdoc_reads_the_library(tmp_path):
    page = tmp_path / "keywords.json"
    libdoc("kalys.robot.KalysLibrary", str(page), format="json", quiet=True)
    document = json.loads(page.read_text())
    names = {keyword["name"] for keyword in document["keywords"]}
    assert {"Run The Election Day", "Requirement ${requirement} Should Be Met"} <= names
    assert all(keyword["doc"] for keyword in document["keywords"])
    assert "Session" not in names


def test_the_suites_name_every_robot_procedure_once():
    from kalys.procedures import registry

    text = "\n".join(path.read_text() for path in SUITES.glob("*.robot"))
    for procedure in registry.load().values():
        if procedure.front == "robot" and procedure.id != "day.ordinary":
            assert f"Run The Procedure    {procedure.id}\n" in text
    assert "Run The Election Day    kg-2021-ordinary" in text


def test_robocop_finds_nothing_to_say():
    pytest.importorskip("robocop")
    checked = subprocess.run(
        [sys.executable, "-m", "robocop", "check", str(SUITES)],
        capture_output=True, text=True, check=False,
    )
    assert checked.returncode == 0, checked.stdout
