"""A full disk is told as such; what was recorded before is whole, and the run can go on."""

import os
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..running import Kalys, report_of


def at_most(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def test_a_file_that_may_not_grow_is_told_as_a_full_disk(kalys: Kalys, small_plan: Path) -> None:
    full = kalys("certify", "--plan", small_plan, "--out", "run", before=lambda: at_most(20_000))
    assert full.code in (2, 3)
    assert "disk is full" in full.err
    assert "run" in full.err


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 400 kB of its own."""
    disk = tmp_path / "disk"
    disk.mkdir()
    try:
        made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", disk],
                              check=False, capture_output=True)
    except OSError:
        pytest.skip("there is no mount")
    if made.returncode:
        pytest.skip("only the superuser can mount a small disk")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def test_when_the_disk_is_full_the_record_is_whole_and_the_run_goes_on_once_there_is_room(
    kalys: Kalys, long_plan: Path, small_disk: Path
) -> None:
    run = small_disk / "run"
    hog = small_disk / "hog"
    hog.write_bytes(bytes(190_000))
    full = kalys("certify", "--plan", long_plan, "--out", run)
    assert full.code == 3
    assert "disk is full" in full.err
    assert f"kalys certify --resume {run}" in full.err
    checked = kalys("verify", run)
    assert checked.code == 1
    assert "the chain holds over all" in checked.out
    assert "not sealed" in checked.out

    hog.unlink()
    subprocess.run(["mount", "-o", "remount,size=20m", small_disk], check=True)
    assert kalys("certify", "--resume", run).code == 0
    assert report_of(run)["conformity"] == "conforms"
    assert kalys("verify", run).code == 0


def test_a_run_folder_below_a_file_is_refused_before_anything_is_run(
    kalys: Kalys, small_plan: Path
) -> None:
    refused = kalys("certify", "--plan", small_plan, "--out", small_plan / "run")
    assert refused.code == 2
    assert os.fspath(small_plan / "run") in refused.err
