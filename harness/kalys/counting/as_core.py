"""Kalys' own reader as a counting core under test: ``python:kalys.counting.as_core:kalys_reader``.

The smallest example of a core in Python: a callable that is given the ``hello`` message of
docs/protocols/counting-core.md and returns a function from a picture to an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kalys.ballots.layout import Layout
from kalys.counting.reader import Reader

Answer = Mapping[str, Any]


def kalys_reader(hello: Mapping[str, Any]) -> Callable[[NDArray[np.uint8]], Answer]:
    """A reader of the layout that ``hello`` describes."""
    reader = Reader([Layout.from_dict(hello["layout"])])

    def read(image: NDArray[np.uint8]) -> Answer:
        reading = reader.read(image)
        if not reading.read:
            return {"status": "rejected", "reason": reading.reason}
        return {"status": "read", "marks": reading.marks, "scores": reading.fills}

    return read
