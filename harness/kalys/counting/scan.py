"""What a picture of a sheet is like before anything is looked for in it: kind, size and tone.

A picture that no scanner set to the layout's page can give (colour, 16 bit, another resolution) is
an error of whoever hands it over and raises ConfigurationError. A picture of the right kind that
shows no page (even, black, too long) is a sheet to be given back.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from kalys.ballots.layout import MM_PER_INCH, Layout
from kalys.errors import ConfigurationError

Picture = NDArray[np.uint8]

SIZE_TOLERANCE = 0.05     # of the page, by which a picture may be smaller or wider
TOO_LONG_MM = 8.0         # longer than the page by more than this: two sheets (stretch: 3 mm)
LEAST_SPAN = 60           # grey levels between paper and print; below, nothing is printed
_BLANK_SHARE = 0.002      # of dark sample points, below which a side is blank
_PRINT_SHARES = (0.007, 0.002)    # of all sample points that are print: dense and sparse ballots
_STREAK_SHARE = 0.55      # of a column's rows that are dark: a dirty sensor
_ROWS = 23                # rows between two that are sampled
MOST_NOISE = 0.07         # of the span, as standard deviation (declared range: 0.03); beyond it
                          # a smudge would be speckled like a mark
_NOISE_RANK = 0.8         # of the differences of neighbours, from which the noise is taken...
_NOISE_SHARE = 1.81       # ...and how many standard deviations that is
CLIPPED = 2               # grey level at which print is as black as a picture can be
USUAL_SPAN = 206          # of a scan with print that is not clipped
LEAST_CLIPPED = 141       # span from which 0.35 of the usual one is less than the palest valid mark
_BED = 0.75               # share of a row or column that is dark: the scanner's bed, not paper


@dataclass(frozen=True)
class Tone:
    """Grey levels of a scan: ``paper``, and ``span`` down to print; ``dark`` is the share of sample
    points nearer to print than to paper."""

    paper: float
    span: float
    dark: float

    def level(self, density: float) -> float:
        """The grey level of a density: 0 is paper, 1 is print."""
        return self.paper - density * self.span

    def printed(self, level: float) -> Tone:
        """The same with print of that grey ``level``, if it stands out from the paper at all: a
        percentile of the whole picture may have met a few dark spots or much grey."""
        span = self.paper - level
        return self if span < LEAST_SPAN else Tone(self.paper, span, self.dark)

    @property
    def blank(self) -> bool:
        """Whether nothing is printed."""
        return self.span < LEAST_SPAN or self.dark < _BLANK_SHARE

    @property
    def clipped(self) -> bool:
        """Whether print may be darker than the picture can tell: a dark scan, in which greys seem
        darker against print than they are on paper."""
        return self.paper - self.span <= CLIPPED and self.span < USUAL_SPAN

    def unclipped(self) -> Tone:
        """The same with the span of a usual scan where print is clipped."""
        return Tone(self.paper, USUAL_SPAN, self.dark) if self.clipped else self


def darker_than(level: float) -> np.uint8:
    """The whole grey level below which exactly those pixels lie that are below ``level``: to be
    compared with a fraction, every pixel would be turned into one."""
    return np.uint8(min(255, max(0, math.ceil(level))))


def checked(image: object) -> Picture:
    """``image`` with its rows contiguous, if it is 8-bit grey; else ConfigurationError."""
    if not isinstance(image, np.ndarray):
        raise ConfigurationError(
            f"expected a numpy array, got {type(image).__name__}", where="scan",
            remedy="Decode files first, for example with cv2.imread(path, cv2.IMREAD_GRAYSCALE).",
        )
    if image.ndim != 2 or image.dtype != np.uint8:
        raise ConfigurationError(
            f"expected 8-bit grey, got {image.dtype} with {image.ndim} dimensions", where="scan",
            remedy="Convert colour and 16-bit pictures to 8-bit grey.",
        )
    return np.ascontiguousarray(image)


def fitted(
    image: Picture, layout: Layout, too_long_mm: float = TOO_LONG_MM
) -> Picture | None:
    """The picture cut to about one page of ``layout``, or None when it holds more than one sheet:
    more than ``too_long_mm`` beyond the page.

    A dark bed around the page is cut off where the picture is larger than the page; a picture of
    another size is a ConfigurationError, which names the resolution it seems to have.
    """
    longest = layout.shape[0] + too_long_mm * layout.px_per_mm
    too_long = image.shape[0] > longest
    image, rows, columns = _without_bed(image, layout, longest)
    tall, wide = layout.shape
    broad = abs(columns - wide) <= SIZE_TOLERANCE * wide
    short = rows < (1 - SIZE_TOLERANCE) * tall
    # A long picture of which less than a page is left when its dark part is gone: a dark sheet
    # and a light one.
    if broad and (rows > longest or (short and too_long)):
        return None
    if not broad or short:
        raise ConfigurationError(
            f"expected about {wide} x {tall} pixels, got {columns} x {rows}", where="scan",
            remedy=_other_resolution((rows, columns), layout),
        )
    return image


def _without_bed(
    image: Picture, layout: Layout, longest: float
) -> tuple[Picture, int, int]:
    """The picture without dark rows and columns outside the page, and its size."""
    rows, columns = image.shape
    too_long, wide = rows > longest, layout.shape[1]
    too_wide = columns > (1 + SIZE_TOLERANCE) * wide
    if (too_long or too_wide) and rows and columns:
        sample = image[::4, ::4]
        level = (int(sample.min()) + int(sample.max())) // 2
        dark = sample < level
        if too_long:
            page = np.flatnonzero(dark.mean(axis=1) < _BED)
            if page.size:
                image = image[4 * int(page[0]) : 4 * int(page[-1]) + 4]
        if too_wide:
            page = np.flatnonzero(dark.mean(axis=0) < _BED)
            if page.size:
                image = image[:, 4 * int(page[0]) : 4 * int(page[-1]) + 4]
        image = np.ascontiguousarray(image)
    return image, image.shape[0], image.shape[1]


def _other_resolution(shape: tuple[int, int], layout: Layout) -> str:
    width, height = (mm / MM_PER_INCH for mm in layout.page_mm)
    down, across = shape[0] / height, shape[1] / width
    if across > 30 and abs(down / across - 1) < SIZE_TOLERANCE:
        return (
            f"The picture looks like the page at {round((down + across) / 2)} dpi, the layout is "
            f"for {layout.dpi}: rescale the picture, or read with Layout.at(dpi)."
        )
    return "Scan the whole page at the layout's resolution."


def sampled(image: Picture) -> Picture:
    """Every 23rd row (a number that no pitch of timing marks divides): what tone and streaks are
    taken from."""
    return image[7::_ROWS]


def tone_of(rows: Picture, *, edges: bool = False) -> Tone:
    """Levels of paper (the median) and print (a low percentile) from sampled rows.

    The outer 16th is left out on all sides, for there a dark bed would pass for print, unless
    ``edges`` asks for it: some ballots have hardly any print but their timing marks.
    """
    down, across = (0, 0) if edges else (rows.shape[0] // 16, rows.shape[1] // 16)
    sample = np.ascontiguousarray(rows[down : -down or None, across : -across or None : 7])
    count = cv2.calcHist([sample], [0], None, [256], [0, 256]).ravel()
    below = np.cumsum(count) / max(1, sample.size)
    paper, dense, sparse = np.searchsorted(below, (0.5, *_PRINT_SHARES)).tolist()
    # Sparse print only where there is no dense one: the darkest points may be a mark or a bed.
    ink = dense if paper - dense >= LEAST_SPAN else sparse
    dark = float(below[max(0, (paper + ink) // 2)]) if paper - ink >= LEAST_SPAN else 0.0
    return Tone(float(paper), float(paper - ink), dark)


def noise_of(rows: Picture) -> float:
    """The standard deviation of the sensor's noise in grey levels, from sampled rows: by what
    neighbours differ where nothing is printed, which is most of a ballot. Where half of the noise
    is clipped at white, a quarter less."""
    sample = np.ascontiguousarray(rows[::4])
    count = cv2.calcHist(
        [cv2.absdiff(sample[:, 1::4].copy(), sample[:, :-1:4].copy())], [0], None, [256], [0, 256]
    ).ravel()
    level = int(np.searchsorted(np.cumsum(count), _NOISE_RANK * count.sum()))
    return level / _NOISE_SHARE


def streaks_of(rows: Picture, level: float) -> NDArray[np.bool_]:
    """Columns that are darker than ``level`` in nearly all sampled rows."""
    dark = np.asarray(cv2.threshold(rows, level, 1, cv2.THRESH_BINARY_INV)[1])
    total = np.add.reduce(dark, axis=0, dtype=np.uint8 if len(rows) < 256 else np.int64)
    streaks: NDArray[np.bool_] = total > _STREAK_SHARE * len(rows)
    return streaks
