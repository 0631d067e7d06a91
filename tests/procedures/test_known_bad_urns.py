"""Each procedure passes the healthy urn, fails the urn that is broken for it, and tidies up.

On the emulated bench in virtual time, with parameters as small as the defect allows.
"""

from __future__ import annotations

from typing import Any

import pytest

from kalys.errors import ProtocolError, Refused
from kalys.procedures.session import ProcedureResult, Session
from kalys.protocols.urn.messages import UrnState
from kalys.requirements.observation import Outcome

SMALL: dict[str, dict[str, Any]] = {
    "count.volume": {"sheets": 25},
    "count.logic_and_accuracy": {"styles": ["KG-SM-27"]},
    "count.integrity": {"trials": 3},
    "count.capacity": {"capacity": 12},
    "mark.line": {"marks": 4},
    "mark.folds": {"sheets": 12},
    "mark.rescan": {"sheets": 3, "rescans": 8},
    "mark.thresholds": {},
    "mark.specification": {"marks": 4},
    "mark.validity": {"sheets": 4},
    "mark.foreign": {"sheets": 5},
    "paper.misfeeds": {"sheets": 16},
    "paper.double_feed": {"trials": 6},
    "paper.jam": {"trials": 8},
    "paper.orientations": {"sheets": 1},
    "paper.damaged": {"sheets": 9},
    "paper.notices": {"sheets": 6},
    "paper.pull_back": {"trials": 3},
    "timing.transport": {"sheets": 3},
    "timing.throughput": {"bursts": 1, "burst_minutes": 0.5},
    "timing.poll_hours": {"attempts": 6},
    "timing.close": {"repeats": 1},
    "timing.uncertainty": {"readings": 5},
    "power.backup": {"backup_minutes": 120, "sheets": 3},
    "power.transaction": {"cuts": 6},
}

DEFECTS = [
    ("double-count-after-jam", "paper.jam", "PAP-003"),
    ("overvote-counted", "mark.validity", "MRK-007"),
    ("early-opening", "timing.poll_hours", "TIM-008"),
    ("fold-as-vote", "mark.folds", "MRK-002"),
    ("slow-transport", "timing.transport", "TIM-006"),
    ("second-sheet-counted", "paper.double_feed", "PAP-002"),
    ("foreign-counted", "mark.foreign", "MRK-010"),
    ("false-success", "paper.notices", "PAP-007"),
    ("vote-lost-at-power-cut", "power.transaction", "PWR-003"),
    ("pulled-back-counted", "paper.pull_back", "PAP-009"),
    ("upside-down-misread", "paper.orientations", "PAP-004"),
    ("thin-line-missed", "mark.line", "MRK-001"),
    ("silent-capacity", "count.capacity", "ACC-010"),
    ("counter-wraps:at=8", "count.volume", "ACC-009"),
    ("dead-position", "count.logic_and_accuracy", "ACC-009"),
    ("dead-position", "count.logic_and_accuracy", "MET-005"),
    ("silent-integrity", "count.integrity", "ACC-008"),
    ("inaudible-alarm", "count.integrity", "ACC-008"),
    ("flipping-threshold", "mark.rescan", "MRK-004"),
    ("thresholds-not-told", "mark.thresholds", "MRK-005"),
    ("thresholds-of-works-told", "mark.thresholds", "MRK-005"),
    ("dot-counted", "mark.specification", "MRK-006"),
    ("pencil-missed", "mark.specification", "MRK-006"),
    ("frequent-misfeeds", "paper.misfeeds", "PAP-001"),
    ("unreadable-counted", "paper.damaged", "PAP-005"),
    ("confirmation-missing", "paper.notices", "PAP-007"),
    ("slow-between-sheets", "timing.throughput", "TIM-007"),
    ("slow-closing-report", "timing.close", "TIM-009"),
    ("short-battery", "power.backup", "PWR-001"),
]
READINGS = {"timing.transport", "timing.throughput", "timing.close"}      # no failure of one sheet


def run(session: Session, procedure: str) -> ProcedureResult:
    result = session.run(procedure)
    assert result.error is None
    return result


@pytest.mark.parametrize("procedure", SMALL)
def test_the_healthy_urn_gives_no_failing_observation_and_is_left_in_standby(
    procedure, emulated
):
    with emulated(parameters=SMALL) as session:
        result = run(session, procedure)
        assert [o.note for o in result.observations if o.failures or o.kind == "blocked"] == []
        assert Outcome.FAIL not in {v.verdict for v in result.verdicts}
        assert session.urn.status().state is UrnState.STANDBY
        clock = session.urn.read_clock().device
        assert abs((clock - session.clock.utc()).total_seconds()) < 5


@pytest.mark.parametrize(("defect", "procedure", "requirement"), DEFECTS)
def test_the_known_bad_urn_fails_with_a_note_that_a_person_understands(
    defect, procedure, requirement, emulated
):
    with emulated(defect, parameters=SMALL) as session:
        result = run(session, procedure)
        verdict = next(v for v in result.verdicts if v.requirement == requirement)
        assert verdict.verdict is Outcome.FAIL
        if procedure not in READINGS:
            assert verdict.failures and all(len(note) > 20 for note in verdict.failures)


@pytest.mark.parametrize("no", [
    Refused("urn-1 refused set_parameter", code="not-authorised"),
    ProtocolError("this dialect has no such request"),
])
def test_an_urn_that_lets_nobody_set_its_thresholds_still_tells_them(no, emulated, monkeypatch):
    def refuse(*_: str) -> None:
        raise no

    with emulated(parameters=SMALL) as session:
        monkeypatch.setattr(session.urn, "set_parameter", refuse)
        result = run(session, "mark.thresholds")
        assert [v.verdict for v in result.verdicts] == [Outcome.PASS]


def test_a_dropped_vote_shows_in_a_volume_as_one_wrong_position(emulated):
    parameters = {"count.volume": {"sheets": 60}}
    with emulated("vote-dropped:every=20", parameters=parameters) as session:
        result = run(session, "count.volume")
        verdict = next(v for v in result.verdicts if v.requirement == "ACC-001")
        assert verdict.verdict is Outcome.FAIL
        assert "party/P04" in verdict.reason


def test_records_out_of_step_show_in_the_three_way_comparison(emulated):
    with emulated("records-out-of-step:one_in=10", parameters=SMALL) as session:
        result = run(session, "count.logic_and_accuracy")
        verdict = next(v for v in result.verdicts if v.requirement == "ACC-009")
        assert verdict.verdict is Outcome.FAIL
