"""The lines between Kalys and a counting core under test: JSON, one message a line, no I/O here.

Kalys says ``hello`` (which election, which style, where everything is on the ballot), then asks
``read`` with the picture of one sheet, or ``read-batch`` with those of several when the core says
that it takes batches; the core answers with one line for each sheet, in their order. A number
identifies each sheet and says nothing else about it, so that no core can guess what a sheet was
made for. docs/protocols/counting-core.md publishes all of it.

Whatever a core says instead of an answer is a `CoreFault` of one of ``FAULTS``; the codec finds
garbage, answers out of order, for the wrong sheet, and lines without end. The driver adds what only
it can see: crash and timeout.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kalys.errors import ProtocolError

PROTOCOL = "kalys-core-1"
LONGEST_LINE = 1 << 20
"""Bytes of an answer; a core that writes more without a line feed is broken."""
LONGEST_ERROR = 300
"""Characters that are kept of what a core says about a sheet that it cannot read."""
LARGEST_BATCH = 64
"""Sheets that a core may ask for at once."""

FAULTS: Mapping[str, str] = MappingProxyType({
    "crash": "it ended",
    "error": "it could not read the sheet",
    "timeout": "it did not answer in time",
    "garbage": "its answer is not one of the protocol",
    "out-of-order": "it answered a sheet that had been answered before",
    "wrong-sheet": "it answered for a sheet that it was not asked for",
    "too-long": "its answer has no end",
})
"""Kinds of misbehaviour, in words."""

Reason = Literal["foreign", "unreadable", "wrong-side", "double-feed", "ambiguous-mark"]
Images = Literal["file", "shared-memory"]
_Text = Annotated[str, Field(max_length=200)]


class CoreFault(ProtocolError):  # noqa: N818
    """A core did not answer as it must. ``kind`` is one of ``FAULTS``; ``said`` what came."""

    def __init__(self, kind: str, detail: str = "", *, said: bytes = b"") -> None:
        super().__init__(f"{FAULTS[kind]}: {detail}" if detail else FAULTS[kind])
        self.kind = kind
        self.said = said


class CoreIdentity(BaseModel):
    """Who the core says it is, and how it wants pictures: how given, and how many at once."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    model: _Text = ""
    maker: _Text = ""
    serial: _Text = ""
    version: _Text = ""
    images: Images = "file"
    batch: Annotated[int, Field(ge=1, le=LARGEST_BATCH)] = 1


@dataclass(frozen=True)
class CoreAnswer:
    """What a core says of one sheet.

    ``status`` is "read" with ``marks[contest]``, or "rejected" with a ``reason``. ``valid`` is the
    core's own judgement of the sheet, None when it leaves that to the rule of the election.
    ``scores[contest][option]`` are whatever the core measures. ``marginal[contest][option]`` is the
    fill of a mark that is neither vote nor no vote, and counts nothing.
    """

    status: Literal["read", "rejected"]
    reason: str = ""
    marks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    valid: bool | None = None
    scores: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    marginal: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


class _Read(BaseModel):
    model_config = ConfigDict(extra="ignore")

    status: Literal["read"]
    marks: dict[str, tuple[str, ...]]
    valid: bool | None = None
    scores: dict[str, dict[str, float]] = Field(default_factory=dict)
    marginal: dict[str, dict[str, Annotated[float, Field(ge=0, le=1)]]] = Field(
        default_factory=dict
    )


class _Rejected(BaseModel):
    model_config = ConfigDict(extra="ignore")

    status: Literal["rejected"]
    reason: Reason


class _Failed(BaseModel):
    model_config = ConfigDict(extra="ignore")

    status: Literal["failed"]
    error: str = ""


def hello(
    election: Mapping[str, Any], style: str, layout: Mapping[str, Any], *,
    ambiguous_marks: str = "return", sides: int = 1,
) -> dict[str, Any]:
    """The first message, and again whenever sheets of another style are to be counted.

    ``ambiguous_marks`` "accept" asks a core to read sheets with marginal marks and to name these,
    instead of giving such sheets back. With two ``sides`` every sheet comes as two pictures; of one
    side nothing is said.
    """
    message = {
        "op": "hello", "protocol": PROTOCOL, "election": election, "style": style,
        "layout": layout, "ambiguous_marks": ambiguous_marks,
    }
    return message if sides == 1 else message | {"sides": sides}


def read_file(
    number: int, path: str, shape: tuple[int, int], *, upper: str | None = None
) -> dict[str, Any]:
    """Ask for the sheet in a file (binary PGM, 8-bit grey); ``upper`` is the file of its other
    side, where it has two."""
    message = {"op": "read", "id": number, "path": path, "rows": shape[0], "columns": shape[1]}
    return message if upper is None else message | {"upper_path": upper}


def read_memory(
    number: int, name: str, shape: tuple[int, int], offset: int = 0, *, upper: int | None = None
) -> dict[str, Any]:
    """Ask for the sheet in shared memory (8-bit grey, row after row), ``offset`` bytes in; where it
    has two sides, the other one begins at ``upper``."""
    message = {
        "op": "read", "id": number, "shared_memory": name, "offset": offset,
        "rows": shape[0], "columns": shape[1],
    }
    return message if upper is None else message | {"upper_offset": upper}


def read_batch(requests: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Ask for several sheets at once, each as in its own ``read``."""
    sheets = [{name: value for name, value in r.items() if name != "op"} for r in requests]
    return {"op": "read-batch", "sheets": sheets}


def encode(message: Mapping[str, Any]) -> bytes:
    """One message as its line."""
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def identity_of(line: bytes, kind: type[CoreIdentity] = CoreIdentity) -> CoreIdentity:
    """The answer to ``hello``; CoreFault when it is none."""
    data = _object(line)
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        raise CoreFault("garbage", _first(error), said=line) from error


def answer_of(line: bytes, number: int, contests: Mapping[str, frozenset[str]]) -> CoreAnswer:
    """The answer to ``read`` of sheet ``number``; CoreFault when it is none.

    ``contests`` are the options of the style's contests: a core can name nothing else.
    """
    data = _object(line)
    told = data.get("id")
    if isinstance(told, bool) or not isinstance(told, int):
        raise CoreFault("garbage", "there is no id in it", said=line)
    if told != number:
        kind = "out-of-order" if 0 < told < number else "wrong-sheet"
        raise CoreFault(kind, f"asked was {number}, the answer is for {told}", said=line)
    try:
        return answer_from(data, contests)
    except CoreFault as fault:
        raise CoreFault(fault.kind, fault.what.partition(": ")[2], said=line) from fault


def answer_from(data: object, contests: Mapping[str, frozenset[str]]) -> CoreAnswer:
    """An answer from plain data; CoreFault ("garbage") names what is wrong, CoreFault ("error")
    tells what the core itself says that went wrong."""
    if not isinstance(data, Mapping):
        raise CoreFault("garbage", f"{type(data).__name__} is no answer")
    try:
        if data.get("status") == "failed":
            raise CoreFault("error", _Failed.model_validate(dict(data)).error[:LONGEST_ERROR])
        if data.get("status") == "rejected":
            return CoreAnswer("rejected", _Rejected.model_validate(dict(data)).reason)
        read = _Read.model_validate(dict(data))
    except ValidationError as error:
        raise CoreFault("garbage", _first(error)) from error
    for contest, options in (*read.marks.items(), *read.marginal.items()):
        strange = [o for o in options if o not in contests.get(contest, frozenset())]
        if contest not in contests or strange:
            place = f"{contest}/{strange[0]}" if strange else contest
            raise CoreFault("garbage", f"{place[:80]} is not on the ballot")
    marks = {c: tuple(dict.fromkeys(options)) for c, options in read.marks.items()}
    return CoreAnswer("read", "", marks, read.valid, read.scores, read.marginal)


class AnswerLines:
    """Cuts what a core writes into lines."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> None:
        """Add what came; CoreFault ("too-long") when no line ends."""
        self._held += data
        if len(self._held) > LONGEST_LINE and b"\n" not in self._held:
            raise CoreFault(
                "too-long", f"more than {LONGEST_LINE} bytes without a line feed",
                said=self._held[:200],
            )

    def next(self) -> bytes | None:
        """The next whole line, without its line feed; None when there is none."""
        line, found, rest = self._held.partition(b"\n")
        if not found:
            return None
        self._held = rest
        return line


def _object(line: bytes) -> dict[str, Any]:
    if len(line) > LONGEST_LINE:
        raise CoreFault("too-long", f"{len(line)} bytes", said=line[:200])
    try:
        data = json.loads(line, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise CoreFault("garbage", "it is not JSON", said=line) from error
    if not isinstance(data, dict):
        raise CoreFault("garbage", "it is not a JSON object", said=line)
    return data


def _no_number(name: str) -> float:
    """NaN and the infinities are no JSON, and no score either."""
    raise ValueError(name)


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place}: {first['msg']}" if place else str(first["msg"])
