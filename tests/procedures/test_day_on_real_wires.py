"""One short day in virtual time and on real wires: each device tells the same, in that order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kalys.bench.bench import open_bench
from kalys.errors import ConfigurationError
from kalys.evidence.journal import read_journal
from kalys.procedures.day import play_day
from kalys.procedures.election_day import checking
from kalys.procedures.session import Session
from kalys.requirements.plan import Plan

# Voters far enough apart that the order at an urn does not hang on milliseconds.
SHORT = {
    "day": "short-day", "title": "A day of a minute", "election": "kg-2021-11-28",
    "begins": "07:59:30",
    "stations": [{
        "number": "1001", "urns": {"urn-1": "KG-PL", "urn-2": "KG-SM-27"},
        "kits": {"kit-1": {"check_in": 6}},
        "voters": {
            "number": 3, "first": "08:00:05", "last": "08:00:20", "booth": 2,
            "arrivals": [{"from": "08:00", "weight": 1}],
            "mistakes": {"two-marks": 0.3, "wrong-urn": 0.3},
        },
    }],
    "commission": [
        {"at": "07:59:31", "do": "zero-report"},
        {"at": "08:00", "do": "open"},
        {"at": "20:00", "do": "close"},
        {"at": "20:00:20", "do": "export"},
    ],
    "faults": [{"sheet": 2, "fault": "jam", "urns": ["urn-1"], "at_mm": 250}],
    "expect": [{"at": "20:00:25", "that": "no-unexpected-event"}],
}


def told(journal: Path, **bench: Any) -> dict[str, list[Any]]:
    """What each device reported on the short day: the urns' events, and the world's."""
    with open_bench("emulated-station", seed=3, journal=journal, **bench) as opened:
        session = Session(opened, Plan.load("quick"), opened.journal, 3)
        play = play_day(session, checking.understand(SHORT, "short"), skip_idle_s=2.0)
        assert [o.note for o in session.observations if o.failures] == []
        stories: dict[str, list[Any]] = {
            name: [(r.kind.value, dict(r.fields)) for r in duty.heard]
            for name, duty in play.duties.items()
        }
    for record in read_journal(journal):
        if record.kind == "physical" and "event" in record.data:
            event = {k: v for k, v in record.data.items() if k not in ("t", "at_mm")}
            stories.setdefault(f"paper at {event['urn']}", []).append(event)
    return stories


@pytest.fixture(scope="module")
def virtual(tmp_path_factory):
    return told(tmp_path_factory.mktemp("virtual") / "journal.jsonl")


@pytest.mark.parametrize("wire", ["tcp", "pty"])
def test_virtual_and_real_time_give_the_same_sequence_of_events(tmp_path, virtual, wire):
    real = told(tmp_path / "journal.jsonl", wire=wire, pace=8.0)
    assert sorted(real) == ["paper at urn-1", "paper at urn-2", "urn-1", "urn-2"]
    assert any(kind == "jam" for kind, _ in real["urn-1"])
    for device, story in virtual.items():
        assert real[device] == story, device


def test_a_pace_is_refused_where_no_wire_or_no_emulator_can_keep_it():
    with pytest.raises(ConfigurationError, match="needs real wires"):
        open_bench("emulated-station", pace=60)
    with pytest.raises(ConfigurationError, match="not possible"):
        open_bench("emulated-station", wire="tcp", pace=-1)
