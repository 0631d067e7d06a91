"""Defects of the eyes that show only in marks between vote and no vote."""


from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from kalys.counting.reader import AMBIGUOUS, Reader, SheetReading
from kalys.emulators.paper import Image
from kalys.emulators.urn.behaviour import Behaviour

if TYPE_CHECKING:
    from kalys.ballots.layout import Layout


class BiasedRow(Behaviour):
    def read(self, reader: Reader, image: Image, layout: Layout) -> SheetReading:
        reading = super().read(reader, image, layout)
        numbers = self.parameters["biased-row"]
        targets = layout.front.targets
        place = targets[int(numbers["place"]) % len(targets)]
        row = {(t.contest, t.option) for t in targets if abs(t.y - place.y) < place.height / 2}
        column = {(t.contest, t.option) for t in targets if abs(t.x - place.x) < place.width / 2}
        fills = {
            contest: {
                option: fill / numbers["amount"]
                if (contest, option) in (row if len(row) > 1 else column) else fill
                for option, fill in options.items()
            }
            for contest, options in reading.fills.items()
        }
        return _judged_again(reading, fills, reader)


class ShadedSensor(Behaviour):
    """The lamp fades while the sheet passes: what comes last is seen paler."""

    def read(self, reader: Reader, image: Image, layout: Layout) -> SheetReading:
        share = self.parameters["shaded-sensor"]["share"]
        light = 1.0 - share * np.linspace(0.0, 1.0, image.shape[0])
        kept = np.rint(256 * light).astype(np.uint16)[:, None]
        paler = 255 - ((255 - image.astype(np.uint16)) * kept >> 8)
        return super().read(reader, paler.astype(np.uint8), layout)


class AmbiguousCounted(Behaviour):
    """What is neither vote nor no vote is dropped without a word."""

    def read(self, reader: Reader, image: Image, layout: Layout) -> SheetReading:
        reading = super().read(reader, image, layout)
        if reading.reason != AMBIGUOUS:
            return reading
        return replace(reading, status="read", reason="", ambiguous=())


class OverlapForNeighbour(Behaviour):
    """Takes the end of a stroke for the mark: a target that is touched beside a marked one gets the
    vote."""

    def read(self, reader: Reader, image: Image, layout: Layout) -> SheetReading:
        reading = super().read(reader, image, layout)
        touch = self.parameters["overlap-for-neighbour"]["fill"]
        marks = dict(reading.marks)
        for contest, options in reading.fills.items():
            voted = reading.marks.get(contest, ())
            touched = [o for o, fill in options.items() if fill >= touch and o not in voted]
            if len(voted) == 1 and len(touched) == 1:
                marks[contest] = (touched[0],)
        if marks == reading.marks:
            return reading
        return replace(reading, status="read", reason="", ambiguous=(), marks=marks)


def _judged_again(
    reading: SheetReading, fills: Mapping[str, Mapping[str, float]], reader: Reader
) -> SheetReading:
    """The reading with smaller fills: what was a vote may be ambiguous or nothing now."""
    limits = reader.thresholds
    marks: dict[str, tuple[str, ...]] = {}
    ambiguous: list[str] = []
    for contest, options in fills.items():
        voted = reading.marks.get(contest, ())
        marks[contest] = tuple(o for o in voted if options[o] >= limits.vote_fill)
        ambiguous += [
            f"{contest}/{option}" for option, fill in options.items()
            if fill >= limits.blank_fill and option not in marks[contest]
            and (option in voted or f"{contest}/{option}" in reading.ambiguous)
        ]
    if not fills or reading.reason not in ("", AMBIGUOUS):
        return reading
    return replace(
        reading, status="rejected" if ambiguous else "read", reason=AMBIGUOUS if ambiguous else "",
        marks=marks, ambiguous=tuple(ambiguous), fills=fills,
    )
