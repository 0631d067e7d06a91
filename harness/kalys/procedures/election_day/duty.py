"""One urn on election day: what was offered to it, what it said, and what lies in its box.

What is true in the evening is what lies in the box (and what the commission took out of it): the
truths of those sheets are what totals, records and printed report must say. So a sheet that was
jammed, or was in the path when the power went, needs no special rule: it is in the box, or it is
not.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from kalys.ballots.sheet import Paper, Sheet
from kalys.devices.roles import Received, Urn
from kalys.election.definition import Contest
from kalys.election.tally import Tally
from kalys.procedures.comparison import expected_tally
from kalys.procedures.election_day.voters import Ballots
from kalys.procedures.printed import Printed
from kalys.procedures.watching import Tail
from kalys.protocols.urn.messages import EventKind

if TYPE_CHECKING:
    from kalys.procedures.preparation import Prepared

HEARD = 4096                  # events that are kept to look back at
CLOCK_SET_WITHIN_S = 5.0      # how long an urn may take to report that its clock was set
_BARE = Paper()

# Events that come only when something happens to the urn: unexpected, unless the script did it.
DISTURBANCES = frozenset({
    EventKind.JAM, EventKind.ALARM, EventKind.BOOTED, EventKind.POWER, EventKind.COVER,
    EventKind.MEDIA, EventKind.CLOCK_SET, EventKind.SHEET_RETURNED,
})


@dataclass
class OnDuty:
    """One urn in a sitting of the day."""

    name: str
    station: str
    prepared: Prepared
    contests: Sequence[Contest]
    ballots: Ballots
    tail: Tail
    offered: dict[str, Sheet] = field(default_factory=dict)
    taken: list[str] = field(default_factory=list)
    heard: deque[Received] = field(default_factory=lambda: deque(maxlen=HEARD))
    events: Counter[EventKind] = field(default_factory=Counter)
    unexpected: list[str] = field(default_factory=list)
    closed: bool = False
    voters: int = 0                    # who cast a ballot here
    turned_away: int = 0
    extras: set[str] = field(default_factory=set)      # sheets beside those of the voters
    tried: int = 0                     # sheets offered by voters
    zero: list[str] | None = None      # registers of the last zero report that were not zero
    results: Printed | None = None
    _excused: Counter[EventKind] = field(default_factory=Counter)

    @property
    def urn(self) -> Urn:
        return self.prepared.urn

    @property
    def style(self) -> str:
        return self.prepared.style

    # Paper

    def offer(self, sheet: Sheet) -> Sheet:
        """Note that a sheet is offered; only its truth is kept."""
        if sheet.id not in self.offered:
            self.offered[sheet.id] = replace(sheet, marks=(), paper=_BARE)
        return sheet

    def spare(self, papers: int | None = None) -> Sheet:
        """A good ballot beside those of the voters; with ``papers``, of so many papers."""
        return self.beside(self.ballots.spare(papers))

    def beside(self, sheet: Sheet) -> Sheet:
        """Note that a sheet is offered that no voter was given for this urn."""
        named = replace(sheet, id=f"{self.name}-{sheet.id}")
        self.extras.add(named.id)
        return self.offer(named)

    def lying(self) -> list[str]:
        """The sheets that were cast: those in the box, and those taken out of it."""
        box = self.prepared.feeder.box()
        return [*self.taken, *box.valid, *box.invalid]

    def truth(self) -> Tally:
        """What a right urn says in the evening.

        A sheet that should have been given back counts nowhere, so that an urn that kept and
        counted it shows a difference; so does one that nobody offered.
        """
        lying = [self.offered[sheet] for sheet in self.lying() if sheet in self.offered]
        right = [sheet for sheet in lying if sheet.truth is not None and sheet.truth.counted]
        return expected_tally(self.contests, right)

    def counted(self) -> int:
        """How many sheets the urn says it has counted."""
        status = self.urn.status()
        return status.valid + status.invalid

    # What it says

    def hear(self, received: Received) -> None:
        """An event came."""
        self.heard.append(received)
        self.events[received.kind] += 1
        if received.kind in DISTURBANCES and not self._excused[received.kind]:
            fields = ", ".join(f"{name} {value}" for name, value in received.fields.items())
            self.unexpected.append(f"{received.kind}" + (f" ({fields})" if fields else ""))

    @contextmanager
    def excusing(self, *kinds: EventKind) -> Iterator[None]:
        """Events of these kinds are expected while the block lasts."""
        self._excused.update(kinds)
        try:
            yield
        finally:
            self._excused.subtract(kinds)

    def set_clock(self, time: datetime) -> None:
        """Set the urn's clock, and wait until it has reported it: on a wire the event comes some
        time after the answer, and must not be taken for one that nobody caused."""
        self.urn.drain()
        with self.excusing(EventKind.CLOCK_SET):
            self.urn.set_clock(time)
            self.urn.wait([EventKind.CLOCK_SET], CLOCK_SET_WITHIN_S)
