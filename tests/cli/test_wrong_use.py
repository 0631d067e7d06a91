"""What a user got wrong is told with what, where and what to do; no traceback ever."""

import errno
import os
from pathlib import Path

import pytest
import yaml

from kalys.cli import app as command_line
from kalys.resources import resource

from ..running import write_plan


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KALYS_KEY", str(tmp_path / "laboratory.key"))


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Run the command line in this process, which must end with 2; what it tells."""

    def run(*words: object) -> str:
        monkeypatch.setattr("sys.argv", ["kalys", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            command_line.main()
        shown = capsys.readouterr()
        assert ended.value.code == 2, shown.err
        assert "Traceback" not in shown.err
        return shown.err

    return run


@pytest.mark.parametrize(("option", "name", "near"), [
    ("--bench", "emulated-staton", "emulated-station"), ("--plan", "quik", "quick"),
    ("--defect", "overvote-count", "overvote-counted"), ("--lang", "rus", "ru"),
    ("--wire", "rfc2271", "rfc2217"),
])
def test_a_misspelt_name_is_told_with_the_nearest(refused, option, name, near) -> None:
    shown = refused("certify", "--out", "run", option, name)
    assert name in shown
    assert f"Did you mean {near}" in shown
    assert not Path("run").exists(), "nothing was run, nothing is left"


@pytest.mark.parametrize("words", [("certify", "--pla", "quick"), ("certifi",), ("certify", "x"),
                                   ("certify", "--seed", "one"), ("verify",)])
def test_a_misspelt_option_is_told(refused, words) -> None:
    assert "rror" in refused(*words)


def test_a_plan_with_a_typo_is_told_with_file_and_line(refused) -> None:
    path = write_plan(Path())
    path.write_text(path.read_text().replace("purpose:", "purpos:"))
    line = path.read_text().splitlines().index("purpos: a test of the command line") + 1
    shown = refused("certify", "--plan", path, "--out", "run")
    assert f"{path}:{line}" in shown or "purpos" in shown
    assert "did you mean purpose?" in shown


@pytest.mark.parametrize(("change", "told"), [
    ({"requirements": ["MRK-999"], "samples": {}}, "MRK-999"),
    ({"procedures": {"mark.lines": {}}}, "mark.lines"),
    ({"samples": {"MRK-002": 3}}, "MRK-002"),
    ({"requirements": "MRK-001"}, "requirements"),
])
def test_a_plan_that_names_what_there_is_not_is_told(refused, change, told) -> None:
    shown = refused("certify", "--plan", write_plan(Path(), **change), "--out", "run")
    assert told in shown
    assert "small.yaml" in shown


def shipped(*parts: str) -> dict:
    return yaml.safe_load(resource("device_profiles", *parts).read_text(encoding="utf-8"))


@pytest.mark.parametrize(("spoil", "told"), [
    (lambda b: b.update(tiem="virtual"), "did you mean time?"),
    (lambda b: b["devices"][0].update(profil="x"), "did you mean profile?"),
    (lambda b: b["devices"][0].update(profile="kalys-emulated-urm"), "kalys-emulated-urn"),
    (lambda b: b["devices"][0].update(role="urm"), "role"),
    (lambda b: b.update(dut="urn-9"), "urn-9"),
    (lambda b: b.update(election="kg-2021"), "kg-2021-11-28"),
])
def test_a_bench_with_a_typo_is_told_with_file_and_field(refused, spoil, told) -> None:
    document = shipped("benches", "emulated-station.yaml")
    spoil(document)
    Path("bench.yaml").write_text(yaml.safe_dump(document))
    shown = refused("certify", "--bench", "bench.yaml", "--plan", write_plan(Path()), "--out", "r")
    assert told in shown
    assert not Path("r").exists()


def test_a_profile_with_a_typo_is_told_with_file_line_and_field(refused) -> None:
    profile = shipped("kalys-emulated-urn.yaml")
    profile["limits"]["transport_sped_mm_s"] = 1
    Path("urn.yaml").write_text(yaml.safe_dump(profile))
    bench = shipped("benches", "emulated-station.yaml")
    bench["devices"][0]["profile"] = "urn"
    Path("bench.yaml").write_text(yaml.safe_dump(bench))
    for words in (("certify", "--bench", "bench.yaml", "--out", "r"),
                  ("profiles", "check", "urn.yaml")):
        shown = refused(*words)
        assert "urn.yaml:" in shown
        assert "transport_sped_mm_s" in shown


@pytest.mark.parametrize("content", ["", "- 1", "a: [", "\x00", "&a [*a]", "plan: !!python/none x"])
def test_a_file_that_is_no_document_is_told(refused, content) -> None:
    Path("strange.yaml").write_text(content)
    for option in ("--plan", "--bench"):
        assert "strange.yaml" in refused("certify", option, "strange.yaml", "--out", "run")


def test_a_run_folder_that_is_taken_is_left_alone(refused) -> None:
    Path("run").mkdir()
    Path("run/notes.txt").write_text("mine")
    shown = refused("certify", "--plan", write_plan(Path()), "--out", "run")
    assert "not an empty folder" in shown
    assert "--resume" in shown
    assert [p.name for p in Path("run").iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("place", ["/proc/nowhere/run", "small.yaml/run", "/dev/null"])
def test_a_place_that_cannot_be_written_is_told(refused, place) -> None:
    shown = refused("certify", "--plan", write_plan(Path()), "--out", place)
    assert place in shown
    assert "--out" in shown


def test_there_is_nothing_to_continue_in_a_folder_that_is_no_run(refused) -> None:
    assert "not a run folder" in refused("certify", "--resume", ".")
    assert "not a run folder" in refused("certify", "--resume", "/nonexistent")


def test_an_error_that_nobody_foresaw_is_one_message_and_a_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def broken() -> None:
        raise ZeroDivisionError("division\x1b[2J by zero")

    monkeypatch.setattr(command_line, "app", broken)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(SystemExit) as ended:
        command_line.main()
    assert ended.value.code == 3
    shown = capsys.readouterr().err
    assert "an error of kalys itself: ZeroDivisionError" in shown
    assert "Traceback" not in shown
    assert "\x1b" not in shown
    (kept,) = tmp_path.glob("traceback-*.txt")
    assert str(kept) in shown
    assert "ZeroDivisionError" in kept.read_text()


@pytest.mark.parametrize(("number", "told"), [
    (errno.ENOSPC, "disk is full"), (errno.EACCES, "Name a place that you may use"),
])
def test_an_error_of_the_system_is_told_with_its_place(
    number: int, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> None:
        raise OSError(number, os.strerror(number), "/some/where")

    monkeypatch.setattr(command_line, "app", broken)
    with pytest.raises(SystemExit) as ended:
        command_line.main()
    assert ended.value.code == 2
    shown = capsys.readouterr().err
    assert "/some/where" in shown
    assert told in shown
