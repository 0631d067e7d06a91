"""The urn's end of its link: a codec, the order of what is said, and answers given again.

Answers come before the events that they caused. The same request again (same sequence, operation
and fields) means that its answer was lost: it is answered again and not done again, so that every
request is done at most once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from kalys.errors import ProtocolError
from kalys.protocols.urn.codec import ServerCodec
from kalys.protocols.urn.messages import Event, Garbage, Request, Response, Result


class Speech:
    """``send`` carries bytes to the host; nothing is encoded while nobody has the port open."""

    def __init__(self, codec: ServerCodec, send: Callable[[bytes], None]) -> None:
        self._codec = codec
        self._send = send
        self._listening = False
        self._answering = False
        self._held: list[Event] = []
        self._last: tuple[Request, bytes] | None = None

    def opened(self) -> None:
        """A host has opened the port: what an earlier one asked is no concern of its."""
        self._listening = True
        self._codec.reset()
        self._last = None

    def closed(self) -> None:
        self._listening = False

    def forget(self) -> None:
        """Power was lost: an unfinished message and the last answer are gone."""
        self._codec.reset()
        self._held.clear()
        self._last = None

    def hear(
        self,
        data: bytes,
        answer: Callable[[Request], Response],
        garbage: Callable[[Garbage], None],
        alive: Callable[[], bool],
    ) -> None:
        """Take bytes of the host; every request is answered, unless the urn died of one before."""
        for message in self._codec.feed(data):
            if not alive():
                return
            if isinstance(message, Garbage):
                garbage(message)
                reply = getattr(message, "reply", b"")
                if reply:
                    self._send(reply)
            elif self._last is not None and self._last[0] == message:
                self._send(self._last[1])
            else:
                self._answer(message, answer)

    def event(self, event: Event) -> None:
        """Send an event now, or behind the answer that is being made."""
        if self._answering:
            self._held.append(event)
        elif self._listening:
            self._say(event)

    def again(self, events: Iterable[Event]) -> None:
        """Send events behind the answer that is being made, before those that it causes."""
        self._held[:0] = events

    def _answer(self, request: Request, answer: Callable[[Request], Response]) -> None:
        self._answering = True
        try:
            response = answer(request)
        finally:
            self._answering = False
        try:
            data = self._codec.encode_response(response)
        except ProtocolError:
            # The dialect cannot say it (a name too long, a list that fits no line).
            fault = Response(response.sequence, response.op, Result.FAULT)
            data = self._codec.encode_response(fault)
        self._last = (request, data)
        self._send(data)
        held, self._held = self._held, []
        if self._listening:
            for event in held:
                self._say(event)

    def _say(self, event: Event) -> None:
        try:
            self._send(self._codec.encode_event(event))
        except ProtocolError:
            # Not every dialect has a line for every event; EVENTS_SINCE does not bring it either.
            return
