"""Marks as text fields of the urn's messages (docs/protocols/urn-link.md, "Marks").

Records and readings are lists on a wire that knows no list within a list, so the marks of one sheet
are one text: ``party/P01;preference/N07`` for marks, ``party/P02=0.0612`` for marginal ones with
their fill, ``foreign=3`` for numbers of sheets by reason. Ids hold none of ``/``, ``;``, ``=``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TypeVar

Marks = Mapping[str, Sequence[str]]
Marginal = Mapping[str, Mapping[str, float]]
Word = TypeVar("Word", bound=str)


def write_marks(marks: Marks) -> str:
    """Options by contest as text."""
    return ";".join(f"{c}/{option}" for c, options in marks.items() for option in options)


def read_marks(text: str) -> dict[str, tuple[str, ...]]:
    """The options by contest; ValueError names the part that is no mark."""
    marks: dict[str, tuple[str, ...]] = {}
    for part in filter(None, text.split(";")):
        contest, option = _place(part)
        marks[contest] = (*marks.get(contest, ()), option)
    return marks


def write_marginal(marginal: Marginal) -> str:
    """Fills by contest and option as text."""
    return ";".join(
        f"{c}/{option}={fill:.4f}" for c, row in marginal.items() for option, fill in row.items()
    )


def read_marginal(text: str) -> dict[str, dict[str, float]]:
    """The fills by contest and option; ValueError names the part that is no marginal mark."""
    marginal: dict[str, dict[str, float]] = {}
    for part in filter(None, text.split(";")):
        place, equals, number = part.partition("=")
        contest, option = _place(place)
        try:
            fill = float(number)
        except ValueError:
            fill = math.nan
        if not equals or not 0 <= fill <= 1:
            raise ValueError(f"a marginal mark without a fill from 0 to 1: {part!r}")
        marginal.setdefault(contest, {})[option] = fill
    return marginal


def write_counts(counts: Mapping[Word, int]) -> str:
    """Numbers by word as text, those that are not 0."""
    return ";".join(f"{word}={number}" for word, number in counts.items() if number)


def read_counts(text: str) -> dict[str, int]:
    """The numbers by word; ValueError names the part that is none."""
    counts: dict[str, int] = {}
    for part in filter(None, text.split(";")):
        word, equals, number = part.partition("=")
        if not (word and equals and number.isascii() and number.isdigit()):
            raise ValueError(f"not a word and a number: {part!r}")
        counts[word] = int(number)
    return counts


def _place(text: str) -> tuple[str, str]:
    contest, slash, option = text.partition("/")
    if not (contest and slash and option):
        raise ValueError(f"a mark without a contest: {text!r}")
    return contest, option
