"""Who comes on election day, when, and with what: by the seed alone, and as the script says."""

from __future__ import annotations

import random
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalys.election.definition import load
from kalys.procedures.election_day import checking
from kalys.procedures.election_day.language import Stretch, Voters
from kalys.procedures.election_day.timing import clock_text
from kalys.procedures.election_day.voters import Ballots, arrivals, coming, number_of

curves = st.lists(
    st.tuples(st.integers(3700, 84000), st.floats(0, 100)), min_size=1, max_size=8,
    unique_by=lambda stretch: stretch[0],
).map(sorted)


def voters(**more) -> Voters:
    return Voters.model_validate({
        "number": 100, "first": "08:00", "last": "20:00",
        "arrivals": [{"from": "08:00", "weight": 1}], **more,
    })


@given(curves, st.integers(0, 300), st.randoms(use_true_random=False))
def test_voters_come_in_order_and_between_the_first_and_the_last_moment(curve, number, rng):
    asked = Voters(
        number=number, first="01:00", last="23:30",
        arrivals=tuple(
            Stretch(since=clock_text(at), weight=weight) for at, weight in [(0, 1.0), *curve[1:]]
        ),
    )
    times = arrivals(asked, number, rng)
    assert len(times) == number
    assert times == sorted(times)
    assert all(3600 <= time <= 84600 for time in times)


def test_as_many_voters_come_as_the_curve_weighs():
    asked = voters(first="00:00", last="09:00", arrivals=[
        {"from": "00:00", "weight": 1}, {"from": "03:00", "weight": 3},
        {"from": "06:00", "weight": 0},
    ])
    times = arrivals(asked, 8000, random.Random(1))
    early = sum(time < 3 * 3600 for time in times)
    assert abs(early - 2000) < 5 * (8000 * 0.25 * 0.75) ** 0.5
    assert not any(time > 6 * 3600 for time in times)


def test_rates_say_how_many_come():
    asked = voters(number=None, first="08:00", last="11:00", arrivals=[
        {"from": "08:00", "per_hour": 60}, {"from": "10:00", "per_hour": 200},
    ])
    assert number_of(asked) == 2 * 60 + 200


def test_the_same_seed_brings_the_same_voters():
    asked = checking.load("kg-mistakes").stations[0].voters
    assert list(coming(asked, 50, "3")) == list(coming(asked, 50, "3"))
    assert list(coming(asked, 50, "3")) != list(coming(asked, 50, "4"))


def test_each_mistake_is_made_by_its_share_of_the_voters():
    asked = voters(mistakes={"two-marks": 0.1, "pulled-back": 0.2})
    made = [voter.mistake for voter in coming(asked, 4000, "1")]
    for mistake, share in (("two-marks", 0.1), ("pulled-back", 0.2), (None, 0.7)):
        assert abs(made.count(mistake) - 4000 * share) < 5 * (4000 * share * (1 - share)) ** 0.5


@pytest.fixture(scope="module")
def definition():
    return load("kg-2021-11-28")


def test_marks_are_of_the_kinds_that_the_script_says(definition):
    asked = voters(marks={"tick": 1, "cross": 3})
    ballots = Ballots(definition, "KG-PL", asked, 5)
    kinds = [m.kind for v in coming(asked, 200, "1") for m in ballots.of(v).marks]
    assert set(kinds) == {"tick", "cross"}
    assert 2 < kinds.count("cross") / kinds.count("tick") < 4.5


@pytest.mark.parametrize(
    ("mistake", "kind"), [("no-mark", "invalid"), ("two-marks", "invalid"), ("folded", "valid")]
)
def test_a_ballot_bears_the_mistake_and_the_truth_of_it(definition, mistake, kind):
    asked = voters(mistakes={mistake: 1.0})
    ballots = Ballots(definition, "KG-PL", asked, 5)
    for voter in islice(coming(asked, 20, "1"), 20):
        sheet = ballots.of(voter)
        assert sheet.truth.kind == kind
        assert bool(sheet.paper.folds) or mistake != "folded"


def test_a_pre_rendered_deck_has_few_papers_under_many_numbers(definition):
    asked = voters(papers=7)
    ballots = Ballots(definition, "KG-PL", asked, 5)
    sheets = [ballots.of(voter) for voter in coming(asked, 40, "1")]
    assert len({sheet.id for sheet in sheets}) == 40
    assert len({sheet.seed for sheet in sheets}) == 7


def test_spare_ballots_are_valid_and_have_numbers_of_their_own(definition):
    ballots = Ballots(definition, "KG-PL", voters(), 5)
    spares = [ballots.spare() for _ in range(30)]
    assert len({sheet.id for sheet in spares}) == 30
    assert {sheet.truth.kind for sheet in spares} == {"valid"}


@pytest.mark.parametrize(("asked", "named"), [({"papers": 4}, None), ({}, 4)])
def test_bursts_take_few_papers_too_where_they_are_to(definition, asked, named):
    ballots = Ballots(definition, "KG-PL", voters(**asked), 5)
    spares = [ballots.spare(named) for _ in range(30)]
    assert len({sheet.id for sheet in spares}) == 30
    assert len({sheet.seed for sheet in spares}) == 4
    assert {sheet.truth.kind for sheet in spares} == {"valid"}
