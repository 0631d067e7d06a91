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
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kalys import __version__
from kalys.bench.bench import Bench, open_bench
from kalys.bench.bench_file import BenchPlan, plan_bench
from kalys.bench.operator import terminal_operator
from kalys.certification.progress import RunProgress
from kalys.certification.suites import run_suites
from kalys.certification.watched import WatchedSession
from kalys.errors import EvidenceError, Interrupted, KalysError
from kalys.evidence.journal import Journal
from kalys.evidence.run_folder import RunFolder
from kalys.evidence.sealing import Status
from kalys.evidence.signing import LaboratoryKey, laboratory_key
from kalys.links.clock import Clock
from kalys.procedures import registry
from kalys.reporting.language import translator
from kalys.reporting.report import write_reports
from kalys.requirements import catalogue
from kalys.requirements.plan import Plan, load_plan

INTERRUPTED = 130
_EXIT = {"conforms": 0, "does-not-conform": 1, "inconclusive": 3}


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
    """Where the run is, what it says, how the process should end, and what the user should know."""

    folder: Path
    report: dict[str, Any]
    exit_code: int
    warnings: tuple[str, ...] = ()


def run_certification(options: CertificationOptions, progress: RunProgress) -> CertificationResult:
    """Run a plan on a bench and report it.

    Raises ConfigurationError when nothing could be run, and another KalysError when the run broke
    off before anything was judged. After Ctrl-C, or when the run broke off later, what was recorded
    is judged, reported and sealed, and the result's exit code and warnings say so.
    """
    folder = RunFolder.open(options.resume) if options.resume else None
    if folder is not None:
        folder.require_unsealed_end()
        options = _remembered(folder, options)
    translator(options.lang)
    plan, layout = load_plan(options.plan), plan_bench(options.bench)
    registry.load()
    key = laboratory_key()
    run = _Run(options, plan, layout, folder, key, progress)
    return run.perform()


class _Run:
    """The course of one run. Its state is the folder; nothing is kept for a second run."""

    def __init__(
        self,
        options: CertificationOptions,
        plan: Plan,
        layout: BenchPlan,
        folder: RunFolder | None,
        key: LaboratoryKey,
        progress: RunProgress,
    ) -> None:
        self.options = options
        self.plan = plan
        self.layout = layout
        self.resumed = folder is not None
        self.folder = folder or RunFolder.create(_place(options))
        self.key = key
        self.progress = progress
        self.base = "real" if options.wire else layout.file.time
        self.started = _now()
        self._journal: Journal | None = None

    def perform(self) -> CertificationResult:
        """Inputs, suites, report, seal."""
        if self.resumed:
            self.folder.break_seal()
        else:
            self._write_inputs()
        status, trouble = self._run_on_the_bench()
        if self._journal is None:
            raise trouble or KalysError("the run did not begin")
        self._describe_run(status)
        try:
            write_reports(self.folder.path)
            self.folder.seal(self.key, status=status, about={"id": self.folder.path.name})
        except (EvidenceError, OSError) as error:
            raise EvidenceError(
                f"the report or the seal could not be written: {error}",
                where=str(self.folder.path),
                remedy=f"What was recorded is there. Make room, then: "
                       f"kalys certify --resume {self.folder.path}",
            ) from error
        return self._result(status, trouble)

    def _result(self, status: Status, trouble: KalysError | None) -> CertificationResult:
        report = json.loads((self.folder.path / "report.json").read_text(encoding="utf-8"))
        ending = _EXIT[report["conformity"]]
        warnings = [self.key.warning] if self.key.warning else []
        if trouble is not None:
            warnings.append(f"{trouble}\n  What was recorded until then is kept and sealed. "
                            f"Continue: kalys certify --resume {self.folder.path}")
            ending = INTERRUPTED if isinstance(trouble, Interrupted) else max(ending, 3)
        return CertificationResult(self.folder.path, report, ending, tuple(warnings))

    # The bench and the suites

    def _run_on_the_bench(self) -> tuple[Status, KalysError | None]:
        try:
            with open_bench(
                self.options.bench, clock_base="real" if self.base == "real" else "virtual",
                wire=self.options.wire, seed=self.options.seed, journal=self._open_journal,
                defects=self.options.defects, operator=terminal_operator,
            ) as bench:
                self._certify(bench)
        except KeyboardInterrupt:
            return "interrupted", self._broken_off(Interrupted("interrupted at the terminal"))
        except Interrupted as error:
            return "interrupted", self._broken_off(error)
        except KalysError as error:
            if self._journal is not None and self._journal.last == 0:
                raise
            return "interrupted", self._broken_off(error)
        finally:
            if self._journal is not None:
                self._journal.close()
        return "complete", None

    def _certify(self, bench: Bench) -> None:
        assert self._journal is not None
        session = WatchedSession(
            bench, self.plan, self._journal, self.options.seed, self.progress
        )
        if self.resumed:
            session.take_up(self.folder.journal)
        session.expect()
        run_suites(
            session, allure=self.folder.allure, robot=self.folder.robot,
            log=self.folder.evidence / "suites.log",
        )

    def _open_journal(self, clock: Clock) -> Journal:
        if self.resumed:
            self._journal = Journal.resume(self.folder.journal, clock.now)
        else:
            self._journal = Journal(self.folder.journal, self._header(), clock.now)
        return self._journal

    def _broken_off(self, error: KalysError) -> KalysError:
        if self._journal is not None:
            try:
                self._journal.add("note", {"text": f"the run broke off: {error.what}"})
            except EvidenceError as worse:
                return worse
        return error

    # What is written beside the journal

    def _header(self) -> dict[str, Any]:
        return {
            "run": self.folder.path.name, "started": self.started, "kalys": __version__,
            "host": platform.node(), "python": platform.python_version(),
            "platform": platform.platform(terse=True),
        }

    def _write_inputs(self) -> None:
        profile = next(p.profile for p in self.layout.urns if p.name == self.layout.dut)
        known = catalogue.load().overridden(profile.requirements)
        documents = {
            "plan": self.plan.model_dump(mode="json"),
            "profile": {
                **profile.model_dump(mode="json", exclude={"dialect"}),
                "limits": profile.limit_values(),
            },
            "bench": self.layout.file.model_dump(mode="json"),
            "requirements": {"requirements": [r.model_dump(mode="json") for r in known]},
            "options": {
                "bench": str(self.options.bench), "plan": str(self.options.plan),
                "seed": self.options.seed, "lang": self.options.lang, "wire": self.options.wire,
                "defects": list(self.options.defects),
            },
        }
        for name, document in documents.items():
            self.folder.write_json(f"inputs/{name}.json", document)

    def _describe_run(self, status: Status) -> None:
        wire = self.options.wire or ("in-process" if self.base == "virtual" else "as in the bench file")
        self.folder.write_json("run.json", {
            "id": self.folder.path.name, "started": self.started, "finished": _now(),
            "status": status, "time_base": self.base, "seed": self.options.seed,
            "bench": self.layout.file.bench, "election": self.layout.file.election, "wire": wire,
            "lang": self.options.lang, "kalys": __version__, "host": platform.node(),
            "laboratory": f"ed25519:{self.key.public_hex}",
        })


def _place(options: CertificationOptions) -> Path:
    if options.out is not None:
        return options.out
    stamp = datetime.datetime.fromisoformat(_now()).strftime("%Y%m%d-%H%M%S")
    names = f"{Path(options.plan).stem}-{Path(options.bench).stem}"
    return Path("reports") / "out" / f"{stamp}-{names}"


def _remembered(folder: RunFolder, options: CertificationOptions) -> CertificationOptions:
    """The options of the run that is continued: a run has one plan, one bench and one seed."""
    path = folder.inputs / "options.json"
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return replace(
            options, bench=kept["bench"], plan=kept["plan"], seed=kept["seed"],
            lang=kept["lang"], wire=kept["wire"], defects=tuple(kept["defects"]),
        )
    except (OSError, ValueError, KeyError) as error:
        raise EvidenceError(
            f"the options of the run cannot be read: {error}", where=str(path),
            remedy="The run cannot be continued; start a new one.",
        ) from error


def _now() -> str:
    """The host's wall time: for people, never for a measurement."""
    from kalys.links.clock import RealClock

    return RealClock().utc().replace(microsecond=0).isoformat()
