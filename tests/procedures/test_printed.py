"""What an auditor makes of a printed report, and how two tellings of a result are compared."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from kalys.bench.profile import Profile, load_profile
from kalys.election.definition import load
from kalys.election.tally import Tally
from kalys.procedures import report as reports
from kalys.procedures import totals
from kalys.procedures.printed import Printed
from kalys.protocols.urn.messages import ReportKind
from kalys.protocols.urn.report import ContestTotals, Register, Report, compose
from kalys.protocols.urn.report_reading import ReportPatterns, parse

NOON = datetime(2021, 11, 28, 12, 0, 0, tzinfo=timezone(timedelta(hours=6)))
CONTESTS = load("kg-2021-11-28").style_contests("KG-SM-27")
SHEET = Report(
    kind=ReportKind.RESULTS, number=3, time=NOON, election="kg-2021-11-28", station="1001",
    device="Kalys EU-1", serial="KG-1", software="KALYS-LR-1.4", styles=("KG-SM-27",), sheets=5,
    valid=4, invalid=1,
    registers=tuple(
        Register(c.id, option, 0, 0) for c in CONTESTS for option in c.option_ids
    ),
    contests=tuple(ContestTotals(c.id, 1, 0) for c in CONTESTS),
)


def on_paper(report: Report) -> Printed:
    lines = tuple(compose(report))
    return Printed(report.kind, lines, parse(lines), 0, NOON, 0)


def test_a_whole_report_gives_its_time_its_software_and_its_totals():
    paper = on_paper(SHEET)
    assert paper.moment == NOON
    assert paper.software == "KALYS-LR-1.4"
    assert paper.missing == ()
    tally = paper.tally
    assert tally is not None
    assert (tally.sheets, tally.valid, tally.invalid) == (5, 4, 1)
    assert reports.untimely(paper) == ""


def test_a_report_without_time_is_untimely():
    paper = on_paper(replace(SHEET, time=None))
    assert paper.moment is None
    assert "no date and time" in reports.untimely(paper)


def test_a_report_stamped_an_hour_off_is_untimely():
    paper = on_paper(replace(SHEET, time=NOON - timedelta(hours=1)))
    assert "off the urn's clock" in reports.untimely(paper)


def test_paper_that_is_no_report_has_no_totals():
    paper = Printed(ReportKind.RESULTS, ("hello",), parse(["hello"]), 0, NOON, 0)
    assert paper.tally is None
    assert paper.software == ""


def test_registers_that_are_not_zero_are_named():
    votes = (replace(SHEET.registers[0], totals=2), *SHEET.registers[1:])
    paper = on_paper(replace(SHEET, registers=votes))
    wrong = paper.registers_not_zero()
    assert any(name.endswith(": 2") for name in wrong)
    assert "counted: 5" in wrong
    assert any("overvotes: 1" in name for name in wrong)


class Heard:
    """As much of a session as a comparison reports to."""

    def __init__(self):
        self.counts = []

    def count(self, requirement, trials, failures, *, condition="", note=""):
        self.counts.append((requirement, trials, failures, note))


def test_two_tellings_are_compared_register_by_register():
    one, other = Tally(CONTESTS), Tally(CONTESTS)
    heard = Heard()
    totals.compare(heard, "REP-009", one, other, condition="")
    other.votes[CONTESTS[0].id][CONTESTS[0].option_ids[0]] = 1
    totals.compare(heard, "REP-009", one, other, condition="")
    registers = 3 + len(CONTESTS[0].options) + 2
    assert heard.counts[0] == ("REP-009", registers, 0, "")
    assert heard.counts[1][2] == 1
    assert CONTESTS[0].option_ids[0] in heard.counts[1][3]


def test_a_telling_that_cannot_be_read_is_a_failure():
    heard = Heard()
    totals.compare(heard, "REP-006", Tally(CONTESTS), None, condition="")
    assert heard.counts == [("REP-006", 1, 1, "no totals could be read")]


@pytest.mark.parametrize("outcome", ["success", "OK"])
def test_outcomes_that_say_all_went_well_are_known(outcome):
    assert reports.well(outcome)
    assert not reports.well("counters-not-zero")


def test_reports_of_another_layout_are_read_by_the_patterns_of_the_profile():
    profile = load_profile("kalys-emulated-urn")
    items = dict(ReportPatterns().items, station=r"Polling place no\. (?P<value>.*)")
    data = profile.model_dump(mode="json", exclude_none=True)
    theirs = Profile.model_validate({**data, "tape": {"patterns": {"items": items}}})
    assert theirs.tape is not None
    found = parse(["Polling place no. 1001"], theirs.tape.patterns)
    assert found["station"] == "1001"
    assert parse(["Polling place no. 1001"])["station"] is None
