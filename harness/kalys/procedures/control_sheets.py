"""Plain ballots in good order, for procedures that are about something else than marks.

Each bears one clear mark in every contest of its style; a right device counts every one of them as
valid. They are made one by one, so a procedure takes as many as it needs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from random import Random
from typing import TYPE_CHECKING

from kalys.ballots.sheet import Mark, Sheet
from kalys.ballots.truth import truth_of
from kalys.election.definition import ElectionDefinition

if TYPE_CHECKING:
    from kalys.procedures.preparation import Prepared
    from kalys.procedures.session import Session

CLEAR = ("cross", "tick", "filled")


def control_sheets(session: Session, prepared: Prepared, name: str) -> Iterator[Sheet]:
    """Endless valid sheets of the prepared style, the same for the same seed and ``name``."""
    rng = session.rng(name)
    contests = prepared.definition.style_contests(prepared.style)
    for number in count(1):
        marked = {contest.id: (rng.choice(contest.option_ids),) for contest in contests}
        yield plain_sheet(
            prepared.definition, prepared.style, f"{name}-{number:05d}", marked, rng
        )


def plain_sheet(
    definition: ElectionDefinition,
    style: str,
    sheet: str,
    marked: Mapping[str, Sequence[str]],
    rng: Random,
    *,
    why: str = "a plain ballot",
) -> Sheet:
    """A sheet with clear marks at exactly the ``marked`` options, and its truth by the rule."""
    contests = definition.style_contests(style)
    marks = tuple(
        Mark(contest, option, rng.choice(CLEAR))
        for contest, options in marked.items()
        for option in options
    )
    return Sheet(
        id=sheet,
        election=definition.id,
        style=style,
        marks=marks,
        seed=rng.getrandbits(31),
        truth=truth_of(contests, marks, why=why),
        group="control",
    )
