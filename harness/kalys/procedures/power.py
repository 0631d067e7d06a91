"""Procedures of power: backup operation, and cuts in the middle of a ballot transaction.

The mains is the programmable supply that feeds the urn, reached over VISA; whatever happens, it
feeds the urn again at the end. The battery is connected and disconnected by the hands.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any

from kalys.devices.roles import PowerSupply, Urn
from kalys.errors import KalysError, LinkError
from kalys.procedures.control_sheets import control_sheets
from kalys.procedures.deck_run import feed_all, finish, part_size
from kalys.procedures.feeding import feed
from kalys.procedures.power_cuts import Moment, cut_moments, cut_once, settle_accounts
from kalys.procedures.preparation import Prepared, prepared_urn
from kalys.procedures.registry import procedure
from kalys.procedures.timing_budget import interval_u, measure_host
from kalys.protocols.urn.messages import EventKind

if TYPE_CHECKING:
    from kalys.procedures.session import Session

POWER_EVENT_S = 10.0
BEFORE_CUTS = 2                # ballots cast before the first cut
# The time on battery must be shown with its uncertainty, so it is exceeded by a little.
MARGIN = 1.01


@procedure(
    "power.backup",
    title="Working on the battery alone",
    requirements=("PWR-001",),
    device_seconds=7300,
    front="pytest",
)
def backup(session: Session, parameters: Mapping[str, Any]) -> None:
    """Mains off; ballots cast evenly over ``backup_minutes``; every one must be counted."""
    minutes = float(parameters.get("backup_minutes", 120)) * MARGIN
    sheets = int(parameters.get("sheets", 24))
    session.instrument = session.supply.identity()
    with prepared_urn(session) as prepared, fed_by_mains(session, prepared):
        host = measure_host(prepared.urn, session.clock, 10)
        prepared.hands.battery(True)
        prepared.urn.drain()
        began = session.clock.now()
        session.supply.output(False)
        changed = prepared.urn.wait([EventKind.POWER], POWER_EVENT_S)
        if changed is None or changed.fields["source"] != "battery":
            told = "did not tell" if changed is None else f"told {changed.fields['source']}"
            note = f"mains went off and the urn {told} that it works on its battery"
            session.count("PWR-001", 1, 1, condition="change to the battery", note=note)
            return
        fed, wrong = _cast_on_battery(session, prepared, minutes, sheets)
        held = (session.clock.now() - began) / 1e9
        session.supply.output(True)
        prepared.urn.wait([EventKind.POWER], POWER_EVENT_S)
        if not wrong:
            run = finish(session, prepared, fed)
            wrong = "; ".join((*run.comparison.notes, *run.wrong.values()))
        session.reading(
            "PWR-001", held / 60, "min", interval_u(held, host) / 60,
            condition="until mains came back, or the first ballot that was not counted",
        )
        session.count(
            "PWR-001", len(fed), int(bool(wrong)), condition="ballots cast on battery", note=wrong
        )


def _cast_on_battery(
    session: Session, prepared: Prepared, minutes: float, wanted: int
) -> tuple[list[Any], str]:
    """Cast ``wanted`` ballots evenly over the time; stops at the first that is not counted."""
    fed: list[Any] = []
    sheets = islice(control_sheets(session, prepared, "power.backup"), wanted)
    began = session.clock.now()
    for number, sheet in enumerate(sheets, 1):
        due = began + round(number * minutes / wanted * 60e9)
        session.clock.sleep(max(0.0, (due - session.clock.now()) / 1e9))
        what = feed(session, prepared, sheet)
        fed.append((sheet, what))
        session.report_progress(number, wanted, f"{number * minutes / wanted:.0f} min on battery")
        if not what.counted:
            return fed, f"on battery, ballot {number} was {what.describe()}"
    return fed, ""


@contextmanager
def fed_by_mains(session: Session, prepared: Prepared) -> Iterator[PowerSupply]:
    """The supply; at the end it feeds the urn, the battery is connected and the urn answers."""
    supply = session.supply
    supply.output(True)
    try:
        yield supply
    finally:
        supply.output(True)
        prepared.hands.battery(True)
        _answers(prepared.urn)


def _answers(urn: Urn) -> None:
    """Reconnect when the urn does not answer as it is."""
    try:
        urn.status()
    except KalysError:
        urn.reconnect()


@procedure(
    "power.transaction",
    title="Power cuts in the middle of a ballot transaction",
    requirements=("PWR-003",),
    device_seconds=1200,
    front="pytest",
)
def transaction(session: Session, parameters: Mapping[str, Any]) -> None:
    """Without a battery, the supply is cut once a transaction; afterwards the books must balance.

    Half of the cuts are spread evenly over the transaction, each at a random point of its slice, so
    that every state of the path is met; half over the milliseconds after the sheet was read and
    after it fell, in which a device writes its vote down.
    """
    cuts = int(parameters.get("cuts", 44))
    session.instrument = session.supply.identity()
    moments = cut_moments(session, session.profile, cuts)
    part = part_size(session, parameters, BEFORE_CUTS)
    for start in range(session.done_before(), cuts, part):
        _cut_in_one_election(session, moments[start : start + part], start, cuts)
        session.end_part(min(start + part, cuts))


def _cut_in_one_election(
    session: Session, moments: Sequence[Moment], done: int, cuts: int
) -> None:
    """As many cuts as one box holds sheets; then the accounts of that box."""
    with prepared_urn(session) as prepared, fed_by_mains(session, prepared):
        sheets = control_sheets(session, prepared, f"power.transaction.{done}")
        fed = feed_all(session, prepared, tuple(islice(sheets, BEFORE_CUTS)))
        offered = [sheet for sheet, _ in fed]
        prepared.hands.battery(False)
        for number, moment in enumerate(moments, done + 1):
            sheet = next(sheets)
            offered.append(sheet)
            try:
                wrong = cut_once(session, prepared, sheet, moment)
            except LinkError as lost:
                raise KalysError(
                    f"after cut {number} ({moment.describe()}) the urn did not come back: "
                    f"{lost.what}"
                ) from lost
            session.count(
                "PWR-003", 1, int(bool(wrong)), condition=moment.describe(),
                note=wrong, sheet=sheet.id if wrong else "",
            )
            session.report_progress(number, cuts, f"cut {number} of {cuts}")
        wrong = settle_accounts(session, prepared, offered)
        if wrong:
            session.count(
                "PWR-003", 1, 1, condition="all sheets after the last cut", note=wrong
            )
