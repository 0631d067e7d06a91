"""What the reader saw, drawn upon the scan: for people to look at.

Green are votes, orange what is neither vote nor no vote, blue empty targets; each with its fill in
per cent. Small crosses stand where timing marks were expected. A sheet that was given back says why
in a bar on top.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from kalys.counting.reader import Picture, SheetReading

_VOTE, _UNCLEAR, _EMPTY, _EXPECTED = (60, 150, 0), (0, 120, 255), (200, 140, 60), (200, 60, 200)
_WORDS = (255, 255, 255)
_REFUSED, _READ = (40, 40, 190), (60, 110, 0)


def annotated(image: Picture, reading: SheetReading) -> NDArray[np.uint8]:
    """The picture that was read (``Reader.fitted``) in colour (blue, green, red), with the reading
    drawn upon it and a bar of words on top."""
    picture = np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR), np.uint8)
    placed = reading.placed
    scale = 1.0
    if placed is not None:
        scale = placed.known.layout.dpi / 200
        for x, y in np.rint(placed.marks).astype(int).tolist():
            cv2.drawMarker(picture, (x, y), _EXPECTED, cv2.MARKER_CROSS, round(16 * scale), 2)
        for target, at in zip(placed.known.face.targets, placed.targets, strict=True):
            fill = reading.fills.get(target.contest, {}).get(target.option)
            half = np.array([target.width, target.height]) * placed.known.layout.px_per_mm / 2 + 3
            low, high = np.rint(at - half).astype(int), np.rint(at + half).astype(int)
            if target.option in reading.marks.get(target.contest, ()):
                colour = _VOTE
            elif f"{target.contest}/{target.option}" in reading.ambiguous:
                colour = _UNCLEAR
            else:
                colour = _EMPTY
            wide = 2 if colour == _EMPTY else 3
            cv2.rectangle(picture, low.tolist(), high.tolist(), colour, wide)
            if fill is not None:
                _write(picture, f"{100 * fill:.0f}", (int(high[0]) + 4, int(at[1]) + 6), colour,
                       0.55 * scale)
    high = round(44 * scale)
    bar = np.full((high, picture.shape[1], 3), _READ if reading.read else _REFUSED, np.uint8)
    words = [reading.status, reading.reason, reading.style, reading.orientation]
    if placed is not None:
        words.append(f"skew {reading.skew_deg:+.2f} deg, stretch {100 * reading.stretch:+.2f} %")
    _write(bar, "   ".join(word for word in words if word), (14, round(30 * scale)), _WORDS,
           0.8 * scale)
    return np.asarray(np.vstack([bar, picture]), np.uint8)


def _write(
    picture: NDArray[np.uint8], text: str, at: tuple[int, int], colour: tuple[int, int, int],
    size: float,
) -> None:
    cv2.putText(picture, text, at, cv2.FONT_HERSHEY_SIMPLEX, size, colour, 2, cv2.LINE_AA)
