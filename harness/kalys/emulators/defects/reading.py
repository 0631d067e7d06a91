"""Defects of the eyes: what is seen on a sheet, and what is made of the marks."""

from __future__ import annotations

from kalys.emulators.defect_hooks import reading
from kalys.emulators.defects.entry import Defect

ENTRIES = (
    Defect("overvote-counted",
           "Of two marks the first is counted, and the sheet goes to the valid compartment.",
           ("MRK-007",), ("mark.validity",), reading.OvervoteCounted),
    Defect("fold-as-vote",
           "The thresholds in use (`vote` fill, `ink` level) are far below those reported: a fold "
           "through a target is a vote.",
           ("MRK-002", "PAP-005"), ("mark.folds", "paper.damaged"), reading.FoldAsVote,
           {"vote": 0.012, "ink": 0.1}),
    Defect("foreign-counted", "The style code is not looked at.",
           ("MRK-010",), ("mark.foreign",), reading.ForeignCounted),
    Defect("upside-down-misread",
           "A sheet fed foot first is read as if it lay head first.",
           ("PAP-004",), ("paper.orientations",), reading.UpsideDownMisread),
    Defect("thin-line-missed", "The threshold in use is so high that a 1 mm line is no vote.",
           ("MRK-001",), ("mark.line",), reading.ThinLineMissed, {"vote": 0.45}),
    Defect("dead-position",
           "The target at place `place` of the ballot is never seen: its marks read as none.",
           ("ACC-009", "MET-005"), ("count.logic_and_accuracy",), reading.DeadPosition,
           {"place": 5}),
    Defect("flipping-threshold",
           "The threshold of a vote is `high` for one sheet and `low` for the next.",
           ("MRK-004",), ("mark.rescan",), reading.FlippingThreshold, {"high": 0.2, "low": 0.05}),
    Defect("dot-counted", "The threshold in use is so low that a dot is a vote.",
           ("MRK-006",), ("mark.specification",), reading.DotCounted, {"vote": 0.006}),
    Defect("pencil-missed", "The ink level in use is so high that a tick in pencil is no vote.",
           ("MRK-006",), ("mark.specification",), reading.PencilMissed, {"ink": 0.8}),
    Defect("frequent-misfeeds", "One in `one_in` sheets in good order is given back.",
           ("PAP-001",), ("paper.misfeeds", "count.volume"), reading.FrequentMisfeeds,
           {"one_in": 8}),
    Defect("unreadable-counted", "A sheet that cannot be read counts as a blank one.",
           ("PAP-005",), ("paper.damaged",), reading.UnreadableCounted),
    Defect("foot-of-page-underread",
           "Below `from` of the page's height a mark needs a fill of `vote` to be a vote.",
           ("MRK-001",), ("mark.line",), reading.FootOfPageUnderread,
           {"from": 0.5, "vote": 0.45}),
)
