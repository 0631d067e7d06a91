"""One run, from the bench to the report.

The plan says which requirements are to be judged; their procedures are run by the two suites
(``test_suites/pytest`` and ``test_suites/robot``, each by its own runner, over one session), then
those that a guest package brought. Every verdict is derived from the journal at the end, the report
is written from the folder alone, and the folder is sealed. Whatever happens in between (Ctrl-C, a
full disk, a dead link), supplies are made safe and what was recorded stays and is sealed too. When
nothing was recorded, nothing is left behind.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import platform
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kalys import __version__
from kalys.ballots.templates import layouts_for
from kalys.bench.bench import WIRES, Bench, open_bench
from kalys.bench.bench_file import (
    CORE_BENCH,
    BenchPlan,
    plan_bench,
    plan_core_bench,
    with_election,
)
from kalys.bench.operator import terminal_operator
from kalys.certification.host_timing import record_host_timing
from kalys.certification.progress import RunProgress, Show
from kalys.certification.remembered import (
    CertificationOptions,
    from_anywhere,
    inputs_of,
    remembered,
    require_the_same_bench,
)
from kalys.certification.stopping import StopRequests
from kalys.certification.suites import run_suites
from kalys.certification.watched import WatchedSession
from kalys.certification.workforces import workforce_for
from kalys.election.definition import load as load_definition
from kalys.errors import ConfigurationError, EvidenceError, Interrupted, KalysError, choice
from kalys.evidence.disk import cannot_write
from kalys.evidence.journal import Journal, read_header
from kalys.evidence.replay import Parted, ReplayedJournal, worth_replaying
from kalys.evidence.run_folder import RunFolder
from kalys.evidence.sealing import Status
from kalys.evidence.signing import LaboratoryKey, laboratory_key
from kalys.links.clock import Clock
from kalys.mishap import mishap
from kalys.procedures import registry
from kalys.procedures.workforce import Workforce
from kalys.reporting.language import translator
from kalys.reporting.report import write_reports
from kalys.requirements.plan import Plan, load_plan

__all__ = ["CertificationOptions", "CertificationResult", "run_certification"]

INTERRUPTED = 130
_EXIT = {"conforms": 0, "does-not-conform": 1, "inconclusive": 3}


@dataclass(frozen=True)
class CertificationResult:
    """Where the run is, what it says, how the process should end, and what the user should know."""

    folder: Path
    report: dict[str, Any]
    exit_code: int
    warnings: tuple[str, ...] = ()


def run_certification(options: CertificationOptions, show: Show) -> CertificationResult:
    """Run a plan on a bench and report it.

    Raises ConfigurationError when nothing could be run. Whatever breaks the run off later (Ctrl-C,
    a dead link, a full disk), what was recorded is judged, reported and sealed, and the result's
    exit code and warnings say so; EvidenceError when not even that could be written.
    """
    try:
        course = _prepare(options)
    except EvidenceError as error:
        raise _nothing_run(error) from error
    with StopRequests() as stop, show(_asks_a_person(course.layout)) as progress:
        return course.perform(progress, stop)


def _prepare(options: CertificationOptions) -> _Course:
    folder, plan = None, None
    if options.resume is not None:
        folder = RunFolder.open(options.resume)
        folder.require_unsealed_end()
        options, plan = remembered(folder, options)
    translator(options.lang)
    if options.wire is not None and options.wire not in WIRES:
        raise ConfigurationError(f"there is no wire {options.wire!r}", where="--wire",
                                 remedy=choice(options.wire, WIRES))
    plan, layout = plan or load_plan(options.plan), _layout(options)
    registry.load()
    if folder is not None:
        require_the_same_bench(folder, inputs_of(options, plan, layout))
    workforce = workforce_for(options.workers, options.scheduler, layout)
    return _Course(
        options, plan, layout, folder=folder, key=laboratory_key(), workforce=workforce
    )


def _layout(options: CertificationOptions) -> BenchPlan:
    plan = _bench(options)
    if options.election is None:
        return plan
    layouts_for(load_definition(options.election))      # before anything is opened or written
    return with_election(plan, from_anywhere(options.election))


def _bench(options: CertificationOptions) -> BenchPlan:
    if options.core is None:
        return plan_bench(options.bench)
    if options.bench != CertificationOptions().bench:
        raise ConfigurationError(
            "a bench and a core are named", where="--core",
            remedy="Name one of them; a bench file may hold a core of its own.",
        )
    return plan_core_bench(options.core)


class _Course:
    """The course of one run. Its state is the folder; nothing is kept for a second run."""

    def __init__(
        self,
        options: CertificationOptions,
        plan: Plan,
        layout: BenchPlan,
        *,
        folder: RunFolder | None,
        key: LaboratoryKey,
        workforce: Workforce | None,
    ) -> None:
        self.workforce = workforce
        self.options = options
        self.plan = plan
        self.layout = layout
        self.resumed = folder is not None
        self.replays = False
        self.place_was_there = folder is None and _place(options).exists()
        self.folder = folder or RunFolder.create(_place(options))
        self.key = key
        self.base = "real" if options.wire else layout.file.time
        self.began = False
        self._journal: Journal | None = None
        self.started = _now()

    def perform(self, progress: RunProgress, stop: StopRequests) -> CertificationResult:
        """Inputs, suites, report, seal."""
        status, trouble = self._run_on_the_bench(progress, stop)
        stop.wrap_up()
        if trouble is not None and (self._journal is None or self._journal.last == 0):
            self._leave_nothing()
            raise trouble if isinstance(trouble, Interrupted) else _nothing_run(trouble)
        try:
            self._describe_run(status)
            unwritten = self._write_reports()
            self.folder.seal(self.key, status=status, about={"id": self.folder.path.name})
        except KeyboardInterrupt:
            raise Interrupted(
                "left before the seal; what was recorded is whole", where=str(self.folder.path),
                remedy=self._continue(),
            ) from None
        except (EvidenceError, OSError) as error:
            raise self._unsealed(error) from error
        if unwritten is not None:
            raise unwritten
        return self._result(trouble)

    def _result(self, trouble: KalysError | None) -> CertificationResult:
        report = json.loads((self.folder.path / "report.json").read_text(encoding="utf-8"))
        ending = _EXIT[report["conformity"]]
        warnings = [self.key.warning] if self.key.warning else []
        if trouble is not None:
            warnings.append(f"{trouble}\n  What was recorded until then is kept and sealed. "
                            f"{self._continue()}")
            ending = ending if ending == 1 else 3
            if not self.began:
                ending = ConfigurationError.exit_code
            if isinstance(trouble, Interrupted):
                ending = INTERRUPTED
        return CertificationResult(self.folder.path, report, ending, tuple(warnings))

    def _write_reports(self) -> KalysError | None:
        """Write them; an error nobody foresaw must not keep the evidence from being sealed."""
        try:
            write_reports(self.folder.path)
        except (KalysError, OSError):
            raise
        except Exception as bug:
            error = mishap(bug, self.folder.evidence)
            return KalysError(
                f"the report could not be written: {error.what}", where=error.where,
                remedy=f"The evidence is sealed. Try: kalys report {self.folder.path}",
            )
        return None

    def _unsealed(self, error: Exception) -> EvidenceError:
        if isinstance(error, OSError):
            error = cannot_write(error, Path(error.filename or self.folder.path))
        assert isinstance(error, KalysError)
        return EvidenceError(
            f"the report or the seal could not be written: {error.what}",
            where=error.where or str(self.folder.path),
            remedy=f"What was recorded is whole. Make room, then: {self._command()}",
        )

    def _continue(self) -> str:
        return f"Continue: {self._command()}"

    def _command(self) -> str:
        return f"kalys certify --resume {self.folder.path}"

    # The bench and the suites

    def _run_on_the_bench(
        self, progress: RunProgress, stop: StopRequests
    ) -> tuple[Status, KalysError | None]:
        """Open the bench and run; a day that was killed is played again up to where it was."""
        self.replays = self.resumed and self.base == "virtual" and self.options.core is None and (
            worth_replaying(self.folder.journal)
        )
        status, trouble = self._open_and_run(progress, stop)
        if isinstance(trouble, Parted):
            self.replays = False
            status, trouble = self._open_and_run(progress, stop)
        return status, trouble

    def _open_and_run(
        self, progress: RunProgress, stop: StopRequests
    ) -> tuple[Status, KalysError | None]:
        try:
            if not self.resumed:
                self._write_inputs()
            with open_bench(
                self.layout, clock_base="real" if self.base == "real" else "virtual",
                wire=self.options.wire, seed=self.options.seed, journal=self._open_journal,
                defects=self.options.defects, operator=terminal_operator,
            ) as bench:
                self._certify(bench, progress, stop)
                # The run is complete: a signal now cannot break it off any more.
                stop.wrap_up()
        except (Exception, KeyboardInterrupt) as error:
            return "interrupted", self._broken_off(self._in_words(error, stop))
        finally:
            if self.workforce is not None:
                self.workforce.close()
            if self._journal is not None:
                self._journal.close()
        return "complete", None

    def _certify(self, bench: Bench, progress: RunProgress, stop: StopRequests) -> None:
        assert self._journal is not None
        session = WatchedSession(
            bench, self.plan, self._journal, self.options.seed, progress,
            stopping=lambda: stop.requested,
        )
        session.workforce = self.workforce
        if self.resumed and not self.replays:
            session.take_up(self.folder.journal)
        self.began = True
        record_host_timing(bench)
        session.expect()
        run_suites(
            session, allure=self.folder.allure, robot=self.folder.robot,
            log=self.folder.evidence / "suites.log", take_signals=stop.install,
        )

    def _open_journal(self, clock: Clock) -> Journal:
        if self.replays:
            self._journal = ReplayedJournal.over(self.folder.journal, clock.now)
            # Everything is told again, so results of the first telling would stand twice.
            for told in (self.folder.allure, self.folder.robot):
                shutil.rmtree(told, ignore_errors=True)
        elif self.resumed:
            self._journal = Journal.resume(self.folder.journal, clock.now)
        if self.resumed:
            self.folder.break_seal()
            self.started = str(read_header(self.folder.journal).get("started", self.started))
        else:
            self._journal = Journal(self.folder.journal, self._header(), clock.now)
        # Now already, so that a run that is killed can be reported from what it recorded.
        self._describe_run("interrupted")
        assert self._journal is not None
        return self._journal

    def _in_words(self, error: BaseException, stop: StopRequests) -> KalysError:
        # An interruption may come in the middle of anything, and come out as anything.
        if stop.requested or isinstance(error, KeyboardInterrupt):
            return Interrupted("the run was interrupted")
        if isinstance(error, KalysError):
            return error
        if isinstance(error, OSError):
            return cannot_write(error, Path(error.filename or self.folder.path))
        return mishap(error, self.folder.evidence if self._journal is not None else None)

    def _broken_off(self, error: KalysError) -> KalysError:
        if isinstance(error, Parted):
            return error
        if self._journal is not None and self._journal.last > 0:
            try:
                self._journal.add("note", {"text": f"the run broke off: {error.what}"})
            except EvidenceError as worse:
                return error if isinstance(error, EvidenceError) else worse
        return error

    # What is written beside the journal

    def _header(self) -> dict[str, Any]:
        return {
            "run": self.folder.path.name, "started": self.started, "kalys": __version__,
            "host": platform.node(), "python": platform.python_version(),
            "platform": platform.platform(terse=True),
        }

    def _write_inputs(self) -> None:
        for name, document in inputs_of(self.options, self.plan, self.layout).items():
            self.folder.write_json(f"inputs/{name}.json", document)

    def _leave_nothing(self) -> None:
        """Nothing was recorded: a folder without evidence would only be in the way."""
        if self.resumed:
            return
        for place in (self.folder.evidence, self.folder.allure, self.folder.robot):
            shutil.rmtree(place, ignore_errors=True)
        if not self.place_was_there:
            with contextlib.suppress(OSError):
                self.folder.path.rmdir()

    def _describe_run(self, status: Status) -> None:
        wires = "in-process" if self.base == "virtual" else "as in the bench file"
        self.folder.write_json("run.json", {
            "id": self.folder.path.name, "started": self.started, "finished": _now(),
            "status": status, "time_base": self.base, "seed": self.options.seed,
            "bench": self.layout.file.bench, "election": self.layout.file.election,
            "wire": self.options.wire or wires,
            "lang": self.options.lang, "kalys": __version__, "host": platform.node(),
            "laboratory": f"ed25519:{self.key.public_hex}",
        })


def _asks_a_person(layout: BenchPlan) -> bool:
    return any(placed.device.by == "operator" for placed in layout)


def _nothing_run(error: KalysError) -> ConfigurationError:
    """The same message; the process ends as the contract says for a run that did not begin."""
    return ConfigurationError(error.what, where=error.where, remedy=error.remedy)


def _place(options: CertificationOptions) -> Path:
    if options.out is not None:
        return options.out
    stamp = datetime.datetime.fromisoformat(_now()).strftime("%Y%m%d-%H%M%S")
    bench = options.bench if options.core is None else CORE_BENCH
    names = f"{Path(options.plan).stem}-{Path(bench).stem}"
    return Path("reports") / "out" / f"{stamp}-{names}"


def _now() -> str:
    """The host's wall time: for people, never for a measurement."""
    from kalys.links.clock import RealClock

    return RealClock().utc().replace(microsecond=0).isoformat()
