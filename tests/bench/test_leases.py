"""Leases of physical addresses."""

import subprocess
import sys

import pytest

from kalys.bench.leases import canonical_address, take_lease
from kalys.errors import LinkError

HOLD = """
import sys
from pathlib import Path
from kalys.bench.leases import take_lease
lease = take_lease("/dev/ttyUSB0", Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_a_port_that_another_process_uses_is_busy_and_its_process_is_named(tmp_path):
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(LinkError) as told:
            take_lease("/dev/ttyUSB0", tmp_path)
        holder.kill()
    assert "the port is busy" in str(told.value)
    assert f"process {holder.pid}" in str(told.value)
    assert str(told.value).startswith("/dev/ttyUSB0")
    take_lease("/dev/ttyUSB0", tmp_path).release()         # the dead process holds it no more


def test_the_same_process_cannot_take_an_address_twice_until_it_is_released(tmp_path):
    lease = take_lease("socket://HOST:4000", tmp_path)
    with pytest.raises(LinkError, match="busy"):
        take_lease("socket://host:4000", tmp_path)
    take_lease("socket://host:4001", tmp_path).release()
    lease.release()
    lease.release()
    take_lease("socket://host:4000", tmp_path).release()


def test_two_names_of_one_port_are_one_address(tmp_path):
    (tmp_path / "ttyUSB0").touch()
    (tmp_path / "by-id").symlink_to(tmp_path / "ttyUSB0")
    assert canonical_address(str(tmp_path / "by-id")) == str(tmp_path / "ttyUSB0")


def test_a_lock_file_left_by_a_dead_process_is_taken_over(tmp_path):
    lease = take_lease("/dev/ttyUSB0", tmp_path)
    path = lease.path
    lease.release()
    path.write_text("999999 /dev/ttyUSB0\n")
    take_lease("/dev/ttyUSB0", tmp_path).release()
