"""What makes a log entry complete, a log gapless, a clock good, and a log discreet."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalys.devices.roles import ClockReading, LogEntry
from kalys.election.definition import load
from kalys.procedures import log

BISHKEK = timezone(timedelta(hours=6))
NOON = datetime(2021, 11, 28, 12, 0, 0, tzinfo=BISHKEK)


def entry(**changed) -> LogEntry:
    usual = LogEntry(
        sequence=7, time=NOON, stamp=NOON.isoformat(), device="EU-1 KG-1", kind="cast",
        event="sheet counted", outcome="success", user="operator", resource="vote book",
        chain=bytes(32),
    )
    return replace(usual, **changed)


@given(st.datetimes(timezones=st.just(BISHKEK)))
def test_every_iso_stamp_with_seconds_and_zone_is_complete(moment):
    for timespec in ("seconds", "milliseconds"):
        stamp = moment.isoformat(timespec=timespec)
        assert log.complete_stamp(entry(stamp=stamp, time=moment))


@pytest.mark.parametrize(
    "stamp",
    [
        "2021-11-28T12:00:00", "2021-11-28T12:00+06:00", "28.11.2021 12:00:00", "12:00:00+06:00",
        "21-11-28T12:00:00+06:00", "2021-13-28T12:00:00+06:00", "2021-11-28 12:00:00+06:00", "",
    ],
)
def test_a_stamp_that_lacks_a_part_is_incomplete(stamp):
    assert not log.complete_stamp(entry(stamp=stamp))


def test_a_stamp_of_another_moment_than_the_entry_is_wrong():
    assert not log.complete_stamp(entry(stamp="2021-11-28T13:00:00+06:00"))


def test_a_gap_a_repetition_and_a_step_back_in_time_break_the_order():
    assert log.follows(entry(), entry(sequence=8))
    assert not log.follows(entry(), entry(sequence=9))
    assert not log.follows(entry(), entry())
    earlier = NOON - timedelta(seconds=1)
    assert not log.follows(entry(), entry(sequence=8, time=earlier))
    assert log.follows(entry(), entry(sequence=8, time=earlier, kind="clock"))


def readings(ppm: float, hours: float = 1.0, number: int = 10, trip_ns: int = 2_000_000):
    start = datetime(2021, 11, 28, microsecond=137_000, tzinfo=UTC)
    for i in range(number):
        middle = i * hours * 3600 / (number - 1)
        shown = start + timedelta(seconds=middle * (1 + ppm * 1e-6))
        ns = round(middle * 1e9)
        yield ClockReading(shown.replace(microsecond=shown.microsecond // 1000 * 1000),
                           ns - trip_ns // 2, ns + trip_ns // 2)


@given(st.floats(-3000, 3000), st.floats(0.25, 15))
def test_a_drift_is_found_within_its_own_uncertainty(ppm, hours):
    rate, u = log.drift_rate(list(readings(ppm, hours)), reference_ppm=0.0)
    assert abs(rate - ppm * 1e-6) <= 3 * u
    assert u < 5e-6


def test_a_longer_time_and_a_better_reference_make_the_drift_more_certain():
    short = log.drift_rate(list(readings(10, hours=1)), 0.0)[1]
    assert log.drift_rate(list(readings(10, hours=10)), 0.0)[1] < short / 5
    assert log.drift_rate(list(readings(10, hours=1)), 50.0)[1] > 28e-6


def test_a_slow_link_makes_the_drift_less_certain():
    quick = log.drift_rate(list(readings(10)), 0.0)[1]
    assert log.drift_rate(list(readings(10, trip_ns=200_000_000)), 0.0)[1] > 5 * quick


def test_the_old_and_the_new_time_are_found_in_the_text_of_an_entry():
    told = entry(event="clock set from 2021-11-28T12:00:00+06:00 to 2021-11-28T12:01:30+06:00")
    assert log.tells(told, NOON)
    assert log.tells(told, NOON + timedelta(seconds=90))
    assert not log.tells(told, NOON + timedelta(seconds=60))
    assert log.tells(entry(event="was 2021-11-28 12:00:00"), NOON)


def test_an_entry_without_a_user_or_of_another_device_lacks_something():
    assert log.missing_fields(entry(), "KG-1") == ()
    assert log.missing_fields(entry(user=" "), "KG-1") == ("user",)
    assert "this device's serial number" in log.missing_fields(entry(), "KG-2")[0]


def test_a_choice_betrays_as_a_whole_word_only():
    canary = log.betraying(["P05", "Ата Мекен"])
    assert canary.search("cast: P05")
    assert canary.search("голос за Ата Мекен")
    assert not canary.search("SHA-256 ab12P05ff")


def test_a_personal_number_betrays_a_voter():
    assert log.betraying([]).search("voter 12511199001234 came")
    assert log.betraying(["P05"]).search("voter 12511199001234 came")
    assert not log.betraying([]).search("sheet 12511")


def test_the_canaries_are_the_ids_and_names_of_what_was_marked():
    from kalys.ballots.deck import volume

    definition = load("kg-2021-11-28")
    sheet = volume(definition, "KG-PL", 3, 1).sheets[0]
    words = log.choices_on([sheet], definition)
    assert {mark.option for mark in sheet.marks} <= words
