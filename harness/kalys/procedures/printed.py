"""A printed report as an auditor reads it: what is on the paper, and what of it can be recomputed.

``take`` prints a report and reads the tape by the published layout (docs/protocols/urn-tape.md), or
by the patterns of the urn's profile where its reports are laid out otherwise. Nothing is guessed:
what is not on the paper is None, and shows as missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kalys.election.tally import Tally
from kalys.procedures.preparation import Prepared, print_report
from kalys.protocols.urn import report_reading
from kalys.protocols.urn.messages import ReportKind


@dataclass(frozen=True)
class Printed:
    """One report on paper. ``found`` is what ``report_reading.parse`` made of ``lines``.

    ``device_time`` is what the urn's clock showed when the paper was out; ``finished`` the run's
    clock (ns) then.
    """

    kind: ReportKind
    lines: tuple[str, ...]
    found: dict[str, Any]
    undecodable: int
    device_time: datetime
    finished: int

    @property
    def moment(self) -> datetime | None:
        """Date and time to the second with zone, or None where the paper lacks one of them."""
        if "time" in self.found["missing"] or not self.found["time"]:
            return None
        try:
            moment = datetime.fromisoformat(self.found["time"])
        except ValueError:
            return None
        return moment if moment.tzinfo is not None else None

    @property
    def software(self) -> str:
        """The identifier of the legally relevant software; empty where there is none."""
        return self.found["software"] or ""

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of the items that a report of this kind must have and this one lacks."""
        return tuple(self.found["missing"])

    @property
    def tally(self) -> Tally | None:
        """The totals on the paper; None where the paper does not give sheets, valid and invalid."""
        return self._tally("votes")

    @property
    def records_tally(self) -> Tally | None:
        """The same with the votes of the second storage location, where the paper shows one."""
        return self._tally("records")

    def _tally(self, location: str) -> Tally | None:
        found = self.found
        if None in (found["counted"], found["valid"], found["invalid"]) or not found[location]:
            return None
        return Tally.from_dict(
            {
                "sheets": found["counted"],
                "valid": found["valid"],
                "invalid": found["invalid"],
                "votes": found[location],
                "overvotes": found["overvotes"],
                "undervotes": found["undervotes"],
            }
        )

    def vote_registers(self) -> list[str]:
        """Every register of an option on the paper, as "contest/option: votes"."""
        return [
            f"{contest}/{option}: {votes}"
            for contest, row in self.found["votes"].items()
            for option, votes in row.items()
        ]

    def registers_not_zero(self) -> list[str]:
        """Every number of votes or sheets on the paper that is not zero."""
        found = self.found
        wrong = [register for register in self.vote_registers() if not register.endswith(": 0")]
        wrong += [
            f"{name}: {found[name]}"
            for name in ("counted", "valid", "invalid")
            if found[name] not in (0, None)
        ]
        for name in ("overvotes", "undervotes"):
            wrong += [f"{contest} {name}: {n}" for contest, n in found[name].items() if n != 0]
        return wrong


def take(prepared: Prepared, kind: ReportKind) -> Printed:
    """Print a report, wait for the paper and read it. Somebody must be logged in."""
    tape = print_report(prepared, kind)
    layout = prepared.profile.tape
    return Printed(
        kind=kind,
        lines=tape.lines,
        found=report_reading.parse(tape.lines, layout.patterns if layout else None),
        undecodable=tape.undecodable,
        device_time=prepared.urn.read_clock().device,
        finished=tape.last,
    )
