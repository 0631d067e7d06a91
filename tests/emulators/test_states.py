"""The table of states: every transition happens, and everything that is not in it is refused."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from kalys.ballots.package import urn_package
from kalys.emulators.urn.states import TRANSITIONS, Cause
from kalys.protocols import world as link
from kalys.protocols.urn.messages import EventKind, Op, UrnState
from kalys.protocols.urn.permissions import RULES

Make = Callable[..., Any]          # the fixture ``station``
Station = Any
URN = "urn-1"
ROLES = (None, "operator", "administrator", "auditor")


def _define(s: Station) -> None:
    s.login("administrator")
    assert s.load("definition", urn_package(s.definition, "KG-PL", "1001")) == "ok"


def _open(s: Station) -> None:
    s.print("zero")
    s.set_clock(8)
    s.login("operator")
    s.ask(Op.OPEN)


def _lose_integrity(s: Station) -> None:
    """A counter is disturbed; where there is none, the records' side is not reachable by hands."""
    s.login("administrator")
    s.do(link.DisturbCounter(URN, "party", "P02", 9))
    if s.status()["state"] == "open":
        s.feed(s.sheet("party/P01"))
    else:
        kind = {"ready": "zero", "test": "test", "closed": "results"}[s.status()["state"]]
        assert s.result(Op.PRINT, kind=kind) == "integrity"


def _as_administrator(op: Op, **fields: Any) -> Callable[[Station], None]:
    def act(s: Station) -> None:
        s.login("administrator")
        s.ask(op, **fields)

    return act


ACTIONS: dict[Cause, Callable[[Station], None]] = {
    Cause.DEFINED: _define,
    Cause.TEST_BEGUN: _as_administrator(Op.TEST_MODE, on=True),
    Cause.TEST_ENDED: _as_administrator(Op.TEST_MODE, on=False),
    Cause.OPENED: _open,
    Cause.CLOSED: _as_administrator(Op.CLOSE),
    Cause.RESET: _as_administrator(Op.RESET_ELECTION),
    Cause.INTEGRITY_LOST: _lose_integrity,
    Cause.INSPECTED: _as_administrator(Op.CLEAR_ALARM),
}
# Without a definition an urn has no counter that a hand could reach.
REACHABLE = [row for row in TRANSITIONS if row != (UrnState.STANDBY, Cause.INTEGRITY_LOST)]


@pytest.mark.parametrize(("state", "cause"), REACHABLE, ids=lambda v: v.name.lower())
def test_every_row_of_the_table_is_a_transition_that_happens(
    station: Make, state: UrnState, cause: Cause
) -> None:
    s = station(state)
    before = s.status()["state"]
    assert before == state.value
    ACTIONS[cause](s)
    target = TRANSITIONS[state, cause] or UrnState.READY      # FAULT was reached from READY
    assert s.status()["state"] == target.value
    changes = [e.fields["state"] for e in s.events if e.kind is EventKind.STATE]
    assert changes[-1] == target.value


def _request(op: Op, kind: str) -> dict[str, Any]:
    digest = hashlib.sha256(b"x").digest()
    fields: dict[Op, dict[str, Any]] = {
        Op.SET_CLOCK: {"time_ms": 1_638_100_000_000, "offset_min": 360},
        Op.SET_KEY: {"role": "auditor", "key": bytes(32)},
        Op.SET_PARAMETER: {"name": "capacity", "value": "100"},
        Op.LOAD_BEGIN: {"purpose": kind, "size": 1, "sha256": digest},
        Op.LOAD_CHUNK: {"offset": 0, "data": b"x"},
        Op.TEST_MODE: {"on": kind == "on"},
        Op.PRINT: {"kind": kind},
        Op.RECORDS: {"first": 0, "count": 1},
        Op.LOG: {"first": 0, "count": 1},
        Op.EXPORT_BEGIN: {"kind": kind},
        Op.EXPORT_CHUNK: {"offset": 0, "length": 1},
        Op.EVENTS_SINCE: {"first": 1},
        Op.CHALLENGE: {"role": "operator"},
        Op.AUTHENTICATE: {"role": "operator", "mac": bytes(32)},
    }
    return fields.get(op, {})


# Their own answers look like a refusal by role or state; they have tests of their own.
SELF_ANSWERING = {Op.AUTHENTICATE, Op.LOAD_CHUNK, Op.LOAD_COMMIT, Op.EXPORT_CHUNK}


@pytest.mark.parametrize("state", list(UrnState), ids=lambda s: s.value)
@pytest.mark.parametrize("role", ROLES)
def test_what_the_table_does_not_allow_is_refused_and_the_rest_is_not(
    station: Make, state: UrnState, role: str | None
) -> None:
    s = station(state)
    s.login(role)
    harmless_last = sorted(RULES, key=lambda row: row[0] in (Op.LOGOUT, Op.RESTART))
    for op, kind in harmless_last:
        if op in SELF_ANSWERING:
            continue
        if op is Op.CLEAR_ALARM and (kind == "integrity") != (state is UrnState.FAULT):
            continue
        rule = RULES[op, kind]
        by_role = rule.roles is None or role in {r.value for r in rule.roles}
        expected_refusal = (
            "not-authorised" if not by_role
            else None if state in rule.states
            else "fault" if state is UrnState.FAULT else "wrong-state"
        )
        if expected_refusal is None:
            # That it is allowed is seen in its own test; doing it here would change the state.
            continue
        result = s.result(op, **_request(op, kind))
        assert result == expected_refusal, f"{op} {kind} as {role} in {state}"
    assert s.status()["state"] == state.value


@pytest.mark.parametrize("state", list(UrnState), ids=lambda s: s.value)
def test_identity_status_clock_parameters_and_log_can_be_read_by_anybody(
    station: Make, state: UrnState
) -> None:
    s = station(state)
    if state is not UrnState.STANDBY:
        s.login(None)
    for op in (Op.IDENTIFY, Op.STATUS, Op.GET_CLOCK, Op.PARAMETERS, Op.SELF_TEST, Op.LOG):
        assert s.result(op, **_request(op, "")) == "ok"


def test_polls_open_only_within_their_hours(station: Make) -> None:
    s = station(UrnState.READY)
    s.print("zero")
    s.set_clock(7, 59, 59)
    s.login("operator")
    assert s.result(Op.OPEN) == "out-of-window"
    s.login("administrator")
    s.set_clock(20)
    s.login("operator")
    assert s.result(Op.OPEN) == "out-of-window"
    s.login("administrator")
    s.set_clock(8)
    s.login("operator")
    assert s.result(Op.OPEN) == "ok"


def test_polls_open_only_after_a_zero_report(station: Make) -> None:
    s = station(UrnState.READY)
    s.set_clock(8)
    s.login("operator")
    assert s.result(Op.OPEN) == "wrong-state"
    s.print("zero")
    assert s.result(Op.OPEN) == "ok"


def test_a_test_makes_a_new_zero_report_necessary(station: Make) -> None:
    s = station(UrnState.READY)
    s.print("zero")
    s.ask(Op.TEST_MODE, on=True)
    s.ask(Op.TEST_MODE, on=False)
    s.set_clock(8)
    s.login("operator")
    assert s.result(Op.OPEN) == "wrong-state"


def test_polls_do_not_open_while_a_counter_is_not_zero_and_the_log_says_so(station: Make) -> None:
    s = station(UrnState.READY)
    s.print("zero")
    s.set_clock(8)
    s.login("operator")
    s.do(link.DisturbCounter(URN, "preference", "N07", 1))
    assert s.result(Op.OPEN) == "counters-not-zero"
    assert ("zero-check", "failure") in {(e["kind"], e["outcome"]) for e in s.log()}


def test_the_operator_closes_at_the_hour_and_only_an_administrator_before(station: Make) -> None:
    s = station(UrnState.OPEN)
    assert s.result(Op.CLOSE) == "out-of-window"
    s.login("administrator")
    assert s.result(Op.CLOSE) == "ok"
    assert "intervention" in {e["kind"] for e in s.log()}


def test_votes_of_the_test_mode_are_in_no_result(station: Make) -> None:
    s = station(UrnState.TEST)
    assert s.feed(s.sheet("party/P04")) == "valid"
    assert s.votes() == {"party/P04": 1}
    s.ask(Op.TEST_MODE, on=False)
    s.print("zero")
    s.set_clock(8)
    s.login("operator")
    s.ask(Op.OPEN)
    s.feed(s.sheet("party/P05"))
    s.close()
    assert s.votes() == {"party/P05": 1}
