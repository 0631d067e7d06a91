"""Benches with addresses: ports of this host, emulators in other processes, and a person beside."""

import signal
import socket
import subprocess
import sys
import threading

import pytest

from kalys.ballots.sheet import Sheet
from kalys.bench.bench import open_bench
from kalys.bench.bench_file import plan_bench
from kalys.bench.emulation import EmulatorProcess
from kalys.bench.operator import ScriptedOperator
from kalys.errors import ConfigurationError, LinkError, ProtocolError
from kalys.evidence.journal import NullJournal
from kalys.protocols.urn.messages import UrnState


@pytest.fixture(autouse=True)
def keys(monkeypatch):
    for role in ("OPERATOR", "ADMINISTRATOR", "AUDITOR"):
        monkeypatch.setenv(f"KALYS_KEY_{role}", "00" * 32)


def bench_at(tmp_path, link):
    """The bench with a person, its urn at another address."""
    path = tmp_path / "mine.yaml"
    source = plan_bench("serial-urn-with-operator").path.read_text()
    path.write_text(source.replace("/dev/ttyUSB0", link))
    return path


def nobody():
    return ScriptedOperator(NullJournal(), [])


def test_an_absent_port_is_told_with_its_address(tmp_path):
    with pytest.raises(LinkError) as told:
        open_bench(bench_at(tmp_path, "/dev/ttyKALYS7"), operator=nobody())
    assert str(told.value).startswith("/dev/ttyKALYS7: there is no such port")


def test_a_port_where_nobody_listens_is_told(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"socket://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(LinkError, match="nothing listens there"):
            open_bench(bench_at(tmp_path, url), operator=nobody())


def test_another_protocol_at_the_address_is_told(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:

        def talk():
            connection, _ = server.accept()
            with connection:
                while connection.recv(4096):
                    connection.sendall(b"220 mail.example ESMTP ready\r\n")

        threading.Thread(target=talk, daemon=True).start()
        url = f"socket://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(ProtocolError, match=r"wrong protocol\?.*220 mail\.examp"):
            open_bench(quick(tmp_path, url), operator=nobody())


def quick(tmp_path, url):
    """As `bench_at`, with a device that is not waited for long."""
    path = bench_at(tmp_path, url)
    path.write_text(path.read_text().replace(
        f"link: {url}", f'link: "{url}", serial: {{timeout_s: 0.2}}'))
    return path


def test_a_silent_device_is_told(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"socket://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(LinkError, match=r"no answer to identify in 0\.2 s, asked 3 times"):
            open_bench(quick(tmp_path, url), operator=nobody())


def test_a_bench_with_a_person_needs_one(tmp_path):
    with pytest.raises(ConfigurationError, match="needs a person"):
        open_bench(bench_at(tmp_path, "/dev/ttyKALYS7"))


def emulate(*arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "kalys", "emulate", *arguments], stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("listen", ["tcp://127.0.0.1:0", "pty"])
def test_an_urn_served_elsewhere_is_used_by_its_address_with_a_person_beside_it(tmp_path, listen):
    with emulate("kalys-emulated-urn", "--listen", listen) as served:
        url, world = served.stdout.readline().strip(), served.stdout.readline().strip()
        assert world.startswith("socket://")
        bench_file = bench_at(tmp_path, url)
        operator = ScriptedOperator(NullJournal(), [("Insert sheet 0001, face down", "y")])
        with open_bench(bench_file, operator=operator) as bench:
            assert not bench.emulated and bench.time_base == "real"
            assert bench.urn().status().state is UrnState.STANDBY
            bench.feeder().insert(Sheet(id="0001", election="kg", style="KG-PL"))
            with pytest.raises(LinkError, match="the port is busy"):
                open_bench(bench_file, operator=nobody())
        open_bench(bench_file, operator=nobody()).close()
        served.send_signal(signal.SIGTERM)
        assert served.wait(10) == 0


def test_a_world_in_another_process_can_be_the_feeder(tmp_path):
    with emulate("kalys-emulated-urn", "--listen", "tcp://127.0.0.1:0") as served:
        url, world = served.stdout.readline().strip(), served.stdout.readline().strip()
        bench_file = bench_at(tmp_path, url)
        bench_file.write_text(bench_file.read_text().replace(
            "profile: operator-feeder, by: operator", f'profile: emulated-feeder, link: "{world}"'))
        with open_bench(bench_file, operator=nobody()) as bench:
            assert bench.feeder().box().valid == ()
        served.send_signal(signal.SIGINT)
        assert served.wait(10) == 0


def test_an_emulator_that_cannot_start_says_why():
    with pytest.raises(LinkError, match="no-such-defect"):
        EmulatorProcess(plan_bench("emulated-station").path, "tcp://127.0.0.1:0", seed=1,
                        defects=["no-such-defect"])


KILLED = """
import os

from kalys.bench.bench_file import plan_bench
from kalys.bench.emulation import EmulatorProcess

process = EmulatorProcess(plan_bench("emulated-station").path, "tcp://127.0.0.1:0", seed=1)
print(process.addresses["urn-1"], flush=True)
os.kill(os.getpid(), 9)
"""


def test_an_emulator_ends_with_the_run_that_was_killed():
    run = subprocess.run([sys.executable, "-c", KILLED], stdout=subprocess.PIPE, text=True,
                         check=False)
    assert run.returncode == -signal.SIGKILL
    host, _, number = run.stdout.strip().removeprefix("socket://").rpartition(":")
    for _ in range(100):
        try:
            socket.create_connection((host, int(number)), timeout=1).close()
        except OSError:
            return
        threading.Event().wait(0.1)
    pytest.fail(f"the emulator still serves {run.stdout}")


def test_no_lease_outlives_a_bench_that_could_not_be_opened(tmp_path):
    for _ in range(2):
        with pytest.raises(LinkError, match="no such port"):
            open_bench(bench_at(tmp_path, "/dev/ttyKALYS7"), operator=nobody())
