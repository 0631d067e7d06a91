"""Picture files as the reader wants them: 8-bit grey, at a resolution that the layout can have.

The reader itself is strict, because a counting core is set to one scanner. Files come from
anywhere: colour, one bit, 16 bit, several pages, another resolution, lying on their side. All this
is put right here, and what was done is told; what is no picture or is cut short is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageSequence, UnidentifiedImageError

from kalys.ballots.layout import MM_PER_INCH, Layout
from kalys.errors import ConfigurationError

Picture = NDArray[np.uint8]

RESOLUTIONS = (100, 120, 150, 200, 240, 300, 400, 600)
_ASPECT = 0.08        # by which a picture's sides may disagree about its resolution
_WHITE = 255


@dataclass(frozen=True)
class FilePicture:
    """One picture of a file. ``page`` counts from 1; ``pages`` is 0 where the file has one only."""

    path: Path
    page: int
    pages: int
    image: Picture

    @property
    def name(self) -> str:
        """What to call it to a person."""
        return f"{self.path}, page {self.page}" if self.pages else str(self.path)


def pictures_in(path: Path) -> Iterator[FilePicture]:
    """The pictures of a file; ConfigurationError for what is none or is cut short."""
    try:
        with Image.open(path) as file:
            pages = getattr(file, "n_frames", 1)
            for number, frame in enumerate(ImageSequence.Iterator(file), 1):
                yield FilePicture(path, number, pages if pages > 1 else 0, grey(frame))
    except UnidentifiedImageError as error:
        raise ConfigurationError(
            "this is no picture that can be read", where=str(path),
            remedy="PNG, JPEG, TIFF, BMP and the like are.",
        ) from error
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        raise ConfigurationError(
            f"the picture cannot be read: {error}", where=str(path),
            remedy="Is the file whole? Scan again if not.",
        ) from error


def grey(frame: Image.Image) -> Picture:
    """A picture of any mode as 8-bit grey: 0 is black. Transparent parts are white paper."""
    mode = frame.mode
    if mode == "F" or mode.startswith("I"):
        values = np.asarray(frame, np.float64)
        top = float(values.max(initial=0))
        whole = 1.0 if mode == "F" and top <= 1 else 255.0 if top <= _WHITE else 65535.0
        return np.clip(np.rint(np.nan_to_num(values) * (255 / whole)), 0, 255).astype(np.uint8)
    if mode in ("RGBA", "LA", "PA") or "transparency" in frame.info:
        solid = frame.convert("RGBA")
        white = Image.new("RGBA", solid.size, (_WHITE, _WHITE, _WHITE, _WHITE))
        frame = Image.alpha_composite(white, solid)
    return np.asarray(frame.convert("L"), np.uint8)


def upright(image: Picture, layout: Layout) -> Picture:
    """The picture turned by a quarter where it lies on its side: head and foot do not matter."""
    wide, high = layout.page_mm
    lies = (image.shape[1] > image.shape[0]) != (wide > high)
    return np.ascontiguousarray(np.rot90(image)) if lies else image


def resolution_of(image: Picture, layout: Layout) -> int:
    """The resolution at which the picture holds about one page: the layout's if it can be, else the
    nearest usual one, else what the picture's sides say."""
    width, height = (mm / MM_PER_INCH for mm in layout.page_mm)
    across, down = image.shape[1] / width, image.shape[0] / height
    if abs(across / layout.dpi - 1) < _ASPECT:
        return layout.dpi
    near: int = min(RESOLUTIONS, key=lambda dpi: abs(across / dpi - 1))
    if abs(across / near - 1) < _ASPECT:
        return near
    seems = round((across + down) / 2)
    if abs(across / max(down, 1e-9) - 1) > _ASPECT or not 72 <= seems <= 600:
        return layout.dpi            # the reader will say what it expected
    return int(seems)
