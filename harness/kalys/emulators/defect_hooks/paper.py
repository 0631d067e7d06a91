"""Defects of the paper path, of what the voter is shown, and of the power behind it."""


from __future__ import annotations

from kalys.emulators.urn.behaviour import Behaviour


class DoubleCountAfterJam(Behaviour):
    def counts_removed(self) -> bool:
        return True


class SlowTransport(Behaviour):
    def transport_mm_s(self, configured: float) -> float:
        return configured * self.parameters["slow-transport"]["share"]


class SecondSheetCounted(Behaviour):
    def minds_double_feed(self) -> bool:
        return False


class FalseSuccess(Behaviour):
    def notice(self, truth: str) -> str:
        return "accepted" if truth == "returned" else truth


class PulledBackCounted(Behaviour):
    def counts_pulled_back(self) -> bool:
        return True


class VoteLostAtPowerCut(Behaviour):
    def commit_after_fall_s(self) -> float | None:
        return self.parameters["vote-lost-at-power-cut"]["seconds"]


class ConfirmationMissing(Behaviour):
    def notice(self, truth: str) -> str:
        return "wait" if truth == "accepted" else truth


class SlowBetweenSheets(Behaviour):
    def feed_gap_s(self, configured: float) -> float:
        return configured + self.parameters["slow-between-sheets"]["seconds"]


class ShortBattery(Behaviour):
    def battery_minutes(self, configured: float) -> float:
        return configured * self.parameters["short-battery"]["share"]
