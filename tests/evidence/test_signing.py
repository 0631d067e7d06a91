"""The laboratory's key: made once, kept privately, and never silently replaced."""

from __future__ import annotations

import os
import stat

import pytest

from kalys.errors import ConfigurationError
from kalys.evidence.signing import key_path, laboratory_key


def test_the_key_is_made_once_and_loaded_afterwards(tmp_path):
    environment = {"KALYS_KEY": str(tmp_path / "deep" / "lab.key")}
    made = laboratory_key(environment)
    assert "new signing key" in made.warning
    again = laboratory_key(environment)
    assert again.public_hex == made.public_hex
    assert again.warning == ""
    assert again.path == tmp_path / "deep" / "lab.key"
    assert [p.name for p in again.path.parent.iterdir()] == ["lab.key"]


@pytest.mark.skipif(os.name != "posix", reason="file modes")
def test_only_its_owner_can_read_the_key(tmp_path):
    path = tmp_path / "lab.key"
    laboratory_key({"KALYS_KEY": str(path)})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    assert "chmod 600" in laboratory_key({"KALYS_KEY": str(path)}).warning


def test_where_no_key_can_be_kept_an_ephemeral_one_signs_with_a_warning(tmp_path):
    (tmp_path / "file").write_text("")
    key = laboratory_key({"KALYS_KEY": str(tmp_path / "file" / "lab.key")})
    assert key.path is None
    assert "thrown away" in key.warning


@pytest.mark.parametrize("content", [b"", b"not a key", b"\xff\x00"])
def test_a_file_that_is_no_key_is_refused_and_left_alone(tmp_path, content):
    path = tmp_path / "lab.key"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match="not an Ed25519 key"):
        laboratory_key({"KALYS_KEY": str(path)})
    assert path.read_bytes() == content


def test_without_the_variable_the_key_lies_in_the_user_s_configuration():
    assert key_path({}).parts[-2:] == ("kalys", "laboratory.key")
