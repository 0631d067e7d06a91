"""Voters: in at an identification kit, with a ballot to each urn, and what they do wrong there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

from kalys.ballots.sheet import Sheet
from kalys.ballots.truth import returned
from kalys.procedures.election_day.language import Kit
from kalys.procedures.election_day.play import VOTERS
from kalys.procedures.election_day.voters import Voter, checking_in
from kalys.procedures.feeding import Fed, feed, listen
from kalys.protocols.urn.messages import EventKind, ReturnReason

if TYPE_CHECKING:
    from kalys.procedures.election_day.duty import OnDuty
    from kalys.procedures.election_day.faults import Fault
    from kalys.procedures.election_day.play import Play

ATTEMPTS = 3                  # how often a voter offers a ballot that comes back
WALK_S = 5.0                  # from one urn to the next
PULL_AFTER_S = 0.3            # when a voter who thinks better of it pulls at the ballot
PROGRESS_EVERY = 20

AtSheet = Callable[["Play", "Fault", "OnDuty", Sheet], None]


class Queue:
    """The voters of one station, in the order of their arrival, for however many kits."""

    def __init__(self, coming: Iterator[Voter]) -> None:
        self._coming = coming
        self._lock = threading.Lock()

    def next(self) -> Voter | None:
        with self._lock:
            return next(self._coming, None)


class KitDoor:
    """An identification kit: checks voters in, one after another. It takes its time and no part
    until identification is a device of its own."""

    def __init__(
        self, name: str, kit: Kit, queue: Queue, visit: Callable[[Voter], None],
        closed: Callable[[], bool],
    ) -> None:
        """``closed`` says whether the polls are: then nobody is let in any more."""
        self.name = name
        self.next_due: float | None = 0.0
        self._kit = kit
        self._queue = queue
        self._visit = visit
        self._closed = closed

    def keep(self, play: Play) -> None:
        """Check in whoever comes, until nobody comes any more."""
        while (voter := self._queue.next()) is not None:
            self.next_due = voter.arrives
            play.sleep_until(voter.arrives)
            self.next_due = max(play.local(), voter.arrives) + checking_in(self._kit, voter)
            if (not play.sleep_until(self.next_due) and play.over) or self._closed():
                break
            play.session.journal.add("physical", {
                "by": self.name, "do": "check-in", "voter": voter.number + 1,
                "document": voter.document,
            })
            self._visit(voter)
        self.next_due = None


class Visits:
    """The way of a station's voters from urn to urn. ``strikes`` are the faults that go by sheets;
    ``strike`` does one to a voter's ballot."""

    def __init__(
        self, play: Play, urns: Sequence[str], booth_s: float,
        strikes: Sequence[Fault], strike: AtSheet,
    ) -> None:
        self._play = play
        self._urns = tuple(urns)
        self._booth_s = booth_s
        self._strikes = strikes
        self._strike = strike
        self._luck = {name: Random(f"{play.seed}/{name}/faults") for name in urns}

    def begin(self, voter: Voter) -> None:
        """The voter has been given the ballots."""
        station = self._play.duties[self._urns[0]].station
        self._play.checked_in[station] = self._play.checked_in.get(station, 0) + 1
        self._go_to(0, voter, self._booth_s)

    def over(self) -> bool:
        """Whether every urn of the station is closed."""
        return all(self._play.duties[name].closed for name in self._urns)

    def _go_to(self, index: int, voter: Voter, seconds: float) -> None:
        self._play.put(
            self._urns[index], self._play.local() + seconds, VOTERS,
            lambda: self._vote_at(index, voter),
        )

    def _vote_at(self, index: int, voter: Voter) -> None:
        play, duty = self._play, self._play.duties[self._urns[index]]
        if duty.closed:
            duty.turned_away += 1
        elif self._vote(duty, voter):
            duty.voters += 1
        else:
            duty.turned_away += 1
        if index + 1 < len(self._urns):
            self._go_to(index + 1, voter, WALK_S)
            return
        if voter.mistake == "second-attempt":
            play.sent_away += 1
            play.session.journal.add("physical", {
                "by": duty.station, "do": "send-away", "voter": voter.number + 1,
                "why": "came a second time",
            })
        if duty.voters % PROGRESS_EVERY == 0:
            play.report_progress(f"voter {duty.voters} of {play.total}")

    def _vote(self, duty: OnDuty, voter: Voter) -> bool:
        """The voter casts a ballot; False when the hour struck while it was drawn in, and it came
        back."""
        sheet = duty.ballots.of(voter)
        sheet = duty.offer(replace(sheet, id=f"{duty.name}-{sheet.id}"))
        duty.tried += 1
        for fault in self._strikes:
            if self._struck(fault, duty):
                self._strike(self._play, fault, duty, sheet)
                return True
        if voter.mistake == "wrong-urn" and len(self._urns) > 1:
            self._into_the_wrong_urn(duty, voter)
        if voter.mistake == "pulled-back":
            fed = pull_back(self._play, duty, sheet)
        else:
            fed = cast(self._play, duty, sheet)
        return fed.reason != ReturnReason.NOT_OPEN.value or not self._play.after_hours()

    def _struck(self, fault: Fault, duty: OnDuty) -> bool:
        if duty.name not in self._play.concerned(fault):
            return False
        if fault.sheet is not None:
            return duty.tried == fault.sheet
        return fault.one_in is not None and self._luck[duty.name].random() * fault.one_in < 1

    def _into_the_wrong_urn(self, duty: OnDuty, voter: Voter) -> None:
        """The ballot of the next urn is offered to this one, which must give it back."""
        other = self._urns[(self._urns.index(duty.name) + 1) % len(self._urns)]
        theirs = self._play.duties[other].ballots.of(voter)
        truth = returned((ReturnReason.FOREIGN.value,), "the ballot of another urn")
        wrong = duty.beside(replace(theirs, id=f"w{voter.number + 1:06d}", truth=truth))
        with duty.excusing(EventKind.SHEET_RETURNED):
            cast(self._play, duty, wrong)


def cast(play: Play, duty: OnDuty, sheet: Sheet) -> Fed:
    """A voter casts a ballot, and tries again when it comes back or jams; one that was fed with
    its print up is fed the right way the next time."""
    wrong_way = sheet.orientation.startswith("up")
    if wrong_way:
        with duty.excusing(EventKind.SHEET_RETURNED):
            fed = feed(play.session, duty.prepared, sheet)
        sheet = replace(sheet, orientation="down-head")
    else:
        fed = feed(play.session, duty.prepared, sheet)
    for _ in range(ATTEMPTS - 1):
        if fed.counted or (sheet.truth is not None and sheet.truth.kind == "return"):
            break
        if fed.reason == ReturnReason.NOT_OPEN.value and play.after_hours():
            break
        if fed.outcome == "jammed":
            duty.prepared.feeder.clear_jam()
        elif fed.outcome != "returned":
            break
        fed = feed(play.session, duty.prepared, sheet)
    return fed


def pull_back(play: Play, duty: OnDuty, sheet: Sheet) -> Fed:
    """A voter pulls the ballot back while it is drawn in, and casts it after all."""
    prepared, session = duty.prepared, play.session
    prepared.urn.drain()
    started = session.clock.now()
    prepared.feeder.insert(sheet)
    session.clock.sleep(PULL_AFTER_S)
    with duty.excusing(EventKind.SHEET_RETURNED):
        prepared.feeder.pull_back()
        fed = listen(session, prepared, sheet.id, started)
    return fed if fed.counted else cast(play, duty, sheet)
