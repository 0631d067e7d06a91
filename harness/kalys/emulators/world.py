"""The emulated world: urns, paper, power and hands, coupled; bytes in, bytes out, next deadline.

How to think about it: a world has named **ports**. A host puts bytes in (``receive``), tells which
ports somebody has open, lets time pass (``advance``) and takes what comes out (``output``). Nothing
in here knows whether the ports are TCP sockets, ptys or lines of virtual time, nor what o'clock it
is: ``now`` is ns since the world began, and never goes back.

Everything physical is carried here: the supply's voltage reaches the urn's mains input, a sheet
that falls lies in a box, a report leaves the printer on a port of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from random import Random

from kalys.ballots.layout import Layout
from kalys.emulators.agenda import Agenda
from kalys.emulators.control import ControlDesk
from kalys.emulators.paper import Bundle, Image, Stationery
from kalys.emulators.place import Notification, Place
from kalys.emulators.supply import FED_AMPERES, FED_VOLTS, EmulatedSupply
from kalys.emulators.urn.behaviour import Behaviour
from kalys.emulators.urn.configuration import UrnEmulation
from kalys.emulators.urn.core import EmulatedUrn, Outlets
from kalys.errors import ConfigurationError
from kalys.protocols.urn import binary, line

WORLD_PORT = "world"
SUPPLY_PORT = "supply"
PRINTER_SUFFIX = ".printer"


class World:
    """One world. Build one with ``kalys.emulators.station.build_world``."""

    def __init__(self, *, epoch: datetime, seed: int, layouts: Iterable[Layout] = ()) -> None:
        if epoch.tzinfo is None:
            raise ConfigurationError("the epoch of a world needs a time zone", where="world")
        self._epoch = epoch
        self._seed = seed
        self._agenda = Agenda()
        self._out: list[tuple[str, bytes]] = []
        self._open: set[str] = set()
        self._stationery = Stationery(layouts)
        self.urns: dict[str, EmulatedUrn] = {}
        self._places: dict[str, Place] = {}
        self._supply: EmulatedSupply | None = None
        self._feeds: dict[int, str] = {}
        self._unplugged: set[str] = set()
        self._hung_up: list[str] = []
        self._desk = ControlDesk(
            self._agenda, self._stationery, self.urns, self._places, self._plug)

    # Building

    def add_urn(
        self, name: str, serial: str, configuration: UrnEmulation,
        dialect: line.LineDialect | None, behaviour: Behaviour,
    ) -> None:
        """Put an urn into the world. ConfigurationError for a name that is taken."""
        if name in self.ports or f"{name}{PRINTER_SUFFIX}" in self.ports or name == SUPPLY_PORT:
            raise ConfigurationError(f"two devices of the world are named {name}", where="world")
        behaviour.chance = Random(f"{self._seed}/{name}/chance")
        place = self._places[name] = Place(name, self._agenda, self._notify)
        self.urns[name] = EmulatedUrn(
            name, serial, configuration,
            binary.ServerCodec() if dialect is None else line.ServerCodec(dialect),
            behaviour,
            agenda=self._agenda, civil=self._epoch, draw=Random(f"{self._seed}/{name}"),
            outlets=Outlets(
                link=lambda data: self._out.append((name, data)),
                tape=lambda data: self._out.append((f"{name}{PRINTER_SUFFIX}", data)),
                scan=self._scan,
                infrared=self._infrared,
            ),
            surroundings=place,
        )

    def add_supply(self, supply: EmulatedSupply, feeds: Mapping[int, str]) -> None:
        """Put a supply into the world; ``feeds`` says which channel goes to which urn."""
        self._supply, self._feeds = supply, dict(feeds)
        for channel in self._feeds:
            supply.recall(channel, FED_VOLTS, FED_AMPERES)
        supply.load = self._load
        supply.changed = self._carry_power

    def start(self) -> None:
        """Let the world begin: everything is plugged in, and the urns are past their boot."""
        fed = set(self._feeds.values())
        for name, urn in self.urns.items():
            if name not in fed:
                urn.power.set_mains(True)
        self._carry_power()
        for urn in self.urns.values():
            urn.start()

    # Running

    @property
    def urn_names(self) -> tuple[str, ...]:
        return tuple(self.urns)

    @property
    def ports(self) -> tuple[str, ...]:
        """Every port: urns and their printers, the control link, the supply."""
        ports = [port for name in self.urns for port in (name, f"{name}{PRINTER_SUFFIX}")]
        ports.append(WORLD_PORT)
        return (*ports, SUPPLY_PORT) if self._supply is not None else tuple(ports)

    def opened(self, port: str, now: int) -> None:
        """Somebody has opened a port; without that, events and tapes are lost as on any wire."""
        self._agenda.advance(now)
        self._open.add(port)
        if port in self._unplugged:
            return
        if port in self.urns:
            self.urns[port].speech.opened()
        elif port == WORLD_PORT:
            self._desk.codec.reset()
        elif port == SUPPLY_PORT and self._supply is not None:
            self._supply.opened()

    def forget_pictures(self) -> None:
        """Nobody uses the world any more: what it drew must not wait for the collector of cycles,
        of which a world is full."""
        self._stationery.forget()

    def closed(self, port: str, now: int) -> None:
        """The port was closed."""
        self._agenda.advance(now)
        self._open.discard(port)
        if port in self.urns:
            self.urns[port].speech.closed()

    def receive(self, port: str, data: bytes, now: int) -> None:
        """Bytes of a host; what they cause comes with ``output``."""
        self._agenda.advance(now)
        if port in self._unplugged:
            return
        if port in self.urns:
            self.urns[port].receive(data)
        elif port == WORLD_PORT:
            self._desk.receive(data, lambda answer: self._out.append((WORLD_PORT, answer)))
        elif port == SUPPLY_PORT and self._supply is not None:
            answer = self._supply.receive(data)
            if answer:
                self._out.append((SUPPLY_PORT, answer))
        self._agenda.advance(now)

    def advance(self, now: int) -> None:
        """Let time pass until ``now``."""
        self._agenda.advance(now)

    def deadline(self) -> int | None:
        """When the world will next do something by itself."""
        return self._agenda.deadline()

    def output(self) -> list[tuple[str, bytes]]:
        """(port, bytes) since the last call, in order; for ports that nobody has open as well."""
        out, self._out = self._out, []
        if self._unplugged:
            out = [(port, data) for port, data in out if port not in self._unplugged]
        return out

    def hung_up(self) -> list[str]:
        """The ports whose cable was pulled since the last call: whoever has one open loses it."""
        ports, self._hung_up = self._hung_up, []
        return ports

    # Couplings

    def _plug(self, urn: str, cable: str, connected: bool) -> None:
        """A cable of an urn was plugged in or pulled out."""
        port = urn if cable == "link" else f"{urn}{PRINTER_SUFFIX}"
        if connected != (port in self._unplugged):
            return
        if connected:
            self._unplugged.discard(port)
        else:
            self._unplugged.add(port)
            self._hung_up += [port] if cable == "link" else []
        self.urns[urn].set_cable(cable, connected, listened=port in self._open)

    def _notify(self, notification: Notification) -> None:
        if WORLD_PORT in self._open:
            self._out.append((WORLD_PORT, self._desk.codec.encode_notification(notification)))

    def _scan(self, bundle: Bundle) -> Image:
        return self._stationery.scan(bundle.sheets[0])

    def _infrared(self, bundle: Bundle) -> tuple[float, float]:
        return self._stationery.infrared(bundle.sheets[0])

    def _carry_power(self) -> None:
        if self._supply is None:
            return
        for channel, name in self._feeds.items():
            urn = self.urns[name]
            volts = self._supply.volts(channel)
            urn.power.set_mains(volts >= urn.configuration.mains_minimum_v)

    def _load(self, channel: int) -> float:
        name = self._feeds.get(channel)
        return self.urns[name].configuration.load_amperes if name is not None else 0.0
