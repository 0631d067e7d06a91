"""What each defect changes: one hook of ``Behaviour`` overridden, and nothing else.

``kalys.emulators.defects`` names and describes them. The numbers a class needs come from
``self.parameters[NAME]``.
"""

# ruff: noqa: ARG002  (an override takes what its hook is given)
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from kalys.counting.reader import Reader, SheetReading, Thresholds
from kalys.election.definition import Contest
from kalys.election.rules import Judgement, judge_sheet
from kalys.emulators.paper import Image
from kalys.emulators.urn.behaviour import Behaviour, Marks
from kalys.emulators.urn.event_log import Entry, EventLog, chained_anew
from kalys.emulators.urn.states import Cause, Rule
from kalys.protocols.urn.messages import Op, ReportKind, ReturnReason, UrnState

if TYPE_CHECKING:
    from kalys.ballots.layout import Layout, Target
    from kalys.emulators.urn.memory import Book, Record


class VoteDropped(Behaviour):
    _dropped = 0

    def judge(
        self, contests: Sequence[Contest], marks: Marks, counted_before: int
    ) -> tuple[Marks, Judgement]:
        marks, judgement = super().judge(contests, marks, counted_before)
        numbers = self.parameters["vote-dropped"]
        first = contests[0]
        option = first.option_ids[int(numbers["option"]) % len(first.option_ids)]
        due = counted_before // max(1, int(numbers["every"]))
        if self._dropped >= due or judgement.votes.get(first.id) != (option,):
            return marks, judgement
        self._dropped += 1
        votes = {**judgement.votes, first.id: ()}
        return {**marks, first.id: ()}, replace(judgement, votes=votes)


class DoubleCountAfterJam(Behaviour):
    def counts_removed(self) -> bool:
        return True


class CounterNotZeroed(Behaviour):
    def left_over(self, tests: Book) -> Mapping[tuple[str, str], int]:
        votes = {(c, o): n for c, row in tests.counters.votes.items() for o, n in row.items() if n}
        most = max(votes, key=lambda register: votes[register], default=None)
        return {} if most is None else {most: votes[most]}


class OvervoteCounted(Behaviour):
    def judge(
        self, contests: Sequence[Contest], marks: Marks, counted_before: int
    ) -> tuple[Marks, Judgement]:
        marks, judgement = super().judge(contests, marks, counted_before)
        if judgement.reason != "overvote":
            return marks, judgement
        first = {contest: options[:1] for contest, options in marks.items()}
        return first, judge_sheet(contests, first)


class ClockDrift(Behaviour):
    def drift_ppm(self, configured: float) -> float:
        return self.parameters["clock-drift"]["ppm"]


class TotalsWhileOpen(Behaviour):
    _OPEN = frozenset({
        (Op.RESULTS, ""), (Op.RECORDS, ""), (Op.EXPORT_BEGIN, "results"),
        (Op.PRINT, ReportKind.RESULTS.value),
    })

    def rule(self, op: Op, kind: str) -> Rule | None:
        rule = super().rule(op, kind)
        if rule is not None and (op, kind) in self._OPEN:
            return replace(rule, states=rule.states | {UrnState.OPEN})
        return rule


class EarlyOpening(Behaviour):
    def may_open(self, state: UrnState, within_hours: bool) -> bool:
        return True


class LogEntriesLost(Behaviour):
    def stores_log_entry(self, sequence: int) -> bool:
        return sequence % max(2, int(self.parameters["log-entries-lost"]["every"])) != 0


class FoldAsVote(Behaviour):
    def thresholds(self, configured: Thresholds) -> Thresholds:
        numbers = self.parameters["fold-as-vote"]
        vote = numbers["vote"]
        return Thresholds(vote_fill=vote, blank_fill=vote, ink_level=numbers["ink"])


class RecordsOutOfStep(Behaviour):
    def handed_out(self, records: Sequence[Record], index: int) -> Record:
        record = super().handed_out(records, index)
        one_in = max(1, int(self.parameters["records-out-of-step"]["one_in"]))
        if index == 0 or index % one_in:
            return record
        return replace(record, marks=records[index - 1].marks)


class SlowTransport(Behaviour):
    def transport_mm_s(self, configured: float) -> float:
        return configured * self.parameters["slow-transport"]["share"]


class ReportWithoutTime(Behaviour):
    def report_stamp(self, stamp: str) -> str:
        return ""


class SecondSheetCounted(Behaviour):
    def minds_double_feed(self) -> bool:
        return False


class ForeignCounted(Behaviour):
    """Reads its own places on whatever comes; where there is no target, there is no mark."""

    def __init__(self, parameters: Mapping[str, Mapping[str, float]] | None = None) -> None:
        super().__init__(parameters)
        self._gullible: dict[str, Reader | None] = {}     # None: a ballot of another shape

    def read(self, reader: Reader, image: Image, layout: Layout) -> SheetReading:
        reading = super().read(reader, image, layout)
        if reading.reason != ReturnReason.FOREIGN.value:
            return reading
        if reading.code not in self._gullible:
            self._gullible[reading.code] = _reader_of_code(layout, reading.code, reader.thresholds)
        gullible = self._gullible[reading.code]
        again = gullible.read(image) if gullible is not None else reading
        if not again.read:
            self._gullible[reading.code] = None
            again = replace(again, status="read", reason="", marks={})
        return again


class FalseSuccess(Behaviour):
    def notice(self, truth: str) -> str:
        return "accepted" if truth == "returned" else truth


class VoteLostAtPowerCut(Behaviour):
    def commit_after_fall_s(self) -> float | None:
        return self.parameters["vote-lost-at-power-cut"]["seconds"]


class PulledBackCounted(Behaviour):
    def counts_pulled_back(self) -> bool:
        return True


class ClockSetByAnyone(Behaviour):
    def rule(self, op: Op, kind: str) -> Rule | None:
        rule = super().rule(op, kind)
        return replace(rule, roles=None) if rule is not None and op is Op.SET_CLOCK else rule


class LogRewritable(Behaviour):
    """Hands out a log that is always in order, and finds nothing wrong with it itself."""

    _read: tuple[tuple[int, int], Sequence[Entry]] = ((0, 0), ())

    def log_for_reading(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        key = (len(entries), hash(tuple(map(id, entries))))
        if self._read[0] != key:
            self._read = key, chained_anew(entries)
        return self._read[1]

    def log_breaks(self, log: EventLog) -> list[int]:
        return []


class ChoicesInLog(Behaviour):
    def cast_text(self, record: Record) -> str:
        marked = " ".join(option for options in record.marks.values() for option in options)
        return f"{super().cast_text(record)}, marks {marked or 'none'}"


class ReopensAfterClose(Behaviour):
    def rule(self, op: Op, kind: str) -> Rule | None:
        rule = super().rule(op, kind)
        if rule is not None and op is Op.OPEN:
            return replace(rule, states=rule.states | {UrnState.CLOSED})
        return rule

    def transition(self, state: UrnState, cause: Cause) -> UrnState | None:
        if (state, cause) == (UrnState.CLOSED, Cause.OPENED):
            return UrnState.OPEN
        return super().transition(state, cause)

    def minds_opening_conditions(self, state: UrnState) -> bool:
        return state is not UrnState.CLOSED

    def may_open(self, state: UrnState, within_hours: bool) -> bool:
        return state is UrnState.CLOSED or super().may_open(state, within_hours)


class EventCounterReset(Behaviour):
    def event_counter_after_reset(self, event_counter: int) -> int:
        return 0


class UpsideDownMisread(Behaviour):
    """Finds the timing marks from either end, and then looks for the targets as if head first."""

    def read(self, reader: Reader, image: Image, layout: Layout) -> SheetReading:
        reading = super().read(reader, image, layout)
        if not reading.read or not reading.orientation.endswith("foot"):
            return reading
        width, height = layout.page_mm
        targets = layout.front.targets
        marks: dict[str, list[str]] = {target.contest: [] for target in targets}
        for target in targets:
            if target.option in reading.marks.get(target.contest, ()):
                seen = _nearest(targets, width - target.x, height - target.y)
                marks[seen.contest].append(seen.option)
        return replace(reading, marks={c: tuple(options) for c, options in marks.items()})


class ThinLineMissed(Behaviour):
    def thresholds(self, configured: Thresholds) -> Thresholds:
        vote = self.parameters["thin-line-missed"]["vote"]
        return replace(configured, vote_fill=vote, blank_fill=vote)


class SilentCapacity(Behaviour):
    def warns_of_capacity(self) -> bool:
        return False


def _reader_of_code(layout: Layout, code: str, thresholds: Thresholds) -> Reader:
    """A reader that takes ``code`` for its own."""
    faces = {
        name: face.model_copy(update={"code": face.code.model_copy(update={"bits": code})})
        for name, face in layout.faces.items()
    }
    return Reader([layout.model_copy(update={"faces": faces})], thresholds)


def _nearest(targets: Sequence[Target], x: float, y: float) -> Target:
    return min(targets, key=lambda target: (target.x - x) ** 2 + (target.y - y) ** 2)
