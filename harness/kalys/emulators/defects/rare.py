"""Defects that strike at random, each sheet with the same small chance."""

from __future__ import annotations

from kalys.emulators.defect_hooks import rare
from kalys.emulators.defects.entry import Defect, Occasion, Trigger

_COUNTED = Trigger(Occasion.SHEET, "one in", "one_in")
_COUNT = ("ACC-001", "ACC-009", "MET-005")

ENTRIES = (
    Defect("ballot-misread-rarely",
           "One in `one_in` sheets, at random, is counted with the next option of the first "
           "contest in place of the voter's.",
           _COUNT, ("count.volume",), rare.BallotMisreadRarely,
           {"one_in": 250}, _COUNTED),
    Defect("ballot-lost-rarely",
           "One in `one_in` sheets, at random, is accepted and counted nowhere.",
           _COUNT, ("count.volume",), rare.BallotLostRarely, {"one_in": 250}, _COUNTED),
    Defect("ballot-doubled-rarely",
           "One in `one_in` sheets, at random, is recorded and counted twice.",
           _COUNT, ("count.volume",), rare.BallotDoubledRarely, {"one_in": 250}, _COUNTED),
    Defect("record-garbled-rarely",
           "Totals are right; one in `one_in` records, at random, lacks its mark in the first "
           "contest, or is of the other class where there is none.",
           ("ACC-001", "ACC-009"), ("count.volume",), rare.RecordGarbledRarely, {"one_in": 250},
           _COUNTED),
    Defect("random-misfeeds",
           "One in `one_in` sheets in good order, at random, is given back.",
           ("PAP-001",), ("count.volume",), rare.RandomMisfeeds, {"one_in": 50},
           Trigger(Occasion.FEED, "one in", "one_in")),
)
