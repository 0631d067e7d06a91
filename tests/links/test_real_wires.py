"""Links over TCP, pty and RFC 2217, and what is said when one cannot be opened or breaks."""

from __future__ import annotations

import os
import pty
import signal
import socket
import threading
import tty

import pytest
import serial

from kalys.errors import ConfigurationError, LinkError
from kalys.links.clock import RealClock
from kalys.links.faults import LineFaults
from kalys.links.link import SerialSettings, open_link
from kalys.links.loopback import loopback
from kalys.links.uncertainty import measure_link_latency


@pytest.mark.parametrize("transport", ["tcp", "pty", "rfc2217"])
def test_bytes_go_round_over_every_transport_and_are_journaled(transport, journal):
    clock = RealClock()
    with loopback(transport, clock) as link:
        link._journal = journal
        message = bytes(range(256)) * 4
        link.write(message)
        got = b""
        while len(got) < len(message):
            chunk = link.read(1, timeout=2)
            assert chunk
            got += chunk
        assert got == message
        assert link.read(1, timeout=0.01) == b""
    directions = [entry[2] for entry in journal.entries]
    assert directions[0] == "tx" and set(directions[1:]) == {"rx"}
    times = [entry[4] for entry in journal.entries]
    assert times == sorted(times)


def test_a_socket_link_sends_small_requests_at_once():
    with loopback("tcp", RealClock()) as link:
        assert link._port._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_socket_link_takes_what_has_come_in_few_reads():
    message = bytes(range(200)) * 10
    with loopback("tcp", RealClock()) as link:
        link.write(message)
        got = link.read(len(message) // 2, timeout=2)
        assert len(got) >= len(message) // 2
        reads = 1
        while len(got) < len(message):
            chunk = link.read(1, timeout=2)
            assert chunk
            got, reads = got + chunk, reads + 1
    assert got == message
    assert reads < 50


def _refused(url: str, **options: object) -> LinkError:
    with pytest.raises(LinkError) as caught:
        open_link(url, name="urn", clock=RealClock(), journal=None, **options)
    assert caught.value.where == url and caught.value.remedy
    return caught.value


def test_an_absent_port_is_named_with_the_way_to_list_ports():
    error = _refused("/dev/ttyNOTHING7")
    assert "no such port" in error.what and "list_ports" in str(error)


def test_an_unknown_scheme_lists_those_that_are_known():
    assert "socket://host:port" in str(_refused("carrier-pigeon://loft"))


def test_a_refused_connection_says_that_nothing_listens():
    with socket.create_server(("127.0.0.1", 0)) as server:
        free = server.getsockname()[1]
    assert "refused" in _refused(f"socket://127.0.0.1:{free}").what
    assert "refused" in _refused(f"rfc2217://127.0.0.1:{free}").what


def test_a_file_is_no_port(tmp_path):
    file = tmp_path / "not-a-port"
    file.write_text("hello")
    assert "not a port" in _refused(str(file)).what


def test_a_malformed_address_is_refused_with_the_right_forms():
    assert "Addresses are" in str(_refused("socket://127.0.0.1:99999"))


def test_denied_permission_names_the_group(monkeypatch):
    def denied(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("serial.serialposix.os.open", denied)
    error = _refused("/dev/ttyUSB0")
    assert "permission" in error.what and "dialout" in str(error)


def test_a_port_that_is_open_elsewhere_is_busy():
    with loopback("pty", RealClock()) as link:
        error = _refused(link.url)
        assert "busy" in error.what and "fuser" in str(error)


def test_in_process_ports_have_the_same_errors(exchange, clock, device):
    device()

    def refused(url: str) -> LinkError:
        with pytest.raises(LinkError) as caught:
            open_link(url, name="urn", clock=clock, journal=None)
        return caught.value

    assert "attached: urn-1" in refused(exchange.url("urn-2")).what
    assert "no exchange" in refused("kalys://nowhere/urn-1").what
    assert refused("kalys://nowhere").where == "kalys://nowhere"
    with open_link(exchange.url("urn-1"), name="urn", clock=clock, journal=None):
        assert "busy" in refused(exchange.url("urn-1")).what


def test_wires_and_clocks_of_different_time_bases_do_not_mix(exchange, clock, device):
    device()
    with pytest.raises(ConfigurationError, match="virtual time"):
        open_link("socket://127.0.0.1:1", name="urn", clock=clock, journal=None)
    with pytest.raises(ConfigurationError, match="real time"):
        open_link(exchange.url("urn-1"), name="urn", clock=RealClock(), journal=None)


def _server_that(acts: object) -> tuple[str, threading.Thread]:
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = server.accept()
        with server, connection:
            acts(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    return f"socket://127.0.0.1:{server.getsockname()[1]}", thread


def test_a_peer_that_hangs_up_is_a_lost_link_and_the_journal_says_so(journal):
    url, thread = _server_that(lambda connection: connection.recv(10))
    link = open_link(url, name="urn", clock=RealClock(), journal=journal)
    link.write(b"x")
    thread.join(2)
    with pytest.raises(LinkError, match="lost while reading"):
        link.read(1, timeout=2)
    assert journal.entries[-1][0] == "note"
    link.close()


def test_a_pulled_adapter_is_a_lost_link():
    master, slave = pty.openpty()
    tty.setraw(slave)
    link = open_link(os.ttyname(slave), name="urn", clock=RealClock(), journal=None)
    os.close(slave)
    os.close(master)
    with pytest.raises(LinkError, match=r"lost while reading.*\n.*cable"):
        link.read(1, timeout=2)
    link.close()


def test_ctrl_c_passes_through_a_blocked_read():
    main = threading.main_thread().ident
    assert main is not None
    with loopback("tcp", RealClock()) as link:
        timer = threading.Timer(0.05, lambda: signal.pthread_kill(main, signal.SIGINT))
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            link.read(1, timeout=10)
        link.write(b"alive")
        assert link.read(5, timeout=2) == b"alive"


def test_line_settings_reach_the_port():
    with loopback("pty", RealClock()) as link:
        url = link.url
        link.close()
        settings = SerialSettings(baudrate=57600, stopbits=2)
        with open_link(
            url, name="urn", clock=RealClock(), journal=None, settings=settings
        ) as again:
            assert isinstance(again._port, serial.Serial)
            assert (again._port.baudrate, again._port.stopbits) == (57600, 2)
            again.reopen()
            assert again._port.baudrate == 57600


def test_a_link_with_faults_loses_a_cut_line_on_a_real_wire_too():
    with loopback("pty", RealClock()) as link:
        url = link.url
        link.close()
        with open_link(
            url,
            name="urn",
            clock=RealClock(),
            journal=None,
            faults=LineFaults(1, disconnect_after=6),
        ) as cut:
            cut.write(b"ping")
            assert cut.read(4, timeout=0.2) == b"pi"
            with pytest.raises(LinkError, match="cut"):
                cut.read(1, timeout=0.2)
            cut.reopen()
            cut.write(b"ping")
            assert cut.read(4, timeout=2) == b"ping"


@pytest.mark.parametrize("transport", ["tcp", "pty"])
def test_the_host_s_own_share_is_measured_with_its_uncertainty(transport):
    clock = RealClock()
    latency = measure_link_latency(lambda: loopback(transport, clock), rounds=50)
    assert 0 < latency.median <= latency.largest
    assert latency.standard_uncertainty >= latency.standard_deviation
    assert latency.resolution > 0 and latency.to_dict()["rounds"] == 50


def test_virtual_time_adds_nothing_of_its_own(clock):
    latency = measure_link_latency(lambda: loopback("kalys", clock))
    assert latency.median == latency.standard_uncertainty == 0
    with pytest.raises(ConfigurationError, match="loop-back"):
        measure_link_latency(lambda: loopback("kalys", RealClock()))
