"""A power cut in the middle of an export: what was half fetched must be had whole afterwards.

An export is fetched in chunks, and over a quick link it takes next to no time; so the cut is made
not at a moment but between two chunks, at one of them. Then the file is exported again and compared
with the one that was exported, whole, before the cut: the results must be the same apart from the
time that they state, the log must begin with what it held.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from kalys.errors import KalysError, LinkError
from kalys.procedures.power_cuts import black_out
from kalys.protocols.urn.messages import Role

if TYPE_CHECKING:
    from kalys.procedures.preparation import Prepared
    from kalys.procedures.session import Session

RESULTS, LOG = "results", "log"


class CutExport:
    """Exports a file of that ``kind``, cuts the second export off at a chunk, and compares.

    ``name`` decides, with the run's seed, at which chunk. The battery is the caller's business.
    """

    def __init__(self, session: Session, prepared: Prepared, kind: str, name: str) -> None:
        self._session, self._prepared, self._kind = session, prepared, kind
        chunks: list[int] = []
        prepared.urn.login(Role.OPERATOR)
        self._whole = prepared.urn.export(kind, chunks.append)
        self._at = session.rng(name).choice(chunks)

    def cut(self) -> None:
        """Begin to export, be cut off, and come back."""
        try:
            self._prepared.urn.export(self._kind, self._cut_at)
        except LinkError as silent:
            self._session.journal.add("note", {
                "text": f"cut {self._at} bytes into the {self._kind} export: {silent.what}"})
        black_out(self._session, self._prepared)

    def _cut_at(self, received: int) -> None:
        if received == self._at:
            self._session.supply.output(False)

    def compare(self) -> str:
        """Export again; what is wrong with it."""
        self._prepared.urn.login(Role.OPERATOR)
        try:
            again = self._prepared.urn.export(self._kind)
        except KalysError as refused:
            return f"after the cut the {self._kind} could not be exported: {refused}"
        if self._kind == LOG:
            kept = again.startswith(self._whole)
            return "" if kept else "the log exported after the cut lacks entries of the one before"
        return _different(self._whole, again)


def _different(before: bytes, after: bytes) -> str:
    """Which parts of two results files differ, in words."""
    one, other = _parts(before), _parts(after)
    if one is None or other is None:
        # No file of the published form: only the bytes can be compared.
        return "" if before == after else "the results exported after the cut are others"
    named = [key for key in one.keys() | other.keys() if one.get(key) != other.get(key)]
    different = ", ".join(sorted(set(named) - {"time"}))
    return f"the results exported after the cut differ in: {different}" if different else ""


def _parts(data: bytes) -> dict[str, Any] | None:
    try:
        content = json.loads(data)
    except ValueError:
        return None
    return content if isinstance(content, dict) else None
