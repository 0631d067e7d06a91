"""The urn's states, and what leads from one to another: the whole of it is in this file.

How to think about it: the urn is in one of six states. ``TRANSITIONS`` says which cause leads from
where to where; whatever is not in it cannot happen. Who may ask for what in which state is the
protocol's promise (``kalys.protocols.urn.permissions``); conditions that depend on data (hours of
the polls, counters at zero) are checked by the operation itself, after these.

Rules of a Kyrgyz day (the constitutional law on elections, art. 31) and of the catalogue: REP-008
(no second opening), ACC-008 (FAULT counts nothing until an administrator has looked).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from kalys.protocols.urn.messages import UrnState

STANDBY, READY, TEST = UrnState.STANDBY, UrnState.READY, UrnState.TEST
OPEN, CLOSED, FAULT = UrnState.OPEN, UrnState.CLOSED, UrnState.FAULT


class Cause(StrEnum):
    """What moves the urn from one state to another."""

    DEFINED = "definition loaded"
    TEST_BEGUN = "test mode on"
    TEST_ENDED = "test mode off"
    OPENED = "polls opened"
    CLOSED = "polls closed"
    RESET = "election reset"
    INTEGRITY_LOST = "integrity lost"
    INSPECTED = "inspected by an administrator"


# FAULT remembers where it came from; INSPECTED leads back there, so its row only says "from".
TRANSITIONS: Mapping[tuple[UrnState, Cause], UrnState | None] = {
    (STANDBY, Cause.DEFINED): READY,
    (READY, Cause.TEST_BEGUN): TEST,
    (TEST, Cause.TEST_ENDED): READY,
    (READY, Cause.OPENED): OPEN,
    (OPEN, Cause.CLOSED): CLOSED,
    (READY, Cause.RESET): STANDBY,
    (TEST, Cause.RESET): STANDBY,
    (CLOSED, Cause.RESET): STANDBY,
    (FAULT, Cause.RESET): STANDBY,
    (STANDBY, Cause.INTEGRITY_LOST): FAULT,
    (READY, Cause.INTEGRITY_LOST): FAULT,
    (TEST, Cause.INTEGRITY_LOST): FAULT,
    (OPEN, Cause.INTEGRITY_LOST): FAULT,
    (CLOSED, Cause.INTEGRITY_LOST): FAULT,
    (FAULT, Cause.INSPECTED): None,
}

COUNTING = frozenset({OPEN, TEST})        # states in which sheets are drawn in
