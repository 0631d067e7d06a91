"""A session: one bench, one plan, one journal, and what procedures report into them.

A procedure gets a ``Session`` and knows nothing else: it asks the session for roles, feeds,
reads, and reports *observations* (``count``, ``reading``, ``check``, ``blocked``,
``not_applicable``). The session stamps each with the device's serial number, the time base and the
range of journal records it rests on, writes it to the journal at once, and judges when the
procedure has ended. Fronts (pytest, Robot, ``kalys certify``) only call ``run``.

Errors stay inside one procedure: a KalysError makes its requirements BLOCKED with the reason and
the run goes on; an error of the harness's own does the same and leaves its traceback in the
journal. An interruption by the person at the terminal passes through.
"""

from __future__ import annotations

import random
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from kalys.ballots.render import Renderer
from kalys.ballots.templates import layouts_for
from kalys.errors import ConfigurationError, EvidenceError, Interrupted, KalysError
from kalys.evidence.read_times import ReadTimes
from kalys.procedures import core_errors, registry
from kalys.procedures.core_errors import ErrorPictures, Facets
from kalys.requirements import catalogue, verdict
from kalys.requirements.decision import standing
from kalys.requirements.observation import Observation, Verdict

if TYPE_CHECKING:
    from kalys.bench.bench import Bench
    from kalys.bench.profile import Profile
    from kalys.devices.roles import (
        CountingCore,
        Feeder,
        Hands,
        Identity,
        PowerSupply,
        Printer,
        Urn,
    )
    from kalys.election.definition import ElectionDefinition
    from kalys.evidence.journal import Recorder
    from kalys.links.clock import Clock
    from kalys.procedures.campaign import Begun
    from kalys.procedures.workforce import Workforce
    from kalys.requirements.catalogue import Catalogue
    from kalys.requirements.plan import Plan
    from kalys.requirements.rules import Rule

Found = TypeVar("Found")
Progress = Callable[[str, int, int, str], None]
"""Told of progress: procedure id, steps done, steps in all, and what is being done."""


@dataclass(frozen=True)
class ProcedureResult:
    """What running one procedure gave. ``error`` is what stopped it early, in words, or None."""

    id: str
    verdicts: tuple[Verdict, ...]
    error: str | None
    observations: tuple[Observation, ...]


class Session:
    """The bench, the plan and the journal of one run, as procedures see them.

    ``observations`` holds every observation of the run in order, ``finished`` what each procedure
    gave that has run. All of the role properties raise ConfigurationError (so the procedure is
    BLOCKED, with the reason) when the bench lacks the role. A procedure may set ``instrument`` to
    name what it measures with. ``workforce`` does the shards of campaigns, this process when it is
    None; ``begun`` holds campaigns that were broken off, by procedure, and ``parts_done`` how much
    of a procedure of several parts was done.
    """

    def __init__(
        self,
        bench: Bench,
        plan: Plan,
        journal: Recorder,
        seed: int,
        progress: Progress | None = None,
    ) -> None:
        self.bench = bench
        self.plan = plan
        self.journal = journal
        self.seed = seed
        self.observations: list[Observation] = []
        self.finished: dict[str, ProcedureResult] = {}
        self.instrument = ""
        self.workforce: Workforce | None = None
        self.begun: dict[str, Begun] = {}
        self.parts_done: dict[str, int] = {}
        self._progress = progress
        self._running: registry.Procedure | None = None
        self._since = 0
        self._facets: Facets = {}
        self._went_wrong = False

    # Roles of the device under test -------------------------------------------------------------

    @property
    def clock(self) -> Clock:
        return self.bench.clock

    @property
    def urn(self) -> Urn:
        return self._role("urn", self.bench.urn())

    @property
    def core(self) -> CountingCore:
        return self.bench.core()

    @property
    def feeder(self) -> Feeder:
        return self._role("feeder", self.bench.feeder(self.urn.name))

    @property
    def hands(self) -> Hands:
        return self._role("hands", self.bench.hands(self.urn.name))

    @property
    def printer(self) -> Printer:
        return self._role("printer", self.bench.printer(self.urn.name))

    @property
    def supply(self) -> PowerSupply:
        return self._role("supply", self.bench.supply())

    @property
    def identity(self) -> Identity:
        return self.bench.identity

    @cached_property
    def profile(self) -> Profile:
        return self.bench.profile()

    @property
    def definition(self) -> ElectionDefinition:
        return self.bench.definition

    @property
    def style(self) -> str:
        """The ballot style of procedures that are about one: the election's first."""
        return self.definition.styles[0].id

    def _role(self, role: str, found: Found | None) -> Found:
        if found is None:
            raise ConfigurationError(
                f"the bench has no {role}",
                remedy=f"Name a device with the role {role} in the bench file, or by: operator.",
            )
        return found

    # What procedures report -----------------------------------------------------------------------

    def count(
        self,
        requirement: str,
        trials: int,
        failures: int,
        *,
        condition: str = "",
        note: str = "",
        sheet: str = "",
        sheets: int = 0,
        bad_sheets: int = 0,
    ) -> None:
        """``failures`` of ``trials`` went wrong under ``condition``.

        ``sheets`` says on how many sheets the trials lie, when they are positions, and
        ``bad_sheets`` on how many of these a failure lies.
        """
        self._observe(
            requirement, "count", trials=trials, failures=failures, condition=condition,
            note=note, sheet=sheet, sheets=sheets, bad_sheets=bad_sheets,
        )

    def detection(
        self,
        requirement: str,
        *,
        level: str,
        position: str,
        stage: int,
        marks: int,
        detected: int,
    ) -> None:
        """Of ``marks`` marks of ``level`` at ``position``, ``detected`` were read as votes.

        ``stage``: 1, or 2 for the independent repetition that confirms an alarm. Each mark lies
        on a sheet of its own, since marks of one sheet share its noise.
        """
        self._observe(
            requirement, "detection", trials=marks, detected=detected, condition=level,
            position=position, stage=stage, sheets=marks,
        )

    def reading(
        self,
        requirement: str,
        value: float,
        unit: str,
        u: float | None,
        *,
        condition: str = "",
        note: str = "",
    ) -> None:
        """One reading: ``value`` in ``unit`` (UCUM) with standard uncertainty ``u``."""
        self._observe(
            requirement, "reading", value=value, unit=unit, u=u, condition=condition, note=note
        )

    def check(self, requirement: str, condition: str, ok: bool, note: str = "") -> None:
        """The named ``condition`` held or not; ``note`` tells a person what came instead."""
        self._observe(
            requirement, "check", trials=1, failures=0 if ok else 1, condition=condition,
            note="" if ok else note,
        )

    def blocked(self, requirement: str, note: str) -> None:
        """The requirement could not be observed; ``note`` says why."""
        self._observe(requirement, "blocked", note=note)

    def not_applicable(self, requirement: str, note: str) -> None:
        """The requirement does not apply to this device; ``note`` says why."""
        self._observe(requirement, "not-applicable", note=note)

    def _observe(self, requirement: str, kind: str, **fields: Any) -> None:
        observation = Observation(
            requirement=requirement,
            procedure=self._running.id if self._running else "",
            kind=kind,
            device=self.identity.serial,
            time_base=self.clock.base,
            instrument=self.instrument,
            evidence=(self._since + 1, getattr(self.journal, "last", 0)),
            **fields,
        )
        self.observations.append(observation)
        self._since = self.journal.add("observation", observation.to_dict())

    # Aids -----------------------------------------------------------------------------------------

    def rng(self, name: str) -> random.Random:
        """A generator of its own for ``name``, the same for the same seed of the run."""
        return random.Random(f"{self.seed}:{name}")

    def decided(self, requirement: str) -> bool:
        """Whether the sequential test of a requirement has decided: no more need be observed."""
        now = standing(self.rule(requirement), requirement, self.observations)
        return now.state != "continue"

    def report_progress(self, done: int, total: int, text: str) -> None:
        """Tell whoever watches that ``done`` of ``total`` steps are done."""
        if self._progress is not None and self._running is not None:
            self._progress(self._running.id, done, total, text)

    def end_part(self, done: int) -> None:
        """An election of several is over and all is observed of it: ``done`` sheets or cuts of the
        procedure need not be done again, whatever happens to this process."""
        self.journal.add("part", {"procedure": self.running, "done": done})

    def done_before(self) -> int:
        """How many were done, in whole parts, before the run was broken off; else 0."""
        return self.parts_done.pop(self.running, 0)

    @property
    def running(self) -> str:
        """The id of the procedure that is running, "" between procedures."""
        return self._running.id if self._running else ""

    @cached_property
    def renderer(self) -> Renderer:
        """Draws what a sensor sees, for a counting core that has none."""
        return Renderer(layouts_for(self.definition))

    @cached_property
    def error_pictures(self) -> ErrorPictures:
        """Keeps pictures of errors beside the journal."""
        folder = self.evidence
        return ErrorPictures(folder / core_errors.FOLDER if folder else None)

    def break_down(self, facets: Facets, *, wrong: bool) -> None:
        """Where a deck on an urn went wrong, if it did: noted once, when the procedure ends."""
        self._went_wrong = self._went_wrong or wrong
        for facet, rows in facets.items():
            for value, counts in rows.items():
                row = self._facets.setdefault(facet, {}).setdefault(value, [0, 0, 0])
                row[:] = [total + more for total, more in zip(row, counts, strict=True)]

    def note_breakdown(self, facets: Facets) -> None:
        """Where a deck went wrong, for the report."""
        self.journal.add("breakdown", {"procedure": self.running, "facets": facets})

    def note_read_times(self, times: ReadTimes) -> None:
        """How long reads took. Beside the journal, which is the same for the same seed."""
        if self.evidence is not None:
            times.append_to(self.evidence)

    @property
    def evidence(self) -> Path | None:
        """The folder of the journal, for what lies beside it; None where no journal is kept."""
        path = getattr(self.journal, "path", None)
        return path.parent if isinstance(path, Path) else None

    # Running --------------------------------------------------------------------------------------

    def run(self, procedure_id: str) -> ProcedureResult:
        """Run one procedure with the plan's parameters and judge its requirements.

        Raises ConfigurationError for an unknown id; KeyboardInterrupt and Interrupted pass.
        """
        procedure = registry.get(procedure_id)
        parameters = self.plan.parameters(procedure_id, self.clock.base)
        first = len(self.observations)
        self._running, self.instrument = procedure, ""
        self._since = self.journal.add(
            "procedure", {"id": procedure.id, "step": "begin", "parameters": dict(parameters)}
        )
        try:
            error = None
            if self.bench.dut_role in procedure.devices:
                error = self._attempt(procedure, parameters)
            else:
                self._not_asked(procedure)
            if self._went_wrong:
                self.note_breakdown(self._facets)
        finally:
            self.instrument, self._running = "", None
            self._facets, self._went_wrong = {}, False
        # Only what came to its end says so: what was broken off is run again when the run goes on.
        self.journal.add("procedure", {"id": procedure.id, "step": "end", "error": error})
        result = ProcedureResult(
            procedure.id,
            self.verdicts(procedure.requirements),
            error,
            tuple(self.observations[first:]),
        )
        self.finished[procedure.id] = result
        return result

    def _attempt(
        self, procedure: registry.Procedure, parameters: Mapping[str, Any]
    ) -> str | None:
        try:
            procedure.run(self, parameters)
        except (Interrupted, EvidenceError):
            # Nothing can go on without the person, nor without a journal.
            raise
        except KalysError as stopped:
            error = str(stopped)
        except Exception as bug:
            # An error of the harness must not take the other procedures of a long run with it.
            error = f"the procedure itself failed: {type(bug).__name__}: {bug}"
            self.journal.add("note", {"text": error, "traceback": traceback.format_exc()})
        else:
            return None
        for requirement in procedure.requirements:
            self.blocked(requirement, f"{procedure.id}: {error}")
        return error

    def _not_asked(self, procedure: registry.Procedure) -> None:
        """What is tested on an urn only cannot be asked of a counting core alone."""
        for requirement in procedure.requirements:
            self.not_applicable(
                requirement,
                "A counting core alone has no paper path, box, clock, log, printer or power: this "
                "is asked of an urn.",
            )

    def verdicts(self, requirements: tuple[str, ...]) -> tuple[Verdict, ...]:
        """The verdicts on these requirements from all that was observed so far."""
        return tuple(
            verdict.judge(
                self.catalogue[name],
                self.plan,
                self.profile.limits,
                self.observations,
                self.profile.capabilities,
                time_base=self.clock.base,
            )
            for name in requirements
        )

    def rule(self, requirement: str) -> Rule | None:
        """The rule by which this run decides a requirement: the plan's choice, if it makes one."""
        return self.plan.ruled(self.catalogue[requirement]).decision

    @cached_property
    def catalogue(self) -> Catalogue:
        """The requirements, with the limits that the profile overrides."""
        return catalogue.load().overridden(self.profile.requirements)
