"""Defects of the count: totals, records, the watch over them, and the parameters."""

from __future__ import annotations

from kalys.emulators.defect_hooks import counting
from kalys.emulators.defects.entry import Defect

ENTRIES = (
    Defect("vote-dropped",
           "After every `every` counted sheets, the next vote for the option at place `option` of "
           "the first contest is counted neither in totals nor in records.",
           ("ACC-001", "ACC-002", "ACC-009", "MET-005", "ENV-001"),
           ("count.volume", "day.operating_test"), counting.VoteDropped,
           {"every": 2000, "option": 3}),
    Defect("counter-not-zeroed",
           "Votes of test mode for the most voted option are in the totals after opening, while "
           "the zero report shows zero.",
           ("REP-003", "REP-001"), ("report.test_mode", "report.non_zero_opening"),
           counting.CounterNotZeroed),
    Defect("records-out-of-step",
           "Totals are right; of `one_in` records, one is handed out with another sheet's marks.",
           ("ACC-009", "REP-009"), ("count.logic_and_accuracy", "day.ordinary"),
           counting.RecordsOutOfStep,
           {"one_in": 100}),
    Defect("silent-capacity", "The box is full without a warning before.",
           ("ACC-010",), ("count.capacity",), counting.SilentCapacity),
    Defect("counter-wraps", "Totals are handed out and printed modulo `at`.",
           ("ACC-009", "MET-005"), ("count.volume",), counting.CounterWraps, {"at": 256}),
    Defect("silent-integrity", "A counter that cannot be right raises no alarm and stops nothing.",
           ("ACC-008",), ("count.integrity",), counting.SilentIntegrity),
    Defect("inaudible-alarm", "Alarms are shown and not heard.",
           ("ACC-008", "SEC-009"), ("count.integrity", "log.components"), counting.InaudibleAlarm),
    Defect("thresholds-not-told", "The thresholds of marks are not among the parameters told.",
           ("MRK-005",), ("mark.thresholds",), counting.ThresholdsNotTold),
    Defect("thresholds-of-works-told",
           "The parameters told are those of the works, whatever has been set since.",
           ("MRK-005",), ("mark.thresholds",), counting.ThresholdsOfWorksTold),
    Defect("integrity-sees-negatives-only",
           "Of counters that cannot be right only those below zero are noticed.",
           ("ACC-008",), ("count.integrity",), counting.IntegritySeesNegativesOnly),
)
