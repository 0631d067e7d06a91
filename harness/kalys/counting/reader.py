"""The reader: from the picture of one side of a sheet to the marks on it, or a reason to refuse.

Think of it as a chain in which each link may say no: length, tone, timing marks, style code,
outlines of the targets, fills. A sheet is only read when every link holds; a sheet that is doubtful
is rejected with a word of ``kalys.protocols.urn.messages.ReturnReason``, never guessed. The reader
knows layouts and thresholds and nothing about elections, and it never sees a truth.

Fill is the share of a target's inside that is dark. At ``vote_fill`` and above it is a vote, below
``blank_fill`` it is none; between the two the mark is ambiguous and the sheet goes back to the
voter (VVSG 2.0 1.1.6-K: a mark must not flip between vote and no vote).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from kalys.ballots.layout import Face, Layout
from kalys.ballots.style_code import decode_bits
from kalys.counting.registration import Frame, Registration, dark_share, register
from kalys.counting.targets import Fills, Group, Levels, groups_of, measure
from kalys.errors import ConfigurationError

Picture = NDArray[np.uint8]
Floats = NDArray[np.float64]

FOREIGN = "foreign"
UNREADABLE = "unreadable"
WRONG_SIDE = "wrong-side"
DOUBLE_FEED = "double-feed"
AMBIGUOUS = "ambiguous-mark"

_TOO_LONG_MM = 4.0        # longer than the page by more than this: two sheets (stretch: 3 mm)
_LEAST_SPAN = 60          # grey levels between paper and print; below, nothing is printed
_BLANK_SHARE = 0.004      # of dark sample points, below which a side is blank
_PRINTED = 0.5            # density from which timing, code and outline pixels count as printed
_STREAK_SHARE = 0.55      # of a column's rows that are dark: a dirty sensor
_CODE_RADIUS_MM = 0.6
_SURE = 1.45              # times ink_level: from this density a pixel is dark beyond doubt
_SURE_SHARE = 0.5         # of vote_fill that must be so: stains and folds that add up are no vote


@dataclass(frozen=True)
class Thresholds:
    """The legally relevant parameters of a reader; docs/marks.md says how they follow from marks.

    ``vote_fill`` and ``blank_fill`` are shares of a target's inside, ``ink_level`` the density (0
    paper, 1 print) from which a pixel is dark.
    """

    vote_fill: float = 0.09
    blank_fill: float = 0.045
    ink_level: float = 0.35


@dataclass(frozen=True)
class SheetReading:
    """What was read. ``status`` is "read" or "rejected" with a ``reason``.

    ``fills[contest][option]`` and ``marks[contest]`` are filled when the sheet was read, and also
    when it was rejected for an ambiguous mark; ``ambiguous`` holds "contest/option". ``code`` is
    the style code as read, "" if none was.
    """

    status: str
    reason: str = ""
    style: str = ""
    orientation: str = ""
    fills: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    marks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ambiguous: tuple[str, ...] = ()
    code: str = ""
    skew_deg: float = 0.0
    stretch: float = 0.0

    @property
    def read(self) -> bool:
        return self.status == "read"


@dataclass(frozen=True)
class _Known:
    """One printed face of a known layout, prepared for reading."""

    layout: Layout
    side: str
    face: Face
    upright: Frame
    turned: Frame
    symmetric: bool
    code_mm: Floats
    targets_mm: Floats
    groups: Sequence[Group]


@dataclass(frozen=True)
class _Tone:
    """Grey levels of this scan."""

    paper: float
    span: float

    def level(self, density: float) -> float:
        return self.paper - density * self.span


class Reader:
    """Reads scans of the given layouts; every other ballot is foreign to it.

    All layouts must have the same page and resolution: a scanner is set to one.
    """

    def __init__(
        self, layouts: Iterable[Layout], thresholds: Thresholds | None = None
    ) -> None:
        self.thresholds = thresholds or Thresholds()
        self._known = [
            _prepare(layout, side, face)
            for layout in layouts for side, face in layout.faces.items()
        ]
        if not self._known:
            raise ConfigurationError("a reader needs at least one layout")
        first = self._known[0].layout
        for known in self._known:
            if (known.layout.page_mm, known.layout.dpi) != (first.page_mm, first.dpi):
                raise ConfigurationError("layouts of one reader differ in page or resolution")
        self._scale = first.px_per_mm
        self._shape = first.shape
        self._frames: list[list[_Known]] = []
        for known in self._known:
            for frame in self._frames:
                if frame[0].upright.same_marks(known.upright):
                    frame.append(known)
                    break
            else:
                self._frames.append([known])

    def read(self, image: Picture) -> SheetReading:
        """Read one side of one sheet: 8-bit grey, head or foot first.

        Raises ConfigurationError for what is no such picture (colour, 16 bit, another resolution).
        """
        if image.ndim != 2 or image.dtype != np.uint8:
            raise ConfigurationError(
                f"expected 8-bit grey, got {image.dtype} with {image.ndim} dimensions",
                where="scan",
            )
        rows, columns = image.shape
        if rows > self._shape[0] + _TOO_LONG_MM * self._scale and (
            abs(columns - self._shape[1]) < 0.03 * self._shape[1]
        ):
            return _rejected(DOUBLE_FEED)
        if abs(rows - self._shape[0]) > 0.02 * self._shape[0] or (
            abs(columns - self._shape[1]) > 0.02 * self._shape[1]
        ):
            raise ConfigurationError(
                f"expected about {self._shape[1]} x {self._shape[0]} pixels, "
                f"got {columns} x {rows}",
                where="scan",
                remedy="Scan the whole page at the layout's resolution.",
            )
        tone, dark = _tone(image)
        if tone.span < _LEAST_SPAN or dark < _BLANK_SHARE:
            return _rejected(WRONG_SIDE if tone.paper > 100 else UNREADABLE)
        code = ""
        for frame in self._frames:
            reading, seen_code = self._read_frame(image, frame, tone)
            if reading is not None:
                return reading
            code = code or seen_code
        return SheetReading("rejected", FOREIGN if code else UNREADABLE, code=code)

    def _read_frame(
        self, image: Picture, frame: Sequence[_Known], tone: _Tone
    ) -> tuple[SheetReading | None, str]:
        """The reading if the sheet bears a known code; else the valid foreign code, if any."""
        level = tone.level(_PRINTED)
        upright = register(image, frame[0].upright, level)
        foreign = ""
        for turned in (False, True):
            place = upright
            if turned and not frame[0].symmetric:
                place = register(image, frame[0].turned, level)
            if place is None:
                continue
            for known in frame:
                bits = self._code(image, known, place, level, turned=turned)
                if bits == known.face.code.bits:
                    return self._read_face(image, known, place, tone, turned=turned), bits
                if decode_bits(bits) is not None:
                    foreign = bits
        return None, foreign

    def _code(
        self, image: Picture, known: _Known, place: Registration, level: float, *, turned: bool
    ) -> str:
        """The code cells as "1" and "0", with "?" for a cell that is neither."""
        at = place.turned(known.code_mm) if turned else place.pixels(known.code_mm)
        rows, columns = image.shape
        if (at < 3).any() or (at[:, 0] > columns - 4).any() or (at[:, 1] > rows - 4).any():
            return ""
        share = dark_share(image, at, max(1, round(_CODE_RADIUS_MM * self._scale)), level)
        return "".join("1" if s > 0.75 else "0" if s < 0.25 else "?" for s in share)

    def _read_face(
        self, image: Picture, known: _Known, place: Registration, tone: _Tone,
        *, turned: bool,
    ) -> SheetReading:
        limits = self.thresholds
        at = place.turned(known.targets_mm) if turned else place.pixels(known.targets_mm)
        ink = tone.level(limits.ink_level)
        levels = Levels(ink, tone.level(_SURE * limits.ink_level), tone.level(_PRINTED))
        result = measure(
            image, known.groups, at, levels, skew_deg=place.skew_deg,
            streaks=_streaks(image, ink), suspect=limits.blank_fill,
        )
        head = "foot" if turned else "head"
        orientation = f"{'up' if known.side == 'back' else 'down'}-{head}"
        if not result.seen.all():
            return SheetReading(
                "rejected", UNREADABLE, known.layout.style, orientation,
                skew_deg=place.skew_deg, stretch=place.stretch, code=known.face.code.bits,
            )
        return self._judge(known, result, orientation, place)

    def _judge(
        self, known: _Known, measured: Fills, orientation: str, place: Registration
    ) -> SheetReading:
        fills: dict[str, dict[str, float]] = {}
        marks: dict[str, list[str]] = {}
        ambiguous: list[str] = []
        limits = self.thresholds
        for target, value, sure in zip(
            known.face.targets, measured.fill.tolist(), measured.sure.tolist(), strict=True
        ):
            fills.setdefault(target.contest, {})[target.option] = value
            voted = marks.setdefault(target.contest, [])
            if value >= limits.vote_fill and sure >= _SURE_SHARE * limits.vote_fill:
                voted.append(target.option)
            elif value >= limits.blank_fill:
                ambiguous.append(f"{target.contest}/{target.option}")
        return SheetReading(
            "rejected" if ambiguous else "read", AMBIGUOUS if ambiguous else "",
            known.layout.style, orientation, fills,
            {contest: tuple(options) for contest, options in marks.items()}, tuple(ambiguous),
            known.face.code.bits, place.skew_deg, place.stretch,
        )


def _prepare(layout: Layout, side: str, face: Face) -> _Known:
    scale = layout.px_per_mm
    upright = Frame.of(face, layout.page_mm, scale, turned=False)
    turned = Frame.of(face, layout.page_mm, scale, turned=True)
    code = face.code
    return _Known(
        layout, side, face, upright, turned, upright.same_marks(turned),
        np.array([(code.x + i * code.pitch, code.y) for i in range(len(code.bits))]),
        np.array([(t.x, t.y) for t in face.targets], float).reshape(-1, 2),
        groups_of(face.targets, scale),
    )


def _tone(image: Picture) -> tuple[_Tone, float]:
    """Levels of paper and print from every eighth pixel, and the share of dark ones."""
    sample = np.ascontiguousarray(image[4::8, 4::8])
    count = np.bincount(sample.ravel(), minlength=256)
    below = np.cumsum(count) / sample.size
    paper = int(np.searchsorted(below, 0.5))
    ink = int(np.searchsorted(below, 0.007))
    dark = float(below[max(0, (paper + ink) // 2)]) if paper - ink >= _LEAST_SPAN else 0.0
    return _Tone(float(paper), float(paper - ink)), dark


def _streaks(image: Picture, level: float) -> NDArray[np.bool_]:
    """Columns that are dark nearly all the way down."""
    rows = np.ascontiguousarray(image[7::24])
    dark = np.asarray(cv2.threshold(rows, level, 1, cv2.THRESH_BINARY_INV)[1])
    total = np.add.reduce(dark, axis=0, dtype=np.uint8 if len(rows) < 256 else np.int64)
    streaks: NDArray[np.bool_] = total > _STREAK_SHARE * len(rows)
    return streaks


def _rejected(reason: str) -> SheetReading:
    return SheetReading("rejected", reason)
