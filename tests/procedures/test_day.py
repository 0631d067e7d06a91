"""An election day: a healthy station keeps to every requirement, a broken one shows, and the same
seed gives the same day, byte for byte."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from kalys.bench.bench import open_bench
from kalys.errors import ConfigurationError
from kalys.evidence.journal import NullJournal, read_journal
from kalys.procedures import day as days
from kalys.procedures.day import play_day
from kalys.procedures.election_day import checking
from kalys.procedures.registry import Procedure
from kalys.procedures.session import ProcedureResult, Session
from kalys.protocols.urn.messages import UrnState
from kalys.requirements.plan import Plan
from kalys.resources import resource

VOTERS = 12
DAYS = {p.id: p for p in vars(days).values() if isinstance(p, Procedure)}


@contextmanager
def session_on(*defects: str, seed: int = 1, journal: Path | None = None) -> Iterator[Session]:
    recorder = journal or (lambda _: NullJournal())
    with open_bench("emulated-station", seed=seed, journal=recorder, defects=defects) as bench:
        yield Session(bench, Plan.load("quick"), bench.journal, seed)


def played(session: Session, procedure: str, **parameters: Any) -> ProcedureResult:
    session.plan = session.plan.model_copy(
        update={"procedures": {procedure: {"voters": VOTERS, **parameters}}}
    )
    result = session.run(procedure)
    assert result.error is None
    return result


def against(result: ProcedureResult) -> dict[str, str]:
    return {o.requirement: f"{o.condition}: {o.note}" for o in result.observations if o.failures}


def shipped(name: str, **changes: Any) -> Mapping[str, Any]:
    text = resource("fixtures", "election_days", f"{name}.yaml").read_text()
    return {**yaml.safe_load(text), **changes}


def shortened(**changes: Any) -> Any:
    """The ordinary day without incidents, of so many voters."""
    document = shipped("kg-2021-ordinary", faults=[], **changes)
    return checking.understand(document, "shortened")


@pytest.fixture(scope="module")
def healthy(tmp_path_factory):
    with session_on(journal=tmp_path_factory.mktemp("day") / "journal.jsonl") as session:
        yield session, played(session, "day.ordinary")


def test_nothing_speaks_against_a_healthy_station(healthy):
    _, result = healthy
    assert against(result) == {}
    assert {o.requirement for o in result.observations} == set(DAYS["day.ordinary"].requirements)


def test_both_urns_stand_as_they_were_found(healthy):
    session, _ = healthy
    for name in ("urn-1", "urn-2"):
        urn = session.bench.urn(name)
        assert urn.status().state is UrnState.STANDBY
        reading = urn.read_clock()
        assert abs((reading.device - session.clock.utc()).total_seconds()) < 1


def test_every_voter_checks_in_and_is_in_the_box_of_each_urn(healthy):
    session, _ = healthy
    records = list(read_journal(session.journal.path))
    kits = [r.data["by"] for r in records if r.data.get("do") == "check-in"]
    assert len(kits) == VOTERS
    boxed = session.bench.feeder("urn-2").box()
    assert len(boxed.valid) + len(boxed.invalid) == VOTERS


def test_the_day_takes_thirteen_hours_of_the_run(healthy):
    session, _ = healthy
    assert 13 * 3600 < session.clock.now() / 1e9 < 15 * 3600


def test_the_same_seed_gives_the_same_day_byte_for_byte(tmp_path):
    journals = []
    for number in (1, 2):
        path = tmp_path / f"{number}.jsonl"
        with session_on(journal=path, seed=5) as session:
            played(session, "day.failures")
        journals.append(path.read_bytes().splitlines()[1:])
    assert journals[0] == journals[1]


def test_two_urns_are_busy_at_once(tmp_path):
    path = tmp_path / "journal.jsonl"
    with session_on(journal=path) as session:
        voters = {
            "number": 30, "first": "08:01", "last": "08:06",
            "arrivals": [{"from": "08:00", "weight": 1}],
        }
        station = {"number": "1001", "urns": {"urn-1": "KG-PL", "urn-2": "KG-SM-27"},
                   "voters": voters}
        play_day(session, shortened(stations=[station]))
        inside: set[str] = set()
        together = 0
        for record in read_journal(path):
            if record.data.get("event") == "gate":
                urn = record.data["urn"]
                if record.data["gate"] == "entry":
                    inside.add(urn)
                else:
                    inside.discard(urn)
                together += len(inside) == 2
        assert together > 10


@pytest.mark.parametrize(
    "name", sorted(set(DAYS) - {"day.ordinary", "day.rush_hour", "day.operating_test"})
)
@pytest.mark.parametrize("seed", [1, 2])
def test_every_shipped_day_passes_on_a_healthy_station(name, seed):
    with session_on(seed=seed) as session:
        assert against(played(session, name)) == {}


@pytest.mark.parametrize("name", ["kg-rush-hour", "operating-test-96h"])
def test_the_days_of_bursts_pass_with_short_bursts(name):
    document = shipped(name)
    document["sittings"] = min(2, document.get("sittings", 1))
    for step in document["commission"]:
        if step["do"] == "burst":
            step["minutes"] = 0.1
    with session_on() as session:
        play_day(session, checking.understand(document, name), voters=6)
        assert [o.note for o in session.observations if o.failures] == []
        assert all(o.value >= 1 for o in session.observations if o.requirement == "TIM-007")


@pytest.mark.parametrize(
    ("defect", "day", "requirement"),
    [
        ("early-opening", "day.ordinary", "TIM-008"),
        ("totals-while-open", "day.ordinary", "REP-004"),
        ("double-count-after-jam", "day.ordinary", "PAP-003"),
        ("foreign-counted", "day.ordinary", "ACC-009"),
        ("records-out-of-step:one_in=5", "day.ordinary", "REP-009"),
        ("reopens-after-close", "day.edges", "REP-008"),
        ("clock-set-by-anyone", "day.mistakes", "LOG-004"),
        ("second-sheet-counted", "day.failures", "PAP-002"),
        ("memory-failure-silent", "day.failures", "PWR-005"),
    ],
)
def test_a_broken_urn_shows_on_the_day(defect, day, requirement):
    with session_on(defect) as session:
        assert requirement in against(played(session, day))


def test_an_unmet_expectation_is_a_failed_trial_that_names_its_line():
    day = shortened(expect=[
        {"at": "09:00", "that": "state", "is": "closed"},
        {"at": "20:12", "that": "counted", "at_least": 5000, "requirement": "ACC-009"},
    ])
    with session_on() as session:
        play_day(session, day, voters=2)
        failed = [o for o in session.observations if o.failures]
        assert {o.requirement for o in failed} == {"TIM-008", "ACC-009"}
        assert all("expect[" in o.note for o in failed)
        assert "the urn is open, expected was closed" in failed[0].note


def test_an_expectation_after_an_event_that_never_came_is_not_met():
    day = shortened(expect=[{"after": {"event": "jam"}, "that": "counters-equal-box"}])
    with session_on() as session:
        play_day(session, day, voters=1)
        assert all("never came" in o.note for o in session.observations if o.failures)
        assert sum(bool(o.failures) for o in session.observations) == 2


def test_a_power_cut_at_an_urn_that_no_supply_feeds_is_refused_before_the_day():
    fault = {"at": "09:00", "fault": "power-cut", "urns": ["urn-2"]}
    day = checking.understand(shipped("kg-2021-ordinary", faults=[fault]), "day")
    with (
        session_on() as session,
        pytest.raises(ConfigurationError, match="no supply of the bench feeds urn-2"),
    ):
        play_day(session, day, voters=1)


def test_a_day_of_another_election_is_not_played():
    day = shortened(election="kg-training")
    with session_on() as session, pytest.raises(ConfigurationError, match="is of the election"):
        play_day(session, day)


def test_idle_hours_can_be_skipped_by_setting_the_clocks_forward():
    day = checking.load("kg-2021-ordinary")
    with session_on() as session:
        play_day(session, day, 2, skip_idle_s=30.0)
        assert session.clock.now() / 1e9 < 3600
        assert [o.note for o in session.observations if o.failures] == []


@pytest.mark.parametrize("seed", [5, 13, 23])
def test_a_ballot_in_the_path_when_the_hour_strikes_speaks_against_nobody(seed):
    """A line is at the urn at eight: whoever still stands in it is turned away, whether he got his
    ballot as far as the throat or not. By then the urn's clock has drifted for twelve hours."""
    document = shipped("kg-2021-ordinary", faults=[])
    station = document["stations"][0]
    station["kits"] = {}
    station["voters"] = {
        "number": 60, "first": "19:58:30", "last": "19:59:30", "booth": 1, "papers": 4,
        "arrivals": [{"from": "19:58", "weight": 1}],
    }
    document["commission"] = [
        {"at": "07:50", "do": "zero-report"}, {"at": "08:00", "do": "open"},
        {"at": "20:00", "do": "close"},
    ]
    document["expect"] = [
        {"at": "20:06", "that": "same-turnout"}, {"at": "20:06", "that": "no-unexpected-event"},
    ]
    with session_on(seed=seed) as session:
        play = play_day(session, checking.understand(document, "late"))
        assert not [o.note for o in session.observations if o.failures]
    assert all(0 < duty.turned_away < 60 for duty in play.duties.values())
