"""The counting core: rendering and reading one sheet, on one core."""

from __future__ import annotations

import itertools
import time

import cv2
import numpy as np

from benchmarks.figure import Figure, microseconds
from kalys.ballots.layout import layouts_for
from kalys.ballots.render import Renderer
from kalys.ballots.sheet import Sheet
from kalys.ballots.volume import volume
from kalys.counting.reader import Reader
from kalys.election.definition import load


def _material() -> tuple[list[Sheet], Renderer, Reader]:
    definition = load("kg-2021-11-28")
    layouts = layouts_for(definition)
    sheets = list(volume(definition, "KG-PL", 500, seed=1))
    return sheets, Renderer(layouts), Reader([layouts["KG-PL"]])


def render_sheet() -> Figure:
    """Render a party ballot with marks and paper effects, A4 at 200 dpi; no sheet twice."""
    sheets, renderer, _ = _material()
    turn = iter(sheets)
    return Figure(microseconds(lambda: renderer.scan(next(turn)), 400) / 1000, "ms", 2.5)


def render_volume() -> Figure:
    """Render 1,000 distinct sheets of a volume deck one after the other, whatever each costs: the
    mean holds the print's first drawing and all that the renderer's pool did not have."""
    definition = load("kg-2021-11-28")
    sheets = list(volume(definition, "KG-PL", 1000, seed=2))
    renderer = Renderer(layouts_for(definition))
    page = renderer.layout(sheets[0]).shape
    out = np.empty(page, np.uint8)
    begin = time.perf_counter()
    for sheet in sheets:
        renderer.scan(sheet, out=out)
    mean = (time.perf_counter() - begin) / len(sheets) * 1000
    geometries = len({(s.paper.skew_deg, s.paper.stretch, s.orientation) for s in sheets})
    whole = microseconds(lambda: cv2.sumElems(out), 100) / 1000
    return Figure(
        mean, "ms", 2.5, ratio=mean / whole,
        beside={"geometries": geometries, "cv2.sumElems ms": whole},
    )


def read_sheet() -> Figure:
    """Read a rendered party ballot (76 targets), beside one pass over all its pixels."""
    sheets, renderer, reader = _material()
    images = [renderer.scan(sheet).copy() for sheet in sheets[:20]]
    turn = itertools.cycle(images)
    read = microseconds(lambda: reader.read(next(turn)), 200) / 1000
    whole = microseconds(lambda: cv2.sumElems(next(turn)), 200) / 1000
    return Figure(read, "ms", 2, ratio=read / whole, beside={"cv2.sumElems ms": whole})
