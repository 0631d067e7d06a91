"""What a correct device does with a sheet, by its marks, its paper and the published tables.

Valid marks are votes, invalid marks are nothing, and any ambiguous mark takes the sheet out of all
accuracy verdicts: it may be given back, or counted with the mark read either way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from kalys.ballots.effects import DOUBLE_FEED_MM, beyond, touched
from kalys.ballots.layout import Layout
from kalys.ballots.marks import KINDS, classify
from kalys.ballots.paper import mirrored
from kalys.ballots.sheet import Mark, Paper, Truth
from kalys.election.definition import Contest
from kalys.election.rules import judge_sheet

AMBIGUOUS = "ambiguous-mark"


def truth_of(
    contests: Sequence[Contest], marks: Iterable[Mark], *,
    touched: Mapping[str, Sequence[str]] | None = None, doubtful: bool = False,
    reasons: tuple[str, ...] = (), why: str = "", layout: Layout | None = None,
) -> Truth:
    """The truth of a sheet of ``contests`` with ``marks`` on good paper. ``layout`` is needed where
    targets are smaller than 6 mm.

    ``touched`` are further options that a mark reaches into (a tail): ambiguous. ``doubtful`` says
    that the paper itself is out of range: then the sheet may also come back, for any of
    ``reasons`` (any at all if empty), but never with another count.
    """
    marked: dict[str, list[str]] = {contest.id: [] for contest in contests}
    unclear: dict[str, list[str]] = {k: list(v) for k, v in (touched or {}).items()}
    bearing: Counter[tuple[str, str]] = Counter()
    for mark in marks:
        bearing[mark.contest, mark.option] += 1
        klass = classify(mark, layout.target(mark.contest, mark.option) if layout else None)
        if klass == "valid" and mark.option not in marked[mark.contest]:
            marked[mark.contest].append(mark.option)
        elif klass == "ambiguous":
            unclear.setdefault(mark.contest, []).append(mark.option)
    for (contest, option), count in bearing.items():
        if count > 1 and option not in marked[contest]:     # together they may be as much as a vote
            unclear.setdefault(contest, []).append(option)
    judged = judge_sheet(contests, marked)
    kind = "valid" if judged.valid else "invalid"
    if unclear or doubtful:
        kind = "any-but-miscounted"
    if unclear and not doubtful:
        reasons = (AMBIGUOUS,)
    return Truth(
        kind, judged.valid, {c: tuple(o) for c, o in marked.items()}, dict(judged.votes),
        dict(judged.overvotes), dict(judged.undervotes),
        {c: tuple(dict.fromkeys(o)) for c, o in unclear.items()}, reasons, why or judged.reason,
    )


def truth_on_paper(
    contests: Sequence[Contest], marks: Iterable[Mark], paper: Paper, layout: Layout, *,
    orientation: str = "down-head", why: str = "",
) -> Truth:
    """The truth of a sheet by its marks and by what its paper suffered (``EFFECTS``): beyond the
    declared range it may also come back, a double feed must, and a target that something as dark
    as a mark enters is ambiguous. What is on the paper lies on its lower side, and shows on the
    other as ``mirrored`` says; ``orientation`` tells which face that is."""
    if paper.follower_mm >= DOUBLE_FEED_MM:
        return returned((), why or "two sheets at once")
    marks, spoilt = tuple(marks), beyond(paper)
    smudged = {(m.contest, m.option): m.params.get("density", KINDS[m.kind].usual["density"])
               for m in marks if m.kind == "smudge"}
    seen = {"front": paper, "back": mirrored(paper, layout.page_mm[0])}
    if orientation.startswith("up"):
        seen = {"front": seen["back"], "back": paper}
    entered: dict[str, tuple[str, ...]] = {}
    for side, face in layout.faces.items():
        for contest, options in touched(seen[side], face, layout.page_mm, smudged).items():
            entered[contest] = (*entered.get(contest, ()), *options)
    return truth_of(
        contests, marks, touched=entered, doubtful=bool(spoilt), why=why or ", ".join(spoilt),
        layout=layout,
    )


def returned(reasons: tuple[str, ...], why: str) -> Truth:
    """The truth of a sheet that must come back, for one of ``reasons``."""
    return Truth("return", reasons=reasons, why=why)
