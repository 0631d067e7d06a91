"""The urn on its link: requests done at most once, events kept, log-in, uploads, log, reports."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest

from kalys.ballots.package import urn_package
from kalys.protocols import world as link
from kalys.protocols.urn import authentication, log_chain
from kalys.protocols.urn.messages import EventKind, Op, UrnState
from kalys.protocols.urn.report_reading import parse

Make = Callable[..., Any]          # the fixture ``station``
URN, SERIAL = "urn-1", "KG-TEST-1"


# Requests and events


def test_the_same_request_again_is_answered_again_and_not_done_again(station: Make) -> None:
    s = station(UrnState.READY)
    fields = {"name": "capacity", "value": "500"}
    first = s.send(Op.SET_PARAMETER, sequence=900, **fields)
    counter = s.status()["event_counter"]
    s.send(Op.SET_PARAMETER, sequence=901, **fields)
    again = s.send(Op.SET_PARAMETER, sequence=901, **fields)
    assert first.result == again.result == "ok"
    assert s.status()["event_counter"] == counter + 1


def test_the_same_number_with_another_request_is_a_new_request(station: Make) -> None:
    s = station()
    assert "state" in s.send(Op.STATUS, sequence=5).fields
    assert "maker" in s.send(Op.IDENTIFY, sequence=5).fields


def test_a_repeated_log_in_is_not_a_second_attempt(station: Make) -> None:
    s = station()
    s.ask(Op.CHALLENGE, role="auditor")
    for _ in range(8):
        answer = s.send(Op.AUTHENTICATE, sequence=77, role="auditor", mac=bytes(32))
        assert answer.result == "not-authorised"
    s.login("auditor")


def test_an_answer_comes_before_the_events_that_it_causes(station: Make) -> None:
    s = station(UrnState.READY)
    order: list[str] = []
    s.events = SimpleNamespace(append=lambda e: order.append(e.kind.value))
    s.answers = SimpleNamespace(
        append=lambda a: order.append("answer"), clear=lambda: None, __len__=lambda: 0
    )
    from kalys.protocols.urn.messages import Request

    s.put(URN, s.client.encode(Request(4000, Op.TEST_MODE, {"on": True})))
    assert order == ["answer", "state"]


def test_events_are_numbered_without_gaps_and_can_be_had_again(station: Make) -> None:
    s = station(UrnState.OPEN)
    s.feed(s.sheet("party/P01"))
    came = list(s.events)
    numbers = [e.number for e in came]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    s.events.clear()
    assert s.ask(Op.EVENTS_SINCE, first=numbers[0])["count"] == len(came)
    assert s.events == came


def test_events_of_a_time_without_a_listener_are_kept(station: Make) -> None:
    s = station(UrnState.OPEN)
    s.world.closed(URN, s.now)
    s.feed(s.sheet("party/P01"))
    assert s.events == []
    s.world.opened(URN, s.now)
    s.ask(Op.EVENTS_SINCE, first=1)
    assert EventKind.SHEET_ACCEPTED in s.kinds()


def test_noise_on_the_line_is_survived_and_logged(station: Make) -> None:
    s = station()
    s.put(URN, b"\x00garbage\xff" * 20)
    s.run(2)
    assert s.result(Op.STATUS) == "ok"
    assert any(e["kind"] == "error" and e["resource"] == "link" for e in s.log())


# Log-in


def test_five_wrong_attempts_lock_the_role_for_a_minute_even_through_a_cut(station: Make) -> None:
    s = station()
    for _ in range(5):
        s.ask(Op.CHALLENGE, role="operator")
        assert s.result(Op.AUTHENTICATE, role="operator", mac=bytes(32)) == "not-authorised"
    assert s.result(Op.CHALLENGE, role="operator") == "locked-out"
    s.cut_power(20)
    assert s.result(Op.CHALLENGE, role="operator") == "locked-out"
    s.login("auditor")
    s.run(40)
    s.login("operator")


def test_a_nonce_is_good_for_one_attempt(station: Make) -> None:
    s = station()
    nonce = s.ask(Op.CHALLENGE, role="operator")["nonce"]
    key = authentication.test_key(SERIAL, "operator")
    mac = authentication.response(key, nonce, "operator")
    assert s.result(Op.AUTHENTICATE, role="operator", mac=mac) == "ok"
    assert s.result(Op.AUTHENTICATE, role="operator", mac=mac) == "not-authorised"


def test_a_changed_key_is_the_only_one_that_opens(station: Make) -> None:
    s = station()
    s.login("administrator")
    before = s.status()["event_counter"]
    s.ask(Op.SET_KEY, role="operator", key=b"k" * 32)
    assert s.status()["event_counter"] == before + 1
    nonce = s.ask(Op.CHALLENGE, role="operator")["nonce"]
    mac = authentication.response(b"k" * 32, nonce, "operator")
    assert s.result(Op.AUTHENTICATE, role="operator", mac=mac) == "ok"
    with pytest.raises(AssertionError):
        s.login("operator")
    s.login("administrator")
    assert s.result(Op.SET_KEY, role="operator", key=b"short") == "bad-fields"


# Uploads


def test_a_definition_is_loaded_and_named_by_its_hash(station: Make) -> None:
    s = station()
    s.login("administrator")
    package = urn_package(s.definition, "KG-PL", "1001")
    assert s.load("definition", package) == "ok"
    assert s.status()["definition_sha256"] == hashlib.sha256(package).digest()
    kinds = {entry["kind"] for entry in s.log()}
    assert {"definition", "file"} <= kinds


def test_what_is_no_definition_is_refused_and_nothing_has_changed(station: Make) -> None:
    s = station()
    s.login("administrator")
    assert s.load("definition", b"this is no election definition") == "bad-definition"
    assert s.load("definition", b"[" * 100_000) == "bad-definition"
    assert (s.status()["state"], s.status()["definition_sha256"]) == ("standby", b"")


def test_an_upload_that_does_not_fit_its_hash_is_refused(station: Make) -> None:
    s = station()
    s.login("administrator")
    s.ask(Op.LOAD_BEGIN, purpose="definition", size=4, sha256=bytes(32))
    assert s.result(Op.LOAD_CHUNK, offset=1, data=b"abc") == "bad-fields"
    assert s.result(Op.LOAD_CHUNK, offset=0, data=b"abcde") == "bad-fields"
    s.ask(Op.LOAD_CHUNK, offset=0, data=b"abcd")
    assert s.result(Op.LOAD_COMMIT) == "bad-hash"
    assert s.result(Op.LOAD_COMMIT) == "wrong-state"
    assert s.result(Op.LOAD_BEGIN, purpose="poem", size=4, sha256=bytes(32)) == "bad-fields"


def test_software_is_installed_with_its_hash_and_counted(station: Make) -> None:
    s = station()
    s.login("administrator")
    before = s.status()["event_counter"]
    assert s.load("software", b"firmware 2") == "ok"
    identity = s.ask(Op.IDENTIFY)
    assert identity["firmware_sha256"] == hashlib.sha256(b"firmware 2").digest()
    assert s.status()["event_counter"] == before + 1
    entry = next(e for e in s.log() if e["kind"] == "software")
    assert hashlib.sha256(b"firmware 2").hexdigest() in entry["event"]


def test_an_export_ends_with_the_state_in_which_it_was_begun(station: Make) -> None:
    s = station(UrnState.TEST)
    size = s.ask(Op.EXPORT_BEGIN, kind="results")["size"]
    assert len(s.ask(Op.EXPORT_CHUNK, offset=0, length=65535)["data"]) == size
    s.ask(Op.TEST_MODE, on=False)
    assert s.result(Op.EXPORT_CHUNK, offset=0, length=100) == "wrong-state"


def test_results_of_the_other_urn_join_the_station_report(station: Make) -> None:
    s = station(UrnState.OPEN)
    s.feed(s.sheet("party/P01"))
    s.close()
    s.ask(Op.EXPORT_BEGIN, kind="results")
    own = json.loads(s.ask(Op.EXPORT_CHUNK, offset=0, length=60000)["data"])
    assert s.load("results", json.dumps(own).encode()) == "bad-definition"
    other = {**own, "device": {**own["device"], "serial": "KG-TEST-2"}}
    assert s.load("results", json.dumps({**other, "station": "7"}).encode()) == "bad-definition"
    assert s.load("results", json.dumps(other).encode()) == "ok"
    report = parse(s.print("station"))
    assert report["votes"]["party"]["P01"] == 2
    assert report["counted"] == 2


# Log


def test_the_log_is_chained_from_its_first_entry(station: Make) -> None:
    s = station(UrnState.OPEN)
    s.feed(s.sheet("party/P01"))
    entries = [SimpleNamespace(**entry) for entry in s.log()]
    assert log_chain.breaks(entries) == []
    for entry in entries:
        assert datetime.fromisoformat(entry.stamp).utcoffset() is not None
        assert SERIAL in entry.device and entry.user and entry.resource and entry.outcome


@pytest.mark.parametrize("how", ["flip", "truncate", "swap", "delete"])
def test_a_log_that_was_tampered_with_shows_it(station: Make, how: str) -> None:
    s = station(UrnState.READY)
    index = len(s.log()) // 2
    s.do(link.TamperLog(URN, how, index))
    test = {item["name"]: item["ok"] for item in s.ask(Op.SELF_TEST)["items"]}
    assert not test["event-log"]
    assert log_chain.breaks([SimpleNamespace(**entry) for entry in s.log()])


def test_refusals_are_logged_with_their_result(station: Make) -> None:
    s = station(UrnState.READY)
    s.login("operator")
    assert s.result(Op.SET_CLOCK, time_ms=1_638_100_000_000, offset_min=0) == "not-authorised"
    last = s.log()[-1]
    assert (last["kind"], last["outcome"], last["user"]) == ("clock", "not-authorised", "operator")


# Clock and parameters


def test_the_clock_drifts_as_its_profile_says(station: Make) -> None:
    s = station(drift_ppm=100)
    start = s.ask(Op.GET_CLOCK)["time_ms"]
    s.run(36_000)
    assert s.ask(Op.GET_CLOCK)["time_ms"] - start == 36_003_600


def test_setting_the_clock_is_logged_with_old_and_new_time_and_counted(station: Make) -> None:
    s = station(UrnState.READY)
    before = s.status()["event_counter"]
    s.set_clock(9, 30)
    entry = [e for e in s.log() if e["kind"] == "clock"][-1]
    assert "07:5" in entry["event"] and "T09:30:00" in entry["event"]
    assert s.status()["event_counter"] == before + 1
    assert EventKind.CLOCK_SET in s.kinds()
    assert s.result(Op.SET_CLOCK, time_ms=-1, offset_min=0) == "bad-fields"


def test_parameters_are_told_in_numbers_and_only_sensible_ones_are_taken(station: Make) -> None:
    s = station(UrnState.READY)
    told = {item["name"]: item["value"] for item in s.ask(Op.PARAMETERS)["items"]}
    assert 0 < float(told["mark_blank_fill"]) < float(told["mark_vote_fill"]) < 1
    for name, value in (("mark_vote_fill", "2"), ("capacity", "0"), ("capacity", "1.5"),
                        ("mark_vote_fill", "nan"), ("mark_vote_fill", "0.001"), ("x", "1"),
                        ("capacity", "many")):
        assert s.result(Op.SET_PARAMETER, name=name, value=value) == "bad-fields"
    s.ask(Op.SET_PARAMETER, name="mark_vote_fill", value="0.2")
    told = {item["name"]: item["value"] for item in s.ask(Op.PARAMETERS)["items"]}
    assert told["mark_vote_fill"] == "0.2"


def test_resetting_an_election_never_brings_the_event_counter_back(station: Make) -> None:
    s = station(UrnState.CLOSED)
    before = s.status()["event_counter"]
    s.ask(Op.RESET_ELECTION)
    assert s.status()["event_counter"] > before
    assert (s.status()["state"], s.status()["definition_sha256"]) == ("standby", b"")


# Paper


def test_reports_leave_the_printer_at_its_pace(station: Make) -> None:
    s = station(UrnState.READY, lines_per_second=10)
    s.ask(Op.PRINT, kind="zero")
    assert s.result(Op.PRINT, kind="zero") == "busy"
    s.run(1.05)
    assert 9 <= len(s.tape.lines()) <= 11
    s.run(30)
    assert [e.fields["kind"] for e in s.events if e.kind is EventKind.PRINTED] == ["zero"]


def test_the_results_on_paper_are_those_on_the_link(station: Make) -> None:
    s = station(UrnState.OPEN)
    for option in ("P01", "P02", "P01"):
        s.feed(s.sheet(f"party/{option}"))
    s.feed(s.sheet())
    s.close()
    report = parse(s.print("results"))
    assert report["missing"] == []
    assert (report["counted"], report["valid"], report["invalid"]) == (4, 3, 1)
    assert report["votes"]["party"]["P01"] == report["records"]["party"]["P01"] == 2
    assert report["software"] == s.ask(Op.IDENTIFY)["legal_software_id"]
    assert sum(r["marks"].startswith("party/P01") for r in s.records()) == 2


def test_without_paper_nothing_is_printed_and_a_new_roll_gets_the_whole_report(
    station: Make,
) -> None:
    s = station(UrnState.READY)
    s.do(link.Roll(URN, True))
    assert s.result(Op.PRINT, kind="zero") == "paper-out"
    s.do(link.Roll(URN, False))
    s.ask(Op.PRINT, kind="zero")
    s.run(1)
    s.do(link.Roll(URN, True))
    s.run(30)
    assert EventKind.PRINTED not in s.kinds()
    s.tape.lines()
    s.do(link.Roll(URN, False))
    s.run(30)
    assert parse(s.tape.lines())["missing"] == []


def test_records_say_nothing_about_the_order_of_casting(station: Make) -> None:
    s = station(UrnState.OPEN)
    for number in range(1, 9):
        s.feed(s.sheet(f"party/P{number:02d}"), seconds=3)
    s.close()
    records = s.records()
    assert [r["id"] for r in records] == sorted(r["id"] for r in records)
    assert [r["marks"] for r in records] != sorted(r["marks"] for r in records)
    assert set(records[0]) == {"id", "style", "valid", "marks", "marginal"}
