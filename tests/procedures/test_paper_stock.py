"""What ballots are made of: corners of the range of paper, and copies without the security mark."""

from __future__ import annotations

import pytest

from kalys.bench.profile import Limits
from kalys.procedures.paper_stock import corners_of
from kalys.requirements.observation import Outcome

SMALL = {
    "paper.range": {"sheets": 6, "pairs": 1},
    "paper.authenticity": {"sheets": 30},
}


def judged(session, procedure, requirement):
    result = session.run(procedure)
    assert result.error is None
    return next(v for v in result.verdicts if v.requirement == requirement)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("procedure", list(SMALL))
def test_a_healthy_urn_gives_no_cause_for_complaint(emulated, procedure, seed):
    with emulated(parameters=SMALL, seed=seed) as session:
        result = session.run(procedure)
        assert result.error is None
        assert result.observations and not [o for o in result.observations if o.failures]
        assert result.verdicts[0].verdict is Outcome.PASS


@pytest.mark.parametrize(("defect", "procedure", "requirement"), [
    ("thin-doubles-unnoticed", "paper.range", "PAP-002"),
    ("thick-paper-refused", "paper.range", "PAP-006"),
    ("damp-paper-sticks", "paper.range", "PAP-006"),
    ("mark-not-looked-at", "paper.authenticity", "PAP-008"),
    ("damaged-mark-taken", "paper.authenticity", "PAP-008"),
    ("copied-mark-taken", "paper.authenticity", "PAP-008"),
])
def test_an_urn_that_breaks_the_rule_fails(emulated, defect, procedure, requirement):
    with emulated(defect, parameters=SMALL) as session:
        verdict = judged(session, procedure, requirement)
        assert verdict.verdict is Outcome.FAIL
        assert verdict.failures


def test_every_corner_of_the_range_is_fed(emulated):
    with emulated(parameters=SMALL) as session:
        result = session.run("paper.range")
        fed = {o.condition: o.trials for o in result.observations if o.requirement == "PAP-006"}
        assert len(fed) == 8
        assert set(fed.values()) == {6}


def test_what_a_profile_does_not_declare_stays_as_usual():
    assert len(corners_of(Limits())) == 1
    corners = corners_of(Limits(paper_heaviest_g_m2=120))
    assert [stock.grammage_g_m2 for stock in corners] == [80.0, 120.0]
    assert {stock.humidity_percent for stock in corners} == {50.0}


def test_an_urn_that_takes_nothing_has_shown_nothing(emulated):
    with emulated("thick-paper-refused:sheets=0.5", parameters=SMALL) as session:
        result = session.run("paper.authenticity")
        assert result.verdicts[0].verdict is Outcome.BLOCKED
        assert "genuine" in result.verdicts[0].reason


@pytest.mark.parametrize(("procedure", "change"), [
    ("paper.authenticity", {"capabilities": ()}), ("paper.range", {"limits": Limits()}),
])
def test_what_the_profile_does_not_promise_does_not_apply(emulated, procedure, change):
    with emulated(parameters=SMALL) as session:
        session.profile = session.profile.model_copy(update=change)
        assert session.run(procedure).verdicts[0].verdict is Outcome.NOT_APPLICABLE
