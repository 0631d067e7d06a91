"""Defects of the voter's display: when it shows something, and what."""

from __future__ import annotations

from kalys.emulators.urn.behaviour import Behaviour


class DisplaySluggish(Behaviour):
    def picture_s(self, configured: float, word: str) -> float:
        return super().picture_s(configured, word) + self.parameters["display-sluggish"]["seconds"]


class OutcomeShownLate(Behaviour):
    """The display is told when the record has been written and checked."""

    def picture_s(self, configured: float, word: str) -> float:
        late = self.parameters["outcome-shown-late"]["seconds"] if word != "wait" else 0.0
        return super().picture_s(configured, word) + late


class NoBusyIndicator(Behaviour):
    def shows_busy(self) -> bool:
        return False


class DisplayContradictsNotice(Behaviour):
    """The event is right; what the voter reads is not."""

    def pictured(self, word: str) -> str:
        return "accepted" if word == "returned" else super().pictured(word)
