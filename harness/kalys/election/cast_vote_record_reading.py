"""Cast vote records as a device exported them: a strict reader of NIST SP 1500-103 JSON.

This reads what *somebody else* wrote, so it shares nothing with the writer
(``kalys.election.cast_vote_records``), believes nothing, and guesses nothing: a word that the
specification does not have, a reference that leads nowhere, a record that comes twice, a measure
that is no number are errors that name their place. What it needs of a report is declared by the
models below; whatever else stands in it is passed over.

Contests and options are known by their codes: a ``Code`` of any type whose ``Value`` is the id in
the election definition. The specification leaves ids to the writer, so anything else would be a
guess.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kalys.election.definition import ElectionDefinition
from kalys.errors import ProtocolError

Position = tuple[str, str]
Id = Annotated[str, Field(alias="@id", min_length=1)]
WHERE = "cast vote record report"


@dataclass(frozen=True)
class Seen:
    """One position of a snapshot: what was seen there, its measure, and what it is worth."""

    indication: str                  # "yes", "no" or "unknown"
    metric: float | None
    votes: int


@dataclass(frozen=True)
class CastVoteRecord:
    """One sheet. ``original`` is what was seen before any rule, by (contest, option); where a
    device writes no original snapshot it is the current one. ``current`` is what counts."""

    id: str
    style: str
    original: Mapping[Position, Seen]
    current: Mapping[Position, Seen]

    def places(self, indication: str) -> frozenset[Position]:
        """The positions that were seen with this indication."""
        return frozenset(p for p, seen in self.original.items() if seen.indication == indication)


class _Model(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Code(_Model):
    Value: str


class _Selection(_Model):
    id: Id
    Code: tuple[_Code, ...] = ()


class _Contest(_Model):
    id: Id
    Code: tuple[_Code, ...] = ()
    ContestSelection: tuple[_Selection, ...]


class _Election(_Model):
    Contest: tuple[_Contest, ...]


class _SeenAt(_Model):
    HasIndication: Literal["yes", "no", "unknown"]
    NumberVotes: Annotated[int, Field(ge=0, strict=True)]
    MarkMetricValue: tuple[str, ...] = ()


class _CvrSelection(_Model):
    ContestSelectionId: str
    SelectionPosition: Annotated[tuple[_SeenAt, ...], Field(min_length=1, max_length=1)]
    TotalNumberVotes: Annotated[int, Field(ge=0, strict=True)] | None = None


class _CvrContest(_Model):
    ContestId: str
    CVRContestSelection: tuple[_CvrSelection, ...] = ()


class _Snapshot(_Model):
    id: Id
    Type: Literal["interpreted", "modified", "original"]
    CVRContest: tuple[_CvrContest, ...] = ()


class _Cvr(_Model):
    UniqueId: Annotated[str, Field(min_length=1)]
    BallotStyleId: str = ""
    CurrentSnapshotId: str
    CVRSnapshot: Annotated[tuple[_Snapshot, ...], Field(min_length=1)]


class _Report(_Model):
    type: Annotated[Literal["CVR.CastVoteRecordReport"], Field(alias="@type")]
    Version: Literal["1.0.0"]
    Election: Annotated[tuple[_Election, ...], Field(min_length=1)]
    CVR: tuple[_Cvr, ...] = ()


def read_cast_vote_records(
    data: bytes, definition: ElectionDefinition
) -> tuple[CastVoteRecord, ...]:
    """The records of a report of this election, in the order of the file.

    ProtocolError names what is no report of SP 1500-103 1.0.0, or not of this election.
    """
    try:
        report = _Report.model_validate(json.loads(data))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ProtocolError(f"{place}: {first['msg']}", where=WHERE) from error
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"it is not JSON: {error}", where=WHERE) from error
    names = _names(report, definition)
    twice = [name for name, n in Counter(cvr.UniqueId for cvr in report.CVR).items() if n > 1]
    if twice:
        raise ProtocolError(f"two records have the UniqueId {twice[0][:80]!r}", where=WHERE)
    return tuple(_record(cvr, names) for cvr in report.CVR)


def votes_of(records: Sequence[CastVoteRecord]) -> Counter[Position]:
    """The votes of the current snapshots, by (contest, option)."""
    votes: Counter[Position] = Counter()
    for record in records:
        votes.update({place: seen.votes for place, seen in record.current.items() if seen.votes})
    return votes


def _names(
    report: _Report, definition: ElectionDefinition
) -> dict[str, tuple[str, Mapping[str, str]]]:
    """Of each contest by its ``@id``: its id in the definition, and its options by ``@id``."""
    names: dict[str, tuple[str, Mapping[str, str]]] = {}
    known = {contest.id: contest.option_ids for contest in definition.contests}
    for contest in (c for election in report.Election for c in election.Contest):
        name = _coded(contest.Code, known, f"contest {contest.id}")
        options = {
            selection.id: _coded(selection.Code, known[name], f"selection {selection.id}")
            for selection in contest.ContestSelection
        }
        names[contest.id] = (name, options)
    return names


def _coded(codes: Sequence[_Code], known: Mapping[str, Any] | Sequence[str], what: str) -> str:
    found = [code.Value for code in codes if code.Value in known]
    if len(found) != 1:
        raise ProtocolError(
            f"{what[:80]} has no code that names it in the election" if not found
            else f"{what[:80]} has codes of {' and '.join(found)}", where=WHERE,
        )
    return found[0]


def _record(
    cvr: _Cvr, names: Mapping[str, tuple[str, Mapping[str, str]]]
) -> CastVoteRecord:
    where = f"{WHERE}, record {cvr.UniqueId[:80]}"
    snapshots = {snapshot.id: snapshot for snapshot in cvr.CVRSnapshot}
    current = snapshots.get(cvr.CurrentSnapshotId)
    if current is None or len(snapshots) != len(cvr.CVRSnapshot):
        raise ProtocolError("its current snapshot is none of those it has", where=where)
    originals = [snapshot for snapshot in cvr.CVRSnapshot if snapshot.Type == "original"]
    if len(originals) > 1:
        raise ProtocolError("it has two original snapshots", where=where)
    return CastVoteRecord(
        cvr.UniqueId, cvr.BallotStyleId,
        _seen(originals[0] if originals else current, names, where), _seen(current, names, where),
    )


def _seen(
    snapshot: _Snapshot, names: Mapping[str, tuple[str, Mapping[str, str]]], where: str
) -> dict[Position, Seen]:
    seen: dict[Position, Seen] = {}
    for contest in snapshot.CVRContest:
        name, options = names.get(contest.ContestId, ("", {}))
        for selection in contest.CVRContestSelection:
            option = options.get(selection.ContestSelectionId)
            if option is None:
                raise ProtocolError(
                    f"contest {contest.ContestId[:80]} has no selection "
                    f"{selection.ContestSelectionId[:80]}", where=where,
                )
            if (name, option) in seen:
                raise ProtocolError(f"{name}/{option} comes twice in a snapshot", where=where)
            at = selection.SelectionPosition[0]
            votes = selection.TotalNumberVotes
            seen[name, option] = Seen(
                at.HasIndication, _metric(at.MarkMetricValue, f"{name}/{option}", where),
                at.NumberVotes if votes is None else votes,
            )
    return seen


def _metric(values: Sequence[str], place: str, where: str) -> float | None:
    """The first measure; a device with several has named the first of them first."""
    if not values:
        return None
    try:
        return float(values[0])
    except ValueError:
        raise ProtocolError(
            f"the MarkMetricValue of {place} is {values[0][:40]!r}, no number", where=where
        ) from None
