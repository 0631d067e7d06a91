"""The emulated urn: an application core over requests, sensor edges and power.

How to think about it. Three things drive it: bytes on its link (through a codec), paper (through
``passage``) and power. ``memory`` survives everything; the rest is made anew by ``_boot``. What it
says goes out through two callables: bytes of the link, bytes of the printer's tape. There is no
time here but the agenda's.

Which request is allowed when is in ``states``; what requests do is in ``operations``; where a
faulty urn differs is in ``behaviour``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any

from kalys.emulators.agenda import SECOND, Agenda, Alarm
from kalys.emulators.paper import Bundle, Image
from kalys.emulators.urn import display
from kalys.emulators.urn.access import Access
from kalys.emulators.urn.behaviour import Behaviour
from kalys.emulators.urn.clock import DeviceClock, local
from kalys.emulators.urn.configuration import UrnEmulation, parameter_rows, thresholds_of
from kalys.emulators.urn.counting_core import CountingCore
from kalys.emulators.urn.event_log import EventLog
from kalys.emulators.urn.integrity import IntegrityMonitor
from kalys.emulators.urn.memory import NonVolatile, Record, Transaction
from kalys.emulators.urn.operations import Operations
from kalys.emulators.urn.paper_path import PaperPath, Surroundings
from kalys.emulators.urn.passage import Passage
from kalys.emulators.urn.power import PowerInput, Source
from kalys.emulators.urn.printer import ThermalPrinter
from kalys.emulators.urn.speech import Speech
from kalys.emulators.urn.states import Cause
from kalys.protocols.urn.authentication import test_key
from kalys.protocols.urn.codec import ServerCodec
from kalys.protocols.urn.messages import (
    Event,
    EventKind,
    Garbage,
    ReturnReason,
    Role,
    UrnState,
)


@dataclass(frozen=True)
class Outlets:
    """Where an urn's bytes and questions go: its link, its printer's wire, its scanner's view."""

    link: Callable[[bytes], None]
    tape: Callable[[bytes], None]
    scan: Callable[[Bundle], Image]


class EmulatedUrn:
    """One urn. ``draw`` is its source of chance (record ids, nonces, transport jitter)."""

    def __init__(
        self,
        name: str,
        serial: str,
        configuration: UrnEmulation,
        codec: ServerCodec,
        behaviour: Behaviour,
        *,
        agenda: Agenda,
        civil: datetime,
        draw: Random,
        outlets: Outlets,
        surroundings: Surroundings,
    ) -> None:
        self.name, self.serial = name, serial
        self.configuration = configuration
        self.behaviour = behaviour
        self.agenda = agenda
        self._draw = draw
        self._scan = outlets.scan
        self.memory = NonVolatile(
            clock=DeviceClock(
                civil, agenda.now, behaviour.drift_ppm(configuration.drift_ppm),
                configuration.offset_min,
            ),
            log=EventLog(
                f"{configuration.model} {serial}", behaviour.stores_log_entry, behaviour.log_stamp
            ),
            keys={role: test_key(serial, role) for role in Role},
            parameters=configuration.parameters(),
        )
        self.path = PaperPath(agenda, configuration, surroundings)
        self.printer = ThermalPrinter(
            agenda, configuration.lines_per_second, outlets.tape, self._printed
        )
        self.power = PowerInput(
            agenda, behaviour.battery_minutes(configuration.battery_minutes), self._power_changed,
            self._battery_low,
        )
        self.speech = Speech(codec, outlets.link)
        self.cover_open = False
        self.media_inserted = True
        self.running = False
        self.text = ""
        self._boot_alarm: Alarm | None = None
        self._quiet_until = 0
        self._begin_volatile()

    # Power and start

    def start(self) -> None:
        """Be past the first boot at once, as an urn that was switched on before the world began."""
        if self.power.source is not None:
            if self._boot_alarm is not None:
                self._boot_alarm.cancel()
            self._boot("power-on")

    def restart(self) -> None:
        """Shut down in order and start again."""
        self.log("shutdown", "restart asked for", "success", "system")
        self.memory.orderly = True
        self._go_dark()
        self._boot_alarm = self.agenda.after(
            self.configuration.restart_seconds, lambda: self._boot("restart")
        )

    def _power_changed(self, source: Source | None) -> None:
        if source is None:
            self._go_dark()
        elif self.running:
            self.emit(EventKind.POWER, source=source)
            self.log("power", f"fed by {source}", "success", "power supply")
        elif self._boot_alarm is None:
            cause = "power-on" if self.memory.event_number == 0 else "power-loss"
            self._boot_alarm = self.agenda.after(
                self.configuration.boot_seconds, lambda: self._boot(cause)
            )

    def _battery_low(self) -> None:
        if self.running:
            self.raise_alarm("battery-low", audible=True)

    def _go_dark(self) -> None:
        if self._boot_alarm is not None:
            self._boot_alarm.cancel()
            self._boot_alarm = None
        self.running = False
        self.passage.stop()
        self.printer.cut_power()
        self.text = ""

    def _begin_volatile(self) -> None:
        """Everything that does not survive without power."""
        memory = self.memory
        self.access = Access(memory, self.configuration, self._draw)
        self.operations = Operations(self)
        self.monitor = IntegrityMonitor(memory)
        self.alarms: dict[str, bool] = {}
        self.failures: list[str] = []
        self.core: CountingCore | None = None
        self.passage = Passage(self, self.path, self.agenda)
        self.speech.forget()
        self.rebuild_core()

    def _boot(self, cause: str) -> None:
        memory = self.memory
        self._boot_alarm = None
        self.passage.stop()
        self._begin_volatile()
        self.running = True
        if cause == "restart":
            self.log("restart", "started again as asked", "success", "system")
        elif cause == "power-loss" and not memory.orderly:
            self.log("abnormal-exit", "power was lost without a shut-down", "failure",
                     "power supply")
        memory.orderly = False
        self.log("startup", f"started: {cause}", "success",
                 f"software {self.configuration.legal_software_id}")
        self.emit(EventKind.BOOTED, cause=cause)
        if memory.state is UrnState.FAULT:
            self.alarms["integrity"] = True
        broken = memory.log.cut_short()
        if self.check_integrity("at start") and not broken:
            self.log("integrity-check", "records, counters and log validated at start", "success",
                     "memory")
        elif broken:
            self.log("integrity-check", "the event log does not fit its head", "failure",
                     "event log")
        self.show_idle()
        self.passage.recover()

    # Its link

    def receive(self, data: bytes) -> None:
        """Bytes of the host; without power, or while it starts, the urn is deaf."""
        if self.running:
            self.speech.hear(data, self.operations.answer, self._garbage, lambda: self.running)

    def _garbage(self, garbage: Garbage) -> None:
        """Noise on the line is logged, at most once a second."""
        if self.agenda.now >= self._quiet_until:
            self._quiet_until = self.agenda.now + SECOND
            self.log("error", f"message not understood: {garbage.why}"[:200], "failure", "link")

    # What it says

    def emit(self, kind: EventKind, /, **fields: Any) -> None:
        """Number an event, keep it, and send it when somebody listens."""
        memory = self.memory
        memory.event_number += 1
        event = Event(memory.event_number, kind, memory.clock.time_ms(self.agenda.now), fields)
        memory.events.append(event)
        self.speech.event(event)

    def log(self, kind: str, event: str, outcome: str, resource: str) -> None:
        """An entry of the event log, under the name of who is logged in."""
        if not self.behaviour.logs(kind):
            return
        clock = self.memory.clock
        user = self.access.role.value if self.access.role is not None else "system"
        self.memory.log.add(
            clock.time_ms(self.agenda.now), clock.offset_min, kind, event, outcome,
            self.behaviour.log_user(user), resource,
        )

    def show(self, word: str, sheet: int) -> None:
        """Tell the voter; ``word`` is accepted, returned or wait."""
        word = self.behaviour.notice(word)
        self.text = display.NOTICES[word]
        self.emit(EventKind.NOTICE, sheet=sheet, text=word)

    def show_idle(self) -> None:
        """What the display shows when nothing is under way."""
        self.text = display.IDLE[self.memory.state]

    def raise_alarm(self, alarm: str, *, audible: bool) -> None:
        """Sound and show an alarm, once."""
        if alarm not in self.alarms:
            audible = self.behaviour.alarm_sounds(audible)
            self.alarms[alarm] = audible
            self.emit(EventKind.ALARM, alarm=alarm, audible=audible, visible=True)
            self.log("alarm", f"alarm {alarm}", "failure", "alarm")

    @property
    def alarm(self) -> str:
        """The alarm that STATUS names: integrity before all others."""
        return "integrity" if "integrity" in self.alarms else next(iter(self.alarms), "")

    def _printed(self, kind: str) -> None:
        if kind == "zero" and self.memory.state is UrnState.READY:
            self.memory.zero_report = True
        self.emit(EventKind.PRINTED, kind=kind)

    # State

    def now(self) -> datetime:
        """Local time by the urn's own clock."""
        clock = self.memory.clock
        return local(clock.time_ms(self.agenda.now), clock.offset_min)

    def move(self, cause: Cause) -> None:
        """Change state by the table. KeyError when the cause leads nowhere from here."""
        memory = self.memory
        target = self.behaviour.transition(memory.state, cause)
        if target is UrnState.FAULT:
            memory.state_before_fault = memory.state
        memory.state = memory.state_before_fault if target is None else target
        self.operations.drop_export()
        self.show_idle()
        self.emit(EventKind.STATE, state=memory.state.value)

    def rebuild_core(self) -> None:
        """Make the counting core from definition and parameters in memory."""
        memory = self.memory
        self.core = None if memory.package is None else CountingCore(
            memory.package, thresholds_of(memory.parameters),
            self.behaviour, self._draw,
        )

    def findings(self) -> list[str]:
        """What is wrong with the counters; empty when all is well."""
        return self.behaviour.integrity_findings(self.monitor.findings())

    def told_parameters(self) -> list[dict[str, str]]:
        """The rows of PARAMETERS and of the parameters report."""
        return parameter_rows(self.behaviour.told_parameters(
            self.memory.parameters, self.configuration.parameters()
        ))

    def check_integrity(self, occasion: str) -> bool:
        """Counters against records; when they differ, alarm and FAULT."""
        findings = self.findings()
        if not findings:
            return True
        self.failures += findings
        self.log("integrity-check", f"{occasion}: {'; '.join(findings)}", "failure", "memory")
        if self.memory.state is not UrnState.FAULT:
            self.move(Cause.INTEGRITY_LOST)
        self.raise_alarm("integrity", audible=True)
        return False

    def capacity_left(self) -> int:
        """Sheets that the box still takes."""
        return max(0, int(self.memory.parameters["capacity"]) - self.memory.box_count)

    def within_hours(self) -> bool:
        """Whether the urn's own clock says that the polls may be open."""
        poll = self.memory.poll
        return poll is not None and poll.opens <= self.now() < poll.closes

    def within_hours_for_sheets(self) -> bool:
        """Whether a sheet that is offered now comes in time. Tests have no hours."""
        memory = self.memory
        if memory.state is UrnState.TEST:
            return True
        if self.configuration.accept_after_hours and memory.poll is not None:
            return self.now() >= memory.poll.opens
        return self.behaviour.may_open(memory.state, self.within_hours())

    # Sheets

    def transport_speed(self) -> float:
        """Of the next sheet, in mm/s."""
        c = self.configuration
        speed = self.behaviour.transport_mm_s(c.transport_mm_s)
        return speed * (1 + c.transport_jitter * max(-3.0, min(3.0, self._draw.gauss(0, 1))))

    def read_sheet(self, bundle: Bundle) -> tuple[ReturnReason | None, Record | None]:
        """What the counting core makes of the sheet at the scanner."""
        if self.core is None:
            return ReturnReason.NOT_OPEN, None
        return self.core.read(self._scan(bundle), self.memory.counted_ever)

    def blank_record(self) -> Record:
        """The record of a sheet without a mark."""
        assert self.core is not None
        return self.core.record({}, self.memory.counted_ever)

    def count(self, transaction: Transaction, *, tell: bool = True) -> None:
        """Commit a sheet to its book and tell everybody."""
        memory, record = self.memory, transaction.record
        book = memory.tests if transaction.test else memory.votes
        book.add(record)
        self.monitor.counted(record, transaction.test)
        memory.transaction = None
        memory.box_count += 1
        if not transaction.test:
            memory.counted_ever += 1
        self.log("cast", self.behaviour.cast_text(record), "success",
                 "test book" if transaction.test else "vote book")
        if tell:
            compartment = "valid" if record.valid else "invalid"
            self.show("accepted", transaction.sheet)
            self.emit(EventKind.SHEET_ACCEPTED, sheet=transaction.sheet, compartment=compartment)
        counters = book.counters
        self.emit(EventKind.COUNTERS, valid=counters.valid, invalid=counters.invalid,
                  returned=book.returned)
        self._look_at_capacity()

    def returned(self, sheet: int, reason: ReturnReason) -> None:
        """A sheet is back with the voter."""
        self.memory.book.returned += 1
        self.show("returned", sheet)
        self.emit(EventKind.SHEET_RETURNED, sheet=sheet, reason=reason.value)
        self.log("error", "sheet returned to the voter", reason.value, "paper path")

    def _look_at_capacity(self) -> None:
        parameters = self.memory.parameters
        left = self.capacity_left()
        # A small box is not announced as full from its first sheet on.
        limit = min(parameters["capacity_warning"], max(1, int(parameters["capacity"]) // 10))
        if left <= limit and self.behaviour.warns_of_capacity():
            self.raise_alarm("capacity-low", audible=True)

    # What hands do

    def set_cover(self, is_open: bool) -> None:
        """The cover was opened or closed."""
        if is_open == self.cover_open:
            return
        self.cover_open = is_open
        if self.running:
            self.emit(EventKind.COVER, open=is_open)
            self.log("intervention", f"cover {'opened' if is_open else 'closed'}", "success",
                     "cover")
            self.passage.cover(is_open)

    def set_media(self, inserted: bool) -> None:
        """The memory stick was put in or taken out."""
        if inserted == self.media_inserted:
            return
        self.media_inserted = inserted
        if self.running:
            self.emit(EventKind.MEDIA, inserted=inserted)
            self.log("media", f"medium {'inserted' if inserted else 'removed'}", "success",
                     "memory stick")

    def set_roll(self, there: bool) -> None:
        """The paper roll was taken out, or a new one put in."""
        self.printer.set_paper(there)

    def empty_box(self) -> None:
        """Both compartments were emptied; a switch at the box's door tells the urn."""
        self.memory.box_count = 0
        self.alarms.pop("capacity-low", None)
        if self.running:
            self.log("intervention", "ballot box emptied", "success", "ballot box")
