"""Defects of the states: who may do what, and when."""

from __future__ import annotations

from kalys.emulators.defect_hooks import states
from kalys.emulators.defects.entry import Defect

ENTRIES = (
    Defect("totals-while-open",
           "Totals can be read, printed and exported while the polls are open.",
           ("REP-004",), ("report.totals_while_open",), states.TotalsWhileOpen),
    Defect("early-opening", "The polls open at any hour.",
           ("TIM-008",), ("timing.poll_hours",), states.EarlyOpening),
    Defect("clock-set-by-anyone", "The clock can be set without a log-in.",
           ("LOG-004",), ("log.clock_setting",), states.ClockSetByAnyone),
    Defect("reopens-after-close", "The polls can be opened again after they were closed.",
           ("REP-008",), ("report.reopening",), states.ReopensAfterClose),
    Defect("event-counter-reset", "Resetting the election sets the event counter to zero.",
           ("MET-003",), ("metrology.event_counter",), states.EventCounterReset),
    Defect("opens-unchecked", "The polls open without a look at the counters.",
           ("REP-001",), ("report.non_zero_opening",), states.OpensUnchecked),
    Defect("late-ballots-taken",
           "Ballots are taken until `seconds` after the closing hour.",
           ("TIM-008",), ("timing.poll_hours",), states.LateBallotsTaken, {"seconds": 60}),
)
