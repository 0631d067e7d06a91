"""Defects of a log-in that is left alone."""

from __future__ import annotations

from kalys.emulators.defect_hooks import inactivity
from kalys.emulators.defects.entry import Defect

ENTRIES = (
    Defect("log-in-never-ends",
           "A log-in that is left alone is alerted and goes on all the same.",
           ("TIM-005",), ("timing.inactivity",), inactivity.LogInNeverEnds),
    Defect("log-in-ends-unannounced",
           "A log-in that is left alone ends without an alert.",
           ("TIM-005",), ("timing.inactivity",), inactivity.LogInEndsUnannounced),
    Defect("inactivity-alert-short",
           "From the alert to the end of a log-in pass at most `seconds`, whatever is set.",
           ("TIM-005",), ("timing.inactivity",), inactivity.InactivityAlertShort,
           {"seconds": 10}),
    Defect("inactivity-longer-than-told",
           "A log-in is left alone `factor` times as long as is told before the alert.",
           ("TIM-005",), ("timing.inactivity",), inactivity.InactivityLongerThanTold,
           {"factor": 1.25}),
)
