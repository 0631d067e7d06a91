"""The matrix of defects: do the procedures see what they claim to see?

Each known-bad urn is put through the procedures that must catch it, and counts as caught when every
requirement of the plan that names the defect is judged FAIL; one that is not is a test that this
urn slips through, however many others stop it. The healthy urn goes through the whole plan for
many seeds and must pass; anything else is a false alarm. Rows run in processes of their own, so
that none can disturb another, and two cores do the work of two.
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kalys.certification.emulated import DEFAULT_BENCH, emulated_session
from kalys.certification.progress import RunProgress
from kalys.errors import ConfigurationError
from kalys.evidence.journal import read_journal
from kalys.requirements import catalogue
from kalys.requirements.observation import Outcome
from kalys.requirements.plan import load_plan


@dataclass(frozen=True)
class Row:
    """One defect: whether it was caught, by which procedures, after how many sheets.

    ``requirement`` is the first that names the defect, ``requirements`` all of them, ``failed``
    those that were judged FAIL, ``missed`` those of the plan that were not.
    """

    name: str
    requirement: str
    requirements: tuple[str, ...]
    caught: bool
    by: tuple[str, ...]
    failed: tuple[str, ...]
    missed: tuple[str, ...]
    sheets: int


@dataclass(frozen=True)
class Matrix:
    """All rows, and the healthy urn's false alarms."""

    rows: tuple[Row, ...]
    healthy_seeds: int
    false_alarms: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Every defect caught, and no false alarm."""
        return all(row.caught for row in self.rows) and not self.false_alarms

    def to_dict(self) -> dict[str, Any]:
        return {
            "defects": [asdict(row) for row in self.rows],
            "healthy": {
                "seeds": self.healthy_seeds,
                "false_alarms": len(self.false_alarms),
                "alarms": list(self.false_alarms),
            },
        }


@dataclass(frozen=True)
class _Task:
    defect: str | None
    seed: int
    plan: str
    requirements: tuple[str, ...]
    procedures: tuple[str, ...]


def run_matrix(
    *,
    defects: Sequence[str] | None,
    healthy_seeds: int,
    seed: int,
    plan: str,
    processes: int | None,
    progress: RunProgress,
) -> Matrix:
    """Run the matrix; ConfigurationError for a defect that no requirement names."""
    tasks = [*_defective(defects, seed, plan), *_healthy(healthy_seeds, seed, plan)]
    progress.expect(len(tasks))
    rows: dict[str, Row] = {}
    alarms: list[str] = []
    for task, outcome in _run_all(tasks, processes or os.cpu_count() or 1):
        name = task.defect or f"healthy urn, seed {task.seed}"
        if isinstance(outcome, Row):
            rows[name] = outcome
            progress.end(name, "caught" if outcome.caught else "MISSED")
        else:
            alarms.extend(f"seed {task.seed}: {alarm}" for alarm in outcome)
            progress.end(name, "PASS" if not outcome else f"{len(outcome)} false alarms")
    ordered = tuple(rows[t.defect] for t in tasks if t.defect is not None)
    return Matrix(ordered, healthy_seeds, tuple(sorted(alarms)))


def known_defects() -> dict[str, tuple[str, ...]]:
    """Every defect that some requirement names, with the requirements that must catch it."""
    found: dict[str, tuple[str, ...]] = {}
    for requirement in catalogue.load():
        for defect in requirement.defects:
            found[defect] = (*found.get(defect, ()), requirement.id)
    return found


def _defective(chosen: Sequence[str] | None, seed: int, plan: str) -> list[_Task]:
    known = known_defects()
    unknown = [name for name in chosen or () if name not in known]
    if unknown:
        raise ConfigurationError(
            f"no requirement names the defect {', '.join(unknown)}",
            remedy=f"There are: {', '.join(known)}",
        )
    requirements = catalogue.load()
    tasks = []
    for name in chosen or known:
        wanted = known[name]
        procedures = dict.fromkeys(p for r in wanted for p in requirements[r].procedures)
        tasks.append(_Task(name, seed, plan, wanted, tuple(procedures)))
    return tasks


def _healthy(seeds: int, first: int, plan: str) -> list[_Task]:
    chosen = load_plan(plan)
    selected = tuple(
        name for name in chosen.selected(catalogue.load(), "virtual")
        if not name.startswith("laboratory.")
    )
    return [
        _Task(None, first + index, plan, chosen.requirements, selected) for index in range(seeds)
    ]


def _run_all(
    tasks: Iterable[_Task], processes: int
) -> Iterable[tuple[_Task, Row | tuple[str, ...]]]:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        waiting: dict[Future[Any], _Task] = {pool.submit(_run_one, task): task for task in tasks}
        try:
            while waiting:
                done, _ = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    yield waiting.pop(future), future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _run_one(task: _Task) -> Row | tuple[str, ...]:
    """One row of the matrix, or the alarms of one healthy seed."""
    defects = () if task.defect is None else (task.defect,)
    with tempfile.TemporaryDirectory() as folder:
        journal = Path(folder) / "journal.jsonl"
        with emulated_session(
            journal, seed=task.seed, plan=task.plan, bench=DEFAULT_BENCH, defects=defects
        ) as session:
            results = [session.run(procedure) for procedure in task.procedures]
            verdicts = session.verdicts(task.requirements)
            included = set(task.requirements) & set(session.plan.requirements)
        if task.defect is None:
            quiet = (Outcome.PASS, Outcome.NOT_APPLICABLE)
            return tuple(
                f"{v.requirement} {v.verdict.value}: {v.reason}"
                for v in verdicts
                if v.verdict not in quiet
                and not v.requirement.startswith("LAB-")
                and not (v.verdict is Outcome.NOT_TESTED and v.by_plan)
            )
        failed = {v.requirement for v in verdicts if v.verdict is Outcome.FAIL}
        by = [
            r.id for r in results
            if any(o.failures and o.requirement in failed for o in r.observations)
            or any(o.kind in ("reading", "detection") for o in r.observations
                   if o.requirement in failed)
        ]
        sheets = sum(1 for record in read_journal(journal) if record.kind == "sheet")
    return Row(
        task.defect, task.requirements[0], task.requirements,
        bool(failed) and included <= failed, tuple(by),
        tuple(sorted(failed)), tuple(sorted(included - failed)), sheets,
    )
