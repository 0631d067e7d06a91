"""An election day: a healthy station keeps to every requirement, a broken one shows, and the same
seed gives the same day, byte for byte."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path

import pytest

from kalys.bench.bench import open_bench
from kalys.evidence.journal import NullJournal
from kalys.procedures import day_script
from kalys.procedures.day import REQUIREMENTS, play_day
from kalys.procedures.session import Session
from kalys.protocols.urn.messages import UrnState
from kalys.requirements.plan import Plan

VOTERS = 12


@contextmanager
def session_on(*defects: str, seed: int = 1, journal: Path | None = None, day: str = ""):
    parameters = {"voters": VOTERS, "day": day or "kg-2021-ordinary"}
    plan = Plan.load("quick").model_copy(update={"procedures": {"day.ordinary": parameters}})
    recorder = journal or (lambda _: NullJournal())
    with open_bench("emulated-station", seed=seed, journal=recorder, defects=defects) as bench:
        yield Session(bench, plan, bench.journal, seed)


def speaks_against(session: Session) -> set[str]:
    result = session.run("day.ordinary")
    assert result.error is None
    return {o.requirement for o in result.observations if o.failures}


@pytest.fixture(scope="module")
def healthy(tmp_path_factory):
    with session_on(journal=tmp_path_factory.mktemp("day") / "journal.jsonl") as session:
        against = speaks_against(session)
        yield session, against


def test_nothing_speaks_against_a_healthy_station(healthy):
    session, against = healthy
    assert against == set()
    assert {o.requirement for o in session.observations} == set(REQUIREMENTS)


def test_both_urns_stand_as_they_were_found(healthy):
    session, _ = healthy
    for name in ("urn-1", "urn-2"):
        urn = session.bench.urn(name)
        assert urn.status().state is UrnState.STANDBY
        reading = urn.read_clock()
        assert abs((reading.device - session.clock.utc()).total_seconds()) < 1


def test_every_voter_and_the_incidents_are_in_the_box_of_each_urn(healthy):
    session, _ = healthy
    assert session.bench.feeder("urn-1").box().valid
    boxed = session.bench.feeder("urn-2").box()
    assert len(boxed.valid) + len(boxed.invalid) == VOTERS


def test_the_day_takes_thirteen_hours_of_the_run(healthy):
    session, _ = healthy
    assert 13 * 3600 < session.clock.now() / 1e9 < 15 * 3600


def test_the_same_seed_gives_the_same_day_byte_for_byte(healthy, tmp_path):
    session, _ = healthy
    again = tmp_path / "journal.jsonl"
    with session_on(journal=again) as second:
        speaks_against(second)
        lines = again.read_bytes().splitlines()
        # Line 0 is the header; the first session may have said more since its day ended.
        assert session.journal.path.read_bytes().splitlines()[1 : len(lines)] == lines[1:]


@pytest.mark.parametrize(
    ("defect", "requirement"),
    [
        ("early-opening", "TIM-008"),
        ("totals-while-open", "REP-004"),
        ("double-count-after-jam", "PAP-003"),
        ("foreign-counted", "ACC-009"),
        ("records-out-of-step:one_in=5", "REP-009"),
    ],
)
def test_a_broken_urn_shows_on_the_day(defect, requirement):
    with session_on(defect) as session:
        assert requirement in speaks_against(session)


def test_a_day_of_another_election_is_not_played(tmp_path):
    text = day_script.resources.find("kg-2021-ordinary", day_script.FOLDER).read_text()
    path = tmp_path / "other.yaml"
    path.write_text(text.replace("election: kg-2021-11-28", "election: kg-training"))
    with session_on(day=str(path)) as session:
        assert "is of the election kg-training" in session.run("day.ordinary").error


def test_idle_hours_can_be_skipped_by_setting_the_clocks_forward():
    day = day_script.load("kg-2021-ordinary")
    with session_on() as session:
        play_day(session, day, 2, skip_idle_s=30.0)
        assert session.clock.now() / 1e9 < 1800
        assert not any(o.failures for o in session.observations)
