"""A second model of printed paper, pens and a sheet-fed scanner, to try the reader against.

It shares no code and few assumptions with ``kalys.ballots.render``: the page is printed at 400
dots per inch with toner spread and specks, marked by pens with pressure and skips, damaged, and
then *pulled past a line sensor*: for every row of the scan there is a place and an angle of the
sheet, so that skew drifts, feed slips and creeps, and one side runs ahead of the other. Then
optics, shading, show-through, tone, dust, streaks, thresholds and JPEG. What is not paper is a
dark or a light bed.

Geometry is that of the AccuVote family: marks 3/16 x 1/16 in on a quarter-inch grid to the very
edge, or stretched to margins of 5 mm; the bottom row carries bits.

``python tests/counting/scanner_model.py [SHEETS [SEED]]`` prints the table of docs/reader.md.
"""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from kalys.ballots.grid_ballot import grid_layout
from kalys.ballots.layout import Layout, track_centres
from kalys.counting.reader import Reader, SheetReading

Picture = NDArray[np.uint8]
Floats = NDArray[np.float64]
Points = NDArray[np.float64]

DPI = 400
MM = DPI / 25.4
NAMES = ("Adams, Mary", "Baker, John Q.", "Clark, Susan", "Dow, William", "Evans, Ann",
         "Fitz, Peter", "WRITE-IN", "Gray, Thomas A.", "Hale, Ruth", "YES", "NO")
PENS = ("ballpoint", "gel", "felt", "pencil", "hairline")
SHAPES = ("filled", "filled", "tick", "cross", "slash", "scribble", "line")


def ballot(paper: str, spacing: str) -> Layout:
    """A two-sided ballot: three columns of contests on the front, questions on the back."""
    rows = {"letter": 41, "legal": 53}[paper]
    inches = {"letter": 11.0, "legal": 14.0}[paper]
    pitch = (6.35, 6.35) if spacing == "quarter-inch" else (
        (8.5 * 25.4 - 10 - 4.7625) / 33, (inches - 1 / 3 - 1 / 16) * 25.4 / (rows - 1))
    front: dict[str, dict[str, tuple[float, float]]] = {}
    for k, column in enumerate((12, 19, 26, 32)):
        row, n = 8.0, 0
        while row < rows - 8:
            size = 2 + (k + n) % 4
            front[f"c{k}{n}"] = {f"o{i}": (column, row + i) for i in range(size)}
            row, n = row + size + 2 + (n % 2), n + 1
    back = {f"q{n}": {"yes": (27, 6.0 + 5 * n), "no": (31, 6.0 + 5 * n)}
            for n in range((rows - 10) // 5)}
    return grid_layout({
        "style": f"{paper}-{spacing}", "paper": paper, "grid": {"pitch_mm": pitch, "rows": rows},
        "faces": {"front": front, "back": back},
    })


@dataclass(frozen=True)
class Setting:
    """How a batch of sheets was printed, treated and scanned. Shares are of sheets."""

    name: str
    skew_deg: float = 1.2
    drift_deg: float = 0.2        # by which the skew changes along the sheet
    ahead: float = 0.003          # one side faster than the other: shear
    creep: float = 0.004          # slow change of the feed's speed
    wobble_mm: float = 0.1
    slip_mm: float = 0.0          # one jerk of the feed
    off_mm: float = 1.0           # page out of the middle of the picture
    canvas: tuple[tuple[int, int], ...] = ((1700, 0), (1696, 0), (1712, 16), (1728, 40))
    beds: tuple[int, ...] = (0, 255, 250, 110)
    show_through: float = 0.08
    shading: float = 0.04
    gamma: tuple[float, float] = (0.8, 1.3)
    noise: float = 0.012
    blur: float = 0.5
    jpeg: tuple[int, int] = (70, 95)
    bilevel: float = 0.0
    dust: int = 12
    streak: float = 0.0
    faint_print: float = 0.0
    erasure: float = 0.0
    torn: float = 0.0
    dog_ear: float = 0.0
    scribble: float = 0.0         # over timing marks
    handwriting: float = 0.3
    covered: int = 0              # timing marks lost
    pens: tuple[str, ...] = PENS[:4]
    shapes: tuple[str, ...] = SHAPES


_ROUGH = Setting("", skew_deg=2.2, drift_deg=0.5, ahead=0.01, creep=0.01, wobble_mm=0.3,
                 slip_mm=0.5, off_mm=2.0)
SETTINGS = (
    Setting("good office scanner"),
    Setting("the same, one bit", bilevel=1.0, pens=PENS[:3]),
    replace(_ROUGH, name="rough feed"),
    Setting("ticks and slashes", shapes=("tick", "slash", "cross", "line")),
    Setting("hairlines of a ball-point", pens=("hairline",), shapes=("tick", "cross", "scribble")),
    Setting("erasures", erasure=1.0, pens=("pencil",)),
    Setting("torn edges and dog-ears", torn=1.0, dog_ear=0.3),
    Setting("scribbled and lost timing marks", scribble=1.0, covered=4),
    Setting("poor copies", blur=1.2, jpeg=(25, 45), noise=0.04, shading=0.15, show_through=0.15,
            faint_print=0.5, dust=60),
    Setting("dirty glass", streak=1.0, dust=60),
    Setting("cropped and shifted", off_mm=3.5, canvas=((1696, -12), (1680, -8), (1728, 40))),
    replace(_ROUGH, name="everything", erasure=0.3, torn=0.3, dog_ear=0.1, scribble=0.4, covered=2,
            streak=0.2, faint_print=0.2, jpeg=(40, 90), show_through=0.12, pens=PENS),
    replace(_ROUGH, name="everything, one bit", erasure=0.3, torn=0.3, dog_ear=0.1, scribble=0.4,
            covered=2, streak=0.2, bilevel=1.0, pens=PENS[:3]),
)


@dataclass(frozen=True)
class Truth:
    """What is on the sheet: options surely marked, and options that may be read either way."""

    side: str
    foot_first: bool
    sure: frozenset[str]
    unclear: frozenset[str]


class Press:
    """Prints faces once each; toner spreads and leaves specks and thin places."""

    def __init__(self, layout: Layout, seed: int) -> None:
        self.layout = layout
        rng = np.random.default_rng(seed)
        self.faces = {side: self._face(side, rng) for side in layout.faces}

    def _face(self, side: str, rng: np.random.Generator) -> Picture:
        """Density, 0 to 255."""
        layout, face = self.layout, self.layout.faces[side]
        wide, high = (round(mm * MM) for mm in layout.page_mm)
        page = np.zeros((high, wide), np.uint8)
        for track in face.tracks:
            for i, x, y in track_centres(track, layout.page_mm):
                if track.coded and 0 < i < track.count - 1 and rng.random() < 0.5:
                    continue
                half = np.array(track.mark_mm) / 2
                _box(page, (x - half[0], y - half[1], x + half[0], y + half[1]), 255)
        for n, target in enumerate(face.targets):
            axes = (target.width / 2 - target.line_mm / 2, target.height / 2 - target.line_mm / 2)
            cv2.ellipse(page, (round(target.x * MM * 16), round(target.y * MM * 16)),
                        (round(axes[0] * MM * 16), round(axes[1] * MM * 16)), 0, 0, 360, 255,
                        max(1, round(target.line_mm * MM)), cv2.LINE_AA, 4)
            self._label(page, target.x, target.y, NAMES[n % len(NAMES)])
        for column in sorted({t.x for t in face.targets})[:-1] if side == "front" else ():
            cv2.line(page, (round((column + 6) * MM), round(30 * MM)),
                     (round((column + 6) * MM), high - round(20 * MM)), 200, 3)
        _text(page, "OFFICIAL BALLOT", 60, 16, 1.6)
        _text(page, "To vote, completely fill in the OVAL to the RIGHT of your choice", 40, 24, 0.9)
        # Toner: soft spread, an uneven threshold, specks.
        coarse = rng.normal(0, 1, (high // 6, wide // 6)).astype(np.float32)
        grain = cv2.resize(coarse, (wide, high))
        spread = cv2.GaussianBlur(page, (0, 0), 1.1).astype(np.float32)
        spread = np.clip((spread - 110 + 14 * grain) * 3 + 128, 0, 255)
        toner = (spread * (0.88 + 0.05 * grain)).clip(0, 255).astype(np.uint8)
        at = rng.integers(0, (high, wide), (60, 2))
        toner[at[:, 0], at[:, 1]] = 180
        return toner

    @staticmethod
    def _label(page: Picture, x: float, y: float, name: str) -> None:
        """Right up to the oval, as such ballots have it."""
        size = cv2.getTextSize(name, cv2.FONT_HERSHEY_DUPLEX, 0.85, 2)[0]
        left = x - 2.9 - size[0] / MM
        _text(page, name, left, y + 0.9, 0.85)
        _box(page, (left, y + 2.6, x + 2.6, y + 2.75), 120)


class Scanner:
    """Makes scans of one layout: a press, voters, wear and a scanner in one."""

    def __init__(self, layout: Layout, seed: int) -> None:
        self.layout, self.press = layout, Press(layout, seed)
        self._rng = np.random.default_rng([seed, 17])

    def scan(self, setting: Setting) -> tuple[Picture, Truth]:
        rng = self._rng
        side = str(rng.choice(["front", "front", "back"]))
        other = "back" if side == "front" else "front"
        page = self.press.faces[side].copy()
        if rng.random() < setting.faint_print:
            page = (page * rng.uniform(0.5, 0.8)).astype(np.uint8)
        sure, unclear = self._vote(page, side, setting)
        targets = self.layout.faces[side].targets
        before = [_inside(page, t.x, t.y) for t in targets]
        self._wear(page, setting)
        for t, clean in zip(targets, before, strict=True):
            # Nobody can tell a scribble that runs through an oval from a mark.
            if float((_inside(page, t.x, t.y) - clean > 20).mean()) >= 0.02:
                unclear.add(f"{t.contest}/{t.option}")
        missing = self._tear(page, setting)
        light = 1 - page.astype(np.float32) / 255 * 0.93
        light *= 1 - setting.show_through * rng.uniform(0.3, 1) * cv2.GaussianBlur(
            cv2.flip(self.press.faces[other], 1), (0, 0), 4).astype(np.float32) / 255
        foot_first = bool(rng.random() < 0.3)
        if foot_first:
            light, missing = light[::-1, ::-1], missing[::-1, ::-1]
        picture = self._pull(np.ascontiguousarray(light), np.ascontiguousarray(missing), setting)
        return picture, Truth(side, foot_first, frozenset(sure), frozenset(unclear))

    def _vote(self, page: Picture, side: str, setting: Setting) -> tuple[set[str], set[str]]:
        rng = self._rng
        contests: dict[str, list[tuple[str, float, float]]] = {}
        for t in self.layout.faces[side].targets:
            contests.setdefault(t.contest, []).append((f"{t.contest}/{t.option}", t.x, t.y))
        pen = str(rng.choice(setting.pens))
        shape = str(rng.choice(setting.shapes))
        sure, unclear = set(), set()
        for options in contests.values():
            n = int(rng.choice([0, 1, 1, 1, 2]))
            for i in rng.permutation(len(options))[:n]:
                name, x, y = options[int(i)]
                before = _inside(page, x, y)
                _draw(page, _shape(shape, pen, rng) + np.array([x, y]), pen, rng)
                taken = _inside(page, x, y) - before
                if float((taken > 90).mean()) >= 0.11:
                    sure.add(name)
                elif float((taken > 20).mean()) >= 0.02:
                    unclear.add(name)
            if rng.random() < setting.erasure / 8:
                name, x, y = options[int(rng.integers(len(options)))]
                if name not in sure:
                    self._erase(page, x, y)
                    unclear.add(name)
            if side == "front" and rng.random() < setting.handwriting * 0.3:
                x, y = options[-1][1:]
                _scrawl(page, (x - 22, y), (16, 2.5), rng, 0.5, 190)
        return sure, unclear

    def _erase(self, page: Picture, x: float, y: float) -> None:
        rng = self._rng
        before = page.copy()
        _draw(page, _shape("scribble", "pencil", rng) + np.array([x, y]), "pencil", rng)
        left, top, right, bottom = (round(v * MM) for v in (x - 5, y - 4, x + 5, y + 4))
        mark = page[top:bottom, left:right].astype(np.float32) - before[top:bottom, left:right]
        smear = cv2.blur(mark, (round(2.5 * MM), round(0.6 * MM)))
        rest = before[top:bottom, left:right] + mark * rng.uniform(0.05, 0.35) + smear * 0.35
        page[top:bottom, left:right] = rest.clip(0, 255).astype(np.uint8)

    def _wear(self, page: Picture, setting: Setting) -> None:
        """Scribbles over timing marks, marks rubbed off, creases."""
        rng = self._rng
        width, height = self.layout.page_mm
        if rng.random() < setting.scribble:
            for _ in range(int(rng.integers(1, 4))):
                edge = rng.random()
                if edge < 0.35:
                    at = (6.0, rng.uniform(20, height - 20))
                elif edge < 0.7:
                    at = (width - 6.0, rng.uniform(20, height - 20))
                else:
                    at = (rng.uniform(20, width - 20), rng.choice([7.0, height - 7.0]))
                size = (7, rng.uniform(6, 22)) if edge < 0.7 else (rng.uniform(6, 30), 5)
                _scrawl(page, at, size, rng, rng.uniform(0.4, 1.2), 230)
        tracks = self.layout.front.tracks
        marks = [(x, y) for t in tracks for _, x, y in track_centres(t, self.layout.page_mm)]
        for i in rng.permutation(len(marks))[: setting.covered]:
            x, y = marks[int(i)]
            _box(page, (x - 3, y - 1.6, x + 3, y + 1.6), 0)
        if rng.random() < 0.3:
            y = round(rng.uniform(0.3, 0.7) * page.shape[0])
            crease = page[y : y + 4].astype(np.int16) + 25
            page[y : y + 4] = crease.clip(0, 255).astype(np.uint8)

    def _tear(self, page: Picture, setting: Setting) -> Picture:
        """A mask of what is missing; a folded corner shows the white back instead."""
        rng = self._rng
        high, wide = page.shape
        missing = np.zeros((high, wide), np.uint8)
        if rng.random() < setting.dog_ear:
            legs = rng.uniform(8, 22, 2) * MM
            corner = np.array([rng.choice([0, wide]), rng.choice([0, high])], float)
            inward = np.where(corner == 0, 1, -1)
            reach = inward * legs
            points = corner + np.array([(0, 0), (reach[0], 0), (0, reach[1])])
            cv2.fillPoly(page, [points.astype(np.int32)], 0)
            cv2.fillPoly(missing, [points.astype(np.int32)], 255)
        if rng.random() < setting.torn:
            for _ in range(int(rng.integers(1, 3))):
                upright = rng.random() < 0.7
                length, across = (high, wide) if upright else (wide, high)
                middle, half = rng.uniform(0.05, 0.95) * length, rng.uniform(5, 25) * MM
                t = np.linspace(-1, 1, 25)
                ragged = np.cumsum(rng.normal(0, 0.25, 25))
                deep = np.clip((rng.uniform(3, 10) * (1 - t**2) + ragged) * MM, 0, None)
                if rng.random() < 0.5:
                    deep = across - deep
                along = middle + t * half
                outer = np.full(25, 0.0 if deep[0] < across / 2 else across)
                line = np.column_stack([np.r_[deep, outer[::-1]], np.r_[along, along[::-1]]])
                line = line if upright else line[:, ::-1]
                cv2.fillPoly(missing, [line.astype(np.int32)], 255)
        return missing

    def _pull(self, light: NDArray[np.float32], missing: Picture, s: Setting) -> Picture:
        """The sheet past the line sensor, at the layout's resolution, and what follows."""
        rng = self._rng
        width, height = self.layout.page_mm
        scale = self.layout.px_per_mm
        columns, more = s.canvas[int(rng.integers(len(s.canvas)))]
        rows = round(height * scale) + more
        middle = np.array([columns / 2, rows / 2]) + rng.uniform(-1, 1, 2) * s.off_mm * scale
        v = (np.arange(rows) - middle[1]) / scale                  # mm along the feed
        share = v / height
        speed = rng.uniform(-1, 1) * s.creep
        bend = rng.uniform(-1, 1) * s.creep
        along = v * (1 + speed) + bend * height * (share**2 - 1 / 12)
        along += s.wobble_mm * np.sin(v * 2 * np.pi / rng.uniform(25, 120) + rng.uniform(0, 6))
        if s.slip_mm:
            slipped = v > rng.uniform(-0.4, 0.4) * height
            along += np.where(slipped, rng.uniform(-1, 1) * s.slip_mm, 0)
        aside = s.wobble_mm * np.sin(v * 2 * np.pi / rng.uniform(60, 300) + rng.uniform(0, 6))
        skew, drift = rng.uniform(-1, 1, 2) * (s.skew_deg, s.drift_deg)
        angle = np.radians(skew + drift * share)
        ahead = rng.uniform(-1, 1) * s.ahead
        u = (np.arange(columns) - middle[0]) / scale * (1 + rng.uniform(-0.002, 0.002))
        x = u[None, :] * np.cos(angle)[:, None] + (along * np.sin(angle))[:, None]
        x += aside[:, None] + width / 2
        y = (along * np.cos(angle))[:, None] - u[None, :] * np.sin(angle)[:, None]
        y += ahead * u[None, :] + height / 2
        map_x, map_y = (x * MM - 0.5).astype(np.float32), (y * MM - 0.5).astype(np.float32)
        fine = cv2.GaussianBlur(light, (0, 0), 0.8 + s.blur * DPI / self.layout.dpi * 0.6)
        seen = cv2.remap(fine, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        off = cv2.remap(missing, map_x, map_y, cv2.INTER_NEAREST,
                        borderMode=cv2.BORDER_CONSTANT, borderValue=255)
        return self._tone(np.asarray(seen), np.asarray(off) > 0, s)

    def _tone(self, seen: NDArray[np.float32], bed: NDArray[np.bool_], s: Setting) -> Picture:
        rng = self._rng
        rows, columns = seen.shape
        shade = 1 - s.shading * rng.uniform(0, 1) * np.cos(np.linspace(-1.4, 1.6, columns)) ** 2
        seen = seen * shade[None, :].astype(np.float32) * rng.uniform(0.86, 0.98)
        seen = np.clip(seen, 0.01, 1) ** rng.uniform(*s.gamma)
        seen[bed] = rng.choice(s.beds) / 255
        edge = cv2.morphologyEx(bed.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3)))
        edge = cv2.GaussianBlur(edge.astype(np.float32), (0, 0), 1.2)
        seen -= 0.25 * rng.uniform(0, 1) * edge                   # the sheet's edge casts a shadow
        if rng.random() < s.streak:
            for _ in range(int(rng.integers(1, 3))):
                x = int(rng.integers(0, columns - 4))
                seen[:, x : x + int(rng.integers(1, 4))] *= rng.uniform(0.2, 0.7)
        for x, y in rng.integers(0, (columns - 4, rows - 4), (s.dust, 2)):
            seen[y : y + int(rng.integers(1, 4)), x : x + int(rng.integers(1, 4))] *= 0.4
        seen = seen * 255 + rng.normal(0, s.noise * 255, seen.shape).astype(np.float32)
        picture = np.clip(seen, 0, 255).astype(np.uint8)
        if rng.random() < s.bilevel:
            paper = float(np.median(picture))
            level = paper * rng.uniform(0.5, 0.75)
            return np.where(picture < level, 0, 255).astype(np.uint8)
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(*s.jpeg))]
        coded = cv2.imencode(".jpg", picture, quality)[1]
        return np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE), np.uint8)


def _box(page: Picture, mm: tuple[float, float, float, float], level: int) -> None:
    left, top, right, bottom = (round(v * MM) for v in mm)
    page[max(0, top) : max(0, bottom), max(0, left) : max(0, right)] = level


def _inside(page: Picture, x: float, y: float) -> NDArray[np.int16]:
    """The part of the page that lies well within the oval at (x, y)."""
    left, top, right, bottom = (round(v * MM) for v in (x - 2.5, y - 1.6, x + 2.5, y + 1.6))
    view = page[top:bottom, left:right].astype(np.int16)
    rows, columns = np.mgrid[-1.6 : 1.6 : 1j * view.shape[0], -2.5 : 2.5 : 1j * view.shape[1]]
    return view[(columns / 1.94) ** 2 + (rows / 1.05) ** 2 < 1]


def _text(page: Picture, text: str, x: float, y: float, size: float) -> None:
    cv2.putText(page, text, (round(x * MM), round(y * MM)), cv2.FONT_HERSHEY_DUPLEX, size, 255,
                5 if size > 1 else 2, cv2.LINE_AA)


def _shape(kind: str, pen: str, rng: np.random.Generator) -> Points:
    """A path in mm about the target's centre, as hands draw it."""
    jitter = rng.normal(0, 0.35, 2)
    if kind == "tick":
        size = rng.uniform(0.8, 1.5)
        path = np.array([(-2.0, -0.3), (-0.6, 1.4), (2.6, -2.4)]) * size
    elif kind == "cross":
        path = np.array([(-2.0, -1.5), (2.0, 1.5), (0.3, 0.3), (-1.9, 1.6), (1.9, -1.5)])
        path *= rng.uniform(0.8, 1.2)
    elif kind == "slash":
        path = np.array([(-1.8, 1.8), (1.9, -1.9)]) * rng.uniform(0.9, 1.4)
    elif kind == "line":
        path = np.array([(-2.3, 0.1), (2.3, -0.1)]) * rng.uniform(0.9, 1.3)
    else:
        thin = {"felt": 1.1, "hairline": 0.55, "pencil": 0.5}.get(pen, 0.6)
        reach = (2.3, 1.4) if kind == "filled" else (2.0, 1.1)
        turns = round(2 * reach[0] / (thin * (0.5 if kind == "filled" else 1.1)))
        t = np.linspace(-1, 1, max(4, turns))
        y = np.where(np.arange(t.size) % 2, 1.0, -1.0) * np.sqrt(np.clip(1 - 0.9 * t**2, 0.05, 1))
        path = np.column_stack([t * reach[0], y * reach[1]]) * rng.uniform(0.85, 1.05)
    steps = np.linspace(0, len(path) - 1, 8 * len(path))
    smooth = np.column_stack([np.interp(steps, np.arange(len(path)), path[:, k]) for k in (0, 1)])
    return smooth + np.cumsum(rng.normal(0, 0.03, smooth.shape), axis=0) + jitter


def _draw(page: Picture, path: Points, pen: str, rng: np.random.Generator) -> None:
    """Ink with pressure: width and density vary along the stroke, a ball-point skips."""
    width, density, skips = {
        "ballpoint": (0.5, 0.85, 0.03), "gel": (0.7, 0.95, 0.0), "felt": (1.2, 0.9, 0.0),
        "pencil": (0.6, 0.55, 0.05), "hairline": (0.3, 0.7, 0.04),
    }[pen]
    shade = {"ballpoint": rng.uniform(0.7, 1), "pencil": rng.uniform(0.8, 1.1)}.get(pen, 1.0)
    mask = np.zeros(page.shape, np.uint8)
    left, top = np.maximum(np.floor(path.min(0) * MM).astype(int) - 30, 0)
    right, bottom = np.ceil(path.max(0) * MM).astype(int) + 30
    view = mask[top:bottom, left:right]
    pressure = 1 + 0.25 * np.sin(np.linspace(0, rng.uniform(3, 12), len(path)) + rng.uniform(0, 6))
    for a, b, p in zip(path[:-1], path[1:], pressure, strict=False):
        if rng.random() < skips:
            continue
        ends = np.rint((np.array([a, b]) * MM - (left, top)) * 16).astype(int).tolist()
        cv2.line(view, ends[0], ends[1], int(min(255, 255 * density * shade * p**0.5)),
                 max(1, round(width * p * MM)), cv2.LINE_AA, 4)
    if pen == "pencil":
        grain = rng.uniform(0.45, 1.15, view.shape)
        view[:] = (view * cv2.GaussianBlur(grain, (0, 0), 1.2)).clip(0, 255).astype(np.uint8)
    here = page[top:bottom, left:right].astype(np.float32)
    page[top:bottom, left:right] = (255 - (255 - here) * (1 - view / 255.0)).astype(np.uint8)


def _scrawl(  # noqa: PLR0917
    page: Picture, at: tuple[float, float], size: tuple[float, float],
    rng: np.random.Generator, width: float, level: int,
) -> None:
    points = rng.uniform(-0.5, 0.5, (int(rng.integers(8, 20)), 2)) * size + at
    cv2.polylines(page, [(points * MM).astype(np.int32)], False, level, max(1, round(width * MM)),
                  cv2.LINE_AA)


def verdict(reading: SheetReading, truth: Truth) -> str:
    """"right", "wrong", or why the sheet was given back."""
    if not reading.read:
        return reading.reason
    marked = {f"{c}/{o}" for c, options in reading.marks.items() for o in options}
    lies = ("up" if truth.side == "back" else "down") + ("-foot" if truth.foot_first else "-head")
    right = reading.orientation == lies and truth.sure <= marked <= truth.sure | truth.unclear
    return "right" if right else "wrong"


def main(sheets: int, seed: int) -> None:
    """Print, for each setting, how many sheets were read right, wrong and not."""
    total: Counter[str] = Counter()
    for paper, spacing in (("letter", "margins"), ("legal", "quarter-inch")):
        layout = ballot(paper, spacing)
        reader, scanner = Reader([layout]), Scanner(layout, seed)
        for setting in SETTINGS:
            seen = Counter(
                verdict(reader.read(picture), truth)
                for picture, truth in (scanner.scan(setting) for _ in range(sheets))
            )
            total += seen
            rest = ", ".join(f"{k} {v}" for k, v in seen.items() if k not in ("right", "wrong"))
            print(f"| {layout.style} | {setting.name} | {sheets} | {seen['right']} "
                  f"| {seen['wrong']} | {rest or '-'} |", flush=True)
    print(dict(total))


if __name__ == "__main__":
    main(*(int(v) for v in (sys.argv[1:3] + ["20", "1"][len(sys.argv) - 1 :])))
