"""Log-in and log chain: the published formulas, and what they show."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalys.protocols.urn import authentication, log_chain
from kalys.protocols.urn.messages import RESPONSE_FIELDS, Op
from kalys.protocols.urn.payload import Payload


@dataclass(frozen=True)
class Entry:
    sequence: int
    time_ms: int = 1638064805000
    offset_min: int = 360
    stamp: str = "2021-11-28T08:00:05+06:00"
    device: str = "KE-0001"
    kind: str = "open"
    event: str = "polls opened"
    outcome: str = "ok"
    user: str = "operator"
    resource: str = "election"
    chain: bytes = b""


def chained(count: int) -> list[Entry]:
    entries, previous = [], log_chain.GENESIS
    for n in range(1, count + 1):
        entry = Entry(n, event=f"event {n}")
        previous = log_chain.link(previous, entry)
        entries.append(replace(entry, chain=previous))
    return entries


def test_the_response_is_the_published_hmac():
    key = authentication.test_key("KE-0001", "operator")
    assert key == hashlib.sha256(b"kalys-test-key:KE-0001:operator").digest()
    nonce = bytes(range(16))
    mac = hmac.new(key, b"kalys-urn-auth" + nonce + b"operator", "sha256").digest()
    assert authentication.response(key, nonce, "operator") == mac
    assert authentication.accepts(key, nonce, "operator", mac)


@given(st.binary(max_size=32), st.sampled_from(["operator", "administrator"]))
def test_a_response_holds_for_its_nonce_and_its_role_only(nonce, role):
    key = authentication.test_key("KE-0001", "operator")
    mac = authentication.response(key, bytes(16), "operator")
    assert authentication.accepts(key, nonce, role, mac) == (
        nonce == bytes(16) and role == "operator")


def test_what_is_hashed_is_the_binary_encoding_of_all_fields_but_the_chain():
    table = {k: v for k, v in RESPONSE_FIELDS[Op.LOG]["entries"][0].items() if k != "chain"}
    entry = Entry(3, event="Ң ө")
    values = {name: getattr(entry, name) for name in table}
    assert log_chain.encoded(entry) == Payload(table).build(values, "log")


def test_an_entry_with_civil_time_has_the_same_chain():
    @dataclass(frozen=True)
    class Civil:
        time: datetime
        sequence: int = 1
        stamp: str = "2021-11-28T08:00:05+06:00"
        device: str = "KE-0001"
        kind: str = "open"
        event: str = "polls opened"
        outcome: str = "ok"
        user: str = "operator"
        resource: str = "election"
        chain: bytes = b""

    time = datetime(2021, 11, 28, 2, 0, 5, tzinfo=UTC).astimezone(timezone(timedelta(hours=6)))
    assert log_chain.encoded(Civil(time)) == log_chain.encoded(Entry(1))


@pytest.mark.parametrize("change", [
    lambda e: [*e[:3], replace(e[3], event="event 5"), *e[4:]],
    lambda e: [*e[:3], replace(e[3], time_ms=0), *e[4:]],
    lambda e: [*e[:3], replace(e[3], event="event 4x", outcome="o"), *e[4:]],
    lambda e: e[:3] + e[4:],
    lambda e: [*e[:3], e[4], e[3], *e[5:]],
    lambda e: [*e[:3], e[3], e[3], *e[4:]],
    lambda e: e[1:],
])
def test_every_change_breaks_the_chain(change):
    assert log_chain.breaks(chained(8)) == []
    assert log_chain.breaks(change(chained(8)))


def test_letters_cannot_move_from_one_text_to_the_next():
    one, other = Entry(1, kind="open", event="ed"), Entry(1, kind="opene", event="d")
    assert log_chain.link(log_chain.GENESIS, one) != log_chain.link(log_chain.GENESIS, other)


def test_a_field_out_of_range_is_a_value_error():
    with pytest.raises(ValueError, match="out of range"):
        log_chain.encoded(Entry(2**32))
