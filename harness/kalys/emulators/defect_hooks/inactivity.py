"""Defects of a log-in that is left alone."""

from __future__ import annotations

from kalys.emulators.urn.behaviour import Behaviour


class LogInNeverEnds(Behaviour):
    def ends_inactive_log_in(self) -> bool:
        return False


class LogInEndsUnannounced(Behaviour):
    def alerts_of_inactivity(self) -> bool:
        return False


class InactivityAlertShort(Behaviour):
    def alert_s(self, told: float) -> float:
        return min(super().alert_s(told), self.parameters["inactivity-alert-short"]["seconds"])


class InactivityLongerThanTold(Behaviour):
    def inactivity_s(self, told: float) -> float:
        factor = self.parameters["inactivity-longer-than-told"]["factor"]
        return super().inactivity_s(told) * factor
