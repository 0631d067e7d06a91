"""PyVISA back end "kalys": instruments of an in-process exchange, in virtual time.

``pyvisa.ResourceManager("<token>@kalys").open_resource("TCPIP::supply::5025::SOCKET")`` opens port
``supply`` of the exchange with that token; ``"@kalys"`` alone takes the exchange there is. PyVISA
finds the back end by the name of the top-level module ``pyvisa_kalys``.

A read ends as VISA's viRead does on a raw socket (VPP-4.3 rules 6.1.1 to 6.1.3, and the defaults of
pyvisa-py): at the termination character if it is enabled, at the count, at the end of what has come
if END is not suppressed, else at the timeout, which virtual time reaches at once.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable
from typing import Any

from pyvisa import attributes, constants, highlevel, rname
from pyvisa.constants import BufferOperation, ResourceAttribute, StatusCode
from pyvisa.typing import VISAEventContext, VISARMSession, VISASession
from pyvisa.util import LibraryPath
from typing_extensions import override

from kalys.links.inprocess import Connection, Exchange, exchange_of, tokens

# What instruments with an SCPI socket listen on; in-process ports have no number of their own.
SCPI_PORT = 5025

_DISCARDS_INPUT = (
    BufferOperation.discard_read_buffer
    | BufferOperation.discard_receive_buffer
    | BufferOperation.discard_receive_buffer2
)


def resource_name(port: str) -> str:
    """The VISA resource of an exchange's port."""
    return f"TCPIP::{port}::{SCPI_PORT}::SOCKET"


class _Session:
    """One open resource: its connection and its VISA attributes."""

    def __init__(self, connection: Connection, parsed: rname.TCPIPSocket) -> None:
        self.connection = connection
        self.attributes: dict[int, Any] = {
            attribute: attributes.AttributesByID[attribute].default
            for attribute in (
                ResourceAttribute.timeout_value,
                ResourceAttribute.termchar,
                ResourceAttribute.termchar_enabled,
                ResourceAttribute.send_end_enabled,
            )
        }
        self.attributes |= {
            ResourceAttribute.interface_type: parsed.interface_type_const,
            ResourceAttribute.interface_number: int(parsed.board),
            ResourceAttribute.resource_class: parsed.resource_class,
            ResourceAttribute.resource_name: str(parsed),
            ResourceAttribute.tcpip_address: parsed.host_address,
            ResourceAttribute.tcpip_hostname: parsed.host_address,
            ResourceAttribute.tcpip_port: int(parsed.port),
            ResourceAttribute.tcpip_nodelay: True,
            ResourceAttribute.tcpip_keepalive: False,
            ResourceAttribute.suppress_end_enabled: True,
        }

    def timeout(self) -> float | None:
        """Seconds; None without limit."""
        milliseconds = self.attributes[ResourceAttribute.timeout_value]
        if milliseconds == constants.VI_TMO_INFINITE:
            return None
        return float(milliseconds) / 1000

    def read(self, count: int) -> tuple[bytes, StatusCode]:
        connection = self.connection
        buffer = connection.buffer
        end = -1
        if self.attributes[ResourceAttribute.termchar_enabled]:
            end = int(self.attributes[ResourceAttribute.termchar])
        whole = not self.attributes[ResourceAttribute.suppress_end_enabled]

        def ended() -> bool:
            return (
                len(buffer) >= count
                or (end >= 0 and end in buffer)
                or (whole and bool(buffer))
                or connection.lost is not None
            )

        connection.clock.wait(ended, self.timeout())
        length, status = count, StatusCode.success_max_count_read
        if end >= 0 and 0 <= (at := buffer.find(end)) < count:
            length, status = at + 1, StatusCode.success_termination_character_read
        elif len(buffer) < count:
            length = len(buffer)
            if whole and buffer:
                status = StatusCode.success
            elif connection.lost is not None:
                status = StatusCode.error_connection_lost
            else:
                status = StatusCode.error_timeout
        data = bytes(buffer[:length])
        del buffer[:length]
        return data, status


class KalysVisaLibrary(highlevel.VisaLibraryBase):
    """The VISA functions that PyVISA needs for a message-based socket resource."""

    _sessions: dict[int, _Session]
    _last: int

    @staticmethod
    def get_library_paths() -> Iterable[LibraryPath]:
        return tuple(LibraryPath(token) for token in tokens())

    @staticmethod
    def get_debug_info() -> dict[str, str]:
        return {"Exchanges": ", ".join(tokens()) or "none"}

    def _init(self) -> None:
        self._sessions = {}
        self._last = 0

    def _new_handle(self) -> int:
        self._last += 1
        return self._last

    def _exchange(self) -> Exchange:
        return exchange_of(str(self.library_path))

    @override
    def open_default_resource_manager(self) -> tuple[VISARMSession, StatusCode]:
        handle = VISARMSession(self._new_handle())
        return handle, self.handle_return_value(handle, StatusCode.success)

    @override
    def list_resources(self, session: VISARMSession, query: str = "?*::INSTR") -> tuple[str, ...]:
        names = [
            str(rname.ResourceName.from_string(resource_name(port)))
            for port in self._exchange().ports()
        ]
        return rname.filter(names, query)

    @override
    def open(
        self,
        session: VISARMSession,
        resource_name: str,
        access_mode: constants.AccessModes = constants.AccessModes.no_lock,
        open_timeout: int = constants.VI_TMO_IMMEDIATE,
    ) -> tuple[VISASession, StatusCode]:
        try:
            parsed = rname.ResourceName.from_string(resource_name)
        except rname.InvalidResourceName:
            return self._refuse(StatusCode.error_invalid_resource_name)
        if not isinstance(parsed, rname.TCPIPSocket):
            return self._refuse(StatusCode.error_resource_not_found)
        try:
            connection = self._exchange().connect(parsed.host_address)
        except OSError as error:
            busy = error.errno == errno.EBUSY
            return self._refuse(
                StatusCode.error_resource_busy if busy else StatusCode.error_resource_not_found
            )
        handle = VISASession(self._new_handle())
        self._sessions[handle] = _Session(connection, parsed)
        return handle, self.handle_return_value(handle, StatusCode.success)

    def _refuse(self, status: StatusCode) -> tuple[VISASession, StatusCode]:
        return VISASession(0), self.handle_return_value(None, status)

    @override
    def close(self, session: VISASession | VISAEventContext | VISARMSession) -> StatusCode:
        opened = self._sessions.pop(session, None)
        if opened is not None:
            opened.connection.close()
        return self.handle_return_value(None, StatusCode.success)

    @override
    def read(self, session: VISASession, count: int) -> tuple[bytes, StatusCode]:
        data, status = self._session(session).read(count)
        return data, self.handle_return_value(session, status)

    @override
    def write(self, session: VISASession, data: bytes) -> tuple[int, StatusCode]:
        try:
            self._session(session).connection.write(bytes(data))
        except OSError:
            return 0, self.handle_return_value(session, StatusCode.error_connection_lost)
        return len(data), self.handle_return_value(session, StatusCode.success)

    @override
    def clear(self, session: VISASession) -> StatusCode:
        self._session(session).connection.buffer.clear()
        return self.handle_return_value(session, StatusCode.success)

    @override
    def flush(self, session: VISASession, mask: BufferOperation) -> StatusCode:
        if mask & _DISCARDS_INPUT:
            return self.clear(session)
        return self.handle_return_value(session, StatusCode.success)

    @override
    def get_attribute(self, session: Any, attribute: Any) -> tuple[Any, StatusCode]:
        held = self._session(session).attributes
        if attribute not in held:
            return 0, self.handle_return_value(session, StatusCode.error_nonsupported_attribute)
        return held[attribute], self.handle_return_value(session, StatusCode.success)

    @override
    def set_attribute(
        self, session: VISASession, attribute: ResourceAttribute, attribute_state: Any
    ) -> StatusCode:
        held = self._session(session).attributes
        status = StatusCode.success
        if attribute not in held:
            status = StatusCode.error_nonsupported_attribute
        elif not attributes.AttributesByID[attribute].write:
            status = StatusCode.error_attribute_read_only
        else:
            held[attribute] = attribute_state
        return self.handle_return_value(session, status)

    # A socket has no events; PyVISA switches them off when it closes any resource.
    @override
    def disable_event(
        self,
        session: VISASession,
        event_type: constants.EventType,
        mechanism: constants.EventMechanism,
    ) -> StatusCode:
        return StatusCode.success

    @override
    def discard_events(
        self,
        session: VISASession,
        event_type: constants.EventType,
        mechanism: constants.EventMechanism,
    ) -> StatusCode:
        return StatusCode.success

    def _session(self, handle: int) -> _Session:
        opened = self._sessions.get(handle)
        if opened is None:
            self.handle_return_value(None, StatusCode.error_invalid_object)
            raise AssertionError("an invalid object is an error of VISA")
        return opened
