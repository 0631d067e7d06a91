"""The firmware of one sheet's way: from the throat to a compartment, or back.

How to think about it: a small state machine over sensor edges.

    idle -> refusing -> idle                     not open, full, fault: never drawn in
    idle -> drawing -> stacking -> idle          read at the scanner, accepted, fallen
            drawing -> returning -> idle         read, and not acceptable
    any moving phase -> jammed -> idle           no edge came in time; the cover is opened

A sheet that is accepted is prepared for counting when it has been read: its record is written as a
*transaction* while its head is still well before the deflector. The deflector is the point of no
return, and passing it is the commit; no write has to be quick enough. It is counted when its tail
has left the exit. After a power cut the sensors say where the sheet is (PWR-003): before the
deflector it is driven back and its transaction given up, from there on it is driven on, and one
that is no longer inside fell at the moment of the cut, unless the cover was opened in the dark. A
sheet that jams and is taken out never fell, so its transaction is dropped (PAP-003): counters never
go down.
"""

from __future__ import annotations

from enum import StrEnum

from kalys.emulators.agenda import SECOND, Alarm
from kalys.emulators.paper import Bundle
from kalys.emulators.urn.casting import Casting
from kalys.emulators.urn.feeding_chance import misfeed
from kalys.emulators.urn.mainboard import Mainboard
from kalys.emulators.urn.memory import Record, Transaction
from kalys.emulators.urn.paper_path import PaperPath
from kalys.emulators.urn.states import COUNTING
from kalys.protocols.urn.messages import EventKind, ReturnReason, UrnState

SLACK = 1.3         # a phase may take so many times its nominal duration before it is a jam


class Phase(StrEnum):
    IDLE = "idle"
    REFUSING = "refusing"
    DRAWING = "drawing"
    STACKING = "stacking"
    SETTLING = "settling"       # fallen, and not yet committed; only a faulty urn is ever here
    RETURNING = "returning"
    JAMMED = "jammed"


MOVING = frozenset({Phase.DRAWING, Phase.STACKING, Phase.RETURNING})
# STATUS has fewer words for the path.
PATH_WORDS = {
    Phase.IDLE: "idle", Phase.REFUSING: "returning", Phase.DRAWING: "feeding",
    Phase.STACKING: "feeding", Phase.SETTLING: "feeding", Phase.RETURNING: "returning",
    Phase.JAMMED: "jammed",
}


class Passage:
    """Volatile: made anew at every start of the urn."""

    def __init__(self, board: Mainboard, casting: Casting, path: PaperPath) -> None:
        self._board = board
        self._casting = casting
        self._path = path
        self._agenda = board.agenda
        self._c = board.configuration
        self.phase = Phase.IDLE
        self._number = 0
        self._reason = ReturnReason.FAULT
        self._transaction: Transaction | None = None
        self._forward = True
        self._speed = self._c.transport_mm_s
        self._rest_until = 0
        self._watch: Alarm | None = None
        self._step: Alarm | None = None
        path.firmware = self

    @property
    def word(self) -> str:
        """The path as STATUS tells it."""
        return PATH_WORDS[self.phase]

    def stop(self) -> None:
        """Power is gone, or the urn restarts: the motor stands, this passage is over."""
        self._rest(None)
        if self._step is not None:
            self._step.cancel()
        self._path.firmware = None
        self._path.drive(0)

    # At the throat

    def throat_covered(self) -> None:
        """There is paper at the throat, or the path has become free: feed if that is possible."""
        if self._step is not None:
            self._step.cancel()
            self._step = None
        if self.phase is not Phase.IDLE or not self._path.waiting or self._board.cover_open:
            return
        wait = self._rest_until - self._agenda.now
        if wait > 0:
            self._step = self._agenda.at(self._rest_until, self.throat_covered)
            return
        memory = self._board.memory
        memory.sheet_number += 1
        self._number = memory.sheet_number
        self._board.emit(EventKind.SHEET_INSERTED, sheet=self._number)
        self._board.show_busy()
        reason = self._refusal()
        if reason is not None:
            self.phase, self._reason = Phase.REFUSING, reason
            self._step = self._agenda.after(self._c.refusal_s, self._refused)
            return
        self.phase = Phase.DRAWING
        self._speed = self._draw_speed()
        self._path.compartment = "invalid"
        self._misfeed(self._path.waiting[0])
        self._path.draw(self._speed)
        self._expect(self._c.scanner_mm + 2 * self._c.sheet_mm)

    def _misfeed(self, bundle: Bundle) -> None:
        """Let the paper stick where it will, if it is such that it may."""
        behaviour = self._board.behaviour
        chance, where = misfeed(bundle.stock, self._c)
        chance = behaviour.misfeeds(bundle.stock, chance)
        if bundle.jam_at is None and chance > 0 and behaviour.chance.random() < chance:
            bundle.jam_at = where

    def _draw_speed(self) -> float:
        """Of the next sheet, in mm/s."""
        speed = self._board.behaviour.transport_mm_s(self._c.transport_mm_s)
        spread = max(-3.0, min(3.0, self._board.draw.gauss(0, 1)))
        return speed * (1 + self._c.transport_jitter * spread)

    def _refusal(self) -> ReturnReason | None:
        """Why a sheet at the throat is not even drawn in."""
        board = self._board
        state = board.memory.state
        if state is UrnState.FAULT:
            return ReturnReason.FAULT
        if state not in COUNTING or not self._casting.in_time():
            return ReturnReason.NOT_OPEN
        if board.capacity_left() <= 0:
            return ReturnReason.FULL
        return None

    def _refused(self) -> None:
        self._step = None
        self._path.refuse()
        self._returned()

    # Sensor edges

    def edge(self, sensor: str, covered: bool) -> None:
        """A sensor inside has changed."""
        if self.phase is Phase.DRAWING and sensor == "scanner" and not covered:
            self._decide()
        elif self.phase is Phase.STACKING and sensor == "exit" and not covered:
            self._fallen()
        elif self.phase is Phase.RETURNING and not covered:
            self._rest(None)
            self._returned()

    def too_long(self) -> None:
        """The scanner still sees paper where one sheet would have ended."""
        if self.phase is Phase.DRAWING:
            self._decide()

    def removed(self) -> None:
        """All paper is out: pulled back by the voter, or taken out after a jam."""
        if self.phase is Phase.DRAWING:
            self._rest(None)
            self._path.drive(0)
            if self._board.behaviour.counts_pulled_back():
                self._count_unread()
            else:
                self._reason = ReturnReason.PULLED_BACK
                self._returned()
        elif self.phase is Phase.RETURNING:
            self._rest(None)
            self._returned()
        elif self.phase is Phase.STACKING:
            self._rest(None)
            self._drop_transaction()
            self._idle()

    # Decision, preparation, fall

    def _decide(self) -> None:
        """The sheet has passed the scanner: read it, and let it go on or back."""
        board = self._board
        bundle = self._path.bundle
        assert bundle is not None
        board.emit(EventKind.SHEET_READ, sheet=self._number)
        reason, record = self._verdict(bundle)
        if record is None:
            self._give_back(reason or ReturnReason.FAULT)
            return
        self._prepare(Transaction(self._number, record, board.memory.state is UrnState.TEST))
        self._path.compartment = "valid" if record.valid else "invalid"
        self.phase = Phase.STACKING
        self._expect(self._c.exit_mm + 2 * self._c.sheet_mm - self._c.scanner_mm)

    def _verdict(self, bundle: Bundle) -> tuple[ReturnReason | None, Record | None]:
        board, c = self._board, self._c
        if not board.check_memory():
            return ReturnReason.FAULT, None
        long = bundle.length_mm > c.sheet_mm + c.length_tolerance_mm
        thick = board.behaviour.double_thickness(c.double_thickness)
        long = long and board.behaviour.minds_length()
        if (long or bundle.thickness > thick) and board.behaviour.minds_double_feed():
            return ReturnReason.DOUBLE_FEED, None
        if not board.check_integrity("before a cast"):
            return ReturnReason.FAULT, None
        return self._casting.read(bundle)

    def _prepare(self, transaction: Transaction) -> None:
        self._transaction = transaction
        if self._board.behaviour.commit_after_fall_s() is None:
            self._board.memory.transaction = transaction

    def _fallen(self) -> None:
        self._rest(None)
        delay = self._board.behaviour.commit_after_fall_s()
        if delay is None:
            self._settled()
        else:
            self.phase = Phase.SETTLING
            self._step = self._agenda.after(delay, self._settled)

    def _settled(self) -> None:
        """Count the sheet that fell, and tell the voter."""
        self._step = None
        transaction, self._transaction = self._transaction, None
        assert transaction is not None
        self._casting.count(transaction)
        self._idle()

    def _count_unread(self) -> None:
        """What only a faulty urn does: take a sheet that is not there for a blank one."""
        record, test = self._casting.blank_record(), self._board.memory.state is UrnState.TEST
        self._casting.count(Transaction(self._number, record, test))
        self._idle()

    def _give_back(self, reason: ReturnReason) -> None:
        self.phase, self._reason = Phase.RETURNING, reason
        self._forward = False
        self._path.drive(-self._speed)
        self._expect(self._path.head_mm())

    def _returned(self) -> None:
        self._casting.returned(self._number, self._reason)
        self._idle()

    def _idle(self) -> None:
        self.phase = Phase.IDLE
        self._transaction = None
        self._forward = True
        gap = self._board.behaviour.feed_gap_s(self._c.feed_gap_s)
        self._rest_until = self._agenda.now + round(gap * SECOND)
        if self._path.waiting:
            self.throat_covered()

    # Jams and the cover

    def _expect(self, millimetres: float) -> None:
        """Watch over a phase in which paper moves so far."""
        seconds = millimetres / self._c.transport_mm_s * SLACK + self._c.jam_timeout_s
        self._rest(self._agenda.after(seconds, self._jammed))

    def _rest(self, watch: Alarm | None) -> None:
        if self._watch is not None:
            self._watch.cancel()
        self._watch = watch

    def _jammed(self) -> None:
        self._watch = None
        board = self._board
        if board.cover_open:
            return
        sensor = "entry" if not self._forward else self._path.sensor_after(self._path.head_mm())
        self.phase = Phase.JAMMED
        self._path.drive(0)
        board.emit(EventKind.JAM, sheet=self._number, sensor=sensor)
        board.show("wait", self._number)
        board.log("jam", f"sheet {self._number} jammed", "failure", f"sensor {sensor}")

    def cover(self, is_open: bool) -> None:
        """The motor stands while the cover is open; then it goes on, or the jam is over."""
        if is_open:
            if self.phase in MOVING:
                self._rest(None)
                self._path.drive(0)
        elif self.phase is Phase.JAMMED and not self._path.covered:
            self._jam_cleared()
        elif self.phase in MOVING:
            self._go()
        else:
            self.throat_covered()

    def _go(self) -> None:
        """Go on from a standstill, when the cover lets us."""
        if not self._board.cover_open:
            self._path.drive(self._speed if self._forward else -self._speed)
            self._expect(self._c.exit_mm + 2 * self._c.sheet_mm)

    def _jam_cleared(self) -> None:
        self._drop_transaction()
        self._board.emit(EventKind.JAM_CLEARED)
        self._board.log("intervention", "jam cleared", "success", "paper path")
        self._idle()

    def _drop_transaction(self) -> None:
        """The sheet was taken out before it fell: it is not in the box and must not count."""
        board = self._board
        committed, board.memory.transaction = board.memory.transaction, None
        if committed is None:
            return
        if board.behaviour.counts_removed():
            self._casting.count(committed, tell=False)
        else:
            board.log("jam", f"sheet {committed.sheet} taken out, not counted", "success",
                      "paper path")

    # After a start

    def recover(self, *, taken_out: bool) -> None:
        """Clear the path after a start. ``taken_out``: the cover was opened in the dark."""
        memory = self._board.memory
        self._number = memory.sheet_number
        prepared = memory.transaction
        if prepared is None:
            self._casting.complete_log()
        if prepared is not None and not self._path.covered:
            if taken_out:
                self._drop_transaction()
            else:
                # It fell, and the power was gone before its record was written.
                self._casting.recount(prepared)
            self.throat_covered()
        elif prepared is not None and self._path.past_return:
            self._transaction, self._number = prepared, prepared.sheet
            self.phase = Phase.STACKING
            self._path.compartment = "valid" if prepared.record.valid else "invalid"
            self._go()
        elif self._path.covered:
            memory.transaction = None
            self.phase, self._reason, self._forward = (
                Phase.RETURNING, ReturnReason.POWER_LOSS, False)
            self._go()
        else:
            self.throat_covered()
