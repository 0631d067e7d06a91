"""Totals: who gives them away too early, and whether two tellings of them agree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from kalys.election.tally import Tally
from kalys.errors import Refused
from kalys.procedures.preparation import PRINT_TIMEOUT_S, Prepared
from kalys.protocols.urn.messages import EventKind, ReportKind

if TYPE_CHECKING:
    from kalys.procedures.session import Session

SHOWN = 4


def attempts(prepared: Prepared) -> Iterator[tuple[str, str]]:
    """Ask for totals by every command that gives them; (the command, what leaked or "")."""
    urn = prepared.urn
    commands: tuple[tuple[str, Callable[[], object]], ...] = (
        ("RESULTS", urn.results),
        ("RECORDS", urn.records),
        ("EXPORT results", lambda: urn.export("results")),
        ("EXPORT cast-vote-records", lambda: urn.export("cast-vote-records")),
    )
    for name, command in commands:
        yield name, _asked(command)
    for kind in (ReportKind.RESULTS, ReportKind.STATION, ReportKind.TEST):
        yield f"PRINT {kind}", _printed(prepared, kind)


def _asked(command: Callable[[], object]) -> str:
    try:
        given = command()
    except Refused:
        return ""
    return f"it was granted and gave {str(given)[:120]}"


def _printed(prepared: Prepared, kind: ReportKind) -> str:
    """What a print command that should be refused brought to light; paper counts, not words."""
    prepared.printer.tape()
    try:
        prepared.urn.print(kind)
    except Refused:
        granted = False
    else:
        granted = True
        prepared.urn.wait([EventKind.PRINTED], PRINT_TIMEOUT_S)
    lines = prepared.printer.tape().lines
    if granted:
        return f"it was granted and printed {len(lines)} lines"
    return f"it was refused and yet {len(lines)} lines were printed" if lines else ""


def compare(
    session: Session, requirement: str, expected: Tally, found: Tally | None, *, condition: str
) -> None:
    """One count observation over every register of the two tellings."""
    if found is None:
        session.count(requirement, 1, 1, condition=condition, note="no totals could be read")
        return
    differences = expected.difference(found)
    session.count(
        requirement, registers(expected), len(differences), condition=condition,
        note=told(differences),
    )


def registers(tally: Tally) -> int:
    """How many numbers a tally has."""
    options = sum(len(row) for row in tally.votes.values())
    return 3 + options + len(tally.overvotes) + len(tally.undervotes)


def told(differences: list[str]) -> str:
    """The first differences, for the note of an observation."""
    more = f" and {len(differences) - SHOWN} more" if len(differences) > SHOWN else ""
    return "; ".join(differences[:SHOWN]) + more
