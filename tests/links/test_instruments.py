"""Instruments over PyVISA: our own back end in virtual time, pyvisa-py on a real socket."""

from __future__ import annotations

import gc
import socket
import threading

import pytest
import pyvisa
from pyvisa.constants import StatusCode
from pyvisa.errors import VisaIOError

from kalys.errors import LinkError, ProtocolError
from kalys.links.clock import RealClock
from kalys.links.instrument import open_instrument
from kalys.links.visa import resource_name

SECOND = 1_000_000_000
IDENTITY = b"Keysight Technologies,E36312A,MY00000001,2.1.0\n"


def _supply(data: bytes) -> bytes | None:
    return IDENTITY if data.strip() == b"*IDN?" else None


@pytest.fixture
def supply(exchange, device):
    return device("supply", answer=_supply, delay=20_000_000)


def test_plain_pyvisa_queries_an_in_process_instrument_in_virtual_time(exchange, supply):
    manager = pyvisa.ResourceManager(f"{exchange.token}@kalys")
    assert manager.list_resources("?*") == ("TCPIP0::supply::5025::SOCKET",)
    instrument = manager.open_resource(
        resource_name("supply"), read_termination="\n", write_termination="\n"
    )
    assert instrument.query("*IDN?") == IDENTITY.decode().rstrip("\n")
    assert exchange.clock.now() == 20_000_000
    assert supply.seen == ["opened", b"*IDN?\n"]
    instrument.close()
    exchange.clock.sleep(0)
    assert supply.seen[-1] == "closed"


def _open(exchange, **options):
    manager = pyvisa.ResourceManager(f"{exchange.token}@kalys")
    return manager.open_resource(resource_name("supply"), **options)


def test_a_silent_instrument_times_out_at_its_virtual_timeout(exchange, clock, supply):
    instrument = _open(exchange, read_termination="\n", timeout=90_000)
    instrument.write("VOLT 24", termination="\n")
    with pytest.raises(VisaIOError) as caught:
        instrument.read()
    assert caught.value.error_code == StatusCode.error_timeout
    assert clock.now() == 90 * SECOND


def test_a_read_ends_at_the_termination_character_and_keeps_the_rest(exchange, clock, supply):
    instrument = _open(exchange, read_termination=";", timeout=1000)
    supply.send(b"first;second;")
    assert (instrument.read(), instrument.read()) == ("first", "second")
    with instrument.read_termination_context("\r\n"):
        supply.send(b"third\r\n")
        assert instrument.read(termination="\r\n") == "third"


def test_a_read_ends_at_the_count_and_clear_discards(exchange, clock, supply):
    instrument = _open(exchange, timeout=1000)
    supply.send(b"0123456789")
    assert instrument.read_bytes(4) == b"0123"
    instrument.clear()
    with pytest.raises(VisaIOError, match="TMO"):
        instrument.read_bytes(1)


def test_long_answers_come_in_chunks_and_are_whole(exchange, clock, supply):
    instrument = _open(exchange, read_termination="\n", timeout=1000, chunk_size=64)
    supply.send(b"7" * 1000 + b"\n")
    assert instrument.read() == "7" * 1000


def test_attributes_that_a_socket_does_not_have_are_refused(exchange, supply):
    instrument = _open(exchange)
    with pytest.raises(VisaIOError, match="NSUP_ATTR"):
        instrument.get_visa_attribute(pyvisa.constants.VI_ATTR_ASRL_BAUD)
    instrument.timeout = None
    assert instrument.timeout == float("+inf")


@pytest.mark.parametrize("resource", ["TCPIP::nobody::5025::SOCKET", "GPIB::5::INSTR"])
def test_an_instrument_that_is_not_there_is_an_error_that_names_it(
    exchange, clock, supply, resource
):
    with pytest.raises(LinkError, match="no such instrument") as caught:
        open_instrument(resource, name="supply", clock=clock, journal=None, exchange=exchange)
    assert caught.value.where == resource


def test_an_instrument_serves_one_host_at_a_time(exchange, clock, supply):
    options = {"name": "supply", "clock": clock, "journal": None, "exchange": exchange}
    with (
        open_instrument(resource_name("supply"), **options),
        pytest.raises(LinkError, match="in use"),
    ):
        open_instrument(resource_name("supply"), **options)
    open_instrument(resource_name("supply"), **options).close()


def test_both_directions_are_journaled_as_they_passed(exchange, clock, supply, journal):
    with open_instrument(
        resource_name("supply"), name="supply", clock=clock, journal=journal, exchange=exchange
    ) as instrument:
        assert instrument.query("*IDN?").startswith("Keysight")
    assert journal.entries == [
        ("wire", "supply", "tx", b"*IDN?\n", 0),
        ("wire", "supply", "rx", IDENTITY, 20_000_000),
    ]


def test_a_late_answer_does_not_pass_for_the_next_one(exchange, clock, supply):
    supply.delay = 8 * SECOND
    instrument = open_instrument(
        resource_name("supply"), name="supply", clock=clock, journal=None, exchange=exchange
    )
    with pytest.raises(LinkError, match=r"did not answer in time \(\*IDN\?\)"):
        instrument.query("*IDN?")
    clock.sleep(10)
    supply.answer, supply.delay = (lambda _: b"+0\n"), 0
    assert instrument.query("*ESR?") == "+0"


def test_a_lost_instrument_and_a_garbled_answer_are_told_apart(exchange, clock, supply):
    instrument = open_instrument(
        resource_name("supply"), name="supply", clock=clock, journal=None, exchange=exchange
    )
    supply.answer = lambda _: b"\xff\xfe\n"
    with pytest.raises(ProtocolError, match="not ASCII"):
        instrument.query("*IDN?")
    exchange.drop("supply")
    for act in (lambda: instrument.write("OUTP OFF"), lambda: instrument.query("*IDN?")):
        with pytest.raises(LinkError, match="lost"):
            act()
    instrument.close()
    instrument.close()


def test_a_real_socket_instrument_answers_through_pyvisa_py(journal):
    server = socket.create_server(("127.0.0.1", 0))
    port = server.getsockname()[1]

    def serve() -> None:
        connection, _ = server.accept()
        # Line by line: two messages may well come in one packet.
        with server, connection, connection.makefile("rb") as lines:
            for line in lines:
                if (reply := _supply(line)) is not None:
                    connection.sendall(reply)

    threading.Thread(target=serve, daemon=True).start()
    with open_instrument(
        f"TCPIP::127.0.0.1::{port}::SOCKET", name="supply", clock=RealClock(), journal=journal
    ) as instrument:
        instrument.write("*CLS")
        assert instrument.query("*IDN?") == IDENTITY.decode().strip()
    assert [entry[2] for entry in journal.entries] == ["tx", "tx", "rx"]
    gc.collect()


def test_a_real_socket_that_nobody_serves_is_an_error_at_opening():
    with socket.create_server(("127.0.0.1", 0)) as server:
        free = server.getsockname()[1]
    with pytest.raises(LinkError, match="connection"):
        open_instrument(
            f"TCPIP::127.0.0.1::{free}::SOCKET", name="supply", clock=RealClock(), journal=None
        )
