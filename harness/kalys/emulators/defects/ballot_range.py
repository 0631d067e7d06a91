"""Defects of what lies outside the declared range: lists too long, sheets too long."""

from __future__ import annotations

from kalys.emulators.defect_hooks import ballot_range
from kalys.emulators.defects.entry import Defect

ENTRIES = (
    Defect("long-list-truncated",
           "Takes a definition with more than `options` options and counts only those.",
           ("MRK-011",), ("ballot.range",), ballot_range.LongListTruncated, {"options": 100}),
    Defect("long-sheet-misread",
           "Reads a sheet that is too long as if it were of the right length: marks count for the "
           "next option.",
           ("MRK-011",), ("ballot.range",), ballot_range.LongSheetMisread),
)
