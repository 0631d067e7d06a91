"""The text wire: a dialect's templates write and read every message; damage is never delivered."""

from __future__ import annotations

import binascii

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from kalys.errors import ProtocolError
from kalys.protocols.urn.line import ClientCodec, LineDialect, ServerCodec
from kalys.protocols.urn.messages import (
    Event,
    EventKind,
    Garbage,
    Op,
    Request,
    Response,
    Result,
)

from .conftest import events, requests, responses

quiet = settings(max_examples=60, deadline=None,
                 suppress_health_check=[HealthCheck.function_scoped_fixture])
RESULTS = {
    "time_ms": 1638108005000, "offset_min": 360, "sheets": 2, "valid": 1, "invalid": 1,
    "votes": [{"contest": "party", "option": "P01", "votes": 1},
              {"contest": "party", "option": "P02", "votes": 0}],
    "contests": [{"contest": "party", "overvotes": 1, "undervotes": 0}],
}
EVENT = Event(7, EventKind.SHEET_ACCEPTED, 1638064805123, {"sheet": 12, "compartment": "valid"})
PLAIN = {
    "requests": {
        "identify": {"send": "WHO", "answer": "I AM {maker:word} {model:word} {serial:word} "
                     "{firmware:word} {legal_software_id:word}",
                     "fixed": {"firmware_sha256": "00FF", "protocol": "plain/1"}},
        "open": {"send": "GO", "answer": "GONE"},
    },
    "words": {"error": {"E1": "unknown-op", "E2": "bad-fields", "E4": "wrong-state"}},
    "refusal": "{result:error}",
    "events": {"sheet_inserted": "SHEET {sheet:int}"},
}


def messages(found: list) -> list:
    return [message for message in found if not isinstance(message, Garbage)]


def line(body: str) -> bytes:
    return body.encode() + b"*%04X\r\n" % binascii.crc_hqx(body.encode(), 0)


@quiet
@given(requests(bounded=True))
def test_a_request_comes_out_as_it_went_in(dialect, request_):
    assert ServerCodec(dialect).feed(ClientCodec(dialect).encode(request_)) == [request_]


@quiet
@given(responses(bounded=True), events(bounded=True), st.integers(1, 40))
def test_a_response_and_an_event_come_out_as_they_went_in(dialect, response, event, step):
    client, server = ClientCodec(dialect), ServerCodec(dialect)
    client.expecting(Request(response.sequence, response.op))
    data = server.encode_response(response) + server.encode_event(event)
    found = [m for at in range(0, len(data), step) for m in client.feed(data[at : at + step])]
    assert found == [response, event]


@quiet
@given(st.lists(st.binary(max_size=60) | st.sampled_from([b"\r\n", b"*", b"+TOT", b"!", b"=V "]),
                max_size=12))
def test_no_bytes_make_a_codec_raise(dialect, noise):
    client, server = ClientCodec(dialect), ServerCodec(dialect)
    client.encode(Request(1, Op.RESULTS))
    for piece in noise:
        assert messages(client.feed(piece)) == []
        assert messages(server.feed(piece)) == []


@quiet
@given(st.data())
def test_a_changed_byte_never_makes_a_wrong_message(dialect, data):
    client, server = ClientCodec(dialect), ServerCodec(dialect)
    sent = Response(5, Op.RESULTS, Result.OK, RESULTS)
    client.expecting(Request(5, Op.RESULTS))
    wire = bytearray(server.encode_response(sent) + server.encode_event(EVENT))
    place = data.draw(st.integers(0, len(wire) - 1))
    wire[place] ^= data.draw(st.integers(1, 255))
    assert all(message in (sent, EVENT) for message in messages(client.feed(bytes(wire))))


@quiet
@given(st.integers(0, 4))
def test_an_answer_that_lost_a_line_is_not_delivered(dialect, lost):
    client, server = ClientCodec(dialect), ServerCodec(dialect)
    client.expecting(Request(5, Op.RESULTS))
    lines = server.encode_response(Response(5, Op.RESULTS, Result.OK, RESULTS)).splitlines(True)
    del lines[lost]
    assert messages(client.feed(b"".join(lines))) == []
    again = server.encode_response(Response(5, Op.RESULTS, Result.OK, RESULTS))
    assert messages(client.feed(again))[0].fields == RESULTS


def test_events_come_through_between_the_lines_of_an_answer(dialect):
    client, server = ClientCodec(dialect), ServerCodec(dialect)
    client.encode(Request(5, Op.RESULTS))
    sent = Response(5, Op.RESULTS, Result.OK, RESULTS)
    lines = server.encode_response(sent).splitlines(True)
    lines.insert(2, server.encode_event(EVENT))
    assert client.feed(b"".join(lines)) == [EVENT, sent]


def test_a_late_answer_goes_to_the_request_whose_number_it_has(dialect):
    client, server = ClientCodec(dialect), ServerCodec(dialect)
    client.encode(Request(1, Op.GET_CLOCK))
    client.encode(Request(2, Op.OPEN))
    late = Response(1, Op.GET_CLOCK, Result.OK, {"time_ms": 0, "offset_min": 360})
    refused = Response(2, Op.OPEN, Result.WRONG_STATE)
    assert client.feed(server.encode_response(late) + server.encode_response(refused)) == [
        late, refused]


@pytest.mark.parametrize(("body", "refusal"), [
    ("FLY #3", "-ERR 1 unknown-command #3"),
    ("PRN SOON #3", "-ERR 2 bad-argument #3"),
    ("CVR? 1 #3", "-ERR 2 bad-argument #3"),
    ("CVR? 99999999999,1 #3", "-ERR 2 bad-argument #3"),
])
def test_a_request_that_makes_no_sense_is_refused_with_its_number(dialect, body, refusal):
    (garbage,) = ServerCodec(dialect).feed(line(body))
    assert garbage.reply == line(refusal)


@pytest.mark.parametrize("wire", [b"ST? #1\r\n", b"ST? #1*0000\r\n", line("ST?"),
                                  line("ST? #70000"), b"\xff*1EF0\r\n"])
def test_a_line_whose_checksum_or_number_is_wrong_is_not_answered(dialect, wire):
    (garbage,) = ServerCodec(dialect).feed(wire)
    assert garbage.reply == b""


def test_a_line_that_never_ends_is_given_up(dialect):
    found = ServerCodec(dialect).feed(b"x" * (dialect.max_line + 1))
    assert [m.why for m in found] == ["bad checksum"]


def test_a_dialect_without_sequence_checksum_and_event_numbers_works():
    plain = LineDialect.model_validate(PLAIN)
    client, server = ClientCodec(plain), ServerCodec(plain)
    first, second = server.feed(client.encode(Request(40, Op.OPEN)) + b"GO\r\n")
    assert first.op is second.op is Op.OPEN and first.sequence != second.sequence
    assert client.feed(b"SHEET 3\r\nSHEET 4\r\nGONE\r\n") == [
        Event(1, EventKind.SHEET_INSERTED, 0, {"sheet": 3}),
        Event(2, EventKind.SHEET_INSERTED, 0, {"sheet": 4}),
        Response(40, Op.OPEN, Result.OK),
    ]
    client.encode(Request(41, Op.OPEN))
    assert client.feed(b"E4\r\n") == [Response(41, Op.OPEN, Result.WRONG_STATE)]


def test_fields_that_a_device_never_sends_have_the_dialects_value():
    plain = LineDialect.model_validate(PLAIN)
    client = ClientCodec(plain)
    client.encode(Request(1, Op.IDENTIFY))
    (answer,) = client.feed(b"I AM Maker M1 S1 1.0 LR-1\r\n")
    assert answer.fields["firmware_sha256"] == b"\x00\xff"
    assert answer.fields["protocol"] == "plain/1"


def test_what_a_dialect_has_no_words_for_is_an_error_of_the_caller(dialect):
    plain = LineDialect.model_validate(PLAIN)
    with pytest.raises(ProtocolError, match="no such request"):
        ClientCodec(plain).encode(Request(1, Op.CLOSE))
    with pytest.raises(ProtocolError, match="no such event"):
        ServerCodec(plain).encode_event(EVENT)
    with pytest.raises(ProtocolError, match="role"):
        ClientCodec(dialect).encode(Request(1, Op.CHALLENGE, {"role": "voter"}))


@pytest.mark.parametrize(("change", "told"), [
    ({"requests": {"open": {"send": "GO {speed:int}", "answer": "OK"}}}, "speed"),
    ({"requests": {"set_clock": {"send": "CLK={time_ms:int}", "answer": "OK"}}}, "offset_min"),
    ({"requests": {"open": {"send": "GO {x:colour}", "answer": "OK"}}}, "colour"),
    ({"requests": {"results": {"send": "R", "answer": "{time:iso} {sheets:int} {valid:int} "
                               "{invalid:int}"}}}, "rows"),
    ({"events": {"cover": "COVER"}}, "open"),
    ({"refusal": "NO"}, "result"),
    ({"requests": {"fly": {"send": "F", "answer": "F"}}}, "fly"),
    ({"words": {"w": {"A": "x", "B": "x"}}}, "another value"),
    ({"terminator": "END"}, "terminator"),
    ({"colour": "red"}, "colour"),
    ({"requests": {"open": {"send": "GO {", "answer": "OK"}}}, "requests.open.send"),
])
def test_a_dialect_that_does_not_fit_the_messages_says_where(change, told):
    with pytest.raises(ValidationError, match=told):
        LineDialect.model_validate(PLAIN | change)


def test_a_field_that_a_device_never_sends_in_its_rows_has_the_value_of_the_dialect():
    requests = {**PLAIN["requests"], "records": {
        "send": "CVR? {first:int},{count:int}", "answer": "+CVR {total:int}", "end": "+END",
        "rows": {"records": "=R {id:word} {style:word} {valid:onoff} {marks:quoted}"},
        "fixed": {"records.marginal": ""},
    }}
    words = {**PLAIN["words"], "onoff": {"ON": True, "OFF": False}}
    dialect = LineDialect.model_validate({**PLAIN, "requests": requests, "words": words})
    client = ClientCodec(dialect)
    client.expecting(Request(1, Op.RECORDS))
    (got,) = client.feed(b'+CVR 1\r\n=R r1 KG-PL ON "party/P01"\r\n+END\r\n')
    assert got.fields["records"] == [
        {"id": "r1", "style": "KG-PL", "valid": True, "marks": "party/P01", "marginal": ""}]
    for wrong in ({"records.marginal": 3}, {"records.colour": ""}, {"rows.marginal": ""}, {}):
        changed = {**requests, "records": {**requests["records"], "fixed": wrong}}
        with pytest.raises(ValidationError):
            LineDialect.model_validate({**PLAIN, "requests": changed, "words": words})
