"""Ctrl-C and SIGTERM while a run is on.

The first signal breaks the run off: KeyboardInterrupt where the program stands. What follows
(supplies made safe, report, seal) must not be broken off by an impatient second one, so that is
only answered in words; the third leaves at once, with the evidence unsealed and whole. Once the run
is wrapping up anyway, the first signal is answered in words as well.

Runners of suites put handlers of their own in place; ``install`` puts these back.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from types import FrameType, TracebackType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_LEAVE_AT = 3


class StopRequests:
    """The signals of one run, as a context manager. Outside the main thread it does nothing."""

    def __init__(self) -> None:
        self.received = 0
        self._wrapping_up = False
        self._before: dict[signal.Signals, object] = {}
        # The terminal, whatever test runners put in the place of file 2 meanwhile.
        self._terminal = -1

    @property
    def requested(self) -> bool:
        return self.received > 0

    def __enter__(self) -> StopRequests:
        if threading.current_thread() is threading.main_thread():
            with contextlib.suppress(OSError):
                self._terminal = os.dup(2)
            self._before = {number: signal.getsignal(number) for number in _SIGNALS}
            self.install()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        if self._terminal >= 0:
            os.close(self._terminal)
            self._terminal = -1

    def install(self) -> None:
        """Put the handlers in place (again)."""
        for number in self._before:
            signal.signal(number, self._receive)

    def wrap_up(self) -> None:
        """From now on nothing is broken off any more, except by the third signal."""
        self._wrapping_up = True

    def _receive(self, _number: int, _frame: FrameType | None) -> None:
        self.received += 1
        if self.received >= _LEAVE_AT:
            raise KeyboardInterrupt
        if self._wrapping_up:
            self._say("the report and the seal are being written, one moment")
        elif self.received == 1:
            self._wrapping_up = True
            self._say("stopping; what was recorded is being reported and sealed")
            raise KeyboardInterrupt
        if self.received == _LEAVE_AT - 1:
            self._say("once more leaves at once, with the evidence unsealed")

    def _say(self, text: str) -> None:
        # Straight to the file: a signal may come in the middle of a write to the stream.
        with contextlib.suppress(OSError):
            os.write(self._terminal, f"kalys: {text}\n".encode())
