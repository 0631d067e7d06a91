"""Paper and hands in an emulated world, over its published control link.

The world's link (docs/protocols/world-link.md, codec ``kalys.protocols.world``) carries what a
person or a feeding machine does on a real bench. One link serves every urn of the world, so several
conversations of the clock may use it at once: a command waits its turn, and what the world reports
unasked is filed by urn. What is done and what is reported goes to the journal as "physical".
"""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import fields
from functools import partial
from typing import Any

from kalys.ballots.layout import Layout
from kalys.ballots.sheet import Sheet
from kalys.ballots.templates import layouts_for
from kalys.devices.roles import BoxContents, Gate, Shown, display_word
from kalys.election.definition import ElectionDefinition
from kalys.errors import KalysError, LinkError, ProtocolError, Refused
from kalys.evidence.journal import Recorder
from kalys.links.clock import Clock
from kalys.links.link import Link
from kalys.protocols import world
from kalys.protocols.urn.messages import Garbage

# What a record in the journal does not repeat of a command: it is in the wire record already.
_BULKY = {"sheets", "png", "election", "layouts"}
# Crossings of gates that are kept for whoever asks: few ask, and a run may last for days.
_CROSSINGS = 1024


class WorldLink:
    """Commands to a world and their answers; the world's notifications by urn.

    ``timeout`` is in seconds of the clock. ``reopen`` opens a link that was lost anew: the command
    that met the loss fails, as nobody knows whether it was carried out, and the next one begins
    with a new link and greets the world again. Raises Refused when the world says why not,
    LinkError when it is silent, ProtocolError when what it says is none of the protocol's.
    """

    def __init__(
        self, link: Link, *, clock: Clock, journal: Recorder, timeout: float = 10.0,
        reopen: Callable[[], Link] | None = None,
    ) -> None:
        self.link = link
        self._reopen = reopen
        self._lost = False
        self.clock = clock
        self._journal = journal
        self._timeout = timeout
        self._codec = world.ClientCodec()
        self._number = 0
        self._answers: dict[int, world.Answer] = {}
        self._gates: dict[str, deque[Gate]] = defaultdict(partial(deque, maxlen=_CROSSINGS))
        self._shown: dict[str, list[Shown]] = defaultdict(list)
        self._turn = threading.Lock()
        self._offset = 0
        self.urns: tuple[str, ...] = ()

    def hello(self, rounds: int = 5) -> None:
        """Learn the world's urns, and how far its clock is from ours: from the quickest round."""
        self._greet(rounds, self.ask)

    def _greet(
        self, rounds: int, ask: Callable[[world.Command], Mapping[str, Any]]
    ) -> None:
        best: int | None = None
        for _ in range(1 if self.clock.base == "virtual" else rounds):
            sent = self.clock.now()
            answer = ask(world.Hello())
            received = self.clock.now()
            if answer.get("protocol") != world.PROTOCOL:
                raise self._nonsense(f"it speaks {answer.get('protocol')!r}, not {world.PROTOCOL}")
            if best is None or received - sent < best:
                best = received - sent
                self._offset = (sent + received) // 2 - int(answer["time"])
            self.urns = tuple(answer["urns"])

    def define(
        self, definition: ElectionDefinition, urns: Sequence[str],
        layouts: Mapping[str, Layout] | None = None,
    ) -> None:
        """Tell the world what the sheets of this election look like; by default as shipped."""
        election = definition.model_dump(mode="json")
        shown = layouts_for(definition) if layouts is None else layouts
        plain = {style: layout.to_dict() for style, layout in shown.items()}
        for urn in urns:
            self.ask(world.Define(urn, election, plain))

    def ask(self, command: world.Command) -> Mapping[str, Any]:
        """The data of the world's answer."""
        with self._my_turn():
            if self._lost:
                self._open_anew()
            return self._say(command)

    def _say(self, command: world.Command) -> Mapping[str, Any]:
        self._number += 1
        number = self._number
        self._journal.add("physical", _told(command))
        try:
            self.link.write(self._codec.encode(number, command))
            answer = self._await(number)
        except LinkError:
            self._lost = self._reopen is not None
            raise
        if not answer.ok:
            raise Refused(
                f"the world refused {command.do}: {answer.error}",
                code="world", where=self.link.url,
            )
        return answer.data

    def _open_anew(self) -> None:
        """A link in the place of the one that was lost; LinkError when there is none yet."""
        assert self._reopen is not None
        with suppress(KalysError, OSError):
            self.link.close()
        self.link = self._reopen()
        self._codec.reset()
        self._answers.clear()
        self._greet(1, self._say)
        self._lost = False
        self._journal.add("note", {
            "text": f"the world's control link {self.link.url} was lost and is open again"})

    def gates(self, urn: str) -> list[Gate]:
        """The light-barrier crossings at an urn since the last call, in harness time."""
        with self._my_turn():
            self._catch_up()
            return list(self._gates.pop(urn, ()))

    def shown(self, urn: str) -> list[Shown]:
        """What the display of an urn has shown since the last call, in harness time."""
        with self._my_turn():
            self._catch_up()
            return self._shown.pop(urn, [])

    def _catch_up(self) -> None:
        try:
            while self._pump(0.0):
                pass
        except LinkError:
            self._lost = self._reopen is not None
            raise

    def close(self) -> None:
        self.link.close()

    def _await(self, number: int) -> world.Answer:
        deadline = self.clock.now() + round(self._timeout * 1e9)
        while number not in self._answers:
            left = deadline - self.clock.now()
            if left <= 0:
                raise LinkError(
                    f"no answer in {self._timeout:g} s",
                    where=f"the world's control link {self.link.url}",
                    remedy="Is the emulator still running?",
                )
            self._pump(left / 1e9)
        return self._answers.pop(number)

    def _pump(self, timeout: float) -> bool:
        if timeout <= 0:
            self.clock.sleep(0)            # what is due at this very moment may arrive first
        data = self.link.read(1, timeout)
        for message in self._codec.feed(data):
            if isinstance(message, world.Answer):
                if message.id is None:
                    raise self._nonsense(f"the world could not read a command: {message.error}")
                self._answers[message.id] = message
            elif isinstance(message, Garbage):
                raise self._nonsense(f"{message.why}: {message.data[:40]!r}")
            else:
                self._file(message)
        return bool(data)

    def _file(self, message: world.Notification) -> None:
        self._journal.add("physical", {f.name: getattr(message, f.name) for f in fields(message)})
        if isinstance(message, world.GateCrossed):
            time = message.t + self._offset
            self._gates[message.urn].append(Gate(message.gate, message.edge, message.sheet, time))
        elif isinstance(message, world.DisplayChanged):
            shown = Shown(message.text, display_word(message.text), message.t + self._offset)
            self._shown[message.urn].append(shown)

    @contextmanager
    def _my_turn(self) -> Iterator[None]:
        # Conversations of a virtual clock share one thread: waiting for the lock must let them run.
        while not self._turn.acquire(blocking=False):
            self.clock.wait(lambda: not self._turn.locked(), None)
        try:
            yield
        finally:
            self._turn.release()

    def _nonsense(self, what: str) -> ProtocolError:
        return ProtocolError(what, where=f"the world's control link {self.link.url}")


class WorldFeeder:
    """The role `Feeder` for one urn of a world."""

    def __init__(self, link: WorldLink, urn: str) -> None:
        self._link = link
        self._urn = urn

    def insert(self, *sheets: Sheet, overlap_mm: float = 0.0) -> None:
        physical = [sheet.physical() for sheet in sheets]
        self._link.ask(world.Insert(self._urn, physical, overlap_mm))

    def provide(
        self, definition: ElectionDefinition, layouts: Mapping[str, Layout]
    ) -> None:
        self._link.define(definition, [self._urn], layouts)

    def pull_back(self) -> bool:
        return bool(self._link.ask(world.PullBack(self._urn))["pulled"])

    def jam_next(self, at_mm: float) -> None:
        self._link.ask(world.JamNext(self._urn, at_mm))

    def clear_jam(self) -> str | None:
        sheet = self._link.ask(world.ClearJam(self._urn))["sheet"]
        return None if sheet is None else str(sheet)

    def take_returned(self) -> tuple[str, ...]:
        return tuple(self._link.ask(world.Returned(self._urn))["sheets"])

    def box(self) -> BoxContents:
        found = self._link.ask(world.Box(self._urn))
        return BoxContents(tuple(found["valid"]), tuple(found["invalid"]))

    def empty_box(self) -> None:
        self._link.ask(world.EmptyBox(self._urn))

    def gates(self) -> list[Gate]:
        return self._link.gates(self._urn)


class WorldHands:
    """The role `Hands` for one urn of a world."""

    def __init__(self, link: WorldLink, urn: str) -> None:
        self._link = link
        self._urn = urn

    def cover(self, open: bool) -> None:  # noqa: A002  (the role's word)
        self._link.ask(world.Cover(self._urn, open))

    def media(self, inserted: bool) -> None:
        self._link.ask(world.Media(self._urn, inserted))

    def battery(self, connected: bool) -> None:
        self._link.ask(world.Battery(self._urn, connected))

    def cable(self, port: str, connected: bool) -> None:
        if port not in ("link", "printer"):
            raise ValueError(f"an urn has no cable {port!r}")
        self._link.ask(world.Cable(self._urn, port, connected))  # type: ignore[arg-type]

    def key_switch(self, turned: bool) -> None:
        self._link.ask(world.KeySwitch(self._urn, turned))

    def memory_chip(self, chip: str, condition: str) -> None:
        if chip not in ("primary", "secondary") or condition not in ("good", "failed", "full"):
            raise ValueError(f"the memory {chip!r} cannot be made {condition!r}")
        self._link.ask(world.MemoryChip(self._urn, chip, condition))  # type: ignore[arg-type]

    def damage_memory(self, what: str, index: int) -> None:
        if what not in ("votes", "log"):
            raise ValueError(f"nothing stored is called {what!r}")
        self._link.ask(world.DamageMemory(self._urn, what, index))  # type: ignore[arg-type]

    def disturb_counter(self, contest: str, option: str, value: int) -> None:
        self._link.ask(world.DisturbCounter(self._urn, contest, option, value))

    def tamper_log(self, how: str, index: int) -> None:
        if how not in ("flip", "truncate", "swap", "delete"):
            raise ValueError(f"a log is not tampered with by {how!r}")
        self._link.ask(world.TamperLog(self._urn, how, index))  # type: ignore[arg-type]

    def read_display(self) -> str:
        return str(self._link.ask(world.Display(self._urn))["text"])

    def watch_display(self, on: bool) -> None:
        self._link.ask(world.WatchDisplay(self._urn, on))

    def displayed(self) -> list[Shown]:
        return self._link.shown(self._urn)

    def roll_empty(self, empty: bool) -> None:
        self._link.ask(world.Roll(self._urn, empty))


def _told(command: world.Command) -> dict[str, Any]:
    """A command for the journal: what is done, by whom, and the ids of the sheets."""
    told = {f.name: getattr(command, f.name) for f in fields(command) if f.name not in _BULKY}
    if isinstance(command, world.Insert):
        told["sheets"] = [sheet.get("id") for sheet in command.sheets]
    return {"by": "world", **told}
