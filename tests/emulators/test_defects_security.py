"""Every defect of log-in, refusals and link traffic does in an urn what its entry says."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
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


def opens_without_key(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.READY, defects=defects)
    s.print("zero")
    s.set_clock(8, 0, 5)
    s.login("operator")
    s.do(link.KeySwitch(URN, False))
    return bool(s.result(Op.OPEN) == "ok")


def software_without_key(make: Make, defects: list[str]) -> bool:
    s = make(defects=defects)
    s.login("administrator")
    s.do(link.KeySwitch(URN, False))
    return bool(s.load("software", b"a newer one") == "ok")


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


def test_without_the_key_nothing_critical_is_done_and_everything_else_goes_on(
    station: Make,
) -> None:
    s = station(UrnState.CLOSED)
    s.do(link.KeySwitch(URN, False))
    s.login("administrator")
    assert s.result(Op.RESET_ELECTION) == "not-authorised"
    assert s.result(Op.SET_KEY, role="auditor", key=bytes(32)) == "not-authorised"
    assert s.load("results", b"{}") == "not-authorised"
    assert s.result(Op.RESULTS) == "ok"
    s.do(link.KeySwitch(URN, True))
    assert s.result(Op.RESET_ELECTION) == "ok"
    entries = [(e["event"], e["outcome"]) for e in s.log()[-12:]]
    assert ("key switch turned off", "success") in entries
    assert ("reset_election refused", "not-authorised") in entries


def test_a_key_that_is_taken_out_during_an_upload_stops_its_commit(station: Make) -> None:
    s = station()
    s.login("administrator")
    data = b"a newer one"
    s.ask(Op.LOAD_BEGIN, purpose="software", size=len(data), sha256=sha256(data).digest())
    s.ask(Op.LOAD_CHUNK, offset=0, data=data)
    s.do(link.KeySwitch(URN, False))
    assert s.result(Op.LOAD_COMMIT) == "not-authorised"


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
