"""From a sheet's image to a record: the urn's eyes and its rule.

The core gets an image and knows the layout of its own style; never what the sheet was meant to be.
It is made anew from the definition in memory whenever that or a threshold changes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from random import Random
from weakref import ref

from kalys.ballots.layout import Layout
from kalys.ballots.package import UrnPackage
from kalys.counting.reader import Reader, SheetReading, Thresholds
from kalys.emulators.paper import Image
from kalys.emulators.urn.behaviour import Behaviour
from kalys.emulators.urn.memory import Record
from kalys.errors import ConfigurationError
from kalys.protocols.urn.messages import ReturnReason


class RememberingReader(Reader):
    """A reader that reads a picture once, if nobody can change it (``paper.Album``): reading is a
    pure function of picture and thresholds. It keeps no picture alive."""

    MOST = 64

    def __init__(self, layouts: Sequence[Layout], thresholds: Thresholds) -> None:
        super().__init__(layouts, thresholds)
        self._known: OrderedDict[int, tuple[ref[Image], SheetReading]] = OrderedDict()

    def read(self, image: Image) -> SheetReading:
        if image.flags.writeable:
            return super().read(image)
        known = self._known.get(id(image))
        # Another picture may have got the place, and the id, of one that is gone.
        if known is None or known[0]() is not image:
            known = self._known[id(image)] = (ref(image), super().read(image))
            if len(self._known) > self.MOST:
                self._known.popitem(last=False)
        return known[1]


class CountingCore:
    """Counts sheets of one style. ``draw`` gives the random part of record ids.

    A sheet with a mark that is neither vote nor no vote is given back, or with ``takes_ambiguous``
    recorded: such a mark is in the record and counts nothing.
    """

    def __init__(
        self, package: UrnPackage, thresholds: Thresholds, behaviour: Behaviour,
        draw: Random, *, takes_ambiguous: bool = False,
    ) -> None:
        self._package = package
        self._takes_ambiguous = takes_ambiguous
        self._behaviour = behaviour
        self._draw = draw
        self._contests = package.contests
        self._reader = RememberingReader([package.layout], behaviour.thresholds(thresholds))

    def read(
        self, image: Image, counted_before: int
    ) -> tuple[ReturnReason | None, Record | None]:
        """The record of the sheet in ``image``, or why it is given back."""
        try:
            reading = self._behaviour.read(self._reader, image, self._package.layout)
        except ConfigurationError:
            # A picture that no sheet of this page can give (another size).
            return ReturnReason.UNREADABLE, None
        ambiguous = reading.reason == ReturnReason.AMBIGUOUS.value
        if reading.status != "read" and not (ambiguous and self._takes_ambiguous):
            return ReturnReason(reading.reason), None
        marks = {contest: tuple(options) for contest, options in reading.marks.items()}
        return None, self.record(marks, counted_before, reading.marginal)

    def record(
        self, marks: Mapping[str, tuple[str, ...]], counted_before: int,
        marginal: Mapping[str, Mapping[str, float]] | None = None,
    ) -> Record:
        """A record of these marks."""
        marks, judgement = self._behaviour.judge(self._contests, marks, counted_before)
        return Record(
            id=f"{self._draw.getrandbits(64):016x}",
            style=self._package.style,
            valid=judgement.valid,
            marks=marks,
            judgement=judgement,
            marginal=marginal or {},
        )
