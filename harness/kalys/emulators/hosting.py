"""Where a world runs: in virtual time behind an exchange, or in real time behind wires.

A host does three things and knows nothing of urns: it hands bytes to the world and the world's
bytes on, tells it which ports are open, and lets it live on when its next deadline has come.
Neither host polls.
"""

from __future__ import annotations

import contextlib
import selectors
import signal
import socket
import threading
from collections.abc import Iterator, Mapping
from types import TracebackType

from kalys.emulators import wires
from kalys.emulators.world import SUPPLY_PORT, WORLD_PORT, World
from kalys.evidence.journal import Recorder
from kalys.links.clock import NANOSECONDS, Handle, RealClock, VirtualClock
from kalys.links.faults import LineFaults
from kalys.links.inprocess import Exchange

# Ports that are served over TCP whatever the urns' wire is: VISA and the control link need no more.
PLAIN_PORTS = (WORLD_PORT, SUPPLY_PORT)


class VirtualHost:
    """A world in virtual time. Every port of the world is attached to the exchange by its name.

    The world's zero is the moment of construction. ``faults`` are put on the lines named in it.
    """

    def __init__(
        self,
        world: World,
        exchange: Exchange,
        clock: VirtualClock,
        faults: Mapping[str, LineFaults] | None = None,
        journal: Recorder | None = None,
    ) -> None:
        self.world = world
        self._clock = clock
        self._exchange = exchange
        self._zero = clock.now()
        self._alarm: Handle | None = None
        self._due: int | None = None
        self._send = {
            port: exchange.attach(
                port, _VirtualPort(self, port), faults=(faults or {}).get(port), journal=journal
            )
            for port in world.ports
        }
        self.settle()

    def now(self) -> int:
        """The world's time: ns since its beginning."""
        return self._clock.now() - self._zero

    def settle(self) -> None:
        """Pass on what the world says, and note when it will act again."""
        for port, data in self.world.output():
            self._send[port](data)
        for port in self.world.hung_up():
            self._exchange.drop(port, "the cable was unplugged")
        due = self.world.deadline()
        if due == self._due and (self._alarm is None or self._alarm.pending):
            return
        if self._alarm is not None:
            self._alarm.cancel()
        self._due = due
        self._alarm = None if due is None else self._clock.call_at(due + self._zero, self._act)

    def _act(self) -> None:
        self.world.advance(self.now())
        self.settle()


class _VirtualPort:
    """One port of the world as the endpoint of a line."""

    def __init__(self, host: VirtualHost, port: str) -> None:
        self._host = host
        self._port = port

    def opened(self) -> None:
        self._host.world.opened(self._port, self._host.now())
        self._host.settle()

    def closed(self) -> None:
        self._host.world.closed(self._port, self._host.now())
        self._host.settle()

    def received(self, data: bytes) -> None:
        self._host.world.receive(self._port, data, self._host.now())
        self._host.settle()


class ServerHost:
    """A world in real time, every port on a wire of its own.

    ``listen`` is tcp://HOST:PORT, rfc2217://HOST:PORT or pty. A port number given there is that of
    the first device, all others take any free one; the control link and the supply are on TCP
    always. ``addresses`` maps the world's ports to what a host opens: a pyserial URL, a device
    path, or (supply) a VISA resource. ConfigurationError when a wire cannot be made.
    """

    def __init__(self, world: World, listen: str, clock: RealClock | None = None) -> None:
        self.world = world
        self._clock = clock or RealClock()
        self._zero = self._clock.now()
        self._selector = selectors.DefaultSelector()
        self._bell, self._ear = socket.socketpair()
        self._ear.setblocking(False)
        self._bell.setblocking(False)
        self._selector.register(self._ear, selectors.EVENT_READ, self._woken)
        self._stopping = False
        self._wires: dict[str, wires.Wire] = {}
        try:
            self._make_wires(listen)
        except BaseException:
            self.close()
            raise
        self.addresses: Mapping[str, str] = {
            port: _visa(wire.address) if port == SUPPLY_PORT else wire.address
            for port, wire in self._wires.items()
        }

    def __enter__(self) -> ServerHost:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def serve(self) -> None:
        """Serve until ``stop``, SIGINT or SIGTERM (the latter two in the main thread only)."""
        with self._signals():
            while not self._stopping:
                self._turn()

    def stop(self) -> None:
        """End ``serve``; may be called from another thread or a signal handler."""
        self._stopping = True
        with contextlib.suppress(OSError):
            self._bell.send(b"\0")

    def close(self) -> None:
        """Close every wire."""
        for wire in self._wires.values():
            wire.close()
        self._wires.clear()
        self._selector.close()
        self._bell.close()
        self._ear.close()

    def now(self) -> int:
        """The world's time: ns since the host was made."""
        return self._clock.now() - self._zero

    def settle(self) -> None:
        """Pass on what the world says."""
        for port, data in self.world.output():
            self._wires[port].send(data)
        for port in self.world.hung_up():
            self._wires[port].hang_up()

    def _turn(self) -> None:
        """Wait for bytes or the world's next deadline, and do what is due."""
        due = self.world.deadline()
        timeout = None
        if due is not None:
            timeout = max(0.0, (due - self.now()) / NANOSECONDS / self._clock.pace)
        for key, events in self._selector.select(timeout):
            key.data(events)
        self.world.advance(self.now())
        self.settle()

    def _make_wires(self, listen: str) -> None:
        ports = self.world.ports
        main = SUPPLY_PORT if ports[0] == WORLD_PORT and SUPPLY_PORT in ports else ports[0]
        plain = f"tcp://{wires.host_of(listen)}:0"
        for port in ports:
            # A supply that is served alone is the device itself; it is on TCP even so.
            where = plain if port in PLAIN_PORTS and port != main else listen
            if port == main == SUPPLY_PORT and not listen.startswith("tcp://"):
                where = plain
            serve = wires.wire_for(where, first=port == main)
            self._wires[port] = serve(_RealPort(self, port), self._selector)

    def _woken(self, _: int) -> None:
        with contextlib.suppress(BlockingIOError):
            self._ear.recv(64)

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """SIGINT and SIGTERM end ``serve`` in order, where this is the main thread."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {
            number: signal.signal(number, lambda *_: self.stop())
            for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class _RealPort:
    """One port of the world behind a wire."""

    def __init__(self, host: ServerHost, port: str) -> None:
        self._host = host
        self._port = port

    def opened(self) -> None:
        self._host.world.opened(self._port, self._host.now())

    def closed(self) -> None:
        self._host.world.closed(self._port, self._host.now())

    def received(self, data: bytes) -> None:
        self._host.world.receive(self._port, data, self._host.now())
        self._host.settle()


def _visa(address: str) -> str:
    """A TCP address as a VISA resource."""
    host, _, number = address.removeprefix("socket://").rpartition(":")
    return f"TCPIP::{host}::{number}::SOCKET"
