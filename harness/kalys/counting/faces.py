"""Which printed face a sheet bears: by its style code, else by where its targets are.

A ``Known`` is a face prepared for reading; ``Frames`` are faces with the same timing marks, which
one search finds together; ``identify`` says which of them lies in a scan, and which way round. A
face with a code is known by nothing else. A face without one must have its printed outlines where
the layout says, and clearly better so than any other face and than itself turned around.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kalys.ballots.layout import Face, Layout, track_centres
from kalys.ballots.style_code import decode_bits
from kalys.counting.frame import Frame
from kalys.counting.page_map import Points, Registration
from kalys.counting.registration import dark_share, register_batch
from kalys.counting.scan import Tone
from kalys.counting.target_pixels import Group, groups_of
from kalys.counting.targets import outlines

Picture = NDArray[np.uint8]
Floats = NDArray[np.float64]

PRINTED = 0.5             # density from which timing and code pixels count as printed
OUTLINE = 0.25            # the same for outlines: thin lines are paler in a blurred scan
_CODE_RADIUS_MM = 0.6
_KNOWN_BY_TARGETS = 0.45  # mean outline from which a face without code is known...
_CLEARER_BY = 0.15        # ...and by how much it must beat any other
_SAMPLES = 24             # timing marks whose grey level tells how dark the print is


@dataclass(frozen=True)
class Known:
    """One printed face of a known layout, prepared for reading."""

    layout: Layout
    side: str
    face: Face
    upright: Frame
    turned: Frame
    cells: tuple[Points, Points]     # of the style code, else of coded timing marks; and turned
    points: tuple[Points, Points]    # the targets, then some timing marks; and turned
    groups: Sequence[Group]
    contests: Mapping[str, tuple[Sequence[str], Sequence[int]]]    # options, places in the face

    @property
    def bits(self) -> str:
        """The code that the face bears, "" if none is asked for."""
        return self.face.code.bits if self.face.code else ""


@dataclass(frozen=True)
class Frames:
    """Faces with the same timing marks, and what is searched for them: one frame where upright and
    turned pages look alike, else two."""

    faces: Sequence[Known]
    upright: Frame
    turned: Frame | None

    @cached_property
    def coded(self) -> Sequence[Mapping[str, Known]]:
        """The faces with a style code by their bits, one mapping for each place of the cells."""
        places: dict[bytes, dict[str, Known]] = {}
        for face in self.faces:
            if face.bits:
                places.setdefault(face.cells[0].mm.tobytes(), {}).setdefault(face.bits, face)
        return tuple(places.values())


@dataclass(frozen=True)
class Placed:
    """A face that a sheet may be, where it lies, and how well its outlines fit. ``points`` are the
    pixels of the face's targets and of some of its timing marks."""

    known: Known
    place: Registration
    turned: bool
    points: Floats
    code: str = ""
    outline: float = 1.0

    @classmethod
    def of(cls, known: Known, place: Registration, *, turned: bool, code: str = "") -> Placed:
        return cls(known, place, turned, place.pixels(known.points[turned]), code)

    @property
    def targets(self) -> Floats:
        return self.points[:-_SAMPLES]

    @property
    def marks(self) -> Floats:
        return self.points[-_SAMPLES:]

    @property
    def orientation(self) -> str:
        side = "up" if self.known.side == "back" else "down"
        return f"{side}-{'foot' if self.turned else 'head'}"


@dataclass(frozen=True)
class Scan:
    """A picture with what is known of it at a glance: sampled ``rows``, tone, and the grey level
    below which a pixel is printed (``line``)."""

    image: Picture
    rows: Picture
    tone: Tone
    line: float


def prepare(layout: Layout, side: str, face: Face) -> Known:
    scale = layout.px_per_mm
    if face.code is not None:
        cells = [(face.code.x + i * face.code.pitch, face.code.y)
                 for i in range(len(face.code.bits))]
    else:
        every = [track.model_copy(update={"omitted": ()}) for track in face.tracks if track.coded]
        cells = [(x, y) for track in every for _, x, y in track_centres(track, layout.page_mm)]
    marks = [
        (x, y) for track in face.tracks if not track.coded
        for _, x, y in track_centres(track, layout.page_mm)
    ]
    some = [marks[i * len(marks) // _SAMPLES] for i in range(_SAMPLES)]
    contests: dict[str, tuple[list[str], list[int]]] = {}
    for i, target in enumerate(face.targets):
        options, places = contests.setdefault(target.contest, ([], []))
        options.append(target.option)
        places.append(i)

    def both(places: Sequence[tuple[float, float]]) -> tuple[Points, Points]:
        mm = np.array(places, float).reshape(-1, 2)
        return Points(mm), Points(np.array(layout.page_mm) - mm)

    return Known(
        layout, side, face,
        Frame.of(face, layout.page_mm, scale, turned=False),
        Frame.of(face, layout.page_mm, scale, turned=True),
        both(cells), both([(t.x, t.y) for t in face.targets] + some),
        groups_of(face.targets, scale), contests,
    )


def grouped(known: Sequence[Known]) -> list[Frames]:
    """Faces that one search finds together."""
    groups: list[list[Known]] = []
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
            made.append(Frames(group, first.upright.proved_by(ways + turned), None))
        else:
            made.append(Frames(
                group, first.upright.proved_by(ways), first.turned.proved_by(turned)
            ))
    return made


def identify(scan: Scan, frames: Frames, upright: Registration | None) -> Placed | str:
    """The face that the sheet bears: by its code, else by its targets. "" when nothing can be said,
    the foreign code (or "!") when it is another ballot."""
    found = _by_code(scan, frames, upright, turned=False)
    turned = upright
    if not isinstance(found, Placed):
        if frames.turned is not None:
            turned = register_batch([scan.image], frames.turned, [scan.line])[0]
        foreign = found
        found = _by_code(scan, frames, turned, turned=True)
        if not isinstance(found, Placed):
            found = _by_targets(scan, frames, (upright, turned)) or found or foreign
    return found


def _by_code(
    scan: Scan, frames: Frames, place: Registration | None, *, turned: bool
) -> Placed | str:
    """The face whose code the sheet bears; else the valid foreign code, if any."""
    foreign = ""
    for faces in frames.coded if place is not None else ():
        assert place is not None
        bits = _code(scan, next(iter(faces.values())), place, turned=turned)
        if bits in faces:
            return Placed.of(faces[bits], place, turned=turned, code=bits)
        if decode_bits(bits) is not None:
            foreign = bits
    return foreign


def _by_targets(
    scan: Scan, frames: Frames, places: tuple[Registration | None, ...]
) -> Placed | str:
    """The face without code whose outlines fit clearly best; "!" when the page is a page and none
    fits."""
    candidates: list[Placed] = []
    for turned, place in zip((False, True), places, strict=True):
        for known in frames.faces if place is not None else ():
            if not known.bits and place is not None:
                placed = Placed.of(known, place, turned=turned)
                fit = outlines(scan.image, known.groups, placed.targets, scan.tone.level(OUTLINE),
                               skew_deg=place.skew_deg)
                candidates.append(replace(placed, outline=fit))
    if not candidates:
        return ""
    best, *others = sorted(candidates, key=lambda placed: -placed.outline)
    if best.outline < _KNOWN_BY_TARGETS:
        return "!"
    if others and best.outline - others[0].outline < _CLEARER_BY:
        return ""
    bits = _code(scan, best.known, best.place, turned=best.turned)
    return replace(best, code=bits.replace("?", "0"))


def _code(scan: Scan, known: Known, place: Registration, *, turned: bool) -> str:
    """The code cells as "1" and "0", with "?" for a cell that is neither; "" off the page."""
    cells = known.cells[turned]
    if not len(cells):
        return ""
    at = place.pixels(cells)
    rows, columns = scan.image.shape
    (left, top), (right, bottom) = at.min(axis=0).tolist(), at.max(axis=0).tolist()
    if min(left, top) < 3 or right > columns - 4 or bottom > rows - 4:
        return ""
    radius = max(1, round(_CODE_RADIUS_MM * known.layout.px_per_mm))
    share = dark_share(scan.image, at, radius, scan.line).tolist()
    return "".join(["1" if s > 0.75 else "0" if s < 0.25 else "?" for s in share])


def print_level(image: Picture, at: Floats) -> float:
    """The usual grey level of timing marks with these centres; those off the picture are read at
    its edge."""
    rows, columns = image.shape
    x, y = np.rint(at).astype(np.int64).T
    x, y = np.minimum(np.maximum(x, 0), columns - 1), np.minimum(np.maximum(y, 0), rows - 1)
    return float(np.partition(image[y, x], _SAMPLES // 2)[_SAMPLES // 2])
