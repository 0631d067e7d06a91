"""The binary wire: what goes in comes out, noise never becomes a message, no message is lost."""

from __future__ import annotations

import random
import zlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalys.errors import ProtocolError
from kalys.protocols.urn import binary
from kalys.protocols.urn.binary import ClientCodec, ServerCodec
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

CLIENT, SERVER = ClientCodec, ServerCodec
EVENT = Event(7, EventKind.SHEET_ACCEPTED, 1638064805123, {"sheet": 12, "compartment": "valid"})


def messages(found: list) -> list:
    return [message for message in found if not isinstance(message, Garbage)]


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[a:b] for a, b in pairwise(places)]


@given(requests(), st.lists(st.integers(0, 10_000), max_size=5))
def test_a_request_comes_out_as_it_went_in_however_it_is_cut(request_, cuts):
    server = SERVER()
    found = [m for piece in pieces(CLIENT().encode(request_), cuts) for m in server.feed(piece)]
    assert found == [request_]


@given(st.lists(responses() | events(), min_size=1, max_size=4), st.lists(st.integers(0, 10_000)))
def test_responses_and_events_come_out_in_order(sent, cuts):
    server, client = SERVER(), CLIENT()
    data = b"".join(server.encode_response(m) if isinstance(m, Response)
                    else server.encode_event(m) for m in sent)
    assert [m for piece in pieces(data, cuts) for m in client.feed(piece)] == sent


@given(st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=4))
def test_no_bytes_make_a_codec_raise_or_lose_count(noise, cuts):
    for codec in (CLIENT(), SERVER()):
        found = [m for piece in pieces(noise, cuts) for m in codec.feed(piece)]
        assert messages(found) == []
        assert codec.feed(b"") == []
        assert not isinstance(codec, ClientCodec) or 1 <= codec.wanted() <= 256


@given(st.binary(max_size=60), events(), st.integers(0, 10_000))
def test_a_good_frame_behind_noise_is_found_at_once(noise, event, cut):
    client, frame = CLIENT(), SERVER().encode_event(event)
    found = [m for piece in pieces(noise + frame, [cut]) for m in client.feed(piece)]
    assert messages(found)[-1:] == [event]


@given(events(), events(), st.data())
def test_a_good_frame_behind_one_that_was_cut_short_is_found_at_once(bad, good, data):
    server, client = SERVER(), CLIENT()
    frame = server.encode_event(bad)
    cut = frame[: data.draw(st.integers(1, len(frame) - 1))]
    found = client.feed(cut) + client.feed(server.encode_event(good))
    assert messages(found) == [good]


@given(responses(), st.data())
def test_up_to_three_wrong_bits_never_make_a_wrong_message(response, data):
    frame = bytearray(SERVER().encode_response(response))
    bits = st.integers(0, len(frame) * 8 - 1)
    for bit in data.draw(st.sets(bits, min_size=1, max_size=3)):
        frame[bit // 8] ^= 1 << bit % 8
    good = SERVER().encode_event(EVENT)
    assert messages(CLIENT().feed(bytes(frame) + good)) in ([EVENT], [response, EVENT])


@given(responses(), st.data())
def test_lost_and_doubled_bytes_never_make_a_wrong_message(response, data):
    frame = SERVER().encode_response(response)
    place = data.draw(st.integers(0, len(frame) - 1))
    end = data.draw(st.integers(place, min(place + 4, len(frame))))
    damaged = data.draw(st.sampled_from([frame[:place] + frame[end:],
                                         frame[:end] + frame[place:]]))
    good = SERVER().encode_event(EVENT)
    assert messages(CLIENT().feed(damaged + good)) in ([EVENT], [response, EVENT])


def test_a_frame_inside_a_payload_is_data_even_when_the_outer_frame_is_damaged():
    inner = CLIENT().encode(Request(3, Op.RESET_ELECTION))
    outer = bytearray(CLIENT().encode(Request(4, Op.LOAD_CHUNK, {"offset": 0, "data": inner})))
    assert messages(SERVER().feed(bytes(outer))) == [
        Request(4, Op.LOAD_CHUNK, {"offset": 0, "data": inner})]
    outer[8] ^= 0xFF
    assert messages(SERVER().feed(bytes(outer))) == []


def test_a_stuffing_byte_that_was_lost_does_not_eat_the_next_frame():
    frame = SERVER().encode_event(Event(0xA5, EventKind.JAM_CLEARED, 0))
    assert b"\xa5\x00" in frame[2:]
    damaged = frame[:2] + frame[2:].replace(b"\xa5\x00", b"\xa5", 1)
    client = CLIENT()
    found = [m for byte in damaged + SERVER().encode_event(EVENT)
             for m in client.feed(bytes((byte,)))]
    assert messages(found) == [EVENT]


@pytest.mark.parametrize(("damage", "why"), [
    (lambda f: b"xyz", "no sync"),
    (lambda f: f[:-1] + bytes((f[-1] ^ 1,)), "bad CRC"),
    (lambda f: f[:8] + b"\xff\xff" + f[10:], "bad length 65535"),
    (lambda f: f[:9] + f, "unfinished frame"),
])
def test_garbage_says_why(damage, why):
    frame = SERVER().encode_event(Event(1, EventKind.JAM_CLEARED, 0))
    found = [m.why for m in CLIENT().feed(damage(frame)) if isinstance(m, Garbage)]
    assert found[0] == why


def hand_made(*, version=1, kind=1, sequence=9, code=1, result=0, payload=b"") -> bytes:
    head = bytes((version, kind)) + sequence.to_bytes(2, "big") + bytes((code, result))
    body = head + len(payload).to_bytes(2, "big") + payload
    body += zlib.crc32(body).to_bytes(4, "big")
    return b"\xa5\x4b" + body.replace(b"\xa5", b"\xa5\x00")


@pytest.mark.parametrize(("frame", "result"), [
    (hand_made(code=0x7F), Result.UNKNOWN_OP),
    (hand_made(code=0x01, payload=b"x"), Result.BAD_FIELDS),
    (hand_made(code=0x28, payload=b"\x02"), Result.BAD_FIELDS),
    (hand_made(code=0x30, payload=b"\x00\x02\xff\xfe"), Result.BAD_FIELDS),
    (hand_made(code=0x06, payload=b"\x00\x00"), Result.BAD_FIELDS),
    (hand_made(code=0x30, payload=b"\x00\x05zero"), Result.BAD_FIELDS),
    (hand_made(code=0x21, payload=b"\x00\x00\x00\x00\x00\x05zero"), Result.BAD_FIELDS),
])
def test_a_request_that_came_whole_but_makes_no_sense_is_refused_with_its_sequence(frame, result):
    (garbage,) = SERVER().feed(frame)
    code = binary.RESULT_CODES[result]
    assert garbage.reply == hand_made(kind=2, code=frame[6], result=code)


@pytest.mark.parametrize("frame", [
    hand_made(version=2), hand_made(kind=2, code=0x01), hand_made(kind=3, code=0x81)])
def test_frames_that_are_no_requests_are_not_answered(frame):
    (garbage,) = SERVER().feed(frame)
    assert garbage.reply == b""


@pytest.mark.parametrize("frame", [
    hand_made(version=2, kind=2), hand_made(kind=1), hand_made(kind=3, code=0x91),
    hand_made(kind=2, code=0x7F, result=1), hand_made(kind=2, result=200),
    hand_made(kind=2, result=3, payload=b"a"), hand_made(kind=3, code=0x88),
])
def test_frames_that_are_no_responses_and_no_events_are_garbage_to_the_host(frame):
    assert [type(m) for m in CLIENT().feed(frame)] == [Garbage]


@pytest.mark.parametrize(("op", "fields", "named"), [
    (Op.SET_CLOCK, {"time_ms": 0}, "missing offset_min"),
    (Op.OPEN, {"now": True}, "unknown now"),
    (Op.RECORDS, {"first": -1, "count": 3}, "first = '-1'"),
    (Op.SET_PARAMETER, {"name": "x", "value": 3}, "value = '3'"),
    (Op.LOAD_CHUNK, {"offset": 0, "data": bytes(5000)}, "5006 bytes"),
])
def test_a_message_that_cannot_be_said_names_its_field(op, fields, named):
    with pytest.raises(ProtocolError, match=named):
        CLIENT().encode(Request(1, op, fields))


def test_a_page_that_is_too_long_for_a_frame_is_cut_to_the_rows_that_fit():
    rows = [{"id": f"R{n:04}", "style": "KG-PL", "valid": True, "marks": "party/P01" * 9,
             "marginal": ""}
            for n in range(100)]
    sent = Response(1, Op.RECORDS, Result.OK, {"total": 100, "records": rows})
    (got,) = CLIENT().feed(SERVER().encode_response(sent))
    kept = got.fields["records"]
    assert kept == rows[: len(kept)] and 30 < len(kept) < 100 and got.fields["total"] == 100


def test_the_numbers_of_operations_results_and_events_are_distinct_and_complete():
    for table, words in ((binary.OP_CODES, Op), (binary.RESULT_CODES, Result),
                         (binary.EVENT_CODES, EventKind)):
        assert set(table) == set(words) and len(set(table.values())) == len(table)
        assert all(0 <= code <= 255 for code in table.values())


def test_what_is_wanted_never_reaches_beyond_the_frame():
    frame = SERVER().encode_event(EVENT)
    rng, client, at = random.Random(1), CLIENT(), 0
    while at < len(frame):
        step = min(rng.randint(1, 5), client.wanted())
        assert at + client.wanted() <= len(frame)
        found = client.feed(frame[at : at + step])
        at += step
    assert found == [EVENT] and client.wanted() == binary.SMALLEST


def test_a_reset_forgets_the_unfinished_frame():
    frame = SERVER().encode_event(EVENT)
    client = CLIENT()
    client.feed(frame[:-3])
    client.reset()
    assert client.feed(frame) == [EVENT]
