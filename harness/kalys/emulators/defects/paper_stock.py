"""Defects of what a sheet is made of: grammage, humidity, and the security mark."""

from __future__ import annotations

from kalys.emulators.defect_hooks import paper_stock
from kalys.emulators.defects.entry import Defect

ENTRIES = (
    Defect("thin-doubles-unnoticed",
           "Two sheets are noticed only from `sheets` thicknesses of usual paper on: two thin ones "
           "pass as one.",
           ("PAP-002",), ("paper.range",), paper_stock.ThinDoublesUnnoticed, {"sheets": 1.9}),
    Defect("thick-paper-refused",
           "A sheet thicker than `sheets` of usual paper is taken for two, though it is in the "
           "declared range.",
           ("PAP-006",), ("paper.range",), paper_stock.ThickPaperRefused, {"sheets": 1.3}),
    Defect("damp-paper-sticks",
           "Of paper kept in more than `percent` relative humidity this `share` of sheets sticks.",
           ("PAP-006",), ("paper.range",), paper_stock.DampPaperSticks,
           {"percent": 60, "share": 0.3}),
    Defect("mark-not-looked-at", "The security mark is asked for and not looked at.",
           ("PAP-008",), ("paper.authenticity",), paper_stock.MarkNotLookedAt),
    Defect("damaged-mark-taken", "A security mark of which `share` is left is good enough.",
           ("PAP-008",), ("paper.authenticity",), paper_stock.DamagedMarkTaken, {"share": 0.2}),
    Defect("copied-mark-taken",
           "The security mark is looked at and the print beside it is not: a photocopy passes.",
           ("PAP-008",), ("paper.authenticity",), paper_stock.CopiedMarkTaken),
)
