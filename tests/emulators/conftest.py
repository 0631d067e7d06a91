"""A station for tests: a world driven by plain calls, in a time that the test moves.

``Station`` is the host: it speaks the published protocols through the client codecs and lets the
world live from deadline to deadline. It never looks inside an urn.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from functools import cache
from typing import Any

import pytest

from kalys.ballots.layout import Layout
from kalys.ballots.package import urn_package
from kalys.ballots.sheet import Mark, Paper, Sheet
from kalys.ballots.templates import layouts_for
from kalys.election.definition import ElectionDefinition, load
from kalys.emulators.station import UrnSetup, build_world
from kalys.emulators.urn.configuration import UrnEmulation
from kalys.emulators.world import World
from kalys.protocols import world as link
from kalys.protocols.tape import TapeParser
from kalys.protocols.urn import authentication, binary
from kalys.protocols.urn.messages import Event, EventKind, Op, Request, Response, UrnState

SERIAL = "KG-TEST-1"
URN = "urn-1"
EPOCH = datetime(2021, 11, 28, 7, 50, tzinfo=timezone(timedelta(hours=6)))
SECOND = 1_000_000_000


@cache
def plain_layouts(election: str) -> dict[str, Layout]:
    """Without the artwork, which no urn reads and which takes longest to draw."""
    layouts = layouts_for(load(election))
    return {style: layout.without_artwork() for style, layout in layouts.items()}


@cache
def package(election: str, style: str) -> bytes:
    """What is loaded into an urn for one style."""
    return urn_package(load(election), style, "1001", plain_layouts(election)[style])


class Station:
    """One urn in its world. ``events`` are all that came; ``now`` is the world's time in ns."""

    def __init__(self, definition: ElectionDefinition, **setup: Any) -> None:
        self.definition = definition
        defects = setup.pop("defects", ())
        urn = UrnSetup(URN, SERIAL, UrnEmulation(transport_jitter=0, **setup), None, defects)
        self.world: World = build_world(
            [urn], definition=definition, layouts=plain_layouts(definition.id), epoch=EPOCH, seed=7
        )
        self.now = 0
        self.events: list[Event] = []
        self.answers: list[Response] = []
        self.notices: list[Any] = []
        self.tape = TapeParser()
        self.client = binary.ClientCodec()
        self._world = link.ClientCodec()
        self._sequence = 0
        self._sheets = 0
        for port in self.world.ports:
            self.world.opened(port, 0)

    # Time and bytes

    def run(self, seconds: float) -> None:
        """Let the world live for so long."""
        end = self.now + round(seconds * SECOND)
        while (due := self.world.deadline()) is not None and due <= end:
            self.now = due
            self.world.advance(due)
        self.now = end
        self.world.advance(end)
        self._collect()

    def put(self, port: str, data: bytes) -> None:
        self.world.receive(port, data, self.now)
        self._collect()

    def _collect(self) -> None:
        for port, data in self.world.output():
            if port == URN:
                for message in self.client.feed(data):
                    into = self.events if isinstance(message, Event) else self.answers
                    into.append(message)  # type: ignore[arg-type]
            elif port == "world":
                self.notices += self._world.feed(data)
            elif port == f"{URN}.printer":
                self.tape.feed(data)
            else:
                self.notices.append(data)

    # The urn's link

    def send(self, op: Op, sequence: int | None = None, **fields: Any) -> Response | None:
        """Ask; the answer, or None from an urn that is deaf."""
        if sequence is None:
            self._sequence += 1
            sequence = self._sequence
        self.answers.clear()
        self.put(URN, self.client.encode(Request(sequence, op, fields)))
        return self.answers[-1] if self.answers else None

    def result(self, op: Op, **fields: Any) -> str:
        answer = self.send(op, **fields)
        return "silent" if answer is None else answer.result.value

    def ask(self, op: Op, **fields: Any) -> dict[str, Any]:
        """Ask for what must be granted; its fields."""
        answer = self.send(op, **fields)
        assert answer is not None and answer.result.value == "ok", f"{op}: {answer}"
        return dict(answer.fields)

    def login(self, role: str | None) -> None:
        if role is None:
            self.ask(Op.LOGOUT)
            return
        nonce = self.ask(Op.CHALLENGE, role=role)["nonce"]
        mac = authentication.response(authentication.test_key(SERIAL, role), nonce, role)
        self.ask(Op.AUTHENTICATE, role=role, mac=mac)

    def load(self, purpose: str, data: bytes, chunk: int = 2048) -> str:
        result = self.result(Op.LOAD_BEGIN, purpose=purpose, size=len(data),
                             sha256=hashlib.sha256(data).digest())
        if result != "ok":
            return result
        for offset in range(0, len(data), chunk):
            self.ask(Op.LOAD_CHUNK, offset=offset, data=data[offset : offset + chunk])
        return self.result(Op.LOAD_COMMIT)

    def set_clock(self, hour: int, minute: int = 0, second: int = 0) -> None:
        moment = EPOCH.replace(hour=hour, minute=minute, second=second)
        self.ask(Op.SET_CLOCK, time_ms=round(moment.timestamp() * 1000), offset_min=360)

    def print(self, kind: str) -> list[str]:
        """Print and wait for the paper; its lines."""
        self.tape.lines()
        self.ask(Op.PRINT, kind=kind)
        self.run(20)
        return self.tape.lines()

    # The election

    def bring_to(self, state: UrnState, style: str = "KG-PL") -> None:
        """From STANDBY to any state, as an administrator and operator would."""
        if state is UrnState.STANDBY:
            return
        self.login("administrator")
        assert self.load("definition", package(self.definition.id, style)) == "ok"
        if state is UrnState.TEST:
            self.ask(Op.TEST_MODE, on=True)
        if state in (UrnState.OPEN, UrnState.CLOSED):
            self.print("zero")
            self.set_clock(8, 0, 5)
            self.login("operator")
            self.ask(Op.OPEN)
        if state is UrnState.CLOSED:
            self.close()
        if state is UrnState.FAULT:
            self.do(link.DisturbCounter(URN, "party", "P01", 5))
            assert self.result(Op.PRINT, kind="zero") == "integrity"

    def close(self) -> None:
        self.login("administrator")
        self.set_clock(20, 0, 1)
        self.ask(Op.CLOSE)

    def status(self) -> dict[str, Any]:
        return self.ask(Op.STATUS)

    def votes(self) -> dict[str, int]:
        """Votes by contest/option, without zeros."""
        rows = self.ask(Op.RESULTS)["votes"]
        return {f"{r['contest']}/{r['option']}": r["votes"] for r in rows if r["votes"]}

    def records(self) -> list[dict[str, Any]]:
        return list(self.ask(Op.RECORDS, first=0, count=500)["records"])

    def log(self) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = []
        while True:
            page = self.ask(Op.LOG, first=len(entries), count=200)
            entries += page["entries"]
            if len(entries) >= page["total"]:
                return entries

    # Paper and hands

    def do(self, command: Any) -> dict[str, Any]:
        """A command of the world's link that must succeed; the data of its answer."""
        self._sequence += 1
        self.put("world", self._world.encode(self._sequence, command))
        answer = next(m for m in reversed(self.notices) if isinstance(m, link.Answer))
        assert answer.ok, answer.error
        return dict(answer.data)

    def sheet(self, *marks: str, **properties: Any) -> Sheet:
        """A sheet with ticks at "contest/option"; style KG-PL unless told."""
        self._sheets += 1
        given = {"election": self.definition.id, "style": "KG-PL", "paper": Paper(), **properties}
        drawn = tuple(Mark(*mark.split("/"), "cross") for mark in marks)
        return Sheet(id=f"s{self._sheets:03d}", marks=drawn, seed=self._sheets, **given)

    def insert(self, *sheets: Sheet, overlap_mm: float = 0.0) -> None:
        self.do(link.Insert(URN, [sheet.physical() for sheet in sheets], overlap_mm))

    def feed(self, *sheets: Sheet, overlap_mm: float = 0.0, seconds: float = 5.0) -> str:
        """Feed and wait; "valid", "invalid", a return reason, "jam" or "nothing"."""
        before = len(self.events)
        self.insert(*sheets, overlap_mm=overlap_mm)
        self.run(seconds)
        return self.outcome(before)

    def outcome(self, since: int = 0) -> str:
        for event in reversed(self.events[since:]):
            if event.kind is EventKind.SHEET_ACCEPTED:
                return str(event.fields["compartment"])
            if event.kind is EventKind.SHEET_RETURNED:
                return str(event.fields["reason"])
            if event.kind is EventKind.JAM:
                return "jam"
        return "nothing"

    def box(self) -> list[str]:
        found = self.do(link.Box(URN))
        return [*found["valid"], *found["invalid"]]

    def returned(self) -> list[str]:
        return list(self.do(link.Returned(URN))["sheets"])

    def supply(self, text: str) -> str:
        """A program message to the supply, and what it answers."""
        self.notices.clear()
        self.put("supply", text.encode() + b"\n")
        return b"".join(n for n in self.notices if isinstance(n, bytes)).decode().strip()

    def cut_power(self, seconds: float = 3.0) -> None:
        """No battery, no mains; then mains again, and past the boot."""
        self.do(link.Battery(URN, False))
        self.supply("OUTP OFF,(@2)")
        self.run(seconds)
        self.supply("OUTP ON,(@2)")
        self.do(link.Battery(URN, True))
        self.run(3.5)

    def kinds(self) -> list[EventKind]:
        return [event.kind for event in self.events]


@pytest.fixture(scope="session")
def definition() -> ElectionDefinition:
    return load("kg-2021-11-28")


@pytest.fixture
def station(definition: ElectionDefinition) -> Iterator[Callable[..., Station]]:
    """Makes stations: ``station(state, defects=..., **emulation)``."""

    def make(state: UrnState = UrnState.STANDBY, **setup: Any) -> Station:
        made = Station(definition, **setup)
        made.bring_to(state)
        made.events.clear()
        return made

    yield make
