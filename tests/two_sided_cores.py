"""Cores that are weak with ballots that have targets on both sides, each in its own way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from kalys.ballots.layout import Layout
from kalys.counting.reader import Reader

Core = Callable[[np.ndarray], Mapping[str, Any]]


def front_only(hello: Mapping[str, Any]) -> Core:
    """Reads the front, wherever it lies, and nothing else."""
    reader = Reader([Layout.from_dict(hello["layout"])])

    def read(image: np.ndarray) -> Mapping[str, Any]:
        for reading in reader.read_batch(list(image)):
            if reading.read and reading.orientation.startswith("down"):
                return {"status": "read", "marks": reading.marks}
        return {"status": "rejected", "reason": "unreadable"}

    return read


def trusting(hello: Mapping[str, Any]) -> Core:
    """Puts together what it reads on either side, and asks not whether they belong together."""
    reader = Reader([Layout.from_dict(hello["layout"])])

    def read(image: np.ndarray) -> Mapping[str, Any]:
        sides = reader.read_batch(list(image))
        if not all(side.read for side in sides):
            return {"status": "rejected", "reason": "unreadable"}
        marks: dict[str, set[str]] = {}
        for side in sides:
            for contest, options in side.marks.items():
                marks.setdefault(contest, set()).update(options)
        return {"status": "read", "marks": marks}

    return read


def tones(hello: Mapping[str, Any]) -> Core:
    """Tells the tone of the first pixel of each side as scores."""
    assert hello["sides"] == 2

    def read(image: np.ndarray) -> Mapping[str, Any]:
        lower, upper = (int(side[0, 0]) for side in image)
        return {"status": "read", "marks": {}, "scores": {"tone": {"lower": lower, "upper": upper}}}

    def read_batch(images: list[np.ndarray]) -> list[Mapping[str, Any]]:
        return [read(image) for image in images]

    read.read_batch = read_batch
    return read
