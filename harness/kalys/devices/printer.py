"""A tap on an urn's tape: what the printer prints, as text, and when it came.

In real time a conversation of its own listens all the while, because a serial port holds no more
than a few kilobytes, and a report is longer. In virtual time the in-process line holds everything,
and the tap reads when it is asked. ESC/POS is parsed by ``kalys.protocols.tape``.
"""

from __future__ import annotations

import threading

from kalys.devices.roles import Tape
from kalys.errors import KalysError
from kalys.links.clock import Clock, Conversation
from kalys.links.link import Link
from kalys.protocols.tape import CODE_PAGES, TapeParser

# A printer that was silent for this long has printed what it had (seconds of the clock).
SETTLED_S = 0.25


class PrinterTap:
    """The role `Printer` on a link that only receives.

    ``code_page`` is the codec of the page in force before the first ESC t.
    """

    def __init__(self, link: Link, *, clock: Clock, code_page: str = "cp437") -> None:
        self.link = link
        self._clock = clock
        self._parser = TapeParser(page_number(code_page))
        self._lines: list[str] = []
        self._first = 0
        self._last = 0
        self._told = 0
        self._lock = threading.Lock()
        self._error: KalysError | None = None
        self._closed = False
        self._listener: Conversation[None] | None = None
        if clock.base == "real":
            self._listener = clock.spawn(self._listen)

    def tape(self) -> Tape:
        """What was printed since the last call, after the line has been quiet for a moment.

        ``first`` and ``last`` are the times (ns) at which the first and last bytes were read; both
        0 when nothing came. LinkError when the tap was lost, after what came before has been given.
        """
        self._settle()
        with self._lock:
            doubts = self._parser.undecodable + len(self._parser.unknown)
            tape = Tape(tuple(self._lines), doubts - self._told, self._first, self._last)
            self._lines, self._told, self._first, self._last = [], doubts, 0, 0
        if self._error is not None and not tape.lines:
            raise self._error
        return tape

    def close(self) -> None:
        """Stop listening and close the link."""
        self._closed = True
        self.link.close()

    def _settle(self) -> None:
        if self._listener is None:
            self._clock.sleep(0)           # what is due at this very moment may arrive first
            while self._read(0.0):
                pass
            return
        before = -1
        while before != self._last:
            before = self._last
            self._clock.sleep(SETTLED_S)

    def _listen(self) -> None:
        while not self._closed:
            try:
                self._read(0.5)
            except KalysError as error:
                if not self._closed:
                    self._error = error
                return

    def _read(self, timeout: float) -> bool:
        data = self.link.read(1, timeout)
        if not data:
            return False
        with self._lock:
            self._first = self._first or self.link.received_at
            self._last = self.link.received_at
            self._parser.feed(data)
            self._lines += self._parser.lines()
        return True


def page_number(codec: str) -> int:
    """The ESC t number of a codec; ValueError with the known ones."""
    for number, name in CODE_PAGES.items():
        if name == codec:
            return number
    known = ", ".join(CODE_PAGES.values())
    raise ValueError(f"no printer has the code page {codec}; known: {known}")
