"""Requests, answers and events over one link to one urn, whatever its codec.

How to think about it: the urn talks when it likes. Every read may bring the answer that is waited
for, events, or bytes that nobody can explain; all of them pass through ``_take_in``, which files
answers, queues events and journals garbage. A request waits for its own answer and collects the
rest; a wait for an event collects answers that come late.

Rules, from docs/protocols/urn-link.md: a request that stays without an answer is sent again with
the same sequence number, so that the urn repeats its answer instead of its action; events are
numbered, and the numbers that are missing are asked for with EVENTS_SINCE.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kalys.devices.roles import Received
from kalys.errors import KalysError, LinkError, ProtocolError, Refused
from kalys.evidence.journal import Recorder
from kalys.links.clock import Clock
from kalys.links.link import Link
from kalys.protocols.urn.codec import ClientCodec
from kalys.protocols.urn.messages import Event, EventKind, Garbage, Op, Request, Response, Result

# Operations that a slow device may take longer for than for an ordinary answer, in seconds.
SLOW: Mapping[Op, float] = {
    Op.SELF_TEST: 60.0,
    Op.LOAD_COMMIT: 30.0,
    Op.RESET_ELECTION: 15.0,
    Op.OPEN: 15.0,
    Op.CLOSE: 30.0,
    Op.EXPORT_BEGIN: 30.0,
    Op.BACKUP: 30.0,
}


@dataclass(frozen=True)
class Patience:
    """How long a device is waited for: seconds to an answer, attempts, seconds to boot."""

    answer: float = 2.0
    attempts: int = 3
    boot: float = 30.0
    slow: Mapping[Op, float] = field(default_factory=lambda: dict(SLOW))

    def of(self, op: Op) -> float:
        return max(self.answer, self.slow.get(op, 0.0))


class Dialogue:
    """The conversation with one urn. One conversation of the clock uses it at a time."""

    def __init__(
        self,
        connect: Callable[[], Link],
        codec: Callable[[], ClientCodec],
        *,
        name: str,
        clock: Clock,
        journal: Recorder,
        patience: Patience | None = None,
        repeats_events: bool = True,
    ) -> None:
        self.name = name
        self.clock = clock
        self.journal = journal
        self.patience = patience or Patience()
        self.history: deque[Received] = deque(maxlen=20_000)
        self.lost_events = 0
        self.listener: Callable[[Received], None] | None = None      # told of every event
        self.overheard: Callable[[bytes], None] | None = None        # told of every request
        self.sent = 0                      # ns: when the last request was written
        self.received = 0                  # ns: when its answer was complete
        self._connect = connect
        self._sequence = 0
        self._queue: deque[Received] = deque()
        self._forget_stream()
        self._next: int | None = None
        self._recoverable = repeats_events
        self.link = connect()
        self._codec = codec()

    def request(self, op: Op, **fields: Any) -> Mapping[str, Any]:
        """The fields of the urn's OK answer.

        Raises Refused with the protocol's result, LinkError when the urn stays silent or the link
        is lost, ProtocolError when only garbage comes.
        """
        answer = self._ask(op, fields)
        if self._held:
            self._fill_gap()
        return answer

    def wait(self, kinds: Sequence[EventKind], timeout: float) -> Received | None:
        """The next event of one of ``kinds``, or None after ``timeout`` seconds of the clock."""
        deadline = self.clock.now() + _ns(timeout)
        while (found := self._next_of(kinds)) is None:
            if self._held:
                self._fill_gap()
                continue
            left = deadline - self.clock.now()
            if not self._pump(max(0.0, left / 1e9)) and self.clock.now() >= deadline:
                return self._look_again(kinds) if timeout >= 1.0 else None
        return found

    def encoded(self, op: Op, fields: Mapping[str, Any]) -> bytes:
        """The bytes of a request with a number of its own, not sent."""
        return self._codec.encode(Request(self._new_sequence(), op, fields))

    def say(self, data: bytes, quiet: float) -> list[Response]:
        """Write bytes as they are; the answers that come until nothing does for ``quiet`` seconds.

        Events are filed as always, and what is no message is journaled.
        """
        self.link.write(data)
        answers: list[Response] = []
        while chunk := self.link.read(self._codec.wanted(), quiet):
            for message in self._codec.feed(chunk):
                if isinstance(message, Response):
                    answers.append(message)
                else:
                    self._take_in(message, self.link.received_at)
        return answers

    def drain(self) -> list[Received]:
        """Every event that has come and was not waited for."""
        while self._pump(0.0):
            pass
        if self._held:
            self._fill_gap()
        events = list(self._queue)
        self._queue.clear()
        self.history.extend(events)
        return events

    def reconnect(self) -> None:
        """Open the link anew and wait until the urn answers, at most ``patience.boot`` seconds."""
        self.disconnect()
        deadline = self.clock.now() + _ns(self.patience.boot)
        while True:
            try:
                self.link = self._connect()
                self._codec.reset()
                self._forget_stream()
                self._exchange(Op.IDENTIFY, {}, attempts=1)
                break
            except (LinkError, ProtocolError):
                if self.clock.now() >= deadline:
                    raise
                self.disconnect()
                self.clock.sleep(0.5)
        self._ask_for_missed()

    def disconnect(self) -> None:
        """Close the link; a link that is lost already counts as closed."""
        try:
            self.link.close()
        except (KalysError, OSError) as error:
            self._note("closing the link failed", error=str(error))

    # Requests

    def _ask(self, op: Op, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        response = self._exchange(op, fields, self.patience.attempts)
        if response.result is not Result.OK:
            raise Refused(
                f"the urn refused {op.value}: {response.result.value}",
                code=response.result.value,
                where=self.name,
            )
        return response.fields

    def _exchange(self, op: Op, fields: Mapping[str, Any], attempts: int) -> Response:
        """Send until answered, at most ``attempts`` times."""
        request = Request(self._new_sequence(), op, fields)
        self._garbage = b""
        for attempt in range(attempts):
            if attempt:
                self._note("no answer; sent again", op=op.value, sequence=request.sequence)
            self._codec.expecting(request)
            data = self._codec.encode(request)
            self.link.write(data)
            self.sent = self.link.sent_at
            if self.overheard is not None:
                self.overheard(data)
            response = self._answer_to(request)
            if response is not None and response.op is not op:
                # The number was that of an earlier session's last request: take a new one.
                request = Request(self._new_sequence(), op, fields)
                continue
            if response is not None:
                return response
        raise self._silence(op)

    def _answer_to(self, request: Request) -> Response | None:
        deadline = self.clock.now() + _ns(self.patience.of(request.op))
        self._answers.clear()
        while request.sequence not in self._answers:
            left = deadline - self.clock.now()
            if left <= 0:
                return None
            self._pump(left / 1e9)
        return self._answers.pop(request.sequence)

    def _new_sequence(self) -> int:
        self._sequence = (self._sequence + 1) & 0xFFFF
        return self._sequence

    def _silence(self, op: Op) -> KalysError:
        where = f"{self.name} on {self.link.url}"
        if self._garbage:
            return ProtocolError(
                f"no answer to {op.value}, only bytes that do not belong to the protocol: wrong "
                f"protocol? first bytes were {_show(self._garbage)}",
                where=where,
                remedy="Check the profile's protocol and baud rate, and that nothing else uses "
                "the line.",
            )
        return LinkError(
            f"no answer to {op.value} in {self.patience.of(op):g} s, asked "
            f"{self.patience.attempts} times",
            where=where,
            remedy="Is it powered? Is the cable right? Is the profile's baud rate right?",
        )

    # What comes in

    def _pump(self, timeout: float) -> bool:
        """Read once and file what came; False when nothing came."""
        if timeout <= 0:
            self.clock.sleep(0)            # what is due at this very moment may arrive first
        data = self.link.read(self._codec.wanted(), timeout)
        if not data:
            return False
        for message in self._codec.feed(data):
            self._take_in(message, self.link.received_at)
        return True

    def _take_in(self, message: Response | Event | Garbage, now: int) -> None:
        if isinstance(message, Response):
            if message.sequence == self._sequence:
                self._answers[message.sequence] = message
                self.received = now
            else:
                self._note("an answer nobody waits for", op=message.op.value,
                           sequence=message.sequence)
        elif isinstance(message, Event):
            self._take_event(Received(message, now))
        else:
            self._garbage = self._garbage or bytes(message.data)
            self._note("garbage", why=message.why, bytes=len(message.data),
                       first=message.data[:64].hex())

    def _take_event(self, received: Received) -> None:
        event = received.event
        if self._next is None or event.number == self._next:
            self._deliver(received)
        elif event.number > self._next:
            self._held[event.number] = received
        elif event.number == 1 and self._seen.get(1) != (event.kind, event.time_ms):
            # Against the protocol, but a device may do so after a restart.
            self._note("the urn numbers its events anew")
            self._forget_stream()
            self._next = 1
            self._take_event(received)

    def _deliver(self, received: Received) -> None:
        """Queue an event and those that were held back behind it."""
        following: Received | None = received
        while following is not None:
            event = following.event
            self._queue.append(following)
            if self.listener is not None:
                self.listener(following)
            self._seen[event.number] = (event.kind, event.time_ms)
            self._seen.pop(event.number - 4096, None)
            self._next = event.number + 1
            following = self._held.pop(self._next, None)

    def _next_of(self, kinds: Sequence[EventKind]) -> Received | None:
        while self._queue:
            received = self._queue.popleft()
            self.history.append(received)
            if received.kind in kinds:
                return received
        return None

    # Events that did not come

    def _fill_gap(self) -> None:
        """Ask for the events before those held back; what the urn has no more is lost, and said."""
        for _ in range(self.patience.attempts):
            if not self._held or not self._ask_since():
                break
        if self._held:
            first, last = self._next or 1, min(self._held) - 1
            self.lost_events += last - first + 1
            self._note("events are lost for good", first=first, last=last)
            self._deliver(self._held.pop(last + 1))
            if self._held:
                self._fill_gap()

    def _ask_since(self) -> bool:
        """Ask for the events from the next expected on and take them in; False if no use."""
        if not self._recoverable or self._next is None:
            return False
        try:
            count = int(self._ask(Op.EVENTS_SINCE, {"first": self._next})["count"])
        except Refused as refusal:
            self._recoverable = False
            self._note("the urn does not repeat events", result=refusal.code)
            return False
        after = self._next + count
        self._pump_until(lambda: self._next is None or self._next >= after)
        return True

    def _pump_until(self, enough: Callable[[], bool]) -> None:
        """Take in what comes until it is enough, or nothing comes for the time of an answer."""
        while not enough() and self._pump(self.patience.answer):
            pass

    def _look_again(self, kinds: Sequence[EventKind]) -> Received | None:
        """After a wait in vain: was the last event lost? A silent urn has none."""
        if self._next is None or not self._recoverable:
            return None
        try:
            response = self._exchange(Op.EVENTS_SINCE, {"first": self._next}, attempts=1)
        except (LinkError, ProtocolError):
            return None
        if response.result is Result.OK and response.fields["count"]:
            self._ask_since()
        return self._next_of(kinds)

    def _ask_for_missed(self) -> None:
        """After a reconnection: the events that went out while nobody listened."""
        if not self._recoverable:
            return
        try:
            if self._next is None:
                self._ask_since_boot()
            else:
                self._ask_since()
            if self._held:
                self._fill_gap()
        except (LinkError, ProtocolError) as error:
            self._note("events of the time without a link were not repeated", error=str(error))

    def _ask_since_boot(self) -> None:
        """No event was ever seen: take all that the urn has, and keep those since its last boot."""
        try:
            count = int(self._ask(Op.EVENTS_SINCE, {"first": 1})["count"])
        except Refused as refusal:
            self._recoverable = False
            self._note("the urn does not repeat events", result=refusal.code)
            return
        self._pump_until(lambda: len(self._queue) >= count)
        boots = [i for i, r in enumerate(self._queue) if r.kind is EventKind.BOOTED]
        for _ in range(boots[-1] if boots else len(self._queue)):
            self._queue.popleft()

    def _forget_stream(self) -> None:
        self._answers: dict[int, Response] = {}
        self._held: dict[int, Received] = {}
        self._seen: dict[int, tuple[EventKind, int]] = {}    # of the last 4096 events
        self._garbage = b""

    def _note(self, text: str, **details: Any) -> None:
        self.journal.add("note", {"device": self.name, "text": text, **details})


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)


def _show(data: bytes) -> str:
    """At most 16 bytes, as hexadecimal and as text where it is text."""
    head = data[:16]
    text = "".join(chr(b) if 32 <= b < 127 else "." for b in head)
    return f"{head.hex(' ')} ({text!r})"
