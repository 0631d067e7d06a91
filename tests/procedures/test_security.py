"""Who may do what, wrong keys, malformed and repeated messages: healthy urns and bad ones."""

from __future__ import annotations

from random import Random

import pytest

from kalys.procedures.security_traffic import Traffic
from kalys.protocols.urn.messages import Role
from kalys.requirements.observation import Outcome

SMALL = {
    "security.malformed_traffic": {"messages": 300},
    "security.replay": {"trials": 7},
}


def judged(session, procedure, requirement):
    result = session.run(procedure)
    assert result.error is None
    return next(v for v in result.verdicts if v.requirement == requirement)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("procedure", [
    "security.permissions", "security.lockout", "security.malformed_traffic", "security.replay",
    "security.second_factor",
])
def test_a_healthy_urn_gives_no_cause_for_complaint(emulated, procedure, seed):
    with emulated(parameters=SMALL, seed=seed) as session:
        result = session.run(procedure)
        assert result.error is None
        assert not [o for o in result.observations if o.failures]
        assert session.urn.status().state == "standby"


@pytest.mark.parametrize(("defect", "procedure", "requirement"), [
    ("auditor-closes", "security.permissions", "SEC-006"),
    ("parameters-while-open", "security.permissions", "SEC-006"),
    ("refusals-not-logged", "security.permissions", "SEC-006"),
    ("opens-without-key", "security.second_factor", "SEC-005"),
    ("software-without-key", "security.second_factor", "SEC-005"),
    ("refusals-not-logged", "security.second_factor", "SEC-006"),
    ("unlimited-log-ins", "security.lockout", "SEC-007"),
    ("lock-forgotten-at-restart", "security.lockout", "SEC-007"),
    ("hangs-on-long-frame", "security.malformed_traffic", "SEC-011"),
    ("garbage-counted:every=20", "security.malformed_traffic", "SEC-011"),
    ("garbage-counted:every=20", "security.malformed_traffic", "MET-002"),
    ("nonces-repeat", "security.replay", "SEC-012"),
    ("nonce-not-spent", "security.replay", "SEC-012"),
])
def test_an_urn_that_breaks_the_rule_fails(emulated, defect, procedure, requirement):
    with emulated(defect, parameters=SMALL) as session:
        verdict = judged(session, procedure, requirement)
        assert verdict.verdict is Outcome.FAIL
        assert verdict.failures


def test_an_urn_that_hangs_has_not_changed_what_counts(emulated):
    with emulated("hangs-on-long-frame", parameters=SMALL) as session:
        verdict = judged(session, "security.malformed_traffic", "MET-002")
        assert verdict.verdict is not Outcome.FAIL


def test_the_key_is_put_back_whatever_happened(emulated):
    with emulated("opens-without-key") as session:
        session.run("security.second_factor")
        session.urn.login(Role.ADMINISTRATOR)
        renewed = session.profile.credentials.key(session.identity.serial, Role.AUDITOR)
        session.urn.set_key(Role.AUDITOR, renewed)


def test_an_urn_without_a_key_switch_is_not_asked_for_one(emulated):
    with emulated() as session:
        profile = session.profile
        words = tuple(word for word in profile.capabilities if word != "key-switch")
        session.profile = profile.model_copy(update={"capabilities": words})
        result = session.run("security.second_factor")
        assert result.verdicts[0].verdict is Outcome.NOT_APPLICABLE


def test_the_same_seed_makes_the_same_noise(emulated):
    with emulated() as session:
        first, second = (Traffic(session.urn, Random(5)) for _ in range(2))
        noise = [first.next() for _ in range(200)]
        # The requests it is made of are numbered on; those of the second are numbered from later.
        assert [len(data) for data in noise] == [len(second.next()) for _ in range(200)]
        assert len(set(noise)) > 190
