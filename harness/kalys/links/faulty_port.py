"""Line faults before a real port: the same law as on in-process lines, on any transport.

Outgoing bytes are written when their time comes (a write takes as long as the line would);
incoming ones are held back until theirs.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from serial import SerialException

from kalys.links.clock import NANOSECONDS, Clock
from kalys.links.faults import LineFaults

if TYPE_CHECKING:
    from kalys.evidence.journal import Recorder


class FaultyPort:
    """A pyserial port with faults: the part of its interface that a Link uses."""

    def __init__(
        self, port: Any, faults: LineFaults, clock: Clock, journal: Recorder | None, label: str
    ) -> None:
        self.timeout: float | None = None
        self._port = port
        self._faults = faults
        self._clock = clock
        self._journal = journal
        self._label = label
        self._under_way: deque[tuple[int, bytes]] = deque()
        self._buffer = bytearray()
        faults.reopened()

    @property
    def is_open(self) -> bool:
        return bool(self._port.is_open)

    @property
    def in_waiting(self) -> int:
        self._release()
        return len(self._buffer)

    def write(self, data: bytes) -> int:
        for due, chunk in self._carry("tx", data):
            self._clock.sleep((due - self._clock.now()) / NANOSECONDS)
            self._port.write(chunk)
        if self._faults.disconnected:
            self._port.close()
        return len(data)

    def read(self, size: int = 1) -> bytes:
        clock = self._clock
        deadline = None if self.timeout is None else clock.now() + self.timeout * NANOSECONDS
        while True:
            self._release()
            if len(self._buffer) >= size:
                break
            if self._faults.disconnected and not self._under_way:
                if not self._buffer:
                    raise SerialException("the line was cut (line fault)")
                break
            now = clock.now()
            moments = [m for m in (deadline, self._next_due()) if m is not None]
            left = None if not moments else max(0.0, min(moments) - now) / NANOSECONDS
            self._fetch(left)
            if deadline is not None and now >= deadline:
                self._release()
                break
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    def close(self) -> None:
        self._port.close()

    def _fetch(self, seconds: float | None) -> None:
        """Wait up to ``seconds`` for bytes of the real port and send them through the faults."""
        if self._faults.disconnected:
            self._clock.sleep(seconds or 0.0)
            return
        self._port.timeout = seconds
        raw = self._port.read(1)
        if raw:
            raw += self._port.read(waiting) if (waiting := self._port.in_waiting) else b""
            self._under_way.extend(self._carry("rx", raw))

    def _next_due(self) -> int | None:
        return self._under_way[0][0] if self._under_way else None

    def _release(self) -> None:
        now = self._clock.now()
        while self._under_way and self._under_way[0][0] <= now:
            self._buffer += self._under_way.popleft()[1]

    def _carry(self, direction: str, data: bytes) -> list[tuple[int, bytes]]:
        if self._faults.disconnected:
            raise SerialException("the line was cut (line fault)")
        arrivals = self._faults.carry(direction, self._clock.now(), data)
        if self._journal is not None:
            for fault in self._faults.take_faults():
                self._journal.add("line-fault", {"link": self._label, **fault.to_dict()})
        return arrivals
