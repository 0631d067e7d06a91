"""A session keeps errors inside one procedure, stamps observations, and judges at the end."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from kalys.bench.profile import load_profile
from kalys.errors import ConfigurationError, Interrupted, LinkError
from kalys.evidence.journal import NullJournal
from kalys.procedures import registry
from kalys.procedures.registry import Procedure, procedure
from kalys.procedures.session import Session
from kalys.requirements.observation import Outcome
from kalys.requirements.plan import Plan


class Bench:
    """As much of a bench as a session asks for."""

    def __init__(self):
        self.clock = SimpleNamespace(base="virtual", now=lambda: 0)
        self.dut_role = "urn"
        self.identity = SimpleNamespace(serial="KG-1")

    def urn(self, name=None):
        return SimpleNamespace(name="urn-1")

    def feeder(self, name=None):
        return None

    def profile(self, name=None):
        return load_profile("kalys-emulated-urn")


class Notebook(NullJournal):
    def __init__(self):
        super().__init__()
        self.records = []

    def add(self, kind, data):
        self.records.append((kind, data))
        return super().add(kind, data)


@pytest.fixture
def session(monkeypatch):
    def known(*procedures: Procedure) -> Session:
        monkeypatch.setattr(registry, "load", lambda: {p.id: p for p in procedures})
        return Session(Bench(), Plan.load("quick"), Notebook(), 7)

    return known


def declared(run):
    return procedure(
        "mark.trial", title="a trial", requirements=("MRK-007",), device_seconds=1, front="pytest"
    )(run)


def test_observations_carry_device_time_base_and_the_records_they_rest_on(session):
    def run(session, parameters):
        session.journal.add("wire", {"bytes": "00"})
        session.count("MRK-007", 3, 0, condition="blank")

    made = session(declared(run))
    result = made.run("mark.trial")
    (seen,) = result.observations
    assert (seen.device, seen.time_base, seen.procedure) == ("KG-1", "virtual", "mark.trial")
    assert seen.evidence == (2, 2)
    assert [kind for kind, _ in made.journal.records] == [
        "procedure", "wire", "observation", "procedure",
    ]
    assert result.verdicts[0].verdict is Outcome.PASS


@pytest.mark.parametrize("error", [LinkError("the cable is out"), ZeroDivisionError("oops")])
def test_an_error_in_one_procedure_blocks_its_requirements_and_nothing_else(session, error):
    def run(session, parameters):
        raise error

    result = session(declared(run)).run("mark.trial")
    assert result.verdicts[0].verdict is Outcome.BLOCKED
    assert str(error) in str(result.error)


def test_a_failure_that_was_seen_stays_a_failure_when_the_procedure_breaks_off_later(session):
    def run(session, parameters):
        session.count("MRK-007", 1, 1, note="a blank ballot was valid")
        raise LinkError("gone")

    assert session(declared(run)).run("mark.trial").verdicts[0].verdict is Outcome.FAIL


@pytest.mark.parametrize("stop", [KeyboardInterrupt, Interrupted("enough")])
def test_a_procedure_that_the_person_at_the_terminal_stops_has_not_ended(session, stop):
    def run(session, parameters):
        raise stop

    made = session(declared(run))
    with pytest.raises((KeyboardInterrupt, Interrupted)):
        made.run("mark.trial")
    assert [record["step"] for _, record in made.journal.records] == ["begin"]


def test_a_role_that_the_bench_lacks_blocks_with_advice(session):
    def run(session, parameters):
        session.feeder.box()

    result = session(declared(run)).run("mark.trial")
    assert "no feeder" in result.error and "bench file" in result.error


def test_random_choices_depend_on_seed_and_name_alone(session):
    made = session()
    assert made.rng("a").random() == made.rng("a").random() != made.rng("b").random()


def test_an_unknown_procedure_is_told_with_those_of_its_family():
    with pytest.raises(ConfigurationError, match=r"mark\.line"):
        registry.get("mark.lines")


def test_every_procedure_that_the_catalogue_names_exists_and_knows_its_requirement():
    from kalys.requirements import catalogue

    procedures = registry.load()
    for requirement in catalogue.load():
        for name in requirement.procedures:
            assert requirement.id in procedures[name].requirements
