"""The printed report: what is composed is read back; what is missing is told, never raised."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from kalys.errors import ProtocolError
from kalys.protocols.urn.messages import ReportKind
from kalys.protocols.urn.report import (
    COLUMNS,
    ContestTotals,
    Register,
    Report,
    ReportPatterns,
    compose,
    parse,
)

BISHKEK = timezone(timedelta(hours=6))
REPORT = Report(
    kind=ReportKind.RESULTS, number=17, time=datetime(2021, 11, 28, 20, 3, 7, tzinfo=BISHKEK),
    election="Жогорку Кеңештин депутаттарын шайлоо, 28.11.2021", station="1001",
    device="Kalys Emulated urn EU-1", serial="KE-0001", software="KALYS-LR-1.4 " + "ab" * 32,
    styles=("KG-PL",), sheets=12, valid=11, invalid=1,
    registers=(Register("party", "P01", 7, 7, "Ата-Мекен"), Register("party", "P02", 4, 3),
               Register("preference", "N01", 0, 0)),
    contests=(ContestTotals("party", 1, 0), ContestTotals("preference", 0, 11)),
    failures=("The paper path's sensor shows dust on its window, clean it",),
    parameters=(("mark.vote_fill", "0.12", "1"), ("zone", "+06:00", "")),
    event_counter=5, urns=("KE-0001", "KE-0002"),
)
words = st.text("abcdefghijklmnopqrstuvwxyzАБВГДҢӨҮңөү0123456789-./", min_size=1, max_size=60)
texts = st.lists(words, min_size=1, max_size=8).map(" ".join)
counts = st.integers(0, 10**9)


@pytest.mark.parametrize("kind", list(ReportKind))
def test_a_report_of_every_kind_is_read_back_and_lacks_nothing(kind):
    found = parse(compose(replace(REPORT, kind=kind)))
    assert found["kind"] == kind and found["missing"] == [] and found["ended"]
    assert found["time"] == "2021-11-28T20:03:07+06:00"
    assert (found["election"], found["station"], found["serial"], found["software"]) == (
        REPORT.election, "1001", "KE-0001", REPORT.software)
    assert found["failures"] == list(REPORT.failures) and found["event_counter"] == 5
    if kind is ReportKind.PARAMETERS:
        assert found["parameters"] == {"mark.vote_fill": ("0.12", "1"), "zone": ("+06:00", "")}
    else:
        assert (found["counted"], found["valid"], found["invalid"]) == (12, 11, 1)
    if kind in (ReportKind.ZERO, ReportKind.RESULTS, ReportKind.STATION, ReportKind.TEST):
        assert found["votes"] == {"party": {"P01": 7, "P02": 4}, "preference": {"N01": 0}}
        assert found["records"] == {"party": {"P01": 7, "P02": 3}, "preference": {"N01": 0}}
        assert found["overvotes"] == {"party": 1, "preference": 0}
        assert found["undervotes"] == {"party": 0, "preference": 11}
    else:
        assert found["votes"] == {}


@example("0", "0", "0", ["0 0"], [])
@given(texts, texts, words, st.lists(texts, max_size=3),
       st.lists(st.tuples(st.sampled_from(["party", "preference"]), counts, counts), max_size=30))
def test_texts_of_any_length_are_wrapped_and_joined_without_loss(
        election, software, station, failures, rows):
    registers = tuple(Register(contest, f"P{n:02}", totals, records, "Ата-Журт 5")
                      for n, (contest, totals, records) in enumerate(rows))
    report = replace(REPORT, election=election, software=software, station=station,
                     failures=tuple(failures), registers=registers)
    lines = compose(report)
    assert max(map(len, lines)) <= COLUMNS
    found = parse(lines)
    assert (found["election"], found["software"], found["station"]) == (
        election, software, station)
    assert found["failures"] == failures
    assert {(c, o, n) for c, row in found["votes"].items() for o, n in row.items()} == {
        (r.contest, r.option, r.totals) for r in registers}


def test_every_kyrgyz_letter_is_on_every_report_and_in_the_printers_code_page():
    for kind in ReportKind:
        text = "\n".join(compose(replace(REPORT, kind=kind)))
        assert {"ң", "ө", "ү"} <= set(text.lower())
        assert text.encode("kz1048").decode("kz1048") == text


@pytest.mark.parametrize(("words", "missing"), [
    ("Time:", "time"), ("Software:", "software"), ("Serial:", "serial"),
    ("Station:", "station"), ("Counted:", "counted"), ("Style:", "styles"),
    ("Failures:", "failures"), ("! The", "failures"), ("END", "end"), ("Report: 17", "number"),
    ("RESULTS REPORT", "kind"), ("Election", "election"),
])
def test_a_line_that_is_not_there_is_told(words, missing):
    lines = [line for line in compose(REPORT) if words not in line]
    assert missing in parse(lines)["missing"]


def test_a_contest_without_its_totals_is_told():
    lines = compose(replace(REPORT, contests=REPORT.contests[:1]))
    assert parse(lines)["missing"] == ["overvotes of preference", "undervotes of preference"]


@pytest.mark.parametrize("stamp", ["28.11.2021 20:03", "2021-11-28T20:03+06:00",
                                   "2021-11-28T20:03:07", "20:03:07"])
def test_a_time_without_date_seconds_or_zone_is_missing(stamp):
    lines = [f"Убакыт / Time: {stamp}" if "Time:" in line else line for line in compose(REPORT)]
    found = parse(lines)
    assert found["time"] == stamp and found["missing"] == ["time"]


def test_a_report_of_a_device_without_time_is_composed_without_it():
    assert parse(compose(replace(REPORT, time=None)))["missing"] == ["time"]


def test_two_reports_on_one_tape_are_told_apart_by_their_end():
    first = compose(REPORT)
    assert parse([*first, *compose(replace(REPORT, number=18))])["number"] == 18
    assert parse(first)["number"] == 17


@given(st.lists(st.text(max_size=60), max_size=20))
def test_no_lines_make_the_reader_raise(lines):
    assert parse(lines)["missing"]


@given(st.data())
def test_damaged_lines_never_make_the_reader_raise(data):
    lines = compose(REPORT)
    for index in data.draw(st.sets(st.integers(0, len(lines) - 1), max_size=6)):
        lines[index] = data.draw(st.text(max_size=42))
    parse(lines)


def test_a_code_too_long_for_its_column_is_an_error_of_the_printer():
    with pytest.raises(ProtocolError, match="at most 18"):
        compose(replace(REPORT, registers=(Register("party", "P" * 19, 0, 0),)))


def test_a_foreign_layout_is_read_by_the_profiles_patterns():
    patterns = ReportPatterns(
        titles={"results": r"PROTOKOL"},
        items={"station": r"UIK N(?P<value>\d+)", "time": r"DATE (?P<value>.*)"},
        contest=r"\[(?P<contest>\w+)\]", register_row=r"(?P<option>\w+)\.+(?P<totals>\d+)",
        end=r"-{5,}")
    found = parse(["PROTOKOL", "UIK N7", "DATE 2021-11-28T20:03:07Z", "[party]", "P01....12",
                   "------"], patterns)
    assert (found["kind"], found["station"], found["votes"]) == (
        "results", "7", {"party": {"P01": 12}})
    assert found["ended"] and "records" not in found["missing"]
    assert "serial" in found["missing"] and "time" not in found["missing"]


@pytest.mark.parametrize("wrong", [
    {"contest": "("}, {"register_row": r"(?P<option>\w+)"}, {"items": {"colour": "(?P<value>.)"}},
    {"items": {"time": "no group"}}, {"titles": {"final": "x"}}])
def test_patterns_that_cannot_work_are_refused(wrong):
    with pytest.raises(ValidationError):
        ReportPatterns.model_validate(wrong)
