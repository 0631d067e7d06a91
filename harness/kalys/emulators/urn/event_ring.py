"""The last events of an urn, kept for a host that missed some.

A ring in memory that is written as fast as the bus (``storage``): an event that was told is in it.
Its numbers run without gaps, so the place of an event follows from its number. Events are kept as
the bytes of a JSON array and understood when somebody asks.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice

from kalys.emulators.urn.storage import Storage
from kalys.protocols.urn.messages import Event, EventKind


class EventRing:
    """The ring in ``storage``."""

    def __init__(self, storage: Storage) -> None:
        self._ring = storage.ring

    def append(self, event: Event) -> None:
        parts = (event.number, event.kind.value, event.time_ms, dict(event.fields))
        self._ring.append(json.dumps(parts, ensure_ascii=False, separators=(",", ":")).encode())

    def since(self, first: int) -> list[Event]:
        """The events from number ``first`` on that are still there."""
        ring = self._ring
        if not ring:
            return []
        oldest = _event(ring[0]).number
        return [_event(data) for data in islice(ring, max(0, first - oldest), None)]

    def __iter__(self) -> Iterator[Event]:
        return map(_event, self._ring)


def _event(data: bytes) -> Event:
    number, kind, time_ms, fields = json.loads(data)
    return Event(number, EventKind(kind), time_ms, fields)
