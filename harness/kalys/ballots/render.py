"""From a sheet to the picture that an ideal grey sensor sees.

Deterministic: the same sheet gives the same pixels, whatever was drawn before. Fast: the print of a
style under one geometry (skew and stretch) is warped once and kept in a least-recently-used pool; a
sheet then costs one pass over the page (base, tone and noise in one weighted sum) and a few small
stamps. Shifts are whole pixels of a base with a margin and need no warp of their own; skew is
rounded to 0.05 degrees and stretch to 0.05 %, far below what any mark or reader feels. A page that
is fed foot first is the same base turned over.

The sensor's window is the nominal page; what the skewed or shifted sheet puts outside it is lost,
and what is not paper shows the background. A sheet with another beneath gives a longer picture.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from kalys.ballots.artwork import INK, OVERSAMPLING, PAPER, blank_face
from kalys.ballots.damage import draw_damage
from kalys.ballots.layout import Face, Layout, Side
from kalys.ballots.marks import Stroke, strokes
from kalys.ballots.paper import (
    Matrix,
    Tone,
    draw_folds,
    draw_stains,
    draw_streaks,
    mirrored,
    placement,
    region,
    show_background,
    to_pixels,
)
from kalys.ballots.sheet import Paper, Sheet
from kalys.ballots.templates import layouts_for
from kalys.election.definition import load
from kalys.errors import ConfigurationError

Picture = NDArray[np.uint8]

_MARGIN = 48            # pixels around a pooled base: room for a shift of 6 mm at 200 dpi
_NOISE_MARGIN = 64
_NOISE_MEAN = 128       # of the tile of noise
_NOISE_SPREAD = 40.0    # and its standard deviation, both in grey levels
_MOST_NOISE = 0.2
_GRAIN = 512
_FINE = 4              # by which areas are drawn finer than the scan

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
        if self.face is None:
            return "", "", f"blank, {self.layout.page_mm} mm, {self.layout.dpi} dpi"
        return self.layout.election, self.layout.style, self.name


class Renderer:
    """Scans of sheets. ``layouts`` are those in use; other shipped elections are found when needed.

    ``pool`` is how many warped bases are kept (4.2 MB each for A4 at 200 dpi); the usual number
    serves two styles of a volume deck.
    """

    def __init__(
        self, layouts: Iterable[Layout] | Mapping[str, Layout], pool: int = 36
    ) -> None:
        if isinstance(layouts, Mapping):
            layouts = layouts.values()
        self._layouts = {(layout.election, layout.style): layout for layout in layouts}
        if not self._layouts:
            raise ConfigurationError("a renderer needs at least one layout")
        self._page = next(iter(self._layouts.values()))
        self.pool = pool
        self._faces: dict[tuple[str, str, str], Picture] = {}
        self._bases: OrderedDict[tuple[object, ...], tuple[Picture, Matrix]] = OrderedDict()
        self._noise: dict[tuple[int, int], Picture] = {}
        self._grain = np.random.default_rng(7).uniform(-1, 1, (_GRAIN, _GRAIN)).astype(np.float32)

    def learn(self, layouts: Iterable[Layout]) -> None:
        """Know these layouts as well, of any size."""
        self._layouts.update({(layout.election, layout.style): layout for layout in layouts})

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
        if side.paper.follower_mm > 0:
            return self._double_feed(sheet)
        layout, paper, face = side.layout, side.paper, side.face
        rng = np.random.default_rng(sheet.seed & 0xFFFFFFFF)
        tone = _tone(paper)
        picture, matrix = self._paper(side, rng, tone, out)
        pen = _Pen(picture, matrix, layout.px_per_mm, tone, self._grain, rng)
        if face is not None and sheet.marks:
            printed = {(target.contest, target.option) for target in face.targets}
            for mark in sheet.marks:
                if (mark.contest, mark.option) in printed:
                    for stroke in strokes(mark, face):
                        pen.draw(stroke)
        draw_folds(picture, paper, matrix, layout, tone)
        draw_stains(picture, paper.stains, matrix, layout.px_per_mm, tone)
        draw_damage(picture, paper, matrix, layout, tone=tone, rng=rng, pen=pen.draw)
        draw_streaks(picture, paper.streaks, layout.px_per_mm, tone)
        return picture

    def scan_sides(self, sheet: Sheet) -> tuple[Picture, Picture]:
        """What a scanner with two sensors sees in one pass: the lower and the upper side.

        From above the sheet lies the other way round: skew, shift and what is on the paper are
        mirrored left to right. Streaks are the lower sensor's own, stains do not show through.
        """
        return self.scan(sheet), self.scan(self._from_above(sheet))

    def seen(self, sheet: Sheet, sides: int, out: Picture | None = None) -> Picture:
        """What a scanner with so many sensors sees: rows x columns with one, and with two 2 x rows
        x columns, the lower side first. ``out``, an array of that shape, is filled if given."""
        if sides == 1:
            return self.scan(sheet, out)
        below, above = (None, None) if out is None else (out[0], out[1])
        lower, upper = self.scan(sheet, below), self.scan(self._from_above(sheet), above)
        if out is not None and lower is below and upper is above:
            return out
        return np.stack([lower, upper])

    def _from_above(self, sheet: Sheet) -> Sheet:
        down, _, end = sheet.orientation.partition("-")
        other = "up" if down == "down" else "down"
        return replace(
            sheet, orientation=f"{other}-{end}", seed=sheet.seed ^ 1,
            paper=mirrored(sheet.paper, self.layout(sheet).page_mm[0]),
        )

    def printed(self, sheet: Sheet, side: Side) -> tuple[Layout, Face | None]:
        """What is printed on a side of a sheet: the face (None: nothing), and its layout."""
        layout, _, face = self._print(sheet, side)
        return layout, face

    def _side(self, sheet: Sheet) -> _Side:
        layout, name, face = self._print(
            sheet, "back" if sheet.orientation.startswith("up") else "front"
        )
        return _Side(
            layout, name, face, _rounded(sheet.paper, layout), sheet.orientation.endswith("foot")
        )

    def _print(self, sheet: Sheet, side: Side) -> tuple[Layout, str, Face | None]:
        """What is printed on a side: the layout, which of its faces, and that face."""
        layout, name = self.layout(sheet), str(side)
        if sheet.style == PLAIN:
            return layout, name, None
        if sheet.printed:
            layout, name = self._misprint(sheet, layout, sheet.printed[int(side == "back")])
        faces = {str(one): face for one, face in layout.faces.items()}
        return layout, name, faces.get(name)

    def _misprint(self, sheet: Sheet, layout: Layout, printed: str) -> tuple[Layout, str]:
        """Layout and face of what stands on a side where the style has another face."""
        style, _, name = printed.rpartition("/")
        other = self.layout(replace(sheet, style=style)) if style else layout
        if name not in other.faces or other.shape != layout.shape:
            raise ConfigurationError(
                f"no such face of that size: {printed}", where=f"sheet {sheet.id}"
            )
        return other, name

    def _double_feed(self, sheet: Sheet) -> Picture:
        seen = sheet.paper      # by the same sensor
        paper = Paper(noise=seen.noise, brightness=seen.brightness, contrast=seen.contrast,
                      background=seen.background)
        behind = replace(sheet, marks=(), paper=paper, seed=sheet.seed ^ 2)
        alone = replace(sheet, paper=replace(sheet.paper, follower_mm=0.0))
        return self.scan_together(alone, behind, sheet.paper.follower_mm)

    def scan_together(self, first: Sheet, second: Sheet, offset_mm: float) -> Picture:
        """Two sheets drawn in at once: ``second`` lies behind ``first``, its head ``offset_mm``
        after the other's. The picture is longer than one page by as much: at 0 the second sheet
        is hidden, at the page's length it follows in full."""
        one, two = self.scan(first), self.scan(second)
        shown = min(round(max(0.0, offset_mm) * self.layout(first).px_per_mm), two.shape[0])
        rest = two[two.shape[0] - shown:]
        picture = np.full(
            (one.shape[0] + rest.shape[0], max(one.shape[1], two.shape[1])),
            first.paper.background, np.uint8,
        )
        picture[: one.shape[0], : one.shape[1]] = one
        picture[one.shape[0]:, : two.shape[1]] = rest
        return picture

    def _paper(
        self, side: _Side, rng: np.random.Generator, tone: Tone, out: Picture | None
    ) -> tuple[Picture, Matrix]:
        """Print, tone and noise in one pass, and the map from mm to its pixels."""
        rows, columns = side.layout.shape
        scale, paper = side.layout.px_per_mm, side.paper
        shift = [round(s * scale) for s in paper.shift_mm]
        inner = [max(-_MARGIN, min(_MARGIN, s)) for s in shift]
        rest = ((shift[0] - inner[0]) / scale, (shift[1] - inner[1]) / scale)
        base, matrix = self._base(replace(side, paper=replace(paper, shift_mm=rest)))
        x, y = _MARGIN - inner[0], _MARGIN - inner[1]
        nx, ny = rng.integers(0, _NOISE_MARGIN, 2)
        noise = self._noise_tile(side.layout.shape)[ny : ny + rows, nx : nx + columns]
        weight = max(0.0, min(paper.noise, _MOST_NOISE)) * 255 / _NOISE_SPREAD
        picture = np.empty((rows, columns), np.uint8) if out is None else out
        # Contrast scales densities, brightness lifts everything, noise has its mean taken off.
        cv2.addWeighted(
            base[y : y + rows, x : x + columns], paper.contrast, noise, weight,
            tone.paper - PAPER * paper.contrast - _NOISE_MEAN * weight, dst=picture,
        )
        if len(matrix) == 3:
            matrix = np.array([[1, 0, -x], [0, 1, -y], [0, 0, 1.0]]) @ matrix
        else:
            matrix = np.column_stack([matrix[:, :2], matrix[:, 2] - (x, y)])
        show_background(picture, side.layout, matrix, round(tone.paper) - paper.background)
        return picture, matrix

    def _base(self, side: _Side) -> tuple[Picture, Matrix]:
        """The warped print with a margin all around, and the map from mm to its pixels. Beyond the
        page it is as light as paper."""
        paper = side.paper
        turned = side.turned and side.face is not None
        key = (side.print_key, turned, paper.skew_deg, paper.stretch, paper.shift_mm,
               paper.perspective)
        known = self._bases.get(key)
        if known is not None:
            self._bases.move_to_end(key)
            return known
        if turned and not any(paper.shift_mm) and not any(paper.perspective):
            made = _turned_over(*self._base(replace(side, turned=False)))
        else:
            made = self._warped(side, turned=turned)
        self._bases[key] = made
        self._make_room()
        return made

    def _make_room(self) -> None:
        """Let go of what was not used for longest; of what is turned first, since turning a base
        over takes a fiftieth of the time of warping one."""
        while len(self._bases) > max(0, self.pool):
            turned = next((key for key in self._bases if key[1]), None)
            del self._bases[next(iter(self._bases)) if turned is None else turned]

    def _warped(self, side: _Side, *, turned: bool) -> tuple[Picture, Matrix]:
        matrix = placement(side.layout, side.paper, turned=turned)
        margin = np.array([[1, 0, _MARGIN], [0, 1, _MARGIN], [0, 0, 1.0]])
        whole = margin @ (matrix if len(matrix) == 3 else np.vstack([matrix, (0, 0, 1)]))
        rows, columns = side.layout.shape
        size = (columns + 2 * _MARGIN, rows + 2 * _MARGIN)
        scale = side.layout.px_per_mm * OVERSAMPLING
        # The print's pixel (i, j) has its centre at ((i + 0.5) / scale) mm.
        print_mm = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, scale]]) / scale
        from_print = whole @ print_mm
        if len(matrix) == 3:
            picture = cv2.warpPerspective(
                self._printed(side), from_print, size, flags=cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_CONSTANT, borderValue=float(PAPER),
            )
            return np.asarray(picture, np.uint8), whole
        # The print is twice as fine as the scan and softened: its nearest pixel is never further
        # than a quarter of the scan's, at half the price of interpolation.
        picture = cv2.warpAffine(
            self._printed(side), from_print[:2], size, flags=cv2.INTER_NEAREST,
            borderMode=cv2.BORDER_CONSTANT, borderValue=float(PAPER),
        )
        return np.asarray(picture, np.uint8), whole[:2]

    def _printed(self, side: _Side) -> Picture:
        key = side.print_key
        if key not in self._faces:
            print_ = blank_face(side.layout, side.face)
            # About what the opening of one sensor pixel integrates over.
            self._faces[key] = np.asarray(cv2.GaussianBlur(print_, (3, 3), 0.8), np.uint8)
        return self._faces[key]

    def _noise_tile(self, shape: tuple[int, int]) -> Picture:
        """Noise of known mean and spread, larger than the page, so that each sheet takes its own
        part of it."""
        if shape not in self._noise:
            size = (shape[0] + _NOISE_MARGIN, shape[1] + _NOISE_MARGIN)
            values = np.random.default_rng(1).standard_normal(size, dtype=np.float32)
            values *= _NOISE_SPREAD
            values += _NOISE_MEAN
            self._noise[shape] = np.clip(np.rint(values), 0, 255).astype(np.uint8)
        return self._noise[shape]


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
        width = stroke.width_mm * self.scale
        place = region(self.picture, points, width / 2 + 2)
        if place is None:
            return
        view, left, top = place
        mask = _covered(view.shape, points - (left, top), width, filled=stroke.filled)
        # A stroke takes a part of what light is left above ink, so that it never lightens.
        ink = np.uint8(max(0, round(self.tone.level(1.0))))
        left_over = np.maximum(view, ink) - ink
        if stroke.grain:
            share = mask * np.float32(stroke.density / 255)
            share *= 1 + np.float32(stroke.grain) * self._texture(view.shape)
            taken = np.rint(np.minimum(share, 1) * left_over).astype(np.uint8)
        else:
            taken = np.asarray(cv2.multiply(mask, left_over, scale=stroke.density / 255), np.uint8)
        cv2.subtract(view, taken, dst=view)

    def _texture(self, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """A part of the grain as large as ``shape``, repeated where that is larger."""
        y, x = self.rng.integers(0, _GRAIN, 2)
        rows = (np.arange(shape[0]) + y) % _GRAIN
        columns = (np.arange(shape[1]) + x) % _GRAIN
        return self.grain[np.ix_(rows, columns)]


def _covered(
    shape: tuple[int, ...], points: NDArray[np.float64], width: float, *, filled: bool
) -> Picture:
    """The share of each pixel that a stroke covers, 0 to 255.

    OpenCV's own smooth lines are up to three pixels wider than they are asked to be, its smooth
    areas one: too much for a pen of five. So a line is where the distance from it is at most half
    its width, and an area is drawn finer and averaged.
    """
    if filled:
        fine = np.zeros((shape[0] * _FINE, shape[1] * _FINE), np.uint8)
        corners = np.rint((points + 0.5) * _FINE - 0.5).astype(np.int32)
        cv2.fillPoly(fine, [corners], 255)
        size = (shape[1], shape[0])
        return np.asarray(cv2.resize(fine, size, interpolation=cv2.INTER_AREA), np.uint8)
    mask = np.zeros(shape, np.uint8)
    reach = width / 2 + 1
    for start, end in pairwise(points):
        low = np.maximum(np.floor(np.minimum(start, end) - reach), 0).astype(int)
        high = np.minimum(np.ceil(np.maximum(start, end) + reach) + 1, shape[::-1]).astype(int)
        if (low >= high).any():
            continue
        x = np.arange(low[0], high[0], dtype=np.float32) - np.float32(start[0])
        y = np.arange(low[1], high[1], dtype=np.float32)[:, None] - np.float32(start[1])
        dx, dy = (float(v) for v in end - start)
        share = (x * dx + y * dy) / max(dx * dx + dy * dy, 1e-9)
        np.clip(share, 0, 1, out=share)
        away = np.hypot(x - share * dx, y - share * dy)
        ink = np.clip((width / 2 + 0.5 - away) * 255, 0, 255).astype(np.uint8)
        part = mask[low[1] : high[1], low[0] : high[0]]
        np.maximum(part, ink, out=part)
    return mask


def _turned_over(base: Picture, matrix: Matrix) -> tuple[Picture, Matrix]:
    """The base turned by 180 degrees about its own middle, and its map."""
    rows, columns = base.shape
    far = np.array([columns - 1, rows - 1])
    picture = np.asarray(cv2.flip(base, -1), np.uint8)
    return picture, np.column_stack([-matrix[:, :2], far - matrix[:, 2]])


def _rounded(paper: Paper, layout: Layout) -> Paper:
    """The paper as the renderer can do it: steps of 0.05 degrees, 0.05 % and one pixel."""
    scale = layout.px_per_mm
    x, y = paper.shift_mm
    return replace(
        paper,
        skew_deg=round(paper.skew_deg * 20) / 20,
        stretch=round(paper.stretch * 2000) / 2000,
        shift_mm=(round(x * scale) / scale, round(y * scale) / scale),
    )


def _tone(paper: Paper) -> Tone:
    """Contrast scales densities, brightness lifts everything."""
    level = PAPER + 255 * paper.brightness
    return Tone(min(255.0, level), (PAPER - INK) * paper.contrast)
