"""Roles: what a suite may ask of a device, whoever made it and wherever it is.

A suite asks the bench for a role and gets a driver of it. No role says how; that is the driver's
and the profile's business. Every method may raise LinkError, ProtocolError or Refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from kalys.ballots.layout import Layout
from kalys.ballots.sheet import Sheet
from kalys.election.definition import ElectionDefinition
from kalys.protocols.counting_core import CoreAnswer, CoreFault
from kalys.protocols.urn.messages import (
    Event,
    EventKind,
    Op,
    Purpose,
    ReportKind,
    Response,
    Role,
    UrnState,
)


@dataclass(frozen=True)
class Identity:
    """Who a device says it is."""

    maker: str
    model: str
    serial: str
    firmware: str
    firmware_sha256: str
    legal_software_id: str


@dataclass(frozen=True)
class Status:
    """State of an urn at one moment."""

    state: UrnState
    path: str
    power: str
    cover_open: bool
    alarm: str
    valid: int
    invalid: int
    returned: int
    capacity_left: int
    event_counter: int
    definition_sha256: str
    returned_by: Mapping[str, int] = field(default_factory=dict)
    """Sheets that were given back, by reason; empty where the urn does not tell."""


@dataclass(frozen=True)
class SelfTestItem:
    name: str
    ok: bool
    detail: str


@dataclass(frozen=True)
class ClockReading:
    """The device's civil time, and the harness times (ns of the run's clock) around the reading."""

    device: datetime
    sent: int
    received: int


@dataclass(frozen=True)
class Results:
    """Totals as the device exports them. ``votes[contest][option]`` are counts of votes."""

    time: datetime
    sheets: int
    valid: int
    invalid: int
    votes: Mapping[str, Mapping[str, int]]
    overvotes: Mapping[str, int]
    undervotes: Mapping[str, int]


@dataclass(frozen=True)
class VoteRecord:
    """One cast vote record: ``marks[contest]`` are the options read as marked.

    ``marginal[contest][option]`` is the fill of a mark that is neither vote nor no vote; it counts
    nothing.
    """

    id: str
    style: str
    valid: bool
    marks: Mapping[str, tuple[str, ...]]
    marginal: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class LogEntry:
    sequence: int
    time: datetime
    stamp: str           # the time stamp as the device writes it
    device: str
    kind: str            # error, startup, zero-check, authentication, open, close, cast, ...
    event: str
    outcome: str
    user: str
    resource: str
    chain: bytes         # SHA-256 over the previous entry's chain and this entry's fields


@dataclass(frozen=True)
class Received:
    """An event and the harness time (ns of the run's clock) at which it came."""

    event: Event
    time: int

    @property
    def kind(self) -> EventKind:
        return self.event.kind

    @property
    def fields(self) -> Mapping[str, Any]:
        return self.event.fields


class Urn(Protocol):
    """A ballot-counting urn."""

    name: str

    def identity(self) -> Identity: ...
    def status(self) -> Status: ...
    def self_test(self) -> Sequence[SelfTestItem]: ...
    def read_clock(self) -> ClockReading: ...
    def set_clock(self, time: datetime) -> None: ...
    def login(self, role: Role) -> None: ...
    def login_with(self, role: Role, key: bytes) -> None:
        """Authenticate with a key of the caller's (for tests of wrong keys)."""
        ...
    def challenge(self, role: Role) -> bytes: ...
    def authenticate(self, role: Role, mac: bytes) -> None:
        """The second half of a log-in alone (for tests of replay)."""
        ...
    def logout(self) -> None: ...
    def load(self, purpose: Purpose, data: bytes) -> None: ...
    def reset_election(self) -> None: ...
    def test_mode(self, on: bool) -> None: ...
    def open(self) -> None: ...
    def close(self) -> None: ...
    def print(self, kind: ReportKind) -> None:
        """Start printing; the PRINTED event tells the end."""
        ...
    def results(self) -> Results: ...
    def records(self) -> Sequence[VoteRecord]: ...
    def log(self, first: int = 0) -> Sequence[LogEntry]:
        """The event log, or what of it comes after its first ``first`` entries."""
        ...
    def parameters(self) -> Mapping[str, tuple[str, str]]:
        """Thresholds and other legally relevant parameters in force: name -> (value, unit)."""
        ...
    def set_parameter(self, name: str, value: str) -> None: ...
    def export(self, kind: str, between: Callable[[int], None] | None = None) -> bytes:
        """A file of the urn: "results", "log", "election-event-log" or "cast-vote-records".

        ``between`` is called before each chunk is asked for, with the bytes that have come."""
        ...
    def clear_alarm(self) -> None: ...
    def set_key(self, role: Role, key: bytes) -> None: ...
    def backup(self) -> None: ...
    def read_image(self, picture: NDArray[np.uint8]) -> CoreAnswer:
        """What the urn's counting core makes of a picture (test mode, administrator). Refused where
        the urn takes none."""
        ...
    def restart(self) -> None: ...
    def wait(self, kinds: Sequence[EventKind], timeout: float) -> Received | None:
        """The next event of one of ``kinds`` (older unread events of other kinds are kept in
        ``history`` and dropped from the queue), or None after ``timeout`` seconds of the clock."""
        ...
    def drain(self) -> list[Received]:
        """All events that have come and were not waited for."""
        ...
    def listen(self, heard: Callable[[Received], None] | None) -> None:
        """Have ``heard`` told of every event when it comes, in order; None: nobody any more."""
        ...
    def overhear(self, heard: Callable[[bytes], None] | None) -> None:
        """Have ``heard`` told the bytes of every request that goes out; None: nobody any more (for
        tests of replay)."""
        ...
    def encoded(self, op: Op, **fields: Any) -> bytes:
        """The bytes of a request, which is not sent (for tests of malformed traffic)."""
        ...
    def say(self, data: bytes, quiet_s: float = 0.2) -> Sequence[Response]:
        """Write bytes as they are, past every rule of the protocol; the answers that come until
        nothing has come for ``quiet_s`` seconds."""
        ...
    def request(self, op: Op, **fields: Any) -> Mapping[str, Any]:
        """One request by its published fields, as they are (for tests of who may do what)."""
        ...
    def reconnect(self) -> None:
        """Open the link again after the device was without power."""
        ...


@dataclass(frozen=True)
class Gate:
    """A light barrier of the bench (not of the device) saw a sheet's leading or trailing edge.

    ``gate`` is "entry" (at the throat) or "exit" (at the end of the path); ``time`` is harness time
    in ns; ``distance_mm`` between the gates is the profile's ``path_mm``.
    """

    gate: str
    edge: str
    sheet: str
    time: int


NOTICE_WORDS = frozenset({"accepted", "returned", "wait"})
"""What a voter's display can say of a sheet, in the words of the NOTICE event."""


@dataclass(frozen=True)
class Shown:
    """From ``time`` on (harness time, ns) the voter's display shows ``text``. ``word`` is the one
    of NOTICE_WORDS that this says, "" for anything else."""

    text: str
    word: str
    time: int


def display_word(text: str) -> str:
    """Which of NOTICE_WORDS a display's text says, "" for none: those that can be read out by a
    machine begin with the word, "accepted: Бюллетень кабыл алынды / Бюллетень принят"."""
    word = text.partition(":")[0].strip().lower()
    return word if word in NOTICE_WORDS else ""


@dataclass(frozen=True)
class BoxContents:
    """The sheets that are physically in the compartments, by sheet id, in order of arrival."""

    valid: tuple[str, ...]
    invalid: tuple[str, ...]


class Feeder(Protocol):
    """What handles paper: a person, a machine, or the emulated world."""

    def insert(self, *sheets: Sheet, overlap_mm: float = 0.0) -> None:
        """Offer one sheet to the throat; two mean a double feed, offset by ``overlap_mm``."""
        ...
    def provide(
        self, definition: ElectionDefinition, layouts: Mapping[str, Layout]
    ) -> None:
        """Have ballots of these styles at hand as well. Refused where there are none to be had."""
        ...
    def pull_back(self) -> bool:
        """Pull back the sheet that is just being drawn in; False when it was too late."""
        ...
    def jam_next(self, at_mm: float) -> None:
        """Make the next sheet stick ``at_mm`` behind the throat (a bent corner, a wet sheet)."""
        ...
    def clear_jam(self) -> str | None:
        """Open the cover, take the stuck sheet out, close. The sheet's id, or None."""
        ...
    def take_returned(self) -> tuple[str, ...]:
        """Ids of the sheets that came back out of the throat since the last call."""
        ...
    def box(self) -> BoxContents:
        """What is in the box, counted by whoever can look."""
        ...
    def empty_box(self) -> None: ...
    def gates(self) -> list[Gate]:
        """Light-barrier crossings since the last call; empty where the bench has none."""
        ...


class Hands(Protocol):
    """What a person does at the device, apart from paper."""

    def cover(self, open: bool) -> None: ...  # noqa: A002
    def media(self, inserted: bool) -> None: ...
    def battery(self, connected: bool) -> None: ...
    def disturb_counter(self, contest: str, option: str, value: int) -> None:
        """Change a stored counter behind the device's back (service interface; emulated: a flipped
        memory cell). Refused where the bench cannot."""
        ...
    def tamper_log(self, how: str, index: int) -> None:
        """Tamper with the stored log: "flip", "truncate", "swap", "delete". Refused where the bench
        cannot."""
        ...
    def cable(self, port: str, connected: bool) -> None:
        """Unplug the cable of the urn's "link" or "printer", or plug it in again."""
        ...
    def key_switch(self, turned: bool) -> None:
        """Turn the key on, without which no critical operation is done, or off."""
        ...
    def memory_chip(self, chip: str, condition: str) -> None:
        """Let the "primary" or "secondary" memory be "failed", "full", or "good" again. Refused
        where the bench cannot."""
        ...
    def damage_memory(self, what: str, index: int) -> None:
        """Damage the stored vote record ("votes") or log entry ("log") number ``index``, from 0, on
        every memory. Refused where the bench cannot."""
        ...
    def read_display(self) -> str:
        """What the voter-side display shows."""
        ...
    def watch_display(self, on: bool) -> None:
        """Have an instrument of the bench watch the voter-side display, or no more. Refused where
        there is none."""
        ...
    def displayed(self) -> list[Shown]:
        """What the watched display began to show since the last call."""
        ...
    def roll_empty(self, empty: bool) -> None:
        """Take the paper roll out of the printer, or put a new one in."""
        ...


class PowerSupply(Protocol):
    """A programmable supply that feeds the urn."""

    def identity(self) -> str: ...
    def set_voltage(self, volts: float, limit_amperes: float) -> None: ...
    def output(self, on: bool) -> None: ...
    def measure(self) -> tuple[float, float]:
        """Volts and amperes at the output."""
        ...
    def errors(self) -> list[str]:
        """The instrument's own error queue, emptied."""
        ...
    def make_safe(self) -> None:
        """All outputs off; never raises."""
        ...


@dataclass(frozen=True)
class Tape:
    """What a printer printed since the last call: text lines, and when the last byte came (ns)."""

    lines: tuple[str, ...]
    undecodable: int
    first: int
    last: int


class Printer(Protocol):
    """A tap on the urn's tape."""

    def tape(self) -> Tape: ...


@dataclass(frozen=True)
class CoreReading:
    """What a counting core answered, and how many seconds of wall time that took."""

    answer: CoreAnswer
    seconds: float


class CountingCore(Protocol):
    """What reads the picture of a sheet, without an urn around it: rows x columns, or 2 x rows x
    columns, the lower side first, of a ballot with targets on both sides."""

    name: str

    @property
    def batch(self) -> int:
        """How many sheets it takes at once."""
        ...

    def identity(self) -> Identity: ...
    def begin(self, hello: Mapping[str, Any]) -> None:
        """Tell it the election, the style and the layout of the sheets to come; CoreFault when it
        does not answer that."""
        ...
    def read(self, image: NDArray[np.uint8]) -> CoreReading:
        """Read one sheet. CoreFault when it does not answer as it must; it can be asked for the
        next sheet all the same."""
        ...
    def read_many(
        self, images: Sequence[NDArray[np.uint8]]
    ) -> Sequence[CoreReading | CoreFault]:
        """Read these sheets, as many at once as the core takes: for each what came of it."""
        ...
    def pages(self, count: int, shape: tuple[int, ...]) -> Sequence[NDArray[np.uint8]]:
        """Pictures of that shape to draw into; read from there nothing is copied, where the core
        can do without. They are good until others are asked for or shown."""
        ...
    def close(self) -> None: ...


class Operator(Protocol):
    """A person at the bench, asked in words. Every question and every answer is journaled.

    ``kind`` says what answer is wanted: "confirm" (y when done, n when it cannot be), "yes-no",
    "choice" (one of ``choices``), "text", "number", "sheets" (sheet numbers; an empty answer is
    none) or "lines" (several lines, joined by newlines).
    """

    def ask(self, text: str, kind: str = "confirm", choices: Sequence[str] = ()) -> str: ...
