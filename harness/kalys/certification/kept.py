"""Trials that were run, kept in a file, so that a long matrix need not be run in one go.

One JSON object a line, each written as soon as its trial is done; the first line says of which plan
and which version they are. A last line that was cut off is left out.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import kalys
from kalys.certification.trial import Task, Trial
from kalys.errors import ConfigurationError

FORMAT = "kalys-sensitivity/1"


class KeptTrials:
    """``path`` None keeps nothing. ConfigurationError for a file of something else."""

    def __init__(self, path: Path | None, plan: str) -> None:
        self._trials: dict[tuple[str | None, int], Trial] = {}
        self._file: IO[str] | None = None
        if path is None:
            return
        header = {"format": FORMAT, "version": kalys.__version__, "plan": plan}
        whole = self._read(path, header) if path.exists() else ""
        # Written anew without a line that was cut off: nothing may be appended to half a line.
        self._file = path.open("w", encoding="utf-8")
        self._write(header)
        self._file.write(whole)
        self._file.flush()

    def get(self, task: Task) -> Trial | None:
        return self._trials.get((task.defect, task.seed))

    def add(self, trial: Trial) -> None:
        """Keep a trial that has just been run."""
        if self._file is not None:
            self._write(asdict(trial))
            self._file.flush()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _write(self, data: dict[str, Any]) -> None:
        assert self._file is not None
        self._file.write(json.dumps(data) + "\n")

    def _read(self, path: Path, header: dict[str, Any]) -> str:
        """Learn the trials of a file; its lines after the first."""
        lines = [
            line for line in path.read_text(encoding="utf-8", errors="replace").splitlines(True)
            if line.endswith("\n")
        ]
        place = f"{path}:1"
        try:
            if json.loads(lines[0]) != header:
                raise ConfigurationError(
                    "it keeps trials of another plan or another version of Kalys", where=place,
                    remedy=f"Expected was {json.dumps(header)}. Name another file.",
                )
            for number, line in enumerate(lines[1:], 2):
                place = f"{path}:{number}"
                trial = Trial.from_dict(json.loads(line))
                self._trials[trial.defect, trial.seed] = trial
        except (IndexError, ValueError, TypeError, AttributeError) as error:
            raise ConfigurationError(
                f"this is no file of kept trials: {error}", where=place,
                remedy="Name a file that `kalys sensitivity --keep` has written, or a new one.",
            ) from None
        return "".join(lines[1:])
