"""Defects of the states: who may do what, and when."""

# ruff: noqa: ARG002  (an override takes what its hook is given)
from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time, timedelta

from kalys.emulators.defect_hooks.circumstances import Witness
from kalys.emulators.urn.behaviour import Behaviour
from kalys.emulators.urn.states import Cause
from kalys.protocols.urn.messages import Op, ReportKind, UrnState
from kalys.protocols.urn.permissions import Rule


class TotalsWhileOpen(Behaviour):
    _OPEN = frozenset({
        (Op.RESULTS, ""), (Op.RECORDS, ""), (Op.EXPORT_BEGIN, "results"),
        (Op.EXPORT_BEGIN, "cast-vote-records"),
        (Op.PRINT, ReportKind.RESULTS.value),
    })

    def rule(self, op: Op, kind: str) -> Rule | None:
        rule = super().rule(op, kind)
        if rule is not None and (op, kind) in self._OPEN:
            return replace(rule, states=rule.states | {UrnState.OPEN})
        return rule


class EarlyOpening(Behaviour):
    def may_open(self, state: UrnState, within_hours: bool) -> bool:
        return True


class ReopensAfterClose(Behaviour):
    def rule(self, op: Op, kind: str) -> Rule | None:
        rule = super().rule(op, kind)
        if rule is not None and op is Op.OPEN:
            return replace(rule, states=rule.states | {UrnState.CLOSED})
        return rule

    def transition(self, state: UrnState, cause: Cause) -> UrnState | None:
        if (state, cause) == (UrnState.CLOSED, Cause.OPENED):
            return UrnState.OPEN
        return super().transition(state, cause)

    def minds_opening_conditions(self, state: UrnState) -> bool:
        return state is not UrnState.CLOSED

    def may_open(self, state: UrnState, within_hours: bool) -> bool:
        return state is UrnState.CLOSED or super().may_open(state, within_hours)


class ClockSetByAnyone(Behaviour):
    def rule(self, op: Op, kind: str) -> Rule | None:
        rule = super().rule(op, kind)
        return replace(rule, roles=None) if rule is not None and op is Op.SET_CLOCK else rule


class EventCounterReset(Behaviour):
    def event_counter_after_reset(self, event_counter: int) -> int:
        return 0


class OpensUnchecked(Behaviour):
    def minds_opening_conditions(self, state: UrnState) -> bool:
        return False


class LateBallotsTaken(Witness):
    """Grace for so many seconds after the closing hour, by the urn's own clock."""

    CLOSES = time(20)

    def may_open(self, state: UrnState, within_hours: bool) -> bool:
        if super().may_open(state, within_hours) or state is not UrnState.OPEN:
            return within_hours
        grace = timedelta(seconds=self.parameters["late-ballots-taken"]["seconds"])
        late = self.now - datetime.combine(self.now.date(), self.CLOSES, self.now.tzinfo)
        return timedelta() <= late <= grace
