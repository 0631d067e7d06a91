"""The matrix of defects: do the procedures see what they claim to see?

Each known-bad urn is put through the procedures that must catch it, and counts as caught when every
requirement of the plan that names the defect is judged FAIL; one that is not is a test that this
urn slips through, however many others stop it. A defect that strikes by chance is tried with many
seeds, and the share of those that caught it stands beside the computed probability
(``detection``). The healthy urn goes through the whole plan for many seeds and must pass; anything
else is a false alarm.

Trials run in processes of their own, so that none can disturb another, and two cores do the work of
two; the longest begin first. What has been done can be kept in a file (``kept``), so that an
interrupted matrix goes on where it was.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from kalys.certification.detection import (
    Observed,
    Predicted,
    false_alarm_by_construction,
    predict,
)
from kalys.certification.kept import KeptTrials
from kalys.certification.progress import RunProgress
from kalys.certification.trial import Task, Trial, run_trial
from kalys.emulators.defects import CATALOGUE, parse
from kalys.errors import ConfigurationError
from kalys.metrology.accuracy import clopper_pearson_upper
from kalys.procedures import registry
from kalys.requirements import catalogue
from kalys.requirements.plan import load_plan

Subset = Literal["all", "ci"]
CERTAIN = 0.99              # a defect that is found with less must not be caught by every seed
LONG_S = 10_000             # device seconds of a procedure that is too long for the CI subset


@dataclass(frozen=True)
class Row:
    """One defect over its seeds.

    ``requirement`` is the first that names it, ``requirements`` all of them. What follows
    ``observed`` is of the first seed that caught it, or of the first one; ``first_sheet`` 0 says
    that no single sheet shows it.
    """

    name: str
    requirement: str
    requirements: tuple[str, ...]
    predicted: Predicted
    observed: Observed
    by: tuple[str, ...]
    failed: tuple[str, ...]
    missed: tuple[str, ...]
    sheets: int
    first_sheet: int
    positions: int
    device_seconds: float

    @property
    def tested(self) -> bool:
        """Whether the plan tests any of its requirements."""
        return bool(self.failed or self.missed)

    @property
    def caught(self) -> bool:
        """By every seed; where that is left to chance, by as many as must be expected."""
        if self.predicted.probability >= CERTAIN:
            return self.observed.caught == self.observed.seeds
        return self.observed.caught > 0

    @property
    def holds(self) -> bool:
        """Nothing speaks against the suites: caught as often as computed, or not tested."""
        if not self.tested:
            return True
        if self.predicted.probability >= CERTAIN:
            return self.caught
        return not self.observed.contradicts(self.predicted)

    def to_dict(self) -> dict[str, Any]:
        low, high = self.observed.interval
        return {
            "name": self.name, "requirement": self.requirement,
            "requirements": list(self.requirements), "caught": self.caught, "by": list(self.by),
            "failed": list(self.failed), "missed": list(self.missed), "tested": self.tested,
            "sheets": self.sheets, "first_sheet": self.first_sheet, "positions": self.positions,
            "device_seconds": self.device_seconds,
            "predicted": asdict(self.predicted),
            "observed": {
                "caught": self.observed.caught, "seeds": self.observed.seeds,
                "probability": self.observed.caught / self.observed.seeds,
                "interval": [low, high],
                "agrees": self.observed.agrees(self.predicted),
            },
        }


@dataclass(frozen=True)
class Matrix:
    """All rows, and the healthy urn's false alarms. ``complete`` is False after an interruption."""

    plan: str
    rows: tuple[Row, ...]
    healthy_seeds: int
    false_alarms: tuple[str, ...]
    complete: bool = True

    @property
    def holds(self) -> bool:
        """Every defect caught as it must be, and no false alarm."""
        return self.complete and all(row.holds for row in self.rows) and not self.false_alarms

    @property
    def alarming_seeds(self) -> int:
        """Seeds for which the healthy urn was told anything but PASS."""
        return len({alarm.partition(":")[0] for alarm in self.false_alarms})

    @property
    def false_alarm_bound(self) -> float:
        """One-sided 95 % upper bound of the probability of a false alarm in one run."""
        if not self.healthy_seeds:
            return 1.0
        return clopper_pearson_upper(self.alarming_seeds, self.healthy_seeds)

    def to_dict(self) -> dict[str, Any]:
        healthy: dict[str, Any] = {
            "seeds": self.healthy_seeds,
            "false_alarms": len(self.false_alarms),
            "alarms": list(self.false_alarms),
        }
        if self.healthy_seeds:
            healthy["upper_bound"] = self.false_alarm_bound
            healthy["by_construction"] = false_alarm_by_construction(load_plan(self.plan))
        return {
            "plan": self.plan, "complete": self.complete,
            "defects": [row.to_dict() for row in self.rows], "healthy": healthy,
        }


def run_matrix(
    *,
    defects: Sequence[str] | None,
    healthy_seeds: int,
    seed: int,
    plan: str,
    processes: int | None,
    progress: RunProgress,
    seeds: int = 1,
    keep: Path | None = None,
) -> Matrix:
    """Try each defect (``NAME`` or ``NAME:parameter=value,...``; None: all that some requirement
    names) with ``seeds`` seeds from ``seed`` on, and the healthy urn with ``healthy_seeds``.

    An interruption ends it early with what is done. ``keep``: a file that remembers trials; those
    it has are not run again. ConfigurationError for a defect that no requirement names.
    """
    wanted = tuple(defects if defects is not None else known_defects())
    tasks = [
        *(task for name in wanted for task in _defective(name, seed, seeds, plan)),
        *_healthy(healthy_seeds, seed, plan),
    ]
    found: dict[tuple[str | None, int], Trial] = {}
    progress.expect(len(tasks))
    complete = True
    with contextlib.closing(KeptTrials(keep, plan)) as kept:
        try:
            for trial in _all_trials(tasks, kept, processes or os.cpu_count() or 1):
                found[trial.defect, trial.seed] = trial
                progress.end(*_told(trial))
        except KeyboardInterrupt:
            complete = False
    rows = tuple(
        _row(name, trials, plan) for name in wanted
        if (trials := [t for (defect, _), t in found.items() if defect == name])
    )
    healthy = [t for (defect, _), t in found.items() if defect is None]
    alarms = sorted(f"seed {t.seed}: {alarm}" for t in healthy for alarm in t.alarms)
    return Matrix(plan, rows, len(healthy), tuple(alarms), complete)


def known_defects() -> dict[str, tuple[str, ...]]:
    """Every defect that some requirement names, with the requirements that must catch it."""
    found: dict[str, tuple[str, ...]] = {}
    for requirement in catalogue.load():
        for defect in requirement.defects:
            found[defect] = (*found.get(defect, ()), requirement.id)
    return found


def ci_subset(plan: str) -> tuple[str, ...]:
    """The fewest defects that show each procedure failing once, without those that take long.

    For every procedure of the plan that some defect names the first such defect; days and volumes
    are left to the whole matrix.
    """
    procedures = registry.load()
    running = load_plan(plan).selected(catalogue.load(), "virtual")
    first: dict[str, str] = {}
    for defect in CATALOGUE.values():
        needed = [name for name in defect.procedures if name in running]
        if needed and all(procedures[name].device_seconds < LONG_S for name in needed):
            first.setdefault(needed[0], defect.name)
    return tuple(first.values())


def _defective(text: str, first: int, seeds: int, plan: str) -> Iterator[Task]:
    known = known_defects()
    entry, _ = parse(text)
    if entry.name not in known:
        raise ConfigurationError(
            f"no requirement names the defect {entry.name}",
            remedy=f"There are: {', '.join(known)}",
        )
    requirements = catalogue.load()
    running = load_plan(plan).selected(requirements, "virtual")
    # Where it is left to chance whether it shows, only what is said to find it gives it the chances
    # that were counted on.
    others = [p for r in known[entry.name] for p in requirements[r].procedures]
    looked = (*entry.procedures, *(others if entry.trigger.how == "always" else ()))
    procedures = tuple(p for p in dict.fromkeys(looked) if p in running)
    for seed in range(first, first + seeds):
        yield Task(text, seed, plan, known[entry.name], procedures)


def _healthy(seeds: int, first: int, plan: str) -> Iterator[Task]:
    chosen = load_plan(plan)
    selected = tuple(
        name for name in chosen.selected(catalogue.load(), "virtual")
        if not name.startswith("laboratory.")
    )
    for seed in range(first, first + seeds):
        yield Task(None, seed, plan, chosen.requirements, selected)


def _all_trials(
    tasks: Sequence[Task], kept: KeptTrials, processes: int
) -> Iterator[Trial]:
    """Every trial, the kept ones first."""
    left = []
    for task in tasks:
        trial = kept.get(task)
        if trial is None:
            left.append(task)
        else:
            yield trial
    for trial in _run_all(sorted(left, key=_weight, reverse=True), processes):
        kept.add(trial)
        yield trial


def _weight(task: Task) -> float:
    """Roughly how long it takes: what a device would need for the first procedure, or for all."""
    known = registry.load()
    needed = [known[name].device_seconds for name in task.procedures]
    return sum(needed) if task.defect is None else max(needed[:1], default=0.0)


def _run_all(tasks: Iterable[Task], processes: int) -> Iterator[Trial]:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context, initializer=_work_quietly) as pool:
        waiting: set[Future[Trial]] = {pool.submit(run_trial, task) for task in tasks}
        try:
            while waiting:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for worker in multiprocessing.active_children():
                worker.terminate()
            raise


def _work_quietly() -> None:
    """An interruption is for the process that asked for the work; it ends the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _told(trial: Trial) -> tuple[str, str]:
    """A finished trial in words, for the progress."""
    if trial.defect is None:
        alarms = f"{len(trial.alarms)} false alarms" if trial.alarms else "PASS"
        return f"healthy urn, seed {trial.seed}", alarms
    return f"{trial.defect}, seed {trial.seed}", "caught" if trial.caught else "not caught"


def _row(text: str, trials: Sequence[Trial], plan: str) -> Row:
    ordered = sorted(trials, key=lambda trial: trial.seed)
    shown = next((trial for trial in ordered if trial.caught), ordered[0])
    requirements = known_defects()[parse(text)[0].name]
    return Row(
        text, requirements[0], requirements, predict(text, load_plan(plan)),
        Observed(sum(trial.caught for trial in ordered), len(ordered)),
        shown.by, shown.failed, shown.missed, shown.sheets, shown.first, shown.positions,
        shown.device_seconds,
    )


def predictions(text: str, plans: Sequence[str]) -> Mapping[str, Predicted]:
    """The computed probability of finding the defect, by plan."""
    return {plan: predict(text, load_plan(plan)) for plan in plans}
