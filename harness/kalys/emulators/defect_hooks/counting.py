"""Defects of the count: totals, records, the watch over them, and the parameters."""

# ruff: noqa: ARG002  (an override takes what its hook is given)
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from kalys.election.definition import Contest
from kalys.election.rules import Judgement
from kalys.election.tally import Tally
from kalys.emulators.urn.behaviour import Behaviour, Marks

if TYPE_CHECKING:
    from kalys.emulators.urn.memory import Book, Record


class VoteDropped(Behaviour):
    _dropped = 0

    def judge(
        self, contests: Sequence[Contest], marks: Marks, counted_before: int
    ) -> tuple[Marks, Judgement]:
        marks, judgement = super().judge(contests, marks, counted_before)
        numbers = self.parameters["vote-dropped"]
        first = contests[0]
        option = first.option_ids[int(numbers["option"]) % len(first.option_ids)]
        due = counted_before // max(1, int(numbers["every"]))
        if self._dropped >= due or judgement.votes.get(first.id) != (option,):
            return marks, judgement
        self._dropped += 1
        votes = {**judgement.votes, first.id: ()}
        return {**marks, first.id: ()}, replace(judgement, votes=votes)


class RecordsOutOfStep(Behaviour):
    def handed_out(self, records: Sequence[Record], index: int) -> Record:
        record = super().handed_out(records, index)
        one_in = max(1, int(self.parameters["records-out-of-step"]["one_in"]))
        if index == 0 or index % one_in:
            return record
        return replace(record, marks=records[index - 1].marks)


class CounterNotZeroed(Behaviour):
    def left_over(self, tests: Book) -> Mapping[tuple[str, str], int]:
        votes = {(c, o): n for c, row in tests.counters.votes.items() for o, n in row.items() if n}
        most = max(votes, key=lambda register: votes[register], default=None)
        return {} if most is None else {most: votes[most]}


class SilentCapacity(Behaviour):
    def warns_of_capacity(self) -> bool:
        return False


class CounterWraps(Behaviour):
    """All totals that are handed out have passed through a register that is too small."""

    def totals(self, counters: Tally) -> Tally:
        at = max(2, int(self.parameters["counter-wraps"]["at"]))
        told = super().totals(counters).to_dict()
        wrapped = Tally.from_dict({
            **told, **{name: told[name] % at for name in ("sheets", "valid", "invalid")}
        })
        for row in (wrapped.overvotes, wrapped.undervotes, *wrapped.votes.values()):
            row.update({name: number % at for name, number in row.items()})
        return wrapped


class SilentIntegrity(Behaviour):
    def integrity_findings(self, findings: list[str]) -> list[str]:
        return []


class InaudibleAlarm(Behaviour):
    def alarm_sounds(self, audible: bool) -> bool:
        return False


class ThresholdsNotTold(Behaviour):
    def told_parameters(
        self, in_force: Mapping[str, float], of_works: Mapping[str, float]
    ) -> Mapping[str, float]:
        told = super().told_parameters(in_force, of_works)
        return {name: value for name, value in told.items() if not name.startswith("mark_")}


class ThresholdsOfWorksTold(Behaviour):
    def told_parameters(
        self, in_force: Mapping[str, float], of_works: Mapping[str, float]
    ) -> Mapping[str, float]:
        return super().told_parameters(of_works, of_works)


class IntegritySeesNegativesOnly(Behaviour):
    def integrity_findings(self, findings: list[str]) -> list[str]:
        return [what for what in super().integrity_findings(findings) if "below zero" in what]
