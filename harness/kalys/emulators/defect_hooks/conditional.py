"""Defects of state and order: the urn errs after something, and then only."""


from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import time
from typing import TYPE_CHECKING

from kalys.counting.reader import Reader, SheetReading
from kalys.election.definition import Contest
from kalys.election.rules import Judgement, judge_sheet
from kalys.emulators.defect_hooks.circumstances import Misreader, Witness, without_vote
from kalys.emulators.paper import Image
from kalys.emulators.urn.behaviour import Behaviour, Marks
from kalys.protocols.urn.messages import Event, EventKind, UrnState

if TYPE_CHECKING:
    from kalys.ballots.layout import Layout

Parameters = Mapping[str, Mapping[str, float]] | None


class _Once(Misreader):
    """Miscounts the first sheet that is read after a certain event."""

    _due = False

    def errs(self) -> bool:
        due, self._due = self._due, False
        return due


class MisreadAfterJam(_Once):
    def noticed(self, event: Event) -> None:
        super().noticed(event)
        self._due = self._due or event.kind is EventKind.JAM_CLEARED


class MisreadAfterPowerCut(_Once):
    def noticed(self, event: Event) -> None:
        super().noticed(event)
        cut = event.kind is EventKind.BOOTED and event.fields["cause"] == "power-loss"
        self._due = self._due or cut


class MisreadWhenNearlyFull(Misreader):
    """From the warning on that the box is nearly full."""

    _full = False

    def noticed(self, event: Event) -> None:
        super().noticed(event)
        if event.kind is EventKind.ALARM:
            self._full = self._full or event.fields["alarm"] == "capacity-low"
        elif event.kind is EventKind.STATE:
            self._full = False

    def errs(self) -> bool:
        return self._full


class EveningVotesMisread(Misreader):
    def errs(self) -> bool:
        hour = int(self.parameters["evening-votes-misread"]["hour"])
        return self.state is UrnState.OPEN and self.now.time() >= time(hour)


class EarlierElectionLeft(Witness):
    """The first sheet of an election gets what the last one of the election before had."""

    def __init__(self, parameters: Parameters = None) -> None:
        super().__init__(parameters)
        self._last: Marks = {}
        self._left: Marks = {}

    def noticed(self, event: Event) -> None:
        super().noticed(event)
        if event.kind is EventKind.STATE and self.state is UrnState.STANDBY:
            self._left, self._last = self._last, {}

    def judge(
        self, contests: Sequence[Contest], marks: Marks, counted_before: int
    ) -> tuple[Marks, Judgement]:
        marks, judgement = super().judge(contests, marks, counted_before)
        self._last = marks
        left, self._left = self._left, {}
        mixed = {**marks, **{
            contest.id: tuple(dict.fromkeys((*marks.get(contest.id, ()), *left[contest.id])))
            for contest in contests
            if contest.id in left and set(left[contest.id]) <= set(contest.option_ids)
        }}
        return (mixed, judge_sheet(contests, mixed)) if left else (marks, judgement)


class RepeatNotCounted(Behaviour):
    """Takes a sheet that is marked as the one before it for the same sheet once more."""

    _before: Marks | None = None

    def judge(
        self, contests: Sequence[Contest], marks: Marks, counted_before: int
    ) -> tuple[Marks, Judgement]:
        marks, judgement = super().judge(contests, marks, counted_before)
        same, self._before = marks == self._before, marks
        if not same or not judgement.valid:
            return marks, judgement
        return without_vote(marks, judgement, contests[0].id)


class BlankTakesLastChoice(Behaviour):
    """What was read last stays in the buffer; a sheet without a mark does not overwrite it."""

    def __init__(self, parameters: Parameters = None) -> None:
        super().__init__(parameters)
        self._buffer: dict[str, tuple[str, ...]] = {}

    def judge(
        self, contests: Sequence[Contest], marks: Marks, counted_before: int
    ) -> tuple[Marks, Judgement]:
        marks, judgement = super().judge(contests, marks, counted_before)
        first = contests[0].id
        if marks.get(first):
            self._buffer[first] = marks[first][:1]
            return marks, judgement
        filled = {**marks, first: self._buffer.get(first, ())}
        return filled, judge_sheet(contests, filled)


class ThresholdDriftsWithHeat(Witness):
    """Every hundred sheets since power-on the threshold of a vote is a little higher."""

    STEP = 100

    def __init__(self, parameters: Parameters = None) -> None:
        super().__init__(parameters)
        self._warm: dict[float, Reader] = {}

    def read(self, reader: Reader, image: Image, layout: Layout) -> SheetReading:
        steps = self.since_power_on // self.STEP
        rise = self.parameters["threshold-drifts-with-heat"]["per_1000"] * steps * self.STEP / 1000
        vote = round(min(0.99, reader.thresholds.vote_fill + rise), 4)
        if vote not in self._warm:
            self._warm = {vote: Reader(
                [layout], replace(reader.thresholds, vote_fill=vote, blank_fill=vote)
            )}
        return super().read(self._warm[vote] if steps else reader, image, layout)


class PathSlowsWithHeat(Witness):
    def feed_gap_s(self, configured: float) -> float:
        slower = self.parameters["path-slows-with-heat"]["seconds_per_100"]
        return super().feed_gap_s(configured) + slower * self.since_power_on / 100
