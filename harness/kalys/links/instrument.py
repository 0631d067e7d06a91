"""Instruments: text to and from a measuring instrument over PyVISA, journaled as it passes.

The same calls reach a real instrument (``TCPIP::192.0.2.7::5025::SOCKET``, USB, GPIB, serial, by
pyvisa-py) and an emulated one in virtual time (back end ``kalys.links.visa``).
"""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import TYPE_CHECKING

import pyvisa
from pyvisa.constants import StatusCode
from pyvisa.errors import VisaIOError
from pyvisa.resources import MessageBasedResource

from kalys.errors import LinkError, ProtocolError
from kalys.links.clock import Clock
from kalys.links.inprocess import Exchange

if TYPE_CHECKING:
    from kalys.evidence.journal import Recorder

_FAILURES = {
    StatusCode.error_resource_not_found: (
        "there is no such instrument",
        "Check the resource (list what is there with: pyvisa-shell list) and its power.",
    ),
    StatusCode.error_invalid_resource_name: (
        "this is not a VISA resource name",
        "Write it as TCPIP::192.0.2.7::5025::SOCKET, USB::...::INSTR, GPIB::5::INSTR or "
        "ASRL/dev/ttyUSB0::INSTR.",
    ),
    StatusCode.error_resource_busy: (
        "the instrument is in use by another program or link",
        "Close that program.",
    ),
    StatusCode.error_timeout: (
        "the instrument did not answer in time",
        "Check that it is on, in remote mode, and that it knows the command.",
    ),
    StatusCode.error_connection_lost: (
        "the connection to the instrument was lost",
        "Check its cable and power, then open it again.",
    ),
}


class Instrument:
    """An open instrument. Messages end with a line feed both ways."""

    def __init__(
        self,
        resource: MessageBasedResource,
        *,
        address: str,
        name: str,
        clock: Clock,
        journal: Recorder | None,
    ) -> None:
        self.name = name
        self.address = address
        self.clock = clock
        self._resource = resource
        self._journal = journal
        self._late_answer = False

    def __enter__(self) -> Instrument:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, text: str) -> None:
        """Send one message. LinkError when the instrument is lost."""
        data = text.encode("ascii", "replace") + b"\n"
        now = self.clock.now()
        try:
            self._resource.write_raw(data)
        except (VisaIOError, OSError) as error:
            raise _explained(error, self.address) from error
        if self._journal is not None:
            self._journal.wire(self.name, "tx", data, now)

    def query(self, text: str) -> str:
        """Send a message and return the answer without its line end.

        LinkError when no answer comes in time or the instrument is lost; ProtocolError for an
        answer that is not text.
        """
        if self._late_answer:
            # The answer to an earlier query may have come since; it must not pass for this one's.
            with suppress(VisaIOError, OSError):
                self._resource.clear()
            self._late_answer = False
        self.write(text)
        try:
            data = self._resource.read_raw()
        except (VisaIOError, OSError) as error:
            self._late_answer = True
            raise _explained(error, self.address, f" ({text})") from error
        if self._journal is not None:
            self._journal.wire(self.name, "rx", data, self.clock.now())
        try:
            return data.decode("ascii").rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise ProtocolError(
                f"the answer to {text} is not ASCII text: {data[:40]!r}", where=self.address
            ) from error

    def close(self) -> None:
        """Close the resource; never raises."""
        with suppress(Exception):
            self._resource.close()


def open_instrument(
    resource: str,
    *,
    name: str,
    clock: Clock,
    journal: Recorder | None,
    exchange: Exchange | None = None,
    timeout: float = 5.0,
) -> Instrument:
    """Open a VISA resource: of ``exchange`` if given, else a real one by pyvisa-py.

    ``timeout`` is how long an answer may take, in seconds. LinkError says why it cannot be opened.
    """
    library = "@py" if exchange is None else f"{exchange.token}@kalys"
    try:
        opened = pyvisa.ResourceManager(library).open_resource(resource)
        if not isinstance(opened, MessageBasedResource):
            opened.close()
            raise LinkError(
                "this resource takes no text messages",
                where=resource,
                remedy="Name its INSTR or SOCKET resource.",
            )
        _set_up(opened, timeout)
    except LinkError:
        raise
    except Exception as error:  # pyvisa-py raises bare Exception when it cannot connect
        raise _explained(error, resource) from error
    return Instrument(opened, address=resource, name=name, clock=clock, journal=journal)


def _set_up(opened: MessageBasedResource, timeout: float) -> None:
    opened.timeout = round(timeout * 1000)
    opened.read_termination = "\n"
    # pyvisa-py takes a refused connection for an open one (asking for the peer tells), and does
    # not let VI_ATTR_TCPIP_NODELAY be set.
    sessions = getattr(opened.visalib, "sessions", {})
    interface = getattr(sessions.get(opened.session), "interface", None)
    if isinstance(interface, socket.socket):
        try:
            interface.getpeername()
            interface.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError:
            opened.close()
            raise


def _explained(error: BaseException, address: str, doing: str = "") -> LinkError:
    status = getattr(error, "error_code", None)
    if status in _FAILURES:
        what, remedy = _FAILURES[status]
    elif isinstance(error, OSError):
        what, remedy = _FAILURES[StatusCode.error_connection_lost]
        what = f"{what}: {error.strerror or error}"
    else:
        what = " ".join(str(error).split()) or type(error).__name__
        remedy = "Check the resource name, the instrument's power and its network settings."
    return LinkError(what + doing, where=address, remedy=remedy)
