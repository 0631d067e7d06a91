"""One world behind every kind of wire: a client that knows only the protocol, in both times."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
import serial

from kalys.election.definition import ElectionDefinition
from kalys.emulators.hosting import ServerHost, VirtualHost
from kalys.emulators.station import UrnSetup, build_world
from kalys.emulators.world import World
from kalys.errors import ConfigurationError
from kalys.links.clock import VirtualClock
from kalys.links.inprocess import Exchange
from kalys.protocols import world as link
from kalys.protocols.urn import binary
from kalys.protocols.urn.messages import Event, EventKind, Op, Request, Response

EPOCH = datetime(2021, 11, 28, 1, 50, tzinfo=UTC)


def a_world(definition: ElectionDefinition) -> World:
    return build_world([UrnSetup("urn-1", "A"), UrnSetup("urn-2", "B")],
                       definition=definition, epoch=EPOCH, seed=1)


class Client:
    """A host with a serial port and the page of the protocol."""

    def __init__(self, url: str) -> None:
        self.port = serial.serial_for_url(url, timeout=10)
        self.codec = binary.ClientCodec()
        self.events: list[Event] = []

    def ask(self, op: Op, number: int = 1, **fields: Any) -> Response:
        self.port.write(self.codec.encode(Request(number, op, fields)))
        while True:
            for message in self.codec.feed(self.port.read(self.codec.wanted())):
                if isinstance(message, Response):
                    return message
                assert isinstance(message, Event), message
                self.events.append(message)

    def wait(self, kind: EventKind) -> Event:
        while not any(e.kind is kind for e in self.events):
            data = self.port.read(self.codec.wanted())
            assert data, f"no {kind}"
            self.events += [m for m in self.codec.feed(data) if isinstance(m, Event)]
        return next(e for e in self.events if e.kind is kind)


@contextmanager
def served(definition: ElectionDefinition, listen: str) -> Iterator[ServerHost]:
    with ServerHost(a_world(definition), listen) as host:
        thread = threading.Thread(target=host.serve, daemon=True)
        thread.start()
        try:
            yield host
        finally:
            host.stop()
            thread.join(5)
            assert not thread.is_alive()


@pytest.mark.parametrize("listen", ["tcp://127.0.0.1:0", "pty", "rfc2217://127.0.0.1:0"])
def test_a_client_is_answered_over_a_real_wire(definition: ElectionDefinition, listen: str) -> None:
    if listen == "pty" and sys.platform == "win32":
        pytest.skip("no pseudo-terminals")
    with served(definition, listen) as host:
        client = Client(host.addresses["urn-2"])
        assert client.ask(Op.IDENTIFY).fields["serial"] == "B"
        world = serial.serial_for_url(host.addresses["world"], timeout=10)
        codec = link.ClientCodec()
        world.write(codec.encode(1, link.Insert("urn-2", [
            {"id": "x", "election": definition.id, "style": "KG-PL"}])))
        assert codec.feed(world.read_until(b"\n"))[0].ok
        returned = client.wait(EventKind.SHEET_RETURNED)
        assert returned.fields["reason"] == "not-open"
        told = codec.feed(world.read_until(b"\n"))
        assert isinstance(told[0], link.SheetReturned)
        client.port.close()
        world.close()


def test_a_port_is_open_for_one_host_at_a_time_and_again_after_it_left(
    definition: ElectionDefinition,
) -> None:
    with served(definition, "tcp://127.0.0.1:0") as host:
        first = Client(host.addresses["urn-1"])
        assert first.ask(Op.STATUS).fields["state"] == "standby"
        second = serial.serial_for_url(host.addresses["urn-1"], timeout=5)
        with pytest.raises(serial.SerialException):
            second.read(1)
        second.close()
        assert first.ask(Op.STATUS, 2).fields["state"] == "standby"
        first.port.close()
        for _ in range(50):
            again = serial.serial_for_url(host.addresses["urn-1"], timeout=5)
            try:
                again.write(first.codec.encode(Request(3, Op.STATUS)))
                if again.read(1):
                    break
            except serial.SerialException:
                continue
            finally:
                again.close()
        else:
            pytest.fail("the port was not freed")


def test_the_supply_is_named_as_a_visa_resource(definition: ElectionDefinition) -> None:
    with served(definition, "pty" if sys.platform != "win32" else "tcp://127.0.0.1:0") as host:
        resource = host.addresses["supply"]
        _, name, number, kind = resource.split("::")
        assert kind == "SOCKET"
        port = serial.serial_for_url(f"socket://{name}:{number}", timeout=10)
        port.write(b"*IDN?\n")
        assert b"E36312A" in port.read_until(b"\n")
        port.close()


@pytest.mark.parametrize(
    "listen", ["tcp", "tcp://127.0.0.1", "udp://127.0.0.1:0", "tcp://127.0.0.1:port", ""]
)
def test_what_cannot_be_listened_on_is_said_with_what_can(
    definition: ElectionDefinition, listen: str
) -> None:
    with pytest.raises(ConfigurationError, match="rfc2217"):
        ServerHost(a_world(definition), listen)


def test_a_port_number_that_is_taken_is_said(definition: ElectionDefinition) -> None:
    with served(definition, "tcp://127.0.0.1:0") as host:
        taken = host.addresses["urn-1"].removeprefix("socket://")
        with pytest.raises(ConfigurationError, match="cannot listen"):
            ServerHost(a_world(definition), f"tcp://{taken}")


SERVE = """
import sys
from datetime import UTC, datetime
from kalys.emulators.hosting import ServerHost
from kalys.emulators.station import UrnSetup, build_world
world = build_world([UrnSetup("urn-1", "A")], epoch=datetime(2021, 11, 28, tzinfo=UTC), seed=1)
with ServerHost(world, "tcp://127.0.0.1:0") as host:
    print(host.addresses["urn-1"], flush=True)
    host.serve()
print("ended in order", flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("how", ["terminate", "interrupt"])
def test_a_signal_ends_the_service_in_order(how: str) -> None:
    import signal

    with subprocess.Popen(
        [sys.executable, "-c", SERVE], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        client = Client(process.stdout.readline().strip())
        assert client.ask(Op.STATUS).fields["state"] == "standby"
        process.send_signal(signal.SIGTERM if how == "terminate" else signal.SIGINT)
        assert process.stdout.readline() == "ended in order\n"
        assert process.wait(10) == 0
        assert process.stderr.read() == ""
        client.port.close()


def test_in_virtual_time_the_same_seed_gives_the_same_bytes(definition: ElectionDefinition) -> None:
    def run() -> bytes:
        clock = VirtualClock(EPOCH)
        with Exchange(clock, "same-seed") as exchange:
            host = VirtualHost(a_world(definition), exchange, clock)
            client = Client("kalys://same-seed/urn-1")
            world = serial.serial_for_url("kalys://same-seed/world", timeout=10)
            codec = link.ClientCodec()
            nonce = client.ask(Op.CHALLENGE, 1, role="operator").fields["nonce"]
            sheet = {"id": "x", "election": definition.id, "style": "KG-PL"}
            world.write(codec.encode(1, link.Insert("urn-1", [sheet])))
            client.wait(EventKind.SHEET_RETURNED)
            clock.sleep(3600)
            assert host.now() == clock.now() > 3600 * 10**9
            return bytes(nonce) + repr(client.events).encode() + world.read(400)

    assert run() == run()


def test_a_world_that_has_nothing_to_do_has_no_deadline(definition: ElectionDefinition) -> None:
    assert a_world(definition).deadline() is None


def test_two_urns_of_one_name_are_refused(definition: ElectionDefinition) -> None:
    with pytest.raises(ConfigurationError, match="urn-1"):
        build_world([UrnSetup("urn-1", "A"), UrnSetup("urn-1", "B")],
                    definition=definition, epoch=EPOCH, seed=1)


def test_an_epoch_without_a_zone_is_refused(definition: ElectionDefinition) -> None:
    with pytest.raises(ConfigurationError, match="time zone"):
        build_world([], definition=definition, epoch=datetime(2021, 11, 28), seed=1)  # noqa: DTZ001
