"""Defects of the printer and of what it prints."""

from __future__ import annotations

from kalys.emulators.defect_hooks import reports
from kalys.emulators.defects.entry import Defect

ENTRIES = (
    Defect("report-without-time", "Printed reports lack date and time.",
           ("REP-005",), ("report.results",), reports.ReportWithoutTime),
    Defect("slow-closing-report", "The results report begins `seconds` after it was asked for.",
           ("TIM-009",), ("timing.close",), reports.SlowClosingReport, {"seconds": 400}),
    Defect("zero-report-incomplete", "The zero report leaves out the last contest.",
           ("REP-002",), ("report.zero",), reports.ZeroReportIncomplete),
    Defect("zero-report-totals-only",
           "The zero report shows the counters and not the memory of the records.",
           ("REP-002",), ("report.zero",), reports.ZeroReportTotalsOnly),
    Defect("undervotes-not-printed", "Final reports say 0 for the undervotes of every contest.",
           ("REP-006",), ("report.results",), reports.UndervotesNotPrinted),
    Defect("consolidated-twice",
           "The station's report adds the results of the other urn twice.",
           ("REP-007",), ("report.consolidation",), reports.ConsolidatedTwice),
    Defect("urn-left-out", "The station's report leaves the results of the other urn out.",
           ("REP-007",), ("report.consolidation",), reports.UrnLeftOut),
    Defect("printed-total-differs",
           "On the results report the option with the most votes has one more than in memory.",
           ("REP-009",), ("report.results",), reports.PrintedTotalDiffers),
    Defect("software-unnamed", "Reports do not name the software.",
           ("MET-001",), ("metrology.software_id",), reports.SoftwareUnnamed),
    Defect("options-swapped",
           "On the results report the options with most and with fewest votes change places.",
           ("REP-006", "REP-009"), ("report.results",), reports.OptionsSwapped),
    Defect("last-row-cut", "Final reports lack the row of the last option.",
           ("REP-006", "REP-009"), ("report.results",), reports.LastRowCut),
    Defect("votes-rounded", "Final reports show votes in whole multiples of `to`.",
           ("REP-006", "REP-009"), ("report.results",), reports.VotesRounded, {"to": 10}),
    Defect("sum-wrong", "Final reports say `more` valid sheets than there are; every row is right.",
           ("REP-006", "REP-009"), ("report.results",), reports.SumWrong, {"more": 1}),
    Defect("row-printed-twice", "Final reports show the first row of an option once more.",
           ("REP-006",), ("report.results",), reports.RowPrintedTwice),
    Defect("station-wrong", "Reports name the station `number`.",
           ("REP-002",), ("report.zero",), reports.StationWrong, {"number": 1}),
    Defect("election-of-works", "Reports name the election with which the urn left the works.",
           ("REP-002",), ("report.zero",), reports.ElectionOfWorks),
)
