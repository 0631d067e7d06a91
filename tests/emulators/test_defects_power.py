"""Every defect of memory, power and ports does in an urn what its entry says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kalys.emulators.defects import power
from kalys.protocols import world as link
from kalys.protocols.urn.messages import EventKind, Op, UrnState

Make = Callable[..., Any]
URN = "urn-1"
FALL_S = 2.59


def _after_cut(s: Any, after: float) -> None:
    s.insert(s.sheet("party/P01", "preference/N07"))
    s.run(after)
    s.cut_power()
    s.run(6)


def _lost_in_a_write(make: Make, defects: list[str]) -> bool:
    """Whether a cut while the record is written loses its ballot."""
    for after_ms in range(1, 15, 3):
        s = make(UrnState.OPEN, defects=defects)
        _after_cut(s, FALL_S + after_ms / 1000)
        status = s.status()
        if status["valid"] < len(s.box()):
            return True
    return False


def half_record_taken(make: Make, defects: list[str]) -> bool:
    for after_ms in range(1, 15):
        s = make(UrnState.OPEN, defects=defects)
        _after_cut(s, FALL_S + after_ms / 1000)
        s.close()
        marks = [record["marks"] for record in s.records()]
        if marks and marks != ["party/P01;preference/N07"]:
            return True
    return False


def record_lost_in_cache(make: Make, defects: list[str]) -> bool:
    return _lost_in_a_write(make, defects)


def export_cut_short(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.CLOSED, defects=defects)
    s.login("operator")
    whole = s.ask(Op.EXPORT_BEGIN, kind="results")["size"]
    s.cut_power()
    s.login("operator")
    return bool(s.ask(Op.EXPORT_BEGIN, kind="results")["size"] < whole)


def old_settings_taken(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=defects)
    s.feed(s.sheet("party/P01"))
    s.cut_power()
    s.cut_power()
    return bool(s.status()["state"] != "open" or s.status()["valid"] != 1)


def old_counters_taken(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=defects)
    for _ in range(3):
        s.feed(s.sheet("party/P01"))
    s.cut_power()
    return bool(s.status()["state"] == "fault")


def record_doubled_at_start(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=defects)
    _after_cut(s, 3.0)
    return bool(s.status()["valid"] == 2 and len(s.box()) == 1)


def log_shortened_at_start(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=defects)
    before = s.log()
    s.cut_power()
    return bool(s.log()[len(before) - 3] != before[-3])


def no_validation_at_start(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=defects)
    before = len(s.log())
    s.cut_power()
    return "integrity-check" not in {entry["kind"] for entry in s.log()[before:]}


def log_not_validated(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=defects)
    s.do(link.TamperLog(URN, "flip", 2))
    before = len(s.log())
    s.cut_power()
    outcomes = {e["outcome"] for e in s.log()[before:] if e["kind"] == "integrity-check"}
    return outcomes == {"success"}


def single_memory(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=defects)
    s.feed(s.sheet("party/P01"))
    s.do(link.MemoryChip(URN, "primary", "failed"))
    assert s.feed(s.sheet("party/P01")) == "fault"
    s.cut_power()
    return bool(s.status()["valid"] == 0 and len(s.box()) == 1)


def memory_failure_unheeded(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=defects)
    s.do(link.MemoryChip(URN, "primary", "full"))
    assert s.feed(s.sheet("party/P01")) == "valid"
    s.cut_power()
    return bool(s.status()["valid"] == 0 and len(s.box()) == 1)


def memory_failure_silent(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=defects)
    s.do(link.MemoryChip(URN, "secondary", "failed"))
    return bool(s.feed(s.sheet("party/P01")) == "valid" and EventKind.ALARM not in s.kinds())


def plugging_silent(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=defects)
    s.do(link.Media(URN, False))
    s.do(link.Cable(URN, "printer", False))
    return EventKind.ALARM not in s.kinds()


def plugging_unlogged(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=defects)
    before = len(s.log())
    s.do(link.Media(URN, False))
    s.do(link.Cable(URN, "printer", False))
    return {entry["kind"] for entry in s.log()[before:]} <= {"alarm"}


def _replugged(make: Make, defects: list[str]) -> Any:
    s = make(UrnState.OPEN, defects=defects)
    s.login("administrator")
    s.do(link.Cable(URN, "link", False))
    s.do(link.Cable(URN, "link", True))
    return s


def port_stays_open(make: Make, defects: list[str]) -> bool:
    return bool(_replugged(make, defects).result(Op.CLEAR_ALARM) == "ok")


def port_reads_after_replug(make: Make, defects: list[str]) -> bool:
    s = _replugged(make, defects)
    return (s.result(Op.PARAMETERS), s.result(Op.CLEAR_ALARM)) == ("ok", "not-authorised")


SHOWN = {entry.name: globals()[entry.name.replace("-", "_")] for entry in power.ENTRIES}


@pytest.mark.parametrize("name", SHOWN)
def test_a_defect_does_what_it_says_and_a_healthy_urn_does_not(station: Make, name: str) -> None:
    assert SHOWN[name](station, [name])
    if name not in ("single-memory", "memory-failure-unheeded"):   # they assert on their way
        assert not SHOWN[name](station, [])


def test_an_urn_without_any_memory_left_gives_sheets_back(station: Make) -> None:
    s = station(UrnState.OPEN)
    s.do(link.MemoryChip(URN, "primary", "failed"))
    assert s.feed(s.sheet("party/P01")) == "valid"
    s.do(link.MemoryChip(URN, "secondary", "full"))
    assert s.feed(s.sheet("party/P01")) == "fault"
    assert s.status()["valid"] == len(s.box()) == 1


def test_a_memory_that_is_good_again_has_what_the_other_one_has(station: Make) -> None:
    s = station(UrnState.OPEN)
    s.do(link.MemoryChip(URN, "primary", "failed"))
    s.feed(s.sheet("party/P01"))
    s.do(link.MemoryChip(URN, "primary", "good"))
    s.do(link.MemoryChip(URN, "secondary", "failed"))
    s.cut_power()
    assert (s.status()["state"], s.status()["valid"]) == ("open", 1)


@pytest.mark.parametrize("what", ["votes", "log"])
def test_what_was_damaged_on_both_memories_is_found_at_the_next_start(
    station: Make, what: str
) -> None:
    s = station(UrnState.OPEN)
    for _ in range(3):
        s.feed(s.sheet("party/P01"))
    s.do(link.DamageMemory(URN, what, 1))
    s.cut_power()
    assert s.status()["state"] == "fault"
    assert any("cannot be read" in entry["event"] for entry in s.log())


def test_a_link_that_is_unplugged_carries_nothing_and_is_dropped(station: Make) -> None:
    s = station(UrnState.READY)
    s.do(link.Cable(URN, "link", False))
    assert s.world.hung_up() == [URN]
    assert s.send(Op.STATUS) is None
    s.do(link.Cable(URN, "link", True))
    assert s.status()["state"] == "ready"
    assert s.result(Op.LOG, first=0, count=5) == "not-authorised"
    s.login("operator")
    assert s.result(Op.LOG, first=0, count=5) == "ok"
