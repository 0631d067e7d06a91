"""What the tests of whole runs share: a command line of their own, and small plans."""

from pathlib import Path

import pytest

from ..running import Kalys, write_long_plan, write_plan


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("key") / "laboratory.key"


@pytest.fixture
def kalys(tmp_path: Path, key: Path) -> Kalys:
    return Kalys(tmp_path, key)


@pytest.fixture
def small_plan(tmp_path: Path) -> Path:
    return write_plan(tmp_path)


@pytest.fixture
def long_plan(tmp_path: Path) -> Path:
    return write_long_plan(tmp_path)
