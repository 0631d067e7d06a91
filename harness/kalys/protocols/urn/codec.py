"""What every codec of the urn protocol offers, whatever its bytes look like.

A codec is sans-I/O: it turns messages (``kalys.protocols.urn.messages``) into bytes and whatever
bytes came into messages. It owns no link and no clock, keeps only the unfinished tail of its
input, and never raises on input: what is no message comes out as ``Garbage`` with the reason.
``encode`` methods raise ProtocolError when a message cannot be expressed: the caller's mistake.

There are two: ``binary`` (docs/protocols/urn-link.md) and ``line`` (docs/protocols/urn-line.md).
A driver or an emulator is given one of them and sees this interface only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from kalys.protocols.urn.messages import Event, Garbage, Op, Request, Response

# Operations whose answer is a page of a longer list: the urn sends as many rows as were asked for
# and fit into one message, and the host asks again from the next one.
PAGED: Mapping[Op, str] = {Op.RECORDS: "records", Op.LOG: "entries"}


class ClientCodec(Protocol):
    """The host's side: requests out, responses and events in."""

    @property
    def chunk(self) -> int:
        """The most bytes that one LOAD_CHUNK or EXPORT_CHUNK may carry."""
        ...

    def encode(self, request: Request) -> bytes:
        """The bytes of a request. ProtocolError names the field that does not fit."""
        ...

    def expecting(self, request: Request) -> None:
        """Say which request was sent last, for wires whose answers do not name it."""
        ...

    def feed(self, data: bytes) -> list[Response | Event | Garbage]:
        """What is complete after these bytes, in the order in which it came."""
        ...

    def wanted(self) -> int:
        """At least so many further bytes complete the next message; never below 1."""
        ...

    def reset(self) -> None:
        """Forget an unfinished message, because the link was opened anew."""
        ...


class ServerCodec(Protocol):
    """The urn's side: requests in, responses and events out."""

    def feed(self, data: bytes) -> list[Request | Garbage]:
        """What is complete after these bytes. A Garbage may carry a ``reply`` to send at once."""
        ...

    def encode_response(self, response: Response) -> bytes:
        """The bytes of a response. Rows of a PAGED list that do not fit are left off at its end."""
        ...

    def encode_event(self, event: Event) -> bytes:
        """The bytes of an event."""
        ...

    def reset(self) -> None:
        """Forget an unfinished message, because the link was opened anew."""
        ...


def missing_or_unknown(declared: Mapping[str, Any], given: Mapping[str, Any]) -> str:
    """What is wrong with the names of a message's fields, in words; empty when nothing is."""
    if declared.keys() == given.keys():
        return ""
    missing = [name for name in declared if name not in given]
    unknown = [name for name in given if name not in declared]
    words = [f"{label} {', '.join(names)}" for label, names in
             (("missing", missing), ("unknown", unknown)) if names]
    return "; ".join(words)
