"""The driver of an urn, over a scripted device on an in-process line."""

import hashlib
from datetime import datetime, timedelta, timezone

import pytest

from kalys.errors import LinkError, ProtocolError, Refused
from kalys.protocols.urn.authentication import response
from kalys.protocols.urn.authentication import test_key as published_key
from kalys.protocols.urn.messages import EventKind, Op, Purpose, Result, Role, UrnState

BISHKEK = timezone(timedelta(hours=6))


def test_identity_comes_as_the_urn_tells_it(rig):
    identity = rig.driver.identity()
    assert (identity.maker, identity.serial) == ("Kalys", "S-1")
    assert identity.firmware_sha256 == "00" * 32


def test_a_request_whose_answer_is_lost_is_sent_again_and_executed_once(rig):
    rig.device.answers[Op.OPEN] = {}
    rig.device.mute = 2
    rig.driver.open()
    assert [r.op for r in rig.device.executed] == [Op.OPEN]
    assert len({r.sequence for r in rig.device.requests}) == 1
    assert len(rig.device.requests) == 3


def test_a_silent_device_is_told_with_its_place_and_what_to_check(rig):
    rig.device.mute = 99
    with pytest.raises(LinkError) as told:
        rig.driver.identity()
    assert "no answer to identify in 2 s" in str(told.value)
    assert rig.exchange.url("urn") in str(told.value)
    assert "Is it powered?" in str(told.value) and "baud rate" in str(told.value)
    assert rig.clock.now() == 6_000_000_000


def test_a_device_of_another_protocol_is_told_by_its_first_bytes(rig):
    rig.device.raw = b"HELLO\r\n"
    with pytest.raises(ProtocolError) as told:
        rig.driver.identity()
    assert "wrong protocol? first bytes were 48 45 4c 4c 4f" in str(told.value)
    assert "HELLO" in str(told.value)
    assert "garbage" in rig.journal.texts()


def test_noise_before_the_answer_goes_to_the_journal_and_no_further(rig):
    rig.device.answers[Op.LOGOUT] = lambda _: rig.device.send(b"\x00noise") or {}
    rig.driver.logout()
    assert rig.journal.texts().count("garbage") == 1


def test_a_refusal_carries_the_result_of_the_protocol(rig):
    rig.device.answers[Op.OPEN] = lambda _: Result.COUNTERS_NOT_ZERO
    with pytest.raises(Refused) as refused:
        rig.driver.open()
    assert refused.value.code == "counters-not-zero"
    with pytest.raises(Refused) as refused:
        rig.driver.close()
    assert refused.value.code == "unknown-op"


def test_a_lost_event_is_asked_for_and_comes_in_its_place(rig):
    rig.device.happen(EventKind.SHEET_INSERTED, {"sheet": 1})
    rig.device.happen(EventKind.SHEET_READ, {"sheet": 1}, lost=True)
    rig.device.happen(EventKind.SHEET_ACCEPTED, {"sheet": 1, "compartment": "valid"})
    kinds = [EventKind.SHEET_INSERTED, EventKind.SHEET_READ, EventKind.SHEET_ACCEPTED]
    assert [rig.driver.wait(kinds, 5.0).kind for _ in kinds] == kinds
    assert rig.driver.dialogue.lost_events == 0


def test_the_last_event_is_missed_by_a_wait_in_vain_and_then_found(rig):
    rig.device.happen(EventKind.SHEET_INSERTED, {"sheet": 1})
    rig.device.happen(EventKind.SHEET_ACCEPTED, {"sheet": 1, "compartment": "valid"}, lost=True)
    assert rig.driver.wait([EventKind.SHEET_ACCEPTED], 5.0).fields["compartment"] == "valid"


def test_events_that_the_urn_does_not_repeat_are_said_to_be_lost(rig):
    rig.device.repeats_events = False
    for number in range(1, 5):
        rig.device.happen(EventKind.SHEET_READ, {"sheet": number}, lost=number in (2, 3))
    assert [e.fields["sheet"] for e in rig.driver.drain()] == [1, 4]
    assert rig.driver.dialogue.lost_events == 2
    assert "events are lost for good" in rig.journal.texts()


def test_a_repeated_event_is_taken_once(rig):
    rig.device.happen(EventKind.JAM_CLEARED, {})
    rig.device.send(rig.device.codec.encode_event(rig.device.events[0]))
    assert len(rig.driver.drain()) == 1


def test_an_urn_that_restarts_may_number_its_events_from_one_again(rig):
    for _ in range(3):
        rig.device.happen(EventKind.SHEET_READ, {"sheet": 1})
    rig.driver.drain()
    rig.device.events.clear()
    rig.device.happen(EventKind.BOOTED, {"cause": "power-loss"})
    assert rig.driver.wait([EventKind.BOOTED], 5.0).fields["cause"] == "power-loss"


def test_waiting_passes_over_other_events_and_keeps_them_in_the_history(rig):
    rig.device.happen(EventKind.SHEET_READ, {"sheet": 1})
    rig.device.happen(EventKind.JAM, {"sheet": 1, "sensor": "exit"})
    assert rig.driver.wait([EventKind.JAM], 1.0).fields["sensor"] == "exit"
    assert [r.kind for r in rig.driver.history] == [EventKind.SHEET_READ, EventKind.JAM]
    assert rig.driver.drain() == []


def test_a_wait_in_vain_ends_after_its_time(rig):
    assert rig.driver.wait([EventKind.JAM], 7.5) is None
    assert rig.clock.now() == 7_500_000_000


def test_a_load_goes_in_chunks_and_the_urns_hash_is_compared(rig):
    got = bytearray()

    def chunk(request):
        got.extend(request.fields["data"])
        return {"received": len(got)}

    rig.device.answers |= {
        Op.LOAD_BEGIN: {}, Op.LOAD_CHUNK: chunk,
        Op.LOAD_COMMIT: lambda _: {"sha256": hashlib.sha256(got).digest()},
    }
    data = bytes(range(50))
    rig.driver.load(Purpose.DEFINITION, data)
    assert bytes(got) == data
    rig.device.answers[Op.LOAD_COMMIT] = {"sha256": bytes(32)}
    got.clear()
    with pytest.raises(ProtocolError, match="committed data of SHA-256"):
        rig.driver.load(Purpose.DEFINITION, data)


def test_an_export_is_put_together_and_checked_against_its_hash(rig):
    data = b"x" * 41
    rig.device.answers |= {
        Op.EXPORT_BEGIN: {"size": 41, "sha256": hashlib.sha256(data).digest()},
        Op.EXPORT_CHUNK: lambda r: {
            "data": data[r.fields["offset"] : r.fields["offset"] + r.fields["length"]]
        },
    }
    assert rig.driver.export("results") == data
    rig.device.answers[Op.EXPORT_BEGIN] = {"size": 41, "sha256": bytes(32)}
    with pytest.raises(ProtocolError, match="hash"):
        rig.driver.export("results")


def records_of(total, rows=3):
    return lambda request: {
        "total": total,
        "records": [
            {"id": f"r{n}", "style": "KG-PL", "valid": True, "marks": "party/P01;party/P02",
             "marginal": "preference/N07=0.0612"}
            for n in range(request.fields["first"], total)[: min(rows, request.fields["count"])]
        ],
    }


@pytest.mark.parametrize(("total", "rows"), [(0, 3), (1, 3), (3, 3), (10, 3), (5, 1)])
def test_records_are_read_page_by_page_however_few_rows_a_page_holds(rig, total, rows):
    rig.device.answers[Op.RECORDS] = records_of(total, rows)
    records = rig.driver.records()
    assert [r.id for r in records] == [f"r{n}" for n in range(total)]
    assert all(r.marks == {"party": ("P01", "P02")} for r in records)
    assert all(r.marginal == {"preference": {"N07": 0.0612}} for r in records)


def test_a_list_with_missing_rows_is_not_taken_for_a_short_one(rig):
    rig.device.answers[Op.RECORDS] = lambda _: {"total": 4, "records": []}
    with pytest.raises(ProtocolError, match="records from 0 of 4 are missing"):
        rig.driver.records()


def test_a_log_in_proves_the_key_without_sending_it(rig):
    rig.device.answers |= {Op.CHALLENGE: {"nonce": b"n" * 16}, Op.AUTHENTICATE: {}}
    rig.driver.login(Role.OPERATOR)
    sent = rig.device.executed[-1].fields
    assert sent["mac"] == response(published_key("S-1", "operator"), b"n" * 16, "operator")


def test_the_clock_is_read_between_two_times_of_the_harness_and_set_with_its_zone(rig):
    rig.device.answers |= {
        Op.GET_CLOCK: {"time_ms": 1_638_064_800_000, "offset_min": 360}, Op.SET_CLOCK: {},
    }
    rig.clock.sleep(1.0)
    reading = rig.driver.read_clock()
    assert reading.device == datetime(2021, 11, 28, 8, tzinfo=BISHKEK)
    assert reading.sent == reading.received == 1_000_000_000
    rig.driver.set_clock(datetime(2021, 11, 28, 8, tzinfo=BISHKEK))
    assert rig.device.executed[-1].fields == {"time_ms": 1_638_064_800_000, "offset_min": 360}


def test_a_state_that_no_urn_has_is_a_protocol_error_with_the_known_ones(rig):
    rig.device.answers[Op.STATUS] = {
        "state": "asleep", "path": "idle", "power": "mains", "cover_open": False, "alarm": "",
        "valid": 0, "invalid": 0, "returned": 0, "capacity_left": 1, "event_counter": 0,
        "definition_sha256": b"", "returned_by": "",
    }
    with pytest.raises(ProtocolError, match="'asleep' is not a state"):
        rig.driver.status()
    rig.device.answers[Op.STATUS] = {**rig.device.answers[Op.STATUS], "state": "open"}
    assert rig.driver.status().state is UrnState.OPEN


def test_after_a_power_loss_the_link_is_opened_again_and_missed_events_are_fetched(rig):
    rig.device.happen(EventKind.SHEET_READ, {"sheet": 1})
    rig.driver.drain()
    rig.exchange.drop("urn", "the power is gone")
    with pytest.raises(LinkError):
        rig.driver.identity()
    rig.device.happen(EventKind.BOOTED, {"cause": "power-loss"}, lost=True)
    rig.device.mute = 2                    # it boots for a while
    rig.driver.reconnect()
    assert rig.driver.wait([EventKind.BOOTED], 1.0).fields["cause"] == "power-loss"


def test_without_any_event_before_the_power_loss_those_since_the_boot_are_fetched(rig):
    for kind, fields in ((EventKind.BOOTED, {"cause": "power-on"}),
                         (EventKind.SHEET_READ, {"sheet": 1}),
                         (EventKind.BOOTED, {"cause": "power-loss"}),
                         (EventKind.SHEET_RETURNED, {"sheet": 1, "reason": "power-loss"})):
        rig.device.happen(kind, fields, lost=True)
    rig.driver.reconnect()
    assert [r.kind for r in rig.driver.drain()] == [EventKind.BOOTED, EventKind.SHEET_RETURNED]


def test_a_device_that_does_not_come_back_is_told_after_its_time_to_boot(rig):
    rig.device.mute = 10**6
    with pytest.raises(LinkError, match="no answer to identify"):
        rig.driver.reconnect()
    assert 10 <= rig.clock.now() / 1e9 <= 15
