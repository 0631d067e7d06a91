"""How the device answered to marginal marks, from the journal: curves and maps of the ballot.

Such records decide nothing: they show what the verdicts on marginal marks rest on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from kalys.errors import EvidenceError
from kalys.evidence.journal import Record
from kalys.evidence.standing import ABANDONED
from kalys.reporting.document import MarksPart

RECORD = "response"
MOST_MAPS = 8


@dataclass
class ResponseRecords:
    """Collects the records of a journal that hold responses; what a procedure that was abandoned
    had told does not stand."""

    found: list[Mapping[str, Any]] = field(default_factory=list)

    def add(self, record: Record) -> None:
        if record.kind == RECORD:
            self.found.append(record.data)
        elif record.kind == "procedure" and record.data.get("step") == ABANDONED:
            gone = record.data.get("id")
            self.found = [told for told in self.found if told.get("procedure") != gone]


def marks_part(records: ResponseRecords) -> MarksPart | None:
    """The part of the report; None when no response was measured. EvidenceError for records that
    are none."""
    if not records.found:
        return None
    try:
        part = MarksPart.model_validate({
            "curves": [c for told in records.found for c in told["curves"]],
            "maps": [m for told in records.found for m in told["maps"]],
        })
    except (ValidationError, KeyError, TypeError) as error:
        raise EvidenceError(
            f"a record of responses to marks is broken: {str(error)[:200]}", where="journal.jsonl"
        ) from error
    return MarksPart(
        curves=[curve for curve in part.curves if curve.points],
        maps=[map_ for map_ in part.maps if map_.places][:MOST_MAPS],
    )
