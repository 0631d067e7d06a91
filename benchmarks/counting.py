"""The counting core: rendering and reading one sheet, on one core."""

from __future__ import annotations

import itertools

import cv2

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
    return Figure(microseconds(lambda: renderer.scan(next(turn)), 400) / 1000, "ms", 5)


def read_sheet() -> Figure:
    """Read a rendered party ballot (76 targets), beside one pass over all its pixels."""
    sheets, renderer, reader = _material()
    images = [renderer.scan(sheet).copy() for sheet in sheets[:20]]
    turn = itertools.cycle(images)
    read = microseconds(lambda: reader.read(next(turn)), 200) / 1000
    whole = microseconds(lambda: cv2.sumElems(next(turn)), 200) / 1000
    return Figure(read, "ms", 2, ratio=read / whole, beside={"cv2.sumElems ms": whole})
