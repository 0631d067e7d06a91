"""pyserial scheme ``kalys://<token>/<port>``: a port of an in-process exchange, in virtual time.

``serial.serial_for_url("kalys://bench/urn-1")`` opens it like any other port. All the semantics of
a ``serial.Serial`` hold (timeouts None, 0 and positive, inter-byte timeout, write timeout, buffers,
resets), except that time is the exchange's clock: a read of a silent device jumps to its deadline
at once. Line settings are taken and have no effect; pacing at a baud rate is a line fault.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from serial.serialutil import (
    PortNotOpenError,
    SerialBase,
    SerialException,
    SerialTimeoutException,
)

from kalys.links.inprocess import Connection, exchange_of, split_url

# A UART driver takes about this much before ``write`` blocks (Linux: one page).
_OUTPUT_BUFFER = 4096


class Serial(SerialBase):
    """A host's open port of an exchange."""

    _connection: Connection | None = None
    # SerialBase keeps its settings in attributes of these names.
    _timeout: float | None
    _write_timeout: float | None
    _inter_byte_timeout: float | None

    def open(self) -> None:
        """Open the port. SerialException with errno ENOENT, EBUSY or EINVAL if it cannot be."""
        if self.portstr is None:
            raise SerialException("Port must be configured before it can be used.")
        if self.is_open:
            raise SerialException("Port is already open.")
        try:
            token, port = split_url(self.portstr)
            self._connection = exchange_of(token).connect(port)
        except OSError as error:
            raise SerialException(
                error.errno, f"could not open port {self.portstr}: {error.strerror}"
            ) from error
        except ValueError as error:
            raise SerialException(str(error)) from error
        self.is_open = True

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self.is_open = False

    @property
    def connection(self) -> Connection:
        """The host's end of the line (for the layers above that know the scheme)."""
        if self._connection is None:
            raise PortNotOpenError()
        return self._connection

    @property
    def in_waiting(self) -> int:
        """Bytes that have come and were not read."""
        connection = self._connection
        if connection is None:
            raise PortNotOpenError()
        return len(connection.buffer)

    @property
    def out_waiting(self) -> int:
        """Bytes that were written and have not arrived yet."""
        return self.connection.unsent()

    def read(self, size: int = 1, /) -> bytes:
        """Up to ``size`` bytes; fewer after the timeout. SerialException once the line is lost."""
        connection = self._connection
        if connection is None:
            raise PortNotOpenError()
        buffer = connection.buffer
        if len(buffer) < size:
            self._await(connection, size)
        if len(buffer) <= size:
            data = bytes(buffer)
            buffer.clear()
        else:
            data = bytes(buffer[:size])
            del buffer[:size]
        return data

    def _await(self, connection: Connection, size: int) -> None:
        buffer = connection.buffer
        if connection.lost is None and self._timeout != 0:

            def enough() -> bool:
                return len(buffer) >= size or connection.lost is not None

            if self._inter_byte_timeout is None:
                connection.clock.wait(enough, self._timeout)
            else:
                self._await_by_bytes(connection, enough, self._inter_byte_timeout)
        if connection.lost is not None and not buffer:
            raise SerialException(f"read failed: {connection.lost}")

    def _await_by_bytes(
        self, connection: Connection, enough: Callable[[], bool], gap: float
    ) -> None:
        """As POSIX: the timeout runs until the first byte, then the gap between bytes counts."""
        buffer, clock = connection.buffer, connection.clock
        if not buffer:
            clock.wait(lambda: bool(buffer) or enough(), self._timeout)
        while buffer and not enough():
            seen = len(buffer)
            if not clock.wait(lambda seen=seen: len(buffer) > seen or enough(), gap):  # type: ignore[misc]
                break

    def read_until(self, expected: bytes = b"\n", size: int | None = None) -> bytes:
        """As in pyserial; its own measures the timeout on the host's clock."""
        clock, timeout = self.connection.clock, self._timeout
        deadline = None if timeout is None else clock.now() + round(timeout * 1e9)
        line = bytearray()
        try:
            while not line.endswith(expected) and (size is None or len(line) < size):
                if deadline is not None:
                    self._timeout = max(0, deadline - clock.now()) / 1e9
                byte = self.read(1)
                if not byte:
                    break
                line += byte
        finally:
            self._timeout = timeout
        return bytes(line)

    def write(self, b: Any, /) -> int:
        """Put bytes on the line. Waits, up to the write timeout, while its buffer is full."""
        connection = self._connection
        if connection is None:
            raise PortNotOpenError()
        data = b if type(b) is bytes else bytes(b)
        if connection.line.impaired:
            self._await_room(connection)
        try:
            connection.write(data)
        except OSError as error:
            raise SerialException(f"write failed: {error.strerror}") from error
        return len(data)

    def _await_room(self, connection: Connection) -> None:
        def room() -> bool:
            return connection.unsent() < _OUTPUT_BUFFER or connection.lost is not None

        if not connection.clock.wait(room, self._write_timeout):
            raise SerialTimeoutException("Write timeout")

    def flush(self) -> None:
        """Wait until all that was written has arrived."""
        connection = self._connection
        if connection is not None and connection.lost is None:
            connection.clock.wait(
                lambda: connection.unsent() == 0 or connection.lost is not None, None
            )

    def reset_input_buffer(self) -> None:
        self.connection.buffer.clear()

    def reset_output_buffer(self) -> None:
        """Drop what was written and has not arrived."""
        self.connection.drop_unsent()

    def send_break(self, duration: float = 0.25) -> None:
        """A break takes its time and says nothing to the device."""
        self.connection.clock.sleep(duration)

    @property
    def cts(self) -> bool:
        return self.connection.lost is None

    @property
    def dsr(self) -> bool:
        return self.connection.lost is None

    @property
    def ri(self) -> bool:
        return False

    @property
    def cd(self) -> bool:
        return self.connection.lost is None

    # SerialBase calls these when a setting changes; an in-process line has none to change.
    def _reconfigure_port(self) -> None: ...
    def _update_rts_state(self) -> None: ...
    def _update_dtr_state(self) -> None: ...
    def _update_break_state(self) -> None: ...
