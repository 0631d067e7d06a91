"""The laws of a bad line."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kalys.errors import LinkError
from kalys.links.clock import RealClock
from kalys.links.faults import LineFaults
from kalys.links.link import open_link
from kalys.links.loopback import loopback

SECOND = 1_000_000_000
writes = st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=12)
rates = st.floats(0, 0.4)


def _arrived(faults: LineFaults, chunks: list[bytes], direction: str = "tx") -> bytes:
    return b"".join(data for chunk in chunks for _, data in faults.carry(direction, 0, chunk))


@given(writes, st.sampled_from([None, 1200, 9600, 115200]))
def test_a_line_without_faults_changes_no_byte(chunks, baud):
    assert _arrived(LineFaults(1, baud=baud), chunks) == b"".join(chunks)


@given(writes, st.integers(0, 99), st.tuples(rates, rates, rates, rates))
def test_the_same_seed_gives_the_same_faults(chunks, seed, four):
    def run() -> tuple[object, object]:
        fragment, corrupt, lose, stall = four
        faults = LineFaults(
            seed, baud=9600, fragment=fragment, corrupt=corrupt, lose=lose, stall=(stall, 0.5)
        )
        carried = [faults.carry("rx", 1000 * n, chunk) for n, chunk in enumerate(chunks)]
        return carried, faults.take_faults()

    assert run() == run()


@given(writes, st.integers(0, 99), rates, rates)
def test_faults_hit_bytes_whatever_writes_they_came_in(chunks, seed, corrupt, lose):
    whole = _arrived(LineFaults(seed, corrupt=corrupt, lose=lose), [b"".join(chunks)])
    assert _arrived(LineFaults(seed, corrupt=corrupt, lose=lose), chunks) == whole


@given(writes, writes, st.integers(0, 99), rates)
def test_the_directions_do_not_disturb_one_another(out, back, seed, lose):
    alone = _arrived(LineFaults(seed, lose=lose), out)
    faults = LineFaults(seed, lose=lose)
    _arrived(faults, back, "rx")
    assert _arrived(faults, out) == alone


@given(writes, st.integers(0, 99), rates, rates, rates)
def test_every_change_of_a_byte_is_told(chunks, seed, fragment, corrupt, lose):
    sent = b"".join(chunks)
    faults = LineFaults(seed, fragment=fragment, corrupt=corrupt, lose=lose)
    arrived = _arrived(faults, chunks)
    expected = [bytes([byte]) for byte in sent]
    for fault in faults.take_faults():
        if fault.kind in ("lose", "corrupt"):
            assert expected[fault.offset] == fault.before != fault.after
            expected[fault.offset] = fault.after
    assert b"".join(expected) == arrived


@given(writes, st.sampled_from([1200, 9600, 115200]), rates, rates)
def test_bytes_arrive_in_order_and_never_faster_than_the_baud_rate(chunks, baud, fragment, stall):
    faults = LineFaults(5, baud=baud, fragment=fragment, stall=(stall, 0.1))
    arrivals = [a for n, chunk in enumerate(chunks) for a in faults.carry("tx", n * 777, chunk)]
    times = [time for time, _ in arrivals]
    assert times == sorted(times)
    carried = 0
    for time, data in arrivals:
        carried += len(data)
        # 1 ns for each rounding to whole nanoseconds.
        assert time + len(arrivals) >= carried * 10 * SECOND / baud


def test_a_message_takes_ten_bits_a_character():
    arrivals = LineFaults(1, baud=9600).carry("tx", 0, bytes(960))
    assert arrivals[-1][0] == SECOND
    assert {len(data) for _, data in arrivals} == {16}


@settings(max_examples=20)
@given(st.floats(0.001, 0.2), st.integers(0, 1000))
def test_rates_are_met_in_the_long_run(rate, seed):
    n = 20_000
    lost = n - len(_arrived(LineFaults(seed, lose=rate), [bytes(n)]))
    assert abs(lost - n * rate) < 6 * math.sqrt(n * rate * (1 - rate)) + 1


@given(writes, st.integers(0, 200))
def test_the_line_is_cut_once_after_that_many_bytes_of_both_directions(chunks, after):
    faults = LineFaults(1, disconnect_after=after)
    arrived = b""
    for number, chunk in enumerate(chunks):
        for _, data in faults.carry(("tx", "rx")[number % 2], 0, chunk):
            arrived += data
    sent = b"".join(chunks)
    assert arrived == sent[:after]
    assert faults.disconnected == (len(sent) >= after)
    faults.reopened()
    assert _arrived(faults, [bytes(500)]) == bytes(500) or len(sent) < after


@pytest.mark.parametrize("wrong", [{"lose": 1.5}, {"corrupt": -0.1}, {"stall": (2, 1)}])
def test_a_rate_that_is_no_probability_is_refused(wrong):
    with pytest.raises(ValueError, match="probability per byte"):
        LineFaults(1, **wrong)


def test_a_paced_in_process_line_takes_the_time_of_a_real_one(exchange, clock, device):
    urn = device(faults=LineFaults(1, baud=9600))
    link = open_link(exchange.url("urn-1"), name="urn", clock=clock, journal=None)
    link.write(bytes(96))
    assert link.read(96, timeout=1) == bytes(96)
    # The echo of each piece of 16 goes back while the next one comes.
    assert clock.now() == pytest.approx((96 + 16) * 10 * SECOND / 9600, abs=20)
    assert max(len(d) for d in urn.seen if isinstance(d, bytes)) == 16


def test_a_full_output_buffer_holds_the_writer_back_as_a_uart_does(exchange, clock, device):
    device(answer=lambda _: None)
    faults = LineFaults(1, baud=9600)
    link = open_link(exchange.url("urn-1"), name="urn", clock=clock, journal=None, faults=faults)
    for _ in range(6):
        link.write(bytes(2048))
    assert clock.now() > 5 * SECOND


def test_each_fault_is_journaled_with_its_link_and_byte(exchange, clock, device, journal):
    device(answer=lambda _: None)
    link = open_link(
        exchange.url("urn-1"),
        name="urn",
        clock=clock,
        journal=journal,
        faults=LineFaults(3, corrupt=1.0),
    )
    link.write(b"\x00")
    kind, data = journal.entries[0]
    assert kind == "line-fault"
    assert data["link"] == "urn" and data["fault"] == "corrupt" and data["offset"] == 0
    assert data["before"] == "00" != data["after"]


def test_a_cut_line_is_lost_for_the_host_and_whole_again_when_opened_again(
    exchange, clock, device, journal
):
    urn = device()
    link = open_link(
        exchange.url("urn-1"),
        name="urn",
        clock=clock,
        journal=journal,
        faults=LineFaults(1, disconnect_after=6),
    )
    link.write(b"ping")
    assert link.read(4, timeout=1) == b"PI"
    with pytest.raises(LinkError, match="cut"):
        link.read(1, timeout=1)
    assert journal.entries[1][1]["fault"] == "disconnect"
    link.reopen()
    link.write(b"ping")
    assert link.read(4, timeout=1) == b"PING"
    assert urn.seen == ["opened", b"ping", "closed", "opened", b"ping"]


def test_the_same_faults_act_on_a_real_wire(journal):
    clock = RealClock()
    rates = {"corrupt": 0.05, "lose": 0.05, "fragment": 0.05}
    sent = bytes(range(200))
    law = LineFaults("wire", **rates)
    expected = _arrived(law, [_arrived(law, [sent])], "rx")
    with loopback("pty", clock) as link:
        url = link.url
        link.close()
        with open_link(
            url, name="urn", clock=clock, journal=journal, faults=LineFaults("wire", **rates)
        ) as faulty:
            faulty.write(sent)
            assert faulty.read(len(expected), timeout=5) == expected
            assert faulty.read(1, timeout=0.01) == b""
    noted = {entry[1]["fault"] for entry in journal.entries if entry[0] == "line-fault"}
    assert noted == {"corrupt", "lose", "fragment"}
