"""A campaign: a volume deck in shards on a counting core, from the first sheet to its observations.

The deck is cut into shards of whole epochs, as many as keep every worker busy and cost little when
a run is broken off. Shards may be done anywhere and in any order; they are *recorded* in deck
order, each in these steps, so that a process that is killed at any moment leaves what can be
continued:

1. its answers, one line a sheet, as a file ``evidence/answers/PROCEDURE/STYLE-NNNNNN.jsonl.gz``,
2. pictures of its errors, as long as some are wanted,
3. its record in the journal: which sheets of which deck, the SHA-256 of the file, what it came to,
4. the observations that follow from the record (``volume_observations``).

A campaign that is continued takes the recorded shards as they are: no sheet is shown twice, none is
left out. The journal of one seed is the same however many workers there were.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kalys.ballots.volume import EPOCH
from kalys.devices.counting_core import ProgramCore
from kalys.election.definition import ElectionDefinition
from kalys.errors import ConfigurationError, EvidenceError, choice
from kalys.evidence.disk import write_whole
from kalys.procedures.shard import CoreSpec, Recipe, ShardOrder, ShardResult, Workbench
from kalys.procedures.shard_count import ShardCount
from kalys.procedures.volume_observations import Told, VolumeObservations
from kalys.procedures.workforce import Done, InThisProcess, Lost, Workforce

if TYPE_CHECKING:
    from kalys.procedures.session import Session

ANSWERS = "answers"
STOPS = ("volume", "decided")
_SHARDS = 128                   # about as many as a long deck is cut into
_SEQUENTIAL = "ACC-002"


@dataclass(frozen=True)
class ShardRecord:
    """What the journal holds of one shard."""

    procedure: str
    shard: int
    first: int
    last: int
    recipe: Recipe
    file: str = ""
    sha256: str = ""
    count: ShardCount | None = None
    lost: str = ""

    def to_dict(self) -> dict[str, Any]:
        """For the journal. Its breakdown stands where a report looks for breakdowns."""
        data: dict[str, Any] = {
            "procedure": self.procedure, "shard": self.shard, "first": self.first,
            "last": self.last, "deck": self.recipe.to_dict(),
        }
        if self.count is None:
            return data | {"lost": self.lost}
        count = self.count.to_dict()
        facets = count.pop("facets")
        return data | {
            "file": self.file, "sha256": self.sha256, "count": count, "facets": facets
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ShardRecord:
        """The record that ``to_dict`` made; EvidenceError when it is none."""
        try:
            count = None
            if "count" in data:
                count = ShardCount.from_dict({**data["count"], "facets": data["facets"]})
            return cls(
                str(data["procedure"]), int(data["shard"]), int(data["first"]), int(data["last"]),
                Recipe.from_dict(data["deck"]), str(data.get("file", "")),
                str(data.get("sha256", "")), count, str(data.get("lost", "")),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise EvidenceError(
                f"it is no record of a shard: {error}", where="journal.jsonl"
            ) from error


@dataclass(frozen=True)
class Begun:
    """A campaign that was broken off: its shard records, and how many observations followed the
    last one."""

    records: Sequence[ShardRecord]
    observed: int


def shard_sheets(sheets: int) -> int:
    """Sheets in a shard of a deck: whole epochs."""
    return EPOCH * max(1, -(-sheets // (EPOCH * _SHARDS)))


def volume_campaign(session: Session, parameters: Mapping[str, Any]) -> None:
    """Show a volume deck to the core under test, and report what it made of it.

    Parameters: ``sheets``, ``positions`` (as many sheets more as make these up), ``style``,
    ``stop`` ("volume": all of them; "decided": as soon as the sequential test has decided) and
    ``shard`` (sheets of a shard).
    """
    at_decision = stops_when_decided(parameters, "count.volume")
    style = str(parameters.get("style", session.style))
    sheets = volume_sheets(session.definition, style, parameters)
    recipe = Recipe("volume", style, session.rng("count.volume").getrandbits(31), sheets)
    each = int(parameters.get("shard", shard_sheets(sheets)))
    if sheets < 1 or each < 1:
        raise ConfigurationError("a deck and its shards have at least one sheet",
                                 where="count.volume")
    _Campaign(session, recipe, each, at_decision=at_decision).run()


def volume_sheets(
    definition: ElectionDefinition, style: str, parameters: Mapping[str, Any]
) -> int:
    """The sheets of a volume: those that a plan asks for, and as many more as make up the ballot
    positions that it asks for. Short ballots need more of them."""
    each = sum(len(contest.options) for contest in definition.style_contests(style))
    sheets = int(parameters.get("sheets", 20_391))
    return max(sheets, -(-int(parameters.get("positions", 0)) // each))


def stops_when_decided(parameters: Mapping[str, Any], procedure: str) -> bool:
    """Whether a procedure ends as soon as its sequential test has decided, and not with the last
    sheet; ConfigurationError for a ``stop`` that is neither."""
    stop = str(parameters.get("stop", STOPS[0]))
    if stop not in STOPS:
        raise ConfigurationError(f"there is no stop: {stop}", where=procedure,
                                 remedy=choice(stop, STOPS))
    return stop == "decided"


class _Campaign:
    """The course of one campaign."""

    def __init__(
        self, session: Session, recipe: Recipe, each: int, *, at_decision: bool
    ) -> None:
        self._session = session
        self._recipe = recipe
        self._each = each
        self._at_decision = at_decision
        self._deck = recipe.deck(session.definition)
        positions = sum(len(contest.options) for contest in self._deck.contests)
        self._told = VolumeObservations(positions)
        self._shards = 0                # recorded
        self._lost = 0
        self._known = 0                 # observations that the journal holds already
        self._ended = ""
        self._reading = 0               # sheets of shards that are not recorded yet

    def run(self) -> None:
        self._take_up(self._session.begun.pop(self._session.running, None))
        workforce, core = self._workforce()
        with closing(workforce.carry_out(self._orders(core), self._progress)) as results:
            while not self._ended:
                done = next(results, None)
                if done is None:
                    break
                self._record(done)
        if self._ended:
            self._session.journal.add("note", {"text": self._ended})
        self._observe(self._told.end())

    # What is to be done, by whom

    def _workforce(self) -> tuple[Workforce, CoreSpec | None]:
        """Who does it. A core that is no program of its own can be asked in this process only."""
        session = self._session
        if session.workforce is None or not isinstance(session.core, ProgramCore):
            return InThisProcess(Workbench(session.core, session.renderer)), None
        link = session.bench.plan.under_test.link_settings()
        return session.workforce, CoreSpec(session.core.spec, link.timeout_s, link.boot_s)

    def _orders(self, core: CoreSpec | None) -> Iterator[ShardOrder]:
        for number in range(self._shards, -(-self._recipe.sheets // self._each)):
            first, last = self._range(number)
            yield ShardOrder(
                number, first, last, self._recipe, self._session.definition, core,
                self._session.plan.give_up_after,
            )

    def _range(self, number: int) -> tuple[int, int]:
        return number * self._each, min((number + 1) * self._each, self._recipe.sheets)

    # What came of it

    def _record(self, done: Done) -> None:
        first, last = self._range(done.number)
        about = (self._session.running, done.number, first, last, self._recipe)
        if isinstance(done, ShardResult):
            record = self._kept(done, ShardRecord(*about))
        elif isinstance(done, Lost):
            record = ShardRecord(*about, lost=done.why)
        else:
            raise done.error()
        self._session.journal.add("shard", record.to_dict())
        self._observe(self._follow(record))
        self._reading = max(0, self._reading - (last - first))
        self._progress(0)
        self._look_whether_to_stop(record)

    def _kept(self, done: ShardResult, record: ShardRecord) -> ShardRecord:
        """Write what a shard leaves beside the journal."""
        session = self._session
        name = f"{ANSWERS}/{record.procedure}/{self._recipe.style}-{done.number:06d}.jsonl.gz"
        if session.evidence is not None:
            write_whole(session.evidence / name, done.answers)
        session.note_read_times(done.times)
        for part in done.parts:
            session.error_pictures.keep(session, part)
        return ShardRecord(
            record.procedure, record.shard, record.first, record.last, record.recipe, name,
            hashlib.sha256(done.answers).hexdigest(), done.count,
        )

    def _follow(self, record: ShardRecord) -> Iterator[Told]:
        self._shards += 1
        if record.count is None:
            self._lost += 1
            return self._told.lost(record.first, record.last, record.lost)
        return self._told.shard(record.first, record.count)

    def _observe(self, told: Iterator[Told]) -> None:
        """Observe what the journal does not hold already."""
        for one in told:
            if self._known:
                self._known -= 1
            elif one.blocked:
                self._session.blocked(one.requirement, one.note)
            else:
                self._session.count(
                    one.requirement, one.trials, one.failures, condition=one.condition,
                    note=one.note, sheet=one.sheet, sheets=one.sheets, bad_sheets=one.bad_sheets,
                )

    def _look_whether_to_stop(self, record: ShardRecord) -> None:
        plan, shown = self._session.plan, f"the deck ends after {record.last}"
        of = f"of {self._recipe.sheets} sheets"
        if record.count is not None and record.count.ended:
            self._ended = record.count.ended
        elif plan.stop_after_errors is not None and self._told.wrong >= plan.stop_after_errors:
            self._ended = f"{self._told.wrong} sheets went wrong: {shown} {of}"
        elif plan.stop_after_lost is not None and self._lost >= plan.stop_after_lost:
            self._ended = f"{self._lost} shards were lost: {shown} {of}"
        elif (
            self._at_decision and record.last < self._recipe.sheets
            and self._session.decided(_SEQUENTIAL)
        ):
            self._ended = f"the sequential test has decided: {shown} {of}"

    # Going on where it was broken off

    def _take_up(self, begun: Begun | None) -> None:
        if begun is None:
            return
        for number, record in enumerate(begun.records):
            self._require_whole(number, record)
            told = self._follow(record)
            if number + 1 == len(begun.records):
                self._known = begun.observed
                self._observe(told)
                self._look_whether_to_stop(record)
            else:
                for _ in told:
                    pass

    def _require_whole(self, number: int, record: ShardRecord) -> None:
        """EvidenceError unless the record is of this deck and its answers are as they were."""
        here = (number, *self._range(number), self._recipe)
        if (record.shard, record.first, record.last, record.recipe) != here:
            raise EvidenceError(
                f"shard {number} was recorded of another deck", where="journal.jsonl",
                remedy="The campaign cannot be continued; start a new run.",
            )
        folder = self._session.evidence
        if record.count is not None and folder is not None:
            path = folder / record.file
            try:
                sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
            except OSError as error:
                sha256 = error.strerror or "cannot be read"
            if sha256 != record.sha256:
                raise EvidenceError(
                    f"the answers of shard {number} are not those that were recorded",
                    where=str(path),
                    remedy="Put the file back as it was; without it the campaign cannot go on.",
                )

    def _progress(self, sheets: int) -> None:
        self._reading += sheets
        recorded = min(self._shards * self._each, self._recipe.sheets)
        done = min(recorded + self._reading, self._recipe.sheets)
        self._session.report_progress(
            done, self._recipe.sheets, f"sheet {done} of {self._recipe.sheets}"
        )
