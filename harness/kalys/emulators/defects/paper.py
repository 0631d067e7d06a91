"""Defects of the paper path, of what the voter is shown, and of the power behind it."""

from __future__ import annotations

from kalys.emulators.defect_hooks import paper
from kalys.emulators.defects.entry import Defect

ENTRIES = (
    Defect("double-count-after-jam",
           "A sheet that was committed, jammed and taken out stays counted, and counts again when "
           "it is fed again.",
           ("PAP-003",), ("paper.jam",), paper.DoubleCountAfterJam),
    Defect("slow-transport", "The transport runs at `share` of its promised speed.",
           ("TIM-006", "TIM-007"), ("timing.transport", "timing.throughput"), paper.SlowTransport,
           {"share": 0.8}),
    Defect("second-sheet-counted", "Two sheets drawn in together are accepted as one vote.",
           ("PAP-002",), ("paper.double_feed",), paper.SecondSheetCounted),
    Defect("false-success", "The voter whose sheet is returned is shown \"accepted\".",
           ("PAP-007",), ("paper.notices",), paper.FalseSuccess),
    Defect("vote-lost-at-power-cut",
           "The record is committed `seconds` after the sheet has fallen: a cut before loses it.",
           ("PWR-003",), ("power.transaction",), paper.VoteLostAtPowerCut, {"seconds": 0.5}),
    Defect("pulled-back-counted",
           "A sheet that is pulled back in the throat counts as a blank one.",
           ("PAP-009",), ("paper.pull_back",), paper.PulledBackCounted),
    Defect("confirmation-missing", "The voter whose ballot was counted is not told so.",
           ("PAP-007",), ("paper.notices",), paper.ConfirmationMissing),
    Defect("slow-between-sheets", "The path rests `seconds` longer between two sheets.",
           ("TIM-007",), ("timing.throughput",), paper.SlowBetweenSheets, {"seconds": 1.0}),
    Defect("short-battery", "The battery has `share` of its promised charge.",
           ("PWR-001",), ("power.backup",), paper.ShortBattery, {"share": 0.5}),
)
