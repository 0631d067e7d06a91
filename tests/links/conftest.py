"""What these tests share: a virtual bench, a device that answers, a journal in a list."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from kalys.links.clock import VirtualClock
from kalys.links.inprocess import Exchange


class Device:
    """Answers every message after ``delay`` ns, or says nothing where ``answer`` gives None."""

    def __init__(
        self,
        exchange: Exchange,
        port: str,
        answer: Callable[[bytes], bytes | None] = lambda data: data.upper(),
        delay: int = 0,
        **options: Any,
    ) -> None:
        self.clock = exchange.clock
        self.answer = answer
        self.delay = delay
        self.seen: list[bytes | str] = []
        self.send = exchange.attach(port, self, **options)

    def opened(self) -> None:
        self.seen.append("opened")

    def closed(self) -> None:
        self.seen.append("closed")

    def received(self, data: bytes) -> None:
        self.seen.append(data)
        if (reply := self.answer(data)) is not None:
            self.clock.call_at(self.clock.now() + self.delay, lambda: self.send(reply))


@dataclass
class Notebook:
    """A Recorder that keeps what it is told."""

    entries: list[tuple[Any, ...]] = field(default_factory=list)

    def add(self, kind: str, data: Any) -> int:
        self.entries.append((kind, dict(data)))
        return len(self.entries)

    def wire(self, link: str, direction: str, data: bytes, time: int | None = None) -> int:
        self.entries.append(("wire", link, direction, bytes(data), time))
        return len(self.entries)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(datetime(2021, 11, 28, 2, 0, tzinfo=UTC))


@pytest.fixture
def exchange(clock: VirtualClock) -> Iterator[Exchange]:
    with Exchange(clock) as made:
        yield made


@pytest.fixture
def journal() -> Notebook:
    return Notebook()


@pytest.fixture
def device(exchange: Exchange) -> Callable[..., Device]:
    def attach(port: str = "urn-1", **options: Any) -> Device:
        return Device(exchange, port, **options)

    return attach


@pytest.fixture
def bench() -> tuple[type[Device], type[Notebook]]:
    """The classes, for tests that set up several benches."""
    return Device, Notebook
