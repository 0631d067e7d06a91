"""Scans as offices make them, for the reader's tests: rendered ballots spoilt after the rendering.

Renderings of ``kalys.ballots.render`` are clean compared with what a worn scanner makes of a ballot
that was in a pocket. Each ``Condition`` adds to them: blur, JPEG artefacts, bilevel thresholds,
uneven feed, a picture a little larger or smaller than the page with a black or white bed, covered,
scribbled and extra timing marks, torn corners, another line width of the ovals, another scale.

``python tests/counting/physical_scans.py [SHEETS [SEED]]`` prints the table of docs/reader.md.
"""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from kalys.ballots.layout import Layout, track_centres
from kalys.ballots.paper import placement, to_pixels
from kalys.ballots.render import Renderer
from kalys.ballots.sheet import Mark, Paper, Sheet, Tear
from kalys.ballots.templates import layouts_for
from kalys.counting.reader import Reader, SheetReading
from kalys.election.definition import load

Picture = NDArray[np.uint8]
KINDS = ("tick", "cross", "slash", "filled", "scribble", "pencil")


@dataclass(frozen=True)
class Condition:
    """One way of scanning. Ranges are symmetric; shares are probabilities of a sheet."""

    name: str
    skew_deg: float = 1.5
    shift_mm: float = 2.0
    scale: float = 0.005           # across and along, each by itself
    wobble_px: float = 0.0         # amplitude of uneven feed
    blur_px: float = 0.6
    noise: float = 0.02
    jpeg: int = 0                  # quality, 0: none
    bilevel: bool = False
    beds: tuple[int, ...] = (255,)
    size_px: int = 0               # by which the picture differs from the page
    covered: int = 0               # timing marks lost
    scribbles: int = 0             # scribbles over timing marks
    extra: int = 0                 # blots that look like timing marks
    torn: float = 0.0
    outside: float = 0.0           # how far, in mm, marks may be off their target
    erased: float = 0.0            # share of sheets with one erasure


_OFFICE = Condition("office scanner, grey", jpeg=75, size_px=12, beds=(0, 255))
CONDITIONS = (
    Condition("clean, grey"),
    Condition("clean, bilevel", bilevel=True),
    _OFFICE,
    replace(_OFFICE, name="the same, bilevel", bilevel=True),
    replace(_OFFICE, name="uneven feed, 3 % scale", wobble_px=2.0, scale=0.03),
    replace(_OFFICE, name="poor JPEG, blur", jpeg=30, blur_px=1.3, noise=0.04),
    replace(_OFFICE, name="timing marks covered and scribbled", covered=4, scribbles=3, extra=4),
    replace(_OFFICE, name="torn corners", torn=1.0),
    replace(_OFFICE, name="careless marks, erasures", outside=0.7, erased=0.3),
    replace(_OFFICE, name="all of it, grey", wobble_px=1.5, covered=3, scribbles=2, extra=3,
            torn=0.3, outside=0.5, erased=0.2, jpeg=45, scale=0.02, skew_deg=2.5),
    replace(_OFFICE, name="all of it, bilevel", wobble_px=1.5, covered=3, scribbles=2, extra=3,
            torn=0.3, outside=0.5, erased=0.2, jpeg=45, scale=0.02, skew_deg=2.5, bilevel=True),
)


class Office:
    """Makes scans of one layout under a condition, with what was marked."""

    def __init__(self, style: str = "accuvote-letter", seed: int = 1) -> None:
        self.definition = load("accuvote")
        self.layout: Layout = layouts_for(self.definition)[style]
        self.reader = Reader([self.layout])
        self._rng = np.random.default_rng(seed)
        self._renderers = [Renderer([_outlined(self.layout, w)], pool=2) for w in (0.22, 0.3, 0.42)]

    def scan(self, condition: Condition) -> tuple[Picture, dict[str, set[str]], set[str], str]:
        """(picture, options marked by contest, options erased, orientation)."""
        rng = self._rng
        side = str(rng.choice(["front", "front", "back"]))
        orientation = ("up" if side == "back" else "down") + "-" + str(rng.choice(["head", "foot"]))
        marks, marked, erased = self._marks(side, condition)
        bed = int(rng.choice(condition.beds))
        tears = ()
        if rng.random() < condition.torn:
            corner = f"{rng.choice(['head', 'foot'])}-{rng.choice(['left', 'right'])}"
            tears = (Tear(corner, float(rng.uniform(8, 45)), float(rng.uniform(8, 45))),)
        paper = Paper(
            skew_deg=float(rng.uniform(-1, 1) * condition.skew_deg),
            shift_mm=tuple(float(v) for v in rng.uniform(-1, 1, 2) * condition.shift_mm),
            noise=0.0, background=bed, tears=tears, contrast=float(rng.uniform(0.85, 1.0)),
        )
        sheet = Sheet("s", self.definition.id, self.layout.style, tuple(marks), paper, orientation,
                      int(rng.integers(2**31)))
        renderer = self._renderers[int(rng.integers(len(self._renderers)))]
        picture = renderer.scan(sheet).copy()
        self._spoil_marks(picture, paper, condition, turned=orientation.endswith("foot"))
        return self._sensor(picture, condition, bed), marked, erased, orientation

    def _marks(
        self, side: str, condition: Condition
    ) -> tuple[list[Mark], dict[str, set[str]], set[str]]:
        rng = self._rng
        targets = self.layout.faces[side].targets
        marked: dict[str, set[str]] = {t.contest: set() for t in targets}
        marks, erased = [], set()
        kind = str(rng.choice(KINDS))          # a voter has one hand
        for contest, chosen in marked.items():
            options = [t.option for t in targets if t.contest == contest]
            for option in rng.permutation(options)[: rng.choice([0, 1, 1, 1, 2])]:
                chosen.add(str(option))
                dx, dy = rng.uniform(-1, 1, 2) * condition.outside
                params = {"dx": float(dx), "dy": float(dy), "density": float(rng.uniform(.75, 1))}
                if kind != "filled":
                    params["width_mm"] = float(rng.uniform(0.5, 0.9))
                    params["size"] = float(rng.uniform(0.9, 1.4))
                marks.append(Mark(contest, str(option), kind, params))
        if rng.random() < condition.erased:
            free = [t for t in targets if t.option not in marked[t.contest]]
            target = free[int(rng.integers(len(free)))]
            erased.add(target.option)
            density = float(rng.uniform(0.15, 0.4))
            marks.append(Mark(target.contest, target.option, "erasure", {"density": density}))
        return marks, marked, erased

    def _spoil_marks(
        self, picture: Picture, paper: Paper, condition: Condition, *, turned: bool
    ) -> None:
        """Cover timing marks, scribble over them, put blots between them; targets stay untouched,
        or their truth would be another."""
        rng = self._rng
        matrix = placement(self.layout, paper, turned=turned)
        tracks = self.layout.front.tracks
        mm = [(x, y) for t in tracks for _, x, y in track_centres(t, self.layout.page_mm)]
        sides = [p for p in mm if not 10 < p[0] < self.layout.page_mm[0] - 10]
        between = np.array(sides) + np.array([0, tracks[0].pitch / 2])
        places, gaps = to_pixels(matrix, np.array(mm)), to_pixels(matrix, between)
        for x, y in rng.permutation(places)[: condition.covered].astype(int).tolist():
            cv2.rectangle(picture, (x - 24, y - 20), (x + 24, y + 20), 232, -1)
        for at in rng.permutation(places)[: condition.scribbles]:
            points = rng.uniform(-1, 1, (12, 2)) * (22, 35) + at
            cv2.polylines(picture, [points.astype(np.int32)], False, 50, 3, cv2.LINE_AA)
        for x, y in rng.permutation(gaps)[: condition.extra].astype(int).tolist():
            cv2.rectangle(picture, (x - 18, y - 6), (x + 18, y + 6), 45, -1)

    def _sensor(self, picture: Picture, condition: Condition, bed: int) -> Picture:
        """What scanner and file format do."""
        rng = self._rng
        rows, columns = picture.shape
        if condition.wobble_px:
            y = np.arange(rows, dtype=np.float32)
            phase = rng.uniform(0, 6.28, 2)
            dy = condition.wobble_px * np.sin(y * (6.28 / rng.uniform(400, 1500)) + phase[0])
            dx = 0.5 * condition.wobble_px * np.sin(y * (6.28 / rng.uniform(400, 1500)) + phase[1])
            map_x = np.arange(columns, dtype=np.float32)[None, :] + dx[:, None].astype(np.float32)
            map_y = np.repeat((y + dy.astype(np.float32))[:, None], columns, axis=1)
            picture = cv2.remap(picture, map_x, map_y, cv2.INTER_LINEAR, borderValue=bed)
        fx, fy = 1 + rng.uniform(-1, 1, 2) * condition.scale
        more = rng.integers(-condition.size_px, condition.size_px + 1, 2)
        matrix = np.array([[fx, 0, (columns * (1 - fx) + more[0]) / 2],
                           [0, fy, (rows * (1 - fy) + more[1]) / 2]])
        size = (int(columns + more[0]), int(rows + more[1]))
        picture = cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_LINEAR, borderValue=bed)
        if condition.blur_px:
            picture = cv2.GaussianBlur(picture, (0, 0), condition.blur_px)
        grain = rng.standard_normal(picture.shape, dtype=np.float32) * (condition.noise * 255)
        picture = np.clip(picture + grain, 0, 255).astype(np.uint8)
        if condition.bilevel:
            level = int(rng.integers(115, 170))
            picture = np.where(picture < level, 0, 255).astype(np.uint8)
        if condition.jpeg:
            coded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, condition.jpeg])[1]
            picture = np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE))
        return np.asarray(picture, np.uint8)


def _outlined(layout: Layout, line_mm: float) -> Layout:
    """The layout as a printer with another line width prints it."""
    faces = {
        name: face.model_copy(update={
            "targets": tuple(t.model_copy(update={"line_mm": line_mm}) for t in face.targets)
        })
        for name, face in layout.faces.items()
    }
    return layout.model_copy(update={"faces": faces})


def verdict(
    reading: SheetReading, marked: dict[str, set[str]], erased: set[str], orientation: str
) -> str:
    """"right", "wrong" or the reason of the rejection. An erasure may be read either way."""
    if not reading.read:
        return reading.reason
    right = reading.orientation == orientation and set(reading.marks) == set(marked) and all(
        marked[contest] <= set(options) <= marked[contest] | erased
        for contest, options in reading.marks.items()
    )
    return "right" if right else "wrong"


def main(sheets: int, seed: int) -> None:
    """Print, for each condition, how many sheets were read right, wrong and not."""
    for style in ("accuvote-letter", "accuvote-legal"):
        office = Office(style, seed)
        for condition in CONDITIONS:
            seen = Counter(
                verdict(office.reader.read(picture), *truth)
                for picture, *truth in (office.scan(condition) for _ in range(sheets))
            )
            rest = ", ".join(f"{k} {v}" for k, v in seen.items() if k not in ("right", "wrong"))
            print(f"| {style} | {condition.name} | {sheets} | {seen['right']} | {seen['wrong']} "
                  f"| {rest or '-'} |", flush=True)


if __name__ == "__main__":
    main(*(int(v) for v in (sys.argv[1:3] + ["200", "1"][len(sys.argv) - 1 :])))
