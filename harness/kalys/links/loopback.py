"""Loop-backs: links whose far end sends every byte back, one for each transport.

The far end is a thread of this process, so what is measured over a loop-back bounds the host's own
share from above.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import serial
from serial.rfc2217 import PortManager

from kalys.errors import ConfigurationError
from kalys.links.clock import Clock, VirtualClock
from kalys.links.inprocess import Exchange
from kalys.links.link import Link, open_link

TRANSPORTS = ("kalys", "tcp", "pty", "rfc2217")


@contextmanager
def loopback(transport: str, clock: Clock) -> Iterator[Link]:
    """A link of that transport ("kalys", "tcp", "pty", "rfc2217") to an echo."""
    if transport == "kalys" and isinstance(clock, VirtualClock):
        far_end = _in_process(clock)
    elif transport == "tcp":
        far_end = _listening("socket", _echo_socket)
    elif transport == "rfc2217":
        far_end = _listening("rfc2217", _echo_rfc2217)
    elif transport == "pty":
        far_end = _pseudo_terminal()
    else:
        raise ConfigurationError(
            f"there is no loop-back {transport!r} in {clock.base} time",
            remedy=f"Choose one of: {', '.join(TRANSPORTS)} ('kalys' in virtual time).",
        )
    with (
        contextmanager(lambda: far_end)() as url,
        open_link(url, name="loop-back", clock=clock, journal=None) as link,
    ):
        yield link


class _Echo:
    send: Callable[[bytes], None]

    def opened(self) -> None: ...
    def closed(self) -> None: ...

    def received(self, data: bytes) -> None:
        self.send(data)


def _in_process(clock: VirtualClock) -> Iterator[str]:
    with Exchange(clock) as exchange:
        echo = _Echo()
        echo.send = exchange.attach("echo", echo)
        yield exchange.url("echo")


def _listening(scheme: str, serve: Callable[[socket.socket], None]) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            # OSError: the server was closed before anybody came, or the peer reset the line.
            with suppress(OSError):
                connection, _ = server.accept()
                with connection:
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    serve(connection)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"{scheme}://127.0.0.1:{server.getsockname()[1]}"
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
    thread.join(1)


def _echo_socket(connection: socket.socket) -> None:
    while data := connection.recv(4096):
        connection.sendall(data)


class _Telnet:
    """What PortManager answers its negotiations on."""

    def __init__(self, connection: socket.socket) -> None:
        self.write = connection.sendall


def _echo_rfc2217(connection: socket.socket) -> None:
    # PortManager works with any port and anything that can write; its stubs say less.
    port: Any = serial.serial_for_url("loop://", timeout=0)
    telnet: Any = _Telnet(connection)
    manager = PortManager(port, telnet)
    while data := connection.recv(4096):
        plain = b"".join(manager.filter(data))
        if plain:
            connection.sendall(b"".join(manager.escape(plain)))


def _pseudo_terminal() -> Iterator[str]:
    import pty
    import tty

    master, slave = pty.openpty()
    tty.setraw(master)
    tty.setraw(slave)

    def serve() -> None:
        # EIO: nobody has the slave end open any more.
        with suppress(OSError):
            while data := os.read(master, 4096):
                os.write(master, data)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    # Our own descriptor of the slave keeps the pair alive until the link has opened and closed it.
    try:
        yield os.ttyname(slave)
    finally:
        os.close(slave)
        thread.join(1)
        os.close(master)
