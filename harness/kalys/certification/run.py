"""One run, from the bench to the report.

The plan says which requirements are to be judged; their procedures are run by the two suites
(``test_suites/pytest`` and ``test_suites/robot``, each by its own runner, over one session), then
those that a guest package brought. Every verdict is derived from the journal at the end, the report
is written from the folder alone, and the folder is sealed. Whatever happens in between (Ctrl-C, a
full disk, a dead link), supplies are made safe and what was recorded stays and is sealed too.
"""

from __future__ import annotations

import datetime
import json
import platform
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from kalys import __version__
from kalys.bench.bench import open_bench
from kalys.bench.bench_file import BenchPlan, plan_bench
from kalys.bench.operator import terminal_operator
from kalys.certification.progress import RunProgress
from kalys.certification.suites import run_suites
from kalys.certification.watched import WatchedSession
from kalys.errors import ConfigurationError, EvidenceError, KalysError
from kalys.evidence.journal import Journal
from kalys.evidence.run_folder import RunFolder
from kalys.evidence.signing import LaboratoryKey, laboratory_key
from kalys.links.clock import Clock
from kalys.procedures import registry
from kalys.reporting.language import translator
from kalys.reporting.report import write_reports
from kalys.requirements import catalogue
from kalys.requirements.plan import Plan, load_plan

INTERRUPTED = 130
_CONFORMITY_EXIT = {"conforms": 0, "does-not-conform": 1, "inconclusive": 3}


@dataclass(frozen=True)
class CertificationOptions:
    """What ``kalys certify`` was asked for."""

    bench: str = "emulated-station"
    plan: str = "quick"
    seed: int = 1
    out: Path | None = None
    lang: str = "en"
    wire: str | None = None
    defects: tuple[str, ...] = ()
    resume: Path | None = None


@dataclass(frozen=True)
class CertificationResult:
    """Where the run is, what it says and how the process should end."""

    folder: Path
    report: dict[str, Any]
    exit_code: int


def run_certification(options: CertificationOptions, progress: RunProgress) -> CertificationResult:
    """Run a plan on a bench and report it.

    Raises ConfigurationError when nothing could be run, another KalysError when the run broke off
    (its folder is kept and sealed), Interrupted after Ctrl-C.
    """
    if options.resume is not None:
        options = _remembered(options.resume)
    translator(options.lang)
    plan, bench = load_plan(options.plan), plan_bench(options.bench)
    registry.load()
    key = laboratory_key()
    with _run_folder(options) as folder:
        status = _perform(options, plan, bench, folder, key, progress)
        _finish(folder, status, key)
    report = json.loads((folder.path / "report.json").read_text(encoding="utf-8"))
    ending = INTERRUPTED if status == "interrupted" else _CONFORMITY_EXIT[report["conformity"]]
    return CertificationResult(folder.path, report, ending)
