"""LOG-005: every kind of event of VVSG 2.0 Table 15-1 is logged when it happens.

One stimulus per row: the urn is made to live through the event, and an entry of that kind must have
come since. The table ``STIMULI`` is the procedure; the functions below it say how each event is
brought about over the roles. A row of something that the device does not have (a network, an
operation that it does not know) is named as not applicable; a stimulus that it refuses otherwise
leaves its rows blocked, with the refusal.

Source: VVSG 2.0 (EAC, 2021-02-10), 15.1-D, Table 15-1.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kalys.ballots.deck import volume
from kalys.errors import KalysError, Refused
from kalys.procedures.configuration import change_a_parameter, installed_software, renew_key
from kalys.procedures.feeding import feed
from kalys.procedures.power import fed_by_mains
from kalys.procedures.preparation import (
    Prepared,
    load_election,
    open_polls,
    prepared_urn,
    print_report,
    to_standby,
)
from kalys.procedures.registry import procedure
from kalys.procedures.watching import Tail, await_boot
from kalys.protocols.urn.messages import Purpose, ReportKind, Result, Role

if TYPE_CHECKING:
    from kalys.procedures.session import Session

OFF_S = 5.0
NETWORK = "network"           # the capability without which its row does not apply


@dataclass(frozen=True)
class Stimulus:
    """One thing that happens to the urn; ``rows`` maps the kinds of entry that it must leave to
    the rows of Table 15-1."""

    rows: Mapping[str, str]
    provoke: Callable[[Session, Prepared], None]


def _log_in(session: Session, prepared: Prepared) -> None:
    wrong = bytes(session.rng("log.coverage").randbytes(32))
    with contextlib.suppress(Refused):
        prepared.urn.login_with(Role.AUDITOR, wrong)
    # The right key afterwards, so that wrong attempts of several runs do not add up to a lock.
    prepared.urn.login(Role.AUDITOR)
    prepared.urn.login(Role.ADMINISTRATOR)


def _error(session: Session, prepared: Prepared) -> None:  # noqa: ARG001
    try:
        prepared.urn.load(Purpose.DEFINITION, b"this is no election definition")
    except Refused:
        return
    raise KalysError("the urn took something for a definition that is none")


def _files(session: Session, prepared: Prepared) -> None:  # noqa: ARG001
    load_election(prepared)


def _restart(session: Session, prepared: Prepared) -> None:  # noqa: ARG001
    prepared.urn.drain()
    prepared.urn.restart()
    await_boot(prepared.urn)
    prepared.urn.login(Role.ADMINISTRATOR)


def _self_test(session: Session, prepared: Prepared) -> None:  # noqa: ARG001
    prepared.urn.self_test()


def _parameter(session: Session, prepared: Prepared) -> None:  # noqa: ARG001
    change_a_parameter(prepared.urn)


def _zero_report(session: Session, prepared: Prepared) -> None:  # noqa: ARG001
    print_report(prepared, ReportKind.ZERO)


def _media(session: Session, prepared: Prepared) -> None:  # noqa: ARG001
    prepared.hands.media(False)
    prepared.hands.media(True)


def _backup(session: Session, prepared: Prepared) -> None:  # noqa: ARG001
    prepared.urn.backup()


def _key(session: Session, prepared: Prepared) -> None:  # noqa: ARG001
    renew_key(prepared, Role.AUDITOR)


def _software(session: Session, prepared: Prepared) -> None:  # noqa: ARG001
    prepared.urn.load(Purpose.SOFTWARE, installed_software(prepared))


def _open(session: Session, prepared: Prepared) -> None:  # noqa: ARG001
    open_polls(prepared)


def _cast(session: Session, prepared: Prepared) -> None:
    deck = volume(session.definition, prepared.style, 2, session.seed)
    for sheet in deck.sheets:
        feed(session, prepared, sheet)


def _close_early(session: Session, prepared: Prepared) -> None:  # noqa: ARG001
    prepared.urn.login(Role.ADMINISTRATOR)
    prepared.urn.close()


def _export(session: Session, prepared: Prepared) -> None:  # noqa: ARG001
    prepared.urn.export("results")


def _power_cut(session: Session, prepared: Prepared) -> None:
    urn = prepared.urn
    urn.drain()
    with fed_by_mains(session, prepared) as supply:
        prepared.hands.battery(False)
        supply.output(False)
        session.clock.sleep(OFF_S)
        supply.output(True)
        urn.reconnect()
        await_boot(urn)
    urn.login(Role.ADMINISTRATOR)


STIMULI: tuple[Stimulus, ...] = (
    Stimulus({"authentication": "log-in, granted and refused"}, _log_in),
    Stimulus({"error": "an error: an upload that is no definition"}, _error),
    Stimulus({"software": "software installed, old and new hash"}, _software),
    Stimulus({"file": "a file added", "definition": "the ballot definition changed"}, _files),
    Stimulus({"zero-check": "the check that all totals are zero"}, _zero_report),
    Stimulus(
        {"shutdown": "shut-down", "restart": "restart", "startup": "start-up status"}, _restart
    ),
    Stimulus({"readiness": "readiness test", "integrity-check": "integrity check"}, _self_test),
    Stimulus({"configuration": "a parameter changed"}, _parameter),
    Stimulus({"media": "removable media put in or taken out"}, _media),
    Stimulus({"backup": "a backup made"}, _backup),
    Stimulus({"key": "a cryptographic key changed"}, _key),
    Stimulus({"open": "the polls opened"}, _open),
    Stimulus({"cast": "a ballot cast"}, _cast),
    Stimulus({"abnormal-exit": "an abnormal exit: power lost without a battery"}, _power_cut),
    Stimulus(
        {"intervention": "the polls closed early by an administrator", "close": "the polls closed"},
        _close_early,
    ),
    Stimulus({"export": "results exported"}, _export),
)


@procedure(
    "log.coverage", title="Every kind of event of VVSG Table 15-1 is logged",
    requirements=("LOG-005",), device_seconds=600, front="robot",
)
def coverage(session: Session, parameters: Mapping[str, Any]) -> None:  # noqa: ARG001
    """Each row of the table is provoked once, and its entry looked for."""
    if NETWORK in session.profile.capabilities:
        session.blocked("LOG-005", "network on and off: the bench has no role that switches it")
    else:
        session.not_applicable("LOG-005", "network on and off: the device has no network")
    with prepared_urn(session, opened=False) as prepared:
        to_standby(prepared.urn)
        tail = Tail(prepared.urn)
        for done, stimulus in enumerate(STIMULI, 1):
            _row(session, prepared, stimulus, tail)
            session.report_progress(done, len(STIMULI), ", ".join(stimulus.rows))


def _row(session: Session, prepared: Prepared, stimulus: Stimulus, tail: Tail) -> None:
    try:
        stimulus.provoke(session, prepared)
    except KalysError as stopped:
        unknown = isinstance(stopped, Refused) and stopped.code == Result.UNKNOWN_OP
        for kind, row in stimulus.rows.items():
            if unknown:
                session.not_applicable("LOG-005", f"{kind} ({row}): the device has no such thing")
            else:
                session.blocked("LOG-005", f"{kind} ({row}) could not be provoked: {stopped.what}")
        return
    kinds = [entry.kind for entry in tail.new()]
    for kind, row in stimulus.rows.items():
        session.check(
            "LOG-005", kind, kind in kinds,
            f"{row}: no entry of the kind {kind}; logged was {', '.join(kinds) or 'nothing'}",
        )
