"""The urn's memory: bytes on chips that take time to write, and what a start makes of them."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kalys.emulators.urn.flash import Flash
from kalys.emulators.urn.storage import Storage
from kalys.protocols import world as link
from kalys.protocols.urn.messages import EventKind, Op, UrnState

Make = Callable[..., Any]
URN = "urn-1"
MS = 1_000_000
DECISION_S, FALL_S = 1.19, 2.59       # after insertion, at 300 mm/s


class Moment:
    """A time that the test moves."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now


def storage(now: Moment, seed: int = 1, **more: Any) -> Storage:
    return Storage(now, Random(seed), key=b"k" * 32, page_s=0.003, **more)


def told(s: Any) -> dict[str, Any]:
    """What a host can learn of an urn in CLOSED, but for what a start adds to the log."""
    status = s.status()
    s.login("auditor")
    records = s.records()
    results = s.ask(Op.RESULTS)
    del results["time_ms"]
    parameters = s.ask(Op.PARAMETERS)
    return {"status": status, "records": records, "results": results, "parameters": parameters}


def closed(station: Make) -> Any:
    s = station(UrnState.READY)
    s.login("administrator")
    s.ask(Op.SET_PARAMETER, name="capacity_warning", value="7")
    s.print("zero")
    s.set_clock(8, 0, 5)
    s.login("operator")
    s.ask(Op.OPEN)
    for option in ("P01", "P01", "P05"):
        s.feed(s.sheet(f"party/{option}"))
    s.feed(s.sheet())
    s.feed(s.sheet("party/P01", orientation="down-head", style="KG-SM-27"))
    s.close()
    return s


def test_another_board_with_the_same_bytes_in_its_chips_is_the_same_urn(station: Make) -> None:
    s, other = closed(station), station()
    before, log = told(s), s.log()
    s.world.urns[URN].memory.flush()
    other.world.urns[URN].memory.storage.put(s.world.urns[URN].memory.storage.contents())
    other.cut_power()
    assert told(other) == before
    entries = other.log()
    assert entries[: len(log)] == log
    assert s.ask(Op.EVENTS_SINCE, first=1)["count"] < other.ask(Op.EVENTS_SINCE, first=1)["count"]


def test_no_object_of_the_running_urn_outlives_its_power(station: Make) -> None:
    s = closed(station)
    before = told(s)
    memory = s.world.urns[URN].memory
    s.do(link.Battery(URN, False))
    s.supply("OUTP OFF,(@2)")
    for name in ("keys", "parameters", "votes", "tests", "package", "poll", "state", "imports",
                 "definition_sha256", "transaction", "events", "archive", "zero_report"):
        object.__setattr__(memory, name, None)
    memory.log.entries = []
    s.supply("OUTP ON,(@2)")
    s.do(link.Battery(URN, True))
    s.run(3.5)
    assert told(s) == before


@given(
    edge=st.sampled_from([DECISION_S, FALL_S]), after_ms=st.floats(0, 25),
    again_ms=st.floats(0, 25),
)
@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_cut_in_the_middle_of_any_write_leaves_each_ballot_whole_or_absent(
    station: Make, edge: float, after_ms: float, again_ms: float
) -> None:
    s = station(UrnState.OPEN)
    for when in (edge + after_ms / 1000, edge + again_ms / 1000):
        s.insert(s.sheet("party/P02", "preference/N05"))
        s.run(when)
        s.cut_power()
        s.run(6)
    boxed = s.box()
    status = s.status()
    assert status["valid"] == len(boxed)
    assert len(boxed) + len(s.returned()) == 2
    s.close()
    assert [record["marks"] for record in s.records()] == (
        ["party/P02;preference/N05"] * len(boxed)
    )


def test_a_record_that_was_torn_is_set_aside_and_the_ballot_counted_from_its_transaction(
    station: Make,
) -> None:
    for after_ms in range(1, 15):
        s = station(UrnState.OPEN)
        s.insert(s.sheet("party/P02"))
        s.run(FALL_S + after_ms / 1000)
        s.cut_power()
        s.run(3)
        assert (s.status()["valid"], s.box()) == (1, ["s001"])
        if any("broken off" in entry["event"] for entry in s.log()):
            return
    pytest.fail("no cut within 14 ms after the fall tore a write")


def test_a_write_that_the_cut_meets_is_a_prefix_and_the_rest_is_erased() -> None:
    now = Moment()
    chip = Flash("chip", now, Random(3), page_s=0.010)
    chip.write("area", b"\x00" * 100)
    now.now = 5 * MS
    chip.cut()
    data = bytes(chip.read("area")[0].data)
    assert data[:50] == b"\x00" * 50
    assert data[51:] == b"\xff" * 49


def test_writes_to_different_areas_may_be_done_in_either_order() -> None:
    found = set()
    for seed in range(20):
        now = Moment()
        chip = Flash("chip", now, Random(seed), page_s=0.003)
        chip.write("a", b"1")
        chip.write("b", b"2")
        now.now = 3 * MS
        chip.cut()
        found.add(tuple(sorted(chip.areas)))
    assert found == {("a",), ("b",)}


def test_hold_up_finishes_what_the_cut_found_waiting() -> None:
    now = Moment()
    kept = storage(now, hold_up_s=0.02)
    kept.append("area", b"a record")
    kept.cut()
    assert [frame.payload for frame in kept.read("area").frames] == [b"a record"]


@given(
    sizes=st.lists(st.integers(0, 600), min_size=1, max_size=12), cut_ms=st.floats(0, 60),
    seed=st.integers(0, 99),
)
def test_what_is_read_back_is_always_the_first_frames_that_were_written(
    sizes: list[int], cut_ms: float, seed: int
) -> None:
    now = Moment()
    kept = storage(now, seed)
    payloads = [bytes([number]) * size for number, size in enumerate(sizes)]
    for payload in payloads:
        kept.append("area", payload)
    now.now = round(cut_ms * MS)
    kept.cut()
    back = [frame.payload for frame in kept.read("area").frames]
    assert back == payloads[: len(back)]
    kept.append("area", b"next")
    kept.flush()
    assert [frame.payload for frame in kept.read("area").frames] == [*back, b"next"]


def test_what_one_chip_has_lost_the_other_gives_back() -> None:
    kept = storage(Moment())
    for number in range(5):
        kept.append("area", bytes([number]))
    kept.flush()
    kept.chips["primary"].read("area")[0].flip(20, 3)
    reading = kept.read("area")
    assert [frame.payload[0] for frame in reading.frames] == [0, 1, 2, 3, 4]
    assert bytes(kept.chips["primary"].read("area")[0].data) == bytes(
        kept.chips["secondary"].read("area")[0].data
    )


def test_a_frame_that_is_damaged_on_both_chips_is_named() -> None:
    kept = storage(Moment())
    for number in range(5):
        kept.append("area", bytes([number]) * 9)
    kept.flush()
    assert kept.damage("area", 3)
    assert kept.read("area").damaged == (3,)


def test_the_log_of_an_urn_that_lost_entries_in_a_cut_still_fits_its_head(station: Make) -> None:
    s = station(UrnState.OPEN)
    s.do(link.EmptyBox(URN))             # logged, and not yet written
    s.cut_power()
    items = {item["name"]: item["ok"] for item in s.ask(Op.SELF_TEST)["items"]}
    assert items["event-log"]
    assert EventKind.ALARM not in s.kinds()


def test_a_log_that_was_cut_short_in_the_dark_does_not_fit_its_head(station: Make) -> None:
    s = station(UrnState.READY)
    s.do(link.TamperLog(URN, "truncate", 3))
    s.cut_power()
    assert any("does not fit its head" in entry["event"] for entry in s.log())
