"""The driver of a ballot-counting urn: the role `Urn` over a link and a codec.

One driver serves the real and the emulated urn, and every dialect: what differs is the profile,
which names the codec, the serial settings and the sizes. It turns the fields of the messages
(``kalys.protocols.urn.messages``) into the values of the role, pages what is too long for one
message, and checks what can be checked: hashes, lengths, known words, counts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from kalys.devices.dialogue import Dialogue
from kalys.devices.roles import (
    ClockReading,
    Identity,
    LogEntry,
    Received,
    Results,
    SelfTestItem,
    Status,
    VoteRecord,
)
from kalys.errors import ProtocolError
from kalys.protocols.counting_core import CoreAnswer
from kalys.protocols.urn import authentication, mark_text
from kalys.protocols.urn.messages import (
    EventKind,
    Op,
    Purpose,
    ReportKind,
    Response,
    ReturnReason,
    Role,
    UrnState,
)

Word = TypeVar("Word", bound=StrEnum)
Keys = Callable[[str, Role], bytes]


@dataclass(frozen=True)
class Sizes:
    """How much goes into one message: bytes of a file, records or entries of a list."""

    chunk: int = 1024
    page: int = 32


def record_of(row: Mapping[str, Any]) -> VoteRecord:
    """A row of RECORDS as a record; ValueError names the mark that is none."""
    try:
        marks = mark_text.read_marks(row["marks"])
        marginal = mark_text.read_marginal(row["marginal"])
    except ValueError as error:
        raise ValueError(f"record {row['id']} has {error}") from error
    return VoteRecord(row["id"], row["style"], row["valid"], marks, marginal)


class UrnDriver:
    """A ballot-counting urn behind a `Dialogue`.

    ``keys(serial, role)`` gives the key to authenticate with; the profile's credentials decide it.
    Every method raises LinkError (silent or lost), ProtocolError (garbage or nonsense) or Refused.
    """

    def __init__(self, dialogue: Dialogue, keys: Keys, sizes: Sizes | None = None) -> None:
        self.name = dialogue.name
        self.dialogue = dialogue
        self._keys = keys
        self._sizes = sizes or Sizes()
        self._serial = ""

    @property
    def history(self) -> Sequence[Received]:
        """The events that were read or passed over, oldest first (the last 20,000)."""
        return self.dialogue.history

    def identity(self) -> Identity:
        f = self._ask(Op.IDENTIFY)
        self._serial = f["serial"]
        return Identity(
            maker=f["maker"],
            model=f["model"],
            serial=f["serial"],
            firmware=f["firmware"],
            firmware_sha256=f["firmware_sha256"].hex(),
            legal_software_id=f["legal_software_id"],
        )

    def status(self) -> Status:
        f = self._ask(Op.STATUS)
        try:
            returned_by = mark_text.read_counts(f["returned_by"])
        except ValueError as error:
            raise self._nonsense(f"sheets given back by reason: {error}") from error
        return Status(
            state=self._word(UrnState, f["state"], "state"),
            path=f["path"],
            power=f["power"],
            cover_open=f["cover_open"],
            alarm=f["alarm"],
            valid=f["valid"],
            invalid=f["invalid"],
            returned=f["returned"],
            capacity_left=f["capacity_left"],
            event_counter=f["event_counter"],
            definition_sha256=f["definition_sha256"].hex(),
            returned_by=returned_by,
        )

    def self_test(self) -> Sequence[SelfTestItem]:
        items = self._ask(Op.SELF_TEST)["items"]
        return tuple(SelfTestItem(i["name"], i["ok"], i["detail"]) for i in items)

    def read_clock(self) -> ClockReading:
        f = self._ask(Op.GET_CLOCK)
        return ClockReading(
            device=self._civil(f["time_ms"], f["offset_min"]),
            sent=self.dialogue.sent,
            received=self.dialogue.received,
        )

    def set_clock(self, time: datetime) -> None:
        """Set the clock to ``time``, an aware datetime; its zone becomes the urn's."""
        offset = time.utcoffset()
        if offset is None:
            raise ValueError("an urn's clock is set to a time with its zone")
        ms = round((time - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1))
        self._ask(Op.SET_CLOCK, time_ms=ms, offset_min=round(offset / timedelta(minutes=1)))

    def login(self, role: Role) -> None:
        serial = self._serial or self.identity().serial
        self.login_with(role, self._keys(serial, role))

    def login_with(self, role: Role, key: bytes) -> None:
        self.authenticate(role, authentication.response(key, self.challenge(role), role))

    def challenge(self, role: Role) -> bytes:
        return bytes(self._ask(Op.CHALLENGE, role=role.value)["nonce"])

    def authenticate(self, role: Role, mac: bytes) -> None:
        self._ask(Op.AUTHENTICATE, role=role.value, mac=mac)

    def logout(self) -> None:
        self._ask(Op.LOGOUT)

    def load(self, purpose: Purpose, data: bytes) -> None:
        """Upload ``data`` in chunks; the urn must name the hash of what was sent."""
        digest = hashlib.sha256(data).digest()
        self._ask(Op.LOAD_BEGIN, purpose=purpose.value, size=len(data), sha256=digest)
        for offset in range(0, len(data), self._sizes.chunk):
            chunk = data[offset : offset + self._sizes.chunk]
            received = self._ask(Op.LOAD_CHUNK, offset=offset, data=chunk)["received"]
            if received != offset + len(chunk):
                raise self._nonsense(f"{offset + len(chunk)} bytes were sent, it has {received}")
        committed = bytes(self._ask(Op.LOAD_COMMIT)["sha256"])
        if committed != digest:
            raise self._nonsense(
                f"it committed data of SHA-256 {committed.hex()}, sent was {digest.hex()}"
            )

    def reset_election(self) -> None:
        self._ask(Op.RESET_ELECTION)

    def test_mode(self, on: bool) -> None:
        self._ask(Op.TEST_MODE, on=on)

    def open(self) -> None:
        self._ask(Op.OPEN)

    def close(self) -> None:
        self._ask(Op.CLOSE)

    def print(self, kind: ReportKind) -> None:
        self._ask(Op.PRINT, kind=kind.value)

    def results(self) -> Results:
        f = self._ask(Op.RESULTS)
        votes: dict[str, dict[str, int]] = {}
        for row in f["votes"]:
            votes.setdefault(row["contest"], {})[row["option"]] = row["votes"]
        return Results(
            time=self._civil(f["time_ms"], f["offset_min"]),
            sheets=f["sheets"],
            valid=f["valid"],
            invalid=f["invalid"],
            votes=votes,
            overvotes={row["contest"]: row["overvotes"] for row in f["contests"]},
            undervotes={row["contest"]: row["undervotes"] for row in f["contests"]},
        )

    def records(self) -> Sequence[VoteRecord]:
        rows = self._pages(Op.RECORDS, "records")
        try:
            return tuple(record_of(row) for row in rows)
        except ValueError as error:
            raise self._nonsense(str(error)) from error

    def log(self, first: int = 0) -> Sequence[LogEntry]:
        return tuple(self._entry(row) for row in self._pages(Op.LOG, "entries", first))

    def parameters(self) -> Mapping[str, tuple[str, str]]:
        items = self._ask(Op.PARAMETERS)["items"]
        return {item["name"]: (item["value"], item["unit"]) for item in items}

    def set_parameter(self, name: str, value: str) -> None:
        self._ask(Op.SET_PARAMETER, name=name, value=value)

    def export(self, kind: str, between: Callable[[int], None] | None = None) -> bytes:
        """A file of the urn ("results", "log", "election-event-log", "cast-vote-records"), checked
        against the hash it gave beforehand."""
        head = self._ask(Op.EXPORT_BEGIN, kind=kind)
        data = bytearray()
        while len(data) < head["size"]:
            if between is not None:
                between(len(data))
            length = min(self._sizes.chunk, head["size"] - len(data))
            chunk = bytes(self._ask(Op.EXPORT_CHUNK, offset=len(data), length=length)["data"])
            if not chunk or len(chunk) > length:
                raise self._nonsense(f"{length} bytes were asked for, {len(chunk)} came")
            data += chunk
        if hashlib.sha256(data).digest() != bytes(head["sha256"]):
            raise self._nonsense(f"the {kind} export does not have the hash that was announced")
        return bytes(data)

    def clear_alarm(self) -> None:
        self._ask(Op.CLEAR_ALARM)

    def set_key(self, role: Role, key: bytes) -> None:
        self._ask(Op.SET_KEY, role=role.value, key=key)

    def backup(self) -> None:
        self._ask(Op.BACKUP)

    def read_image(self, picture: NDArray[np.uint8]) -> CoreAnswer:
        """Upload a picture (8-bit grey) as PNG, and have the urn's counting core read it."""
        _, png = cv2.imencode(".png", picture)
        self.load(Purpose.IMAGE, png.tobytes())
        f = self._ask(Op.READ_IMAGE)
        if f["status"] == "rejected":
            return CoreAnswer("rejected", self._word(ReturnReason, f["reason"], "reason"))
        if f["status"] != "read":
            raise self._nonsense(f"{f['status']!r} is neither read nor rejected")
        try:
            marks = mark_text.read_marks(f["marks"])
            marginal = mark_text.read_marginal(f["marginal"])
        except ValueError as error:
            raise self._nonsense(f"the reading has {error}") from error
        return CoreAnswer("read", "", marks, f["valid"], marginal=marginal)

    def restart(self) -> None:
        self._ask(Op.RESTART)

    def wait(self, kinds: Sequence[EventKind], timeout: float) -> Received | None:
        return self.dialogue.wait(kinds, timeout)

    def drain(self) -> list[Received]:
        return self.dialogue.drain()

    def listen(self, heard: Callable[[Received], None] | None) -> None:
        self.dialogue.listener = heard

    def overhear(self, heard: Callable[[bytes], None] | None) -> None:
        self.dialogue.overheard = heard

    def encoded(self, op: Op, **fields: Any) -> bytes:
        return self.dialogue.encoded(op, fields)

    def say(self, data: bytes, quiet_s: float = 0.2) -> Sequence[Response]:
        return self.dialogue.say(data, quiet_s)

    def request(self, op: Op, **fields: Any) -> Mapping[str, Any]:
        return self._ask(op, **fields)

    def reconnect(self) -> None:
        self.dialogue.reconnect()

    def disconnect(self) -> None:
        """Close the link (``close`` closes the polls)."""
        self.dialogue.disconnect()

    def _ask(self, op: Op, **fields: Any) -> Mapping[str, Any]:
        return self.dialogue.request(op, **fields)

    def _pages(self, op: Op, rows: str, first: int = 0) -> Iterator[Mapping[str, Any]]:
        """The rows of a list from ``first`` on, page by page. It may grow, never shrink."""
        total: int | None = None
        while total is None or first < total:
            answer = self._ask(op, first=first, count=self._sizes.page)
            if total is not None and answer["total"] < total:
                raise self._nonsense(f"the list of {rows} shrank to {answer['total']}")
            total = answer["total"]
            page = answer[rows]
            if not page and first < total:
                raise self._nonsense(f"{rows} from {first} of {total} are missing")
            yield from page
            first += len(page)

    def _entry(self, row: Mapping[str, Any]) -> LogEntry:
        return LogEntry(
            sequence=row["sequence"],
            time=self._civil(row["time_ms"], row["offset_min"]),
            stamp=row["stamp"],
            device=row["device"],
            kind=row["kind"],
            event=row["event"],
            outcome=row["outcome"],
            user=row["user"],
            resource=row["resource"],
            chain=bytes(row["chain"]),
        )

    def _civil(self, time_ms: int, offset_min: int) -> datetime:
        try:
            zone = timezone(timedelta(minutes=offset_min))
            return datetime(1970, 1, 1, tzinfo=UTC).astimezone(zone) + timedelta(
                milliseconds=time_ms
            )
        except (ValueError, OverflowError) as error:
            raise self._nonsense(f"{time_ms} ms at {offset_min} min is not a time") from error

    def _word(self, words: type[Word], text: str, what: str) -> Word:
        try:
            return words(text)
        except ValueError:
            raise self._nonsense(
                f"{text!r} is not a {what} (known: {', '.join(words)})"
            ) from None

    def _nonsense(self, what: str) -> ProtocolError:
        return ProtocolError(what, where=f"{self.name} on {self.dialogue.link.url}")
