"""The folder of one run: where everything lies, from the first record to the seal.

::

    report.pdf  report.html  report.json
    evidence/   journal.jsonl  run.json  inputs/  manifest.sha256  seal.json  verify.py
    allure-results/
    robot/
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kalys.errors import ConfigurationError, EvidenceError
from kalys.evidence import standalone
from kalys.evidence.canonical import canonical
from kalys.evidence.disk import cannot_write, write_whole
from kalys.evidence.sealing import Status, seal
from kalys.evidence.signing import LaboratoryKey


class RunFolder:
    """The places of a run folder. ``RunFolder(path)`` itself touches nothing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.evidence = path / "evidence"
        self.inputs = self.evidence / "inputs"
        self.journal = path / standalone.JOURNAL
        self.seal_file = path / standalone.SEAL
        self.allure = path / "allure-results"
        self.robot = path / "robot"

    @classmethod
    def create(cls, path: Path) -> RunFolder:
        """A new run folder; ConfigurationError when the place is taken or cannot be written."""
        folder = cls(path)
        try:
            if path.exists() and (not path.is_dir() or any(path.iterdir())):
                raise ConfigurationError(
                    "is there already and is not an empty folder",
                    where=str(path),
                    remedy="Choose another with --out, or continue that run with --resume.",
                )
            for place in (folder.inputs, folder.allure, folder.robot):
                place.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(
                f"the run folder cannot be made: {error.strerror}",
                where=str(path),
                remedy="Name a folder that can be written with --out.",
            ) from error
        return folder

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """An existing run folder; ConfigurationError when it holds no journal."""
        folder = cls(path)
        if not folder.journal.is_file():
            raise ConfigurationError(
                "this is not a run folder: there is no evidence/journal.jsonl",
                where=str(path),
                remedy="Name the folder that kalys certify wrote.",
            )
        return folder

    @property
    def sealed(self) -> bool:
        return self.seal_file.is_file()

    def write_json(self, name: str, data: Mapping[str, Any]) -> Path:
        """Write a document below ``evidence/``, whole or not at all; returns its path."""
        path = self.evidence / name
        write_whole(path, (canonical(data) + "\n").encode())
        return path

    def seal(
        self,
        key: LaboratoryKey,
        *,
        status: Status = "complete",
        about: Mapping[str, Any] | None = None,
    ) -> Path:
        """Seal the run: nothing in it may change afterwards. Returns the envelope's path."""
        return seal(self.path, key, status, about)

    def break_seal(self) -> Path | None:
        """Before a run is continued: move its seal to ``evidence/superseded/``; returns where to.

        The old seal stays evidence of how far the run had come.
        """
        if not self.sealed:
            return None
        place = self.evidence / "superseded"
        try:
            place.mkdir(exist_ok=True)
            number = sum(1 for _ in place.glob("seal-*.json")) + 1
            return self.seal_file.replace(place / f"seal-{number}.json")
        except OSError as error:
            raise cannot_write(error, place) from error

    def require_unsealed_end(self) -> None:
        """EvidenceError when the run is complete and sealed: there is nothing to continue."""
        if not self.sealed:
            return
        try:
            statement, _ = standalone.read_seal(self.seal_file, None)
        except standalone.Disagreement as error:
            raise EvidenceError(str(error), where=str(self.seal_file)) from error
        if statement["predicate"].get("status") == "complete":
            raise EvidenceError(
                "this run is complete and sealed",
                where=str(self.path),
                remedy="Start a new run; only an interrupted one can be continued.",
            )
