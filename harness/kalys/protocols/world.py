"""The control link of an emulated world: JSON lines (docs/protocols/world-link.md).

How to think about it: on a real bench a person or a machine handles the paper, the cover and the
plugs; in the emulated one the same actions cross this link, so that a suite cannot tell. A host
sends commands, each with an ``id``; the world answers each exactly once, in order; between answers
it sends notifications of what a bench's light barriers and eyes would see. What a sheet *means*
never crosses it: a command carries the physical sheet only.

Commands and notifications are the frozen dataclasses below; their fields are the JSON keys. They
are checked strictly (no unknown key, no number in a text): the other side may be anybody.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, Strict, TypeAdapter, ValidationError

from kalys.errors import ProtocolError
from kalys.protocols.urn.messages import Garbage

PROTOCOL = "kalys-world/1"
# An A4 page at 200 dpi as PNG in base64 is at most about 5 MB.
MAX_LINE = 16 * 1024 * 1024

Text = Annotated[str, Strict()]
Whole = Annotated[int, Strict()]
YesNo = Annotated[bool, Strict()]
Number = Annotated[float, Strict()]      # whole numbers as well


class _Checked:
    __pydantic_config__ = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True)
class Hello(_Checked):
    """Ask who is there. Answer: ``protocol``, ``urns`` (names), ``time`` (ns of the world)."""

    do: Literal["hello"] = "hello"


@dataclass(frozen=True, slots=True)
class Define(_Checked):
    """Give the urn's world what it needs to draw sheets: the election and its layouts by style.

    Answer: ``styles``, the style codes now known.
    """

    urn: Text
    election: dict[str, Any]
    layouts: dict[str, Any]
    do: Literal["define"] = "define"


@dataclass(frozen=True, slots=True)
class Insert(_Checked):
    """Offer sheets at the throat; two or more lie on one another, each ``overlap_mm`` behind.

    ``sheets`` are physical sheets. Answered at once; the sheet waits at the throat until the
    urn's feed motor takes it, and ``gate`` notifications tell when.
    """

    urn: Text
    sheets: list[dict[str, Any]]
    overlap_mm: Number = 0.0
    do: Literal["insert"] = "insert"


@dataclass(frozen=True, slots=True)
class Image(_Checked):
    """Offer a sheet whose scan is this PNG (base64; 8-bit grey, 200 dpi), e.g. of a real ballot."""

    urn: Text
    sheet: Text
    png: Text
    do: Literal["image"] = "image"


@dataclass(frozen=True, slots=True)
class PullBack(_Checked):
    """Pull at the sheet that is being drawn in. Answer: ``pulled``, false when it was too late."""

    urn: Text
    do: Literal["pull_back"] = "pull_back"


@dataclass(frozen=True, slots=True)
class JamNext(_Checked):
    """Make the next sheet stick ``at_mm`` behind the throat."""

    urn: Text
    at_mm: Number
    do: Literal["jam_next"] = "jam_next"


@dataclass(frozen=True, slots=True)
class ClearJam(_Checked):
    """Open the cover, take the stuck sheet out, close. Answer: ``sheet``, its id or null."""

    urn: Text
    do: Literal["clear_jam"] = "clear_jam"


@dataclass(frozen=True, slots=True)
class Returned(_Checked):
    """Take what came back out of the throat since the last call. Answer: ``sheets``, ids."""

    urn: Text
    do: Literal["returned"] = "returned"


@dataclass(frozen=True, slots=True)
class Box(_Checked):
    """Look into the box. Answer: ``valid`` and ``invalid``, ids in order of arrival."""

    urn: Text
    do: Literal["box"] = "box"


@dataclass(frozen=True, slots=True)
class EmptyBox(_Checked):
    """Empty both compartments."""

    urn: Text
    do: Literal["empty_box"] = "empty_box"


@dataclass(frozen=True, slots=True)
class Cover(_Checked):
    """Open or close the cover."""

    urn: Text
    open: YesNo
    do: Literal["cover"] = "cover"


@dataclass(frozen=True, slots=True)
class Media(_Checked):
    """Put the memory stick in or take it out."""

    urn: Text
    inserted: YesNo
    do: Literal["media"] = "media"


@dataclass(frozen=True, slots=True)
class Battery(_Checked):
    """Connect or disconnect the backup battery."""

    urn: Text
    connected: YesNo
    do: Literal["battery"] = "battery"


@dataclass(frozen=True, slots=True)
class Roll(_Checked):
    """Take the printer's paper roll out (``empty``) or put a new one in."""

    urn: Text
    empty: YesNo
    do: Literal["roll"] = "roll"


@dataclass(frozen=True, slots=True)
class Display(_Checked):
    """Read the voter's display. Answer: ``text``."""

    urn: Text
    do: Literal["display"] = "display"


@dataclass(frozen=True, slots=True)
class DisturbCounter(_Checked):
    """Flip a stored counter behind the urn's back."""

    urn: Text
    contest: Text
    option: Text
    value: Whole
    do: Literal["disturb_counter"] = "disturb_counter"


@dataclass(frozen=True, slots=True)
class TamperLog(_Checked):
    """Change the stored log behind the urn's back, at entry ``index`` (from 0)."""

    urn: Text
    how: Literal["flip", "truncate", "swap", "delete"]
    index: Whole
    do: Literal["tamper_log"] = "tamper_log"


Command = (
    Hello | Define | Insert | Image | PullBack | JamNext | ClearJam | Returned | Box | EmptyBox
    | Cover | Media | Battery | Roll | Display | DisturbCounter | TamperLog
)


@dataclass(frozen=True, slots=True)
class GateCrossed(_Checked):
    """A light barrier saw an edge of a sheet; ``t`` is ns of the world's clock."""

    urn: Text
    gate: Literal["entry", "exit"]
    edge: Literal["lead", "trail"]
    sheet: Text
    t: Whole
    event: Literal["gate"] = "gate"


@dataclass(frozen=True, slots=True)
class SheetReturned(_Checked):
    """A sheet came back out of the throat."""

    urn: Text
    sheet: Text
    t: Whole
    event: Literal["returned"] = "returned"


@dataclass(frozen=True, slots=True)
class SheetBoxed(_Checked):
    """A sheet fell into a compartment."""

    urn: Text
    sheet: Text
    compartment: Literal["valid", "invalid"]
    t: Whole
    event: Literal["boxed"] = "boxed"


@dataclass(frozen=True, slots=True)
class SheetStuck(_Checked):
    """A sheet stopped inside, its head ``at_mm`` behind the throat."""

    urn: Text
    sheet: Text
    at_mm: Number
    t: Whole
    event: Literal["stuck"] = "stuck"


Notification = GateCrossed | SheetReturned | SheetBoxed | SheetStuck


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
    return f"{place}: {first['msg']}"[:300] if place else str(first["msg"])[:300]


def _excerpt(line: bytes | None) -> bytes:
    return (line or b"")[:1000]
