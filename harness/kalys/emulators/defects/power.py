"""Defects of the memory when the power fails, when a memory fails, and of what is plugged in."""

from __future__ import annotations

from kalys.emulators.defect_hooks import power
from kalys.emulators.defects.entry import Defect

ENTRIES = (
    Defect("half-record-taken",
           "After a start a record is taken as far as it was written, for what is left of its "
           "marks, and no transaction stands behind it.",
           ("PWR-003",), ("power.transaction",), power.HalfRecordTaken),
    Defect("record-lost-in-cache",
           "A record counts as written while it waits in the memory's cache; a cut then loses it.",
           ("PWR-003",), ("power.transaction",), power.RecordLostInCache),
    Defect("export-cut-short", "After a loss of power the next export hands out half of its file.",
           ("PWR-003",), ("power.states",), power.ExportCutShort),
    Defect("old-settings-taken",
           "After a start the older of two whole settings counts: the urn stands where it stood.",
           ("PWR-003",), ("power.transaction", "power.states"), power.OldSettingsTaken),
    Defect("old-counters-taken",
           "After a start the counters are those of the older page, without the last records.",
           ("PWR-003",), ("power.transaction", "power.states"), power.OldCountersTaken),
    Defect("record-doubled-at-start",
           "After a start the last transaction is counted, whether its record is there or not.",
           ("PWR-003",), ("power.transaction", "power.states"), power.RecordDoubledAtStart),
    Defect("log-shortened-at-start",
           "After a loss of power the last `entries` entries of the event log are gone, and "
           "nothing says so.",
           ("PWR-002", "PWR-004"), ("power.exhaustion", "power.states"),
           power.LogShortenedAtStart, {"entries": 3}),
    Defect("no-validation-at-start",
           "After a start neither votes nor log are looked at.",
           ("PWR-004",), ("power.states", "power.damage"), power.NoValidationAtStart),
    Defect("log-not-validated", "After a start the votes are validated and the log is not.",
           ("PWR-004",), ("power.damage",), power.ValidatesVotesOnly),
    Defect("single-memory",
           "Votes are written to one of the two memories only; they are gone with it.",
           ("PWR-005",), ("power.memory_failure",), power.SingleMemory),
    Defect("memory-failure-unheeded",
           "Votes are written to one memory only, and counted on when it has failed.",
           ("PWR-005",), ("power.memory_failure",), power.MemoryFailureUnheeded),
    Defect("memory-failure-silent", "A memory that has failed raises no alarm.",
           ("PWR-005",), ("power.memory_failure",), power.MemoryFailureSilent),
    Defect("plugging-silent",
           "What is plugged in or pulled out while votes are cast raises no alarm.",
           ("LOG-010", "SEC-009"), ("log.components",), power.PluggingSilent),
    Defect("plugging-unlogged",
           "What is plugged in or pulled out, and what hands do, leaves no log entry.",
           ("LOG-010",), ("log.components",), power.PluggingUnlogged),
    Defect("port-stays-open",
           "A link that was unplugged goes on where it was, with whoever was logged in.",
           ("SEC-010",), ("security.port",), power.PortStaysOpen),
    Defect("port-reads-after-replug",
           "A link that was unplugged hands out log and parameters to whoever plugs it in.",
           ("SEC-010",), ("security.port",), power.PortReadsAfterReplug),
)
