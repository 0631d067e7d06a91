"""Defects of the clock and of the event log."""

from __future__ import annotations

from kalys.emulators.defect_hooks import logs
from kalys.emulators.defects.entry import Defect

ENTRIES = (
    Defect("clock-drift", "The clock runs `ppm` parts in a million fast.",
           ("LOG-002",), ("log.drift",), logs.ClockDrift, {"ppm": 2000}),
    Defect("log-entries-lost", "Every `every`-th log entry is not stored.",
           ("LOG-003", "LOG-005"), ("log.sequence", "log.coverage"), logs.LogEntriesLost,
           {"every": 7}),
    Defect("log-rewritable",
           "The log is numbered and chained anew whenever it is read: a change does not show.",
           ("LOG-007",), ("log.tamper",), logs.LogRewritable),
    Defect("choices-in-log", "The log entry of a cast names the marked options.",
           ("LOG-008",), ("log.privacy",), logs.ChoicesInLog),
    Defect("stamps-without-zone", "The stamps of log entries lack the time zone.",
           ("LOG-001",), ("log.stamps",), logs.StampsWithoutZone),
    Defect("media-unlogged", "Memory sticks put in and taken out are not logged.",
           ("LOG-005",), ("log.coverage",), logs.MediaUnlogged),
    Defect("clock-setting-unlogged", "Setting the clock leaves no log entry.",
           ("LOG-004",), ("log.clock_setting",), logs.ClockSettingUnlogged),
    Defect("log-without-user", "Log entries do not say who was logged in.",
           ("LOG-006",), ("log.fields",), logs.LogWithoutUser),
    Defect("log-stamp-rounded", "The stamps of log entries are of the full minute.",
           ("LOG-001",), ("log.stamps",), logs.LogStampRounded),
    Defect("log-user-late", "A log entry names who was logged in at the entry before it.",
           ("LOG-006",), ("log.fields",), logs.LogUserLate),
    Defect("log-burst-lost",
           "Of entries of one kind that follow each other the first `entries` are stored.",
           ("LOG-003",), ("log.sequence",), logs.LogBurstLost, {"entries": 16}),
    Defect("log-number-wraps",
           "Numbers of log entries begin again after 65,535; `before` entries were made in an "
           "earlier life.",
           ("LOG-003",), ("log.sequence",), logs.LogNumberWraps, {"before": 65500}),
)
