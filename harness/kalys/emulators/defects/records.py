"""Defects of the cast vote records that leave the urn in NIST's format."""

from __future__ import annotations

from kalys.emulators.defect_hooks import records
from kalys.emulators.defects.entry import Defect

ENTRIES = (
    Defect("marginal-exported-as-vote",
           "In exported cast vote records a marginal mark is an indication \"yes\".",
           ("MRK-012",), ("mark.records",), records.MarginalExportedAsVote),
    Defect("marginal-exported-as-blank",
           "In exported cast vote records a marginal mark is an indication \"no\".",
           ("MRK-012",), ("mark.records",), records.MarginalExportedAsBlank),
    Defect("marginal-exported-unmeasured",
           "In exported cast vote records a marginal mark has no MarkMetricValue.",
           ("MRK-012",), ("mark.records",), records.MarginalExportedUnmeasured),
    Defect("export-leaves-records-out",
           "Of `every` cast vote records one is not exported.",
           ("MRK-012", "ACC-009"), ("mark.records",), records.ExportLeavesRecordsOut,
           {"every": 5}),
)
