"""A log-in that is left alone: an alert after a while, then its end (TIM-005).

Any request is activity, granted or refused; a ballot is not, for no ballot needs a log-in. The
times are the parameters ``inactivity_s`` (0: a log-in is never ended) and ``alert_s``. There is one
alarm of the agenda at a time, and none while nobody is logged in: it looks when the last request
was, and sets itself anew.
"""

from __future__ import annotations

from kalys.emulators.agenda import SECOND, Alarm
from kalys.emulators.urn.mainboard import Mainboard

ALERT = "inactivity"


class InactivityWatch:
    """Volatile, as the log-in is: made anew at every start."""

    def __init__(self, board: Mainboard) -> None:
        self._board = board
        self._access = board.access      # another one means that the urn was started again
        self._last = 0
        self._alerted_at: int | None = None
        self._alarm: Alarm | None = None

    def active(self) -> None:
        """Somebody has asked for something."""
        self._last = self._board.agenda.now
        if self._alerted_at is not None:
            self._alerted_at = None
            self._board.alarms.pop(ALERT, None)
        if self._alarm is not None and not self._watching():
            self._alarm.cancel()
            self._alarm = None
        elif self._alarm is None and self._watching():
            self._look_at(self._last + self._inactivity())

    def _watching(self) -> bool:
        return self._access.role is not None and self._inactivity() > 0

    def _inactivity(self) -> int:
        """ns without a request until the alert."""
        board = self._board
        told = board.memory.parameters["inactivity_s"]
        return round(board.behaviour.inactivity_s(told) * SECOND)

    def _patience(self) -> int:
        """ns from the alert to the end."""
        board = self._board
        return round(board.behaviour.alert_s(board.memory.parameters["alert_s"]) * SECOND)

    def _look_at(self, time: int) -> None:
        self._alarm = self._board.agenda.at(time, self._look)

    def _look(self) -> None:
        self._alarm = None
        board = self._board
        if board.access is not self._access or not self._watching():
            return
        now, due = board.agenda.now, self._last + self._inactivity()
        if now < due:
            self._look_at(due)
        elif self._alerted_at is None:
            self._alerted_at = now
            if board.behaviour.alerts_of_inactivity():
                board.raise_alarm(ALERT, audible=True)
            self._look_at(now + self._patience())
        else:
            self._end()

    def _end(self) -> None:
        board = self._board
        board.alarms.pop(ALERT, None)
        self._alerted_at = None
        if board.behaviour.ends_inactive_log_in():
            board.log("authentication", "log-out: nobody was active", "success", "link")
            self._access.logout()
