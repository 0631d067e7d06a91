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
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kalys.ballots.layout import Layout
from kalys.counting.faces import (
    OUTLINE,
    PRINTED,
    Frames,
    Placed,
    Scan,
    grouped,
    identify,
    prepare,
    print_level,
)
from kalys.counting.page_map import Registration
from kalys.counting.registration import register_batch, register_otherwise
from kalys.counting.scan import (
    LEAST_CLIPPED,
    MOST_NOISE,
    TOO_LONG_MM,
    checked,
    fitted,
    noise_of,
    sampled,
    streaks_of,
    tone_of,
)
from kalys.counting.targets import Fills, Levels, measure
from kalys.errors import ConfigurationError

Picture = NDArray[np.uint8]
Floats = NDArray[np.float64]

FOREIGN = "foreign"
UNREADABLE = "unreadable"
WRONG_SIDE = "wrong-side"
DOUBLE_FEED = "double-feed"
AMBIGUOUS = "ambiguous-mark"

_SURE = 1.1               # times ink_level: from this density a pixel is dark beyond doubt
_SURE_SHARE = 0.5         # of vote_fill that must be so: stains and folds that add up are no vote
_BATCH = 32               # pictures whose timing marks are searched at once


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
    tracks, "1" where there is one. ``placed`` says where everything was looked for.
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
    placed: Placed | None = field(default=None, compare=False, repr=False)

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


class Reader:
    """Reads scans of the given layouts; every other ballot is foreign to it.

    All layouts must have the same page and resolution: a scanner is set to one. A picture that is
    longer than the page by more than ``too_long_mm`` shows two sheets, says a reader in an urn; one
    of office scans, which have borders, is given more.
    """

    def __init__(
        self, layouts: Iterable[Layout], thresholds: Thresholds | None = None, *,
        too_long_mm: float = TOO_LONG_MM,
    ) -> None:
        self.thresholds = thresholds or Thresholds()
        known = [
            prepare(layout, side, face)
            for layout in layouts for side, face in layout.faces.items()
        ]
        if not known:
            raise ConfigurationError("a reader needs at least one layout")
        self._page = known[0].layout
        for other in known:
            if (other.layout.page_mm, other.layout.dpi) != (self._page.page_mm, self._page.dpi):
                raise ConfigurationError("layouts of one reader differ in page or resolution")
        self._too_long = too_long_mm
        self._faces = {
            one.layout.style: tuple(k.side for k in known if k.layout.style == one.layout.style)
            for one in known
        }
        self._frames = grouped(known)

    def faces_of(self, style: str) -> tuple[str, ...]:
        """The printed faces of a style: "front", "back" or both."""
        return self._faces.get(style, ())

    def fitted(self, image: Picture) -> Picture | None:
        """The part of a picture that is read, without a dark bed; None if it is too long."""
        return fitted(checked(image), self._page, self._too_long)

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
        pictures = [self.fitted(image) for image in images]
        readings: list[SheetReading | None] = [None] * len(pictures)
        alike: dict[tuple[int, ...], list[tuple[int, Scan]]] = {}
        bare: set[int] = set()
        for i, picture in enumerate(pictures):
            if picture is None:
                readings[i] = _rejected(DOUBLE_FEED)
                continue
            rows = sampled(picture)
            tone = tone_of(rows)
            if tone.blank:
                tone = tone_of(rows, edges=True)
                bare.add(i)
            if tone.blank:
                readings[i] = _rejected(WRONG_SIDE if tone.paper > 100 else UNREADABLE)
            elif noise_of(rows) > MOST_NOISE * tone.span:
                readings[i] = _rejected(UNREADABLE)
            else:
                scan = Scan(picture, rows, tone, tone.level(PRINTED))
                alike.setdefault(picture.shape, []).append((i, scan))
        for group in alike.values():
            for start in range(0, len(group), _BATCH):
                part = group[start : start + _BATCH]
                read = self._read_alike([scan for _, scan in part])
                for (i, _), reading in zip(part, read, strict=True):
                    blank = i in bare and reading.reason == UNREADABLE
                    readings[i] = _rejected(WRONG_SIDE) if blank else reading
        return [reading for reading in readings if reading is not None]

    def _read_alike(self, scans: Sequence[Scan]) -> list[SheetReading]:
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
                found = self._read_at(scans[i], frames, place)
                if place is None or (not isinstance(found, str) and found.reason == UNREADABLE):
                    found = self._read_otherwise(scans[i], frames) or found
                if isinstance(found, str):
                    foreign[i] = foreign[i] or found
                else:
                    done[i] = found
        return [
            reading or _rejected(FOREIGN if code else UNREADABLE, code.strip("!"))
            for reading, code in zip(done, foreign, strict=True)
        ]

    def _read_at(
        self, scan: Scan, frames: Frames, place: Registration | None
    ) -> SheetReading | str:
        """The reading of a page at a place, or what ``identify`` says of a page that is unknown."""
        found = identify(scan, frames, place)
        return self._read_face(scan, found) if isinstance(found, Placed) else found

    def _read_otherwise(self, scan: Scan, frames: Frames) -> SheetReading | None:
        """The reading by other edges, if these make a page on which every target is found."""
        for place in register_otherwise(scan.image, frames.upright, scan.line):
            found = self._read_at(scan, frames, place)
            if isinstance(found, SheetReading) and found.reason != UNREADABLE:
                return found
        return None

    def _read_face(self, scan: Scan, placed: Placed) -> SheetReading:
        limits, known, place = self.thresholds, placed.known, placed.place
        tone = scan.tone.printed(print_level(scan.image, placed.marks))
        if tone.clipped and tone.span < LEAST_CLIPPED:
            return _unread(placed)
        grey = tone.unclipped()
        ink = grey.level(limits.ink_level)
        levels = Levels(
            tone.paper, tone.level(1.0), ink, grey.level(_SURE * limits.ink_level),
            tone.level(OUTLINE),
        )
        result = measure(
            scan.image, known.groups, placed.targets, levels,
            skew_deg=place.skew_deg, streaks=streaks_of(scan.rows, ink), suspect=limits.blank_fill,
        )
        return self._judge(placed, result) if result.seen.all() else _unread(placed)

    def _judge(self, placed: Placed, measured: Fills) -> SheetReading:
        known = placed.known
        vote, blank = self.thresholds.vote_fill, self.thresholds.blank_fill
        values = measured.fill.tolist()
        fills = {
            contest: dict(zip(options, [values[i] for i in places], strict=True))
            for contest, (options, places) in known.contests.items()
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
            placed.code, placed.place.skew_deg, placed.place.stretch, placed,
        )


def _unread(placed: Placed) -> SheetReading:
    """A known ballot whose marks cannot be told for certain."""
    return SheetReading(
        "rejected", UNREADABLE, placed.known.layout.style, placed.orientation,
        skew_deg=placed.place.skew_deg, stretch=placed.place.stretch, code=placed.code,
        placed=placed,
    )


def _rejected(reason: str, code: str = "") -> SheetReading:
    return SheetReading("rejected", reason, code=code)
