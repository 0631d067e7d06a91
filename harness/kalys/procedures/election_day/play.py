"""A day that is being played: its clock, what is still to be done at each urn, and who waits.

How to think about it. The run's clock and the day's clock are two things. The day's clock is that
of the urns: they are set to the script's beginning, and from then on the local time is that
beginning plus what has passed on the run's clock. At every urn stands a **desk** with a list of
what is to be done there; a conversation of the run's clock works through it, the commission first,
then the voters in the order in which they came. At every identification kit another conversation
checks voters in. They all wait on the run's clock: in virtual time they are greenlets and take
turns in an order that the seed alone decides, in real time they are threads; the code is the same.

Whatever is done leaves its mark: a finished step sets off what was to come *after* it, an event of
an urn what was to come after that. The day is over when nothing is left to be done.

``skip_idle_s`` plays a day on a real bench without waiting twelve hours: where nothing happens for
longer, an administrator puts the urns' clocks forward instead.
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from kalys.procedures.election_day.commission import Consolidate
from kalys.procedures.election_day.duty import OnDuty
from kalys.procedures.election_day.expectations import Expectation
from kalys.procedures.election_day.timing import After, Timed, clock_text
from kalys.protocols.urn.messages import EventKind, ReturnReason, Role

if TYPE_CHECKING:
    from kalys.devices.roles import Received
    from kalys.links.clock import Clock, Conversation
    from kalys.procedures.election_day.language import Day
    from kalys.procedures.session import Session

CLOCKS, STEPS, VOTERS = 0, 1, 2        # who comes first at a desk
SECOND = 1_000_000_000
CLOCKS_DIFFER_S = 2.0                  # what an urn's clock may gain until the evening

Deed = Callable[[], None]


class Performer(Protocol):
    """Does what an entry of the script says at one urn. ``began`` is the moment (ns of the run's
    clock) of what set it off."""

    def __call__(self, play: Play, entry: Any, duty: OnDuty, began: int) -> None: ...


@dataclass
class Desk:
    """What is still to be done at one urn: (due, order, deed), by rank."""

    duty: OnDuty
    waiting: tuple[list[tuple[float, int, Deed]], ...] = field(
        default_factory=lambda: ([], [], [])
    )
    busy: bool = False
    stirred: int = 0
    order: int = 0

    def next_due(self) -> float | None:
        """When the next deed is due, in seconds of the day."""
        return min((heap[0][0] for heap in self.waiting if heap), default=None)


class Play:
    """One sitting of a day. ``midnight`` is the run's clock (ns) at the day's 00:00."""

    def __init__(
        self, session: Session, day: Day, duties: Mapping[str, OnDuty], performer: Performer,
        *, seed: str, skip_idle_s: float | None = None,
    ) -> None:
        self.session = session
        self.day = day
        self.duties = duties
        self.seed = seed
        self.midnight = 0
        self.over = False
        self.checked_in: dict[str, int] = {}
        self.sent_away = 0                         # second attempts
        self._perform = performer
        self._skip_idle_s = skip_idle_s
        self._desks = {name: Desk(duty) for name, duty in duties.items()}
        self._doors: list[Door] = []
        self._open = 0                             # deeds and doors that are not done
        self._failed: BaseException | None = None
        self._lock = threading.RLock()
        self._stirred = 0
        self._after: list[tuple[Timed, After]] = []
        self._by_sheets: list[tuple[Timed, int]] = []
        self._followed: set[tuple[int, str]] = set()
        self.total = 0                             # voters who are to come

    @property
    def clock(self) -> Clock:
        return self.session.clock

    # Time

    def local(self) -> float:
        """Seconds of the day."""
        return (self.clock.now() - self.midnight) / SECOND

    def after_hours(self) -> bool:
        """Whether the hour at which the polls close has struck, by some urn's clock."""
        closes = self.session.definition.closes
        hour = closes.hour * 3600 + closes.minute * 60 + closes.second
        return self.local() >= hour - CLOCKS_DIFFER_S

    def sleep_until(self, at: float, desk: Desk | None = None) -> bool:
        """Wait until a time of day; False when the day is over, or the desk was stirred, before."""
        while True:
            seen, stirred = self._stirred, desk.stirred if desk is not None else 0
            left = self.midnight + round(at * SECOND) - self.clock.now()
            if self.over or left <= 0:
                return not self.over
            self.clock.wait(partial(self._anew, seen, desk, stirred), left / SECOND)
            if desk is not None and desk.stirred != stirred:
                return False

    def _anew(self, seen: int, desk: Desk | None, stirred: int) -> bool:
        return self._stirred != seen or (desk is not None and desk.stirred != stirred)

    # What is to be done

    def put(self, urn: str, due: float, rank: int, deed: Deed) -> None:
        """Have something done at an urn, not before ``due``."""
        desk = self._desks[urn]
        with self._lock:
            desk.order += 1
            heapq.heappush(desk.waiting[rank], (due, desk.order, deed))
            desk.stirred += 1
            self._open += 1

    def plan(self, entry: Timed) -> None:
        """Put an entry of the script where its time says; those that wait for something wait."""
        if entry.after is not None:
            self._after.append((entry, entry.after))
            return
        if entry.every is not None and entry.every.sheets is not None:
            self._by_sheets.append((entry, entry.every.sheets))
        last = max((e.at or 0 for e in (*self.day.commission, *self.day.faults)), default=86400)
        for at in entry.moments(last):
            self.schedule(entry, at)

    def schedule(self, entry: Timed, at: float) -> None:
        """Have an entry done at a time of day, at every urn that it concerns."""
        for name in self.concerned(entry):
            duty = self.duties[name]
            due = at + self._patience(entry)
            self.put(name, due, STEPS, partial(self._do_at, entry, duty, at))

    def concerned(self, entry: Timed) -> tuple[str, ...]:
        """The urns at which an entry is to be done."""
        if isinstance(entry, Consolidate):
            return (entry.source,)
        return entry.urns or tuple(self.duties)

    @staticmethod
    def _patience(entry: Timed) -> float:
        """What looks back at what came is looked at when its time is up."""
        looks_back = isinstance(entry, Expectation) and entry.that in ("event", "report-printed")
        return float(entry.within) if looks_back else 0.0          # type: ignore[attr-defined]

    def _do_at(self, entry: Timed, duty: OnDuty, at: float) -> None:
        self._do(entry, duty, self.midnight + round(at * SECOND))

    def _do(self, entry: Timed, duty: OnDuty, began: int) -> None:
        started = self.clock.now()
        self.report_progress(entry.called)
        self._perform(self, entry, duty, began)
        self.set_off(entry, duty, started)

    def set_off(self, entry: Timed, duty: OnDuty, started: int) -> None:
        """Something is done; what was to come after it comes, at the same urn."""
        for follower, after in self._after:
            if after.step in (entry.name or entry.kind, entry.kind):
                self._follow(follower, after, duty, started)

    def heard(self, duty: OnDuty, received: Received) -> None:
        """An event came; what was to come after it comes, at the same urn."""
        # The hour may strike while a ballot is drawn in: an urn is then right to give it back.
        late = received.fields.get("reason") == ReturnReason.NOT_OPEN.value and self.after_hours()
        with duty.excusing(*[received.kind] if late else ()):
            duty.hear(received)
        if received.kind is EventKind.SHEET_ACCEPTED:
            for entry, sheets in self._by_sheets:
                if duty.events[received.kind] % sheets == 0 and duty.name in self.concerned(entry):
                    self.put(duty.name, self.local(), STEPS,
                             partial(self._do, entry, duty, received.time))
        for follower, after in self._after:
            if after.event is received.kind:
                self._follow(follower, after, duty, received.time)

    def _follow(self, entry: Timed, after: After, duty: OnDuty, began: int) -> None:
        key = (id(entry), duty.name)
        if duty.name not in self.concerned(entry) or (not after.each and key in self._followed):
            return
        self._followed.add(key)
        due = self.local() + after.seconds + self._patience(entry)
        self.put(duty.name, due, STEPS, partial(self._do, entry, duty, began))

    def never_done(self) -> Iterator[Timed]:
        """Entries that waited for something that never came, though it was to come once."""
        begun = {number for number, _ in self._followed}
        for entry, after in self._after:
            if id(entry) not in begun and not after.each:
                yield entry

    # The conversations

    def run(self, doors: list[Door]) -> None:
        """Play until nothing is left to be done. Raises what a conversation raised."""
        self._doors, self._open = doors, self._open + len(doors)
        jobs: list[Deed] = [partial(self._serve, desk) for desk in self._desks.values()]
        jobs += [partial(self._keep, door) for door in doors]
        if self._skip_idle_s is not None:
            jobs.append(partial(self._skip_idle, self._skip_idle_s))
        running: list[Conversation[None]] = []
        try:
            for job in jobs:
                running.append(self.clock.spawn(partial(self._guarded, job)))
            self.clock.wait(lambda: self.over, None)
            for conversation in running:
                # After an error as well: what is being done at another urn comes to its end.
                conversation.join()
        except BaseException:
            self._end()
            _break_off(running)
            raise
        if self._failed is not None:
            raise self._failed

    def _guarded(self, job: Deed) -> None:
        """The first conversation that breaks off ends the day; the others end by themselves."""
        try:
            job()
        except Exception as error:
            if self._failed is None and not self.over:
                self._failed = error
            self._end()

    def _end(self) -> None:
        with self._lock:
            self.over = True
            self._stir()

    def _stir(self) -> None:
        self._stirred += 1
        for desk in self._desks.values():
            desk.stirred += 1

    def _one_less(self) -> None:
        with self._lock:
            self._open -= 1
            if self._open == 0:
                self._end()

    def _serve(self, desk: Desk) -> None:
        """Do what is due at one urn, until the day is over."""
        while not self.over:
            deed = self._take(desk)
            if deed is None:
                self._await(desk)
                continue
            try:
                deed()
            finally:
                desk.busy = False
            self._one_less()

    def _take(self, desk: Desk) -> Deed | None:
        now = self.clock.now() - self.midnight
        with self._lock:
            for heap in desk.waiting:
                if heap and round(heap[0][0] * SECOND) <= now:
                    desk.busy = True
                    return heapq.heappop(heap)[2]
        return None

    def _await(self, desk: Desk) -> None:
        due = desk.next_due()
        if due is not None:
            self.sleep_until(due, desk)
            return
        seen = desk.stirred
        self.clock.wait(lambda: desk.stirred != seen, None)

    def _keep(self, door: Door) -> None:
        try:
            door.keep(self)
        finally:
            self._one_less()

    # Idle hours

    def _skip_idle(self, most: float) -> None:
        while not self.over:
            self.clock.wait(lambda: self.over or self._gap() > 2 * most, None)
            if not self.over:
                self._skip(self._gap() - most)

    def _gap(self) -> float:
        """Seconds until something is to be done; 0 while something is being done."""
        with self._lock:
            if any(desk.busy for desk in self._desks.values()):
                return 0.0
            dues = [desk.next_due() for desk in self._desks.values()]
            dues += [door.next_due for door in self._doors]
            known = [due for due in dues if due is not None]
            return min(known) - self.local() if known else 0.0

    def _skip(self, seconds: float) -> None:
        """Put the day's clock forward, and the urns' with it."""

        def forward(duty: OnDuty) -> None:
            duty.urn.login(Role.ADMINISTRATOR)
            reading = duty.urn.read_clock()
            duty.set_clock(reading.device + timedelta(seconds=seconds))

        with self._lock:
            for name, duty in self.duties.items():
                self.put(name, 0.0, CLOCKS, partial(forward, duty))
            self.midnight -= round(seconds * SECOND)
            self._stir()

    # The record

    def report_progress(self, doing: str) -> None:
        """Tell whoever watches how many voters have voted everywhere, and what goes on."""
        done = min((duty.voters for duty in self.duties.values()), default=0)
        self.session.report_progress(done, self.total, f"{clock_text(self.local())} {doing}")

    def note(self, entry: Timed, urn: str, met: bool, text: str) -> None:
        """Journal what a step showed beside what requirements judge."""
        self.session.journal.add("note", {
            "day": self.day.day, "step": entry.called, "urn": urn, "expected": met, "text": text,
        })


def _break_off(running: list[Conversation[None]]) -> None:
    """End conversations where they stand, so that the bench can be tidied up without them."""
    for conversation in running:
        cancel = getattr(conversation, "cancel", None)
        if cancel is not None:
            cancel()
            continue
        with suppress(BaseException):            # a thread ends with what it is about
            conversation.join()


class Door(Protocol):
    """Where voters come in: an identification kit."""

    next_due: float | None

    def keep(self, play: Play) -> None:
        """Let the voters in, until none is left."""
        ...
