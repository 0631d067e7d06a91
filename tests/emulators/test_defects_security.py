"""Every defect of log-in, refusals and link traffic does in an urn what its entry says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kalys.emulators.defects import security
from kalys.protocols import world as link
from kalys.protocols.urn import authentication
from kalys.protocols.urn.messages import EventKind, Op, UrnState

Make = Callable[..., Any]
URN = "urn-1"
WRONG = bytes(32)
# Sync, version 1, request, sequence 9, status, no result, and a length that no payload has.
TOO_LONG = b"\xa5\x4b\x01\x01\x00\x09\x02\x00\xff\xff"


def _wrong_log_in(s: Any) -> str:
    answer = s.result(Op.CHALLENGE, role="auditor")
    return answer if answer != "ok" else str(s.result(Op.AUTHENTICATE, role="auditor", mac=WRONG))


def unlimited_log_ins(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.READY, defects=defects)
    return "locked-out" not in [_wrong_log_in(s) for _ in range(11)]


def lock_forgotten_at_restart(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.READY, defects=defects)
    for _ in range(6):
        _wrong_log_in(s)
    s.cut_power()
    return _wrong_log_in(s) == "not-authorised"


def auditor_closes(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=defects)
    s.login("auditor")
    return bool(s.result(Op.CLOSE) != "not-authorised")


def parameters_while_open(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=defects)
    s.login("administrator")
    return bool(s.result(Op.SET_PARAMETER, name="mark_vote_fill", value="0.2") == "ok")


def cover_unalarmed(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=defects)
    s.do(link.Cover(URN, True))
    return EventKind.ALARM not in s.kinds()


def refusals_not_logged(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=defects)
    before = len(s.log())
    assert s.result(Op.RESULTS) == "wrong-state"
    return len(s.log()) == before


def nonces_repeat(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.READY, defects=defects)
    return bool(
        s.ask(Op.CHALLENGE, role="auditor")["nonce"] == s.ask(Op.CHALLENGE, role="auditor")["nonce"]
    )


def nonce_not_spent(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.READY, defects=defects)
    nonce = s.ask(Op.CHALLENGE, role="auditor")["nonce"]
    serial = s.ask(Op.IDENTIFY)["serial"]
    mac = authentication.response(authentication.test_key(serial, "auditor"), nonce, "auditor")
    s.ask(Op.AUTHENTICATE, role="auditor", mac=mac)
    return bool(s.result(Op.AUTHENTICATE, role="auditor", mac=mac) == "ok")


def hangs_on_long_frame(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=defects)
    s.put(URN, TOO_LONG)
    return s.send(Op.STATUS) is None


def garbage_counted(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=defects)
    for _ in range(100):
        s.put(URN, b"\xa5\x4bnoise that is no frame\xa5\x4b")
    return bool(s.status()["invalid"])


SHOWN = {entry.name: globals()[entry.name.replace("-", "_")] for entry in security.ENTRIES}


@pytest.mark.parametrize("name", list(SHOWN))
def test_the_defect_shows_and_the_healthy_urn_does_not_show_it(station: Make, name: str) -> None:
    assert SHOWN[name](station, [name])
    assert not SHOWN[name](station, [])


def test_only_an_administrator_says_for_how_long_a_role_is_locked(station: Make) -> None:
    s = station(UrnState.READY)
    s.login("operator")
    assert s.result(Op.SET_PARAMETER, name="lockout_s", value="5") == "not-authorised"
    s.login("administrator")
    s.ask(Op.SET_PARAMETER, name="lockout_s", value="5")
    for _ in range(6):
        said = _wrong_log_in(s)
    assert said == "locked-out"
    s.run(6)
    assert _wrong_log_in(s) == "not-authorised"
