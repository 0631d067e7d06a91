"""Defects of the event log that leaves the urn in NIST's format."""

from __future__ import annotations

from kalys.emulators.defect_hooks import log_export
from kalys.emulators.defects.entry import Defect

ENTRIES = (
    Defect("log-export-leaves-entries-out",
           "In the exported election event log every `every`-th entry is missing.",
           ("LOG-009",), ("log.export",), log_export.LogExportLeavesEntriesOut, {"every": 10}),
    Defect("log-export-without-zone",
           "The times of the exported election event log lack their zone.",
           ("LOG-009",), ("log.export",), log_export.LogExportWithoutZone),
    Defect("log-export-always-success",
           "In the exported election event log every event has succeeded.",
           ("LOG-009",), ("log.export",), log_export.LogExportAlwaysSuccess),
    Defect("log-export-keys-of-its-own",
           "Events of the exported election event log have a key that the format does not know.",
           ("LOG-009",), ("log.export",), log_export.LogExportKeysOfItsOwn),
)
