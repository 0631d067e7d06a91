"""Metrological control: the software identifier (MET-001) and the event counter (MET-003).

The identifier names the legally relevant software; whoever reads a report must be able to compare
it with the type certificate, so it stands on every report and is the one that the urn identifies
itself with. The event counter is the electronic seal: it goes up with every change of what matters,
and nothing brings it down.

Rules: OIML D 31 and WELMEC 7.2 (P2/U2, P7); see the value status in the catalogue.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from kalys.ballots.deck import volume
from kalys.procedures.configuration import change_a_parameter, renew_key
from kalys.procedures.feeding import feed_deck
from kalys.procedures.preparation import (
    Prepared,
    end_election,
    load_election,
    prepared_urn,
)
from kalys.procedures.registry import procedure
from kalys.procedures.report import every_report
from kalys.procedures.watching import await_boot
from kalys.protocols.urn.messages import Role

if TYPE_CHECKING:
    from kalys.procedures.session import Session


@procedure(
    "metrology.software_id", title="Every report names the legally relevant software",
    requirements=("MET-001",), device_seconds=180, front="robot",
)
def software_id(session: Session, parameters: Mapping[str, Any]) -> None:
    """Every kind of report in one election; each names what the urn identifies itself with."""
    sheets = int(parameters.get("sheets", 3))
    expected = session.urn.identity().legal_software_id
    seed = session.rng("metrology.software_id").getrandbits(31)
    with prepared_urn(session, opened=False) as prepared:
        deck = volume(session.definition, prepared.style, sheets, seed)
        for report in every_report(prepared, lambda: feed_deck(session, prepared, deck)):
            right = report.software == expected and bool(expected)
            session.count(
                "MET-001", 1, int(not right), condition=f"{report.kind} report",
                note="" if right else
                f"the report names {report.software or 'none'}, the urn {expected or 'none'}",
            )


@procedure(
    "metrology.event_counter", title="The event counter counts every change and never goes back",
    requirements=("MET-003",), device_seconds=120, front="robot",
)
def event_counter(session: Session, parameters: Mapping[str, Any]) -> None:
    """Changes of each kind in turn, then a reset of the election and a restart."""
    changes = int(parameters.get("changes", 8))
    with prepared_urn(session, opened=False) as prepared:
        for number in range(changes):
            what, change, least = CHANGES[number % len(CHANGES)]
            prepared.urn.login(Role.ADMINISTRATOR)
            gained = _gain(prepared, change)
            session.count(
                "MET-003", 1, int(gained < least), condition=what,
                note="" if gained >= least
                else f"the counter changed by {gained:+d}, at least {least:+d} was expected",
            )
            session.report_progress(number + 1, changes, what)
        for what, change in (("reset of the election", _reset), ("restart", _restart)):
            prepared.urn.login(Role.ADMINISTRATOR)
            gained = _gain(prepared, change)
            session.count(
                "MET-003", 1, int(gained < 0), condition=what,
                note="" if gained >= 0 else f"the counter went back by {-gained}",
            )


def _gain(prepared: Prepared, change: Callable[[Prepared], None]) -> int:
    before = prepared.urn.status().event_counter
    change(prepared)
    return prepared.urn.status().event_counter - before


def _parameter(prepared: Prepared) -> None:
    change_a_parameter(prepared.urn)


def _clock(prepared: Prepared) -> None:
    prepared.urn.set_clock(prepared.urn.read_clock().device + timedelta(seconds=30))


def _key(prepared: Prepared) -> None:
    renew_key(prepared, Role.AUDITOR)


def _definition(prepared: Prepared) -> None:
    end_election(prepared)
    load_election(prepared)


def _reset(prepared: Prepared) -> None:
    prepared.urn.reset_election()


def _restart(prepared: Prepared) -> None:
    prepared.urn.drain()
    prepared.urn.restart()
    await_boot(prepared.urn)


# What is changed, how, and by how much the counter goes up at least.
CHANGES: tuple[tuple[str, Callable[[Prepared], None], int], ...] = (
    ("a parameter changed and changed back", _parameter, 2),
    ("the clock set", _clock, 1),
    ("a key changed", _key, 1),
    ("a definition loaded", _definition, 1),
)
