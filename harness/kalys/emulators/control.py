"""The world's control link: what people and machines do to paper and urns, asked for in JSON lines.

One method per command of ``kalys.protocols.world``; it returns the data of the answer or raises
``CannotDo`` with words for whoever asked. Nothing here knows what a sheet means.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any

from kalys.emulators.agenda import Agenda
from kalys.emulators.paper import Bundle, Stationery, picture
from kalys.emulators.place import Place
from kalys.emulators.urn.core import EmulatedUrn
from kalys.errors import KalysError
from kalys.protocols import world
from kalys.protocols.urn.messages import Garbage

MOST_SHEETS = 10              # in one bundle
SCANNER_DPI = 200
MM_PER_INCH = 25.4


class CannotDo(Exception):  # noqa: N818  (an answer, not a fault)
    """The command makes sense and cannot be done here; says why."""


class ControlDesk:
    """Carries out commands on the urns of one world."""

    def __init__(
        self, agenda: Agenda, stationery: Stationery, urns: Mapping[str, EmulatedUrn],
        places: Mapping[str, Place], plug: Callable[[str, str, bool], None],
    ) -> None:
        self._agenda = agenda
        self._stationery = stationery
        self._urns = urns
        self._places = places
        self._plug = plug
        self.codec = world.ServerCodec()
        self._commands: Mapping[type, Callable[[Any], dict[str, Any]]] = {
            world.Hello: self._hello, world.Define: self._define, world.Insert: self._insert,
            world.Image: self._image, world.PullBack: self._pull_back,
            world.JamNext: self._jam_next, world.ClearJam: self._clear_jam,
            world.Returned: self._returned, world.Box: self._box,
            world.EmptyBox: self._empty_box, world.Cover: self._cover, world.Media: self._media,
            world.Battery: self._battery, world.Roll: self._roll, world.Display: self._display,
            world.WatchDisplay: self._watch_display,
            world.DisturbCounter: self._disturb_counter, world.TamperLog: self._tamper_log,
            world.Cable: self._cable, world.MemoryChip: self._memory_chip,
            world.DamageMemory: self._damage_memory, world.KeySwitch: self._key_switch,
        }

    def receive(self, data: bytes, send: Callable[[bytes], None]) -> None:
        """Answer every command in ``data``; each is carried out before it is answered."""
        for message in self.codec.feed(data):
            if isinstance(message, Garbage):
                send(message.reply)
                continue
            try:
                answer = world.Answer(message.id, True, self._do(message.command))
            except (CannotDo, KalysError) as error:
                answer = world.Answer(message.id, False, error=str(error))
            send(self.codec.encode_answer(answer))

    def _do(self, command: Any) -> dict[str, Any]:
        name = getattr(command, "urn", None)
        if name is not None and name not in self._urns:
            raise CannotDo(f"there is no urn {name} here; there are: {', '.join(self._urns)}")
        return self._commands[type(command)](command)

    def _hello(self, _: world.Hello) -> dict[str, Any]:
        return {"protocol": world.PROTOCOL, "urns": list(self._urns), "time": self._agenda.now}

    def _define(self, command: world.Define) -> dict[str, Any]:
        return {"styles": self._stationery.define(command.layouts)}

    # Paper

    def _insert(self, command: world.Insert) -> dict[str, Any]:
        if not 1 <= len(command.sheets) <= MOST_SHEETS:
            raise CannotDo(f"a bundle has 1 to {MOST_SHEETS} sheets, not {len(command.sheets)}")
        if not 0 <= command.overlap_mm <= 1000:
            raise CannotDo(f"a sheet cannot lie {command.overlap_mm} mm behind another")
        sheets = tuple(self._stationery.sheet(physical) for physical in command.sheets)
        length = max(self._stationery.length_mm(sheet) for sheet in sheets)
        length += command.overlap_mm * (len(sheets) - 1)
        return self._offer(command.urn, Bundle(sheets, command.overlap_mm, length))

    def _image(self, command: world.Image) -> dict[str, Any]:
        try:
            png = base64.b64decode(command.png, validate=True)
        except (binascii.Error, ValueError) as error:
            raise CannotDo(f"png is not base64: {error}") from error
        sheet = picture(command.sheet, png)
        length = sheet.pixels.shape[0] * MM_PER_INCH / SCANNER_DPI
        return self._offer(command.urn, Bundle((sheet,), 0.0, length))

    def _offer(self, urn: str, bundle: Bundle) -> dict[str, Any]:
        # After the answer: what the urn does with it comes behind it on every wire.
        self._agenda.after(0, lambda: self._urns[urn].path.offer(bundle))
        return {}

    def _pull_back(self, command: world.PullBack) -> dict[str, Any]:
        bundle = self._urns[command.urn].path.pull_back()
        if bundle is not None:
            self._places[command.urn].came_back(bundle)
        return {"pulled": bundle is not None}

    def _jam_next(self, command: world.JamNext) -> dict[str, Any]:
        if command.at_mm < 0:
            raise CannotDo("a sheet sticks behind the throat, not before it")
        self._urns[command.urn].path.jam_next = float(command.at_mm)
        return {}

    def _clear_jam(self, command: world.ClearJam) -> dict[str, Any]:
        urn = self._urns[command.urn]
        was_open = urn.cover_open
        urn.set_cover(True)
        bundle = urn.path.remove()
        urn.set_cover(was_open)
        return {"sheet": bundle.sheets[0].id if bundle is not None else None}

    def _returned(self, command: world.Returned) -> dict[str, Any]:
        return {"sheets": self._places[command.urn].take_returned()}

    def _box(self, command: world.Box) -> dict[str, Any]:
        box = self._places[command.urn].box
        return {"valid": list(box["valid"]), "invalid": list(box["invalid"])}

    def _empty_box(self, command: world.EmptyBox) -> dict[str, Any]:
        self._places[command.urn].empty_box()
        self._urns[command.urn].empty_box()
        return {}

    # Hands

    def _cover(self, command: world.Cover) -> dict[str, Any]:
        self._urns[command.urn].set_cover(command.open)
        return {}

    def _media(self, command: world.Media) -> dict[str, Any]:
        self._urns[command.urn].set_media(command.inserted)
        return {}

    def _battery(self, command: world.Battery) -> dict[str, Any]:
        self._urns[command.urn].power.set_battery(command.connected)
        return {}

    def _roll(self, command: world.Roll) -> dict[str, Any]:
        self._urns[command.urn].set_roll(not command.empty)
        return {}

    def _key_switch(self, command: world.KeySwitch) -> dict[str, Any]:
        self._urns[command.urn].set_key_switch(command.turned)
        return {}

    def _cable(self, command: world.Cable) -> dict[str, Any]:
        # After the answer: whoever asked may be the one whose link it is.
        self._agenda.after(
            0, lambda: self._plug(command.urn, command.port, command.connected))
        return {}

    def _display(self, command: world.Display) -> dict[str, Any]:
        return {"text": self._urns[command.urn].text}

    def _watch_display(self, command: world.WatchDisplay) -> dict[str, Any]:
        urn = self._urns[command.urn]
        urn.watch_display(command.on)
        return {"text": urn.text}

    # Behind the device's back

    def _disturb_counter(self, command: world.DisturbCounter) -> dict[str, Any]:
        book = self._urns[command.urn].memory.book
        votes = book.counters.votes
        if command.option not in votes.get(command.contest, {}):
            raise CannotDo(f"there is no counter {command.contest}/{command.option} now")
        votes[command.contest][command.option] = command.value
        book.keep_counters()
        return {}

    def _memory_chip(self, command: world.MemoryChip) -> dict[str, Any]:
        self._urns[command.urn].memory.storage.set_condition(command.chip, command.condition)
        return {}

    def _damage_memory(self, command: world.DamageMemory) -> dict[str, Any]:
        memory = self._urns[command.urn].memory
        if not memory.damage_stored(command.what, command.index):
            raise CannotDo(f"there is no entry {command.index} of the stored {command.what}")
        return {}

    def _tamper_log(self, command: world.TamperLog) -> dict[str, Any]:
        try:
            self._urns[command.urn].memory.tamper_log(command.how, command.index)
        except IndexError as error:
            raise CannotDo(str(error)) from error
        return {}
