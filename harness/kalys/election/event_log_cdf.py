"""An event log in NIST's common data format: Election Event Logging, SP 1500-101, as JSON.

One ``Device`` with one ``Event`` for each entry of its log, in the order in which they are given.
The format wants of every event a ``Sequence``, a ``TimeStamp`` with its zone, an ``Id`` that says
what happened, the ``Type`` it belongs to and a ``Disposition``. Here

- ``Id`` is the kind of the entry, ``Type`` the part of VVSG 2.0 Table 15-1 that it falls under,
- ``Disposition`` is the outcome where the format has that word; any other outcome is "other", and
  ``OtherDisposition`` says which, so that nothing of the log is lost,
- ``UserId``, ``Description``, ``Details`` and ``Hash`` hold user, event, resource and chain.

Entries are taken by their shape, so that this room needs no urn. Somebody else's file is read by
``kalys.election.event_log_reading``, which shares nothing with this module.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from kalys.errors import ConfigurationError

# The parts of VVSG 2.0 Table 15-1; a kind that is in none of the others is "general".
TYPES: Mapping[str, str] = {
    "software": "software", "abnormal-exit": "software",
    "key": "cryptography",
    "definition": "voting", "open": "voting", "close": "voting", "cast": "voting",
    "export": "voting",
}  # fmt: skip
GENERAL = "general"
DISPOSITIONS = frozenset({"success", "failure", "na"})


@dataclass(frozen=True)
class Device:
    """Whose log it is."""

    id: str
    manufacturer: str = ""
    model: str = ""
    version: str = ""
    kind: str = "scan-single"


class Entry(Protocol):
    """An entry of a log; ``kalys.devices.roles.LogEntry`` is one. ``stamp`` is ISO 8601 with zone.
    """

    @property
    def sequence(self) -> int: ...
    @property
    def stamp(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def event(self) -> str: ...
    @property
    def outcome(self) -> str: ...
    @property
    def user(self) -> str: ...
    @property
    def resource(self) -> str: ...
    @property
    def chain(self) -> bytes: ...


def report(
    entries: Iterable[Entry], *, device: Device, generated: datetime, election: str = ""
) -> dict[str, Any]:
    """The whole log as plain data. Raises ConfigurationError when ``generated`` bears no zone."""
    if generated.tzinfo is None:
        raise ConfigurationError("the time of a log's export needs its zone", where="event log")
    told = {"Manufacturer": device.manufacturer, "Model": device.model, "Version": device.version}
    whole: dict[str, Any] = {
        "@type": "EventLogging.ElectionEventLog",
        "GeneratedTime": generated.isoformat(timespec="seconds"),
        "Device": [{
            "@type": "EventLogging.Device", "Id": device.id, "Type": device.kind,
            "HashType": "sha-256", **{key: value for key, value in told.items() if value},
            "Event": [_event(entry) for entry in entries],
        }],
    }  # fmt: skip
    return {**whole, "ElectionId": election} if election else whole


def _event(entry: Entry) -> dict[str, Any]:
    known = entry.outcome in DISPOSITIONS
    event = {
        "@type": "EventLogging.Event",
        "Sequence": str(entry.sequence), "TimeStamp": entry.stamp,
        "Id": entry.kind, "Type": TYPES.get(entry.kind, GENERAL),
        "Disposition": entry.outcome if known else "other",
        "Description": entry.event, "Details": entry.resource, "UserId": entry.user,
        "Hash": entry.chain.hex(),
    }  # fmt: skip
    return event if known else {**event, "OtherDisposition": entry.outcome}
