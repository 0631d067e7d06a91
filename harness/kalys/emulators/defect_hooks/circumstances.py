"""What a device may go by when it does not always err: its own past, as its events tell it.

How to think about it: the honest urn forgets everything but its books. An urn with one of the
defects below remembers more, and errs only under some circumstance: after a jam, after a power cut,
in a large election, late in the day. ``Witness`` keeps what such defects go by; the rest of this
module is what an erring urn does to a sheet. A circumstance survives a power cut, as a flag in
non-volatile memory would.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from kalys.election.definition import Contest
from kalys.election.rules import Judgement, judge_sheet
from kalys.emulators.urn.behaviour import Behaviour, Marks
from kalys.emulators.urn.clock import local
from kalys.protocols.urn.messages import Event, EventKind, UrnState

OFFSET_MIN = 360       # of local time: these urns are built for Kyrgyzstan


class Witness(Behaviour):
    """Remembers what has happened to the urn."""

    def __init__(self, parameters: Mapping[str, Mapping[str, float]] | None = None) -> None:
        super().__init__(parameters)
        self.state = UrnState.STANDBY
        self.now_ms = 0                 # of the urn's own clock, at the last event
        self.opened_ms = 0
        self.elections = 0              # opened so far
        self.counted = 0                # sheets in this election
        self.since_power_on = 0         # sheets
        self.gap_s = 0.0                # between the last sheet that was fed and the one before it
        self._fed_ms: int | None = None

    @property
    def now(self) -> datetime:
        """Local time by the urn's own clock."""
        return local(self.now_ms, OFFSET_MIN)

    def noticed(self, event: Event) -> None:
        super().noticed(event)
        self.now_ms = event.time_ms
        if event.kind is EventKind.BOOTED:
            self.since_power_on = 0
        elif event.kind is EventKind.STATE:
            before, self.state = self.state, UrnState(event.fields["state"])
            if self.state in (UrnState.READY, UrnState.TEST):
                self.counted = 0
            if (before, self.state) == (UrnState.READY, UrnState.OPEN):
                self.opened_ms = event.time_ms
                self.elections += 1
        elif event.kind is EventKind.SHEET_INSERTED:
            if self._fed_ms is not None:
                self.gap_s = (event.time_ms - self._fed_ms) / 1000
            self._fed_ms = event.time_ms
        elif event.kind is EventKind.SHEET_ACCEPTED:
            self.counted += 1
            self.since_power_on += 1


class Misreader(Witness):
    """Counts another choice than the voter's whenever ``errs`` says so.

    The choice of the first contest goes to the next option; where there is none, or no single one,
    the first option gets the vote. So every sheet can be miscounted.
    """

    def errs(self) -> bool:
        """Whether the sheet that is being judged is miscounted."""
        return False

    def judge(
        self, contests: Sequence[Contest], marks: Marks, counted_before: int
    ) -> tuple[Marks, Judgement]:
        marks, judgement = super().judge(contests, marks, counted_before)
        if not self.errs():
            return marks, judgement
        first = contests[0]
        marked = marks.get(first.id, ())
        at = first.option_ids.index(marked[0]) + 1 if len(marked) == 1 else 0
        moved = {**marks, first.id: (first.option_ids[at % len(first.option_ids)],)}
        return moved, judge_sheet(contests, moved)


def without_vote(
    marks: Marks, judgement: Judgement, contest: str
) -> tuple[Marks, Judgement]:
    """The sheet with its vote in ``contest`` gone, and its class kept."""
    return {**marks, contest: ()}, replace(judgement, votes={**judgement.votes, contest: ()})
