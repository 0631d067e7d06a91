"""A memory chip of the urn: pages that take time to write, and what a power cut leaves of them.

How to think about it. A chip holds named **areas** of bytes. What is written waits in the chip's
volatile cache and is programmed page by page, each page in ``page_s`` seconds; until then it is not
there. When the power goes, the writes that had been programmed are in the chip, the one in hand is
**torn** (a part of its bytes, then erased cells), and the rest is **lost**. A cache works through
different areas in any order, so of two writes to two areas the later one may be there and the
earlier one not; within one area the order is kept. Which of that happens follows from the seed.

A chip knows nothing of what its bytes mean. Frames, checks and two chips that stand in for one
another are in ``storage``. Erased cells read as 0xFF, and what is half programmed has some of its
bits still at 1, as in NOR flash, whose programming only clears bits.

Figures: a page of 256 bytes and about 1 to 3 ms to program it are those of serial NOR flash (for
instance Winbond W25Q, data sheet, "page program time": typical 0.4 ms, at most 3 ms).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, Literal

from kalys.emulators.agenda import SECOND

PAGE_BYTES = 256
SEGMENT_BYTES = 16 * 1024
ERASED = 0xFF

Condition = Literal["good", "failed", "full"]
"""A chip is good, or neither reads nor writes (failed), or takes nothing more (full)."""


class Segment:
    """A stretch of an area. ``notes`` are what was computed from its bytes, until they change."""

    __slots__ = ("_data", "notes")

    def __init__(self, data: bytes = b"") -> None:
        self._data = bytearray(data)
        self.notes: dict[Any, Any] = {}

    @property
    def data(self) -> bytearray:
        """The bytes; to be read only."""
        return self._data

    def append(self, data: bytes) -> None:
        self._data += data
        self.notes.clear()

    def flip(self, at: int, bit: int) -> None:
        """Change one bit."""
        self._data[at] ^= 1 << bit
        self.notes.clear()


@dataclass(slots=True)
class _Write:
    """What waits in the cache: data to append to an area, after erasing it where ``anew``."""

    area: str
    data: bytes
    anew: bool
    begin: int
    end: int


class Flash:
    """One chip. ``now`` is the world's time in ns; ``draw`` decides what a cut leaves."""

    def __init__(
        self, name: str, now: Callable[[], int], draw: Random, page_s: float, hold_up_s: float = 0.0
    ) -> None:
        self.name = name
        self.condition: Condition = "good"
        self.areas: dict[str, list[Segment]] = {}
        self._now = now
        self._draw = draw
        self._page_ns = round(page_s * SECOND)
        self._hold_up_ns = round(hold_up_s * SECOND)
        self._pending: deque[_Write] = deque()
        self._busy_until = 0

    # Writing

    def write(self, area: str, data: bytes, *, anew: bool = False, at: int | None = None) -> bool:
        """Take a write into the cache (``at``: it came at that moment); False if it is refused.

        ``anew`` erases the area first; with no data that is all.
        """
        if self.condition != "good":
            return False
        now = self._now() if at is None else at
        self._settle(now)
        begin = self._busy_until if self._busy_until > now else now
        end = self._busy_until = begin + (1 + len(data) // PAGE_BYTES) * self._page_ns
        self._pending.append(_Write(area, data, anew, begin, end))
        return True

    def flush(self) -> None:
        """Program everything that waits; the time that takes is not lived through."""
        while self._pending:
            self._program(self._pending.popleft())
        self._busy_until = 0

    def cut(self) -> None:
        """The power is gone; what is in the chip now stays."""
        now = self._now() + self._hold_up_ns
        self._settle(now)
        left = max(0, now - self._pending[0].begin) if self._pending else 0
        for write in self._any_order():
            takes = write.end - write.begin
            if left >= takes:
                self._program(write)
            elif left > 0:
                self._tear(write, left / takes)
            left = max(0, left - takes)
        self._busy_until = 0

    def _settle(self, now: int) -> None:
        """Program what waits once all of it is done; until then its order is open."""
        if self._pending and self._busy_until <= now:
            self.flush()

    def _any_order(self) -> list[_Write]:
        """What still waits, in an order that the cache may take: kept within each area."""
        queues: dict[str, deque[_Write]] = {}
        for write in self._pending:
            queues.setdefault(write.area, deque()).append(write)
        self._pending.clear()
        order = []
        while queues:
            area = self._draw.choice(list(queues))
            order.append(queues[area].popleft())
            if not queues[area]:
                del queues[area]
        return order

    def _program(self, write: _Write) -> None:
        if write.anew:
            self.areas[write.area] = []
        if not write.data:
            if write.anew:
                del self.areas[write.area]
            return
        segments = self.areas.setdefault(write.area, [])
        if not segments or len(segments[-1].data) >= SEGMENT_BYTES:
            segments.append(Segment())
        segments[-1].append(write.data)

    def _tear(self, write: _Write, share: float) -> None:
        """Program a part only; what follows begins on a fresh page, a segment of its own."""
        whole = int(len(write.data) * share)
        torn = bytearray(write.data[:whole].ljust(len(write.data), bytes([ERASED])))
        if whole < len(torn):
            torn[whole] = write.data[whole] | self._draw.getrandbits(8)
        if write.data:
            self._program(_Write(write.area, bytes(torn), write.anew, 0, 0))
            self.areas[write.area].append(Segment())
        elif write.anew:
            # An erasure that was broken off: the cells are neither one nor the other.
            self.areas[write.area] = [Segment(bytes([ERASED]))]

    # Reading, repair, damage

    def read(self, area: str) -> list[Segment]:
        """The segments of an area; none from a chip that has failed."""
        return [] if self.condition == "failed" else self.areas.get(area, [])

    def replace(self, area: str, segments: list[Segment]) -> None:
        """Put these segments in the place of an area's own, at once."""
        if segments:
            self.areas[area] = segments
        else:
            self.areas.pop(area, None)

    def fail(self, condition: Condition) -> None:
        """Become good, failed or full from now on; what waits in a chip that fails is lost.

        One that is good again after it had failed is a new one, and empty.
        """
        if condition == self.condition:
            return
        if condition == "good":
            if self.condition == "failed":
                self.areas.clear()
        else:
            self.cut()
        self.condition = condition
