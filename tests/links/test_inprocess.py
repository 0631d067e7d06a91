"""Lines inside the process, through bare pyserial and through Link, in virtual time."""

from __future__ import annotations

import gc
import random
from datetime import UTC, datetime

import pytest
import serial

from kalys.errors import ConfigurationError, LinkError
from kalys.links.clock import VirtualClock
from kalys.links.inprocess import Exchange
from kalys.links.link import open_link

SECOND = 1_000_000_000


def test_bare_pyserial_opens_a_port_of_the_exchange_by_its_url(exchange, device):
    device(delay=2_000_000)
    port = serial.serial_for_url(exchange.url("urn-1"), timeout=1)
    port.write(b"ping")
    assert port.in_waiting == 0
    assert port.read(4) == b"PING"
    assert exchange.clock.now() == 2_000_000
    port.close()


def test_a_silent_device_costs_exactly_the_timeout_of_virtual_time(exchange, clock, device):
    device(answer=lambda _: None)
    with serial.serial_for_url(exchange.url("urn-1"), timeout=7200) as port:
        assert port.read(1) == b""
    assert clock.now() == 7200 * SECOND


def test_a_read_returns_what_came_when_the_timeout_strikes(exchange, clock, device):
    device(answer=lambda _: b"abc")
    with serial.serial_for_url(exchange.url("urn-1"), timeout=2) as port:
        port.write(b"?")
        assert port.read(10) == b"abc"
        assert clock.now() == 2 * SECOND


def test_a_timeout_of_zero_never_waits(exchange, clock, device):
    device()
    with serial.serial_for_url(exchange.url("urn-1"), timeout=0) as port:
        port.write(b"x")
        assert port.read(1) == b""
        clock.sleep(0)
        assert port.read(5) == b"X"


def test_the_inter_byte_timeout_ends_a_read_after_a_pause(exchange, clock, device):
    urn = device(answer=lambda _: None)
    for at, data in ((1.0, b"a"), (1.05, b"b"), (3.0, b"c")):
        clock.call_at(round(at * SECOND), lambda d=data: urn.send(d))
    with serial.serial_for_url(exchange.url("urn-1"), timeout=10, inter_byte_timeout=0.1) as port:
        assert port.read(10) == b"ab"
        assert clock.now() == round(1.15 * SECOND)
        assert port.read(10) == b"c"


def test_read_until_counts_its_timeout_in_virtual_time(exchange, clock, device):
    device(answer=lambda _: b"line 1\nline")
    with serial.serial_for_url(exchange.url("urn-1"), timeout=3) as port:
        port.write(b"?")
        assert port.read_until() == b"line 1\n"
        assert port.read_until() == b"line"
        assert clock.now() == 3 * SECOND and port.timeout == 3


def test_buffers_are_reset_and_flush_waits_for_arrival(exchange, clock, device):
    urn = device(answer=lambda data: data)
    with serial.serial_for_url(exchange.url("urn-1"), timeout=1) as port:
        port.write(b"lost on the way")
        assert port.out_waiting == 15 == exchange.in_flight()
        port.reset_output_buffer()
        port.write(b"kept")
        port.flush()
        assert urn.seen == ["opened", b"kept"]
        clock.sleep(0)
        assert port.in_waiting == 4
        port.reset_input_buffer()
        assert port.read(1) == b"" and exchange.in_flight() == 0
        port.send_break(0.5)
        assert port.cts and port.dsr and port.cd and not port.ri


def test_the_device_hears_of_opening_and_closing_in_order_with_the_bytes(exchange, clock, device):
    urn = device()
    for word in (b"one", b"two"):
        port = serial.serial_for_url(exchange.url("urn-1"), timeout=1)
        port.write(word)
        port.close()
    clock.sleep(0)
    assert urn.seen == ["opened", b"one", "closed", "opened", b"two", "closed"]


def test_what_is_sent_while_nobody_listens_is_lost(exchange, device):
    urn = device()
    urn.send(b"boot banner")
    with serial.serial_for_url(exchange.url("urn-1"), timeout=1) as port:
        assert port.read(1) == b""
        urn.send(b"now")
        assert port.read(3) == b"now"


def test_port_names_of_any_script_survive_the_url(exchange, device):
    device("Урна №1/печать")
    with serial.serial_for_url(exchange.url("Урна №1/печать"), timeout=1) as port:
        port.write(b"x")
        assert port.read(1) == b"X"


def test_a_token_serves_one_exchange_and_is_free_again_after_it(clock):
    with (
        Exchange(clock, "station") as first,
        pytest.raises(ConfigurationError, match="exchange of this name"),
    ):
        Exchange(clock, first.token)
    Exchange(clock, "station").close()


def test_the_registry_keeps_no_exchange_alive(clock):
    Exchange(clock, "forgotten")
    gc.collect()
    Exchange(clock, "forgotten").close()


def test_a_port_takes_one_device(exchange, device):
    device()
    with pytest.raises(ConfigurationError, match="attached to this port already"):
        device()


def test_links_journal_each_direction_with_the_clock_s_time(exchange, clock, device, journal):
    device(delay=SECOND)
    link = open_link(exchange.url("urn-1"), name="urn", clock=clock, journal=journal)
    link.write(b"ping")
    assert link.read(4, timeout=2) == b"PING"
    assert link.read(1, timeout=2) == b""
    assert journal.entries == [
        ("wire", "urn", "tx", b"ping", 0),
        ("wire", "urn", "rx", b"PING", SECOND),
    ]
    assert (link.sent_at, link.received_at, clock.now()) == (0, SECOND, 3 * SECOND)


def test_a_link_returns_as_soon_as_it_has_enough_with_all_that_is_there(exchange, clock, device):
    device(answer=lambda _: b"header+body")
    link = open_link(exchange.url("urn-1"), name="urn", clock=clock, journal=None)
    link.write(b"?")
    assert link.read(6, timeout=60) == b"header+body"
    assert clock.now() == 0
    link.write(b"?")
    clock.sleep(0)
    assert link.discard() == b"header+body"


def test_a_dropped_line_gives_what_came_and_then_says_that_it_is_lost(
    exchange, clock, device, journal
):
    urn = device(answer=lambda _: None)
    link = open_link(exchange.url("urn-1"), name="urn", clock=clock, journal=journal)
    urn.send(b"last words")
    clock.sleep(0)
    exchange.drop("urn-1", "power gone")
    assert link.read(100, timeout=60) == b"last words"
    with pytest.raises(LinkError, match=r"urn-1: .*lost while reading.*power gone.*\n.*cable"):
        link.read(1)
    with pytest.raises(LinkError, match="lost while writing"):
        link.write(b"x")
    assert ("note", {"link": "urn", "lost": journal.entries[1][1]["lost"]}) == journal.entries[1]
    link.reopen()
    urn.answer = bytes.upper
    link.write(b"again")
    assert link.read(5) == b"AGAIN"
    clock.sleep(0)
    assert urn.seen == ["opened", "closed", "opened", b"again"]


def test_a_reader_in_the_middle_of_a_wait_learns_of_the_loss_at_once(exchange, clock, device):
    device()
    link = open_link(exchange.url("urn-1"), name="urn", clock=clock, journal=None)
    clock.call_at(2 * SECOND, lambda: exchange.detach("urn-1"))
    with pytest.raises(LinkError):
        link.read(1, timeout=3600)
    assert clock.now() == 2 * SECOND
    with pytest.raises(LinkError, match="no such port"):
        link.reopen()


@pytest.fixture
def polling_station(bench):
    return lambda seed: _polling_station(seed, *bench)


def _polling_station(seed, device_class, journal_class) -> list[object]:
    """Two devices, two conversations, random thinking times: everything that was journaled."""
    clock = VirtualClock(datetime(2021, 11, 28, tzinfo=UTC))
    journal = journal_class()
    with Exchange(clock) as exchange:
        device_class(exchange, "urn-1", delay=850_000_000)
        device_class(exchange, "kit-1", delay=430_000_000)

        def talk(port: str) -> None:
            chance = random.Random(f"{seed}{port}")
            link = open_link(exchange.url(port), name=port, clock=clock, journal=journal)
            for number in range(20):
                link.write(b"%s %d" % (port.encode(), number))
                link.read(6, timeout=5)
                clock.sleep(chance.random())

        for conversation in [clock.spawn(lambda p=p: talk(p)) for p in ("urn-1", "kit-1")]:
            conversation.join()
    return journal.entries


def test_one_seed_gives_one_journal_of_two_interleaved_conversations(polling_station):
    first, second, other = polling_station(1), polling_station(1), polling_station(2)
    assert first == second != other
    assert {entry[1] for entry in first[:8]} == {"urn-1", "kit-1"}
