"""LOG-007: whoever changes the stored log is found out.

A trial changes the stored log behind the urn's back (a bit flipped, the end cut off, two entries
swapped, one deleted) and then asks two witnesses. The **device**: does it raise its integrity
alarm, or fail the item of its self-test? The **chain**: does the log that it hands out still follow
the published chain (``kalys.protocols.urn.log_chain``) and count without a gap? A trial is a
failure when both are content. Earlier trials leave their scars, so only *new* breaks count.

Sources: VVSG 2.0 11.1-C; EAC Test Assertions TA11.1-C.3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING, Any

from kalys.devices.roles import LogEntry, Urn
from kalys.errors import KalysError, Refused
from kalys.procedures.log import eventful
from kalys.procedures.preparation import close_polls, prepared_urn
from kalys.procedures.registry import procedure
from kalys.protocols.urn import log_chain
from kalys.protocols.urn.messages import Result, Role

if TYPE_CHECKING:
    from kalys.procedures.preparation import Prepared
    from kalys.procedures.session import Session

WAYS = ("flip", "swap", "delete", "truncate")
NEAR_THE_END = 40             # a trial touches one of the last entries, about so many


@procedure(
    "log.tamper", title="A changed log shows", requirements=("LOG-007",),
    device_seconds=1800, front="robot",
)
def tamper(session: Session, parameters: Mapping[str, Any]) -> None:
    """``trials`` changes, each way in turn, at seeded places."""
    trials = int(parameters.get("trials", 40))
    rng = session.rng("log.tamper")
    with prepared_urn(session) as prepared:
        eventful(session, prepared, int(parameters.get("sheets", 10)), "log.tamper")
        close_polls(prepared)
        prepared.urn.login(Role.ADMINISTRATOR)
        length = len(prepared.urn.log())
        for trial in range(trials):
            how = WAYS[trial % len(WAYS)]
            length = _trial(session, prepared, how, rng, length)
            session.report_progress(trial + 1, trials, f"{how}, trial {trial + 1} of {trials}")


def _trial(session: Session, prepared: Prepared, how: str, rng: Random, length: int) -> int:
    """One change in a log of at least ``length`` entries; returns how many there are afterwards."""
    urn = prepared.urn
    _grow(urn)
    start = max(0, length - NEAR_THE_END - 1)
    before = _read(urn, start)
    scars, complaints = _breaks(before), _complaints(urn)
    place = _place(before, scars, rng)
    prepared.hands.tamper_log(how, start + place)
    told = _complaints(urn) - complaints
    _settle(urn)
    _grow(urn)
    after = _read(urn, start)
    shown = _breaks(after) - scars
    session.count(
        "LOG-007", 1, int(not told and not shown), condition=how,
        note="" if told or shown else
        f"{how} at entry {before[place].sequence}: the chain holds and the urn is content",
    )
    return start + len(after)


def _breaks(entries: Sequence[LogEntry]) -> frozenset[int]:
    """Sequence numbers that do not follow; the first entry is the anchor."""
    if not entries:
        return frozenset()
    anchor, *rest = entries
    return frozenset(log_chain.breaks(rest, anchor.chain, anchor.sequence))


def _place(entries: Sequence[LogEntry], scars: frozenset[int], rng: Random) -> int:
    """The index of an entry whose neighbourhood is still whole."""
    whole = [
        index
        for index in range(2, len(entries) - 2)
        if not {entries[index + step].sequence for step in (-1, 0, 1, 2)} & scars
    ]
    if not whole:
        raise KalysError("no whole stretch is left near the end of the log to tamper with")
    return rng.choice(whole)


def _grow(urn: Urn) -> None:
    """Some entries more, so that there is something after the place of the change."""
    for _ in range(4):
        urn.login(Role.ADMINISTRATOR)


def _read(urn: Urn, start: int) -> list[LogEntry]:
    """The end of the log, or nothing when the urn refuses to hand out what it does not trust."""
    try:
        return list(urn.log(start))
    except Refused as refused:
        if refused.code == Result.INTEGRITY:
            return []
        raise


def _complaints(urn: Urn) -> frozenset[str]:
    """What the urn itself finds wrong: its alarm, and the items of its self-test that fail."""
    items = [f"{item.name}: {item.detail}" for item in urn.self_test() if not item.ok]
    alarm = urn.status().alarm
    return frozenset([*items, f"alarm: {alarm}"] if alarm else items)


def _settle(urn: Urn) -> None:
    """Clear the alarm that a discovered change has raised."""
    if urn.status().alarm:
        urn.login(Role.ADMINISTRATOR)
        urn.clear_alarm()
