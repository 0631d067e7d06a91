"""Defects of what a sheet is made of: grammage, humidity, and the security mark."""

# ruff: noqa: ARG002  (an override takes what its hook is given)
from __future__ import annotations

from typing import TYPE_CHECKING

from kalys.emulators.urn.behaviour import Behaviour

if TYPE_CHECKING:
    from kalys.ballots.stock import SecurityMark, Stock


class ThinDoublesUnnoticed(Behaviour):
    def double_thickness(self, configured: float) -> float:
        return self.parameters["thin-doubles-unnoticed"]["sheets"]


class ThickPaperRefused(Behaviour):
    def double_thickness(self, configured: float) -> float:
        return self.parameters["thick-paper-refused"]["sheets"]


class DampPaperSticks(Behaviour):
    def misfeeds(self, stock: Stock, chance: float) -> float:
        numbers = self.parameters["damp-paper-sticks"]
        chance = super().misfeeds(stock, chance)
        return max(chance, numbers["share"]) if (
            stock.humidity_percent > numbers["percent"]) else chance


class MarkNotLookedAt(Behaviour):
    def genuine(self, mark: SecurityMark, answer: tuple[float, float]) -> bool:
        return True


class DamagedMarkTaken(Behaviour):
    def genuine(self, mark: SecurityMark, answer: tuple[float, float]) -> bool:
        least = self.parameters["damaged-mark-taken"]["share"]
        return answer[0] >= least and answer[1] <= mark.most


class CopiedMarkTaken(Behaviour):
    def genuine(self, mark: SecurityMark, answer: tuple[float, float]) -> bool:
        return answer[0] >= mark.least
