"""A driver's request over a link, with journaling, beside bare pyserial."""

from __future__ import annotations

import multiprocessing
import socket
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import serial

from benchmarks.figure import Figure, microseconds
from kalys.certification.emulated import emulated_session
from kalys.devices.dialogue import Dialogue
from kalys.devices.urn import UrnDriver
from kalys.evidence.journal import Journal
from kalys.links.clock import RealClock
from kalys.links.link import open_link
from kalys.protocols.urn.binary import ClientCodec, ServerCodec
from kalys.protocols.urn.messages import Op, Request, Response, Result


def driver_request() -> Figure:
    """``status`` over the in-process link: codec, driver, journal and the urn's own answer."""
    with (
        tempfile.TemporaryDirectory() as folder,
        emulated_session(Path(folder) / "journal.jsonl", seed=1) as session,
    ):
        return Figure(microseconds(session.urn.status, 3000), "us", 150)


def driver_request_socket() -> Figure:
    """``status`` over socket://, as a multiple of bare pyserial with the same bytes.

    The urn at the other end is a process of its own that answers at once.
    """
    request = ClientCodec().encode(Request(1, Op.STATUS))
    answer = ServerCodec().encode_response(Response(1, Op.STATUS, Result.OK, _status()))
    server = socket.create_server(("127.0.0.1", 0))
    urn = multiprocessing.get_context("fork").Process(target=_answer, args=(server, 2), daemon=True)
    urn.start()
    url = f"socket://127.0.0.1:{server.getsockname()[1]}"
    with serial.serial_for_url(url, timeout=5) as bare:

        def round_trip() -> None:
            bare.write(request)
            bare.read(len(answer))

        plain = microseconds(round_trip, 4000)
    with tempfile.TemporaryDirectory() as folder:
        ours = microseconds(_driver_over(url, Path(folder)), 4000)
    urn.terminate()
    server.close()
    return Figure(
        ours / plain, "ratio", 3, ratio=ours / plain,
        beside={"driver us": ours, "bare pyserial us": plain},
    )


def _answer(server: socket.socket, connections: int) -> None:
    """Answer every request on so many connections, one after the other, with the same status."""
    for _ in range(connections):
        connection, _peer = server.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        codec = ServerCodec()
        while data := connection.recv(4096):
            for asked in codec.feed(data):
                assert isinstance(asked, Request)
                answer = Response(asked.sequence, asked.op, Result.OK, _status())
                connection.sendall(codec.encode_response(answer))


def _status() -> dict[str, object]:
    return {
        "state": "open", "path": "idle", "power": "mains", "cover_open": False, "alarm": "",
        "valid": 612, "invalid": 14, "returned": 3, "capacity_left": 1374, "event_counter": 9,
        "definition_sha256": bytes(32), "returned_by": "foreign=2;ambiguous-mark=1",
    }


def _driver_over(url: str, folder: Path) -> Callable[[], object]:
    """The driver's ``status`` over ``url``, with a journal."""
    clock = RealClock()
    journal = Journal(folder / "journal.jsonl", {}, clock.now)
    dialogue = Dialogue(
        lambda: open_link(url, name="urn", clock=clock, journal=journal),
        ClientCodec, name="urn", clock=clock, journal=journal,
    )
    return UrnDriver(dialogue, lambda _serial, _role: b"").status


def journal_records() -> Figure:
    """One wire record in the journal, in the kernel's hands when the call returns."""
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder) / "journal.jsonl", {}, time.monotonic_ns)
        frame = bytes(range(40))
        figure = Figure(
            microseconds(lambda: journal.wire("urn-1", "rx", frame), 20_000), "us", 10
        )
        journal.close()
        return figure
