"""Defects at the ends of registers: the n-th ballot, the n-th vote, ids that come again."""

from __future__ import annotations

from kalys.emulators.defect_hooks import boundaries
from kalys.emulators.defects.entry import Defect, Occasion, Trigger

_COUNT = ("ACC-001", "ACC-009", "MET-005")

ENTRIES = (
    Defect("ballot-256-lost",
           "The `at`-th sheet of an election is accepted and counted nowhere.",
           _COUNT, ("count.volume",), boundaries.Ballot256Lost, {"at": 256},
           Trigger(Occasion.SHEET, "the n-th", "at")),
    Defect("ballot-65536-lost",
           "The `at`-th sheet of the urn's life is counted nowhere; it has counted `before` sheets "
           "before the test.",
           _COUNT, ("count.volume",), boundaries.Ballot65536Lost, {"at": 65536, "before": 64000},
           Trigger(Occasion.SHEET, "the n-th", "at", "before")),
    Defect("vote-256-lost",
           "The `at`-th vote for an option since the urn was made is lost, in totals and records.",
           _COUNT, ("count.volume",), boundaries.Vote256Lost, {"at": 256}),
    Defect("record-ids-collide",
           "Of two records whose ids have the same last `bits` bits the later is handed out twice.",
           ("ACC-001", "ACC-009"), ("count.volume",), boundaries.RecordIdsCollide, {"bits": 16},
           Trigger(Occasion.SHEET, "two coincide", "bits")),
)
