"""Cast vote records in NIST's common data format: SP 1500-103, version 1.0.0, as JSON.

One record a sheet, with two snapshots. The **original** says what was seen: each position that
bears an indication, ``HasIndication`` "yes", or "unknown" for a marginal mark, with the fill of the
target as ``MarkMetricValue``. The **interpreted** one says what that is worth by the election's
rule: votes, overvotes, undervotes, and what the rule invalidated; it is the current snapshot. A
sheet with a marginal mark is marked ``needs-adjudication``, and the marginal mark counts nothing.

Records come from a counting core's readings (``from_reading``) or from an urn (``from_record``);
both are taken by their shape, so that this room needs neither. They are written in the order in
which they are given: a device that keeps them in the order of voting betrays its voters, and
nothing here hides or repeats that. ``kalys.election.cast_vote_record_reading`` reads reports.

The specification leaves the ids of contests and options to the writer. Here each has a ``Code`` of
type "other" / "kalys" whose ``Value`` is its id in the election definition.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Any, Protocol

from kalys.election.definition import Contest, ElectionDefinition, Option
from kalys.election.rules import Judgement, judge_sheet
from kalys.errors import ConfigurationError

VERSION = "1.0.0"
_CODE = "kalys"


@dataclass(frozen=True)
class Device:
    """What made the records. ``metric`` names the measure behind ``MarkMetricValue``."""

    id: str
    manufacturer: str = ""
    model: str = ""
    serial: str = ""
    application: str = ""
    metric: str = "share of the target's inside that is dark"


@dataclass(frozen=True)
class SheetRecord:
    """One sheet as a device recorded it: options with a mark, options with a marginal mark, fills.

    ``valid`` is the device's own word, if it gave one; a record that contradicts the rule says so.
    """

    id: str
    style: str
    marks: Mapping[str, Sequence[str]]
    marginal: Mapping[str, Sequence[str]] = field(default_factory=dict)
    fills: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    valid: bool | None = None


class Reading(Protocol):
    """What a counting core makes of a sheet; ``kalys.counting.reader.SheetReading`` is one."""

    @property
    def style(self) -> str: ...
    @property
    def marks(self) -> Mapping[str, tuple[str, ...]]: ...
    @property
    def fills(self) -> Mapping[str, Mapping[str, float]]: ...
    @property
    def ambiguous(self) -> tuple[str, ...]: ...


class Record(Protocol):
    """What an urn hands out; ``kalys.devices.roles.VoteRecord`` is one."""

    @property
    def id(self) -> str: ...
    @property
    def style(self) -> str: ...
    @property
    def valid(self) -> bool: ...
    @property
    def marks(self) -> Mapping[str, tuple[str, ...]]: ...
    @property
    def marginal(self) -> Mapping[str, Mapping[str, float]]: ...


def from_reading(sheet_id: str, reading: Reading) -> SheetRecord | None:
    """The record of a reading, marginal marks included; None when no target was read (a foreign or
    unreadable sheet has no cast vote record)."""
    if not reading.fills:
        return None
    marginal: dict[str, list[str]] = {}
    for place in reading.ambiguous:
        contest, _, option = place.partition("/")
        marginal.setdefault(contest, []).append(option)
    return SheetRecord(sheet_id, reading.style, reading.marks, marginal, reading.fills)


def from_record(record: Record) -> SheetRecord:
    """The record of an urn's own record; of the fills it knows those of marginal marks."""
    marginal = {contest: tuple(row) for contest, row in record.marginal.items()}
    return SheetRecord(
        record.id, record.style, record.marks, marginal, record.marginal, record.valid
    )


def report(
    definition: ElectionDefinition, sheets: Iterable[SheetRecord], *,
    device: Device, generated: datetime, station: str = "",
) -> dict[str, Any]:
    """The whole report as plain data. ``generated`` must bear its zone; ``station`` is the polling
    place. Raises ConfigurationError for a sheet that is not of this election."""
    whole = _frame(definition, device, generated, station)
    whole["CVR"] = [_cvr(definition, sheet, device, station) for sheet in sheets]
    return whole


def write(
    file: IO[bytes], definition: ElectionDefinition, sheets: Iterable[SheetRecord], *,
    device: Device, generated: datetime, station: str = "",
) -> int:
    """Write the report sheet by sheet, one record a line, so that any number of sheets fits in
    memory; returns how many were written."""
    frame = json.dumps(_frame(definition, device, generated, station), ensure_ascii=False)
    file.write(f'{frame[:-1]}, "CVR": ['.encode())
    count = 0
    for sheet in sheets:
        record = json.dumps(_cvr(definition, sheet, device, station), ensure_ascii=False)
        file.write(f"{',' if count else ''}\n{record}".encode())
        count += 1
    file.write(b"\n]}\n")
    return count


def contest_id(contest: str) -> str:
    """The ``@id`` of a contest in a report."""
    return f"contest-{contest}"


def selection_id(contest: str, option: str) -> str:
    """The ``@id`` of an option in a report."""
    return f"selection-{contest}-{option}"


def _frame(
    definition: ElectionDefinition, device: Device, generated: datetime, station: str
) -> dict[str, Any]:
    """Everything but the records."""
    if generated.tzinfo is None:
        raise ConfigurationError("the time of a report needs its zone", where="CVR report")
    units = [_thing("GpUnit", "unit-country", Type="other", OtherType="country",
                    Name=definition.country)]
    if station:
        units.append(_thing("GpUnit", _unit(station), Type="polling-place", Name=station,
                            ReportingDeviceIds=[device.id]))
    told = {"Manufacturer": device.manufacturer, "Model": device.model, "MarkMetricType":
            device.metric, "SerialNumber": device.serial, "Application": device.application}
    whole: dict[str, Any] = {
        "@type": "CVR.CastVoteRecordReport", "Version": VERSION,
        "GeneratedDate": generated.isoformat(timespec="seconds"),
        "ReportGeneratingDeviceIds": [device.id],
        "ReportType": ["originating-device-export"],
        "ReportingDevice": [
            _thing("ReportingDevice", device.id, **{k: v for k, v in told.items() if v})
        ],
        "GpUnit": units,
        "Election": [_election(definition)],
    }
    parties = [
        _thing("Party", f"party-{option.id}", Name=option.name.en, Code=[_code(option.id)])
        for contest in definition.contests for option in contest.options if option.kind == "party"
    ]
    if parties:
        whole["Party"] = parties
    return whole


def _election(definition: ElectionDefinition) -> dict[str, Any]:
    candidates = [
        _thing("Candidate", f"candidate-{contest.id}-{option.id}", Name=option.name.en)
        for contest in definition.contests for option in contest.options
        if option.kind == "candidate"
    ]
    election = _thing(
        "Election", f"election-{definition.id}", Name=definition.title.en,
        ElectionScopeId="unit-country", Code=[_code(definition.id)],
        Contest=[_contest(contest) for contest in definition.contests],
    )
    return {**election, "Candidate": candidates} if candidates else election


def _contest(contest: Contest) -> dict[str, Any]:
    kinds = {option.kind for option in contest.options}
    name = "PartyContest" if "party" in kinds else (
        "CandidateContest" if "candidate" in kinds else "Contest"
    )
    told: dict[str, Any] = {
        "Name": contest.title.en, "Code": [_code(contest.id)],
        "VoteVariation": "plurality" if contest.votes_allowed == 1 else "n-of-m",
        "ContestSelection": [_selection(contest, option) for option in contest.options],
    }
    if name == "CandidateContest":
        told["VotesAllowed"] = contest.votes_allowed
    return _thing(name, contest_id(contest.id), **told)


def _selection(contest: Contest, option: Option) -> dict[str, Any]:
    own = selection_id(contest.id, option.id)
    code = [{**_code(option.id), "Label": option.name.en}]
    if option.kind == "party":
        return _thing("PartySelection", own, PartyIds=[f"party-{option.id}"], Code=code)
    if option.kind == "candidate":
        return _thing("CandidateSelection", own, Code=code,
                      CandidateIds=[f"candidate-{contest.id}-{option.id}"])
    return _thing("ContestSelection", own, Code=code)


def _cvr(
    definition: ElectionDefinition, sheet: SheetRecord, device: Device, station: str
) -> dict[str, Any]:
    contests = definition.style_contests(sheet.style)
    known = {(c.id, o) for c in contests for o in c.option_ids}
    for contest, options in (*sheet.marks.items(), *sheet.marginal.items()):
        for option in options:
            if (contest, option) not in known:
                raise ConfigurationError(
                    f"style {sheet.style} has no {contest}/{option}", where=f"sheet {sheet.id}"
                )
    judged = judge_sheet(contests, sheet.marks)
    record = {
        "@type": "CVR.CVR", "UniqueId": sheet.id, "BallotStyleId": sheet.style,
        "ElectionId": f"election-{definition.id}", "CreatingDeviceId": device.id,
        "CurrentSnapshotId": f"{sheet.id}-interpreted",
        "CVRSnapshot": [_original(contests, sheet), _interpreted(contests, sheet, judged)],
    }
    return {**record, "BallotStyleUnitId": _unit(station)} if station else record


def _original(contests: Sequence[Contest], sheet: SheetRecord) -> dict[str, Any]:
    """What was seen, without any rule."""
    seen = []
    for contest in contests:
        selections = [
            _voted(contest, option, sheet, votes=int(indication == "yes"), indication=indication)
            for option, indication in _indications(contest, sheet)
        ]
        seen.append(_plain("CVRContest", ContestId=contest_id(contest.id),
                           CVRContestSelection=selections))
    return _thing("CVRSnapshot", f"{sheet.id}-original", Type="original", CVRContest=seen)


def _interpreted(
    contests: Sequence[Contest], sheet: SheetRecord, judged: Judgement
) -> dict[str, Any]:
    """What it is worth by the rule."""
    worth = []
    for contest in contests:
        votes = judged.votes.get(contest.id, ())
        marked = len(set(sheet.marks.get(contest.id, ())))
        over = bool(judged.overvotes.get(contest.id))
        selections = []
        for option, indication in _indications(contest, sheet):
            counts = option in votes
            made = _voted(contest, option, sheet, votes=int(counts), indication=indication)
            if indication == "unknown":
                made["Status"] = ["needs-adjudication"]
            elif not counts:
                made["Status"] = ["invalidated-rules"]
                made["SelectionPosition"][0]["Status"] = ["invalidated-rules"]
            selections.append(made)
        told: dict[str, Any] = {
            "ContestId": contest_id(contest.id), "CVRContestSelection": selections,
            "Selections": marked, "Overvotes": contest.votes_allowed if over else 0,
            "Undervotes": 0 if over else contest.votes_allowed - marked,
        }
        status = [
            word for word, holds in (
                ("overvoted", over), ("not-indicated", not marked),
                ("undervoted", 0 < marked < contest.votes_allowed),
                ("invalidated-rules", bool(marked) and not judged.valid and not over),
            ) if holds
        ]
        worth.append(_plain("CVRContest", **told, **({"Status": status} if status else {})))
    snapshot = _thing("CVRSnapshot", f"{sheet.id}-interpreted", Type="interpreted",
                      CVRContest=worth)
    return {**snapshot, **_status(sheet, judged)}


def _status(sheet: SheetRecord, judged: Judgement) -> dict[str, Any]:
    """``Status`` and ``OtherStatus`` of the snapshot, where there is something to say."""
    words, told = [], []
    if any(sheet.marginal.values()):
        words.append("needs-adjudication")
    if not judged.valid:
        told.append(f"invalid: {judged.reason}")
    if sheet.valid is not None and sheet.valid != judged.valid:
        told.append(f"the device says {'valid' if sheet.valid else 'invalid'}")
    if told:
        words.append("other")
    status: dict[str, Any] = {"Status": words} if words else {}
    return {**status, "OtherStatus": "; ".join(told)} if told else status


def _indications(contest: Contest, sheet: SheetRecord) -> list[tuple[str, str]]:
    """(option, "yes" or "unknown") of the contest, in ballot order."""
    yes = set(sheet.marks.get(contest.id, ()))
    unknown = set(sheet.marginal.get(contest.id, ())) - yes
    return [(o, "yes" if o in yes else "unknown") for o in contest.option_ids if o in yes | unknown]


def _voted(
    contest: Contest, option: str, sheet: SheetRecord, *, votes: int, indication: str
) -> dict[str, Any]:
    place = contest.option_ids.index(option) + 1
    position = _plain("SelectionPosition", HasIndication=indication, NumberVotes=votes,
                      Position=place)
    if indication == "unknown":
        position["IsAllocable"] = "unknown"
    fill = sheet.fills.get(contest.id, {}).get(option)
    if fill is not None:
        position["MarkMetricValue"] = [f"{fill:.4f}"]
    return _plain(
        "CVRContestSelection", ContestSelectionId=selection_id(contest.id, option),
        OptionPosition=place, TotalNumberVotes=votes, SelectionPosition=[position],
    )


def _unit(station: str) -> str:
    return f"unit-{station}"


def _code(value: str) -> dict[str, Any]:
    return _plain("Code", Type="other", OtherType=_CODE, Value=value)


def _plain(name: str, **fields: Any) -> dict[str, Any]:
    return {"@type": f"CVR.{name}", **fields}


def _thing(name: str, own_id: str, **fields: Any) -> dict[str, Any]:
    return {"@id": own_id, "@type": f"CVR.{name}", **fields}
