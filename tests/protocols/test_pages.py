"""The published pages: their examples, tables and programs are those of the code.

Whatever a page shows in a fenced block with a known label is decoded, encoded again, or run.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import io
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kalys.ballots.marks import KINDS
from kalys.ballots.sheet import physical_sheet
from kalys.protocols import world
from kalys.protocols.tape import CODE_PAGES, TapeParser
from kalys.protocols.urn import authentication, binary, line
from kalys.protocols.urn.messages import (
    EVENT_FIELDS,
    REQUEST_FIELDS,
    RESPONSE_FIELDS,
    Event,
    EventKind,
    Op,
    Request,
    Response,
    Result,
)
from kalys.protocols.urn.report import ReportPatterns, parse
from kalys.resources import data_root

PAGES = data_root() / "docs" / "protocols"
IDENTITY = {
    "maker": "Kalys", "model": "EU-1", "serial": "KE-0001", "firmware": "1.4.0",
    "firmware_sha256": bytes(32), "legal_software_id": "LR-1", "protocol": "kalys-urn-link/1",
}


def page(name: str) -> str:
    return (PAGES / name).read_text("utf-8")


def blocks(name: str, label: str) -> list[str]:
    return re.findall(rf"^```{label}\n(.*?)^```$", page(name), re.M | re.S)


def followed(name: str, label: str) -> list[tuple[str, Any]]:
    """Blocks of ``label`` that a JSON block follows, with what that says."""
    block = r"((?:(?!```).*\n)*)```"
    found = re.findall(rf"^```{label}\n{block}\n\n```json\n{block}$", page(name), re.M)
    return [(text, json.loads(said, object_hook=_bytes)) for text, said in found]


def _bytes(mapping: dict[str, Any]) -> dict[str, Any]:
    return {name: bytes.fromhex(value[4:]) if isinstance(value, str) and value.startswith("hex:")
            else value for name, value in mapping.items()}


def message(said: dict[str, Any]) -> Request | Response | Event:
    if "request" in said:
        return Request(said["sequence"], Op(said["request"]), said["fields"])
    if "response" in said:
        return Response(said["sequence"], Op(said["response"]), Result(said["result"]),
                        said["fields"])
    return Event(said["number"], EventKind(said["event"]), said["time_ms"], said["fields"])


def both_ways(said: dict[str, Any], client: Any, server: Any) -> tuple[bytes, Callable[..., Any]]:
    sent = message(said)
    if isinstance(sent, Request):
        return client.encode(sent), server.feed
    if isinstance(sent, Response):
        client.expecting(Request(sent.sequence, sent.op))
        return server.encode_response(sent), client.feed
    return server.encode_event(sent), client.feed


@pytest.mark.parametrize(("text", "said"), followed("urn-link.md", "hex"))
def test_the_frames_on_the_page_say_what_the_page_says(text, said):
    encoded, feed = both_ways(said, binary.ClientCodec(), binary.ServerCodec())
    assert encoded == bytes.fromhex(text)
    assert feed(bytes.fromhex(text)) == [message(said)]


@pytest.mark.parametrize(("text", "said"), followed("urn-line.md", "lines"))
def test_the_lines_on_the_page_say_what_the_page_says(dialect, text, said):
    data = text.replace("\n", "\r\n").encode()
    encoded, feed = both_ways(said, line.ClientCodec(dialect), line.ServerCodec(dialect))
    assert encoded == data
    assert feed(data) == [message(said)]


def _kinds(table: dict[str, Any]) -> str:
    def kind(value: Any) -> str:
        if isinstance(value, list):
            return f"list({', '.join(f'{name} {of}' for name, of in value[0].items())})"
        return str(value)

    return "; ".join(f"{name} list({kind(of)[5:-1]})" if isinstance(of, list) else f"{name} {of}"
                     for name, of in table.items()) or "none"


def test_the_tables_of_urn_link_are_those_of_the_codec():
    text = page("urn-link.md")
    for op, code in binary.OP_CODES.items():
        row = f"| 0x{code:02X} | {op} | {_kinds(REQUEST_FIELDS[op])} | " \
              f"{_kinds(RESPONSE_FIELDS[op])} |"
        assert row in text
    for kind, code in binary.EVENT_CODES.items():
        assert f"| 0x{code:02X} | {kind} | {_kinds(EVENT_FIELDS[kind])} |" in text
    for result, code in binary.RESULT_CODES.items():
        assert f"| {code} | {result} |" in text


def test_the_authentication_on_the_page_holds():
    (vector,) = blocks("urn-link.md", "vector authentication")
    values = {name: bytes.fromhex(value) for name, value in map(str.split, vector.splitlines())}
    assert values["key"] == hashlib.sha256(b"kalys-test-key:KE-0001:operator").digest()
    assert values["mac"] == hmac.digest(
        values["key"], b"kalys-urn-auth" + values["nonce"] + b"operator", "sha256")
    assert authentication.accepts(values["key"], values["nonce"], "operator", values["mac"])


def test_the_log_chain_on_the_page_holds():
    (vector,) = blocks("urn-link.md", "vector log")
    fields, chain = vector.split("chain")
    assert hashlib.sha256(bytes(32) + bytes.fromhex(fields)).digest() == bytes.fromhex(chain)


def test_the_tables_of_urn_line_are_those_of_the_profile(dialect):
    text = page("urn-line.md")
    for op, exchange in dialect.requests.items():
        rows = " ".join(f"`{row}`" for row in exchange.rows.values())
        end = f"`{exchange.end}`" if exchange.end else ""
        assert f"| {op} | `{exchange.send}` | `{exchange.answer}` | {rows} | {end} |" in text
    for kind, template in dialect.events.items():
        assert f"| {kind} | `{template}` |" in text
    for name, table in dialect.words.items():
        words = ", ".join(f"`{word}` = {str(value).lower()}" for word, value in table.items())
        assert f"| {name} | {words} |" in text
    for key in (*line.LineDialect.model_fields, *line.Exchange.model_fields):
        assert f"| `{key}` |" in text


def test_the_tables_of_world_link_are_those_of_the_codec():
    text = page("world-link.md")
    for command in world.Command.__args__:
        keys = [name for name in command.__dataclass_fields__ if name != "do"]
        name = command.__dataclass_fields__["do"].default
        row = next(row for row in text.splitlines() if row.startswith(f"| {name} |"))
        assert re.findall(r"`(\w+)` (?:text|number|integer|bool|object|list|one)",
                          row.split("|")[2]) == keys
    for notification in world.Notification.__args__:
        name = notification.__dataclass_fields__["event"].default
        assert f"| {name} | `urn` text" in text
    for name in KINDS:
        assert f"| {name} |" in text


def test_the_lines_of_world_link_are_understood():
    for text in blocks("world-link.md", "command"):
        (asked,) = world.ServerCodec().feed(text.encode())
        assert world.ClientCodec().encode(asked.id, asked.command).decode() == text
    for text in blocks("world-link.md", "answer"):
        (answer,) = world.ClientCodec().feed(text.encode())
        assert world.ServerCodec().encode_answer(answer).decode() == text
    (sheet,) = blocks("world-link.md", "json sheet")
    assert physical_sheet(json.loads(sheet)).id == "LA-0017"


def test_the_tape_and_the_report_on_the_page_are_read():
    (tape,) = blocks("urn-tape.md", "hex tape")
    parser = TapeParser()
    parser.feed(bytes.fromhex(tape))
    assert parser.finish() == ["НӨЛДҮК"] and parser.unknown == []
    (report,) = blocks("urn-tape.md", "report")
    found = parse(report.splitlines())
    assert found["missing"] == [] and found["votes"] == {"party": {"P01": 7, "P02": 4}}


def test_the_patterns_and_code_pages_on_the_page_are_those_of_the_code():
    text, patterns = page("urn-tape.md"), ReportPatterns()
    shown = [*patterns.titles.values(), *patterns.items.values(), patterns.contest,
             patterns.register_row, patterns.parameter, patterns.end]
    assert all(f"| `{pattern.replace('|', chr(92) + '|')}` |" in text for pattern in shown)
    words = " ".join(text.split())
    assert all(f"{number} {codec}" in words for number, codec in CODE_PAGES.items())


@contextlib.contextmanager
def served(answer: Callable[[bytes], list[bytes]], requests: int) -> Iterator[int]:
    """A TCP server for one client; yields its port. Hangs up after so many requests."""
    def serve(listener: socket.socket) -> None:
        peer, _ = listener.accept()
        with peer:
            done = 0
            while done < requests and (data := peer.recv(65536)):
                said = answer(data)
                done += len(said)
                peer.sendall(b"".join(said))
            peer.shutdown(socket.SHUT_WR)
            while peer.recv(65536):
                pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        yield listener.getsockname()[1]


def run_client(name: str, port: int) -> str:
    """What the page's client prints. Its sockets are closed, as a program's end would do."""
    (program,) = blocks(name, "python client")
    space: dict[str, Any] = {"__name__": "page"}
    exec(compile(program, name, "exec"), space)
    out, opened = io.StringIO(), []
    connect = socket.create_connection

    def remember(*address: Any) -> socket.socket:
        opened.append(connect(*address))
        return opened[-1]

    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out):
        patch.setattr(socket, "create_connection", remember)
        space["main"]("127.0.0.1", port)
    for connection in opened:
        connection.close()
    return out.getvalue()


def test_the_client_on_urn_link_logs_in_and_shows_events():
    server, nonce = binary.ServerCodec(), bytes(range(0xA0, 0xB0))
    event = Event(0xA5, EventKind.SHEET_ACCEPTED, 0, {"sheet": 1, "compartment": "valid"})
    key = authentication.test_key("KE-0001", "operator")

    def answer(data: bytes) -> list[bytes]:
        said = []
        for request in server.feed(data):
            result, fields = Result.OK, {}
            if request.op is Op.IDENTIFY:
                fields = IDENTITY
            elif request.op is Op.CHALLENGE:
                fields = {"nonce": nonce}
            elif not authentication.accepts(key, nonce, "operator", request.fields["mac"]):
                result = Result.NOT_AUTHORISED
            response = Response(request.sequence, request.op, result, fields)
            said.append(server.encode_response(response) + b"noise\xa5"
                        + server.encode_event(event))
        return said

    with served(answer, requests=3) as port:
        shown = run_client("urn-link.md", port)
    assert "Kalys EU-1 KE-0001" in shown and "log-in: 0" in shown
    assert shown.count("event 165 0x84") == 3


def test_the_client_on_urn_line_shows_what_the_urn_says(dialect):
    server = line.ServerCodec(dialect)

    def answer(data: bytes) -> list[bytes]:
        return [server.encode_response(
                    Response(request.sequence, request.op, Result.OK, IDENTITY)
                    if request.op is Op.IDENTIFY else
                    Response(request.sequence, request.op, Result.WRONG_STATE))
                for request in server.feed(data)]

    with served(answer, requests=2) as port:
        shown = run_client("urn-line.md", port).splitlines()
    assert shown[0].startswith('+ID maker="Kalys" model="EU-1"')
    assert shown[1] == "-ERR 4 wrong-state #2"


def test_the_client_on_world_link_inserts_a_sheet():
    server, inserted = world.ServerCodec(), []

    def answer(data: bytes) -> list[bytes]:
        said = []
        for asked in server.feed(data):
            hello = isinstance(asked.command, world.Hello)
            said.append(server.encode_answer(world.Answer(
                asked.id, True, {"urns": ["urn-1"]} if hello else {})))
            if not hello:
                inserted.extend(physical_sheet(sheet) for sheet in asked.command.sheets)
                said[-1] += server.encode_notification(
                    world.GateCrossed("urn-1", "entry", "lead", "S1", 5))
        return said

    with served(answer, requests=2) as port:
        shown = run_client("world-link.md", port)
    assert [sheet.id for sheet in inserted] == ["S1"]
    assert "{'id': 2, 'ok': True}" in shown and "'gate': 'entry'" in shown
