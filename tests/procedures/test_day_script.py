"""The language of election days: what it takes, what it refuses and where, and how voters come."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kalys import resources
from kalys.errors import ConfigurationError
from kalys.procedures import day_script
from kalys.procedures.day_script import Stretch, Voters, arrivals, clock_text, seconds_of_day

SHIPPED = sorted(resources.resource("fixtures", "election_days").glob("*.yaml"))


@pytest.fixture
def document() -> dict:
    return yaml.safe_load(
        resources.resource("fixtures", "election_days", "kg-2021-ordinary.yaml").read_text()
    )


def written(folder: Path, document: dict) -> Path:
    path = folder / "day.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True))
    return path


def refusal(folder: Path, document: dict) -> str:
    with pytest.raises(ConfigurationError) as refused:
        day_script.load(written(folder, document))
    return str(refused.value)


def line_of(folder: Path, text: str) -> int:
    lines = (folder / "day.yaml").read_text().splitlines()
    return next(n for n, line in enumerate(lines, 1) if text in line)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_day_loads_and_bears_the_name_of_its_file(path):
    assert day_script.load(path.stem).day == path.stem


def test_the_example_of_the_documentation_is_a_day(tmp_path):
    page = resources.data_root() / "docs" / "election_days.md"
    example = re.search(r"```yaml\n(day: .*?)```", page.read_text(), re.DOTALL)
    assert example is not None
    path = tmp_path / "example.yaml"
    path.write_text(example[1])
    assert day_script.load(path).day == "my-day"


def test_the_documentation_names_every_step():
    page = (resources.data_root() / "docs" / "election_days.md").read_text()
    kinds = [
        kind.model_fields["do"].annotation.__args__[0]
        for kind in day_script.Step.__subclasses__()
    ]
    assert len(kinds) == 13
    for kind in kinds:
        assert f"| `{kind}` |" in page


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


def test_an_unknown_key_of_a_step_is_refused_with_its_line(tmp_path, document):
    document["script"][6]["at_nm"] = document["script"][6].pop("at_mm")
    told = refusal(tmp_path, document)
    assert re.search(r"day\.yaml:\d+: ", told)
    assert "at_mm" in told


def test_a_misspelt_field_points_at_its_own_line(tmp_path, document):
    document["script"][1]["withn_s"] = 3
    told = refusal(tmp_path, document)
    assert f"day.yaml:{line_of(tmp_path, 'withn_s')}:" in told
    assert "did you mean within_s" in told


def test_an_unknown_step_is_refused_and_the_known_ones_are_named(tmp_path, document):
    document["script"][0]["do"] = "selftest"
    assert "'self-test'" in refusal(tmp_path, document)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda d: d["script"].reverse(), "order the steps"),
        (lambda d: d["script"][6].update(urns=["urn-9"]), "there is no urn-9"),
        (lambda d: d["script"].pop(5), "opens the polls once"),
        (lambda d: d["voters"].update(last="20:30"), "must lie between opening and closing"),
        (lambda d: d["voters"]["arrivals"].reverse(), "must be in order"),
        (lambda d: d["voters"].update(arrivals=[{"from": "08:00", "weight": 0}]), "no weight"),
        (lambda d: d["script"][-2].update({"into": "urn-2"}), "with itself"),
    ],
)
def test_a_day_that_cannot_be_is_refused_with_file_and_line(tmp_path, document, change, told):
    change(document)
    message = refusal(tmp_path, document)
    assert told in message
    assert re.search(r"day\.yaml:\d+: ", message)


def test_a_day_that_does_not_fit_the_bench_or_the_election_says_what_there_is():
    day = day_script.load("kg-2021-ordinary")
    with pytest.raises(ConfigurationError, match=r"needs the urn urn-2[\s\S]*There is: urn-1"):
        day_script.check_against(day, ["KG-PL", "KG-SM-27"], ["urn-1"])
    with pytest.raises(ConfigurationError, match="needs the ballot style KG-SM-27"):
        day_script.check_against(day, ["KG-PL"], ["urn-1", "urn-2"])


curves = st.lists(
    st.tuples(st.integers(3700, 84000), st.floats(0, 100)), min_size=1, max_size=8,
    unique_by=lambda stretch: stretch[0],
).map(sorted)


@given(curves, st.integers(0, 300), st.randoms(use_true_random=False))
def test_voters_come_in_order_and_between_the_first_and_the_last_moment(curve, number, rng):
    voters = Voters(
        number=number, first="01:00", last="23:30",
        arrivals=tuple(
            Stretch(since=clock_text(at), weight=weight) for at, weight in [(0, 1.0), *curve[1:]]
        ),
    )
    times = arrivals(voters, number, rng)
    assert len(times) == number
    assert times == sorted(times)
    assert all(3600 <= time <= 84600 for time in times)


def test_as_many_voters_come_as_the_curve_weighs():
    voters = Voters(
        number=0, first="00:00", last="09:00",
        arrivals=(
            Stretch(since="00:00", weight=1), Stretch(since="03:00", weight=3),
            Stretch(since="06:00", weight=0),
        ),
    )
    times = arrivals(voters, 8000, random.Random(1))
    early = sum(time < 3 * 3600 for time in times)
    late = sum(time > 6 * 3600 for time in times)
    assert abs(early - 2000) < 5 * (8000 * 0.25 * 0.75) ** 0.5
    assert late == 0


def test_the_same_seed_brings_the_same_voters():
    voters = day_script.load("kg-2021-ordinary").voters
    assert arrivals(voters, 50, random.Random(3)) == arrivals(voters, 50, random.Random(3))
