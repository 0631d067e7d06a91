"""The reader: from the picture of one side of a sheet to the marks on it, or a reason to refuse.

Think of it as a chain in which each link may say no: kind and size, tone, timing marks, style,
outlines of the targets, fills. A sheet is only read when every link holds; a sheet that is doubtful
is rejected with a word of ``kalys.protocols.urn.messages.ReturnReason``, never guessed. The reader
knows layouts and thresholds and nothing about elections, and it never sees a truth.

A face with a style code is known by its code. A face without one (other makers' ballots) is known
by its targets: their printed outlines must be where the layout says, and clearly better so than
for any other face or for the page turned around.

Fill is the share of a target's inside that is dark. At ``vote_fill`` and above it is a vote, below
``blank_fill`` it is none; between the two the mark is ambiguous and the sheet goes back to the
voter (VVSG 2.0 1.1.6-K: a mark must not flip between vote and no vote).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from kalys.ballots.layout import Face, Layout, track_centres
from kalys.ballots.style_code import decode_bits
from kalys.counting.registration import Frame, Registration, dark_share, register_batch
from kalys.counting.scan import LEAST_SPAN, Tone, checked, fitted, sampled, streaks_of, tone_of
from kalys.counting.targets import Fills, Group, Levels, groups_of, measure, outlines
from kalys.errors import ConfigurationError

Picture = NDArray[np.uint8]
Floats = NDArray[np.float64]

FOREIGN = "foreign"
UNREADABLE = "unreadable"
WRONG_SIDE = "wrong-side"
DOUBLE_FEED = "double-feed"
AMBIGUOUS = "ambiguous-mark"

_BLANK_SHARE = 0.002      # of dark sample points, below which a side is blank
_PRINTED = 0.5            # density from which timing and code pixels count as printed
_OUTLINE = 0.25           # the same for outlines: thin lines are paler in a blurred scan
_CODE_RADIUS_MM = 0.6
_SURE = 1.45              # times ink_level: from this density a pixel is dark beyond doubt
_SURE_SHARE = 0.5         # of vote_fill that must be so: stains and folds that add up are no vote
_KNOWN_BY_TARGETS = 0.45  # mean outline from which a face without code is known...
_CLEARER_BY = 0.15        # ...and by how much it must beat any other
_BATCH = 16               # pictures whose timing marks are searched at once


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
    the style code as read, "" if none was; on a face without style code the marks of its coded
    tracks, "1" where there is one.
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

    @property
    def marginal(self) -> dict[str, dict[str, float]]:
        """The fills of the ambiguous marks, by contest and option."""
        marginal: dict[str, dict[str, float]] = {}
        for contest, _, option in (place.partition("/") for place in self.ambiguous):
            marginal.setdefault(contest, {})[option] = self.fills[contest][option]
        return marginal


@dataclass(frozen=True)
class _Known:
    """One printed face of a known layout, prepared for reading."""

    layout: Layout
    side: str
    face: Face
    upright: Frame
    turned: Frame
    cells: int                   # of the style code, else places of coded timing marks
    points_mm: Floats            # of these cells, then of the targets
    groups: Sequence[Group]
    contests: Mapping[str, Sequence[tuple[str, int]]]    # options with their places in the face

    @property
    def bits(self) -> str:
        """The code that the face bears, "" if none is asked for."""
        return self.face.code.bits if self.face.code else ""


@dataclass(frozen=True)
class _Frames:
    """Faces with the same timing marks, and what is searched for them: one frame where upright and
    turned pages look alike, else two."""

    faces: Sequence[_Known]
    upright: Frame
    turned: Frame | None


@dataclass(frozen=True)
class _Placed:
    """A face that a sheet may be, where it lies, and how well its outlines fit. ``points`` are the
    pixels of the face's code cells and targets."""

    known: _Known
    place: Registration
    turned: bool
    points: Floats
    outline: float = 1.0
    code: str = ""

    @classmethod
    def of(cls, known: _Known, place: Registration, *, turned: bool) -> _Placed:
        at = place.turned(known.points_mm) if turned else place.pixels(known.points_mm)
        return cls(known, place, turned, at)

    @property
    def cells(self) -> Floats:
        return self.points[: self.known.cells]

    @property
    def targets(self) -> Floats:
        return self.points[self.known.cells :]

    @property
    def orientation(self) -> str:
        side = "up" if self.known.side == "back" else "down"
        return f"{side}-{'foot' if self.turned else 'head'}"


@dataclass(frozen=True)
class _Scan:
    """A picture with what is known of it at a glance: sampled ``rows``, tone, and the grey level
    below which a pixel is printed (``line``)."""

    image: Picture
    rows: Picture
    tone: Tone
    line: float


class Reader:
    """Reads scans of the given layouts; every other ballot is foreign to it.

    All layouts must have the same page and resolution: a scanner is set to one.
    """

    def __init__(
        self, layouts: Iterable[Layout], thresholds: Thresholds | None = None
    ) -> None:
        self.thresholds = thresholds or Thresholds()
        known = [
            _prepare(layout, side, face)
            for layout in layouts for side, face in layout.faces.items()
        ]
        if not known:
            raise ConfigurationError("a reader needs at least one layout")
        self._page = known[0].layout
        for other in known:
            if (other.layout.page_mm, other.layout.dpi) != (self._page.page_mm, self._page.dpi):
                raise ConfigurationError("layouts of one reader differ in page or resolution")
        self._frames = _grouped(known)

    def read(self, image: Picture) -> SheetReading:
        """Read one side of one sheet: 8-bit grey, head or foot first.

        Raises ConfigurationError for what is no such picture (colour, 16 bit, another resolution).
        """
        return self.read_batch([image])[0]

    def read_batch(self, images: Sequence[Picture]) -> list[SheetReading]:
        """Read many sheets: the same readings as one by one, at less cost for each.

        Raises ConfigurationError as ``read`` does; nothing is read then.
        """
        if not isinstance(images, (list, tuple)):
            images = list(images)
        pictures = [fitted(checked(image), self._page) for image in images]
        readings: list[SheetReading | None] = [None] * len(pictures)
        alike: dict[tuple[int, ...], list[tuple[int, _Scan]]] = {}
        for i, picture in enumerate(pictures):
            if picture is None:
                readings[i] = _rejected(DOUBLE_FEED)
                continue
            rows = sampled(picture)
            tone = tone_of(rows)
            if tone.span < LEAST_SPAN or tone.dark < _BLANK_SHARE:
                readings[i] = _rejected(WRONG_SIDE if tone.paper > 100 else UNREADABLE)
            else:
                scan = _Scan(picture, rows, tone, tone.level(_PRINTED))
                alike.setdefault(picture.shape, []).append((i, scan))
        for group in alike.values():
            for start in range(0, len(group), _BATCH):
                part = group[start : start + _BATCH]
                read = self._read_alike([scan for _, scan in part])
                for (i, _), reading in zip(part, read, strict=True):
                    readings[i] = reading
        return [reading for reading in readings if reading is not None]

    def _read_alike(self, scans: Sequence[_Scan]) -> list[SheetReading]:
        """Pictures of one shape. Frames are tried in turn until one knows the sheet."""
        done: list[SheetReading | None] = [None] * len(scans)
        foreign = [""] * len(scans)
        for frames in self._frames:
            left = [i for i, reading in enumerate(done) if reading is None]
            if not left:
                break
            places = register_batch(
                [scans[i].image for i in left], frames.upright, [scans[i].line for i in left]
            )
            for i, place in zip(left, places, strict=True):
                found = _identify(scans[i], frames, place)
                if isinstance(found, _Placed):
                    done[i] = self._read_face(scans[i], found)
                else:
                    foreign[i] = foreign[i] or found
        return [
            reading or _rejected(FOREIGN if code else UNREADABLE, code.strip("!"))
            for reading, code in zip(done, foreign, strict=True)
        ]

    def _read_face(self, scan: _Scan, placed: _Placed) -> SheetReading:
        limits, known, place, tone = self.thresholds, placed.known, placed.place, scan.tone
        ink = tone.level(limits.ink_level)
        levels = Levels(ink, tone.level(_SURE * limits.ink_level), tone.level(_OUTLINE))
        result = measure(
            scan.image, known.groups, placed.targets, levels,
            skew_deg=place.skew_deg, streaks=streaks_of(scan.rows, ink), suspect=limits.blank_fill,
        )
        if not result.seen.all():
            return SheetReading(
                "rejected", UNREADABLE, known.layout.style, placed.orientation,
                skew_deg=place.skew_deg, stretch=place.stretch, code=placed.code,
            )
        return self._judge(placed, result)

    def _judge(self, placed: _Placed, measured: Fills) -> SheetReading:
        known = placed.known
        vote, blank = self.thresholds.vote_fill, self.thresholds.blank_fill
        values = measured.fill.tolist()
        fills = {
            contest: {option: values[i] for option, i in options}
            for contest, options in known.contests.items()
        }
        marks: dict[str, tuple[str, ...]] = dict.fromkeys(known.contests, ())
        ambiguous: list[str] = []
        for i in np.flatnonzero(measured.fill >= blank).tolist():
            target = known.face.targets[i]
            if values[i] >= vote and measured.sure[i] >= _SURE_SHARE * vote:
                marks[target.contest] += (target.option,)
            else:
                ambiguous.append(f"{target.contest}/{target.option}")
        return SheetReading(
            "rejected" if ambiguous else "read", AMBIGUOUS if ambiguous else "",
            known.layout.style, placed.orientation, fills, marks, tuple(ambiguous),
            placed.code, placed.place.skew_deg, placed.place.stretch,
        )


def _prepare(layout: Layout, side: str, face: Face) -> _Known:
    scale = layout.px_per_mm
    if face.code is not None:
        cells = [(face.code.x + i * face.code.pitch, face.code.y)
                 for i in range(len(face.code.bits))]
    else:
        every = [track.model_copy(update={"omitted": ()}) for track in face.tracks if track.coded]
        cells = [(x, y) for track in every for _, x, y in track_centres(track, layout.page_mm)]
    contests: dict[str, list[tuple[str, int]]] = {}
    for i, target in enumerate(face.targets):
        contests.setdefault(target.contest, []).append((target.option, i))
    return _Known(
        layout, side, face,
        Frame.of(face, layout.page_mm, scale, turned=False),
        Frame.of(face, layout.page_mm, scale, turned=True),
        len(cells),
        np.array(cells + [(t.x, t.y) for t in face.targets], float).reshape(-1, 2),
        groups_of(face.targets, scale), contests,
    )


def _grouped(known: Sequence[_Known]) -> list[_Frames]:
    """Faces that one search finds together."""
    groups: list[list[_Known]] = []
    for face in known:
        for group in groups:
            if group[0].upright.same_marks(face.upright):
                group.append(face)
                break
        else:
            groups.append([face])
    made = []
    for group in groups:
        first = group[0]
        ways = [face.upright for face in group]
        turned = [face.turned for face in group]
        if first.upright.same_marks(first.turned):
            made.append(_Frames(group, first.upright.proved_by(ways + turned), None))
        else:
            made.append(_Frames(
                group, first.upright.proved_by(ways), first.turned.proved_by(turned)
            ))
    return made


def _identify(scan: _Scan, frames: _Frames, upright: Registration | None) -> _Placed | str:
    """The face that the sheet bears: by its code, else by its targets. "" when nothing can be said,
    the foreign code (or "!") when it is another ballot."""
    found = _by_code(scan, frames, upright, turned=False)
    turned = upright
    if not isinstance(found, _Placed):
        if frames.turned is not None:
            turned = register_batch([scan.image], frames.turned, [scan.line])[0]
        foreign = found
        found = _by_code(scan, frames, turned, turned=True)
        if not isinstance(found, _Placed):
            found = _by_targets(scan, frames, (upright, turned)) or found or foreign
    return found


def _by_code(
    scan: _Scan, frames: _Frames, place: Registration | None, *, turned: bool
) -> _Placed | str:
    """The face whose code the sheet bears; else the valid foreign code, if any."""
    foreign = ""
    for known in frames.faces if place is not None else ():
        if known.bits and place is not None:
            placed = _Placed.of(known, place, turned=turned)
            bits = _code(scan, placed)
            if bits == known.bits:
                return replace(placed, code=bits)
            if decode_bits(bits) is not None:
                foreign = bits
    return foreign


def _by_targets(
    scan: _Scan, frames: _Frames, places: tuple[Registration | None, ...]
) -> _Placed | str:
    """The face without code whose outlines fit clearly best; "!" when the page is a page and none
    fits."""
    candidates: list[_Placed] = []
    for turned, place in zip((False, True), places, strict=True):
        for known in frames.faces if place is not None else ():
            if not known.bits and place is not None:
                placed = _Placed.of(known, place, turned=turned)
                fit = outlines(scan.image, known.groups, placed.targets, scan.tone.level(_OUTLINE),
                               skew_deg=place.skew_deg)
                candidates.append(replace(placed, outline=fit))
    if not candidates:
        return ""
    best, *others = sorted(candidates, key=lambda placed: -placed.outline)
    if best.outline < _KNOWN_BY_TARGETS:
        return "!"
    if others and best.outline - others[0].outline < _CLEARER_BY:
        return ""
    return replace(best, code=_code(scan, best).replace("?", "0"))


def _code(scan: _Scan, placed: _Placed) -> str:
    """The code cells as "1" and "0", with "?" for a cell that is neither; "" off the page."""
    at = placed.cells
    if not len(at):
        return ""
    rows, columns = scan.image.shape
    if at.min() < 3 or at[:, 0].max() > columns - 4 or at[:, 1].max() > rows - 4:
        return ""
    radius = max(1, round(_CODE_RADIUS_MM * placed.known.layout.px_per_mm))
    share = dark_share(scan.image, at, radius, scan.line).tolist()
    return "".join("1" if s > 0.75 else "0" if s < 0.25 else "?" for s in share)


def _rejected(reason: str, code: str = "") -> SheetReading:
    return SheetReading("rejected", reason, code=code)
