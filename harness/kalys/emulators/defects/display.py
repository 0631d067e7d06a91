"""Defects of the voter's display."""

from __future__ import annotations

from kalys.emulators.defect_hooks import display
from kalys.emulators.defects.entry import Defect

ENTRIES = (
    Defect("display-sluggish", "Everything appears on the display `seconds` later.",
           ("TIM-001",), ("timing.response",), display.DisplaySluggish, {"seconds": 0.2}),
    Defect("outcome-shown-late",
           "What became of a ballot appears on the display `seconds` after it was reported.",
           ("TIM-003",), ("timing.response",), display.OutcomeShownLate, {"seconds": 1.5}),
    Defect("no-busy-indicator",
           "While a ballot is being read the display shows what it showed before.",
           ("TIM-001", "TIM-004"), ("timing.response",), display.NoBusyIndicator),
    Defect("display-contradicts-notice",
           "A ballot that is given back is reported as such, and the display says \"accepted\".",
           ("PAP-007",), ("paper.notices",), display.DisplayContradictsNotice),
)
