"""Procedures of reports, logs and metrological control pass the healthy urn, fail the broken one
for the requirement that it breaks, and leave the urn as they found it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from kalys.bench.bench import open_bench
from kalys.evidence.journal import NullJournal
from kalys.procedures import registry
from kalys.procedures.session import Session
from kalys.protocols.urn.messages import UrnState
from kalys.requirements.observation import Outcome
from kalys.requirements.plan import Plan

SMALL: dict[str, dict[str, Any]] = {
    "log.stamps": {"sheets": 2},
    "log.drift": {"drift_hours": 1, "readings": 5},
    "log.sequence": {"sheets": 2, "events": 20},
    "log.clock_setting": {"attempts": 6},
    "log.components": {"rounds": 1},
    "log.coverage": {},
    "log.calendar": {},
    "log.export": {},
    "log.fields": {"sheets": 2},
    "log.privacy": {"sheets": 3},
    "log.tamper": {"sheets": 1, "trials": 8},
    "report.zero": {},
    "report.non_zero_opening": {"trials": 3},
    "report.test_mode": {"sheets": 6, "votes": 3},
    "report.totals_while_open": {"sheets": 2},
    "report.results": {"sheets": 5},
    "report.consolidation": {"sheets": 3},
    "report.reopening": {},
    "metrology.software_id": {"sheets": 1},
    "metrology.event_counter": {"changes": 5},
}

DEFECTS = [
    ("counter-not-zeroed", "report.test_mode", "REP-003"),
    ("counter-not-zeroed", "report.non_zero_opening", "REP-001"),
    ("clock-drift", "log.drift", "LOG-002"),
    ("totals-while-open", "report.totals_while_open", "REP-004"),
    ("log-entries-lost", "log.sequence", "LOG-003"),
    ("log-entries-lost", "log.coverage", "LOG-005"),
    ("report-without-time", "report.results", "REP-005"),
    ("clock-set-by-anyone", "log.clock_setting", "LOG-004"),
    ("log-rewritable", "log.tamper", "LOG-007"),
    ("choices-in-log", "log.privacy", "LOG-008"),
    ("reopens-after-close", "report.reopening", "REP-008"),
    ("event-counter-reset", "metrology.event_counter", "MET-003"),
    ("stamps-without-zone", "log.stamps", "LOG-001"),
    ("clock-setting-unlogged", "log.clock_setting", "LOG-004"),
    ("media-unlogged", "log.coverage", "LOG-005"),
    ("log-without-user", "log.fields", "LOG-006"),
    ("opens-unchecked", "report.non_zero_opening", "REP-001"),
    ("zero-report-incomplete", "report.zero", "REP-002"),
    ("zero-report-totals-only", "report.zero", "REP-002"),
    ("undervotes-not-printed", "report.results", "REP-006"),
    ("consolidated-twice", "report.consolidation", "REP-007"),
    ("urn-left-out", "report.consolidation", "REP-007"),
    ("printed-total-differs", "report.results", "REP-009"),
    ("software-unnamed", "metrology.software_id", "MET-001"),
    ("plugging-silent", "log.components", "LOG-010"),
]


@contextmanager
def session_on(*defects: str, seed: int = 1, procedures: Mapping[str, Any] = SMALL):
    plan = Plan.load("quick").model_copy(update={"procedures": procedures, "samples": {}})
    journal = NullJournal()
    with open_bench("emulated-station", seed=seed, journal=lambda _: journal, defects=defects) as b:
        yield Session(b, plan, journal, seed)


def failed(session: Session, procedure: str) -> set[str]:
    result = session.run(procedure)
    assert result.error is None
    return {v.requirement for v in result.verdicts if v.verdict is Outcome.FAIL}


def test_every_procedure_of_the_family_is_tried_here():
    ours = {p for p in registry.load() if p.split(".")[0] in ("log", "report", "metrology")}
    assert ours == set(SMALL)


def test_a_healthy_urn_passes_them_all_and_is_left_as_it_was():
    with session_on(seed=5) as session:
        before = session.urn.parameters()
        identity = session.urn.identity()
        for procedure in SMALL:
            assert failed(session, procedure) == set(), procedure
            assert session.urn.status().state is UrnState.STANDBY, procedure
        assert session.urn.parameters() == before
        assert session.urn.identity() == identity
        assert not any(o.kind == "blocked" for o in session.observations)


@pytest.mark.parametrize(("defect", "procedure", "requirement"), DEFECTS)
def test_a_broken_urn_fails_the_requirement_that_it_breaks(defect, procedure, requirement):
    with session_on(defect, seed=3) as session:
        assert requirement in failed(session, procedure)
        assert session.urn.status().state is UrnState.STANDBY


def test_a_zero_report_that_lacks_a_register_fails(monkeypatch):
    from kalys.procedures import report

    def without_a_line(prepared, kind):
        paper = _take(prepared, kind)
        del paper.found["votes"]["party"]["P01"]
        return paper

    _take = report.printed.take
    monkeypatch.setattr(report.printed, "take", without_a_line)
    with session_on() as session:
        assert failed(session, "report.zero") == {"REP-002"}
        assert "party/P01 in votes" in session.observations[-1].note


def test_a_report_with_another_software_identifier_fails(monkeypatch):
    from kalys.procedures import report

    def relabelled(prepared, kind):
        paper = _take(prepared, kind)
        paper.found["software"] = "SOMETHING-ELSE"
        return paper

    _take = report.printed.take
    monkeypatch.setattr(report.printed, "take", relabelled)
    with session_on() as session:
        assert failed(session, "metrology.software_id") == {"MET-001"}


def test_a_bench_with_one_urn_cannot_show_a_consolidation(monkeypatch):
    with session_on() as session:
        monkeypatch.setattr(type(session.bench), "urn_names", ("urn-1",))
        session.run("report.consolidation")
        assert session.verdicts(("REP-007",))[0].verdict is Outcome.BLOCKED
