"""Real wires under a world's ports: TCP, pty and RFC 2217, each without blocking.

A wire carries the bytes of one port to one host at a time, as a serial line does: a second caller
of a TCP port is turned away. What a host does not take in time is kept up to ``MOST_PENDING``
bytes; a line nobody listens to then loses them, as hardware would.

pty: raw on both ends (``tty.setraw``), and a descriptor of the slave stays open, because a master
whose slave nobody holds reads EIO. Nobody can see who opened a pty, so it counts as open always.
RFC 2217: telnet negotiation by pyserial's own ``PortManager`` over a ``loop://`` port that does
nothing but hold the line settings.
"""

from __future__ import annotations

import contextlib
import errno
import os
import selectors
import socket
import sys
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import urlsplit

import serial
import serial.rfc2217

from kalys.errors import ConfigurationError

MOST_PENDING = 4 * 1024 * 1024
CHUNK = 65_536
KINDS = "tcp://HOST:PORT (port 0: any free one), pty, rfc2217://HOST:PORT"


class Port(Protocol):
    """The world's side of a wire."""

    def opened(self) -> None: ...
    def closed(self) -> None: ...
    def received(self, data: bytes) -> None: ...


class Wire(Protocol):
    """One served port. ``address`` is what a host opens with pyserial."""

    address: str

    def send(self, data: bytes) -> None: ...
    def hang_up(self) -> None: ...
    def close(self) -> None: ...


class TcpWire:
    """A port behind a listening socket."""

    scheme = "socket"

    def __init__(
        self, host: str, number: int, port: Port, selector: selectors.BaseSelector
    ) -> None:
        self._port = port
        self._selector = selector
        self._client: socket.socket | None = None
        self._pending = bytearray()
        try:
            self._listening = socket.create_server((host, number))
        except OSError as error:
            raise ConfigurationError(
                f"cannot listen on {host}:{number}: {error.strerror or error}",
                where="kalys emulate", remedy="Choose another port, or 0 for any free one.",
            ) from error
        self._listening.setblocking(False)
        self.host = host
        self.number: int = self._listening.getsockname()[1]
        self.address = f"{self.scheme}://{_reachable(host)}:{self.number}"
        selector.register(self._listening, selectors.EVENT_READ, self._accept)

    def send(self, data: bytes) -> None:
        """Bytes of the world to the host, if there is one."""
        if self._client is not None:
            self._put(data)

    def hang_up(self) -> None:
        """The cable was pulled: whoever has called loses the line."""
        self._hang_up()

    def close(self) -> None:
        self._hang_up(tell=False)
        self._selector.unregister(self._listening)
        self._listening.close()

    def _put(self, data: bytes) -> None:
        """Bytes as they go on the wire."""
        self._pending += data
        if len(self._pending) > MOST_PENDING:
            self._hang_up()
        else:
            self._flush()

    def _accept(self, _: int) -> None:
        try:
            client, _address = self._listening.accept()
        except OSError:
            return
        if self._client is not None:
            client.close()
            return
        client.setblocking(False)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._client = client
        self._selector.register(client, selectors.EVENT_READ, self._ready)
        self._begin()
        self._port.opened()

    def _begin(self) -> None:
        """A host has called; subclasses greet it."""

    def _understood(self, data: bytes) -> bytes:
        """The port's bytes in what came over the wire."""
        return data

    def _ready(self, events: int) -> None:
        client = self._client
        if client is None:
            return
        if events & selectors.EVENT_WRITE:
            self._flush()
        if events & selectors.EVENT_READ and self._client is client:
            try:
                data = client.recv(CHUNK)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self._hang_up()
                return
            understood = self._understood(data)
            if understood:
                self._port.received(understood)

    def _flush(self) -> None:
        client = self._client
        if client is None:
            return
        try:
            while self._pending:
                sent = client.send(self._pending)
                del self._pending[:sent]
        except BlockingIOError:
            pass
        except OSError:
            self._hang_up()
            return
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._pending else 0)
        if self._selector.get_key(client).events != wanted:
            self._selector.modify(client, wanted, self._ready)

    def _hang_up(self, *, tell: bool = True) -> None:
        client, self._client = self._client, None
        self._pending.clear()
        if client is not None:
            self._selector.unregister(client)
            client.close()
            if tell:
                self._port.closed()


class Rfc2217Wire(TcpWire):
    """A port behind a telnet server that knows about line settings."""

    scheme = "rfc2217"

    def _begin(self) -> None:
        # The manager writes its offers as soon as it is made.
        self._settings = serial.serial_for_url("loop://", timeout=0)
        # Its stubs ask for a Serial; by its documentation a port and anything that writes will do.
        manager: Any = serial.rfc2217.PortManager
        self._manager: Any = manager(self._settings, self)

    def write(self, data: bytes) -> None:
        """What the manager says by itself."""
        self._put(data)

    def send(self, data: bytes) -> None:
        if self._client is not None:
            self._put(b"".join(self._manager.escape(data)))

    def _understood(self, data: bytes) -> bytes:
        return b"".join(self._manager.filter(data))

    def _hang_up(self, *, tell: bool = True) -> None:
        if self._client is not None:
            self._settings.close()
        super()._hang_up(tell=tell)


class PtyWire:
    """A port behind a pseudo-terminal; ``address`` is the slave's path."""

    def __init__(self, port: Port, selector: selectors.BaseSelector) -> None:
        if sys.platform == "win32":
            raise ConfigurationError(
                "this system has no pseudo-terminals", where="kalys emulate",
                remedy="Listen on tcp://127.0.0.1:0 instead.",
            )
        import pty
        import tty

        self._port = port
        self._selector = selector
        self._pending = bytearray()
        self._master, self._slave = pty.openpty()
        tty.setraw(self._master)
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.address = os.ttyname(self._slave)
        selector.register(self._master, selectors.EVENT_READ, self._ready)
        port.opened()

    def send(self, data: bytes) -> None:
        """Bytes of the world to whoever holds the slave."""
        self._pending += data
        if len(self._pending) > MOST_PENDING:
            self._pending.clear()
        self._flush()

    def hang_up(self) -> None:
        """A pseudo-terminal cannot be taken from whoever holds it: the line is dead instead."""
        self._pending.clear()

    def close(self) -> None:
        self._selector.unregister(self._master)
        for descriptor in (self._master, self._slave):
            os.close(descriptor)

    def _ready(self, events: int) -> None:
        if events & selectors.EVENT_WRITE:
            self._flush()
        if events & selectors.EVENT_READ:
            try:
                data = os.read(self._master, CHUNK)
            except OSError as error:
                if error.errno not in (errno.EAGAIN, errno.EIO):
                    raise
                return
            if data:
                self._port.received(data)

    def _flush(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._pending:
                sent = os.write(self._master, self._pending)
                del self._pending[:sent]
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._pending else 0)
        if self._selector.get_key(self._master).events != wanted:
            self._selector.modify(self._master, wanted, self._ready)


Serve = Callable[[Port, selectors.BaseSelector], Wire]


def wire_for(listen: str, *, first: bool) -> Serve:
    """What serves a port at ``listen``; the number given there goes to the ``first`` port only.

    ConfigurationError when ``listen`` is none of KINDS.
    """
    if listen == "pty":
        return PtyWire
    try:
        parts = urlsplit(listen)
        host, number = parts.hostname, parts.port
    except ValueError:
        host, number = None, None
    kinds = {"tcp": TcpWire, "rfc2217": Rfc2217Wire}
    if parts_scheme(listen) not in kinds or host is None or number is None:
        raise ConfigurationError(
            f"nothing can be served at {listen!r}", where="kalys emulate",
            remedy=f"Listen on one of: {KINDS}",
        )
    make, name, chosen = kinds[parts_scheme(listen)], host, number if first else 0
    return lambda port, selector: make(name, chosen, port, selector)


def host_of(listen: str) -> str:
    """The host name in ``listen``; 127.0.0.1 where it has none."""
    return urlsplit(listen).hostname or "127.0.0.1"


def parts_scheme(listen: str) -> str:
    """The word before ://, or an empty text."""
    return listen.partition("://")[0] if "://" in listen else ""


def _reachable(host: str) -> str:
    """A name under which a host that listens everywhere can be called."""
    name = socket.gethostname() if host in ("0.0.0.0", "::", "") else host
    return f"[{name}]" if ":" in name else name
