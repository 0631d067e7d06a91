"""Where a counting core went wrong, from the journal: the breakdown, and pictures that still are
what they were.

A picture is shown only when its file is there and has the SHA-256 that the journal gives: the
journal is what the verdicts are derived from, the folder may be anybody's.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kalys.evidence.journal import Record
from kalys.evidence.standing import ABANDONED
from kalys.reporting.document import ErrorPicture, ErrorsPart, Facet, FacetRow
from kalys.reporting.language import Translate

UNITS = {
    "mark": "targets", "position": "targets", "side": "targets", "orientation": "sheets",
    "paper": "sheets",
}
"""The facets in the order of the report, and what is counted in each."""

MOST_ROWS = 12
_NAME = re.compile(r"errors/\d{4}\.png")
_MOST_BYTES = 1 << 20


@dataclass
class ErrorRecords:
    """Collects the records of a journal that tell of errors; what a procedure that was abandoned
    had counted does not stand."""

    breakdowns: list[Mapping[str, Any]] = field(default_factory=list)
    pictures: list[Mapping[str, Any]] = field(default_factory=list)

    def add(self, record: Record) -> None:
        data = record.data
        if record.kind == "breakdown" or (record.kind == "shard" and "facets" in data):
            self.breakdowns.append(data)
        elif record.kind == "error":
            self.pictures.append(data)
        elif record.kind == "procedure" and data.get("step") == ABANDONED:
            self.breakdowns = [b for b in self.breakdowns if b.get("procedure") != data.get("id")]


def errors_part(records: ErrorRecords, evidence: Path, tr: Translate) -> ErrorsPart | None:
    """The part of the report; None when nothing was broken down (an urn)."""
    if not records.breakdowns:
        return None
    totals: dict[str, dict[str, list[int]]] = {facet: {} for facet in UNITS}
    for breakdown in records.breakdowns:
        for facet, rows in breakdown["facets"].items():
            for value, counts in rows.items():
                row = totals[facet].setdefault(str(value), [0, 0, 0])
                row[:] = [total + int(more) for total, more in zip(row, counts, strict=True)]
    facets = [_facet(facet, rows) for facet, rows in totals.items() if rows]
    return ErrorsPart(facets=facets, pictures=list(_pictures(records.pictures, evidence, tr)))


def _facet(facet: str, rows: Mapping[str, Sequence[int]]) -> Facet:
    ordered = sorted(rows.items(), key=lambda row: (-row[1][1], -row[1][2], -row[1][0], row[0]))
    return Facet(
        facet=facet, unit=UNITS[facet], more=max(0, len(ordered) - MOST_ROWS),
        rows=[
            FacetRow(value=value, tried=tried, misread=misread, not_counted=not_counted)
            for value, (tried, misread, not_counted) in ordered[:MOST_ROWS]
        ],
    )


def _pictures(
    found: Iterable[Mapping[str, Any]], evidence: Path, tr: Translate
) -> Iterable[ErrorPicture]:
    for told in found:
        name, sha256 = str(told.get("picture")), str(told.get("picture_sha256"))
        if picture_bytes(evidence, name, sha256) is None:
            continue
        place = told.get("position")
        what = f"{place}: {told.get('error')}" if place else (
            f"{tr('whole sheet')}: {str(told.get('text'))[:160]}"
        )
        paper = ", ".join(map(str, told.get("paper", ())))
        fed = ", ".join(str(told[name]) for name in ("orientation", "side") if name in told)
        text = f"{what} ({told.get('procedure')}, {told.get('sheet')}, {fed}, {paper})"
        if told.get("drawn_again"):
            text += f"; {tr('drawn again from the deck, not seen by the device')}"
        yield ErrorPicture(file=name, sha256=sha256, text=text)


def picture_bytes(evidence: Path, name: str, sha256: str) -> bytes | None:
    """The PNG of that name, if it is what the journal says it is."""
    path = evidence / name
    if not _NAME.fullmatch(name) or path.is_symlink() or not path.is_file():
        return None
    if path.parent.is_symlink() or path.stat().st_size > _MOST_BYTES:
        return None
    data = path.read_bytes()
    return data if hashlib.sha256(data).hexdigest() == sha256 else None
