"""Looking on: what an urn's log gains, what its display shows, and when it is back from a restart.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from kalys.devices.roles import Hands, LogEntry, Urn
from kalys.errors import KalysError, Refused
from kalys.protocols.urn.messages import EventKind, Op

BOOT_TIMEOUT_S = 60.0


class Tail:
    """The entries that a log has gained since the last look."""

    def __init__(self, urn: Urn) -> None:
        self._urn = urn
        # How many there are is told with any page; the entries need not all be fetched for it.
        self._seen = int(urn.request(Op.LOG, first=0, count=1)["total"])

    @property
    def seen(self) -> int:
        """How many entries it has seen."""
        return self._seen

    def new(self) -> list[LogEntry]:
        """Entries since the last call, in order."""
        entries = list(self._urn.log(self._seen))
        self._seen += len(entries)
        return entries


@contextmanager
def watched_display(hands: Hands) -> Iterator[bool]:
    """Inside, the bench watches the voter's display; false where it has nothing to watch with."""
    try:
        hands.watch_display(True)
    except Refused:
        yield False
        return
    try:
        yield True
    finally:
        with suppress(KalysError):          # what went wrong inside is what counts
            hands.watch_display(False)


def await_boot(urn: Urn) -> None:
    """Wait until a restarted urn reports BOOTED; KalysError when it does not."""
    if urn.wait([EventKind.BOOTED], BOOT_TIMEOUT_S) is None:
        raise KalysError(
            f"{urn.name} did not report BOOTED within {BOOT_TIMEOUT_S:.0f} s",
            remedy="See whether it is supplied, and whether its link came back.",
        )
