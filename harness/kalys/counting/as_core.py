"""Kalys' own reader as a counting core under test: ``python:kalys.counting.as_core:kalys_reader``.

The smallest example of a core in Python: a callable that is given the ``hello`` message of
docs/protocols/counting-core.md and returns a function from a picture to an answer. Its attribute
``read_batch``, which a core need not have, takes many pictures at once. Where ``hello`` says that
sheets have two sides, a picture is that of both, and the answer that of the sheet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kalys.ballots.layout import Layout
from kalys.counting.reader import UNREADABLE, Reader, SheetReading
from kalys.counting.sides import merged
from kalys.errors import ConfigurationError

Picture = NDArray[np.uint8]
Answer = Mapping[str, Any]


class KalysReader:
    """A reader of one layout as a function of a picture, and of many.

    ``takes_ambiguous``: a sheet with an ambiguous mark is read, and the mark named as marginal.
    """

    def __init__(self, layout: Layout, *, takes_ambiguous: bool = False) -> None:
        self._reader = Reader([layout])
        self._shape = layout.shape
        self._takes_ambiguous = takes_ambiguous

    def __call__(self, image: Picture) -> Answer:
        return self.read_batch([image])[0]

    def read_batch(self, images: Sequence[Picture]) -> list[Answer]:
        """One answer for each sheet, in their order: pictures of rows x columns, or 2 x rows x
        columns with the lower side first."""
        pictures = [side for image in images for side in (image if image.ndim == 3 else [image])]
        readings = iter(self._readings(pictures))
        return [
            self._answer(
                merged(self._reader, next(readings), next(readings)) if image.ndim == 3
                else next(readings)
            )
            for image in images
        ]

    def _readings(self, pictures: Sequence[Picture]) -> list[SheetReading]:
        try:
            return self._reader.read_batch(pictures)
        except ConfigurationError:
            if len(pictures) > 1:
                return [reading for one in pictures for reading in self._readings([one])]
            # Paper of another size is no ballot of this style; what is no paper at all is an error.
            if any(2 * side < whole for side, whole in zip(
                pictures[0].shape, self._shape, strict=True
            )):
                raise
            return [SheetReading("rejected", UNREADABLE)]

    def _answer(self, reading: SheetReading) -> Answer:
        if not reading.read and not (self._takes_ambiguous and reading.ambiguous):
            return {"status": "rejected", "reason": reading.reason}
        answer = {"status": "read", "marks": reading.marks, "scores": reading.fills}
        return {**answer, "marginal": reading.marginal} if self._takes_ambiguous else answer


def kalys_reader(hello: Mapping[str, Any]) -> KalysReader:
    """A reader of the layout that ``hello`` describes."""
    accept = hello.get("ambiguous_marks") == "accept"
    return KalysReader(Layout.from_dict(hello["layout"]), takes_ambiguous=accept)
