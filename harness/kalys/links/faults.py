"""Line faults: what a bad cable does to bytes, as a law that a seed repeats.

How to think about it. ``LineFaults`` is sans-I/O: ``carry(direction, time, data)`` takes what one
side sends and returns what arrives, and when. It stands between a core and its adapter, on an
in-process line (``inprocess.Line``) or before a real port (``faulty_port.FaultyPort``).

Rates are probabilities per byte, and the faults of a direction hit byte numbers of its stream, not
writes: the same bytes meet the same faults however they are cut into writes, and the two directions
do not disturb one another. Distances between faults are drawn from the geometric distribution.

Pacing: one character is ten bits on the line (start, eight data, stop); a receiver sees characters
in pieces of at most 16, the depth of a 16550's FIFO, each when its last bit has come.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_BITS_PER_CHARACTER = 10
_FIFO = 16
_NANOSECONDS = 1_000_000_000
_GAP = 0.002  # longest pause after a cut between two fragments, s


@dataclass(frozen=True)
class Fault:
    """One fault: ``offset`` is the byte's number in the direction's stream, from 0."""

    time: int
    direction: str
    kind: str  # fragment | corrupt | lose | stall | disconnect
    offset: int
    before: bytes = b""
    after: bytes = b""
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """The fault as the journal keeps it."""
        data: dict[str, Any] = {
            "direction": self.direction,
            "fault": self.kind,
            "offset": self.offset,
        }
        if self.before or self.after:
            data |= {"before": self.before.hex(), "after": self.after.hex()}
        if self.seconds:
            data["seconds"] = self.seconds
        return data


class _Stream:
    """One direction: its random numbers, the next byte each kind of fault will hit, the line."""

    def __init__(self, seed: str, rates: dict[str, float]) -> None:
        self._rates = rates
        self._random = {kind: random.Random(f"{seed}/{kind}") for kind in rates}
        self.next = {kind: self._distance(kind) for kind in rates}
        self.offset = 0
        self.free_at = 0

    def _distance(self, kind: str) -> float:
        """Bytes to the next fault: geometric with the kind's rate, inverted from one uniform."""
        rate = self._rates[kind]
        if rate <= 0:
            return math.inf
        if rate >= 1:
            return 0
        # log1p keeps its precision for tiny rates, where log(1 - rate) would be 0.
        distance = math.log(1.0 - self._random[kind].random()) / math.log1p(-rate)
        return distance if math.isinf(distance) else math.floor(distance)

    def hits(self, kind: str) -> bool:
        """Whether the fault hits the current byte; draws the next distance if it does."""
        if self.next[kind] != self.offset:
            return False
        self.next[kind] = self.offset + 1 + self._distance(kind)
        return True

    def untouched(self, upto: int) -> bool:
        """No fault of any kind hits the bytes before number ``upto``."""
        return min(self.next.values()) >= upto

    def draw(self, kind: str) -> random.Random:
        return self._random[kind]


class LineFaults:
    """Both directions of one line.

    ``seed`` repeats the faults; ``baud`` paces (None: no pacing); ``fragment``, ``corrupt`` (one
    bit flips) and ``lose`` are rates per byte; ``stall`` is (rate per byte, seconds of standstill);
    ``disconnect_after`` cuts the line once, after that many bytes of both directions together.
    ValueError for rates outside 0..1.
    """

    def __init__(
        self,
        seed: int | str,
        *,
        baud: int | None = None,
        fragment: float = 0.0,
        corrupt: float = 0.0,
        lose: float = 0.0,
        stall: tuple[float, float] = (0.0, 0.0),
        disconnect_after: int | None = None,
    ) -> None:
        rates = {"fragment": fragment, "corrupt": corrupt, "lose": lose, "stall": stall[0]}
        for kind, rate in rates.items():
            if not 0.0 <= rate <= 1.0:
                raise ValueError(f"the rate of {kind!r} is a probability per byte, got {rate}")
        if baud is not None and baud <= 0:
            raise ValueError(f"a baud rate is positive, got {baud}")
        self.disconnected = False
        self._left = disconnect_after
        self._stall_seconds = stall[1]
        self._character = 0.0 if baud is None else _BITS_PER_CHARACTER * _NANOSECONDS / baud
        self._piece = _FIFO if baud is not None else 1 << 30
        self._streams = {
            direction: _Stream(f"{seed}/{direction}", rates) for direction in ("tx", "rx")
        }
        self._faults: list[Fault] = []

    def carry(self, direction: str, time: int, data: bytes) -> list[tuple[int, bytes]]:
        """What arrives of ``data`` sent at ``time`` (ns): (time of arrival, bytes), in order.

        ``direction`` is "tx" (host to device) or "rx". After the cut nothing arrives.
        """
        if self.disconnected:
            return []
        cut = self._left is not None and len(data) >= self._left
        if self._left is not None:
            data, self._left = data[: self._left], max(0, self._left - len(data))
        stream = self._streams[direction]
        start = max(time, stream.free_at)
        if stream.untouched(stream.offset + len(data)):
            stream.offset += len(data)
            arrivals = self._paced(stream, start, data)
        else:
            arrivals = self._disturbed(stream, direction, start, data)
        if cut:
            self.disconnected, self._left = True, None
            self._faults.append(Fault(stream.free_at, direction, "disconnect", stream.offset))
        return arrivals

    def take_faults(self) -> list[Fault]:
        """The faults since the last call, in order."""
        faults, self._faults = self._faults, []
        return faults

    def reopened(self) -> None:
        """The line is connected again; it is not cut a second time."""
        self.disconnected = False

    def _disturbed(
        self, stream: _Stream, direction: str, start: int, data: bytes
    ) -> list[tuple[int, bytes]]:
        arrivals: list[tuple[int, bytes]] = []
        run = bytearray()

        def flush(pause: float) -> None:
            nonlocal start
            arrivals.extend(self._paced(stream, start, bytes(run)))
            run.clear()
            start = stream.free_at = stream.free_at + round(pause * _NANOSECONDS)

        def note(kind: str, seconds: float = 0.0, before: bytes = b"", after: bytes = b"") -> None:
            self._faults.append(
                Fault(start, direction, kind, stream.offset, before, after, seconds)
            )

        stream.free_at = start
        for byte in data:
            self._hit(stream, byte, run, flush, note)
            stream.offset += 1
        flush(0)
        return arrivals

    def _hit(
        self,
        stream: _Stream,
        byte: int,
        run: bytearray,
        flush: Callable[[float], None],
        note: Callable[..., None],
    ) -> None:
        """Carry one byte: first the pauses before it, then what happens to it."""
        if stream.hits("stall"):
            flush(self._stall_seconds)
            note("stall", self._stall_seconds)
        if stream.hits("fragment"):
            pause = round(stream.draw("fragment").random() * _GAP, 6)
            flush(pause)
            note("fragment", pause)
        lost, flipped = stream.hits("lose"), stream.hits("corrupt")
        if lost:
            note("lose", 0.0, bytes([byte]))
        elif flipped:
            changed = byte ^ (1 << stream.draw("corrupt").randrange(8))
            note("corrupt", 0.0, bytes([byte]), bytes([changed]))
            run.append(changed)
        else:
            run.append(byte)

    def _paced(self, stream: _Stream, start: int, data: bytes) -> list[tuple[int, bytes]]:
        """Bytes without a fault: in FIFO pieces, each when its last character is through."""
        arrivals = [
            (start + round(min(at + self._piece, len(data)) * self._character), piece)
            for at in range(0, len(data), self._piece)
            if (piece := data[at : at + self._piece])
        ]
        stream.free_at = arrivals[-1][0] if arrivals else start
        return arrivals
