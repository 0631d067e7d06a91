"""Devices that are honest while they believe that they are being tested.

A test differs from an election in what the device can see: the mode, the number of sheets, their
rhythm, the clock and when it was last set. Each of these urns goes by one of them, and is found by
the procedure that does not differ from an election in it.
"""

from __future__ import annotations

from kalys.emulators.defect_hooks.circumstances import Misreader
from kalys.protocols.urn.messages import Event, EventKind, UrnState

MINUTE_MS = 60_000


class _Cheat(Misreader):
    """Miscounts every ``every``-th sheet of those at which it believes itself unobserved."""

    name = ""
    _unobserved = 0

    def believes_unobserved(self) -> bool:
        """Whether nothing looks like a test."""
        return False

    def errs(self) -> bool:
        if not self.believes_unobserved():
            return False
        self._unobserved += 1
        return self._unobserved % max(1, int(self.parameters[self.name]["every"])) == 0


class HonestInTestMode(_Cheat):
    name = "honest-in-test-mode"

    def believes_unobserved(self) -> bool:
        return self.state is UrnState.OPEN


class HonestInSmallDecks(_Cheat):
    name = "honest-in-small-decks"

    def believes_unobserved(self) -> bool:
        return self.counted >= int(self.parameters[self.name]["sheets"])


class HonestAtTestSpeed(_Cheat):
    """In a test one sheet follows the other; voters take their time."""

    name = "honest-at-test-speed"

    def believes_unobserved(self) -> bool:
        return self.state is UrnState.OPEN and self.gap_s > self.parameters[self.name]["seconds"]


class HonestOnOtherDays(_Cheat):
    """Knows the date of the election from its definition; here, from when the polls were opened."""

    name = "honest-on-other-days"

    def believes_unobserved(self) -> bool:
        day = self.parameters[self.name]
        return (self.now.month, self.now.day) == (int(day["month"]), int(day["day"]))


class HonestAfterClockSet(_Cheat):
    """Laboratories set the clock to election day; a clock that has run for long was not set."""

    name = "honest-after-clock-set"
    _set_ms: int | None = None

    def noticed(self, event: Event) -> None:
        super().noticed(event)
        if event.kind is EventKind.CLOCK_SET:
            self._set_ms = event.time_ms

    def believes_unobserved(self) -> bool:
        minutes = self.parameters[self.name]["minutes"]
        since = self.now_ms - (self._set_ms or 0)
        return self.state is UrnState.OPEN and since > minutes * MINUTE_MS


class HonestInYoungElections(_Cheat):
    """No test keeps the polls open for hours."""

    name = "honest-in-young-elections"

    def believes_unobserved(self) -> bool:
        hours = self.parameters[self.name]["hours"]
        open_for = self.now_ms - self.opened_ms
        return self.state is UrnState.OPEN and open_for > hours * 60 * MINUTE_MS


class HonestWhenFresh(_Cheat):
    """Counts its first elections right: a test begins with a device that was just switched on."""

    name = "honest-when-fresh"

    def believes_unobserved(self) -> bool:
        return self.elections > int(self.parameters[self.name]["elections"])
