"""One trial of the suites: an urn with one defect, or a healthy one, and what they made of it.

A trial of a defect runs the procedures that are said to find it, and the others of its requirements
only while one of these has not been judged FAIL. It runs in a process of its own choosing: all that
goes in and comes out is plain data.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from kalys.certification.emulated import DEFAULT_BENCH, emulated_session
from kalys.evidence.journal import read_journal
from kalys.procedures.session import ProcedureResult
from kalys.requirements.observation import Observation, Outcome

POSITIONS = "ACC-001"          # whose trials are ballot positions


@dataclass(frozen=True)
class Task:
    """What is to be run. ``defect`` None: the healthy urn, through all ``procedures``."""

    defect: str | None
    seed: int
    plan: str
    requirements: tuple[str, ...]
    procedures: tuple[str, ...]


@dataclass(frozen=True)
class Trial:
    """What came of it.

    ``failed`` requirements were judged FAIL, ``missed`` ones of the plan were not, found ``by``
    procedures. ``sheets`` were fed in all, ``first`` of them until the first failure was seen (0:
    none was), on ``positions`` ballot positions that were compared, in ``device_seconds``.
    ``alarms`` are those of a healthy urn.
    """

    defect: str | None
    seed: int
    failed: tuple[str, ...] = ()
    missed: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    sheets: int = 0
    first: int = 0
    positions: int = 0
    device_seconds: float = 0.0
    alarms: tuple[str, ...] = ()

    @property
    def caught(self) -> bool:
        return bool(self.failed) and not self.missed

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Trial:
        """From what ``dataclasses.asdict`` made of one. ValueError for anything else."""
        return TypeAdapter(cls).validate_python(data)


def run_trial(task: Task) -> Trial:
    """Run it on the emulated station in virtual time."""
    defects = () if task.defect is None else (task.defect,)
    with tempfile.TemporaryDirectory() as folder:
        journal = Path(folder) / "journal.jsonl"
        with emulated_session(
            journal, seed=task.seed, plan=task.plan, bench=DEFAULT_BENCH, defects=defects
        ) as session:
            included = set(task.requirements) & set(session.plan.requirements)
            results: list[ProcedureResult] = []
            failed: set[str] = set()
            for procedure in task.procedures:
                results.append(session.run(procedure))
                if task.defect is not None:
                    failed = {
                        v.requirement for v in session.verdicts(tuple(sorted(included)))
                        if v.verdict is Outcome.FAIL
                    }
                    if included and included <= failed:
                        break
            seconds = session.clock.now() / 1e9
            alarms = _alarms(session.verdicts(task.requirements)) if task.defect is None else ()
            positions = sum(
                o.trials for o in session.observations if o.requirement == POSITIONS
            )
        sheets, first = _sheets(journal, failed)
    return Trial(
        task.defect, task.seed, tuple(sorted(failed)), tuple(sorted(included - failed))
        if task.defect is not None else (), _finders(results, failed), sheets, first, positions,
        round(seconds, 3), alarms,
    )


def _alarms(verdicts: Sequence[Any]) -> tuple[str, ...]:
    """What a healthy urn must not be told. The laboratory's own requirements need a whole run."""
    quiet = (Outcome.PASS, Outcome.NOT_APPLICABLE)
    return tuple(
        f"{v.requirement} {v.verdict.value}: {v.reason}"
        for v in verdicts
        if v.verdict not in quiet
        and not v.requirement.startswith("LAB-")
        and not (v.verdict is Outcome.NOT_TESTED and v.by_plan)
    )


def _finders(results: Sequence[ProcedureResult], failed: set[str]) -> tuple[str, ...]:
    return tuple(
        result.id for result in results if any(_tells(o, failed) for o in result.observations)
    )


def _tells(observation: Observation, failed: set[str]) -> bool:
    """Whether the observation speaks for a FAIL: counts by their failures, readings and rates of
    detection only all together."""
    if observation.requirement not in failed:
        return False
    return bool(observation.failures) or observation.kind in ("reading", "detection")


def _sheets(journal: Path, failed: set[str]) -> tuple[int, int]:
    """Sheets in all, and until the first failure of a requirement that was judged FAIL."""
    sheets = first = 0
    for record in read_journal(journal):
        if record.kind == "sheet":
            sheets += 1
        elif not first and record.kind == "observation" and record.data.get("failures"):
            first = sheets if record.data["requirement"] in failed else 0
    return sheets, first
