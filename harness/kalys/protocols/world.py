"""The control link of an emulated world: JSON lines (docs/protocols/world-link.md).

How to think about it: on a real bench a person or a machine handles the paper, the cover and the
plugs; in the emulated one the same actions cross this link, so that a suite cannot tell. A host
sends commands, each with an ``id``; the world answers each exactly once, in order; between answers
it sends notifications of what a bench's light barriers and eyes would see. What a sheet *means*
never crosses it: a command carries the physical sheet only.

Commands and notifications are the dataclasses of ``kalys.protocols.world_messages``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from kalys.errors import ProtocolError
from kalys.protocols.urn.messages import Garbage
from kalys.protocols.world_messages import (
    Battery,
    Box,
    Cable,
    ClearJam,
    Command,
    Cover,
    DamageMemory,
    Define,
    Display,
    DisplayChanged,
    DisturbCounter,
    EmptyBox,
    GateCrossed,
    Hello,
    Image,
    Insert,
    JamNext,
    KeySwitch,
    Media,
    MemoryChip,
    Notification,
    PullBack,
    Returned,
    Roll,
    SheetBoxed,
    SheetReturned,
    SheetStuck,
    TamperLog,
    WatchDisplay,
)

__all__ = [
    "MAX_LINE",
    "PROTOCOL",
    "Answer",
    "Asked",
    "Battery",
    "Box",
    "Cable",
    "ClearJam",
    "ClientCodec",
    "Command",
    "Cover",
    "DamageMemory",
    "Define",
    "Display",
    "DisplayChanged",
    "DisturbCounter",
    "EmptyBox",
    "GateCrossed",
    "Hello",
    "Image",
    "Insert",
    "JamNext",
    "KeySwitch",
    "Media",
    "MemoryChip",
    "Notification",
    "PullBack",
    "Returned",
    "Roll",
    "ServerCodec",
    "SheetBoxed",
    "SheetReturned",
    "SheetStuck",
    "TamperLog",
    "WatchDisplay",
]

PROTOCOL = "kalys-world/1"
# An A4 page at 200 dpi as PNG in base64 is at most about 5 MB.
MAX_LINE = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Asked:
    """A command as it came, with the id that its answer must carry."""

    id: int
    command: Command


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to the command of that id; ``error`` says why when it is not ``ok``.

    ``id`` is None when the world could not even read the command's id.
    """

    id: int | None
    ok: bool
    data: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""


class _Lines:
    """Bytes to lines, with a bound on what is kept of one that never ends."""

    def __init__(self, max_line: int) -> None:
        self._max = max_line
        self._pieces: list[bytes] = []
        self._size = 0
        self._overlong = False

    def feed(self, data: bytes) -> Iterator[bytes | None]:
        """Every line that is complete (without its end); None for one that was too long."""
        *ended, rest = data.split(b"\n")
        for piece in ended:
            self._keep(piece)
            line, overlong = b"".join(self._pieces), self._overlong
            self.reset()
            yield None if overlong else line
        self._keep(rest)

    def _keep(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > self._max:
            self._overlong = True
            self._pieces.clear()
        elif piece:
            self._pieces.append(piece)

    def reset(self) -> None:
        self._pieces = []
        self._size = 0
        self._overlong = False


class ClientCodec:
    """The host's side: commands out, answers and notifications in."""

    def __init__(self, max_line: int = MAX_LINE) -> None:
        self._lines = _Lines(max_line)
        self._max = max_line
        self._notification: TypeAdapter[Notification] = TypeAdapter(
            Annotated[Notification, Field(discriminator="event")])

    def encode(self, number: int, command: Command) -> bytes:
        """One line with ``number`` as its id. ProtocolError when no world could read it."""
        return _line({"id": number, "do": command.do, **_values(command)}, self._max)

    def feed(self, data: bytes) -> list[Answer | Notification | Garbage]:
        """What is complete after these bytes; never raises."""
        return [self._understand(line) for line in self._lines.feed(data) if line != b""]

    def reset(self) -> None:
        """Forget an unfinished line, because the link was opened anew."""
        self._lines.reset()

    def _understand(self, line: bytes | None) -> Answer | Notification | Garbage:
        try:
            body = _body(line, self._max)
            if "event" in body:
                return self._notification.validate_python(body)
            number, ok = body.pop("id", None), body.pop("ok", None)
            error = body.pop("error", "")
            if not isinstance(ok, bool) or not _is_id(number, ok) or not isinstance(error, str):
                raise ValueError("an answer needs an integer id and ok true or false")
            return Answer(number, ok, body, error)
        except ValueError as error:
            return Garbage(_excerpt(line), _told(error))


class ServerCodec:
    """The world's side: commands in, answers and notifications out."""

    def __init__(self, max_line: int = MAX_LINE) -> None:
        self._lines = _Lines(max_line)
        self._max = max_line
        self._command: TypeAdapter[Command] = TypeAdapter(
            Annotated[Command, Field(discriminator="do")])

    def feed(self, data: bytes) -> list[Asked | Garbage]:
        """Commands, in order. A Garbage carries the ``reply`` that refuses the line."""
        return [self._understand(line) for line in self._lines.feed(data) if line != b""]

    def encode_answer(self, answer: Answer) -> bytes:
        """One line. ProtocolError when ``data`` has a key of the envelope or is too long."""
        taken = answer.data.keys() & {"id", "ok", "error", "event"}
        if taken:
            raise ProtocolError(f"an answer's data cannot have {taken}", where="world-link")
        body = {"id": answer.id, "ok": answer.ok, **answer.data}
        if not answer.ok:
            body["error"] = answer.error
        return _line(body, self._max)

    def encode_notification(self, notification: Notification) -> bytes:
        """One line."""
        return _line({"event": notification.event, **_values(notification)}, self._max)

    def reset(self) -> None:
        """Forget an unfinished line, because the link was opened anew."""
        self._lines.reset()

    def _understand(self, line: bytes | None) -> Asked | Garbage:
        number = None
        try:
            body = _body(line, self._max)
            number = body.pop("id", None)
            if not _is_id(number, True):
                number = None
                raise ValueError("a command needs an integer id from 0")
            return Asked(number, self._command.validate_python(body))
        except ValueError as error:
            why = _told(error)
            refusal = self.encode_answer(Answer(number, False, error=why))
            return Garbage(_excerpt(line), why, refusal)


def _is_id(number: Any, ok: bool) -> bool:
    if number is None:
        return not ok
    return isinstance(number, int) and not isinstance(number, bool) and 0 <= number < 2**53


def _values(message: Command | Notification) -> dict[str, Any]:
    return {part.name: getattr(message, part.name) for part in fields(message)}


def _line(body: Mapping[str, Any], max_line: int) -> bytes:
    try:
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        line = text.encode("utf-8") + b"\n"
    except (TypeError, ValueError) as error:
        raise ProtocolError(f"this cannot be said in JSON: {error}", where="world-link") from error
    if len(line) > max_line:
        raise ProtocolError(
            f"a line of {len(line)} bytes; at most {max_line}", where="world-link")
    return line


def _body(line: bytes | None, max_line: int) -> dict[str, Any]:
    if line is None:
        raise ValueError(f"a line longer than {max_line} bytes")
    try:
        body = json.loads(line.decode("utf-8"), parse_constant=_no_constant)
    except RecursionError as error:
        raise ValueError("not JSON: nested too deeply") from error
    except ValueError as error:
        raise ValueError(f"not JSON: {error}") from error
    if not isinstance(body, dict):
        raise ValueError("a line must hold one JSON object")
    return body


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def _told(error: ValueError) -> str:
    """The first thing that is wrong, with the key it is wrong at."""
    if not isinstance(error, ValidationError):
        return str(error)[:300]
    first = error.errors(include_url=False, include_input=False)[0]
    if first["type"] == "union_tag_invalid":
        return f"there is no {first['ctx']['tag']!r}"
    place = ".".join(str(part) for part in first["loc"])
    text = f"{place}: {first['msg']}" if place else str(first["msg"])
    return text[:300].encode("utf-8", "backslashreplace").decode("utf-8")


def _excerpt(line: bytes | None) -> bytes:
    return (line or b"")[:1000]
