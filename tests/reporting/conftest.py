"""One complete run that the tests of this folder read, and copies of it that they may spoil."""

import shutil
from pathlib import Path

import pytest

from ..running import Kalys, write_plan


@pytest.fixture(scope="session")
def complete_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("complete")
    plan = write_plan(
        folder, requirements=["MRK-001", "TIM-006", "ACC-001"],
        samples={"MRK-001": 3, "ACC-001": 1000},
        procedures={"mark.line": {"marks": 3}, "timing.transport": {"sheets": 6},
                    "count.volume": {"sheets": 30}},
    )
    ended = Kalys(folder, folder / "laboratory.key")(
        "certify", "--plan", plan, "--out", "run", "--seed", 7
    )
    assert ended.code in (0, 3), ended.err
    return folder / "run"


@pytest.fixture
def run(complete_run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(complete_run, tmp_path / "run"))
