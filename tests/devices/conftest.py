"""A scripted urn behind an in-process line, and a driver on it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from kalys.devices.dialogue import Dialogue, Patience
from kalys.devices.urn import Sizes, UrnDriver
from kalys.links.clock import VirtualClock
from kalys.links.inprocess import Exchange
from kalys.links.link import open_link
from kalys.protocols.urn import binary
from kalys.protocols.urn.authentication import test_key as published_key
from kalys.protocols.urn.messages import Event, EventKind, Op, Request, Response, Result

Answers = Mapping[Op, Callable[[Request], Mapping[str, Any]] | Mapping[str, Any]]

IDENTITY = {
    "maker": "Kalys", "model": "Scripted", "serial": "S-1", "firmware": "1.0",
    "firmware_sha256": bytes(32), "legal_software_id": "L-1", "protocol": "kalys-urn-link/1",
}


class Notes:
    """A recorder that keeps what it is given."""

    def __init__(self) -> None:
        self.records: list[tuple[str, dict[str, Any]]] = []

    def add(self, kind: str, data: Mapping[str, Any]) -> int:
        self.records.append((kind, dict(data)))
        return len(self.records)

    def wire(self, link: str, direction: str, data: bytes, time: int | None = None) -> int:
        return self.add("wire", {"link": link, "direction": direction, "data": data, "t": time})

    def texts(self, kind: str = "note") -> list[str]:
        return [str(data.get("text", "")) for k, data in self.records if k == kind]


@dataclass
class ScriptedUrn:
    """Answers each request from ``answers``; an operation without one is unknown.

    ``mute`` counts answers that are lost on the way; ``events`` is the store for EVENTS_SINCE.
    """

    answers: dict[Op, Any]
    mute: int = 0
    repeats_events: bool = True
    raw: bytes | None = None
    requests: list[Request] = field(default_factory=list)
    executed: list[Request] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    send: Callable[[bytes], None] = print

    def __post_init__(self) -> None:
        self.codec = binary.ServerCodec()
        self.last: tuple[int, Op, bytes] | None = None

    def opened(self) -> None:
        self.codec.reset()

    def closed(self) -> None: ...

    def received(self, data: bytes) -> None:
        if self.raw is not None:
            self.send(self.raw)
            return
        for request in self.codec.feed(data):
            assert isinstance(request, Request)
            self.requests.append(request)
            if self.last is None or self.last[:2] != (request.sequence, request.op):
                self.executed.append(request)
                self.last = (request.sequence, request.op, self.answer(request))
            if self.mute:
                self.mute -= 1
                continue
            self.send(self.last[2])
            if request.op is Op.EVENTS_SINCE and self.repeats_events:
                for event in self.events[request.fields["first"] - 1 :]:
                    self.send(self.codec.encode_event(event))

    def answer(self, request: Request) -> bytes:
        result, fields = Result.OK, {}
        if request.op is Op.EVENTS_SINCE and self.repeats_events:
            fields = {"count": max(0, len(self.events) + 1 - request.fields["first"])}
        elif request.op in self.answers:
            given = self.answers[request.op]
            fields = given(request) if callable(given) else given
            if isinstance(fields, Result):
                result, fields = fields, {}
        else:
            result = Result.UNKNOWN_OP
        return self.codec.encode_response(Response(request.sequence, request.op, result, fields))

    def happen(self, kind: EventKind, fields: Mapping[str, Any], *, lost: bool = False) -> None:
        event = Event(len(self.events) + 1, kind, 1000 * len(self.events), fields)
        self.events.append(event)
        if not lost:
            self.send(self.codec.encode_event(event))


@dataclass
class Rig:
    """A scripted urn, the clock and journal around it, and the driver on it."""

    clock: VirtualClock
    exchange: Exchange
    device: ScriptedUrn
    journal: Notes
    driver: UrnDriver


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(datetime(2021, 11, 28, tzinfo=UTC))


@pytest.fixture
def rig(clock: VirtualClock, notes: Notes) -> Iterator[Rig]:
    with Exchange(clock) as exchange:
        device = ScriptedUrn({Op.IDENTIFY: IDENTITY})
        device.send = exchange.attach("urn", device)
        dialogue = Dialogue(
            lambda: open_link(exchange.url("urn"), name="urn", clock=clock, journal=notes),
            binary.ClientCodec, name="urn", clock=clock, journal=notes,
            patience=Patience(boot=10.0),
        )
        driver = UrnDriver(dialogue, published_key, Sizes(chunk=16, page=3))
        yield Rig(clock, exchange, device, notes, driver)
