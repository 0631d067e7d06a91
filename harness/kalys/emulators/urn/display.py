"""What the display on the voter's side shows: Kyrgyz, Russian, and a word for all others.

The first word is the one of the NOTICE event, so that whoever reads the display out can say it.
"""

from __future__ import annotations

from collections.abc import Mapping

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
