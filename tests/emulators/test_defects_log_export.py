"""Defects of the event log that leaves the urn in NIST's format show in the file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest

from kalys.emulators.defects import log_export
from kalys.protocols.urn.messages import Op, UrnState

Make = Callable[..., Any]          # the fixture ``station``


def exported(s: Any) -> list[dict[str, Any]]:
    """The events of the exported file."""
    answer = s.ask(Op.EXPORT_BEGIN, kind="election-event-log")
    data = b""
    while len(data) < answer["size"]:
        data += s.ask(Op.EXPORT_CHUNK, offset=len(data), length=4000)["data"]
    assert hashlib.sha256(data).digest() == answer["sha256"]
    (device,) = json.loads(data)["Device"]
    assert device["Id"] == "KG-TEST-1"
    return list(device["Event"])


def test_the_file_holds_every_entry_of_the_log_in_whatever_state(station: Make) -> None:
    for state in (UrnState.STANDBY, UrnState.OPEN, UrnState.CLOSED, UrnState.FAULT):
        s = station(state)
        s.login("auditor")
        s.result(Op.CLOSE)
        log = s.log()
        events = exported(s)
        assert [e["Sequence"] for e in events] == [str(row["sequence"]) for row in log]
        assert [e["Hash"] for e in events] == [row["chain"].hex() for row in log]
        assert s.log()[len(log)]["event"] == "election-event-log exported"


def test_nobody_gets_it_without_a_log_in(station: Make) -> None:
    s = station()
    assert s.result(Op.EXPORT_BEGIN, kind="election-event-log") == "not-authorised"


def _refused(make: Make, defects: list[str]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Log and exported events after a command was refused and entries have gathered."""
    s = make(UrnState.OPEN, defects=defects)
    s.login("auditor")
    for _ in range(20):
        assert s.result(Op.CLOSE) == "not-authorised"
    return s.log(), exported(s)


def log_export_leaves_entries_out(make: Make, defects: list[str]) -> bool:
    log, events = _refused(make, defects)
    return len(events) < len(log)


def log_export_without_zone(make: Make, defects: list[str]) -> bool:
    log, events = _refused(make, defects)
    assert all(row["stamp"].endswith("+06:00") for row in log)
    return not events[-1]["TimeStamp"].endswith("+06:00")


def log_export_always_success(make: Make, defects: list[str]) -> bool:
    _, events = _refused(make, defects)
    return bool(events[-1]["Disposition"] == "success")


def log_export_keys_of_its_own(make: Make, defects: list[str]) -> bool:
    _, events = _refused(make, defects)
    return "Resource" in events[-1]


SHOWN: dict[str, Callable[[Make, list[str]], bool]] = {
    entry.name: globals()[entry.name.replace("-", "_")] for entry in log_export.ENTRIES
}


@pytest.mark.parametrize("name", list(SHOWN))
def test_the_defect_shows_and_the_healthy_urn_does_not_show_it(station: Make, name: str) -> None:
    assert SHOWN[name](station, [name])
    assert not SHOWN[name](station, [])
