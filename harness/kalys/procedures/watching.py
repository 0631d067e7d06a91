"""Looking on: what an urn's log gains, and when the urn is back from a restart."""

from __future__ import annotations

from kalys.devices.roles import LogEntry, Urn
from kalys.errors import KalysError
from kalys.protocols.urn.messages import EventKind

BOOT_TIMEOUT_S = 60.0


class Tail:
    """The entries that a log has gained since the last look."""

    def __init__(self, urn: Urn) -> None:
        self._urn = urn
        self._seen = len(urn.log())

    @property
    def seen(self) -> int:
        """How many entries it has seen."""
        return self._seen

    def new(self) -> list[LogEntry]:
        """Entries since the last call, in order."""
        entries = list(self._urn.log(self._seen))
        self._seen += len(entries)
        return entries


def await_boot(urn: Urn) -> None:
    """Wait until a restarted urn reports BOOTED; KalysError when it does not."""
    if urn.wait([EventKind.BOOTED], BOOT_TIMEOUT_S) is None:
        raise KalysError(
            f"{urn.name} did not report BOOTED within {BOOT_TIMEOUT_S:.0f} s",
            remedy="See whether it is supplied, and whether its link came back.",
        )
