"""A session that tells how far it is, and that can take up an interrupted run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kalys.certification.progress import RunProgress
from kalys.evidence.standing import ABANDONED, standing
from kalys.procedures import registry
from kalys.procedures.session import ProcedureResult, Session
from kalys.requirements.observation import Outcome

if TYPE_CHECKING:
    from kalys.bench.bench import Bench
    from kalys.evidence.journal import Recorder
    from kalys.requirements.plan import Plan

# What a procedure's worst verdict is, worst first.
_WORST = (Outcome.FAIL, Outcome.BLOCKED, Outcome.INCONCLUSIVE)


class WatchedSession(Session):
    """A session that reports to a `RunProgress`, and runs no procedure that has ended before."""

    def __init__(
        self, bench: Bench, plan: Plan, journal: Recorder, seed: int, watcher: RunProgress
    ) -> None:
        super().__init__(bench, plan, journal, seed, watcher.step)
        self._watcher = watcher

    def expect(self) -> None:
        """Announce how many procedures are still to run."""
        planned = self.plan.selected(self.catalogue, self.clock.base)
        self._watcher.expect(sum(name not in self.finished for name in planned))

    def take_up(self, journal: Path) -> None:
        """Take up an interrupted run: what ended stands, what was cut off is marked abandoned."""
        before = standing(journal)
        for name in before.open:
            self.journal.add("procedure", {"id": name, "step": ABANDONED})
        after = standing(journal)
        self.observations.extend(after.observations)
        for name, error in after.ended.items():
            own = tuple(o for o in after.observations if o.procedure == name)
            requirements = registry.get(name).requirements
            self.finished[name] = ProcedureResult(name, self.verdicts(requirements), error, own)

    def run(self, procedure_id: str) -> ProcedureResult:
        """Run it, unless it has ended in the run that is continued."""
        if procedure_id in self.finished:
            return self.finished[procedure_id]
        self._watcher.begin(procedure_id, registry.get(procedure_id).title)
        result = super().run(procedure_id)
        words = {v.verdict for v in result.verdicts if v.requirement in self.plan.requirements}
        worst = next((w.value for w in _WORST if w in words), "PASS")
        self._watcher.end(procedure_id, worst)
        return result
