"""Defects that strike at random, each sheet with the same small chance."""


from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from kalys.counting.reader import Reader, SheetReading
from kalys.emulators.defect_hooks.circumstances import Misreader
from kalys.emulators.paper import Image
from kalys.emulators.urn.behaviour import Behaviour
from kalys.protocols.urn.messages import ReturnReason

if TYPE_CHECKING:
    from kalys.ballots.layout import Layout
    from kalys.emulators.urn.memory import Record


class BallotMisreadRarely(Misreader):
    def errs(self) -> bool:
        return _strikes(self, "ballot-misread-rarely")


class BallotLostRarely(Behaviour):
    def times_counted(self) -> int:
        return 0 if _strikes(self, "ballot-lost-rarely") else super().times_counted()


class BallotDoubledRarely(Behaviour):
    def times_counted(self) -> int:
        return 2 if _strikes(self, "ballot-doubled-rarely") else super().times_counted()


class RecordGarbledRarely(Behaviour):
    """A record always reads the same: it is drawn once whether it is one of the bad ones."""

    def __init__(self, parameters: Mapping[str, Mapping[str, float]] | None = None) -> None:
        super().__init__(parameters)
        self._garbled: dict[str, bool] = {}

    def handed_out(self, records: Sequence[Record], index: int) -> Record:
        record = super().handed_out(records, index)
        if record.id not in self._garbled:
            self._garbled[record.id] = _strikes(self, "record-garbled-rarely")
        if not self._garbled[record.id]:
            return record
        first = next(iter(record.marks), None)
        if first is None or not record.marks[first]:
            return replace(record, valid=not record.valid)
        return replace(record, marks={**record.marks, first: ()})


class RandomMisfeeds(Behaviour):
    def read(self, reader: Reader, image: Image, layout: Layout) -> SheetReading:
        reading = super().read(reader, image, layout)
        if not _strikes(self, "random-misfeeds"):
            return reading
        return replace(reading, status="rejected", reason=ReturnReason.UNREADABLE.value, marks={})


def _strikes(behaviour: Behaviour, name: str) -> bool:
    return behaviour.chance.random() * behaviour.parameters[name]["one_in"] < 1
