"""Defects at the ends of registers: the n-th ballot, the n-th vote, ids that come again."""


from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from kalys.election.definition import Contest
from kalys.election.rules import Judgement
from kalys.emulators.defect_hooks.circumstances import Witness, without_vote
from kalys.emulators.urn.behaviour import Behaviour, Marks
from kalys.protocols.urn.messages import UrnState

if TYPE_CHECKING:
    from kalys.emulators.urn.memory import Record

Parameters = Mapping[str, Mapping[str, float]] | None


class Ballot256Lost(Witness):
    def times_counted(self) -> int:
        at = max(1, int(self.parameters["ballot-256-lost"]["at"]))
        return 0 if self.counted + 1 == at else super().times_counted()


class Ballot65536Lost(Witness):
    _ever = 0

    def times_counted(self) -> int:
        numbers = self.parameters["ballot-65536-lost"]
        if self.state is UrnState.OPEN:
            self._ever += 1
        lost = self._ever + int(numbers["before"]) == int(numbers["at"])
        return 0 if lost and self.state is UrnState.OPEN else super().times_counted()


class Vote256Lost(Behaviour):
    """A byte that no reset clears counts the votes of an option; its carry takes one away."""

    def __init__(self, parameters: Parameters = None) -> None:
        super().__init__(parameters)
        self._votes: Counter[tuple[str, str]] = Counter()

    def judge(
        self, contests: Sequence[Contest], marks: Marks, counted_before: int
    ) -> tuple[Marks, Judgement]:
        marks, judgement = super().judge(contests, marks, counted_before)
        at = max(1, int(self.parameters["vote-256-lost"]["at"]))
        for contest, options in tuple(judgement.votes.items()):
            for option in options:
                self._votes[contest, option] += 1
                if self._votes[contest, option] == at:
                    marks, judgement = without_vote(marks, judgement, contest)
        return marks, judgement


class RecordIdsCollide(Behaviour):
    """Records are kept under so many bits of their id; of two with one id, the later is found."""

    def __init__(self, parameters: Parameters = None) -> None:
        super().__init__(parameters)
        self._found: tuple[int, dict[int, Record]] = (-1, {})

    def handed_out(self, records: Sequence[Record], index: int) -> Record:
        record = super().handed_out(records, index)
        mask = (1 << int(self.parameters["record-ids-collide"]["bits"])) - 1
        if index == 0 or self._found[0] != len(records):
            self._found = len(records), {int(r.id, 16) & mask: r for r in records}
        return self._found[1][int(record.id, 16) & mask]
