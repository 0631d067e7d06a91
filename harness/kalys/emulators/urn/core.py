"""The emulated urn: its parts put together, and what power, paper rolls and hands do to them.

How to think about it. Three things drive an urn: bytes on its link (``operations``, through a
codec), paper (``passage``) and power. All work on one ``mainboard``, whose memory survives
everything; the rest is made anew by ``_boot``. What it says goes out through two callables: bytes
of the link, bytes of the printer's tape. There is no time here but the agenda's.

Which request is allowed when is in ``states``; where a faulty urn differs is in ``behaviour``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from random import Random

from kalys.emulators.agenda import SECOND, Agenda, Alarm
from kalys.emulators.paper import Bundle, Image
from kalys.emulators.urn.behaviour import Behaviour
from kalys.emulators.urn.casting import Casting
from kalys.emulators.urn.configuration import UrnEmulation
from kalys.emulators.urn.mainboard import Mainboard
from kalys.emulators.urn.operations import Operations
from kalys.emulators.urn.paper_path import PaperPath, Surroundings
from kalys.emulators.urn.passage import Passage
from kalys.emulators.urn.power import PowerInput, Source
from kalys.emulators.urn.speech import Speech
from kalys.protocols.urn.codec import ServerCodec
from kalys.protocols.urn.messages import EventKind, Garbage, Request, Response, UrnState


@dataclass(frozen=True)
class Outlets:
    """Where an urn's bytes and questions go: its link, its printer's wire, its scanner's view, and
    what its sensor of the security mark measures."""

    link: Callable[[bytes], None]
    tape: Callable[[bytes], None]
    scan: Callable[[Bundle], Image]
    infrared: Callable[[Bundle], tuple[float, float]]


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
        self.name = name
        self.configuration = configuration
        self.agenda = agenda
        self.power = PowerInput(
            agenda, behaviour.battery_minutes(configuration.battery_minutes), self._power_changed,
            self._battery_low,
        )
        self.speech = Speech(codec, outlets.link)
        self.board = Mainboard(
            serial, configuration, behaviour, agenda=agenda, civil=civil, draw=draw,
            speech=self.speech, power=self.power, tape=outlets.tape,
            showed=surroundings.showed,
        )
        self.memory = self.board.memory
        self.path = PaperPath(agenda, configuration, surroundings)
        self._casting = Casting(self.board, outlets.scan, outlets.infrared)
        self._running = False
        self._hung = False                    # deaf until it is started again
        self._opened_in_the_dark = False      # latched by a switch on the clock's cell
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
        self.board.log("shutdown", "restart asked for", "success", "system")
        self.memory.orderly = True
        self.memory.flush()
        self._go_dark()
        self._boot_alarm = self.agenda.after(
            self.configuration.restart_seconds, lambda: self._boot("restart")
        )

    def _power_changed(self, source: Source | None) -> None:
        if source is None:
            self._go_dark()
        elif self._running:
            self.board.emit(EventKind.POWER, source=source)
            self.board.log("power", f"fed by {source}", "success", "power supply")
        elif self._boot_alarm is None:
            cause = "power-on" if self.memory.event_number == 0 else "power-loss"
            self._boot_alarm = self.agenda.after(
                self.configuration.boot_seconds, lambda: self._boot(cause)
            )

    def _battery_low(self) -> None:
        if self._running:
            self.board.raise_alarm("battery-low", audible=True)

    def _go_dark(self) -> None:
        if self._boot_alarm is not None:
            self._boot_alarm.cancel()
            self._boot_alarm = None
        if self._running:
            self.memory.cut()
        self._running = False
        self._opened_in_the_dark = self.board.cover_open
        self._passage.stop()
        self.board.printer.cut_power()
        self.board.screen.dark()

    def _begin_volatile(self) -> None:
        """Everything that does not survive without power."""
        self.board.begin()
        self._passage = Passage(self.board, self._casting, self.path)
        self._operations = Operations(self.board, self._passage, self.restart)

    def _boot(self, cause: str) -> None:
        memory, board = self.memory, self.board
        self._boot_alarm = None
        self._passage.stop()
        memory.read_back()
        self._begin_volatile()
        if not board.behaviour.keeps_locks():
            memory.locked_until.clear()
            memory.wrong_attempts.clear()
        self._running = True
        self._hung = False
        if cause == "restart":
            board.log("restart", "started again as asked", "success", "system")
        elif cause == "power-loss" and not memory.orderly:
            board.log("abnormal-exit", "power was lost without a shut-down", "failure",
                      "power supply")
        memory.orderly = False
        board.log("startup", f"started: {cause}", "success",
                  f"software {self.configuration.legal_software_id}")
        board.emit(EventKind.BOOTED, cause=cause)
        if memory.state is UrnState.FAULT:
            board.alarms["integrity"] = True
        if board.behaviour.validates_at_start():
            self._validate()
        board.show_idle()
        board.check_memory()
        self._passage.recover(taken_out=self._opened_in_the_dark)
        self._opened_in_the_dark = False

    def _validate(self) -> None:
        """Votes, counters and log as they were read back; what is wrong is logged and alarmed."""
        memory, board = self.memory, self.board
        if memory.unfinished:
            board.log("integrity-check", f"writes broken off by a loss of power were set aside: "
                      f"{', '.join(sorted(set(memory.unfinished)))}", "success", "memory")
        whole = memory.log.validated() or not board.behaviour.validates_log()
        if board.check_integrity("at start") and whole:
            board.log("integrity-check", "records, counters and log validated at start", "success",
                      "memory")
        elif not whole:
            board.log("integrity-check", "the event log does not fit its head", "failure",
                      "event log")

    # Its link

    def receive(self, data: bytes) -> None:
        """Bytes of the host; without power, or while it starts, the urn is deaf."""
        if self._running and not self._hung:
            self.speech.hear(
                data, self._answer, self._garbage, lambda: self._running and not self._hung
            )

    def _answer(self, request: Request) -> Response:
        """Answer when everything that the request changed is written."""
        response = self._operations.answer(request)
        self.memory.flush()
        return response

    def _garbage(self, garbage: Garbage) -> None:
        """Noise on the line is logged, at most once a second; a healthy urn does no more."""
        behaviour = self.board.behaviour
        if behaviour.counts(garbage) and self.board.core is not None:
            self.memory.book.add(self._casting.blank_record())
        if not behaviour.survives(garbage):
            self._hung = True
            return
        if self.agenda.now >= self._quiet_until:
            self._quiet_until = self.agenda.now + SECOND
            self.board.log("error", f"message not understood: {garbage.why}"[:200], "failure",
                           "link")

    # What hands and eyes do

    @property
    def text(self) -> str:
        """What the display shows."""
        return self.board.screen.text

    def watch_display(self, on: bool) -> None:
        """Have the surroundings told of every change of the display, or no more."""
        self.board.screen.watch(on)

    @property
    def cover_open(self) -> bool:
        return self.board.cover_open

    def set_cover(self, is_open: bool) -> None:
        """The cover was opened or closed."""
        board = self.board
        if is_open == board.cover_open:
            return
        board.cover_open = is_open
        self._opened_in_the_dark |= is_open and not self._running
        if self._running:
            board.emit(EventKind.COVER, open=is_open)
            board.log("intervention", f"cover {'opened' if is_open else 'closed'}", "success",
                      "cover")
            board.restricted_part(is_open)
            self._passage.cover(is_open)

    def set_media(self, inserted: bool) -> None:
        """The memory stick was put in or taken out."""
        board = self.board
        if inserted == board.media_inserted:
            return
        board.media_inserted = inserted
        if self._running:
            board.emit(EventKind.MEDIA, inserted=inserted)
            board.log("media", f"medium {'inserted' if inserted else 'removed'}", "success",
                      "memory stick")
            board.component("medium")

    def set_cable(self, cable: str, connected: bool, *, listened: bool) -> None:
        """A cable, of the "link" or the "printer", was plugged in or pulled out; ``listened``:
        somebody has the link open."""
        board = self.board
        if cable == "printer":
            board.printer.set_connected(connected)
        elif connected:
            if listened:
                self.speech.opened()
        else:
            self.speech.closed()
            if board.behaviour.logs_out_unplugged():
                board.access.logout()
            board.port_closed = board.behaviour.closes_unplugged_port()
        if self._running:
            board.log("intervention", f"{cable} {'plugged in' if connected else 'unplugged'}",
                      "success", f"port {cable}")
            board.component(cable)

    def set_key_switch(self, turned: bool) -> None:
        """The key was turned on, or off and taken out."""
        board = self.board
        if turned == board.key_turned:
            return
        board.key_turned = turned
        if self._running:
            board.log("intervention", f"key switch turned {'on' if turned else 'off'}", "success",
                      "key switch")

    def set_roll(self, there: bool) -> None:
        """The paper roll was taken out, or a new one put in."""
        self.board.printer.set_paper(there)

    def empty_box(self) -> None:
        """Both compartments were emptied; a switch at the box's door tells the urn."""
        self.memory.empty_box()
        self.board.alarms.pop("capacity-low", None)
        if self._running:
            self.board.log("intervention", "ballot box emptied", "success", "ballot box")
