"""Feeder and hands over a world's control link."""

from datetime import UTC, datetime

import pytest

from kalys.ballots.sheet import Sheet
from kalys.devices.roles import Gate
from kalys.devices.world import WorldFeeder, WorldHands, WorldLink
from kalys.errors import LinkError, ProtocolError, Refused
from kalys.links.clock import VirtualClock
from kalys.links.inprocess import Exchange
from kalys.links.link import open_link
from kalys.protocols import world as wire

ANSWERS = {
    "hello": {"protocol": wire.PROTOCOL, "urns": ["urn-1"], "time": 0},
    "insert": {}, "pull_back": {"pulled": True}, "clear_jam": {"sheet": "7"}, "jam_next": {},
    "returned": {"sheets": ["1", "2"]}, "box": {"valid": ["3"], "invalid": ["4"]},
    "empty_box": {}, "cover": {}, "display": {"text": "wait"},
}


class ScriptedWorld:
    """Answers every command of ``ANSWERS``; others it refuses."""

    def __init__(self):
        self.codec = wire.ServerCodec()
        self.commands = []
        self.mute = False
        self.raw = None

    def opened(self): ...
    def closed(self): ...

    def received(self, data):
        for asked in self.codec.feed(data):
            self.commands.append(asked.command)
            if self.raw is not None:
                self.send(self.raw)
            elif not self.mute:
                known = ANSWERS.get(asked.command.do)
                self.send(self.codec.encode_answer(
                    wire.Answer(asked.id, known is not None, known or {},
                                "" if known is not None else "no such thing here")))


@pytest.fixture
def station(notes):
    clock = VirtualClock(datetime(2021, 11, 28, tzinfo=UTC))
    with Exchange(clock) as exchange:
        device = ScriptedWorld()
        device.send = exchange.attach("world", device)
        link = open_link(exchange.url("world"), name="world", clock=clock, journal=notes)
        yield device, WorldLink(link, clock=clock, journal=notes)


def test_a_sheet_crosses_the_link_without_its_truth_and_its_id_is_journaled(station, notes):
    device, link = station
    WorldFeeder(link, "urn-1").insert(Sheet(id="0017", election="kg", style="KG-PL"),
                                      overlap_mm=5.0)
    [command] = device.commands
    assert (command.urn, command.overlap_mm) == ("urn-1", 5.0)
    assert command.sheets[0]["id"] == "0017" and "truth" not in command.sheets[0]
    physical = [data for kind, data in notes.records if kind == "physical"]
    assert physical == [{"by": "world", "urn": "urn-1", "overlap_mm": 5.0, "do": "insert",
                         "sheets": ["0017"]}]


def test_the_feeder_tells_what_is_where(station):
    feeder = WorldFeeder(station[1], "urn-1")
    assert feeder.pull_back() is True
    assert feeder.clear_jam() == "7"
    assert feeder.take_returned() == ("1", "2")
    assert (feeder.box().valid, feeder.box().invalid) == (("3",), ("4",))


def test_gate_crossings_are_given_once_and_in_harness_time(station):
    device, link = station
    link.clock.sleep(100.0)
    link.hello()                                   # the world's clock stands at 0 then
    for urn, t in (("urn-1", 5), ("urn-2", 6), ("urn-1", 7)):
        device.send(device.codec.encode_notification(
            wire.GateCrossed(urn, "exit", "trail", "0017", t)))
    feeder = WorldFeeder(link, "urn-1")
    assert feeder.gates() == [Gate("exit", "trail", "0017", 100_000_000_000 + t) for t in (5, 7)]
    assert feeder.gates() == []
    assert len(WorldFeeder(link, "urn-2").gates()) == 1


def test_what_the_world_refuses_is_refused_with_its_reason(station):
    with pytest.raises(Refused, match="refused battery: no such thing here"):
        WorldHands(station[1], "urn-1").battery(False)


def test_hands_read_the_display(station):
    hands = WorldHands(station[1], "urn-1")
    hands.cover(True)
    assert hands.read_display() == "wait"


def test_a_silent_world_is_told(station):
    device, link = station
    device.mute = True
    with pytest.raises(LinkError, match="no answer in 10 s"):
        link.hello()


def test_something_else_on_the_line_is_told(station):
    device, link = station
    device.raw = b"SSH-2.0-OpenSSH\n"
    with pytest.raises(ProtocolError, match="SSH-2"):
        link.hello()


def test_two_conversations_share_the_link_and_each_gets_its_own_answer(station):
    _, link = station
    clock = link.clock
    feeder, hands = WorldFeeder(link, "urn-1"), WorldHands(link, "urn-1")
    one = clock.spawn(lambda: [feeder.take_returned() for _ in range(20)])
    two = clock.spawn(lambda: [hands.read_display() for _ in range(20)])
    assert set(one.join()) == {("1", "2")}
    assert set(two.join()) == {"wait"}


def test_a_control_link_that_was_lost_is_opened_again_by_the_next_command(notes):
    clock = VirtualClock(datetime(2021, 11, 28, tzinfo=UTC))
    with Exchange(clock) as exchange:
        device = ScriptedWorld()
        device.send = exchange.attach("world", device)

        def connect():
            return open_link(exchange.url("world"), name="world", clock=clock, journal=notes)

        link = WorldLink(connect(), clock=clock, journal=notes, reopen=connect)
        feeder = WorldFeeder(link, "urn-1")
        assert feeder.clear_jam() == "7"
        exchange.drop("world")
        with pytest.raises(LinkError):
            feeder.clear_jam()
        assert feeder.clear_jam() == "7"
        assert [command.do for command in device.commands] == ["clear_jam", "hello", "clear_jam"]


def test_cables_and_memories_are_asked_for_by_name(station):
    device, link = station
    hands = WorldHands(link, "urn-1")
    for wrong in (lambda: hands.cable("modem", True), lambda: hands.damage_memory("keys", 0),
                  lambda: hands.memory_chip("third", "good")):
        with pytest.raises(ValueError):
            wrong()
    assert device.commands == []
