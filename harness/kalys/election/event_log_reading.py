"""An event log as a device exported it: a strict reader of NIST SP 1500-101 JSON, version 1.

This reads what *somebody else* wrote, so it shares nothing with the writer
(``kalys.election.event_log_cdf``). It asks what the official schema asks: the required keys, no
others than it knows, texts that are texts, the words of its enumerations, and times that are
RFC 3339 with a zone. A file that is no such log at all is an error; an event that is wrong is
handed back as such beside the good ones, so that each entry of a log can be judged by itself.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict, ValidationError

from kalys.errors import ProtocolError

WHERE = "election event log"
Disposition = Literal["failure", "na", "other", "success"]

# RFC 3339, 5.6: what the schema's format "date-time" means.
_MOMENT = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[+-]\d{2}:\d{2})", re.ASCII
)


@dataclass(frozen=True)
class LoggedEvent:
    """One event. ``sequence`` is a text, as the format has it."""

    sequence: str
    time: datetime
    id: str
    type: str
    disposition: Disposition
    other_disposition: str = ""
    user: str = ""
    description: str = ""
    details: str = ""


@dataclass(frozen=True)
class WrongEvent:
    """An event that is not valid: what is wrong, and its sequence where that can be read."""

    why: str
    sequence: str = ""


@dataclass(frozen=True)
class EventLogFile:
    """What a file holds. ``events`` are those of all its devices, in the order of the file."""

    generated: datetime
    devices: tuple[str, ...]
    events: tuple[LoggedEvent | WrongEvent, ...]


def _moment(text: str) -> str:
    if _MOMENT.fullmatch(text) is None:
        raise ValueError(f"{text[:40]!r} is no time of RFC 3339 with its zone")
    datetime.fromisoformat(text)
    return text


Text = Annotated[str, Strict()]
Moment = Annotated[str, Strict(), AfterValidator(_moment)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Event(_Model):
    type_: Annotated[Literal["EventLogging.Event"], Field(alias="@type")]
    Disposition: Disposition
    Id: Text
    Sequence: Text
    TimeStamp: Moment
    Type: Text
    Description: Text = ""
    Details: Text = ""
    Hash: Text = ""
    OtherDisposition: Text = ""
    Severity: Text = ""
    UserId: Text = ""


class _Device(_Model):
    type_: Annotated[Literal["EventLogging.Device"], Field(alias="@type")]
    Id: Text
    Details: Text = ""
    Event: list[Any] = []
    HashType: Literal["md6", "other", "sha-256", "sha-512"] | None = None
    Manufacturer: Text = ""
    Model: Text = ""
    OtherHashType: Text = ""
    OtherType: Text = ""
    Type: Literal[
        "adjudication", "ballot-activation", "ballot-printing", "blank-ballot-printing", "bmd",
        "dre", "dre-controller", "electronic-cast", "electronic-cast-paper",
        "electronic-poll-book", "ems", "other", "scan-batch", "scan-single",
        "transmission-receiving", "transmission-sending",
    ] | None = None  # fmt: skip
    Version: Text = ""


class _Log(_Model):
    type_: Annotated[Literal["EventLogging.ElectionEventLog"], Field(alias="@type")]
    GeneratedTime: Moment
    Details: Text = ""
    Device: list[_Device] = []
    ElectionId: Text = ""


def read_event_log(data: bytes) -> EventLogFile:
    """The events of a log, each by itself right or wrong.

    ProtocolError names what makes the file as a whole no log of SP 1500-101.
    """
    try:
        log = _Log.model_validate(json.loads(data))
    except ValidationError as error:
        raise ProtocolError(_first(error), where=WHERE) from error
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"it is not JSON: {error}", where=WHERE) from error
    events = tuple(_event(event) for device in log.Device for event in device.Event)
    return EventLogFile(
        datetime.fromisoformat(log.GeneratedTime), tuple(device.Id for device in log.Device), events
    )


def _event(data: Any) -> LoggedEvent | WrongEvent:
    try:
        event = _Event.model_validate(data)
    except ValidationError as error:
        sequence = data.get("Sequence") if isinstance(data, dict) else None
        return WrongEvent(_first(error), sequence if isinstance(sequence, str) else "")
    return LoggedEvent(
        event.Sequence, datetime.fromisoformat(event.TimeStamp), event.Id, event.Type,
        event.Disposition, event.OtherDisposition, event.UserId, event.Description, event.Details,
    )


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place}: {first['msg']}" if place else str(first["msg"])
