"""A driver's request over a link, with journaling, beside bare pyserial."""

from __future__ import annotations

import socket
import tempfile
import threading
import time
from pathlib import Path

import serial

from benchmarks.figure import Figure, microseconds
from kalys.certification.emulated import emulated_session
from kalys.evidence.journal import Journal
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
    """``status`` over socket://, as a multiple of bare pyserial with the same bytes."""
    codec = ServerCodec()
    request = ClientCodec().encode(Request(1, Op.STATUS))
    answer = codec.encode_response(Response(1, Op.STATUS, Result.OK, _status()))

    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        """Answer every request frame with the same status, its sequence number put in."""
        for _ in range(2):
            connection, _peer = server.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            mine = ServerCodec()
            while data := connection.recv(4096):
                for asked in mine.feed(data):
                    assert isinstance(asked, Request)
                    connection.sendall(
                        mine.encode_response(
                            Response(asked.sequence, asked.op, Result.OK, _status())
                        )
                    )

    threading.Thread(target=serve, daemon=True).start()
    url = f"socket://127.0.0.1:{server.getsockname()[1]}"
    with serial.serial_for_url(url, timeout=5) as bare:

        def round_trip() -> None:
            bare.write(request)
            bare.read(len(answer))

        plain = microseconds(round_trip, 2000)
    with tempfile.TemporaryDirectory() as folder:
        ours = microseconds(_driver_over(url, Path(folder)), 2000)
    server.close()
    return Figure(
        ours, "us", 3 * plain, ratio=ours / plain, beside={"bare pyserial us": plain, "ratio": ours / plain}
    )


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
