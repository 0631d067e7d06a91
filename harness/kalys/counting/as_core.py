"""Kalys' own reader as a counting core under test: ``python:kalys.counting.as_core:kalys_reader``.

The smallest example of a core in Python: a callable that is given the ``hello`` message of
docs/protocols/counting-core.md and returns a function from a picture to an answer. Its attribute
``read_batch``, which a core need not have, takes many pictures at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kalys.ballots.layout import Layout
from kalys.counting.reader import Reader, SheetReading

Picture = NDArray[np.uint8]
Answer = Mapping[str, Any]


class KalysReader:
    """A reader of one layout as a function of a picture, and of many.

    ``takes_ambiguous``: a sheet with an ambiguous mark is read, and the mark named as marginal.
    """

    def __init__(self, layout: Layout, *, takes_ambiguous: bool = False) -> None:
        self._reader = Reader([layout])
        self._takes_ambiguous = takes_ambiguous

    def __call__(self, image: Picture) -> Answer:
        return self._answer(self._reader.read(image))

    def read_batch(self, images: Sequence[Picture]) -> list[Answer]:
        """One answer for each picture, in their order."""
        return [self._answer(reading) for reading in self._reader.read_batch(images)]

    def _answer(self, reading: SheetReading) -> Answer:
        if not reading.read and not (self._takes_ambiguous and reading.ambiguous):
            return {"status": "rejected", "reason": reading.reason}
        answer = {"status": "read", "marks": reading.marks, "scores": reading.fills}
        return {**answer, "marginal": reading.marginal} if self._takes_ambiguous else answer


def kalys_reader(hello: Mapping[str, Any]) -> KalysReader:
    """A reader of the layout that ``hello`` describes."""
    accept = hello.get("ambiguous_marks") == "accept"
    return KalysReader(Layout.from_dict(hello["layout"]), takes_ambiguous=accept)
