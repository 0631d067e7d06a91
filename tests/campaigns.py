"""Campaigns so small that they take a second: cores that err at some pictures, and sessions."""

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kalys.bench.bench import open_bench
from kalys.bench.bench_file import plan_core_bench
from kalys.evidence.journal import Journal, read_journal
from kalys.procedures.session import Session
from kalys.procedures.workforce import Workforce
from kalys.requirements.plan import Plan

CORES = '''
import os, signal, time, zlib
from pathlib import Path
from kalys.counting.as_core import kalys_reader

def picked(image):
    """The same one in eight pictures, wherever they are read."""
    return zlib.adler32(image[::40].tobytes()) % 8 == 0

def core(spoil, once=False):
    def make(hello):
        reader = kalys_reader(hello)
        def read(image):
            answer = reader(image)
            flag = Path("done")
            if not picked(image) or (once and flag.exists()):
                return answer
            flag.touch()
            return spoil(answer)
        return read
    return make

def forget(answer):
    return {**answer, "marks": {}} if answer["status"] == "read" else answer

def fail(answer):
    raise ValueError("bad day")

def abort(answer):
    os.abort()

def hang(answer):
    while True:
        pass

def ramble(answer):
    return "la la la"

def end_the_worker(answer):
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(60)

forgets, fails, aborts, hangs, rambles = map(core, (forget, fail, abort, hang, ramble))
ends_its_worker, ended_its_worker_once = core(end_the_worker), core(end_the_worker, once=True)
'''


def write_cores(folder: Path) -> None:
    (folder / "weak_cores.py").write_text(CORES, encoding="utf-8")


def plan_of(sheets: int = 64, shard: int = 16, stop: str = "volume", **more: object) -> Plan:
    return Plan.model_validate({
        "plan": "small", "title": "small", "purpose": "a test of campaigns",
        "requirements": ["ACC-001", "ACC-002", "ACC-009", "MET-005"],
        "procedures": {"count.volume": {"sheets": sheets, "shard": shard, "stop": stop}}, **more,
    })


@contextmanager
def campaign_session(
    folder: Path, spec: str, plan: Plan, workforce: Workforce | None = None, timeout_s: float = 10
) -> Iterator[Session]:
    """A session with a core under test; its journal is ``folder/journal.jsonl``."""
    layout = plan_core_bench(spec)
    profile = layout.under_test.profile
    link = profile.link.model_copy(update={"timeout_s": timeout_s})
    object.__setattr__(profile, "link", link)
    journals: list[Journal] = []

    def open_journal(clock):
        journals.append(Journal(folder / "journal.jsonl", {}, clock.now))
        return journals[0]

    with open_bench(layout, clock_base="virtual", seed=1, journal=open_journal) as bench:
        session = Session(bench, plan, journals[0], 1)
        session.workforce = workforce
        try:
            yield session
        finally:
            journals[0].close()


def lines_of(folder: Path) -> list[str]:
    """The journal without its header."""
    return (folder / "journal.jsonl").read_text(encoding="utf-8").splitlines()[1:]


def records_of(folder: Path, kind: str) -> list[dict]:
    return [record.data for record in read_journal(folder / "journal.jsonl") if record.kind == kind]


def answers_of(folder: Path) -> list[dict]:
    """All answers in deck order."""
    files = sorted((folder / "answers").rglob("*.jsonl.gz"))
    return [json.loads(line) for file in files
            for line in gzip.decompress(file.read_bytes()).splitlines()]
