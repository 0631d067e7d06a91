"""Defects of the eyes: what is seen on a sheet, and what is made of the marks."""

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
from kalys.protocols.urn.messages import ReturnReason

if TYPE_CHECKING:
    from kalys.ballots.layout import Layout, Target


class FoldAsVote(Behaviour):
    def thresholds(self, configured: Thresholds) -> Thresholds:
        numbers = self.parameters["fold-as-vote"]
        vote = numbers["vote"]
        return Thresholds(vote_fill=vote, blank_fill=vote, ink_level=numbers["ink"])


class ThinLineMissed(Behaviour):
    def thresholds(self, configured: Thresholds) -> Thresholds:
        vote = self.parameters["thin-line-missed"]["vote"]
        return replace(configured, vote_fill=vote, blank_fill=vote)


class OvervoteCounted(Behaviour):
    def judge(
        self, contests: Sequence[Contest], marks: Marks, counted_before: int
    ) -> tuple[Marks, Judgement]:
        marks, judgement = super().judge(contests, marks, counted_before)
        if judgement.reason != "overvote":
            return marks, judgement
        first = {contest: options[:1] for contest, options in marks.items()}
        return first, judge_sheet(contests, first)


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


class DotCounted(Behaviour):
    def thresholds(self, configured: Thresholds) -> Thresholds:
        vote = self.parameters["dot-counted"]["vote"]
        return replace(configured, vote_fill=vote, blank_fill=vote)


class PencilMissed(Behaviour):
    def thresholds(self, configured: Thresholds) -> Thresholds:
        return replace(configured, ink_level=self.parameters["pencil-missed"]["ink"])


class FlippingThreshold(Behaviour):
    """A sensor that sees one sheet darker and the next one lighter."""

    def __init__(self, parameters: Mapping[str, Mapping[str, float]] | None = None) -> None:
        super().__init__(parameters)
        self._readers: dict[str, Reader] = {}
        self._sheets = 0

    def read(self, reader: Reader, image: Image, layout: Layout) -> SheetReading:
        self._sheets += 1
        which = "high" if self._sheets % 2 else "low"
        if which not in self._readers:
            vote = self.parameters["flipping-threshold"][which]
            limits = replace(reader.thresholds, vote_fill=vote, blank_fill=vote)
            self._readers[which] = Reader([layout], limits)
        return super().read(self._readers[which], image, layout)


class DeadPosition(Behaviour):
    def read(self, reader: Reader, image: Image, layout: Layout) -> SheetReading:
        reading = super().read(reader, image, layout)
        places = dict.fromkeys((t.contest, t.option) for t in layout.front.targets)
        contest, dead = list(places)[int(self.parameters["dead-position"]["place"]) % len(places)]
        seen = tuple(o for o in reading.marks.get(contest, ()) if o != dead)
        return replace(reading, marks={**reading.marks, contest: seen}) if reading.read else reading


class UnreadableCounted(Behaviour):
    def read(self, reader: Reader, image: Image, layout: Layout) -> SheetReading:
        reading = super().read(reader, image, layout)
        if reading.reason != ReturnReason.UNREADABLE.value:
            return reading
        return replace(reading, status="read", reason="", marks={})


class FrequentMisfeeds(Behaviour):
    _sheets = 0

    def read(self, reader: Reader, image: Image, layout: Layout) -> SheetReading:
        self._sheets += 1
        reading = super().read(reader, image, layout)
        if self._sheets % max(1, int(self.parameters["frequent-misfeeds"]["one_in"])):
            return reading
        return replace(reading, status="rejected", reason=ReturnReason.UNREADABLE.value, marks={})


def _reader_of_code(layout: Layout, code: str, thresholds: Thresholds) -> Reader:
    """A reader that takes ``code`` for its own."""
    faces = {
        name: face if (own := face.code) is None
        else face.model_copy(update={"code": own.model_copy(update={"bits": code})})
        for name, face in layout.faces.items()
    }
    return Reader([layout.model_copy(update={"faces": faces})], thresholds)


def _nearest(targets: Sequence[Target], x: float, y: float) -> Target:
    return min(targets, key=lambda target: (target.x - x) ** 2 + (target.y - y) ** 2)


class FootOfPageUnderread(Behaviour):
    """The lamp is weak at the end of the line: marks in the lower part must be fuller."""

    def __init__(self, parameters: Mapping[str, Mapping[str, float]] | None = None) -> None:
        super().__init__(parameters)
        self._strict: dict[str, Reader] = {}

    def read(self, reader: Reader, image: Image, layout: Layout) -> SheetReading:
        reading = super().read(reader, image, layout)
        if not reading.read:
            return reading
        numbers = self.parameters["foot-of-page-underread"]
        if layout.style not in self._strict:
            limits = replace(
                reader.thresholds, vote_fill=numbers["vote"], blank_fill=numbers["vote"]
            )
            self._strict = {layout.style: Reader([layout], limits)}
        strict = self._strict[layout.style].read(image)
        foot = numbers["from"] * layout.page_mm[1]
        low = {(t.contest, t.option) for t in layout.front.targets if t.y > foot}
        return replace(reading, marks={
            contest: tuple(
                o for o in options
                if (contest, o) not in low or o in strict.marks.get(contest, ())
            )
            for contest, options in reading.marks.items()
        })
