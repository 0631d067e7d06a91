"""What a paper path makes of paper that is not as it likes it: thin, thick, dry or damp.

A mechanism is built for a range of grammage and humidity and a little more; inside it feeds without
trouble. Outside the chance of a misfeed grows with the distance: thin paper buckles before the
scanner, thick paper slips under the rollers at the throat, damp paper curls up at the deflector,
dry paper is charged and clings at the exit. The widths over which a chance goes from none to
certain are round figures; no maker publishes such curves.
"""

from __future__ import annotations

from kalys.ballots.stock import Stock
from kalys.emulators.urn.configuration import UrnEmulation

GRAMMAGE_WIDTH = 20.0         # g/m2 outside of the range at which every sheet misfeeds
HUMIDITY_WIDTH = 15.0         # per cent of relative humidity
THROAT_MM = 5.0               # behind the throat; the rollers have let go of the sheet


def misfeed(stock: Stock, c: UrnEmulation) -> tuple[float, float]:
    """(chance of a misfeed, mm behind the throat where the sheet then sticks) of such paper."""
    beyond = (
        ((c.lightest_g_m2 - stock.grammage_g_m2) / GRAMMAGE_WIDTH, c.scanner_mm),
        ((stock.grammage_g_m2 - c.heaviest_g_m2) / GRAMMAGE_WIDTH, THROAT_MM),
        ((stock.humidity_percent - c.dampest_percent) / HUMIDITY_WIDTH, c.deflector_mm),
        ((c.driest_percent - stock.humidity_percent) / HUMIDITY_WIDTH, c.exit_mm),
    )
    chance, where = max(beyond)
    return min(1.0, max(0.0, chance)), where
