"""The thermal printer: reports leave it line by line, at the pace of the paper.

A job is a list of byte strings, one a printed line; the bytes of a line leave when it has been
printed. Without paper the job waits, and begins again from its first line on a new roll, so that
no report is in two pieces.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kalys.emulators.agenda import Agenda, Alarm


class ThermalPrinter:
    """``send`` gets the bytes of the tape, ``printed(kind)`` the end of a job."""

    def __init__(
        self, agenda: Agenda, lines_per_second: float, send: Callable[[bytes], None],
        printed: Callable[[str], None],
    ) -> None:
        self._agenda = agenda
        self._pause = 1.0 / lines_per_second
        self._send = send
        self._printed = printed
        self._kind = ""
        self._lines: Sequence[bytes] = ()
        self._next = 0
        self._alarm: Alarm | None = None
        self._roll = True
        self._connected = True

    @property
    def paper(self) -> bool:
        """Whether a line can be printed: there is a roll, and the printer is plugged in."""
        return self._roll and self._connected

    @property
    def busy(self) -> bool:
        return bool(self._kind)

    def print(self, kind: str, lines: Sequence[bytes], delay_s: float = 0.0) -> None:
        """Begin a job, ``delay_s`` from now; the printer must not be busy."""
        self._kind, self._lines, self._next = kind, lines, 0
        if delay_s:
            self._alarm = self._agenda.after(delay_s, self._line)
        else:
            self._pace()

    def set_paper(self, there: bool) -> None:
        """The roll was taken out, or a new one put in."""
        self._roll = there
        self._changed()

    def set_connected(self, connected: bool) -> None:
        """The printer's cable was pulled, or plugged in again."""
        self._connected = connected
        self._changed()

    def _changed(self) -> None:
        if not self.paper:
            self._stop()
        elif self.busy:
            self._next = 0
            self._pace()

    def cut_power(self) -> None:
        """The job is lost."""
        self._stop()
        self._kind, self._lines = "", ()

    def _pace(self) -> None:
        if self.paper and self._alarm is None:
            self._alarm = self._agenda.after(self._pause, self._line)

    def _line(self) -> None:
        self._alarm = None
        if self._next < len(self._lines):
            self._send(self._lines[self._next])
            self._next += 1
            self._pace()
            return
        kind, self._kind, self._lines = self._kind, "", ()
        self._printed(kind)

    def _stop(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
