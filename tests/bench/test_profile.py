"""Profiles: what they say, and how their mistakes are told."""

from pathlib import Path

import jsonschema
import pytest
import yaml

from kalys.bench.checking import check_file
from kalys.bench.profile import load_profile, profile_schema
from kalys.errors import ConfigurationError
from kalys.protocols.urn.authentication import test_key as published_key
from kalys.protocols.urn.messages import Role
from kalys.resources import resource

SHIPPED = sorted(path.stem for path in resource("device_profiles").glob("*.yaml"))


def altered(tmp_path: Path, name: str, old: str, new: str) -> Path:
    text = (resource("device_profiles") / f"{name}.yaml").read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / f"{name}.yaml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_profile_is_good_and_fits_the_published_schema(name):
    assert load_profile(name).profile == name
    data = yaml.safe_load((resource("device_profiles") / f"{name}.yaml").read_text())
    jsonschema.validate(data, profile_schema())


def test_a_misspelt_limit_is_told_with_file_line_field_and_a_hint(tmp_path):
    path = altered(tmp_path, "kalys-emulated-urn", "sheets_per_minute", "sheets_per_minutes")
    line = 1 + next(n for n, text in enumerate(path.read_text().splitlines())
                    if "sheets_per_minutes" in text)
    with pytest.raises(ConfigurationError) as told:
        load_profile(path)
    assert str(told.value).startswith(
        f"{path}:{line}: limits.sheets_per_minutes: no such key; "
        "did you mean sheets_per_minute?"
    )


def test_a_limit_of_the_wrong_kind_is_told_with_its_line(tmp_path):
    path = altered(tmp_path, "kalys-emulated-urn", "capacity: 2000", "capacity: many")
    with pytest.raises(ConfigurationError, match=r"\.yaml:\d+: limits\.capacity: input should be"):
        load_profile(path)


def test_a_dialect_that_lacks_a_field_is_told_by_operation(tmp_path):
    path = altered(tmp_path, "kalys-line-urn", "{serial:quoted}", "{serail:quoted}")
    with pytest.raises(ConfigurationError, match=r"requests\.identify\.answer"):
        load_profile(path)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("protocol: urn-link", "protocol: scpi", "protocol scpi is not one of a urn's"),
        ("protocol: urn-link", "protocol: line", "protocol line and the key dialect"),
        ("credentials:\n  scheme: published-test\n", "", "needs credentials"),
        ("emulated: true", "emulated: false", "emulation goes with"),
        ("code_page: kz1048", "code_page: kz1084", "no printer has the code page kz1084"),
        ("profile: kalys-emulated-urn", "profile: other", "the file is named"),
        ("transport_mm_s: 300", "transport_mm_s: -300", "greater than 0"),
    ],
)
def test_what_does_not_fit_together_is_told(tmp_path, old, new, told):
    path = altered(tmp_path, "kalys-emulated-urn", old, new)
    with pytest.raises(ConfigurationError, match=told):
        load_profile(path)


def test_an_unknown_name_lists_the_shipped_ones():
    with pytest.raises(ConfigurationError, match="kalys-emulated-urn"):
        load_profile("kalys-emulated-urm")


def test_test_keys_are_the_published_ones_and_real_keys_come_from_the_environment(monkeypatch):
    emulated = load_profile("kalys-emulated-urn").credentials
    assert emulated.key("S-1", Role.OPERATOR) == published_key("S-1", "operator")
    real = load_profile("example-serial-urn").credentials
    monkeypatch.setenv("KALYS_KEY_OPERATOR", "00ff")
    assert real.key("S-1", Role.OPERATOR) == b"\x00\xff"
    monkeypatch.delenv("KALYS_KEY_OPERATOR")
    with pytest.raises(ConfigurationError, match="KALYS_KEY_OPERATOR"):
        real.key("S-1", Role.OPERATOR)


def test_checking_a_file_says_what_it_is(tmp_path):
    assert "a urn over urn-link" in check_file("kalys-emulated-urn")
    assert "under test urn-1" in check_file("emulated-station")
    neither = tmp_path / "list.yaml"
    neither.write_text("- 1\n")
    with pytest.raises(ConfigurationError, match="neither a profile nor a bench"):
        check_file(neither)
