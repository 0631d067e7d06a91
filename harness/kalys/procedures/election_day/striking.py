"""How each fault strikes one urn, and what is looked at when it is over."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from kalys.ballots.sheet import Sheet
from kalys.errors import ConfigurationError
from kalys.procedures.deck_run import settle
from kalys.procedures.election_day.casting import cast
from kalys.procedures.election_day.play import SECOND
from kalys.procedures.feeding import feed, feed_together
from kalys.procedures.power import fed_by_mains
from kalys.procedures.power_cuts import cut_offsets, cut_once
from kalys.protocols.urn.messages import EventKind, Role

if TYPE_CHECKING:
    from kalys.procedures.election_day.duty import OnDuty
    from kalys.procedures.election_day.faults import Fault
    from kalys.procedures.election_day.play import Play

POWER_EVENT_S = 10.0
MOMENTS = 1000                # of a transaction at which the power may go


def strike(play: Play, fault: Fault, duty: OnDuty) -> None:
    """A fault strikes at a time; one that concerns a sheet takes a ballot of its own."""
    if fault.OF_A_SHEET:
        strike_sheet(play, fault, duty, duty.spare())
    else:
        _LASTING[fault.fault](play, fault, duty)


def strike_sheet(play: Play, fault: Fault, duty: OnDuty, sheet: Sheet) -> None:
    """A fault strikes this sheet, which is cast in the end."""
    began = play.clock.now()
    _AT_SHEETS[fault.fault](play, fault, duty, sheet)
    play.set_off(fault, duty, began)


def require_supply(play: Play, duty: OnDuty, fault: Fault) -> None:
    """ConfigurationError when the bench's supply does not feed this urn."""
    if play.session.bench.supply(duty.name) is None:
        fed = [name for name in play.duties if play.session.bench.supply(name) is not None]
        raise ConfigurationError(
            f"no supply of the bench feeds {duty.name}, so its power cannot be cut",
            where=fault.where,
            remedy=f"The supply feeds {', '.join(fed) or 'no urn of the day'}: name that under "
            "urns.",
        )


def _jam(play: Play, fault: Any, duty: OnDuty, sheet: Sheet) -> None:
    feeder = duty.prepared.feeder
    before = duty.counted()
    feeder.jam_next(fault.at_mm)
    with duty.excusing(EventKind.JAM, EventKind.ALARM, EventKind.COVER, EventKind.SHEET_RETURNED):
        fed = feed(play.session, duty.prepared, sheet)
        play.note(fault, duty.name, fed.outcome == "jammed", f"the sheet was {fed.describe()}")
        if fed.outcome == "jammed":
            feeder.clear_jam()
            settle(play.session, duty.prepared)
            cast(play, duty, sheet)
        settle(play.session, duty.prepared)
    more = duty.counted() - before
    play.session.count(
        "PAP-003", 1, int(more != 1), condition=f"{duty.name}, jam at {fault.at_mm:g} mm",
        note="" if more == 1 else f"one sheet, jammed and fed again, was counted {more} times",
        sheet=sheet.id,
    )


def _double_feed(play: Play, fault: Any, duty: OnDuty, sheet: Sheet) -> None:
    before = duty.counted()
    beneath = duty.spare()
    with duty.excusing(EventKind.SHEET_RETURNED, EventKind.JAM, EventKind.ALARM):
        fed = feed_together(
            play.session, duty.prepared, (sheet, beneath), overlap_mm=fault.overlap_mm
        )
        settle(play.session, duty.prepared)
        if fed.outcome == "jammed":
            duty.prepared.feeder.clear_jam()
    more = duty.counted() - before
    play.session.count(
        "PAP-002", 1, int(more != 0), sheet=sheet.id,
        condition=f"{duty.name}, second sheet {fault.overlap_mm:g} mm behind",
        note=f"fed together, {more} were counted: {fed.describe()}" if more else "",
    )
    play.note(fault, duty.name, more == 0, f"two sheets at once were {fed.describe()}")
    for one in (sheet, beneath) if more == 0 else ():
        cast(play, duty, one)


def _power_cut(play: Play, fault: Any, duty: OnDuty, sheet: Sheet) -> None:
    session, prepared = play.session, duty.prepared
    require_supply(play, duty, fault)
    after = fault.point_s
    if after is None:
        rng = Random(f"{play.seed}/{sheet.id}/cut")
        after = rng.choice(cut_offsets(session, prepared.profile, MOMENTS))
    with (
        duty.excusing(EventKind.BOOTED, EventKind.POWER, EventKind.SHEET_RETURNED,
                      EventKind.ALARM),
        fed_by_mains(session, prepared),
    ):
        prepared.hands.battery(fault.battery)
        wrong = cut_once(session, prepared, sheet, after, off_s=fault.off_s)
    session.count(
        "PWR-003", 1, int(bool(wrong)), note=wrong, sheet=sheet.id,
        condition=f"{duty.name}, cut {after:.3f} s after insertion",
    )
    play.note(
        fault, duty.name, not wrong, wrong or "after the cut the ballot is in the box, once"
    )


# Faults that last for a while ---------------------------------------------------------------------


@contextmanager
def _counting_goes_on(play: Play, fault: Any, duty: OnDuty, what: str) -> Iterator[None]:
    """What was counted before a fault is still counted after it."""
    before = duty.counted()
    yield
    settle(play.session, duty.prepared)
    after = duty.counted()
    play.session.count(
        "ACC-009", 1, int(after != before), condition=f"{duty.name}, {what}",
        note="" if after == before else f"{before} were counted before, {after} after it",
    )
    play.note(fault, duty.name, after == before, f"{what}; {after} sheets are counted")


def _mains_loss(play: Play, fault: Any, duty: OnDuty) -> None:
    """Without mains the urn works on its battery, and counts."""
    require_supply(play, duty, fault)
    session, supply = play.session, play.session.supply
    with duty.excusing(EventKind.POWER, EventKind.ALARM):
        duty.prepared.hands.battery(True)
        supply.output(False)
        changed = duty.urn.wait([EventKind.POWER], POWER_EVENT_S)
        began = session.clock.now()
        sheet = duty.spare()
        fed = cast(play, duty, sheet)
        session.clock.sleep(max(0.0, fault.lasts - (session.clock.now() - began) / 1e9))
        supply.output(True)
        duty.urn.wait([EventKind.POWER], POWER_EVENT_S)
    told = changed is not None and changed.fields["source"] == "battery"
    play.note(
        fault, duty.name, told and fed.counted,
        f"the urn {'told' if told else 'did not tell'} of its battery; a ballot was "
        f"{fed.describe()}",
    )
    session.count(
        "ACC-010", 1, int(not fed.counted), condition=f"{duty.name}, mains lost", sheet=sheet.id,
        note="" if fed.counted else f"on its battery, a ballot was {fed.describe()}",
    )


def _for_a_while(
    play: Play, fault: Any, duty: OnDuty, told: str, wrong: Callable[[bool], None],
    *events: EventKind,
) -> None:
    """Something is ``wrong`` as long as the fault lasts; the count goes on, whatever is told."""
    with (
        duty.excusing(*events, EventKind.ALARM),
        _counting_goes_on(play, fault, duty, told),
    ):
        wrong(True)
        play.clock.sleep(fault.lasts)
        wrong(False)
        _clear_alarm(duty)


def _paper_out(play: Play, fault: Any, duty: OnDuty) -> None:
    _for_a_while(play, fault, duty, "the paper roll was out", duty.prepared.hands.roll_empty)


def _media_out(play: Play, fault: Any, duty: OnDuty) -> None:
    hands = duty.prepared.hands
    _for_a_while(play, fault, duty, "the memory stick was out",
                 lambda out: hands.media(not out), EventKind.MEDIA)


def _cover_open(play: Play, fault: Any, duty: OnDuty) -> None:
    _for_a_while(play, fault, duty, "the cover was open", duty.prepared.hands.cover,
                 EventKind.COVER)


def _cable(play: Play, fault: Any, duty: OnDuty) -> None:
    """A link that was unplugged is shut until somebody of the staff has logged in (SEC-010)."""
    hands = duty.prepared.hands
    with (
        duty.excusing(EventKind.ALARM),
        _counting_goes_on(play, fault, duty, f"the cable of the {fault.port} was out"),
    ):
        hands.cable(fault.port, False)
        play.clock.sleep(fault.lasts)
        hands.cable(fault.port, True)
        if fault.port == "link":
            duty.urn.reconnect()
            duty.urn.login(Role.OPERATOR)
        _clear_alarm(duty)


def _memory(play: Play, fault: Any, duty: OnDuty) -> None:
    """A ballot is offered to an urn whose memory fails: counted and kept, or given back."""
    prepared, session = duty.prepared, play.session
    sheet, before = duty.spare(), duty.counted()
    lying = len(duty.lying())
    alarms = duty.events[EventKind.ALARM]
    began = play.clock.now()
    with duty.excusing(EventKind.ALARM, EventKind.SHEET_RETURNED):
        prepared.hands.memory_chip(fault.chip, fault.how)
        try:
            fed = feed(session, prepared, sheet)
            settle(session, prepared)
            play.clock.sleep(max(0.0, fault.lasts - (play.clock.now() - began) / SECOND))
        finally:
            prepared.hands.memory_chip(fault.chip, "good")
        prepared.feeder.take_returned()
        _clear_alarm(duty)
    counted, fallen = duty.counted() - before, len(duty.lying()) - lying
    wrong = []
    if counted != fallen:
        wrong.append(f"{fallen} more in the box, {counted} more counted")
    if duty.events[EventKind.ALARM] == alarms:
        wrong.append("no alarm told of it")
    session.count(
        "PWR-005", 1, int(bool(wrong)), note="; ".join(wrong), sheet=sheet.id if wrong else "",
        condition=f"{duty.name}, the {fault.chip} memory {fault.how}",
    )
    play.note(fault, duty.name, not wrong, "; ".join(wrong) or f"the ballot was {fed.describe()}")


def _clear_alarm(duty: OnDuty) -> None:
    """As the commission does when what caused an alarm is over."""
    if duty.urn.status().alarm:
        duty.urn.login(Role.OPERATOR)
        duty.urn.clear_alarm()
    duty.urn.drain()


def _clock_wrong(play: Play, fault: Any, duty: OnDuty) -> None:
    wrong = timedelta(seconds=fault.by)
    with _counting_goes_on(play, fault, duty, f"the clock was {fault.by:+g} s wrong"):
        duty.urn.login(Role.ADMINISTRATOR)
        duty.set_clock(duty.urn.read_clock().device + wrong)
        play.clock.sleep(fault.lasts)
        duty.urn.login(Role.ADMINISTRATOR)
        duty.set_clock(duty.urn.read_clock().device - wrong)


_AT_SHEETS: Mapping[str, Callable[[Play, Any, OnDuty, Sheet], None]] = {
    "jam": _jam,
    "double-feed": _double_feed,
    "power-cut": _power_cut,
}
_LASTING: Mapping[str, Callable[[Play, Any, OnDuty], None]] = {
    "mains-loss": _mains_loss,
    "paper-out": _paper_out,
    "media-out": _media_out,
    "cover-open": _cover_open,
    "clock-wrong": _clock_wrong,
    "cable": _cable,
    "memory": _memory,
}
