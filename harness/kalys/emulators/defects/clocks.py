"""Defects of the calendar: midnight, leap days, summer time, zones."""

from __future__ import annotations

from kalys.emulators.defect_hooks import clocks
from kalys.emulators.defects.entry import Defect

ENTRIES = (
    Defect("clock-steps-back-at-midnight",
           "At every midnight the clock goes back by `seconds`.",
           ("LOG-001",), ("log.calendar",), clocks.ClockStepsBackAtMidnight, {"seconds": 60}),
    Defect("leap-day-skipped", "The day after 28 February is 1 March in every year.",
           ("LOG-001",), ("log.calendar",), clocks.LeapDaySkipped),
    Defect("summer-time-kept",
           "From the last Sunday of March to that of October log entries are stamped in summer "
           "time.",
           ("LOG-001",), ("log.calendar",), clocks.SummerTimeKept),
    Defect("report-offset-wrong",
           "Reports show the right hour with a zone `hours` further west.",
           ("REP-005",), ("report.results",), clocks.ReportOffsetWrong, {"hours": 1}),
    Defect("report-time-stands", "Every report bears the time of the first one.",
           ("REP-005",), ("report.results",), clocks.ReportTimeStands),
)
