"""What all parts of the urn share: memory, clock, log, alarms, display, and the voice on its link.

How to think about it: the board is the urn without its paths. Whoever does something with it,
``operations`` for the host, ``passage`` for paper, ``core`` for power and hands, has the board in
its hand; the board knows none of them. ``memory`` survives everything; what ``begin`` makes is gone
with the power.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from random import Random
from typing import Any

from kalys.emulators.agenda import Agenda
from kalys.emulators.paper import Image
from kalys.emulators.urn import display
from kalys.emulators.urn.access import Access
from kalys.emulators.urn.behaviour import Behaviour
from kalys.emulators.urn.clock import DeviceClock, local
from kalys.emulators.urn.configuration import UrnEmulation, parameter_rows, thresholds_of, told
from kalys.emulators.urn.counting_core import CountingCore
from kalys.emulators.urn.event_log import EventLog
from kalys.emulators.urn.integrity import IntegrityMonitor
from kalys.emulators.urn.memory import NonVolatile
from kalys.emulators.urn.power import PowerInput
from kalys.emulators.urn.printer import ThermalPrinter
from kalys.emulators.urn.speech import Speech
from kalys.emulators.urn.states import COUNTING, Cause
from kalys.emulators.urn.storage import Storage
from kalys.protocols.urn.authentication import test_key
from kalys.protocols.urn.messages import (
    ACCEPT,
    AMBIGUOUS_MARKS,
    Event,
    EventKind,
    Role,
    UrnState,
)


class Mainboard:
    """The board of one urn. ``draw`` is its source of chance: record ids, nonces, jitter."""

    def __init__(
        self,
        serial: str,
        configuration: UrnEmulation,
        behaviour: Behaviour,
        *,
        agenda: Agenda,
        civil: datetime,
        draw: Random,
        speech: Speech,
        power: PowerInput,
        tape: Callable[[bytes], None],
        showed: Callable[[str], None],
    ) -> None:
        self.serial = serial
        self.configuration = configuration
        self.behaviour = behaviour
        self.agenda = agenda
        self.draw = draw
        self.memory = NonVolatile(
            Storage(
                lambda: agenda.now, _same_chance(draw),
                key=hashlib.sha256(f"memory of {serial}".encode()).digest(),
                page_s=configuration.page_write_s, hold_up_s=configuration.hold_up_s,
                mirrored=behaviour.mirrors_memory(),
            ),
            lambda: agenda.now, behaviour,
            clock=DeviceClock(
                civil, agenda.now, behaviour.drift_ppm(configuration.drift_ppm),
                configuration.offset_min, behaviour.clock_ms,
            ),
            log=EventLog(
                f"{configuration.model} {serial}", behaviour.stores_log_entry, behaviour.log_stamp
            ),
            keys={role: test_key(serial, role) for role in Role},
            parameters=configuration.parameters(),
        )
        self.speech = speech
        self.power = power
        self.printer = ThermalPrinter(agenda, configuration.lines_per_second, tape, self._printed)
        self.cover_open = False
        self.key_turned = True           # in the key switch
        self.media_inserted = True
        self.port_closed = False         # unplugged, and not authorised since
        self.screen = display.Screen(agenda, showed)
        self.begin()

    def begin(self) -> None:
        """Make everything that does not survive without power."""
        memory = self.memory
        self.access = Access(memory, self.configuration, self.behaviour, self.draw)
        self.monitor = IntegrityMonitor(memory)
        self.alarms: dict[str, bool] = {}
        self.failures: list[str] = []
        self.export = b""               # the file that is being fetched
        self.picture: Image | None = None   # that the host has loaded
        self.speech.forget()
        self.rebuild_core()

    # What it says

    def emit(self, kind: EventKind, /, **fields: Any) -> None:
        """Number an event, keep it, and send it when somebody listens."""
        memory = self.memory
        memory.event_number += 1
        event = Event(memory.event_number, kind, memory.clock.time_ms(self.agenda.now), fields)
        memory.events.append(event)
        self.behaviour.noticed(event)
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
        self._picture(word)
        self.emit(EventKind.NOTICE, sheet=sheet, text=word)

    def show_busy(self) -> None:
        """A sheet has come: the voter sees at once that it is being looked at (TIM-001, 004)."""
        if self.behaviour.shows_busy():
            self._picture("wait")

    def show_idle(self) -> None:
        """What the display shows when nothing is under way."""
        self.screen.show(display.IDLE[self.memory.state], self.configuration.display_s)

    def _picture(self, word: str) -> None:
        behaviour = self.behaviour
        self.screen.show(
            display.NOTICES[behaviour.pictured(word)],
            behaviour.picture_s(self.configuration.display_s, word),
        )

    def raise_alarm(self, alarm: str, *, audible: bool) -> None:
        """Sound and show an alarm, once."""
        if alarm not in self.alarms:
            audible = self.behaviour.alarm_sounds(audible)
            self.alarms[alarm] = audible
            self.emit(EventKind.ALARM, alarm=alarm, audible=audible, visible=True)
            self.log("alarm", f"alarm {alarm}", "failure", "alarm")

    def component(self, name: str) -> None:
        """Something was connected or disconnected: while votes are cast that is an alarm, each
        time (LOG-010)."""
        if self.memory.state in COUNTING and self.behaviour.alerts_of_components():
            self.alarms.pop(f"component-{name}", None)
            self.raise_alarm(f"component-{name}", audible=True)

    def restricted_part(self, is_open: bool) -> None:
        """The cover was opened while votes are cast: an alarm until it is closed (SEC-009)."""
        self.alarms.pop("cover", None)
        if is_open and self.memory.state in COUNTING and self.behaviour.alerts_of_cover():
            self.raise_alarm("cover", audible=True)

    @property
    def alarm(self) -> str:
        """The alarm that STATUS names: integrity before all others."""
        return "integrity" if "integrity" in self.alarms else next(iter(self.alarms), "")

    def told_parameters(self) -> list[dict[str, str]]:
        """The rows of PARAMETERS and of the parameters report."""
        return parameter_rows(self.behaviour.told_parameters(
            self.memory.parameters, self.configuration.parameters()
        ))

    def _printed(self, kind: str) -> None:
        if kind == "zero" and self.memory.state is UrnState.READY:
            self.memory.zero_report = True
        self.emit(EventKind.PRINTED, kind=kind)

    # State

    def now(self) -> datetime:
        """Local time by the urn's own clock."""
        clock = self.memory.clock
        return local(clock.time_ms(self.agenda.now), clock.offset_min)

    def within_hours(self) -> bool:
        """Whether the urn's own clock says that the polls may be open."""
        poll = self.memory.poll
        return poll is not None and poll.opens <= self.now() < poll.closes

    def capacity_left(self) -> int:
        """Sheets that the box still takes."""
        return max(0, int(self.memory.parameters["capacity"]) - self.memory.box_count)

    def move(self, cause: Cause) -> None:
        """Change state by the table. KeyError when the cause leads nowhere from here.

        What was exported in the old state must not be had in the new.
        """
        memory = self.memory
        target = self.behaviour.transition(memory.state, cause)
        if target is UrnState.FAULT:
            memory.state_before_fault = memory.state
        memory.state = memory.state_before_fault if target is None else target
        self.export = b""
        self.picture = None
        self.show_idle()
        self.emit(EventKind.STATE, state=memory.state.value)

    def rebuild_core(self) -> None:
        """Make the counting core from definition and parameters in memory."""
        memory = self.memory
        self.core = None if memory.package is None else CountingCore(
            memory.package, thresholds_of(memory.parameters), self.behaviour, self.draw,
            takes_ambiguous=told(AMBIGUOUS_MARKS, memory.parameters[AMBIGUOUS_MARKS]) == ACCEPT,
        )

    def findings(self) -> list[str]:
        """What is wrong with the counters; empty when all is well."""
        return self.behaviour.integrity_findings(self.monitor.findings())

    def check_memory(self) -> bool:
        """Whether at least one memory takes what is written; one that does not raises an alarm."""
        failing = self.memory.storage.failing
        if failing and self.behaviour.tells_memory_failure():
            self.raise_alarm("memory", audible=True)
        return self.memory.storage.writable or not self.behaviour.tells_memory_failure()

    def check_integrity(self, occasion: str) -> bool:
        """Counters against records; when they differ, alarm and FAULT."""
        findings = [*self.findings(), *self.memory.damage]
        if not findings:
            return True
        self.failures += findings
        self.log("integrity-check", f"{occasion}: {'; '.join(findings)}", "failure", "memory")
        if self.memory.state is not UrnState.FAULT:
            self.move(Cause.INTEGRITY_LOST)
        self.raise_alarm("integrity", audible=True)
        return False


def _same_chance(draw: Random) -> Random:
    """A source of chance of its own that follows from the same seed and takes nothing from it."""
    own = Random()
    own.setstate(draw.getstate())
    return own
