"""Event logs in NIST's format: valid by its schema, and read as strictly as the schema asks."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kalys.election.event_log_cdf import Device, report
from kalys.election.event_log_reading import LoggedEvent, WrongEvent, read_event_log
from kalys.errors import ConfigurationError, ProtocolError
from kalys.resources import data_root

NOON = datetime(2021, 11, 28, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Entry:
    sequence: int = 1
    stamp: str = "2021-11-28T08:00:05.123+06:00"
    kind: str = "open"
    event: str = "polls opened"
    outcome: str = "success"
    user: str = "operator"
    resource: str = "polls"
    chain: bytes = bytes(32)


ENTRIES = (
    Entry(), Entry(2, kind="key", outcome="wrong-state"), Entry(3, kind="jam", outcome="failure"),
)


def exported(*entries: Entry) -> dict[str, Any]:
    return report(entries, device=Device("KE-1", "Kalys", "EU-1", "1.4"), generated=NOON,
                  election="kg-2021-11-28")


def read(data: Any) -> Any:
    return read_event_log(json.dumps(data).encode())


@cache
def validator() -> Any:
    jsonschema = pytest.importorskip("jsonschema")
    folder = data_root().parent / "shared" / "schemas" / "nist-cdf"
    path = folder / "NIST_V1_election_event_logging.json"
    if not path.is_file():
        pytest.skip("the official schemas are not there: ../shared/schemas")
    return jsonschema.Draft4Validator(json.loads(path.read_text(encoding="utf-8")))


texts = st.text(max_size=20)
entries = st.builds(
    Entry, sequence=st.integers(1, 10**6), kind=texts, event=texts, user=texts, resource=texts,
    outcome=st.sampled_from(["success", "failure", "not-authorised", "foreign", ""]),
    chain=st.binary(max_size=32),
)


@given(st.lists(entries, max_size=4))
@settings(max_examples=40, deadline=None)
def test_whatever_a_log_holds_its_export_is_valid_by_the_official_schema(
    log: list[Entry],
) -> None:
    assert not list(validator().iter_errors(exported(*log)))


@given(st.lists(entries, max_size=4))
@settings(max_examples=40, deadline=None)
def test_the_reader_gives_back_what_the_log_said(log: list[Entry]) -> None:
    events = read(exported(*log)).events
    assert [(e.sequence, e.id, e.user, e.description, e.details) for e in events] == [
        (str(e.sequence), e.kind, e.user, e.event, e.resource) for e in log
    ]
    told = [e.other_disposition if e.disposition == "other" else e.disposition for e in events]
    assert told == [e.outcome for e in log]


def test_an_outcome_that_the_format_has_no_word_for_is_kept_beside_it() -> None:
    first, second, third = read(exported(*ENTRIES)).events
    assert (first.type, first.disposition) == ("voting", "success")
    assert (second.type, second.disposition) == ("cryptography", "other")
    assert second.other_disposition == "wrong-state"
    assert (third.type, third.disposition) == ("general", "failure")


def test_a_log_without_a_zone_in_its_own_time_is_not_written() -> None:
    with pytest.raises(ConfigurationError, match="zone"):
        report((), device=Device("KE-1"), generated=datetime(2021, 11, 28))  # noqa: DTZ001


def event(data: Any) -> Any:
    return data["Device"][0]["Event"][1]


@pytest.mark.parametrize("change", [
    lambda e: e.pop("Disposition"),
    lambda e: e.pop("Id"),
    lambda e: e.pop("Sequence"),
    lambda e: e.pop("TimeStamp"),
    lambda e: e.pop("Type"),
    lambda e: e.pop("@type"),
    lambda e: e.update({"@type": "EventLogging.Device"}),
    lambda e: e.update(Disposition="ok"),
    lambda e: e.update(Sequence=2),
    lambda e: e.update(Id=None),
    lambda e: e.update(UserId=7),
    lambda e: e.update(Resource="polls"),
])
def test_reader_and_official_schema_refuse_the_same_events(change: Any) -> None:
    data = copy.deepcopy(exported(*ENTRIES))
    change(event(data))
    first, wrong, third = read(data).events
    assert isinstance(wrong, WrongEvent) and wrong.why
    assert isinstance(first, LoggedEvent) and isinstance(third, LoggedEvent)
    assert list(validator().iter_errors(data))


@pytest.mark.parametrize("stamp", [
    "2021-11-28T08:00:05", "2021-11-28 08:00:05+06:00", "2021-11-28T08:00+06:00",
    "28.11.2021 08:00:05 +06:00", "2021-02-30T08:00:05Z", "",
])
def test_a_time_must_be_one_of_rfc_3339_with_its_zone(stamp: str) -> None:
    data = copy.deepcopy(exported(*ENTRIES))
    event(data)["TimeStamp"] = stamp
    wrong = read(data).events[1]
    assert isinstance(wrong, WrongEvent) and "TimeStamp" in wrong.why and wrong.sequence == "2"


@pytest.mark.parametrize("data", [
    b"", b"[]", b"\xff", b"[" * 100_000, b"{}", b'{"@type": "EventLogging.ElectionEventLog"}',
    json.dumps({**exported(), "Station": "1001"}).encode(),
    json.dumps({**exported(), "GeneratedTime": "2021-11-28"}).encode(),
    json.dumps({**exported(), "Device": [{"Id": "KE-1"}]}).encode(),
])
def test_what_is_no_such_log_at_all_is_an_error_that_says_where(data: bytes) -> None:
    with pytest.raises(ProtocolError, match="election event log"):
        read_event_log(data)


def test_events_of_several_devices_come_in_the_order_of_the_file() -> None:
    one, two = exported(Entry(1)), exported(Entry(1), Entry(2))
    one["Device"] += two["Device"]
    assert [e.sequence for e in read(one).events] == ["1", "1", "2"]
    assert read(one).devices == ("KE-1", "KE-1")
