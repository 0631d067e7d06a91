"""Cables that are pulled out: in virtual time and on a real wire."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
import serial

from kalys.election.definition import ElectionDefinition
from kalys.emulators.hosting import ServerHost, VirtualHost
from kalys.emulators.station import UrnSetup, build_world
from kalys.emulators.world import World
from kalys.errors import LinkError
from kalys.evidence.journal import NullJournal
from kalys.links.clock import VirtualClock
from kalys.links.inprocess import Exchange
from kalys.links.link import open_link
from kalys.protocols import world as link
from kalys.protocols.urn import binary
from kalys.protocols.urn.messages import Op, Request

EPOCH = datetime(2021, 11, 28, 1, 50, tzinfo=UTC)
ASKED = binary.ClientCodec().encode(Request(1, Op.STATUS))
PULL = link.ClientCodec().encode(1, link.Cable("urn-1", "link", False))
PLUG = link.ClientCodec().encode(2, link.Cable("urn-1", "link", True))


def a_world(definition: ElectionDefinition) -> World:
    return build_world([UrnSetup("urn-1", "A")], definition=definition, epoch=EPOCH, seed=1)


@contextmanager
def served(definition: ElectionDefinition) -> Iterator[ServerHost]:
    with ServerHost(a_world(definition), "tcp://127.0.0.1:0") as host:
        thread = threading.Thread(target=host.serve, daemon=True)
        thread.start()
        try:
            yield host
        finally:
            host.stop()
            thread.join(5)


def test_a_pulled_cable_loses_the_line_in_virtual_time(definition: ElectionDefinition) -> None:
    clock = VirtualClock(EPOCH)
    with Exchange(clock) as exchange:
        VirtualHost(a_world(definition), exchange, clock)

        def opened(port: str):  # type: ignore[no-untyped-def]
            return open_link(exchange.url(port), name=port, clock=clock, journal=NullJournal())

        urn, hands = opened("urn-1"), opened("world")
        urn.write(ASKED)
        assert urn.read(1, 1.0)
        hands.write(PULL)
        assert hands.read(1, 1.0)
        with pytest.raises(LinkError):
            urn.read(1, 1.0)
        urn.close()
        urn = opened("urn-1")
        urn.write(ASKED)
        assert urn.read(1, 1.0) == b""
        hands.write(PLUG)
        clock.sleep(0.1)
        urn.write(ASKED)
        assert urn.read(1, 1.0)


def test_a_pulled_cable_loses_the_line_on_a_real_wire(definition: ElectionDefinition) -> None:
    with served(definition) as host:
        urn = serial.serial_for_url(host.addresses["urn-1"], timeout=10)
        hands = serial.serial_for_url(host.addresses["world"], timeout=10)
        urn.write(ASKED)
        assert urn.read(1)
        hands.write(PULL)
        assert hands.read_until(b"\n")
        with pytest.raises(serial.SerialException):
            urn.read(10_000)
        urn.close()
        hands.write(PLUG)
        assert hands.read_until(b"\n")
        urn = serial.serial_for_url(host.addresses["urn-1"], timeout=10)
        urn.write(ASKED)
        assert urn.read(1)
        urn.close()
        hands.close()
