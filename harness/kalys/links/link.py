"""Links: bytes to and from one device, journaled as they pass.

How to think about it. A link is a pyserial URL that is open: a real port, ``socket://``,
``rfc2217://``, a pty, or ``kalys://`` in virtual time. It knows nothing of frames. A codec says how
many bytes it needs at least, ``read`` returns as soon as these are there. Each write and each
non-empty read is one ``wire`` record with the clock's time at which the bytes were handed over.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import serial

from kalys.errors import ConfigurationError, LinkError
from kalys.links import diagnosis
from kalys.links.clock import Clock
from kalys.links.faults import LineFaults
from kalys.links.faulty_port import FaultyPort
from kalys.links.inprocess import SCHEME, register_scheme
from kalys.links.schemes.protocol_kalys import Serial as InProcessPort

if TYPE_CHECKING:
    from kalys.evidence.journal import Recorder

# Every ``read`` of these classes looks at ``_timeout`` when it begins. Setting the public
# ``timeout`` would program the whole port again: termios calls, or a negotiation over the network.
_READ_TIMEOUT_AT_EACH_READ = frozenset(
    {
        "kalys.links.schemes.protocol_kalys",
        "serial.rfc2217",
        "serial.serialposix",
        "serial.urlhandler.protocol_socket",
    }
)
# ``in_waiting`` of pyserial's socket port says only whether anything is there, not how much.
_WAITING_UNKNOWN = frozenset({"serial.urlhandler.protocol_socket"})

_WRITE_TIMEOUT = 10.0
_AT_ONCE = 4096


@dataclass(frozen=True)
class SerialSettings:
    """Line settings. They act on real ports and over RFC 2217; other transports ignore them.

    ``dtr`` and ``rts`` are the levels from the moment of opening (None: the driver's default).
    """

    baudrate: int = 115200
    bytesize: int = 8
    parity: str = "N"
    stopbits: float = 1
    xonxoff: bool = False
    rtscts: bool = False
    dsrdtr: bool = False
    dtr: bool | None = None
    rts: bool | None = None


class Link:
    """An open link. ``sent_at`` and ``received_at`` are the times (ns) of the last bytes."""

    def __init__(
        self,
        port: Any,
        *,
        url: str,
        name: str,
        clock: Clock,
        journal: Recorder | None,
        settings: SerialSettings | None = None,
        faults: LineFaults | None = None,
    ) -> None:
        self.name = name
        self.url = url
        self.clock = clock
        self.sent_at = 0
        self.received_at = 0
        self._journal = journal
        self._settings = settings
        self._faults = faults
        self._use(port)

    def _use(self, port: Any) -> None:
        module = type(port).__module__
        self._port = port
        self._closing = False
        self._timeout: float | None = None
        self._timeout_name = "_timeout" if module in _READ_TIMEOUT_AT_EACH_READ else "timeout"
        self._tells_waiting = module not in _WAITING_UNKNOWN

    def __enter__(self) -> Link:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def is_open(self) -> bool:
        return bool(self._port.is_open)

    def write(self, data: bytes) -> None:
        """Send bytes. LinkError when the link is lost or the device takes nothing for 10 s."""
        now = self.clock.now()
        try:
            self._port.write(data)
        except serial.SerialTimeoutException:
            raise diagnosis.does_not_take(self.url, _WRITE_TIMEOUT) from None
        except (OSError, TypeError) as error:
            raise self._lost(error, "writing") from error
        self.sent_at = now
        if self._journal is not None:
            self._journal.wire(self.name, "tx", data, now)

    def read(self, want: int = 1, timeout: float = 1.0) -> bytes:
        """At least ``want`` bytes and what else is already there; fewer after ``timeout`` s.

        LinkError when the link is lost.
        """
        port = self._port
        try:
            self._wait_at_most(timeout)
            data: bytes = port.read(want)
            if len(data) >= want and (more := port.in_waiting):
                if not self._tells_waiting:
                    # Something is there, nobody says how much: take what comes without waiting.
                    self._wait_at_most(0)
                    more = _AT_ONCE
                data += port.read(more)
        except (OSError, TypeError) as error:
            # TypeError: how pyserial fails when another thread closes the port under a read.
            raise self._lost(error, "reading") from error
        if data:
            self.received_at = now = self.clock.now()
            if self._journal is not None:
                self._journal.wire(self.name, "rx", data, now)
        return data

    def _wait_at_most(self, timeout: float) -> None:
        timeout /= getattr(self.clock, "pace", 1.0)
        if timeout != self._timeout:
            setattr(self._port, self._timeout_name, timeout)
            self._timeout = timeout

    def discard(self) -> bytes:
        """Take (and journal) whatever has come and was not read."""
        data = b""
        while chunk := self.read(4096, timeout=0):
            data += chunk
        return data

    def reopen(self) -> None:
        """Close and open again, after the device was away. LinkError if it still is."""
        self.close()
        port = _open_port(
            self.url,
            name=self.name,
            clock=self.clock,
            journal=self._journal,
            settings=self._settings,
            faults=self._faults,
        )
        self._use(port)

    def close(self) -> None:
        """Close the port; never raises. A read in another thread ends with LinkError."""
        self._closing = True
        with suppress(Exception):
            self._port.close()

    def _lost(self, error: Exception, doing: str) -> LinkError:
        failure = diagnosis.lost(self.url, error, doing)
        # A port that we closed under a reader of another thread was not lost.
        if self._journal is not None and not self._closing:
            self._journal.add("note", {"link": self.name, "lost": failure.what})
        return failure


def open_link(
    url: str,
    *,
    name: str,
    clock: Clock,
    journal: Recorder | None,
    settings: SerialSettings | None = None,
    faults: LineFaults | None = None,
) -> Link:
    """Open any pyserial URL or port name for ourselves alone, where the platform can.

    ``name`` is the link's name in the journal. LinkError says why it cannot be opened.
    """
    port = _open_port(
        url, name=name, clock=clock, journal=journal, settings=settings, faults=faults
    )
    return Link(
        port, url=url, name=name, clock=clock, journal=journal, settings=settings, faults=faults
    )


def _open_port(
    url: str,
    *,
    name: str,
    clock: Clock,
    journal: Recorder | None,
    settings: SerialSettings | None,
    faults: LineFaults | None,
) -> Any:
    inside = url.lower().startswith(f"{SCHEME}://")
    _check_time_base(url, clock, inside)
    register_scheme()
    try:
        port = _open_serial(url, settings or SerialSettings())
    except (OSError, ValueError, NotImplementedError) as error:
        raise diagnosis.cannot_open(url, error) from error
    if isinstance(port, InProcessPort):
        line = port.connection.line
        if line.clock is not clock:
            port.close()
            raise ConfigurationError("the link and the exchange have different clocks", where=url)
        if faults is not None:
            line.impair(faults, journal, name)
        return port
    _send_at_once(port)
    return port if faults is None else FaultyPort(port, faults, clock, journal, name)


def _check_time_base(url: str, clock: Clock, inside: bool) -> None:
    if inside != (clock.base == "virtual"):
        raise ConfigurationError(
            f"this link cannot be used in {clock.base} time",
            where=url,
            remedy="Virtual time needs kalys:// links; real wires need the real clock.",
        )


def _open_serial(url: str, settings: SerialSettings) -> Any:
    options = asdict(settings)
    dtr, rts = options.pop("dtr"), options.pop("rts")
    if not url.lower().startswith("rfc2217://"):  # pyserial has no write timeout there
        options["write_timeout"] = _WRITE_TIMEOUT
    port = serial.serial_for_url(url, **options, exclusive=True, do_not_open=True)
    if dtr is not None:
        port.dtr = dtr
    if rts is not None:
        port.rts = rts
    port.open()
    return port


def _send_at_once(port: Any) -> None:
    """Nagle's algorithm would hold a small request back until the last one is acknowledged."""
    connection = getattr(port, "_socket", None)
    if isinstance(connection, socket.socket):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
