"""The exported event log in NIST's format (SP 1500-101) against the log that is read over the link.

Something of every disposition happens: ballots are taken and given back, people log in, a command
is refused. Then the log is read, exported, and read again. Every entry of the first reading must be
in the file, once and as it was told: its number, its moment, its kind and whether it succeeded; and
nothing may be in the file that the second reading does not have. The file is read by a strict
reader of our own (``kalys.election.event_log_reading``), not by the code that an emulator writes
it with.

Rules: EAC VVSG 2.0 Test Assertions TA4.1-D 2; NIST SP 1500-101.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from kalys.ballots.deck import foreign
from kalys.devices.roles import LogEntry
from kalys.election.event_log_reading import LoggedEvent, WrongEvent, read_event_log
from kalys.errors import ProtocolError, Refused
from kalys.procedures.feeding import feed
from kalys.procedures.log import eventful
from kalys.procedures.preparation import Prepared, close_polls, prepared_urn
from kalys.procedures.registry import procedure
from kalys.protocols.urn.messages import Role

if TYPE_CHECKING:
    from kalys.procedures.session import Session

CAPABILITY = EXPORT = "election-event-log"
REQUIREMENT = "LOG-009"
TIME_TOLERANCE_S = 1.0        # a stamp to the second is a good stamp (LOG-001)
MOST_NAMED = 3
# What an outcome may be called in the format, which has four words; any other outcome of a log
# (a refusal, the reason of a return) is whatever does not claim success.
SUCCESS, FAILURE = frozenset({"success"}), frozenset({"failure"})
NO_SUCCESS = frozenset({"failure", "na", "other"})


@procedure(
    "log.export", title="The log exports in NIST's format, entry for entry",
    requirements=(REQUIREMENT,), device_seconds=120, front="robot",
)
def export(session: Session, parameters: Mapping[str, Any]) -> None:
    """Each entry of the log is a trial; and whatever else the file holds."""
    if CAPABILITY not in session.profile.capabilities:
        session.not_applicable(
            REQUIREMENT, "The urn exports no event log in NIST's format (SP 1500-101)."
        )
        return
    with prepared_urn(session) as prepared:
        _live_through_something(session, prepared, int(parameters.get("sheets", 6)))
        before = prepared.urn.log()
        try:
            data = prepared.urn.export(EXPORT)
            events = read_event_log(data).events
        except (Refused, ProtocolError) as error:
            session.count(REQUIREMENT, len(before), len(before), note=str(error))
            return
        after = prepared.urn.log(len(before))
    session.journal.add("note", {
        "text": "event log exported", "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    })
    wrong = differences(before, [*before, *after], events)
    strays = sum(1 for number, _ in wrong if not number)
    session.count(
        REQUIREMENT, len(before) + strays, len(wrong),
        note="; ".join(why for _, why in wrong[:MOST_NAMED]),
    )


def _live_through_something(session: Session, prepared: Prepared, sheets: int) -> None:
    """What leaves entries of every disposition: "success", "failure" and others."""
    eventful(session, prepared, sheets, "log.export")
    deck = foreign(
        prepared.definition, prepared.style, 1, session.rng("log.export.foreign").getrandbits(31)
    )
    feed(session, prepared, deck.sheets[0])
    prepared.urn.login(Role.AUDITOR)
    with suppress(Refused):        # as it must be; other requirements judge whether it is
        prepared.urn.close()
    close_polls(prepared)


def differences(
    due: Sequence[LogEntry], known: Sequence[LogEntry], events: Sequence[LoggedEvent | WrongEvent]
) -> list[tuple[int, str]]:
    """(number of an entry, what is wrong with it in the file), in the order of the log; number 0
    for what the file should not hold.

    ``due`` are the entries that must be in the file, ``known`` all that may be.
    """
    by_number: dict[str, list[LoggedEvent | WrongEvent]] = {}
    for event in events:
        by_number.setdefault(event.sequence, []).append(event)
    wrong: list[tuple[int, str]] = []
    for entry in due:
        found = by_number.pop(str(entry.sequence), [])
        why = _differs(entry, found[0]) if found else "is not in the file"
        if why:
            wrong.append((entry.sequence, f"no. {entry.sequence} ({entry.kind}) {why}"))
        wrong += [(0, f"no. {entry.sequence} comes again") for _ in found[1:]]
    for entry in known[len(due) :]:
        by_number.pop(str(entry.sequence), None)
    wrong += [
        (0, f"event {number[:20]!r} is no entry of the log"
         + (f" ({event.why})" if isinstance(event, WrongEvent) else ""))
        for number, strays in by_number.items() for event in strays
    ]  # fmt: skip
    return wrong


def _differs(entry: LogEntry, event: LoggedEvent | WrongEvent) -> str:
    """In words how the event is not the entry; empty when it is."""
    if isinstance(event, WrongEvent):
        return f"is not valid: {event.why}"
    if abs((event.time - entry.time).total_seconds()) > TIME_TOLERANCE_S:
        return f"is of {event.time.isoformat()}, in the log of {entry.time.isoformat()}"
    if entry.kind not in (event.id, event.type):
        return f"is an event {event.id[:40]!r} of type {event.type[:40]!r}"
    if event.disposition not in expected(entry.outcome):
        return f"has the disposition {event.disposition}, in the log the outcome {entry.outcome!r}"
    return ""


def expected(outcome: str) -> frozenset[str]:
    """The dispositions that tell this outcome truly."""
    return {"success": SUCCESS, "failure": FAILURE}.get(outcome, NO_SUCCESS)
