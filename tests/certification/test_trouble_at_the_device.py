"""A device that is absent, busy, silent, foreign or gone: what is told, and what is kept."""

import contextlib
import os
import pty
import signal
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from kalys.bench.leases import take_lease

from ..running import (
    Kalys,
    emulated,
    report_of,
    talking,
    wait_for,
    write_bench,
    write_long_plan,
    write_plan,
)


def certify(kalys: Kalys, link: str, profile: str = "kalys-emulated-urn"):
    bench = write_bench(kalys.folder, link, profile)
    plan = write_plan(kalys.folder)
    return kalys("certify", "--bench", bench, "--plan", plan, "--out", "run")


@pytest.mark.parametrize(("link", "told"), [
    ("/dev/ttyNOWHERE9", "/dev/ttyNOWHERE9"),
    ("socket://127.0.0.1:1", "nothing listens there"),
    ("nonsense://x", "nonsense"),
])
def test_a_port_that_is_absent_is_named_and_nothing_is_left_behind(
    kalys: Kalys, link: str, told: str
) -> None:
    refused = certify(kalys, link)
    assert refused.code == 2
    assert told in refused.err
    assert len(refused.err.strip().splitlines()) <= 3, "what, where, what to do"
    assert not (kalys.folder / "run").exists()


def test_a_port_that_another_run_uses_is_told_as_busy_with_its_process(kalys: Kalys) -> None:
    lease = take_lease("/dev/ttyNOWHERE8")
    try:
        refused = certify(kalys, "/dev/ttyNOWHERE8")
    finally:
        lease.release()
    assert refused.code == 2
    assert f"busy: another run of kalys uses it (process {os.getpid()})" in refused.err
    assert not (kalys.folder / "run").exists()


def test_a_silent_device_is_told_after_its_attempts_and_what_was_sent_is_kept(
    kalys: Kalys
) -> None:
    main, device = pty.openpty()
    try:
        silent = certify(kalys, os.ttyname(device))
    finally:
        os.close(main)
        os.close(device)
    assert silent.code == 2
    assert "no answer to identify" in silent.err
    assert "Is it powered?" in silent.err
    assert "--resume run" in silent.err
    assert kalys("verify", "run").code == 0


def says(data: bytes, pause: float = 0.05) -> Callable[[socket.socket], None]:
    def speak(caller: socket.socket) -> None:
        while True:
            caller.sendall(data)
            time.sleep(pause)

    return speak


@pytest.mark.parametrize("data", [
    pytest.param(b"\r\nUART v1.2 booting...\r\n", id="text"),
    pytest.param(bytes(range(256)), id="every byte"),
    pytest.param(b"\x7e\x00\xff\xff\x01", id="half frames"),
])
def test_garbage_on_the_line_is_told_as_such_with_its_first_bytes(
    kalys: Kalys, data: bytes
) -> None:
    with talking(says(data)) as link:
        refused = certify(kalys, link)
    assert refused.code == 2
    assert link in refused.err
    assert "first bytes were" in refused.err or "no answer" in refused.err
    assert kalys("verify", "run").code == 0


@pytest.mark.parametrize(("device", "profile"), [
    ("kalys-line-urn", "kalys-emulated-urn"),
    ("kalys-emulated-urn", "kalys-line-urn"),
])
def test_the_wrong_protocol_is_suspected_in_words(
    kalys: Kalys, device: str, profile: str
) -> None:
    with emulated(device) as addresses:
        refused = certify(kalys, addresses["link"], profile)
    assert refused.code == 2
    assert "no answer to identify" in refused.err
    assert "profile's" in refused.err


def outside_bench(kalys: Kalys, addresses: dict) -> Path:
    return write_bench(
        kalys.folder, addresses["link"], feeder=addresses["world"], hands=addresses["world"],
        printer=addresses["printer"],
    )


def test_when_the_device_dies_the_rest_is_blocked_with_the_reason_and_reported(
    kalys: Kalys
) -> None:
    plan = write_long_plan(kalys.folder)
    with emulated() as addresses:
        process = kalys.start("certify", "--bench", outside_bench(kalys, addresses),
                              "--plan", plan, "--out", "run")
        wait_for(process, kalys.folder / "run" / "evidence" / "journal.jsonl", '"k":"sheet"')
        addresses["process"].kill()
        ended = kalys.ended(process)
    assert ended.code == 3
    verdicts = {v["requirement"]: v for v in report_of(kalys.folder / "run")["verdicts"]}
    assert {verdicts[name]["verdict"] for name in ("MRK-001", "MRK-002")} == {"BLOCKED"}
    assert "link was lost" in verdicts["MRK-001"]["reason"]
    assert "the device is gone" in verdicts["MRK-002"]["reason"]
    assert "nothing listens there" in verdicts["MRK-002"]["reason"]
    assert report_of(kalys.folder / "run")["device"]["emulated"], "wherever it runs"
    assert kalys("verify", "run").code == 0


class Cable:
    """A TCP relay to ``url`` that can be pulled out; the next caller finds it put back."""

    def __init__(self, url: str) -> None:
        host, port = url.removeprefix("socket://").split(":")
        self._device = (host, int(port))
        self._ends: list[socket.socket] = []

    def relay(self, caller: socket.socket) -> None:
        with socket.create_connection(self._device) as device:
            self._ends = [caller, device]
            back = threading.Thread(target=self._carry, args=(device, caller), daemon=True)
            back.start()
            self._carry(caller, device)
            back.join()

    def pull(self) -> None:
        for end in self._ends:
            end.shutdown(socket.SHUT_RDWR)

    @staticmethod
    def _carry(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(4096):
                target.sendall(data)


def test_after_a_cable_was_pulled_and_put_back_the_rest_of_the_plan_is_run(kalys: Kalys) -> None:
    plan = write_plan(kalys.folder, requirements=["MRK-001", "LOG-004"])
    with emulated() as addresses:
        cable = Cable(addresses["link"])
        with talking(cable.relay) as link:
            bench = outside_bench(kalys, {**addresses, "link": link})
            process = kalys.start("certify", "--bench", bench, "--plan", plan, "--out", "run")
            wait_for(process, kalys.folder / "run" / "evidence" / "journal.jsonl", '"k":"sheet"')
            cable.pull()
            ended = kalys.ended(process)
    verdicts = {v["requirement"]: v for v in report_of(kalys.folder / "run")["verdicts"]}
    assert ended.code == 3
    assert verdicts["MRK-001"]["verdict"] == "BLOCKED"
    assert "link was lost" in verdicts["MRK-001"]["reason"]
    assert verdicts["LOG-004"]["verdict"] != "BLOCKED", verdicts["LOG-004"]["reason"]
    assert verdicts["LOG-004"]["measurements"]


def test_a_signal_to_a_run_on_real_wires_ends_its_emulator_too(
    kalys: Kalys, small_plan: Path
) -> None:
    process = kalys.start("certify", "--plan", small_plan, "--out", "run", "--wire", "pty")
    wait_for(process, kalys.folder / "run" / "evidence" / "journal.jsonl", '"k":"sheet"')
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    if not children.exists():
        pytest.skip("this system does not list the children of a process")
    child = int(children.read_text().split()[0])
    process.send_signal(signal.SIGINT)
    assert kalys.ended(process).code == 130
    assert not Path(f"/proc/{child}").exists()
    assert kalys("verify", "run").code == 0
