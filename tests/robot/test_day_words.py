"""A day written in Robot alone: played, judged, and wrong in words."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from robot.run import run

from kalys.resources import data_root

EXAMPLE = data_root() / "docs" / "examples" / "my_day.robot"


def ran(suite: Path, folder: Path, **variables: str) -> tuple[int, str]:
    """The return code, and what Robot printed."""
    said = io.StringIO()
    code = run(
        str(suite), outputdir=str(folder / "out"), stdout=said, stderr=said,
        variable=[f"{name}:{value}" for name, value in variables.items()], report=None, log=None,
    )
    return code, said.getvalue()


def changed(folder: Path, old: str, new: str) -> Path:
    text = EXAMPLE.read_text()
    assert old in text
    path = folder / "my_day.robot"
    path.write_text(text.replace(old, new))
    return path


def test_the_shipped_example_passes_on_a_healthy_station(tmp_path):
    code, said = ran(EXAMPLE, tmp_path)
    assert code == 0, said


def test_it_fails_on_a_broken_one_and_says_why(tmp_path):
    code, said = ran(EXAMPLE, tmp_path, DEFECTS="double-count-after-jam")
    assert code == 1
    assert "PAP-003, urn-1, jam at 440 mm" in said


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("at_mm=440", "at_nm=440", "faults[1]: no field 'at_nm'; did you mean 'at_mm'"),
        ("07:15      zero-report", "07:15      zero-reports", "did you mean 'zero-report'"),
        ("after=close", "after=closing", "did you mean 'close'"),
        ("A Day            my-day    begins=07:00", "No Operation", "A Day comes first"),
        ("Play The Day\n", "No Operation\n", "Play The Day comes first"),
    ],
)
def test_a_mistake_is_told_in_words(tmp_path, old, new, told):
    code, said = ran(changed(tmp_path, old, new), tmp_path)
    assert code == 1
    assert told in " ".join(said.split())


def test_the_page_shows_the_keywords_that_there_are():
    page = (data_root() / "docs" / "election_days.md").read_text()
    example = page.split("```robotframework\n")[1].split("```")[0]
    known = {"A Day", "A Station", "Voters", "At", "Fault", "Expect", "Play The Day",
             "Nothing Should Speak Against The Station"}
    assert {line.split("    ")[0].strip() for line in example.strip().splitlines()} <= known
