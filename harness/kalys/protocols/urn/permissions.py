"""Who may ask what of an urn, and when: the table of docs/protocols/urn-link.md ("Who, and when").

``RULES`` says for every operation who must be logged in and in which states it is allowed; an
operation with several kinds (a report, an upload) has one row per kind. Conditions that depend on
data (hours of the polls, counters at zero) stand on the page and not here.

It is the protocol's promise: the emulated urn keeps it, and whoever tests an urn holds it against
it. Rules of a Kyrgyz day (the constitutional law on elections, art. 31) and of the catalogue:
REP-001 and REP-008 (no second opening), REP-004 (no totals while open), LOG-004 (who sets the
clock), SEC-006 (role by stage by command).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kalys.protocols.urn.messages import Op, Role, UrnState

STANDBY, READY, TEST = UrnState.STANDBY, UrnState.READY, UrnState.TEST
OPEN, CLOSED, FAULT = UrnState.OPEN, UrnState.CLOSED, UrnState.FAULT


@dataclass(frozen=True, slots=True)
class Rule:
    """Who must be logged in (nobody in particular: None) and in which states."""

    roles: frozenset[Role] | None
    states: frozenset[UrnState]


ANY = frozenset(UrnState)
OPERATOR = frozenset({Role.OPERATOR})
ADMINISTRATOR = frozenset({Role.ADMINISTRATOR})
STAFF = OPERATOR | ADMINISTRATOR
SOMEBODY = frozenset(Role)


def _row(roles: frozenset[Role] | None, *states: UrnState) -> Rule:
    return Rule(roles, frozenset(states) if states else ANY)


# Keyed by (operation, kind); kind is "" where an operation has no kinds.
RULES: Mapping[tuple[Op, str], Rule] = {
    (Op.IDENTIFY, ""): _row(None),
    (Op.STATUS, ""): _row(None),
    (Op.SELF_TEST, ""): _row(None),
    (Op.GET_CLOCK, ""): _row(None),
    (Op.PARAMETERS, ""): _row(None),
    (Op.LOG, ""): _row(None),
    (Op.EVENTS_SINCE, ""): _row(None),
    (Op.CHALLENGE, ""): _row(None),
    (Op.AUTHENTICATE, ""): _row(None),
    (Op.LOGOUT, ""): _row(None),
    (Op.SET_CLOCK, ""): _row(ADMINISTRATOR),
    (Op.SET_KEY, ""): _row(ADMINISTRATOR),
    (Op.SET_PARAMETER, ""): _row(ADMINISTRATOR, STANDBY, READY),
    (Op.LOAD_BEGIN, "definition"): _row(ADMINISTRATOR, STANDBY),
    (Op.LOAD_BEGIN, "software"): _row(ADMINISTRATOR, STANDBY),
    (Op.LOAD_BEGIN, "results"): _row(STAFF, CLOSED),
    (Op.LOAD_BEGIN, "image"): _row(ADMINISTRATOR, TEST),
    (Op.LOAD_CHUNK, ""): _row(STAFF),
    (Op.LOAD_COMMIT, ""): _row(STAFF),
    (Op.RESET_ELECTION, ""): _row(ADMINISTRATOR, READY, TEST, CLOSED, FAULT),
    (Op.TEST_MODE, "on"): _row(STAFF, READY),
    (Op.TEST_MODE, "off"): _row(STAFF, TEST),
    (Op.OPEN, ""): _row(OPERATOR, READY),
    (Op.CLOSE, ""): _row(STAFF, OPEN),
    (Op.PRINT, "zero"): _row(SOMEBODY, READY),
    (Op.PRINT, "results"): _row(SOMEBODY, CLOSED),
    (Op.PRINT, "station"): _row(SOMEBODY, CLOSED),
    (Op.PRINT, "test"): _row(SOMEBODY, TEST),
    (Op.PRINT, "status"): _row(SOMEBODY, READY, TEST, OPEN, CLOSED, FAULT),
    (Op.PRINT, "parameters"): _row(SOMEBODY),
    (Op.RESULTS, ""): _row(SOMEBODY, TEST, CLOSED),
    (Op.RECORDS, ""): _row(SOMEBODY, TEST, CLOSED),
    (Op.EXPORT_BEGIN, "results"): _row(SOMEBODY, TEST, CLOSED),
    (Op.EXPORT_BEGIN, "cast-vote-records"): _row(SOMEBODY, TEST, CLOSED),
    (Op.EXPORT_BEGIN, "log"): _row(SOMEBODY),
    (Op.EXPORT_BEGIN, "election-event-log"): _row(SOMEBODY),
    (Op.EXPORT_CHUNK, ""): _row(SOMEBODY),
    (Op.CLEAR_ALARM, ""): _row(STAFF),
    (Op.CLEAR_ALARM, "integrity"): _row(ADMINISTRATOR),
    (Op.READ_IMAGE, ""): _row(ADMINISTRATOR, TEST),
    (Op.BACKUP, ""): _row(STAFF),
    (Op.RESTART, ""): _row(STAFF),
}

# What nobody does with one factor alone (SEC-005, VVSG 2.0 11.3.1-B): it takes the log-in of a role
# that may, and the key turned on in the key switch of the urn.
CRITICAL: frozenset[tuple[Op, str]] = frozenset({
    (Op.LOAD_BEGIN, "software"), (Op.LOAD_BEGIN, "definition"), (Op.LOAD_BEGIN, "results"),
    (Op.OPEN, ""), (Op.CLOSE, ""), (Op.RESET_ELECTION, ""), (Op.SET_KEY, ""),
})

# The field of a request that names its kind.
_KINDS: Mapping[Op, str] = {
    Op.LOAD_BEGIN: "purpose",
    Op.PRINT: "kind",
    Op.EXPORT_BEGIN: "kind",
}


def kind_of(op: Op, fields: Mapping[str, object], state: UrnState) -> str:
    """The kind that selects the row of RULES for this request."""
    if op in _KINDS:
        return str(fields[_KINDS[op]])
    if op is Op.TEST_MODE:
        return "on" if fields["on"] else "off"
    if op is Op.CLEAR_ALARM and state is FAULT:
        return "integrity"
    return ""
