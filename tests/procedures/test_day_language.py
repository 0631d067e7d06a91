"""The language of election days: what it takes, what it refuses and where, and what was meant."""

from __future__ import annotations

import re
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kalys import resources
from kalys.errors import ConfigurationError
from kalys.procedures.election_day import checking
from kalys.procedures.election_day.timing import clock_text, duration, seconds_of_day

FOLDER = resources.resource("fixtures", "election_days")
SHIPPED = sorted(FOLDER.glob("*.yaml"))
PAGE = resources.data_root() / "docs" / "election_days.md"


def examples() -> list[str]:
    """The YAML examples of the page, in order."""
    return re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)


@pytest.fixture
def document() -> dict:
    return yaml.safe_load((FOLDER / "kg-2021-ordinary.yaml").read_text())


def refusal(folder: Path, document: dict) -> str:
    path = folder / "day.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True))
    with pytest.raises(ConfigurationError) as refused:
        checking.load(path)
    return str(refused.value)


def line_of(folder: Path, text: str) -> int:
    lines = (folder / "day.yaml").read_text().splitlines()
    return next(n for n, line in enumerate(lines, 1) if text in line)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_day_loads_bears_the_name_of_its_file_and_fits_the_schema(path):
    assert checking.load(path.stem).day == path.stem
    jsonschema.validate(yaml.safe_load(path.read_text()), checking.schema())


def test_seven_days_are_shipped():
    assert len(SHIPPED) == 7


@pytest.mark.parametrize("number", range(len(examples())))
def test_every_example_of_the_page_is_a_day_or_a_part_of_one(number, tmp_path, document):
    example = yaml.safe_load(examples()[number])
    whole = example if "day" in example else {**document, **example}
    path = tmp_path / "example.yaml"
    path.write_text(yaml.safe_dump(whole, sort_keys=False))
    checking.load(path)
    jsonschema.validate(whole, checking.schema())


def test_the_page_shows_a_mistake_with_the_error_that_it_gets(tmp_path):
    wrong = re.search(r"```yaml-with-a-mistake\n(.*?)```", PAGE.read_text(), re.DOTALL)
    told = re.search(r"```error\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert wrong and told
    path = tmp_path / "my-day.yaml"
    path.write_text(wrong[1])
    with pytest.raises(ConfigurationError) as refused:
        checking.load(path)
    assert str(refused.value).replace(f"{tmp_path}/", "") == told[1].strip()


@pytest.mark.parametrize("part", list(checking.LISTS))
def test_the_page_names_every_kind(part):
    for kind in checking.kinds(part):
        assert f"| `{kind}` |" in PAGE.read_text()


@pytest.mark.parametrize(
    ("given_", "seconds"),
    [("08:00", 28800), ("8:00", 28800), ("20:00:30", 72030), (750, 45000), (45015, 45015)],
)
def test_times_mean_what_they_say_quoted_or_not(given_, seconds):
    assert seconds_of_day(given_) == seconds


@given(st.integers(0, 86399))
def test_a_time_read_back_from_its_text_is_the_same(seconds):
    assert seconds_of_day(clock_text(seconds)) == seconds


@pytest.mark.parametrize("wrong", ["24:00", "8 o'clock", "08:60", None, True, 1.5])
def test_what_is_no_time_of_day_is_refused_in_words(wrong):
    with pytest.raises(ValueError, match="a time of day such as 08:00"):
        seconds_of_day(wrong)


@pytest.mark.parametrize(
    ("text", "seconds"), [(90, 90), ("90 s", 90), ("1.5 min", 90), ("2h", 7200)]
)
def test_durations_are_seconds_or_say_their_unit(text, seconds):
    assert duration(text) == seconds


@pytest.mark.parametrize(
    ("change", "near", "told"),
    [
        (lambda d: d["faults"][0].update(at_nm=d["faults"][0].pop("at_mm")), "at_nm",
         "did you mean 'at_mm'"),
        (lambda d: d["commission"][1].update(withn_s=3), "withn_s", "did you mean 'within_s'"),
        (lambda d: d["stations"][0]["voters"].update(mistaks={}), "mistaks",
         "did you mean 'mistakes'"),
        (lambda d: d["stations"][0]["voters"].update(mistakes={"two-mark": 0.1}), "two-mark",
         "did you mean 'two-marks'"),
        (lambda d: d["stations"][0]["voters"].update(marks={"tik": 1}), "tik",
         "did you mean 'tick'"),
        (lambda d: d["stations"][0]["voters"].update(marks={"tail": 1}), "voters:", "is ambiguous"),
        (lambda d: d["commission"][0].update(do="selftest"), "selftest",
         "did you mean 'self-test'"),
        (lambda d: d["commission"][0].update(do="jam"), "do: jam", "stands under 'faults'"),
        (lambda d: d["commission"][0].pop("do"), "at: 07:00", "'do' says of what kind it is"),
        (lambda d: d["faults"][0].update(urns=["urn-9"]), "urn-9", "did you mean 'urn-2'"),
        (lambda d: d["faults"][0].update(sheet=4), "09:20", "here: at and sheet"),
        (lambda d: d["expect"][2]["after"].update(step="closing"), "closing",
         "did you mean 'close'"),
        (lambda d: d["expect"][2]["after"].update(step="offer-ballot"), "step: offer-ballot",
         "give the one that is meant a name"),
        (lambda d: d["expect"][0].update(requirement="REP-0002"), "REP-0002", "near are REP-002"),
        (lambda d: d["expect"][0].update(requirement="TIM-009"), "requirement: TIM-009",
         "decided by readings"),
        (lambda d: d["commission"].reverse(), "at: '20:15'", "in their order"),
        (lambda d: d["stations"][0]["voters"].update(last="20:30"), "first", "opening (08:00:00)"),
        (lambda d: d["commission"][-2].update(into="urn-2"), "into", "with itself"),
        (lambda d: d["stations"][0]["voters"].pop("number"), "voters", "give their number"),
        (lambda d: d.update(begins="7 in the morning"), "begins", "such as 08:00"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_what_was_meant(tmp_path, document, change, near, told):
    change(document)
    message = refusal(tmp_path, document)
    assert told in message
    line = int(re.search(r"day\.yaml:(\d+): ", message)[1])
    assert abs(line - line_of(tmp_path, near)) <= 1


def test_a_day_opens_once_and_closes_once(tmp_path, document):
    document["commission"] = [s for s in document["commission"] if s["do"] != "close"]
    document["expect"] = document["expect"][:2]
    assert "closes them once" in refusal(tmp_path, document)


def test_a_day_that_does_not_fit_the_bench_or_the_election_says_what_there_is():
    day = checking.load("kg-2021-ordinary")
    with pytest.raises(ConfigurationError, match=r"needs the urn urn-2[\s\S]*There are: urn-1"):
        checking.check_against(day, ["KG-PL", "KG-SM-27"], ["urn-1"])
    with pytest.raises(ConfigurationError, match="needs the ballot style KG-SM-27"):
        checking.check_against(day, ["KG-PL"], ["urn-1", "urn-2"])


def test_an_entry_knows_its_file_and_line_but_no_folder():
    day = checking.load("kg-2021-ordinary")
    assert re.fullmatch(r"kg-2021-ordinary\.yaml:\d+", day.faults[0].where)
