"""``kalys verify`` finds whatever was done to a run folder, and no folder can make it stumble."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from kalys.cli.app import app
from kalys.reporting.verification import verify_run


def wrong(run: Path) -> list[str]:
    return [f"{finding.where}: {finding.what}" for finding in verify_run(run) if not finding.ok]


def edit(path: Path, change: Callable[[str], str]) -> None:
    before = path.read_text(encoding="utf-8")
    after = change(before)
    assert after != before
    path.write_text(after, encoding="utf-8")


def test_a_run_that_nobody_touched_agrees(run: Path) -> None:
    assert wrong(run) == []


def test_a_changed_verdict_is_found_by_hash_and_by_derivation(run: Path) -> None:
    edit(run / "report.json", lambda t: t.replace('"verdict": "PASS"', '"verdict": "FAIL"', 1))
    found = "\n".join(wrong(run))
    assert "report.json: the file was changed after the seal" in found
    assert re.search(r"verdict \w+-\d+: the report says FAIL, the evidence gives PASS", found)


def test_a_better_statement_is_found(run: Path) -> None:
    edit(run / "report.json", lambda t: t.replace('"statement": "', '"statement": "Splendid. ', 1))
    assert any("statement" in line for line in wrong(run))


def test_a_flipped_byte_in_the_journal_breaks_its_chain(run: Path) -> None:
    journal = run / "evidence" / "journal.jsonl"
    data = bytearray(journal.read_bytes())
    place = data.index(b'"k":"observation"') + 40
    data[place] ^= 1
    journal.write_bytes(data)
    assert any(re.search(r"journal.jsonl: (the chain is broken at record \d+|record \d+)", line)
               for line in wrong(run))


def test_a_header_that_was_changed_is_found(run: Path) -> None:
    edit(run / "evidence" / "journal.jsonl", lambda t: t.replace('"run":"run"', '"run":"ran"', 1))
    assert any("headerSha256" in line for line in wrong(run))


@pytest.mark.parametrize("name", [
    "report.html", "report.pdf", "evidence/inputs/plan.json", "evidence/run.json",
    "evidence/suites.log", "robot/output.xml", "evidence/seal.json", "evidence/journal.jsonl",
])
def test_a_removed_file_is_missed(run: Path, name: str) -> None:
    (run / name).unlink()
    assert any(name in line for line in wrong(run))


def test_a_file_added_to_the_evidence_is_found(run: Path) -> None:
    (run / "evidence" / "extra.json").write_text("{}")
    assert wrong(run) == ["evidence/extra.json: not covered by the seal"]


def test_a_limit_made_milder_in_the_inputs_is_found(run: Path) -> None:
    edit(run / "evidence" / "inputs" / "requirements.json",
         lambda t: t.replace('"value":0', '"value":1', 1))
    assert any("requirements.json" in line for line in wrong(run))


DEEP = "[" * 100_000


@pytest.mark.parametrize("name", [
    "report.json", "evidence/run.json", "evidence/inputs/plan.json", "evidence/inputs/profile.json",
    "evidence/inputs/requirements.json", "evidence/seal.json", "evidence/journal.jsonl",
])
@pytest.mark.parametrize("content", [
    pytest.param(DEEP, id="deep"), pytest.param("", id="empty"), pytest.param("[1, 2]", id="list"),
    pytest.param("null", id="null"), pytest.param('{"limits": 3}', id="other keys"),
    pytest.param("\x00\ud800".encode("utf-8", "surrogatepass").decode("latin-1"), id="binary"),
])
def test_a_hostile_file_is_a_finding_never_an_error(run: Path, name: str, content: str) -> None:
    (run / name).write_text(content, encoding="utf-8")
    assert wrong(run)


@pytest.mark.parametrize("field", ["status", "time_base", "seed", "lang", "finished", "started"])
@pytest.mark.parametrize("value", [None, 7, [], {"a": 1}, "\x1b[2J", "x" * 100_000])
def test_a_field_of_another_type_is_a_finding_never_an_error(
    run: Path, field: str, value: object
) -> None:
    path = run / "evidence" / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))
    assert wrong(run)


def test_an_observation_of_another_shape_is_a_finding(run: Path) -> None:
    edit(run / "evidence" / "journal.jsonl", lambda t: re.sub(r'"trials":\d+', '"trials":"x"', t))
    assert wrong(run)


@pytest.mark.parametrize("target", ["/dev/zero", "/etc/passwd", "."])
def test_links_are_not_followed(run: Path, target: str) -> None:
    journal = run / "evidence" / "journal.jsonl"
    journal.unlink()
    journal.symlink_to(target)
    assert any("not a regular file" in line for line in wrong(run))


def test_a_pipe_in_place_of_a_file_keeps_nobody_waiting(run: Path) -> None:
    for name in ("report.json", "evidence/run.json"):
        (run / name).unlink()
        os.mkfifo(run / name)
    assert any("regular file" in line for line in wrong(run))


def test_what_a_folder_says_cannot_command_the_terminal(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = json.loads((run / "report.json").read_text())
    report["verdicts"][0]["verdict"] = "\x1b[2J\x1b[1;1HEverything agrees."
    (run / "report.json").write_text(json.dumps(report))
    (run / "evidence" / "\x1b[2Jname").write_text("")
    with pytest.raises(SystemExit) as ended:
        app(["verify", str(run)])
    assert ended.value.code == 1
    assert "\x1b" not in capsys.readouterr().out


def test_no_folder_at_all_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        app(["verify", "/nonexistent"])
    assert ended.value.code == 1
    assert "there is no such folder" in capsys.readouterr().out


def test_the_findings_are_told_to_machines_too(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        app(["verify", str(run), "--json"])
    assert ended.value.code == 0
    told = json.loads(capsys.readouterr().out)
    assert told["agrees"]
    assert all({"ok", "what", "where"} == set(finding) for finding in told["findings"])
