"""Defects of what lies outside the declared range: lists too long, sheets too long."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from kalys.emulators.urn.behaviour import Behaviour

if TYPE_CHECKING:
    from kalys.ballots.layout import Layout
    from kalys.counting.reader import Reader, SheetReading
    from kalys.emulators.paper import Image


class LongListTruncated(Behaviour):
    """Takes any definition and has room for so many options: the rest are dead."""

    def minds_ballot_range(self) -> bool:
        return False

    def read(self, reader: Reader, image: Image, layout: Layout) -> SheetReading:
        reading = super().read(reader, image, layout)
        room = int(self.parameters["long-list-truncated"]["options"])
        known = {(t.contest, t.option) for t in layout.front.targets[:room]}
        marks = {
            contest: tuple(o for o in options if (contest, o) in known)
            for contest, options in reading.marks.items()
        }
        return replace(reading, marks=marks)


class LongSheetMisread(Behaviour):
    """Does not measure the paper, and counts the rows of a long sheet from its end: every mark is
    taken for the next option."""

    def minds_length(self) -> bool:
        return False

    def read(self, reader: Reader, image: Image, layout: Layout) -> SheetReading:
        page = layout.shape[0]
        if image.shape[0] <= page + 8 * layout.px_per_mm:
            return super().read(reader, image, layout)
        reading = super().read(reader, image[:page], layout)
        order = [(t.contest, t.option) for t in layout.front.targets]
        after = dict(pairwise(order))
        marks = {
            contest: tuple(
                after[contest, o][1] if after.get((contest, o), ("",))[0] == contest else o
                for o in options
            )
            for contest, options in reading.marks.items()
        }
        return replace(reading, marks=marks)
