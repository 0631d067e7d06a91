"""What the display on the voter's side shows: Kyrgyz, Russian, and a word for all others.

The first word is the one of the NOTICE event, so that whoever reads the display out can say it. It
takes a moment until a picture stands on the display: what is told to be shown appears later.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping

from kalys.emulators.agenda import SECOND, Agenda
from kalys.protocols.urn.messages import UrnState

NOTICES: Mapping[str, str] = {
    "accepted": "accepted: Бюллетень кабыл алынды / Бюллетень принят",
    "returned": "returned: Бюллетень кайтарылды / Бюллетень возвращён",
    "wait": "wait: Күтө туруңуз / Подождите",
}

IDLE: Mapping[UrnState, str] = {
    UrnState.STANDBY: "standby: Даяр эмес / Не готово",
    UrnState.READY: "ready: Добуш берүү башталган жок / Голосование не начато",
    UrnState.TEST: "test: Сыноо / Проверка",
    UrnState.OPEN: "open: Бюллетенди салыңыз / Опустите бюллетень",
    UrnState.CLOSED: "closed: Добуш берүү аяктады / Голосование завершено",
    UrnState.FAULT: "fault: Иштебейт / Не работает",
}


class Screen:
    """The display itself. ``seen`` is told each text that appears, while somebody watches.

    Nobody's watching costs nothing: what has appeared is found out when it is asked for.
    """

    def __init__(self, agenda: Agenda, seen: Callable[[str], None]) -> None:
        self._agenda = agenda
        self._seen = seen
        self._text = ""
        self._coming: deque[tuple[int, str]] = deque()     # (when it appears, text)
        self._watched = False

    @property
    def text(self) -> str:
        """What can be read now."""
        self._catch_up()
        return self._text

    def show(self, text: str, after_s: float) -> None:
        """Let a text appear in so many seconds, never before what was to be shown earlier."""
        self._catch_up()
        due = self._agenda.now + round(after_s * SECOND)
        if self._coming:
            due = max(due, self._coming[-1][0])
        self._coming.append((due, text))
        if self._watched:
            self._agenda.at(due, self._catch_up)

    def dark(self) -> None:
        """Without power there is nothing to be seen, at once."""
        self._catch_up()
        self._coming.clear()
        self._appear("")

    def watch(self, on: bool) -> None:
        """Tell ``seen`` of every change from now on, or no more."""
        self._catch_up()
        if on and not self._watched:
            for due, _ in self._coming:
                self._agenda.at(due, self._catch_up)
        self._watched = on

    def _catch_up(self) -> None:
        while self._coming and self._coming[0][0] <= self._agenda.now:
            self._appear(self._coming.popleft()[1])

    def _appear(self, text: str) -> None:
        if text != self._text:
            self._text = text
            if self._watched:
                self._seen(text)
