"""Paper in the world: what is offered to a throat, and how it looks to a scanner.

A bundle is what goes in together: one sheet, or several lying on one another (a double feed). What
a sheet means is nowhere here; a physical sheet says what is on it, and its image is rendered when
it passes a scanner line, not before.
"""

from __future__ import annotations

import contextlib
import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from kalys.ballots.layout import Layout
from kalys.ballots.marks import kind_of
from kalys.ballots.render import PLAIN, Renderer
from kalys.ballots.sheet import Sheet, physical_sheet
from kalys.ballots.stock import USUAL_G_M2, Stock
from kalys.ballots.templates import layouts_for
from kalys.election.definition import load
from kalys.errors import ConfigurationError, KalysError

Image = npt.NDArray[np.uint8]
# The largest image that may be offered: A4 at 600 dpi and a little.
MAX_PIXELS = 5200 * 7200
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# No length in mm, angle in degrees or density of a sheet is larger.
MOST = 10_000.0
INFRARED_NOISE = 0.02         # standard deviation of a share that the sensor measures
ELECTION_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}")


@dataclass(frozen=True, slots=True)
class Picture:
    """A sheet of which only the scan is known (a real ballot, a hostile image)."""

    id: str
    pixels: Image


@dataclass(slots=True)
class Bundle:
    """Sheets that are drawn in together; each lies ``overlap_mm`` behind the one before it.

    ``jam_at`` is where its head will stick, in mm behind the throat; ``stuck`` says that it does.
    """

    sheets: tuple[Sheet | Picture, ...]
    overlap_mm: float
    length_mm: float
    jam_at: float | None = None
    stuck: bool = False

    @property
    def thickness(self) -> float:
        """Of its thickest place, in sheets of the usual paper."""
        return self._layers * self.stock.grammage_g_m2 / USUAL_G_M2

    @property
    def stock(self) -> Stock:
        """What it is made of: the heaviest of its sheets. Of a picture nobody knows."""
        stocks = [sheet.paper.stock for sheet in self.sheets if isinstance(sheet, Sheet)]
        return max(stocks, key=lambda stock: stock.grammage_g_m2, default=Stock())

    @property
    def _layers(self) -> float:
        sheet_mm = self.length_mm - self.overlap_mm * (len(self.sheets) - 1)
        if self.overlap_mm <= 0:
            return float(len(self.sheets))
        return float(min(len(self.sheets), 1 + int((sheet_mm - 1e-6) // self.overlap_mm)))


class Album:
    """Pictures of papers that come again and again (a pre-rendered deck).

    The same paper gives the same picture, whatever its number. A picture is kept from the second
    time on that its paper comes, so that a day whose papers are all different keeps none. What is
    kept is read-only, and takes ``room`` bytes at most.
    """

    SEEN = 4096               # papers that are remembered without their picture

    def __init__(self, room: int) -> None:
        self.room = room
        self.size = 0                               # bytes that are kept
        self._pictures: OrderedDict[int, Image] = OrderedDict()
        self._seen: OrderedDict[int, None] = OrderedDict()
        self._last = 0

    def find(self, sheet: Sheet) -> Image | None:
        """The picture of this paper, if it is kept."""
        self._last = hash((
            sheet.election, sheet.style, sheet.orientation, sheet.seed, sheet.paper,
            *((m.contest, m.option, m.kind, *m.params.items()) for m in sheet.marks),
        ))
        picture = self._pictures.get(self._last)
        if picture is not None:
            self._pictures.move_to_end(self._last)
        return picture

    def keep(self, picture: Image) -> Image:
        """Keep the picture of the sheet that was just looked for, if its paper came before."""
        if self._last not in self._seen:
            self._seen[self._last] = None
            if len(self._seen) > self.SEEN:
                self._seen.popitem(last=False)
            return picture
        if picture.nbytes > self.room:
            return picture
        picture.flags.writeable = False
        self._pictures[self._last] = picture
        self.size += picture.nbytes
        while self.size > self.room:
            self.size -= self._pictures.popitem(last=False)[1].nbytes
        return picture


class Stationery:
    """Everything the world knows about how sheets look: layouts, one renderer, one album.

    ``ROOM`` bytes are for both: the renderer's warped prints make way for pictures that come
    again, which need no print any more.
    """

    ROOM = 200_000_000        # 24 papers at each of two urns, and a little
    LEAST_POOL = 2

    def __init__(self, layouts: Iterable[Layout]) -> None:
        self._layouts = {(layout.election, layout.style): layout for layout in layouts}
        self._renderer: Renderer | None = None
        self._album = Album(self.ROOM)
        self._most = 0                              # bases that the renderer keeps by itself

    def define(self, layouts: Mapping[str, Any]) -> list[str]:
        """Learn layouts (plain data by style); returns all styles now known.

        Raises ConfigurationError for data that are no layout; then nothing has changed.
        """
        learned = [Layout.from_dict(data) for data in layouts.values()]
        for layout in learned:
            if layout.shape[0] * layout.shape[1] > MAX_PIXELS:
                raise ConfigurationError(
                    f"layout {layout.style[:80]} is of {layout.page_mm} mm; no scanner is so large"
                )
        self._layouts.update({(layout.election, layout.style): layout for layout in learned})
        self.forget()
        return sorted(style for _, style in self._layouts)

    def forget(self) -> None:
        """Let go of every picture and print; they are drawn again when they are wanted."""
        self._renderer = None
        self._album = Album(self.ROOM)

    def sheet(self, physical: Mapping[str, Any]) -> Sheet:
        """The sheet that plain data describe; ConfigurationError if it cannot be drawn.

        The data come over a wire: numbers beyond any paper, and names that are no name of an
        election (a path), are refused before anything is looked up or drawn.
        """
        sheet = physical_sheet(physical)
        if ELECTION_ID.fullmatch(sheet.election) is None:
            raise ConfigurationError("the election is no id of one", where=f"sheet {sheet.id}"[:80])
        if not _drawable({k: v for k, v in physical.items() if k != "seed"}):
            raise ConfigurationError(
                f"a number in it is not between -{MOST:g} and {MOST:g}", where=f"sheet {sheet.id}"
            )
        for mark in sheet.marks:
            strange = set(mark.params) - set(kind_of(mark).ranges)
            if strange or not all(isinstance(v, int | float) for v in mark.params.values()):
                raise ConfigurationError(
                    f"a {mark.kind} has other parameters than {', '.join(mark.params)}",
                    where=f"sheet {sheet.id}",
                    remedy=f"It has these, as numbers: {', '.join(kind_of(mark).ranges)}",
                )
        self._drawing(sheet).layout(sheet)
        return sheet

    def length_mm(self, sheet: Sheet) -> float:
        """Along the feed."""
        return self._drawing(sheet).layout(sheet).page_mm[1] + sheet.paper.stock.cut_mm

    def infrared(self, sheet: Sheet | Picture) -> tuple[float, float]:
        """Shares of the security mark, and of the print beside it, that answer in infrared light,
        as a sensor measures them. Blank paper bears no mark, and of a picture nobody has one."""
        if isinstance(sheet, Picture) or sheet.style == PLAIN:
            return 0.0, 0.0
        noise, stock = Random(f"{sheet.seed}/infrared"), sheet.paper.stock
        patch, beside = (
            min(1.0, max(0.0, share + noise.gauss(0.0, INFRARED_NOISE)))
            for share in (stock.infrared, stock.infrared_beside)
        )
        return patch, beside

    def scan(self, sheet: Sheet | Picture) -> Image:
        """What a grey sensor sees of it."""
        if isinstance(sheet, Picture):
            return sheet.pixels
        known = self._album.find(sheet)
        if known is not None:
            return known
        picture = self._album.keep(self._draw(sheet))
        left = (self.ROOM - self._album.size) // picture.nbytes
        self._drawing(sheet).pool = max(self.LEAST_POOL, min(self._most, left))
        return picture

    def _draw(self, sheet: Sheet) -> Image:
        renderer = self._drawing(sheet)
        try:
            return renderer.scan(sheet)
        except (KalysError, ValueError, TypeError, ArithmeticError, cv2.error):
            # Impossible paper that passed the checks above: a scanner sees nothing it could read.
            return np.zeros(renderer.layout(sheet).shape, np.uint8)

    def _drawing(self, sheet: Sheet) -> Renderer:
        if self._renderer is None:
            # A world that was given no layout knows those of the sheet's own, shipped election.
            layouts = self._layouts.values() or layouts_for(load(sheet.election)).values()
            self._renderer = Renderer(layouts)
            self._most = self._renderer.pool
        return self._renderer


def _drawable(data: Any) -> bool:
    """Whether every number in plain data is finite and of a size that paper can have."""
    if isinstance(data, Mapping):
        return all(_drawable(value) for value in data.values())
    if isinstance(data, list | tuple):
        return all(_drawable(value) for value in data)
    return not isinstance(data, int | float) or abs(data) <= MOST


def picture(name: str, png: bytes) -> Picture:
    """The sheet whose scan is this PNG. Raises ConfigurationError when it is no usable image."""
    # The size stands in the first chunk (ISO/IEC 15948, 11.2.2): a bomb is not even unpacked.
    width, height = (int.from_bytes(png[at : at + 4], "big") for at in (16, 20))
    pixels = None
    if png.startswith(PNG_SIGNATURE) and 0 < width * height <= MAX_PIXELS:
        with contextlib.suppress(cv2.error):
            pixels = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_GRAYSCALE)
    if pixels is None:
        raise ConfigurationError(f"the image of sheet {name[:80]} is no PNG of a usable size")
    return Picture(name, np.asarray(pixels, np.uint8))
