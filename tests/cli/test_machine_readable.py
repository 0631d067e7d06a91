"""What scripts rely on: the shapes of the JSON that commands print."""

import json
import subprocess
import sys

import jsonschema
import pytest

from kalys.cli.app import app


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> dict:
    with pytest.raises(SystemExit) as ended:
        app(list(words))
    assert ended.value.code == 0
    return json.loads(capsys.readouterr().out)


def test_requirements(capsys: pytest.CaptureFixture[str]) -> None:
    listed = printed(capsys, "requirements", "--json")["requirements"]
    assert len(listed) == 156
    for requirement in listed:
        assert {"id", "tier", "statement", "limit", "procedures", "defects"} <= set(requirement)
        assert isinstance(requirement["limit"], str)
        assert isinstance(requirement["procedures"], list)
        assert isinstance(requirement["defects"], list)
    core = printed(capsys, "requirements", "--tier", "core", "--tested", "--json")["requirements"]
    assert {r["tier"] for r in core} == {"core"}
    assert all(r["procedures"] for r in core)
    assert len(core) >= 40


@pytest.mark.parametrize("name", ["quick", "standard", "full"])
def test_plan(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    told = printed(capsys, "plan", name, "--json")
    assert told["plan"] == name
    assert told["requirements"]


def test_the_sample_for_a_rate(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, "plan", "--rate", "0.01", "--json")["sample"] == 299


@pytest.mark.parametrize("rate", ["0", "1", "-1", "2", "nan"])
def test_a_rate_that_is_none_is_told(
    rate: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from kalys.cli.app import main

    monkeypatch.setattr("sys.argv", ["kalys", "plan", "--rate", rate])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "rate" in capsys.readouterr().err


def test_profiles(capsys: pytest.CaptureFixture[str]) -> None:
    told = printed(capsys, "profiles", "list", "--json")
    assert "kalys-emulated-urn" in [p["profile"] for p in told["profiles"]]
    assert "emulated-station" in [b["bench"] for b in told["benches"]]


@pytest.mark.parametrize("kind", ["profile", "bench", "report"])
def test_schemas(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    schema = printed(capsys, "profiles", "schema", kind)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["title"]


def test_sensitivity_of_one_defect(capsys: pytest.CaptureFixture[str]) -> None:
    told = printed(
        capsys, "sensitivity", "--defect", "report-without-time", "--seeds", "0", "--json"
    )
    (row,) = told["defects"]
    assert row["name"] == "report-without-time"
    assert row["caught"] is True
    assert row["by"]
    assert isinstance(row["requirement"], str)
    assert isinstance(row["sheets"], int)
    assert told["healthy"] == {"seeds": 0, "false_alarms": 0, "alarms": []}


def test_help_loads_nothing_heavy() -> None:
    heavy = ("numpy", "cv2", "pytest", "robot", "pydantic", "matplotlib", "serial", "typst")
    code = (
        "import sys, runpy; sys.argv = ['kalys', '--help']\n"
        "try: runpy.run_module('kalys', run_name='__main__')\n"
        f"finally: print([m for m in {heavy} if m in sys.modules], file=sys.stderr)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                           check=False)
    assert ended.returncode == 0
    assert "certify" in ended.stdout
    assert ended.stderr.strip() == "[]"
