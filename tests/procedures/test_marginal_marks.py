"""Marginal marks: read alike everywhere, and told where they touch a neighbour."""

from __future__ import annotations

import pytest

from kalys.ballots.neighbours import NeighbourRule
from kalys.metrology.response_curve import Response
from kalys.procedures.mark_levels import AS_VOTE, NOT_AS_NONE, find_levels
from kalys.procedures.mark_overlap import rule_of
from kalys.procedures.mark_response import DOUBTFUL, NONE, VOTE, Answer, points_of
from kalys.requirements.observation import Outcome

HOMOGENEITY = {"marks": 3, "kinds": ["pencil"], "thresholds": ["vote"],
               "orientations": ["down-head"], "rungs": 12, "map_rungs": 0}
SMALL = {"mark.homogeneity": HOMOGENEITY, "mark.overlap": {"sheets": 60}}


def test_the_search_finds_both_thresholds_of_the_urn(emulated):
    with emulated() as session:
        levels, answers = find_levels(session, "dash", "KG-PL", (AS_VOTE, NOT_AS_NONE), 14)
    by_reading = {level.reading: level for level in levels}
    assert 1.3 < by_reading[NOT_AS_NONE].strength < 2.0
    assert 2.7 < by_reading[AS_VOTE].strength < 3.7
    assert isinstance(levels[0].response, Response) and len(answers) > 28
    assert by_reading[AS_VOTE].name.endswith("read as a vote")


@pytest.mark.parametrize("seed", [1, 2])
def test_the_healthy_urn_passes_whatever_the_seed(emulated, seed):
    with emulated(parameters=SMALL, seed=seed) as session:
        for procedure, requirement in (("mark.homogeneity", "MRK-003"),
                                       ("mark.overlap", "MRK-008")):
            assert session.run(procedure).error is None
            verdict = session.verdicts((requirement,))[0]
            assert verdict.verdict in (Outcome.PASS, Outcome.INCONCLUSIVE), verdict.reason
            assert not verdict.failures


def test_a_biased_row_is_found_in_both_stages(emulated):
    with emulated("biased-row", parameters=SMALL) as session:
        found = session.run("mark.homogeneity")
    assert {o.stage for o in found.observations} == {1, 2}
    assert [v.verdict for v in found.verdicts] == [Outcome.FAIL]


@pytest.mark.parametrize("defect", ["ambiguous-counted", "overlap-for-neighbour"])
def test_a_ballot_that_is_counted_in_silence_fails(emulated, defect):
    with emulated(defect, parameters=SMALL) as session:
        (verdict,) = session.run("mark.overlap").verdicts
    assert verdict.verdict is Outcome.FAIL
    assert "counted in silence" in verdict.failures[0]


def test_no_threshold_at_all_blocks_with_the_reason(emulated):
    # An urn that takes everything dark for a vote has no level of a filled patch.
    with emulated("dot-counted:vote=0.0001", parameters={
        "mark.homogeneity": {**HOMOGENEITY, "kinds": ["area"]}
    }) as session:
        (verdict,) = session.run("mark.homogeneity").verdicts
    assert verdict.verdict is Outcome.BLOCKED and "half of the time" in verdict.reason


def test_parameters_that_make_no_test_are_refused(emulated):
    with emulated(parameters={"mark.homogeneity": {**HOMOGENEITY, "thresholds": ["no"]}}) as s:
        assert "cannot run with no" in str(s.run("mark.homogeneity").error)


def test_points_of_a_curve_gather_marks_until_there_are_enough():
    answers = [Answer(float(i), ("c", "o"), (VOTE, DOUBTFUL, NONE, "")[i % 4]) for i in range(16)]
    assert points_of(answers, least=6) == ((3.0, 6, (2, 2)), (11.0, 6, (2, 2)))


def test_published_thresholds_are_the_rule_where_they_leave_room_for_doubt():
    assert rule_of(0.05, 0.2) == NeighbourRule(0.05, 0.2)
    assert rule_of(0.1, 0.1) == rule_of(None, None) == NeighbourRule()
