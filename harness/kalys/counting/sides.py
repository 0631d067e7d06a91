"""Both sides of a sheet, read in one pass: one record of the two faces, or a reason to refuse.

A scanner with two sensors gives two pictures of one sheet, the lower and the upper side. Where a
ballot is printed on both faces, both must be read, one must be the front and the other the back,
of one style and with the same end first; anything else is two sheets at once. Where it is printed
on one, exactly one of the pictures must hold it and the other must be empty.
"""

from __future__ import annotations

from dataclasses import replace

from kalys.counting.reader import AMBIGUOUS, DOUBLE_FEED, WRONG_SIDE, Picture, Reader, SheetReading


def read_sides(reader: Reader, lower: Picture, upper: Picture) -> SheetReading:
    """The sheet whose two sides are ``lower`` and ``upper``.

    Fills and marks are those of both faces; the orientation is that of the lower side. Raises
    ConfigurationError for pictures that are none of this page.
    """
    return merged(reader, *reader.read_batch([lower, upper]))


def merged(reader: Reader, lower: SheetReading, upper: SheetReading) -> SheetReading:
    """One reading of what ``reader`` read on the two sides."""
    sides = (lower, upper)
    seen = [side for side in sides if side.read or side.reason == AMBIGUOUS]
    faces = reader.faces_of(seen[0].style) if seen else ()
    if len(seen) == 1 and len(faces) == 1:
        other = upper if seen[0] is lower else lower
        return seen[0] if other.reason == WRONG_SIDE else replace(
            seen[0], status="rejected", reason=other.reason, fills={}, marks={}, ambiguous=(),
        )
    if len(seen) < len(sides):
        # An empty side says little beside a spoilt one.
        why = [side for side in sides if side not in seen]
        return next((side for side in why if side.reason != WRONG_SIDE), why[0])
    shown = {side.orientation.partition("-")[0] for side in sides}
    ends = {side.orientation.partition("-")[2] for side in sides}
    if len(shown) != len(sides) or len(ends) != 1 or lower.style != upper.style:
        return SheetReading("rejected", DOUBLE_FEED, lower.style, lower.orientation)
    unclear = (*lower.ambiguous, *upper.ambiguous)
    front = lower if lower.orientation.startswith("down") else upper
    return replace(
        lower, status="rejected" if unclear else "read", reason=AMBIGUOUS if unclear else "",
        fills={c: {**lower.fills.get(c, {}), **upper.fills.get(c, {})}
               for c in (*lower.fills, *upper.fills)},
        marks=_both(lower, upper), ambiguous=unclear,
        code=front.code,
    )


def _both(lower: SheetReading, upper: SheetReading) -> dict[str, tuple[str, ...]]:
    """Marks by contest; a contest may go on overleaf."""
    return {
        contest: (*lower.marks.get(contest, ()), *upper.marks.get(contest, ()))
        for contest in (*lower.marks, *(c for c in upper.marks if c not in lower.marks))
    }
