"""Clocks: the two time bases of a run, and who may act next.

How to think about it. Everything in Kalys that needs the time, or wants to wait, holds a ``Clock``.
A ``RealClock`` is the host's monotonic clock. A ``VirtualClock`` is a number that only the
scheduler moves: device models register what they will do and when (``call_at``), conversations (the
sequential code of a driver or a suite) wait, and while everybody waits the clock jumps to the next
thing that can happen. No sleeping, no guessing: what is in flight is in the heap.

Order in virtual time, which makes two runs with one seed equal byte for byte:

* timers run in the order of (time, registration);
* a conversation that can go on goes on before the next timer; among several, the one that has
  waited longest is first;
* at its deadline a conversation still sees what timers of that same instant brought.

Conversations of virtual time are greenlets (0.5 us to hand over, where threads take 11 us), those
of real time are threads; so a driver is plain sequential code in both.

This is the only module that reads the host's clock or sleeps.
"""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Generic, Protocol, TypeVar

from greenlet import GreenletExit, getcurrent, greenlet

from kalys.errors import ConfigurationError, KalysError

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

NANOSECONDS = 1_000_000_000
FASTEST = 1000.0          # pace of a clock of real wires


class Conversation(Protocol[T_co]):
    """Sequential code that runs beside its caller."""

    @property
    def done(self) -> bool: ...

    def join(self) -> T_co:
        """Wait for its end and return its result, or raise what it raised."""
        ...


class Clock(Protocol):
    """Time of one run: ``now`` counts nanoseconds from the run's zero and never goes back."""

    base: str

    def now(self) -> int: ...

    def utc(self) -> datetime:
        """Aware civil time in UTC."""
        ...

    def sleep(self, seconds: float) -> None: ...

    def wait(self, ready: Callable[[], bool], timeout: float | None) -> bool:
        """Return True as soon as ``ready()`` holds, False after ``timeout`` seconds (None: never).

        ``ready`` must be cheap and free of effects; it is asked often.
        """
        ...

    def spawn(self, conversation: Callable[[], T]) -> Conversation[T]: ...


class Handle:
    """A registered action of a VirtualClock that can be cancelled until it has run."""

    __slots__ = ("_action", "_clock", "time")

    def __init__(self, clock: VirtualClock, time: int, action: Callable[[], None]) -> None:
        self._clock = clock
        self._action: Callable[[], None] | None = action
        self.time = time

    @property
    def pending(self) -> bool:
        return self._action is not None

    def cancel(self) -> None:
        """Never run the action; nothing happens if it has run already."""
        if self._action is not None:
            self._action = None
            self._clock._cancelled_one()


class _Waiter:
    """A conversation that waits: for a condition, for a moment, or for either."""

    __slots__ = ("deadline", "greenlet", "outcome", "ready")

    def __init__(
        self, waiting: greenlet, ready: Callable[[], bool] | None, deadline: int | None
    ) -> None:
        self.greenlet = waiting
        self.ready = ready
        self.deadline = deadline
        self.outcome: bool | None = None


class VirtualClock:
    """The deterministic scheduler.

    ``epoch`` is the aware civil time at ``now() == 0``; ``start`` the first value of ``now()``.
    A clock belongs to one thread.
    """

    base = "virtual"

    def __init__(self, epoch: datetime, start: int = 0) -> None:
        if epoch.tzinfo is None:
            raise ConfigurationError(
                f"the epoch {epoch.isoformat()} has no time zone",
                where="virtual clock",
                remedy="Write the epoch with its offset, e.g. 2021-11-28T07:30:00+06:00.",
            )
        self._epoch = epoch.astimezone(UTC)
        self._now = start
        self._heap: list[tuple[int, int, Handle]] = []
        self._order = 0
        self._cancelled = 0
        self._waiting: list[_Waiter] = []
        self._acting = False

    def now(self) -> int:
        return self._now

    def utc(self) -> datetime:
        return self._epoch + timedelta(microseconds=self._now // 1000)

    def call_at(self, time: int, action: Callable[[], None]) -> Handle:
        """Run ``action`` at ``time`` ns (at once, yet not inside this call, if that is past).

        An action may register others and send bytes; it must not wait.
        """
        time = max(time, self._now)
        handle = Handle(self, time, action)
        self._order += 1
        heapq.heappush(self._heap, (time, self._order, handle))
        return handle

    def sleep(self, seconds: float) -> None:
        self._suspend(None, self._now + max(0, round(seconds * NANOSECONDS)))

    def wait(self, ready: Callable[[], bool], timeout: float | None) -> bool:
        if ready():
            return True
        if timeout is None:
            return self._suspend(ready, None)
        return self._suspend(ready, self._now + max(0, round(timeout * NANOSECONDS)))

    def spawn(self, conversation: Callable[[], T]) -> VirtualConversation[T]:
        """Let ``conversation`` run beside the others from the next time somebody waits."""
        spawned = VirtualConversation(self, conversation)
        self._waiting.append(_Waiter(spawned.greenlet, None, self._now))
        return spawned

    def _suspend(self, ready: Callable[[], bool] | None, deadline: int | None) -> bool:
        """Let time pass for the caller. While nobody else waits, this loop is all there is."""
        if self._acting:
            raise RuntimeError("an action of the scheduler may not wait; register another action")
        while not self._waiting:
            if not self._run_next(deadline):
                if deadline is None:
                    raise _standstill(self._now)
                self._now = max(self._now, deadline)
                return False
            if ready is not None and ready():
                return True
        return self._suspend_among(ready, deadline)

    def _run_next(self, deadline: int | None) -> bool:
        """Run the next timer that is due by ``deadline``; False if there is none."""
        heap = self._heap
        while heap:
            moment, _, handle = heap[0]
            action = handle._action
            if action is None:
                heapq.heappop(heap)
                self._cancelled -= 1
                continue
            if deadline is not None and moment > deadline:
                return False
            heapq.heappop(heap)
            handle._action = None
            self._now = moment
            self._acting = True
            try:
                action()
            finally:
                self._acting = False
            return True
        return False

    def _suspend_among(self, ready: Callable[[], bool] | None, deadline: int | None) -> bool:
        """Wait while others converse: hand over to whoever can go on first.

        Control comes back when another has chosen us, or when a conversation has ended (a greenlet
        that ends falls back to its parent); in the second case we choose the next one.
        """
        me = _Waiter(getcurrent(), ready, deadline)
        self._waiting.append(me)
        try:
            while me.outcome is None:
                chosen = self._next_runnable()
                if chosen is not me:
                    chosen.greenlet.switch()
        except BaseException:
            if me in self._waiting:
                self._waiting.remove(me)
            raise
        return me.outcome

    def _next_runnable(self) -> _Waiter:
        waiting = self._waiting
        while True:
            for waiter in waiting:
                if waiter.ready is not None and waiter.ready():
                    return self._choose(waiter, True)
            limited = [w for w in waiting if w.deadline is not None]
            first = min(limited, key=lambda w: w.deadline or 0, default=None)
            deadline = first.deadline if first else None
            if self._run_next(deadline):
                continue
            if first is None or deadline is None:
                raise _standstill(self._now)
            self._now = max(self._now, deadline)
            return self._choose(first, False)

    def _choose(self, waiter: _Waiter, outcome: bool) -> _Waiter:
        self._waiting.remove(waiter)
        waiter.outcome = outcome
        return waiter

    def _forget(self, gone: greenlet) -> None:
        self._waiting[:] = [w for w in self._waiting if w.greenlet is not gone]

    def _cancelled_one(self) -> None:
        """Cancelled timers stay in the heap until they surface; rebuild it when they prevail."""
        self._cancelled += 1
        if self._cancelled > 64 and self._cancelled * 2 > len(self._heap):
            # In place: loops that run timers hold the same list.
            self._heap[:] = [entry for entry in self._heap if entry[2]._action is not None]
            heapq.heapify(self._heap)
            self._cancelled = 0


def _standstill(now: int) -> KalysError:
    return KalysError(
        "virtual time stands still: everybody waits without a time limit and nothing is to come",
        where=f"virtual clock at {now / NANOSECONDS:.3f} s",
        remedy="Give the wait a timeout, or attach the device that should answer.",
    )


class VirtualConversation(Generic[T]):
    """A greenlet under a VirtualClock."""

    def __init__(self, clock: VirtualClock, conversation: Callable[[], T]) -> None:
        self._clock = clock
        self._conversation = conversation
        self._result: list[T] = []
        self._error: Exception | None = None
        self._done = False
        # An ended greenlet falls back to its parent, so the parent must be one that is always
        # there and waiting: the code that is no conversation itself.
        current = getcurrent()
        home = current.parent if getattr(current, "kalys_conversation", False) else current
        self.greenlet = greenlet(self._run, home)
        self.greenlet.kalys_conversation = True

    @property
    def done(self) -> bool:
        return self._done

    def join(self) -> T:
        self._clock.wait(lambda: self._done, None)
        if self._error is not None:
            raise self._error
        if not self._result:
            raise KalysError("the conversation was cancelled", where="virtual clock")
        return self._result[0]

    def cancel(self) -> None:
        """End the conversation where it waits; its ``finally`` blocks run."""
        if self._done:
            return
        self._clock._forget(self.greenlet)
        self.greenlet.parent = getcurrent()
        self.greenlet.throw(GreenletExit())
        self._done = True

    def _run(self) -> None:
        # KeyboardInterrupt and SystemExit are not caught: greenlet hands them to the parent, the
        # main code, wherever it waits.
        try:
            self._result.append(self._conversation())
        except Exception as error:
            self._error = error
        finally:
            self._done = True


class RealClock:
    """The host's clock. ``now()`` is zero when the clock is made.

    ``pace`` makes it run so many times as fast as the host's: for rehearsals on wires whose devices
    are all emulated at the same pace, never for a measurement.
    """

    base = "real"
    _POLL = 0.001

    def __init__(self, pace: float = 1.0) -> None:
        if not 0 < pace <= FASTEST:
            raise ConfigurationError(
                f"a pace of {pace:g} is not possible", where="clock",
                remedy=f"Name one above 0, up to {FASTEST:g}.",
            )
        self.pace = pace
        self._began = datetime.now(UTC)
        self._zero = time.monotonic_ns()
        self._changed = threading.Condition()

    def now(self) -> int:
        passed = time.monotonic_ns() - self._zero
        return passed if self.pace == 1.0 else int(passed * self.pace)

    def utc(self) -> datetime:
        if self.pace == 1.0:
            return datetime.now(UTC)
        return self._began + timedelta(microseconds=self.now() // 1000)

    def sleep(self, seconds: float) -> None:
        if seconds > 0:
            time.sleep(seconds / self.pace)

    def wait(self, ready: Callable[[], bool], timeout: float | None) -> bool:
        deadline = None if timeout is None else time.monotonic() + timeout / self.pace
        while not ready():
            left = self._POLL if deadline is None else deadline - time.monotonic()
            if left <= 0:
                return False
            with self._changed:
                self._changed.wait(min(left, self._POLL))
        return True

    def wake(self) -> None:
        """Tell those who wait that something may have become ready."""
        with self._changed:
            self._changed.notify_all()

    def spawn(self, conversation: Callable[[], T]) -> ThreadConversation[T]:
        return ThreadConversation(conversation)


class ThreadConversation(Generic[T]):
    """A daemon thread under a RealClock."""

    def __init__(self, conversation: Callable[[], T]) -> None:
        self._conversation = conversation
        self._result: list[T] = []
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def done(self) -> bool:
        return not self._thread.is_alive()

    def join(self) -> T:
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._result[0]

    def _run(self) -> None:
        try:
            self._result.append(self._conversation())
        except BaseException as error:
            self._error = error
