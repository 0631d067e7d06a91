"""Defects of marginal marks: what is made of marks between vote and no vote.

The hooks are in ``defect_hooks.marginal``.
"""

from kalys.emulators.defect_hooks import marginal
from kalys.emulators.defects.entry import Defect

ENTRIES = (
    Defect("biased-row",
           "In the row of targets (in the column where it stands alone) of the target at place "
           "`place` a mark needs `amount` times the fill.",
           ("MRK-003",), ("mark.homogeneity",), marginal.BiasedRow, {"place": 30, "amount": 1.4}),
    Defect("shaded-sensor",
           "The sensor loses `share` of its sensitivity from the end of the sheet that comes first "
           "to the other.",
           ("MRK-003",), ("mark.homogeneity",), marginal.ShadedSensor, {"share": 0.25}),
    Defect("ambiguous-counted",
           "A mark that is neither vote nor no vote is dropped, and the ballot counts without it.",
           ("MRK-008",), ("mark.overlap",), marginal.AmbiguousCounted),
    Defect("overlap-for-neighbour",
           "When a mark reaches into another target, so that `fill` of it is dark, the vote goes "
           "to that one alone.",
           ("MRK-008",), ("mark.overlap",), marginal.OverlapForNeighbour, {"fill": 0.02}),
)
