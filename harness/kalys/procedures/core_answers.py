"""What a counting core said of one sheet, and whether that was right.

An answer is kept as it was given; what became of the sheet, its record and what is wrong with it
are derived from answer and truth, here and nowhere else: while the core is asked, and again when
``kalys verify`` reads the answers of a campaign from its files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kalys.ballots.sheet import Sheet
from kalys.devices.roles import CoreReading, VoteRecord
from kalys.election.definition import Contest
from kalys.election.rules import judge_sheet
from kalys.procedures.comparison import Pair, wrong_outcome
from kalys.procedures.feeding import Fed
from kalys.protocols.counting_core import CoreFault

_MOST_SAID = 400        # characters of what a broken core said
_STATUS = ("read", "rejected", "silent")


@dataclass(frozen=True, slots=True)
class SheetAnswer:
    """``status`` is "read", "rejected" with a ``reason``, or "silent" with the kind of ``fault``,
    its ``reason`` in words and what was ``said``. ``sha256`` is of the picture's pixels, where they
    were hashed."""

    sheet: str
    status: str
    reason: str = ""
    fault: str = ""
    said: str = ""
    marks: Mapping[str, Sequence[str]] = field(default_factory=dict)
    valid: bool | None = None
    marginal: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    sha256: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain data; what is empty is left out."""
        data: dict[str, Any] = {"sheet": self.sheet, "status": self.status}
        for name in ("reason", "fault", "said", "sha256"):
            if value := getattr(self, name):
                data[name] = value
        if self.status == "read":
            data["marks"] = {c: list(options) for c, options in self.marks.items() if options}
        if self.valid is not None:
            data["valid"] = self.valid
        if any(self.marginal.values()):
            data["marginal"] = {c: dict(fills) for c, fills in self.marginal.items() if fills}
        return data

    @classmethod
    def from_dict(cls, data: Any) -> SheetAnswer:
        """The answer that ``to_dict`` wrote; ValueError or TypeError when it is none."""
        answer = cls(**data)
        texts = (answer.sheet, answer.reason, answer.fault, answer.said, answer.sha256)
        if answer.status not in _STATUS or not all(isinstance(text, str) for text in texts):
            raise ValueError("it is no answer to a sheet")
        if answer.valid not in (None, True, False):
            raise ValueError(f"a sheet is valid or not, and not {answer.valid!r}")
        for options in answer.marks.values():
            if not all(isinstance(option, str) for option in options):
                raise ValueError("options are texts")
        return answer


def answer_of(sheet: Sheet, read: CoreReading | CoreFault, sha256: str = "") -> SheetAnswer:
    """What came of showing a sheet, to be kept."""
    if isinstance(read, CoreFault):
        said = read.said.decode("utf-8", "backslashreplace")[-_MOST_SAID:]
        return SheetAnswer(sheet.id, "silent", read.what, read.kind, said, sha256=sha256)
    told = read.answer
    if told.status == "rejected":
        return SheetAnswer(sheet.id, "rejected", told.reason, sha256=sha256)
    return SheetAnswer(
        sheet.id, "read", marks=told.marks, valid=told.valid, marginal=told.marginal, sha256=sha256
    )


def plainly_right(sheet: Sheet, answer: SheetAnswer) -> bool:
    """A quick look that sees most of what is right: the sheet had to be counted, nothing about it
    is in doubt, and it was read as it is. What it does not see is looked at in full."""
    truth = sheet.truth
    if truth is None or truth.ambiguous or not truth.counted or answer.status != "read":
        return False
    if answer.valid is not None and answer.valid != truth.valid:
        return False
    read, borne = answer.marks, truth.marks
    return all(set(read.get(contest, ())) == set(borne[contest]) for contest in borne) and all(
        contest in borne for contest in read
    )


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of a sheet: ``pair`` with its record when it was counted, ``said`` what is wrong
    with that, "" when nothing is."""

    fed: Fed
    pair: Pair | None
    said: str


def judged(
    sheet: Sheet, answer: SheetAnswer, contests: Sequence[Contest], now: int = 0
) -> Judged:
    """Judge an answer by the sheet's truth; ``now`` is when it was shown (ns)."""
    if answer.status == "silent":
        fed = Fed(sheet.id, "silent", answer.reason, now, now, ())
        return Judged(fed, None, f"the core gave no answer: {answer.reason}")
    if answer.status == "rejected":
        fed = Fed(sheet.id, "returned", answer.reason, now, now, ())
        return Judged(fed, None, wrong_outcome(sheet, fed))
    record = record_of(sheet, answer, contests)
    fed = Fed(sheet.id, "valid" if record.valid else "invalid", "", now, now, ())
    pair = Pair(sheet, record)
    wrong = wrong_outcome(sheet, fed) or ("" if pair.exact else pair.describe())
    return Judged(fed, pair, wrong)


def record_of(sheet: Sheet, answer: SheetAnswer, contests: Sequence[Contest]) -> VoteRecord:
    """The answer as a cast vote record; the election's rule says whether it is valid where the core
    does not."""
    marks = {contest.id: tuple(answer.marks.get(contest.id, ())) for contest in contests}
    valid = judge_sheet(contests, marks).valid if answer.valid is None else answer.valid
    return VoteRecord(sheet.id, sheet.style, valid, marks, answer.marginal)
