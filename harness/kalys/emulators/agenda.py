"""What a world will do next, and when: deadlines on one line of time, no polling.

Times are ns of the world since its beginning. Actions of the same moment run in the order in which
they were asked for, so that the same inputs give the same outputs, byte for byte.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable

SECOND = 1_000_000_000


class Alarm:
    """One thing to be done; ``cancel`` forgets it."""

    __slots__ = ("action",)

    def __init__(self, action: Callable[[], None]) -> None:
        self.action: Callable[[], None] | None = action

    def cancel(self) -> None:
        self.action = None


class Agenda:
    """The deadlines of one world. ``now`` is the moment that is being lived through."""

    def __init__(self) -> None:
        self.now = 0
        self._heap: list[tuple[int, int, Alarm]] = []
        self._order = 0

    def at(self, time: int, action: Callable[[], None]) -> Alarm:
        """Do ``action`` at ``time``; a time that has passed means at once, but after return."""
        alarm = Alarm(action)
        self._order += 1
        heapq.heappush(self._heap, (max(time, self.now), self._order, alarm))
        return alarm

    def after(self, seconds: float, action: Callable[[], None]) -> Alarm:
        """Do ``action`` in so many seconds."""
        return self.at(self.now + round(seconds * SECOND), action)

    def deadline(self) -> int | None:
        """When the next action is due, or None."""
        heap = self._heap
        while heap and heap[0][2].action is None:
            heapq.heappop(heap)
        return heap[0][0] if heap else None

    def advance(self, now: int) -> None:
        """Live until ``now``: every action due by then, each at its own moment."""
        heap = self._heap
        while heap and heap[0][0] <= now:
            time, _, alarm = heapq.heappop(heap)
            action, alarm.action = alarm.action, None
            if action is not None:
                self.now = max(self.now, time)
                action()
        self.now = max(self.now, now)
