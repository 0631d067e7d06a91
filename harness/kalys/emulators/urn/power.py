"""What feeds the urn: the mains input, or a battery of so many hours.

The mains input is good from ``mains_minimum_v`` on. The battery is drained while it feeds, and
charged at a third of that pace while the mains do. Nothing is counted down: the moment of
exhaustion is computed when the battery takes over.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from kalys.emulators.agenda import SECOND, Agenda, Alarm

Source = Literal["mains", "battery"]
CHARGING = 3          # a battery charges so many times more slowly than it is drained
LOW_SHARE = 0.1       # of its charge, at which it warns


class PowerInput:
    """Mains and battery of one urn. ``changed(source)`` is called with None when all is dark."""

    def __init__(
        self,
        agenda: Agenda,
        battery_minutes: float,
        changed: Callable[[Source | None], None],
        low: Callable[[], None],
    ) -> None:
        self._agenda = agenda
        self._capacity = round(battery_minutes * 60 * SECOND)
        self._charge = self._capacity
        self._since = agenda.now
        self._changed = changed
        self._low = low
        self._alarms: list[Alarm] = []
        self.mains = False
        self.battery = True
        self.source: Source | None = None

    def set_mains(self, good: bool) -> None:
        """The mains input came (True) or went."""
        if good != self.mains:
            self._account()
            self.mains = good
            self._choose()

    def set_battery(self, connected: bool) -> None:
        """The battery's plug was put in (True) or pulled."""
        if connected != self.battery:
            self._account()
            self.battery = connected
            self._choose()

    def minutes_left(self) -> float:
        """What the battery would last from now on."""
        self._account()
        return self._charge / (60 * SECOND) if self.battery else 0.0

    def _account(self) -> None:
        """Bring the charge up to now."""
        elapsed = self._agenda.now - self._since
        self._since = self._agenda.now
        if self.source == "battery":
            self._charge = max(0, self._charge - elapsed)
        elif self.source == "mains" and self.battery:
            self._charge = min(self._capacity, self._charge + elapsed // CHARGING)

    def _choose(self) -> None:
        for alarm in self._alarms:
            alarm.cancel()
        self._alarms.clear()
        source: Source | None = None
        if self.mains:
            source = "mains"
        elif self.battery and self._charge > 0:
            source = "battery"
            now = self._agenda.now
            warning = self._charge - round(self._capacity * LOW_SHARE)
            if warning > 0:
                self._alarms.append(self._agenda.at(now + warning, self._low))
            self._alarms.append(self._agenda.at(now + self._charge, self._exhausted))
        if source != self.source:
            self.source = source
            self._changed(source)

    def _exhausted(self) -> None:
        self._account()
        self._choose()
