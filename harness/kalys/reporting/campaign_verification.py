"""``kalys verify`` of campaigns: from the core's own answers to the observations, once more.

The journal says of each shard which sheets of which deck were shown, and the SHA-256 of the file
with the answers. Here the deck is made again from its recipe, every answer is compared with the
truth of its sheet, and what follows is held against the journal's records and observations. No
picture has to be drawn for that. With ``redraw`` those pictures are drawn again whose SHA-256 the
answers hold: of every wrong sheet, and of a sample of the others.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from kalys.ballots.deck_file import Deck
from kalys.ballots.render import Renderer
from kalys.ballots.templates import layouts_for
from kalys.election.definition import ElectionDefinition, load
from kalys.errors import EvidenceError
from kalys.evidence.verification import Finding
from kalys.procedures.campaign import ShardRecord
from kalys.procedures.core_answers import SheetAnswer
from kalys.procedures.core_run import sha256_of
from kalys.procedures.shard import answers_in
from kalys.procedures.shard_count import ShardJudge
from kalys.procedures.volume_observations import ALL, Told, VolumeObservations
from kalys.reporting.build import RunData
from kalys.requirements.observation import Observation

_NAME = re.compile(r"answers/[a-z][\w.-]*/[\w.-]+-\d{6}\.jsonl\.gz")
_MOST_BYTES_A_SHEET = 4096
_MOST_SHEETS = 1 << 17
_MOST_FINDINGS = 10


def verify_campaigns(data: RunData, *, redraw: bool = False) -> list[Finding]:
    """A finding for each campaign that agrees, and for what does not."""
    definition = load(str(data.run["election"]))
    findings: list[Finding] = []
    for procedure, plain in data.shards.items():
        records = [ShardRecord.from_dict(record) for record in plain]
        checked = _Campaign(data, procedure, records, definition)
        wrong = list(checked.differences())
        if redraw and not wrong:
            wrong += checked.redrawn()
        findings += wrong[:_MOST_FINDINGS]
        if len(wrong) > _MOST_FINDINGS:
            findings.append(Finding(False, f"and {len(wrong) - _MOST_FINDINGS} more", procedure))
        if not wrong:
            findings.append(Finding(True, checked.summary(redraw), procedure))
    return findings


class _Campaign:
    """One campaign of a run folder."""

    def __init__(
        self, data: RunData, procedure: str, records: Sequence[ShardRecord],
        definition: ElectionDefinition,
    ) -> None:
        self._data = data
        self._procedure = procedure
        self._records = records
        self._definition = definition
        self._recipe = records[0].recipe
        self._deck: Deck = self._recipe.deck(definition)
        self._layout = layouts_for(definition)[self._deck.style]
        self._pictures: list[tuple[int, str, str]] = []     # place, SHA-256, file
        self._sheets = 0

    def differences(self) -> Iterator[Finding]:
        """What does not agree: files with the journal, answers with it, observations with both."""
        expected = 0
        for number, record in enumerate(self._records):
            if (record.shard, record.first, record.recipe) != (number, expected, self._recipe):
                yield Finding(
                    False, f"shard {number} is missing, or is recorded twice or of another deck",
                    self._procedure,
                )
                return
            sheets = record.last - record.first
            if not 0 < sheets <= _MOST_SHEETS or record.last > self._recipe.sheets:
                yield Finding(False, f"shard {number} has no such sheets", self._procedure)
                return
            expected = record.last
            if record.count is not None:
                try:
                    self._check(record)
                except (EvidenceError, ValueError) as error:
                    yield Finding(False, str(error), record.file or self._procedure)
        yield from self._observations()

    def redrawn(self) -> Iterator[Finding]:
        """Pictures that are not those that were shown."""
        renderer, sides = Renderer(layouts_for(self._definition)), self._layout.sides
        for place, sha256, file in self._pictures:
            sheet = self._deck[place]
            if sha256_of(renderer.seen(sheet, sides)) != sha256:
                yield Finding(
                    False, f"sheet {sheet.id}, drawn again, is not the picture that was shown", file
                )

    def summary(self, redraw: bool) -> str:
        drawn = f", {len(self._pictures)} pictures drawn again" if redraw else ""
        return (
            f"{self._sheets} answers in {len(self._records)} shards compared with the deck: the "
            f"observations follow from them{drawn}"
        )

    def _check(self, record: ShardRecord) -> None:
        """EvidenceError or ValueError when the answers do not give what the record says."""
        answers = answers_in(self._file(record), record.last - record.first)
        assert record.count is not None
        if len(answers) != record.count.shown or len(answers) > record.last - record.first:
            raise ValueError(
                f"it holds {len(answers)} answers, the journal tells of {record.count.shown}"
            )
        judge = ShardJudge(
            self._deck.contests, self._deck.style, self._layout, record.first
        )
        for place, answer in enumerate(answers, record.first):
            self._take(judge, place, answer, record)
        count = judge.count(record.count.ended)
        if count.to_dict() != record.count.to_dict():
            raise ValueError(
                f"the answers give {count.misread} sheets misread at {count.failures} positions "
                f"and {count.uncounted} not counted, the journal says {record.count.misread}, "
                f"{record.count.failures} and {record.count.uncounted}, or breaks them down "
                "otherwise"
            )

    def _take(
        self, judge: ShardJudge, place: int, answer: SheetAnswer, record: ShardRecord
    ) -> None:
        sheet = self._deck[place]
        if answer.sheet != sheet.id:
            raise ValueError(f"it answers for {answer.sheet[:40]!r} where {sheet.id} was shown")
        judge.add(sheet, answer)
        self._sheets += 1
        if answer.sha256:
            self._pictures.append((place, answer.sha256, record.file))

    def _file(self, record: ShardRecord) -> bytes:
        """The file of a shard; EvidenceError when it is not what the journal says it is."""
        path = self._data.folder / "evidence" / record.file
        most = (record.last - record.first) * _MOST_BYTES_A_SHEET
        if not _NAME.fullmatch(record.file) or _linked(path, 3):
            raise EvidenceError("it is no file of answers in this folder")
        if not path.is_file():
            raise EvidenceError("the answers of this shard are missing")
        if path.stat().st_size > most:
            raise EvidenceError("it is too large for the answers of this shard")
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() != record.sha256:
            raise EvidenceError("it was changed: its SHA-256 is not the one in the journal")
        return data

    def _observations(self) -> Iterator[Finding]:
        derived = list(self._derived())
        seen = [
            o for o in self._data.observations
            if o.procedure == self._procedure and o.requirement in ALL
        ]
        whole = self._data.ended.get(self._procedure, "not ended") is None
        if not whole:
            # Broken off, or ended by an error: what was observed until then must follow.
            seen = [o for o in seen if not _stopped(o, self._procedure)]
            derived = derived[: len(seen)]
        for told, found in zip(derived, seen, strict=False):
            if not told.same_as(found):
                yield Finding(
                    False,
                    f"the answers give {_said(told)}, the journal observes {found.failures} of "
                    f"{found.trials} ({found.condition or found.note})"[:300],
                    f"{self._procedure} {told.requirement}",
                )
                return
        if len(derived) != len(seen):
            yield Finding(
                False, f"{len(derived)} observations follow from the answers, the journal holds "
                f"{len(seen)}", self._procedure,
            )

    def _derived(self) -> Iterator[Told]:
        each = sum(len(contest.options) for contest in self._deck.contests)
        told = VolumeObservations(each)
        for record in self._records:
            if record.count is None:
                yield from told.lost(record.first, record.last, record.lost)
            else:
                yield from told.shard(record.first, record.count)
        yield from told.end()


def _linked(path: Path, levels: int) -> bool:
    return any(place.is_symlink() for place in (path, *path.parents[: levels - 1]))


def _stopped(seen: Observation, procedure: str) -> bool:
    """Whether it only says that the procedure was stopped by an error."""
    return seen.kind == "blocked" and seen.note.startswith(f"{procedure}: ")


def _said(told: Told) -> str:
    if told.blocked:
        return f"that it is blocked ({told.note})"
    return f"{told.failures} of {told.trials} ({told.condition})"
