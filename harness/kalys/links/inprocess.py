"""Lines inside the process: emulated devices behind ``kalys://<token>/<port>`` in virtual time.

How to think about it. An ``Exchange`` is a patch panel: device models are attached to named ports,
and a host opens a port as it would open ``/dev/ttyUSB0``, through ``serial.serial_for_url`` (scheme
module ``kalys.links.schemes.protocol_kalys``) or PyVISA (``kalys.links.visa``). A ``Line`` carries
bytes both ways through the virtual clock's heap, never by a direct call: a device model always runs
as an action of the scheduler, and "no byte in flight" is a number that can be read, not a guess.

As on a serial line, what a device sends while nobody has the port open is lost, and a port is open
for one host at a time.

pyserial and PyVISA find the exchange by the token in the URL. That look-up is the one piece of
module-level state of this room: a weak registry that keeps no exchange alive.
"""

from __future__ import annotations

import errno
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote, unquote, urlsplit
from weakref import WeakValueDictionary

import serial

from kalys.errors import ConfigurationError
from kalys.links.clock import VirtualClock

if TYPE_CHECKING:
    from kalys.evidence.journal import Recorder
    from kalys.links.faults import LineFaults

SCHEME = "kalys"
_HANDLERS = "kalys.links.schemes"

_exchanges: WeakValueDictionary[str, Exchange] = WeakValueDictionary()


class Endpoint(Protocol):
    """The device's end of a line. All three are called by the scheduler and must not wait."""

    def opened(self) -> None: ...
    def closed(self) -> None: ...
    def received(self, data: bytes) -> None: ...


class Connection:
    """The host's end of an open line.

    ``buffer`` holds what has come and was not read; ``lost`` says why the line is gone, or is None.
    """

    __slots__ = ("_line", "buffer", "clock", "lost")

    def __init__(self, line: Line) -> None:
        self._line = line
        self.clock = line.clock
        self.buffer = bytearray()
        self.lost: str | None = None

    @property
    def line(self) -> Line:
        return self._line

    def write(self, data: bytes) -> None:
        """Put bytes on the line; the device has them when the scheduler has run."""
        if self.lost is not None:
            raise OSError(errno.EIO, self.lost)
        self._line.carry_out(data)

    def unsent(self) -> int:
        """Bytes on the line that the device does not have yet."""
        return self._line.bytes_out()

    def drop_unsent(self) -> None:
        self._line.clear_out()

    def close(self) -> None:
        if self.lost is None:
            self.lost = "the port was closed"
            self._line.release(self)


class Line:
    """One port of an exchange with its device. Both directions keep their order."""

    def __init__(
        self,
        clock: VirtualClock,
        port: str,
        device: Endpoint,
        faults: LineFaults | None = None,
        journal: Recorder | None = None,
    ) -> None:
        self.clock = clock
        self.port = port
        self._device = device
        self._connection: Connection | None = None
        # What is under way, with the moment it is due: bytes, or an event for the device.
        self._out: deque[tuple[int, bytes | Callable[[], None]]] = deque()
        self._in: deque[tuple[int, bytes]] = deque()
        # The line's own faults; those of a host that opened it with faults act until it closes.
        self._own = (faults, journal, port)
        self._faults, self._journal, self._label = self._own

    def impair(self, faults: LineFaults, journal: Recorder | None, label: str) -> None:
        """Let ``faults`` act until the host closes; each is journaled under ``label``."""
        faults.reopened()
        self._faults, self._journal, self._label = faults, journal, label

    @property
    def impaired(self) -> bool:
        return self._faults is not None

    def connect(self) -> Connection:
        """Open the host's end. OSError EBUSY if somebody has it open."""
        if self._connection is not None:
            raise OSError(errno.EBUSY, f"port {self.port!r} is open already")
        self._in.clear()
        if self._faults is not None:
            self._faults.reopened()
        self._connection = Connection(self)
        self._schedule_out(self.clock.now(), self._device.opened)
        return self._connection

    def release(self, connection: Connection) -> None:
        if self._connection is connection:
            self._connection = None
            self._in.clear()
            due = self._out[-1][0] if self._out else self.clock.now()
            self._schedule_out(max(due, self.clock.now()), self._device.closed)
            self._faults, self._journal, self._label = self._own

    def drop(self, reason: str = "the device has gone from the line") -> None:
        """Cut the line: the host's next read (after what has come) or write fails."""
        connection = self._connection
        if connection is not None:
            connection.lost = reason
            self.release(connection)

    def send(self, data: bytes) -> None:
        """The device's side: put bytes on the line to the host."""
        if not data or self._connection is None:
            return
        now = self.clock.now()
        if self._faults is None:
            self._in.append((now, bytes(data)))
            self.clock.call_at(now, self._deliver_in)
            return
        for due, chunk in self._through_faults(self._faults, "rx", now, data):
            self._in.append((due, chunk))
            self.clock.call_at(due, self._deliver_in)
        self._cut_if_due(self._faults)

    def carry_out(self, data: bytes) -> None:
        """The host's side: put bytes on the line to the device."""
        now = self.clock.now()
        if self._faults is None:
            self._schedule_out(now, data)
            return
        for due, chunk in self._through_faults(self._faults, "tx", now, data):
            self._schedule_out(due, chunk)
        self._cut_if_due(self._faults)

    def bytes_out(self) -> int:
        return sum(len(item) for _, item in self._out if isinstance(item, bytes))

    def bytes_in(self) -> int:
        return sum(len(chunk) for _, chunk in self._in)

    def clear_out(self) -> None:
        kept = [entry for entry in self._out if not isinstance(entry[1], bytes)]
        self._out.clear()
        self._out.extend(kept)

    def _schedule_out(self, due: int, item: bytes | Callable[[], None]) -> None:
        self._out.append((due, item))
        self.clock.call_at(due, self._deliver_out)

    # One timer per entry, not per entry's closure: a timer whose entry was dropped finds an empty
    # queue, or one whose head is not due yet, and does nothing.
    def _deliver_out(self) -> None:
        out = self._out
        if out and out[0][0] <= self.clock.now():
            item = out.popleft()[1]
            if isinstance(item, bytes):
                self._device.received(item)
            else:
                item()

    def _deliver_in(self) -> None:
        queue = self._in
        if queue and queue[0][0] <= self.clock.now():
            chunk = queue.popleft()[1]
            if self._connection is not None:
                self._connection.buffer += chunk

    def _through_faults(
        self, faults: LineFaults, direction: str, now: int, data: bytes
    ) -> list[tuple[int, bytes]]:
        chunks = faults.carry(direction, now, data)
        for fault in faults.take_faults():
            if self._journal is not None:
                self._journal.add("line-fault", {"link": self._label, **fault.to_dict()})
        return chunks

    def _cut_if_due(self, faults: LineFaults) -> None:
        """Drop the line when the bytes before the cut have arrived, in both directions."""
        if faults.disconnected and self._connection is not None:
            under_way = [entry[0] for queue in (self._out, self._in) for entry in queue]
            cut, connection = max(under_way, default=self.clock.now()), self._connection
            self.clock.call_at(cut, lambda: self._cut(connection))

    def _cut(self, connection: Connection) -> None:
        if self._connection is connection:
            self.drop("the line was cut (line fault)")


class Exchange:
    """The patch panel of one bench in virtual time.

    Keep a reference to it for as long as its ports are used; ``close`` frees the token.
    """

    def __init__(self, clock: VirtualClock, token: str | None = None) -> None:
        self.clock = clock
        self._lines: dict[str, Line] = {}
        self.token = token if token is not None else _free_token()
        if self.token in _exchanges:
            raise ConfigurationError(
                "there is an exchange of this name already",
                where=f"{SCHEME}://{self.token}",
                remedy="Close the other exchange first, or choose another token.",
            )
        _exchanges[self.token] = self
        register_scheme()

    def __enter__(self) -> Exchange:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def attach(
        self,
        port: str,
        device: Endpoint,
        *,
        faults: LineFaults | None = None,
        journal: Recorder | None = None,
    ) -> Callable[[bytes], None]:
        """Attach a device model to a port; returns the callable by which it sends bytes."""
        if port in self._lines:
            raise ConfigurationError(
                "a device is attached to this port already", where=self.url(port)
            )
        line = self._lines[port] = Line(self.clock, port, device, faults, journal)
        return line.send

    def detach(self, port: str) -> None:
        """Take the device away from its port; an open host loses the line."""
        self._line(port).drop()
        del self._lines[port]

    def drop(self, port: str, reason: str = "the device has gone from the line") -> None:
        """Cut the line to whoever has it open; it can be opened again."""
        self._line(port).drop(reason)

    def connect(self, port: str) -> Connection:
        """Open the host's end of a port. OSError ENOENT: nobody is there; EBUSY: it is open."""
        return self._line(port).connect()

    def ports(self) -> tuple[str, ...]:
        return tuple(self._lines)

    def url(self, port: str) -> str:
        """The pyserial URL of a port."""
        return f"{SCHEME}://{self.token}/{quote(port, safe='')}"

    def in_flight(self) -> int:
        """Bytes that were sent, either way, and have not arrived yet."""
        return sum(line.bytes_out() + line.bytes_in() for line in self._lines.values())

    def close(self) -> None:
        """Drop all lines and free the token."""
        for line in self._lines.values():
            line.drop("the exchange was closed")
        self._lines.clear()
        if _exchanges.get(self.token) is self:
            del _exchanges[self.token]

    def _line(self, port: str) -> Line:
        line = self._lines.get(port)
        if line is None:
            known = ", ".join(self._lines) or "none"
            raise FileNotFoundError(
                errno.ENOENT, f"no device is attached to port {port!r}; attached: {known}"
            )
        return line


def exchange_of(token: str) -> Exchange:
    """The living exchange of that token. OSError ENOENT if there is none."""
    exchange = _exchanges.get(token)
    if exchange is None:
        known = ", ".join(_exchanges) or "none"
        raise FileNotFoundError(
            errno.ENOENT, f"there is no exchange {token!r} in this process; there are: {known}"
        )
    return exchange


def tokens() -> tuple[str, ...]:
    """Tokens of the living exchanges."""
    return tuple(_exchanges)


def split_url(url: str) -> tuple[str, str]:
    """``kalys://token/port`` -> (token, port). ValueError if it is not of that form."""
    parts = urlsplit(url)
    port = unquote(parts.path.removeprefix("/"))
    if parts.scheme != SCHEME or not parts.netloc or not port:
        raise ValueError(f"expected {SCHEME}://<token>/<port>, got {url!r}")
    return parts.netloc, port


def register_scheme() -> None:
    """Tell pyserial where the scheme's module is (once)."""
    if _HANDLERS not in serial.protocol_handler_packages:
        serial.protocol_handler_packages.append(_HANDLERS)


def _free_token() -> str:
    number = 1
    while (token := "bench" if number == 1 else f"bench-{number}") in _exchanges:
        number += 1
    return token
