"""A blank ballot face as a picture: what the printing house delivers, before any voter or scanner.

Drawn once per style at twice the layout's resolution, so that the distortions of
``kalys.ballots.render`` start from clean edges. Text is set with DejaVu Sans as it ships inside
matplotlib: it holds the Kyrgyz letters, and no font of the machine can change a picture.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from kalys.ballots.layout import Face, Layout, Print, Target, track_centres

Picture = NDArray[np.uint8]

PAPER = 236
"""Grey level of clean paper as the ideal sensor sees it."""
INK = 30
"""Grey level of print."""
OVERSAMPLING = 2
_SUBPIXEL = 4  # fractional bits of cv2 coordinates


def grey(density: float) -> int:
    """The grey level of a density: 0 is paper, 1 is print."""
    return round(PAPER - density * (PAPER - INK))


def blank_face(layout: Layout, face: Face | None) -> Picture:
    """The printed face at ``OVERSAMPLING`` times the layout's resolution; plain paper for None."""
    rows, columns = layout.shape
    picture = np.full((rows * OVERSAMPLING, columns * OVERSAMPLING), PAPER, np.uint8)
    if face is None:
        return picture
    scale = layout.px_per_mm * OVERSAMPLING
    for box in face.boxes:
        _rectangle(picture, scale, (box.x, box.y), (box.width, box.height), grey(box.density))
    for line in face.lines:
        half = line.width_mm / 2
        corner = (min(line.x1, line.x2) - half, min(line.y1, line.y2) - half)
        size = (abs(line.x2 - line.x1) + line.width_mm, abs(line.y2 - line.y1) + line.width_mm)
        _rectangle(picture, scale, corner, size, grey(line.density))
    picture = _set_texts(picture, scale, face.texts)
    for track in face.tracks:
        for _, x, y in track_centres(track, layout.page_mm):
            _bar(picture, scale, (x, y), track.mark_mm)
    code = face.code
    for i, bit in enumerate(code.bits if code else ""):
        if code and bit == "1":
            _bar(picture, scale, (code.x + i * code.pitch, code.y), code.mark_mm)
    for target in face.targets:
        _outline(picture, scale, target)
    return picture


def _rectangle(
    picture: Picture, scale: float, corner: tuple[float, float], size: tuple[float, float],
    level: int,
) -> None:
    (x, y), (width, height) = corner, size
    left, top = round(x * scale), round(y * scale)
    right = max(left + 1, round((x + width) * scale))
    bottom = max(top + 1, round((y + height) * scale))
    picture[max(top, 0):bottom, max(left, 0):right] = level


def _bar(
    picture: Picture, scale: float, centre: tuple[float, float], size: tuple[float, float]
) -> None:
    """A timing or code mark."""
    corner = (centre[0] - size[0] / 2, centre[1] - size[1] / 2)
    _rectangle(picture, scale, corner, size, INK)


def _outline(picture: Picture, scale: float, target: Target) -> None:
    """The outline, its outer edge on the target's measure, and white paper inside."""
    w, h, line = target.width, target.height, target.line_mm
    for shrink, level in ((0.0, INK), (line, PAPER)):
        if target.shape == "square":
            corner = (target.x - w / 2 + shrink, target.y - h / 2 + shrink)
            _rectangle(picture, scale, corner, (w - 2 * shrink, h - 2 * shrink), level)
            continue
        centre = (round(target.x * scale * 2**_SUBPIXEL), round(target.y * scale * 2**_SUBPIXEL))
        axes = (
            round((w / 2 - shrink) * scale * 2**_SUBPIXEL),
            round((h / 2 - shrink) * scale * 2**_SUBPIXEL),
        )
        cv2.ellipse(picture, centre, axes, 0, 0, 360, level, -1, cv2.LINE_AA, _SUBPIXEL)


def _set_texts(picture: Picture, scale: float, texts: tuple[Print, ...]) -> Picture:
    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image)
    for text in texts:
        font = _font(text.bold, round(text.size * scale))
        lines = _broken(text.text, font, text.width * scale)
        step = 1.28 * text.size
        anchor = {"left": "lm", "middle": "mm", "right": "rm"}[text.anchor]
        for i, line in enumerate(lines):
            y = text.y + (i - (len(lines) - 1) / 2) * step
            draw.text((text.x * scale, y * scale), line, fill=grey(text.density), font=font,
                      anchor=anchor)
    return np.array(image)


def _broken(text: str, font: ImageFont.FreeTypeFont, width: float) -> list[str]:
    """``text`` in lines no wider than ``width`` pixels; 0 means one line."""
    if not width or font.getlength(text) <= width:
        return [text]
    lines: list[str] = []
    for word in text.split():
        if lines and font.getlength(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


@cache
def font_path(bold: bool) -> Path:
    """DejaVu Sans inside matplotlib's data."""
    import matplotlib as mpl  # only its data folder: heavy parts stay unloaded

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return Path(mpl.get_data_path()) / "fonts" / "ttf" / name


@cache
def _font(bold: bool, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(font_path(bold)), size)
