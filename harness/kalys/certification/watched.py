"""A session that tells how far it is, that knows when to stop, and that can take up an interrupted
run.

A runner of suites takes every error for the failure of one test and goes on to the next. Two kinds
of error concern the whole run instead: one that ends it (the person broke off, the journal cannot
be written), and a device that is gone. The session remembers both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kalys.certification.progress import RunProgress
from kalys.errors import EvidenceError, Interrupted, KalysError
from kalys.evidence.standing import ABANDONED, standing
from kalys.procedures import registry
from kalys.procedures.campaign import Begun, ShardRecord
from kalys.procedures.session import ProcedureResult, Session
from kalys.requirements.observation import Outcome

if TYPE_CHECKING:
    from kalys.bench.bench import Bench
    from kalys.evidence.journal import Recorder
    from kalys.requirements.plan import Plan

# What a procedure's worst verdict is, worst first.
_WORST = (Outcome.FAIL, Outcome.BLOCKED, Outcome.INCONCLUSIVE)
# Procedures that look at the run and need no device.
_OF_THE_LABORATORY = "laboratory."
_SETTLED_AFTER_S = 20.0
_LEAST_WEIGHT = 20
_LOOK_EVERY_S = 0.5


class WatchedSession(Session):
    """A session that reports to a `RunProgress`, and runs no procedure that has ended before."""

    def __init__(
        self, bench: Bench, plan: Plan, journal: Recorder, seed: int, watcher: RunProgress,
        *, stopping: Callable[[], bool],
    ) -> None:
        """``stopping`` says whether the run was asked to stop."""
        super().__init__(bench, plan, journal, seed, watcher.step)
        self._stopping = stopping
        self._watcher = watcher
        self._ended_by: BaseException | None = None
        self._gone = ""

    def expect(self) -> None:
        """Announce how many procedures are still to run."""
        planned = self.plan.selected(self.catalogue, self.clock.base)
        left = [name for name in planned if name not in self.finished]
        self._watcher.expect(len(left), {name: self._weight(name) for name in left})

    def _weight(self, name: str) -> float:
        """What a procedure weighs in the progress of the run: about the sheets that it shows."""
        if self.bench.dut_role not in registry.get(name).devices:
            return 1.0
        asked = self.plan.parameters(name, self.clock.base)
        sheets = [asked.get(what) for what in ("sheets", "marks", "voters", "trials")]
        return float(max([_LEAST_WEIGHT, *(n for n in sheets if isinstance(n, int))]))

    def go_on(self) -> None:
        """Raise again what has ended the run, if anything has; else there is no hindrance."""
        if self._ended_by is not None:
            raise self._ended_by
        if self._stopping():
            raise KeyboardInterrupt

    def take_up(self, journal: Path) -> None:
        """Take up an interrupted run: what ended stands, a campaign goes on after its last shard,
        and what else was cut off is marked abandoned, from its last whole part on."""
        before = standing(journal)
        for name in before.open:
            shards = before.shards.get(name)
            if shards:
                records = [ShardRecord.from_dict(data) for data in shards]
                seen = before.observations[before.before_last[name] :]
                self.begun[name] = Begun(records, sum(o.procedure == name for o in seen))
            else:
                self.journal.add("procedure", {"id": name, "step": ABANDONED})
                self.parts_done[name] = before.parts.get(name, 0)
        after = standing(journal)
        # In virtual time an attempt that is made again shows again what it showed.
        again = [o for left in after.left.values() for o in left if o.time_base == "virtual"]
        self.observations.extend(o for o in after.observations if o not in again)
        for name, error in after.ended.items():
            own = tuple(o for o in after.observations if o.procedure == name)
            requirements = registry.get(name).requirements
            self.finished[name] = ProcedureResult(name, self.verdicts(requirements), error, own)

    def run(self, procedure_id: str) -> ProcedureResult:
        """Run it, unless it has ended in the run that is continued, or the run itself has ended."""
        self.go_on()
        if procedure_id in self.finished:
            return self.finished[procedure_id]
        self._watcher.begin(procedure_id, registry.get(procedure_id).title)
        try:
            result = super().run(procedure_id)
        except (Interrupted, EvidenceError, KeyboardInterrupt) as error:
            self._ended_by = error
            # The one thing that makes every runner of suites stop.
            raise KeyboardInterrupt from error
        words = {v.verdict for v in result.verdicts if v.requirement in self.plan.requirements}
        worst = next((w.value for w in _WORST if w in words), "PASS")
        if result.observations and all(o.kind == "not-applicable" for o in result.observations):
            worst = Outcome.NOT_APPLICABLE.value
        self._watcher.end(procedure_id, worst)
        return result

    def _attempt(
        self, procedure: registry.Procedure, parameters: Mapping[str, Any]
    ) -> str | None:
        """As ever, but ask no device that is gone: each request would wait for it in vain."""
        if self._gone and not procedure.id.startswith(_OF_THE_LABORATORY):
            for requirement in procedure.requirements:
                self.blocked(requirement, f"{procedure.id}: {self._gone}")
            return self._gone
        error = super()._attempt(procedure, parameters)
        if error is not None and not self._gone:
            self._gone = self._why_it_is_gone()
        return error

    def _why_it_is_gone(self) -> str:
        """After an error: is the urn still there, or again, and is it the same? Else, why not.

        A counting core is started again with every deck.
        """
        if self.bench.dut_role == "core":
            return ""
        urn = self.bench.urn()
        try:
            urn.status()
        except (Interrupted, EvidenceError):
            raise
        except KalysError:
            try:
                urn.reconnect()
                found = urn.identity().serial
                self._let_it_settle()
            except (Interrupted, EvidenceError):
                raise
            except KalysError as error:
                return f"the device is gone: {str(error).splitlines()[0]}"
            if found != self.identity.serial:
                return (f"the device is gone: its address is answered by number {found}, "
                        f"under test is number {self.identity.serial}")
        return ""

    def _let_it_settle(self) -> None:
        """A sheet that was on its way when the link was lost still moves; until it lies somewhere
        the urn refuses what the next procedure begins with."""
        for _ in range(round(_SETTLED_AFTER_S / _LOOK_EVERY_S)):
            if self.bench.urn().status().path not in ("feeding", "returning"):
                return
            self.clock.sleep(_LOOK_EVERY_S)
