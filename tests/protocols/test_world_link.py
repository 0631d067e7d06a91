"""The world's control link: commands and notifications cross whole, nothing makes it fall over."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalys.errors import ProtocolError
from kalys.protocols import world
from kalys.protocols.urn.messages import Garbage
from kalys.protocols.world import Answer, Asked, ClientCodec, ServerCodec

COMMANDS = [
    world.Hello(),
    world.Define("urn-1", {"id": "e"}, {"KG-PL": {"page_mm": [210, 297]}}),
    world.Insert("urn-1", [{"id": "S1", "marks": []}, {"id": "S2"}], 12.5),
    world.Image("urn-1", "S3", "iVBORw0="),
    world.PullBack("urn-1"), world.JamNext("urn-1", 200), world.ClearJam("urn-1"),
    world.Returned("urn-1"), world.Box("urn-1"), world.EmptyBox("urn-1"),
    world.Cover("urn-1", True), world.Media("urn-1", False), world.Battery("urn-1", True),
    world.Roll("urn-1", True), world.Display("urn-1"),
    world.WatchDisplay("urn-1", True),
    world.DisturbCounter("urn-1", "party", "P03", 17), world.TamperLog("urn-1", "flip", 4),
    world.Cable("urn-1", "link", False), world.MemoryChip("urn-1", "primary", "full"),
    world.DamageMemory("urn-1", "votes", 0),
    world.KeySwitch("urn-1", False),
]
NOTIFICATIONS = [
    world.GateCrossed("urn-1", "entry", "lead", "S1", 10**18),
    world.SheetReturned("urn-1", "S1", 5), world.SheetBoxed("urn-1", "S1", "invalid", 6),
    world.SheetStuck("urn-1", "S1", 200.5, 7),
    world.DisplayChanged("urn-1", "accepted: Бюллетень кабыл алынды", 8),
]
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.text() | st.sampled_from(["id", "do", "urn", "event", "ok", "sheets"]), inner,
        max_size=4),
    max_leaves=8)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c.do)
def test_a_command_comes_out_as_it_went_in(command):
    data = ClientCodec().encode(9, command)
    assert data.endswith(b"\n") and data.count(b"\n") == 1
    server = ServerCodec()
    assert [m for byte in data for m in server.feed(bytes((byte,)))] == [Asked(9, command)]


@pytest.mark.parametrize("notification", NOTIFICATIONS, ids=lambda n: n.event)
def test_a_notification_comes_out_as_it_went_in(notification):
    assert ClientCodec().feed(ServerCodec().encode_notification(notification)) == [notification]


@pytest.mark.parametrize("answer", [
    Answer(3, True, {"valid": ["S1"], "invalid": []}), Answer(3, False, error="no such urn"),
    Answer(None, False, error="not JSON")])
def test_an_answer_comes_out_as_it_went_in(answer):
    assert ClientCodec().feed(ServerCodec().encode_answer(answer)) == [answer]


def test_every_command_has_a_name_of_its_own():
    assert len({command.do for command in COMMANDS}) == len(COMMANDS) == len(
        world.Command.__args__)


@pytest.mark.parametrize(("line", "id_", "told"), [
    (b"nonsense", None, "not JSON"),
    (b'{"id":1,"do":"fly"}', 1, "there is no 'fly'"),
    (b'{"do":"hello"}', None, "integer id"),
    (b'{"id":true,"do":"hello"}', None, "integer id"),
    (b'{"id":2}', 2, "do"),
    (b'{"id":2,"do":"box"}', 2, "urn"),
    (b'{"id":2,"do":"box","urn":3}', 2, "box.urn"),
    (b'{"id":2,"do":"box","urn":"u","colour":"red"}', 2, "box.colour"),
    (b'{"id":2,"do":"cover","urn":"u","open":1}', 2, "cover.open"),
    (b'{"id":2,"do":"jam_next","urn":"u","at_mm":"far"}', 2, "jam_next.at_mm"),
    (b'{"id":2,"do":"jam_next","urn":"u","at_mm":NaN}', None, "NaN"),
    (b'{"id":2,"do":"tamper_log","urn":"u","how":"burn","index":1}', 2, "tamper_log.how"),
    (b'["id"]', None, "one JSON object"),
    (b"\xff\xfe", None, "not JSON"),
    (b"[" * 100_000, None, "not JSON"),
    (b'{"id":2,"do":"\\ud800"}', 2, "there is no"),
    (b'{"id":2,"do":"hello","\\ud800":1}', 2, "hello"),
])
def test_a_broken_command_is_answered_with_what_is_wrong(line, id_, told):
    (garbage,) = ServerCodec().feed(line + b"\n")
    answer = json.loads(garbage.reply)
    assert answer["id"] == id_ and answer["ok"] is False and told in answer["error"]


@given(st.binary(max_size=200) | anything.map(lambda v: json.dumps(v).encode()))
def test_no_line_makes_either_side_raise(line):
    for garbage in ServerCodec().feed(line + b"\n"):
        if isinstance(garbage, Garbage):
            assert ClientCodec().feed(garbage.reply)[0].ok is False
    ClientCodec().feed(line + b"\n")


def test_a_line_too_long_is_refused_and_the_next_one_understood():
    server = ServerCodec(max_line=100)
    found = server.feed(b"x" * 90) + server.feed(b"y" * 90) + server.feed(
        b'zz\n{"id":1,"do":"hello"}\n')
    assert "longer than 100" in found[0].why and found[1] == Asked(1, world.Hello())
    with pytest.raises(ProtocolError, match="at most 100"):
        ClientCodec(max_line=100).encode(1, world.Image("urn-1", "S1", "A" * 100))


def test_an_answers_data_cannot_pretend_to_be_the_envelope():
    with pytest.raises(ProtocolError):
        ServerCodec().encode_answer(Answer(1, True, {"ok": False}))
