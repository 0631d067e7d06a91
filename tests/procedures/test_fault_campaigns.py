"""Campaigns of faults: power, memories, cables. A healthy urn passes, a broken one is found."""

from __future__ import annotations

from typing import Any

import pytest

from kalys.procedures.power_cuts import WRITES, cut_moments
from kalys.protocols.urn.messages import UrnState
from kalys.requirements.observation import Outcome

SMALL: dict[str, dict[str, Any]] = {
    "power.transaction": {"cuts": 16},
    "power.states": {"rounds": 1},
    "power.exhaustion": {"most_minutes": 480},
    "power.memory_failure": {"rounds": 1},
    "power.damage": {"trials": 2},
    "log.components": {"rounds": 1},
    "security.port": {"rounds": 1},
}
DEFECTS = [
    ("half-record-taken", "power.transaction", "PWR-003"),
    ("record-lost-in-cache", "power.transaction", "PWR-003"),
    ("export-cut-short", "power.states", "PWR-003"),
    ("old-settings-taken", "power.states", "PWR-003"),
    ("old-counters-taken", "power.states", "PWR-003"),
    ("record-doubled-at-start", "power.states", "PWR-003"),
    ("log-shortened-at-start", "power.exhaustion", "PWR-002"),
    ("log-shortened-at-start", "power.states", "PWR-004"),
    ("no-validation-at-start", "power.states", "PWR-004"),
    ("log-not-validated", "power.damage", "PWR-004"),
    ("single-memory", "power.memory_failure", "PWR-005"),
    ("memory-failure-unheeded", "power.memory_failure", "PWR-005"),
    ("memory-failure-silent", "power.memory_failure", "PWR-005"),
    ("plugging-silent", "log.components", "LOG-010"),
    ("plugging-unlogged", "log.components", "LOG-010"),
    ("port-stays-open", "security.port", "SEC-010"),
    ("port-reads-after-replug", "security.port", "SEC-010"),
]


@pytest.mark.parametrize("procedure", SMALL)
def test_the_healthy_urn_gives_no_failing_observation_and_is_left_in_standby(
    procedure, emulated
):
    with emulated(parameters=SMALL) as session:
        result = session.run(procedure)
        assert result.error is None
        assert [o.note for o in result.observations if o.failures or o.kind == "blocked"] == []
        assert result.observations
        assert session.urn.status().state is UrnState.STANDBY


@pytest.mark.parametrize(("defect", "procedure", "requirement"), DEFECTS)
def test_the_known_bad_urn_fails_with_a_note_that_a_person_understands(
    defect, procedure, requirement, emulated
):
    with emulated(defect, parameters=SMALL) as session:
        result = session.run(procedure)
        failed = [o for o in result.observations if o.requirement == requirement and o.failures]
        assert failed and all(len(o.note) > 20 for o in failed)
        verdict = next(v for v in result.verdicts if v.requirement == requirement)
        assert verdict.verdict is Outcome.FAIL


def test_half_of_the_cuts_fall_where_a_vote_is_written_down(emulated):
    with emulated(parameters=SMALL) as session:
        moments = cut_moments(session, session.profile, 40)
        assert len(moments) == 40
        events = [moment.event for moment in moments]
        assert [events.count(event) for event in (None, *WRITES)] == [20, 10, 10]
        assert moments == cut_moments(session, session.profile, 40)
