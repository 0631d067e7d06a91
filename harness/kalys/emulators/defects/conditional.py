"""Defects of state and order: the urn errs after something, and then only."""

from __future__ import annotations

from kalys.emulators.defect_hooks import conditional
from kalys.emulators.defects.entry import Defect

_COUNT = ("ACC-001", "ACC-009", "MET-005")

ENTRIES = (
    Defect("misread-after-jam",
           "The first sheet after a jam that was cleared is counted with the next option.",
           ("PAP-003",), ("paper.jam",), conditional.MisreadAfterJam),
    Defect("misread-after-power-cut",
           "The first sheet after a power loss is counted with the next option.",
           ("PWR-003",), ("power.transaction",), conditional.MisreadAfterPowerCut),
    Defect("misread-when-nearly-full",
           "Once the box has warned that it is nearly full, sheets are counted with the next "
           "option.",
           ("ACC-010",), ("count.capacity",), conditional.MisreadWhenNearlyFull),
    Defect("evening-votes-misread",
           "From `hour` o'clock on by the urn's own clock, sheets are counted with the next "
           "option.",
           ("ACC-009",), ("day.ordinary",), conditional.EveningVotesMisread, {"hour": 18}),
    Defect("earlier-election-left",
           "The first sheet of an election also gets the marks of the last sheet of the election "
           "before.",
           _COUNT, ("count.volume",), conditional.EarlierElectionLeft),
    Defect("repeat-not-counted",
           "A valid sheet that is marked as the one before it counts for nobody in the first "
           "contest.",
           _COUNT, ("count.volume",), conditional.RepeatNotCounted),
    Defect("blank-takes-last-choice",
           "A sheet without a mark in the first contest gets the choice of the last one that had "
           "one.",
           ("MRK-007",), ("mark.validity",), conditional.BlankTakesLastChoice),
    Defect("threshold-drifts-with-heat",
           "The threshold of a vote rises by `per_1000` for every 1,000 sheets since power-on.",
           _COUNT, ("count.volume",), conditional.ThresholdDriftsWithHeat, {"per_1000": 0.15}),
    Defect("path-slows-with-heat",
           "The path rests `seconds_per_100` longer between two sheets for every 100 sheets since "
           "power-on.",
           ("TIM-007",), ("timing.throughput",), conditional.PathSlowsWithHeat,
           {"seconds_per_100": 1.0}),
)
