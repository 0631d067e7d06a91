"""The country's rule: what the marks on one sheet are worth.

Kyrgyzstan (CEC as quoted by 24.kg, 2025-10-03): a ballot with no mark in any square, or with marks
in two squares, is invalid and goes to the invalid compartment. On the party ballot this rule binds
the contest that ``decides_validity``; the second part (the preferred candidate's number) may stay
empty or be overmarked without spoiling the sheet.

Votes of an invalid sheet count nowhere. Overvotes and undervotes are counted per contest over all
sheets, valid or not, in sheets (not in missing votes), as Kyrgyz contests allow one vote each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kalys.election.definition import Contest


@dataclass(frozen=True)
class Judgement:
    """What one sheet counts for.

    ``reason`` is "" for a valid sheet, else "blank" or "overvote". ``votes[contest]`` are the
    options that get one vote each; ``overvotes[contest]`` and ``undervotes[contest]`` are 0 or 1.
    """

    valid: bool
    reason: str
    votes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    overvotes: Mapping[str, int] = field(default_factory=dict)
    undervotes: Mapping[str, int] = field(default_factory=dict)


def judge_sheet(
    contests: Sequence[Contest], marked: Mapping[str, Sequence[str]]
) -> Judgement:
    """The judgement on a sheet with ``contests`` whose options in ``marked`` bear a mark.

    Raises ValueError when ``marked`` names a contest or an option that is not on the sheet: then
    the sheet was read with another style's eyes, and no count of it can be right.
    """
    known = {contest.id: set(contest.option_ids) for contest in contests}
    for contest_id, options in marked.items():
        strange = set(options) - known.get(contest_id, set())
        if strange:
            raise ValueError(f"{contest_id} on this sheet has no option {sorted(strange)[0]}")
    votes: dict[str, tuple[str, ...]] = {}
    overvotes: dict[str, int] = {}
    undervotes: dict[str, int] = {}
    reason = ""
    for contest in contests:
        given = set(marked.get(contest.id, ()))
        options = tuple(option for option in contest.option_ids if option in given)
        over = len(options) > contest.votes_allowed
        overvotes[contest.id] = int(over)
        undervotes[contest.id] = int(not options)
        votes[contest.id] = () if over else options
        if contest.decides_validity and not reason:
            reason = "overvote" if over else "" if options else "blank"
    if reason:
        votes = {contest.id: () for contest in contests}
    return Judgement(not reason, reason, votes, overvotes, undervotes)
