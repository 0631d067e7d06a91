"""The catalogue: all of the shared one is here, and what is tested says how it is decided."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from kalys.bench.profile import LimitOverride
from kalys.errors import ConfigurationError
from kalys.procedures import registry
from kalys.requirements import catalogue
from kalys.requirements.catalogue import Catalogue, Requirement

SHARED = Path(__file__).parents[3] / "shared" / "requirements_catalogue.yaml"
def test_every_requirement_of_the_shared_catalogue_is_here_with_every_field():
    if not SHARED.is_file():
        pytest.skip("the shared catalogue is not beside this checkout")
    original = yaml.safe_load(SHARED.read_text(encoding="utf-8"))["requirements"]
    ours = {r.id: r for r in catalogue.load()}
    assert list(ours) == [r["id"] for r in original]
    for entry in original:
        own = ours[entry["id"]].model_dump(mode="json")
        assert {key: own[key] for key in entry} == entry


def test_all_156_are_here_and_113_of_them_are_core():
    known = catalogue.load()
    assert len(known) == 156
    assert sum(r.tier == "core" for r in known) == 113


def test_every_limit_reads_as_a_sentence_part():
    for requirement in catalogue.load():
        text = requirement.limit_text()
        assert text.startswith(f"{requirement.limit.metric}: ")
        assert "==" not in text.removeprefix(requirement.limit.metric)
    known = catalogue.load()
    assert known["TIM-006"].limit_text().startswith("speed: at least 220 mm/s")
    assert known["MRK-005"].limit_text() == "report available: yes"
    assert known["ACC-009"].limit_text() == "absolute difference: 0 votes"


def test_every_rule_states_itself_in_words():
    for requirement in catalogue.load():
        if requirement.decision:
            assert len(requirement.decision.words()) > 15


def test_the_catalogue_survives_json():
    known = catalogue.load()
    dumped = json.loads(json.dumps([r.model_dump(mode="json") for r in known]))
    assert Catalogue(tuple(Requirement.model_validate(r) for r in dumped)) == known


def test_an_unknown_requirement_is_named():
    with pytest.raises(ConfigurationError, match="ACC-999"):
        catalogue.load()["ACC-999"]
    assert "ACC-999" not in catalogue.load()


def test_a_profile_overrides_a_limit_and_the_requirement_remembers_why():
    given = LimitOverride(value=90, reason="the law says 90 s", source="order 12")
    known = catalogue.load().overridden({"TIM-009": given})
    changed = known["TIM-009"]
    assert changed.limit_text() == "time: at most 90 s"
    assert changed.decision.value == 90
    assert changed.override.reason == "the law says 90 s"
    assert catalogue.load()["TIM-009"].limit.value == 300


@pytest.mark.parametrize(
    ("name", "value"), [("ACC-999", 1), ("ACC-009", 1), ("TIM-009", "soon"), ("PAP-001", 7)]
)
def test_an_override_that_cannot_be_is_refused(name, value):
    with pytest.raises(ConfigurationError, match=name):
        catalogue.load().overridden({name: LimitOverride(value=value, reason="-")})


def test_a_mistake_in_a_catalogue_is_told_with_file_line_and_field(tmp_path):
    for path in (catalogue.resource("test_suites", "requirements")).glob("*.yaml"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    broken = tmp_path / "timing.yaml"
    broken.write_text(broken.read_text().replace("statistic: mean", "statistik: mean"))
    with pytest.raises(ConfigurationError, match=r"timing\.yaml:\d+.*statisti"):
        catalogue.read(tmp_path)
    broken.unlink()
    (tmp_path / "stray.yaml").write_text("requirements: []\n")
    with pytest.raises(ConfigurationError, match=r"stray\.yaml"):
        catalogue.read(tmp_path)


def test_catalogue_and_procedures_name_each_other():
    there = registry.load()
    named = {(p, r.id) for r in catalogue.load() for p in r.procedures}
    declared = {(p.id, r) for p in there.values() for r in p.requirements}
    assert named == declared
