"""From a sheet to the picture that an ideal grey sensor sees.

Deterministic: the same sheet gives the same pixels. Fast: the print of a style under one condition
of paper (skew, stretch, tone) is warped once and kept in a least-recently-used pool; a sheet then
costs one pass over the page (base plus noise) and a few small stamps. Shifts are whole pixels of a
base with a margin and need no warp of their own; skew is rounded to 0.05 degrees and stretch to
0.05 %, which is far below what any mark or reader feels.

The sensor's window is the nominal page; what the skewed or shifted sheet puts outside it is lost,
and what is not paper shows the background. Two sheets at once give a longer picture.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from kalys.ballots.artwork import INK, OVERSAMPLING, PAPER, blank_face
from kalys.ballots.layout import Face, Layout, layouts_for
from kalys.ballots.marks import Stroke, strokes
from kalys.ballots.paper import (
    Matrix,
    Tone,
    draw_folds,
    draw_stains,
    draw_streaks,
    draw_tears,
    fixed_point,
    placement,
    region,
    to_pixels,
)
from kalys.ballots.sheet import Paper, Sheet
from kalys.election.definition import load
from kalys.errors import ConfigurationError

Picture = NDArray[np.uint8]

_MARGIN = 48            # pixels around a pooled base: room for a shift of 6 mm at 200 dpi
_NOISE_MARGIN = 64
_NOISE_STEP = 0.004
_GRAIN = 512

PLAIN = "plain"
"""The style of a sheet without print."""


@dataclass(frozen=True)
class _Side:
    """What is seen of a sheet, apart from its marks: print (or none) and the state of the paper."""

    layout: Layout
    name: str
    face: Face | None
    paper: Paper
    turned: bool

    @property
    def print_key(self) -> tuple[str, str, str]:
        return (self.layout.election, self.layout.style, self.name) if self.face else ("", "", "")


class Renderer:
    """Scans of sheets. ``layouts`` are those in use; other shipped elections are found when needed.

    ``pool`` is how many warped bases are kept (4.2 MB each for A4 at 200 dpi).
    """

    def __init__(
        self, layouts: Iterable[Layout] | Mapping[str, Layout], pool: int = 48
    ) -> None:
        if isinstance(layouts, Mapping):
            layouts = layouts.values()
        self._layouts = {(layout.election, layout.style): layout for layout in layouts}
        if not self._layouts:
            raise ConfigurationError("a renderer needs at least one layout")
        self._page = next(iter(self._layouts.values()))
        self._limit = pool
        self._faces: dict[tuple[str, str, str], Picture] = {}
        self._bases: OrderedDict[tuple[object, ...], Picture] = OrderedDict()
        self._noise: dict[tuple[int, tuple[int, int]], Picture] = {}
        self._grain = np.random.default_rng(7).uniform(-1, 1, (_GRAIN, _GRAIN)).astype(np.float32)

    def layout(self, sheet: Sheet) -> Layout:
        """The layout of a sheet; plain paper has the size of the first layout."""
        if sheet.style == PLAIN:
            return self._page
        key = (sheet.election, sheet.style)
        if key not in self._layouts:
            for layout in layouts_for(load(sheet.election)).values():
                self._layouts.setdefault((layout.election, layout.style), layout)
        if key not in self._layouts:
            raise ConfigurationError(
                f"no layout of {sheet.election}/{sheet.style}", where=f"sheet {sheet.id}"
            )
        return self._layouts[key]

    def scan(self, sheet: Sheet, out: Picture | None = None) -> Picture:
        """What the sensor sees: uint8, rows x columns of the layout's page.

        ``out``, an array of that shape, is filled and returned if given.
        """
        side = self._side(sheet)
        layout, paper, face = side.layout, side.paper, side.face
        rng = np.random.default_rng(sheet.seed & 0xFFFFFFFF)
        picture = self._paper(side, rng, out)
        tone = _tone(paper)
        matrix = placement(layout, paper, turned=side.turned)
        pen = _Pen(picture, matrix, layout.px_per_mm, tone, self._grain, rng)
        if face is not None:
            printed = {(target.contest, target.option) for target in face.targets}
            for mark in sheet.marks:
                if (mark.contest, mark.option) in printed:
                    for stroke in strokes(mark, face):
                        pen.draw(stroke)
        draw_folds(picture, paper, matrix, layout, tone)
        draw_stains(picture, paper.stains, matrix, layout.px_per_mm, tone)
        draw_tears(picture, paper, matrix, layout, rng)
        draw_streaks(picture, paper.streaks, layout.px_per_mm, tone)
        return picture

    def _side(self, sheet: Sheet) -> _Side:
        layout = self.layout(sheet)
        back = sheet.orientation.startswith("up")
        face = layout.faces.get("back" if back else "front")
        return _Side(
            layout, "back" if back else "front", None if sheet.style == PLAIN else face,
            _rounded(sheet.paper, layout), sheet.orientation.endswith("foot"),
        )

    def scan_together(self, first: Sheet, second: Sheet, offset_mm: float) -> Picture:
        """Two sheets drawn in at once: ``second`` lies behind ``first``, its head ``offset_mm``
        after the other's. The picture is longer than one page by as much: at 0 the second sheet
        is hidden, at the page's length it follows in full."""
        one, two = self.scan(first), self.scan(second)
        shown = round(max(0.0, offset_mm) * self.layout(first).px_per_mm)
        rest = two[max(0, two.shape[0] - shown):]
        picture = np.full(
            (one.shape[0] + rest.shape[0], max(one.shape[1], two.shape[1])),
            first.paper.background, np.uint8,
        )
        picture[: one.shape[0], : one.shape[1]] = one
        picture[one.shape[0]:, : two.shape[1]] = rest
        return picture

    def _paper(self, side: _Side, rng: np.random.Generator, out: Picture | None) -> Picture:
        """Base and noise in one pass."""
        rows, columns = side.layout.shape
        scale, paper = side.layout.px_per_mm, side.paper
        shift = [round(s * scale) for s in paper.shift_mm]
        inner = [max(-_MARGIN, min(_MARGIN, s)) for s in shift]
        rest = ((shift[0] - inner[0]) / scale, (shift[1] - inner[1]) / scale)
        base = self._base(replace(side, paper=replace(paper, shift_mm=rest)))
        x, y = _MARGIN - inner[0], _MARGIN - inner[1]
        noise = self._noise_tile(paper.noise, side.layout.shape)
        nx, ny = rng.integers(0, _NOISE_MARGIN, 2)
        picture = np.empty((rows, columns), np.uint8) if out is None else out
        cv2.add(
            base[y : y + rows, x : x + columns], noise[ny : ny + rows, nx : nx + columns],
            dst=picture,
        )
        return picture

    def _base(self, side: _Side) -> Picture:
        """The warped print with a margin, darker by the mean of the noise that will be added."""
        paper = side.paper
        turned = side.turned and side.face is not None
        key = (
            side.print_key, turned, paper.skew_deg, paper.stretch, paper.shift_mm,
            paper.brightness, paper.contrast, paper.background, _noise_level(paper.noise),
        )
        known = self._bases.get(key)
        if known is not None:
            self._bases.move_to_end(key)
            return known
        matrix = placement(side.layout, paper, turned=turned)
        rows, columns = side.layout.shape
        scale = side.layout.px_per_mm * OVERSAMPLING
        # The print's pixel (i, j) has its centre at ((i + 0.5) / scale) mm.
        matrix[:, 2] += matrix[:, :2] @ (0.5 / scale, 0.5 / scale) + _MARGIN
        matrix[:, :2] /= scale
        warped = cv2.warpAffine(
            self._printed(side), matrix, (columns + 2 * _MARGIN, rows + 2 * _MARGIN),
            flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT,
            borderValue=float(_before_tone(paper)),
        )
        base: Picture = np.asarray(cv2.LUT(warped, _curve(paper)), np.uint8)
        self._bases[key] = base
        while len(self._bases) > self._limit:
            self._bases.popitem(last=False)
        return base

    def _printed(self, side: _Side) -> Picture:
        key = side.print_key
        if key not in self._faces:
            self._faces[key] = blank_face(side.layout, side.face)
        return self._faces[key]

    def _noise_tile(self, noise: float, shape: tuple[int, int]) -> Picture:
        """Noise with mean ``_noise_mean`` and the given deviation, larger than the page, so that
        each sheet takes its own part of it."""
        level = _noise_level(noise)
        key = (level, shape)
        if key not in self._noise:
            rng = np.random.default_rng(level + 1)
            size = (shape[0] + _NOISE_MARGIN, shape[1] + _NOISE_MARGIN)
            values = rng.standard_normal(size, dtype=np.float32) * (level * _NOISE_STEP * 255)
            mean = _noise_mean(noise)
            self._noise[key] = np.clip(np.rint(values + mean), 0, 2 * mean).astype(np.uint8)
        return self._noise[key]


@dataclass(frozen=True)
class _Pen:
    """Darkens a picture where a pen goes."""

    picture: Picture
    matrix: Matrix
    scale: float
    tone: Tone
    grain: NDArray[np.float32]
    rng: np.random.Generator

    def draw(self, stroke: Stroke) -> None:
        points = to_pixels(self.matrix, stroke.points)
        width = max(1, round(stroke.width_mm * self.scale))
        place = region(self.picture, points, width / 2 + 2)
        if place is None:
            return
        view, left, top = place
        mask = np.zeros(view.shape, np.uint8)
        path = [fixed_point(points - (left, top))]
        if stroke.filled:
            cv2.fillPoly(mask, path, 255, cv2.LINE_AA, 4)
        else:
            cv2.polylines(mask, path, False, 255, width, cv2.LINE_AA, 4)
        alpha = mask * np.float32(stroke.density / 255)
        if stroke.grain:
            alpha *= 1 + np.float32(stroke.grain) * self._texture(view.shape)
        # A stroke takes a part of what light is left above ink, so that it never lightens.
        left_over = np.clip(view - np.float32(self.tone.level(1.0)), 0, None)
        view[:] = np.clip(np.rint(view - alpha * left_over), 0, 255).astype(np.uint8)

    def _texture(self, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """A part of the grain as large as ``shape``, repeated where that is larger."""
        y, x = self.rng.integers(0, _GRAIN, 2)
        rows = (np.arange(shape[0]) + y) % _GRAIN
        columns = (np.arange(shape[1]) + x) % _GRAIN
        return self.grain[np.ix_(rows, columns)]


def _rounded(paper: Paper, layout: Layout) -> Paper:
    """The paper as the renderer can do it: steps of 0.05 degrees, 0.05 %, one pixel, 1 % tone."""
    scale = layout.px_per_mm
    x, y = paper.shift_mm
    return replace(
        paper,
        skew_deg=round(paper.skew_deg * 20) / 20,
        stretch=round(paper.stretch * 2000) / 2000,
        shift_mm=(round(x * scale) / scale, round(y * scale) / scale),
        brightness=round(paper.brightness, 2),
        contrast=round(paper.contrast, 2),
    )


def _noise_level(noise: float) -> int:
    return round(max(0.0, min(noise, 0.2)) / _NOISE_STEP)


def _noise_mean(noise: float) -> int:
    return min(100, round(3 * _noise_level(noise) * _NOISE_STEP * 255))


def _tone(paper: Paper) -> Tone:
    """Contrast scales densities, brightness lifts everything."""
    level = PAPER + 255 * paper.brightness
    return Tone(min(255.0, level), (PAPER - INK) * paper.contrast)


def _curve(paper: Paper) -> Picture:
    """The tone curve of 256 levels, less the mean of the noise to come."""
    levels = np.arange(256, dtype=np.float64)
    toned = PAPER + 255 * paper.brightness - (PAPER - levels) * paper.contrast
    toned = np.clip(np.rint(toned), 0, 255) - _noise_mean(paper.noise)
    return np.clip(toned, 0, 255).astype(np.uint8)


def _before_tone(paper: Paper) -> int:
    """The level that the tone curve turns into the wanted background."""
    level = PAPER - (PAPER + 255 * paper.brightness - paper.background) / max(paper.contrast, 0.05)
    return int(min(255, max(0, round(level))))
