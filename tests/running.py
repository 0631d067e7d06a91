"""Runs of the command line as a user starts them, with plans so small that they take seconds."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import yaml

from kalys.resources import resource

PATIENCE_S = 60


@dataclass
class Ended:
    """A command that has ended. Nobody ever sees a traceback, so that is checked everywhere."""

    code: int
    out: str
    err: str

    def __post_init__(self) -> None:
        assert "Traceback" not in self.err + self.out, self.err


class Kalys:
    """``kalys`` in a process of its own, without a terminal, with a key of its own."""

    def __init__(self, folder: Path, key: Path) -> None:
        self.folder = folder
        self._environment = {**os.environ, "KALYS_KEY": str(key), "COLUMNS": "200"}

    def start(self, *words: object, before: Callable[[], None] | None = None) -> subprocess.Popen:
        # A process that is kept from writing must not leave half of a compiled module either:
        # Python would not notice, and every later process would stumble over it.
        spared = {"PYTHONDONTWRITEBYTECODE": "1"} if before else {}
        return subprocess.Popen(
            [sys.executable, "-m", "kalys", *map(str, words)], cwd=self.folder, text=True,
            env=self._environment | spared, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, start_new_session=True, preexec_fn=before,  # noqa: PLW1509
        )

    def __call__(self, *words: object, before: Callable[[], None] | None = None) -> Ended:
        return self.ended(self.start(*words, before=before))

    @staticmethod
    def ended(process: subprocess.Popen) -> Ended:
        out, err = process.communicate(timeout=PATIENCE_S)
        return Ended(process.returncode, out, err)


def write_plan(folder: Path, name: str = "small", **more: object) -> Path:
    """One requirement with three sheets, unless more is asked for."""
    document = {
        "plan": name, "title": name, "purpose": "a test of the command line",
        "requirements": ["MRK-001"], "samples": {"MRK-001": 3},
        "procedures": {"mark.line": {"marks": 3}}, **more,
    }
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


def write_long_plan(folder: Path) -> Path:
    """Long enough to be interrupted in its second procedure."""
    return write_plan(
        folder, "long", requirements=["MRK-001", "MRK-002"], samples={"MRK-001": 3, "MRK-002": 60},
        procedures={"mark.line": {"marks": 3}, "mark.folds": {"sheets": 60}},
    )


def write_bench(folder: Path, link: str, profile: str = "kalys-emulated-urn", **links: str) -> Path:
    """A bench with an urn at an address, which is waited for a quarter of a second at most."""
    shipped = yaml.safe_load(resource("device_profiles", f"{profile}.yaml").read_text())
    shipped["link"] |= {"timeout_s": 0.25, "attempts": 2, "boot_s": 3}
    (folder / f"{profile}.yaml").write_text(yaml.safe_dump(shipped), encoding="utf-8")
    served = {"feeder": "emulated-feeder", "hands": "emulated-hands", "printer": "emulated-tape"}
    document = {
        "bench": "outside", "description": "an urn in another process", "time": "real",
        "epoch": "2021-11-28T06:30:00+06:00", "election": "kg-2021-11-28", "station": "1001",
        "devices": [
            {"role": "urn", "name": "urn-1", "profile": profile, "link": link},
            *({"role": role, "name": role, "profile": served[role], "link": address}
              for role, address in links.items()),
        ],
    }
    path = folder / "bench.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


@contextmanager
def talking(speak: Callable[[socket.socket], None]) -> Iterator[str]:
    """A TCP server at which every caller hears what ``speak`` sends; yields its URL."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                caller, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=_until_gone, args=(speak, caller), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"socket://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.close()


def _until_gone(speak: Callable[[socket.socket], None], caller: socket.socket) -> None:
    with caller, suppress(OSError):
        speak(caller)


@contextmanager
def emulated(profile: str = "kalys-emulated-urn") -> Iterator[dict]:
    """``kalys emulate`` in another process; yields its addresses, and its process as "process"."""
    with subprocess.Popen(
        [sys.executable, "-m", "kalys", "emulate", profile, "--json"],
        stdout=subprocess.PIPE, text=True,
    ) as process:
        try:
            assert process.stdout is not None
            yield {**json.loads(process.stdout.readline()), "process": process}
        finally:
            process.kill()


def wait_for(run: subprocess.Popen, journal: Path, text: str, count: int = 1) -> None:
    """Wait until a run has written ``text`` so many times into its journal (or another file)."""
    deadline = time.monotonic() + PATIENCE_S
    while not journal.exists() or journal.read_text(errors="replace").count(text) < count:
        if run.poll() is not None or time.monotonic() > deadline:
            run.kill()
            raise AssertionError(f"the run never wrote {text}: {run.communicate()}")
        time.sleep(0.02)


def interrupt_in_second_procedure(
    kalys: Kalys, plan: Path, number: signal.Signals, times: int = 1
) -> Ended:
    """Start a run of the long plan in ``run`` and send a signal while the folds are being fed."""
    process = kalys.start("certify", "--plan", plan, "--out", "run")
    wait_for(process, kalys.folder / "run" / "evidence" / "journal.jsonl", '"k":"sheet"', 12)
    for _ in range(times):
        process.send_signal(number)
        time.sleep(0.05)
    return kalys.ended(process)


def journal_lines(folder: Path) -> list[str]:
    return (folder / "evidence" / "journal.jsonl").read_text(encoding="utf-8").splitlines()


def report_of(folder: Path) -> dict:
    return json.loads((folder / "report.json").read_text(encoding="utf-8"))
