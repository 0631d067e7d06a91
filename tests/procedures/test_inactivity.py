"""A log-in that is left alone: what the procedure asks, and that it puts everything back."""

from __future__ import annotations

import pytest

from kalys.procedures.inactivity import REQUIREMENT
from kalys.protocols.urn.messages import UrnState
from kalys.requirements.observation import Outcome

NAMES = ("inactivity_s", "alert_s")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_an_urn_that_alerts_and_then_ends_the_log_in_passes_and_is_left_as_it_was(
    emulated, seed
) -> None:
    with emulated(seed=seed) as session:
        before = {name: session.urn.parameters()[name] for name in NAMES}
        assert session.run("timing.inactivity").error is None
        assert session.verdicts((REQUIREMENT,))[0].verdict is Outcome.PASS
        assert len([o for o in session.observations if o.kind == "check"]) == 8
        assert {name: session.urn.parameters()[name] for name in NAMES} == before
        assert session.urn.status().state is UrnState.STANDBY


@pytest.mark.parametrize(("defect", "told"), [
    ("log-in-never-ends", "45 s after the alert"),
    ("log-in-ends-unannounced", "no alert came"),
    ("inactivity-alert-short", "20 s after the alert"),
    ("inactivity-longer-than-told", "225.0 s, inactivity_s is 180 s"),
])
def test_an_urn_that_does_not_fails(emulated, defect, told) -> None:
    with emulated(defect) as session:
        assert session.run("timing.inactivity").error is None
        (found,) = session.verdicts((REQUIREMENT,))
        assert found.verdict is Outcome.FAIL and told in found.failures[0]


@pytest.mark.parametrize(("documented", "told"), [
    ({"inactivity_s": 60.0, "alert_s": 30.0}, "first two minutes"),
    ({"inactivity_s": 400.0, "alert_s": 30.0}, "no alert came"),
    ({"inactivity_s": 180.0, "alert_s": 60.0}, "still good"),
    ({"inactivity_s": None, "alert_s": None}, "the profile promises no"),
])
def test_times_outside_the_limits_or_not_documented_fail_however_well_they_are_kept(
    emulated, documented, told
) -> None:
    with emulated() as session:
        limits = session.profile.limits.model_copy(update=documented)
        session.profile = session.profile.model_copy(update={"limits": limits})
        assert session.run("timing.inactivity").error is None
        (found,) = session.verdicts((REQUIREMENT,))
        assert found.verdict is Outcome.FAIL and any(told in why for why in found.failures)


def test_an_urn_without_such_times_is_not_asked(emulated, monkeypatch) -> None:
    with emulated() as session:
        told = {k: v for k, v in session.urn.parameters().items() if k not in NAMES}
        monkeypatch.setattr(session.urn, "parameters", lambda: told)
        session.run("timing.inactivity")
        assert session.verdicts((REQUIREMENT,))[0].verdict is Outcome.NOT_APPLICABLE
