"""Every defect changes what it names, visibly from outside; the healthy urn does not show it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kalys.ballots.package import urn_package
from kalys.ballots.sheet import Mark, Paper
from kalys.ballots.templates import layouts_for
from kalys.emulators.defects import (
    CATALOGUE,
    GROUPS,
    behaviour_with,
    counting,
    logs,
    paper,
    parse,
    reading,
    reports,
    states,
)
from kalys.errors import ConfigurationError
from kalys.protocols import world as link
from kalys.protocols.urn import log_chain, report_reading
from kalys.protocols.urn.messages import EventKind, Op, UrnState

Make = Callable[..., Any]          # the fixture ``station``
URN = "urn-1"


def _votes_after(s: Any, *sheets: Any) -> dict[str, int]:
    for sheet in sheets:
        s.feed(sheet)
    s.close()
    return dict(s.votes())


def vote_dropped(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=[f"{d}:every=2,option=3" for d in defects])
    found = _votes_after(s, *(s.sheet("party/P04") for _ in range(3)))
    return found != {"party/P04": 3} and sum("P04" in r["marks"] for r in s.records()) == 2


def double_count_after_jam(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=defects)
    s.do(link.JamNext(URN, 500))
    sheet = s.sheet("party/P01")
    s.feed(sheet, seconds=8)
    s.do(link.ClearJam(URN))
    return bool(_votes_after(s, sheet) == {"party/P01": 2})


def counter_not_zeroed(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.TEST, defects=defects)
    s.feed(s.sheet("party/P04"))
    s.ask(Op.TEST_MODE, on=False)
    zero = report_reading.parse(s.print("zero"))
    assert zero["votes"]["party"]["P04"] == 0
    s.set_clock(8)
    s.login("operator")
    s.ask(Op.OPEN)
    return bool(_votes_after(s, s.sheet("party/P05")) != {"party/P05": 1})


def overvote_counted(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=defects)
    return bool(s.feed(s.sheet("party/P01", "party/P02")) == "valid")


def clock_drift(make: Make, defects: list[str]) -> bool:
    s = make(defects=defects)
    start = s.ask(Op.GET_CLOCK)["time_ms"]
    s.run(1000)
    return bool(s.ask(Op.GET_CLOCK)["time_ms"] - start == 1_002_000)


def totals_while_open(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=defects)
    s.feed(s.sheet("party/P01"))
    granted = {s.result(Op.RESULTS), s.result(Op.RECORDS, first=0, count=9),
               s.result(Op.PRINT, kind="results"), s.result(Op.EXPORT_BEGIN, kind="results")}
    assert len(granted) == 1
    return granted == {"ok"}


def early_opening(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.READY, defects=defects)
    s.print("zero")
    s.login("operator")
    return bool(s.result(Op.OPEN) == "ok")


def log_entries_lost(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.CLOSED, defects=defects)
    numbers = [entry["sequence"] for entry in s.log()]
    return bool(numbers != list(range(1, len(numbers) + 1)))


def fold_as_vote(make: Make, defects: list[str]) -> bool:
    from kalys.ballots.deck import folds

    s = make(UrnState.OPEN, defects=defects)
    for sheet in folds(s.definition, "KG-PL", 6, 3).sheets:
        s.feed(sheet)
    s.close()
    return any(len(r["marks"].split(";")) > 1 for r in s.records())


def records_out_of_step(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=[f"{d}:one_in=2" for d in defects])
    found = _votes_after(s, *(s.sheet(f"party/P{n:02d}") for n in range(1, 6)))
    assert found == {f"party/P{n:02d}": 1 for n in range(1, 6)}
    return len({r["marks"] for r in s.records()}) < 5


def slow_transport(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=defects)
    s.feed(s.sheet("party/P01"))
    times = [n.t for n in s.notices if isinstance(n, link.GateCrossed) and n.edge == "lead"]
    return bool((times[1] - times[0]) / 1e9 > 1.1 * 480 / 300)


def report_without_time(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.READY, defects=defects)
    return not report_reading.parse(s.print("zero"))["time"]


def second_sheet_counted(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=defects)
    outcome = s.feed(s.sheet("party/P01"), s.sheet("party/P02"), overlap_mm=20)
    return bool(outcome == "valid" and len(s.box()) == 2 and s.status()["valid"] == 1)


def foreign_counted(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=defects)
    return bool(s.feed(s.sheet(style="KG-SM-27")) in ("valid", "invalid"))


def false_success(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=defects)
    assert s.feed(s.sheet(style="plain")) not in ("valid", "invalid")
    notice = next(e for e in s.events if e.kind is EventKind.NOTICE)
    return bool(notice.fields["text"] == "accepted")


def vote_lost_at_power_cut(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=defects)
    s.insert(s.sheet("party/P01"))
    s.run(2.8)
    s.cut_power()
    return bool(s.box() == ["s001"] and s.status()["valid"] == 0)


def pulled_back_counted(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=defects)
    s.insert(s.sheet("party/P01"))
    s.run(0.4)
    s.do(link.PullBack(URN))
    s.run(3)
    return bool(s.status()["valid"] + s.status()["invalid"] == 1 and s.box() == [])


def clock_set_by_anyone(make: Make, defects: list[str]) -> bool:
    s = make(defects=defects)
    return bool(s.result(Op.SET_CLOCK, time_ms=1_638_100_000_000, offset_min=360) == "ok")


def log_rewritable(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.READY, defects=defects)
    s.do(link.TamperLog(URN, "delete", 2))
    items = {item["name"]: item["ok"] for item in s.ask(Op.SELF_TEST)["items"]}
    chained = not log_chain.breaks([SimpleNamespace(**entry) for entry in s.log()])
    return bool(items["event-log"] and chained)


def choices_in_log(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=defects)
    s.feed(s.sheet("party/P17"))
    return any("P17" in entry["event"] for entry in s.log())


def reopens_after_close(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.CLOSED, defects=defects)
    s.login("operator")
    return bool(s.result(Op.OPEN) == "ok" and s.status()["state"] == "open")


def event_counter_reset(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.CLOSED, defects=defects)
    before = s.status()["event_counter"]
    s.ask(Op.RESET_ELECTION)
    return bool(s.status()["event_counter"] < before)


def upside_down_misread(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=defects)
    sheet = s.sheet("party/P02", orientation="down-foot")
    return bool(_votes_after(s, sheet) != {"party/P02": 1})


def thin_line_missed(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=defects)
    sheet = s.sheet()
    line = type(sheet)(**{**{f: getattr(sheet, f) for f in sheet.__slots__},
                          "marks": (Mark("party", "P02", "line"),)})
    return bool(s.feed(line) == "invalid")


def silent_capacity(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=defects, capacity=4)
    for _ in range(4):
        s.feed(s.sheet("party/P01"))
    return EventKind.ALARM not in s.kinds()


def counter_wraps(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=[f"{d}:at=3" for d in defects])
    found = _votes_after(s, *(s.sheet("party/P01") for _ in range(3)))
    told = s.ask(Op.RESULTS)
    return (found, told["valid"], len(s.records())) == ({}, 0, 3)


def dead_position(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=defects)
    outcomes = [s.feed(s.sheet(f"party/{option}")) for option in ("P06", "P07")]
    return outcomes == ["invalid", "valid"]


def silent_integrity(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=defects)
    s.do(link.DisturbCounter(URN, "party", "P01", -1))
    outcome = s.feed(s.sheet("party/P02"))
    items = {item["name"]: item["ok"] for item in s.ask(Op.SELF_TEST)["items"]}
    return bool(outcome == "valid" and EventKind.ALARM not in s.kinds() and items["memory"])


def inaudible_alarm(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=defects)
    s.do(link.DisturbCounter(URN, "party", "P01", -1))
    s.feed(s.sheet("party/P02"))
    alarm = next(e for e in s.events if e.kind is EventKind.ALARM)
    return bool(alarm.fields["visible"] and not alarm.fields["audible"])


def flipping_threshold(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=defects)
    dash = replace(s.sheet(), marks=(Mark("party", "P02", "dash"),))
    return len({s.feed(replace(dash, id=f"dash-{scan}")) for scan in range(2)}) > 1


def thresholds_not_told(make: Make, defects: list[str]) -> bool:
    s = make(defects=defects)
    s.login("administrator")
    told = {row["name"] for row in s.ask(Op.PARAMETERS)["items"]}
    assert told == set(report_reading.parse(s.print("parameters"))["parameters"])
    return "mark_vote_fill" not in told


def thresholds_of_works_told(make: Make, defects: list[str]) -> bool:
    s = make(defects=defects)
    s.login("administrator")
    s.ask(Op.SET_PARAMETER, name="mark_vote_fill", value="0.2")
    told = {row["name"]: row["value"] for row in s.ask(Op.PARAMETERS)["items"]}
    on_paper = report_reading.parse(s.print("parameters"))["parameters"]["mark_vote_fill"][0]
    return told["mark_vote_fill"] != "0.2" and on_paper != "0.2"


def dot_counted(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=defects)
    return bool(s.feed(replace(s.sheet(), marks=(Mark("party", "P02", "dot"),))) == "valid")


def pencil_missed(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=defects)
    return bool(s.feed(replace(s.sheet(), marks=(Mark("party", "P02", "pencil"),))) == "invalid")


def frequent_misfeeds(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=[f"{d}:one_in=2" for d in defects])
    outcomes = [s.feed(s.sheet("party/P01")) for _ in range(4)]
    return outcomes == ["valid", "unreadable"] * 2 and len(s.returned()) == 2


def unreadable_counted(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=defects)
    return bool(s.feed(s.sheet("party/P01", paper=Paper(skew_deg=9))) == "invalid")


def confirmation_missing(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=defects)
    assert s.feed(s.sheet("party/P01")) == "valid"
    return "accepted" not in {e.fields["text"] for e in s.events if e.kind is EventKind.NOTICE}


def slow_between_sheets(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=defects)
    for _ in range(2):
        s.insert(s.sheet("party/P01"))
    s.run(8)
    entries = [n.t for n in s.notices
               if isinstance(n, link.GateCrossed) and (n.gate, n.edge) == ("entry", "lead")]
    return bool((entries[1] - entries[0]) / 1e9 > 3)


def slow_closing_report(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.CLOSED, defects=defects)
    return not s.print("results")


def short_battery(make: Make, defects: list[str]) -> bool:
    s = make(defects=defects)
    s.supply("OUTP OFF,(@2)")
    s.run(100 * 60)
    return s.send(Op.STATUS) is None


def stamps_without_zone(make: Make, defects: list[str]) -> bool:
    s = make(defects=defects)
    moments = [datetime.fromisoformat(entry["stamp"]) for entry in s.log()]
    return all(moment.tzinfo is None for moment in moments)


def media_unlogged(make: Make, defects: list[str]) -> bool:
    s = make(defects=defects)
    s.do(link.Media(URN, False))
    numbers = [entry["sequence"] for entry in s.log()]
    assert EventKind.MEDIA in s.kinds() and numbers == list(range(1, len(numbers) + 1))
    return "media" not in {entry["kind"] for entry in s.log()}


def clock_setting_unlogged(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=defects)         # on the way there its clock was set
    return "clock" not in {entry["kind"] for entry in s.log()}


def log_without_user(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.READY, defects=defects)
    return not any(entry["user"] for entry in s.log())


def opens_unchecked(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.READY, defects=defects)
    s.set_clock(9)
    s.do(link.DisturbCounter(URN, "party", "P01", 5))
    s.login("operator")
    return bool(s.result(Op.OPEN) == "ok")


def zero_report_incomplete(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.READY, defects=defects)
    return set(report_reading.parse(s.print("zero"))["votes"]) == {"party"}


def zero_report_totals_only(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.READY, defects=defects)
    row = next(line for line in s.print("zero") if line.startswith("P01 "))
    return row.split()[-2:] != ["0", "0"]


def _final_report(make: Make, defects: list[str]) -> dict[str, Any]:
    s = make(UrnState.OPEN, defects=defects)
    assert _votes_after(s, s.sheet("party/P01")) == {"party/P01": 1}
    return report_reading.parse(s.print("results"))


def undervotes_not_printed(make: Make, defects: list[str]) -> bool:
    return bool(_final_report(make, defects)["undervotes"]["preference"] == 0)


def printed_total_differs(make: Make, defects: list[str]) -> bool:
    return bool(_final_report(make, defects)["votes"]["party"]["P01"] == 2)


def _station_report(make: Make, defects: list[str]) -> int:
    """Votes for P01 on the report of a station in which either urn has one."""
    s = make(UrnState.OPEN, defects=defects)
    s.feed(s.sheet("party/P01"))
    s.close()
    size = s.ask(Op.EXPORT_BEGIN, kind="results")["size"]
    own = json.loads(s.ask(Op.EXPORT_CHUNK, offset=0, length=size)["data"])
    other = {**own, "device": {**own["device"], "serial": "KG-TEST-2"}}
    assert s.load("results", json.dumps(other).encode()) == "ok"
    return int(report_reading.parse(s.print("station"))["votes"]["party"]["P01"])


def consolidated_twice(make: Make, defects: list[str]) -> bool:
    return _station_report(make, defects) == 3


def urn_left_out(make: Make, defects: list[str]) -> bool:
    return _station_report(make, defects) == 1


def software_unnamed(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.READY, defects=defects)
    return "KALYS-LR" not in "".join(s.print("zero"))


def integrity_sees_negatives_only(make: Make, defects: list[str]) -> bool:
    alarms = []
    for value in (-1, 1):
        s = make(UrnState.OPEN, defects=defects)
        s.do(link.DisturbCounter(URN, "party", "P01", value))
        s.feed(s.sheet("party/P02"))
        alarms.append(EventKind.ALARM in s.kinds())
    return alarms == [True, False]


def foot_of_page_underread(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=defects)
    targets = layouts_for(s.definition)["KG-PL"].front.targets
    high, low = (pick((t for t in targets if t.contest == "party"), key=lambda t: t.y)
                 for pick in (min, max))
    lines = (replace(s.sheet(), marks=(Mark("party", t.option, "line"),)) for t in (high, low))
    return [s.feed(line) for line in lines] == ["valid", "invalid"]


def late_ballots_taken(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN, defects=defects)
    s.login("administrator")
    s.set_clock(20, 2)
    assert s.feed(s.sheet("party/P01")) == "not-open"
    s.set_clock(20, 0, 30)
    return bool(s.feed(s.sheet("party/P01")) == "valid")


def log_stamp_rounded(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.CLOSED, defects=defects)
    return all(datetime.fromisoformat(entry["stamp"]).second == 0 for entry in s.log())


def log_user_late(make: Make, defects: list[str]) -> bool:
    s = make(defects=defects)
    s.login("auditor")
    return bool(s.log()[-1]["user"] != "auditor")


def log_burst_lost(make: Make, defects: list[str]) -> bool:
    s = make(defects=[f"{d}:entries=4" for d in defects])
    for _ in range(6):
        s.login("auditor")
    s.login("administrator")
    s.set_clock(8)
    numbers = [entry["sequence"] for entry in s.log()]
    return numbers != list(range(1, len(numbers) + 1))


def log_number_wraps(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.CLOSED, defects=[f"{d}:before=65530" for d in defects])
    return 0 in {entry["sequence"] for entry in s.log()}


def _reports(make: Make, defects: list[str]) -> tuple[dict[str, Any], list[str]]:
    """The results of three sheets for P01 and one for P02, read and as lines."""
    s = make(UrnState.OPEN, defects=defects)
    for option in ("P01", "P01", "P01", "P02"):
        s.feed(s.sheet(f"party/{option}"))
    s.close()
    lines = s.print("results")
    return report_reading.parse(lines), lines


def options_swapped(make: Make, defects: list[str]) -> bool:
    votes = _reports(make, defects)[0]["votes"]["party"]
    return bool(votes["P01"] == 0)


def last_row_cut(make: Make, defects: list[str]) -> bool:
    s = make(UrnState.OPEN)
    options = s.definition.style_contests("KG-PL")[-1].option_ids
    votes = _reports(make, defects)[0]["votes"]
    return set(options) - set(votes["preference"]) == {options[-1]}


def votes_rounded(make: Make, defects: list[str]) -> bool:
    return bool(_reports(make, defects)[0]["votes"]["party"]["P01"] == 0)


def sum_wrong(make: Make, defects: list[str]) -> bool:
    found = _reports(make, defects)[0]
    assert found["votes"]["party"]["P01"] == 3
    return bool(found["valid"] == 5)


def row_printed_twice(make: Make, defects: list[str]) -> bool:
    return bool(_reports(make, defects)[0]["doubled"] == ["party/P01"])


def station_wrong(make: Make, defects: list[str]) -> bool:
    return bool(_reports(make, defects)[0]["station"] == "0001")


def election_of_works(make: Make, defects: list[str]) -> bool:
    return bool(_reports(make, defects)[0]["election"] != "kg-2021-11-28")


SHOWN: dict[str, Callable[[Make, list[str]], bool]] = {
    entry.name: globals()[entry.name.replace("-", "_")]
    for group in (counting, reading, paper, states, logs, reports) for entry in group.ENTRIES
}


@pytest.mark.parametrize("name", list(SHOWN))
def test_the_defect_shows_and_the_healthy_urn_does_not_show_it(station: Make, name: str) -> None:
    assert SHOWN[name](station, [name])
    assert not SHOWN[name](station, [])


def test_every_group_of_defects_has_its_demonstrations() -> None:
    here = Path(__file__).parent
    for group in GROUPS:
        name = group.__name__.rpartition(".")[2]
        beside = here / f"test_defects_{name}.py"
        assert beside.exists() or {entry.name for entry in group.ENTRIES} <= set(SHOWN), name


def test_every_defect_names_what_it_breaks_and_who_must_find_it() -> None:
    for name, defect in CATALOGUE.items():
        assert defect.name == name and defect.summary and defect.requirements and defect.procedures


def test_an_unknown_defect_is_refused_with_the_nearest_names() -> None:
    with pytest.raises(ConfigurationError, match="overvote-counted"):
        behaviour_with(["overvotes-counted"])


def test_a_parameter_that_a_defect_does_not_have_is_refused_with_those_it_has() -> None:
    assert parse("vote-dropped:every=500")[1] == {"every": 500, "option": 3}
    for text in ("vote-dropped:often=1", "vote-dropped:every=often", "false-success:x=1"):
        with pytest.raises(ConfigurationError, match="parameters and their defaults"):
            parse(text)


def test_defects_can_be_built_in_together(station: Make) -> None:
    s = station(defects=["clock-set-by-anyone", "clock-drift:ppm=1000"])
    assert s.result(Op.SET_CLOCK, time_ms=1_638_100_000_000, offset_min=360) == "ok"
    s.run(1000)
    assert s.ask(Op.GET_CLOCK)["time_ms"] == 1_638_101_001_000
    s.login("administrator")
    assert s.load("definition", urn_package(s.definition, "KG-PL", "1001")) == "ok"


def test_a_defect_cannot_be_built_in_twice() -> None:
    with pytest.raises(ConfigurationError, match="twice"):
        behaviour_with(["false-success", "false-success"])
