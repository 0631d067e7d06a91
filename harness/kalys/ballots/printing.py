"""A deck on paper: pages for a real printer, the operator's instructions, and a contact sheet.

Pages are vectors at true size with the sheet's number below the last timing marks, where no device
looks. A deck of a style with targets on both sides has two pages a sheet, front and back, for a
printer that prints on both; what has one side has an empty second page there. Ballots are printed
with their marks; what happens to the paper (folds, tears, orientation)
is the operator's work and stands in the instructions. The contact sheet shows what an ideal sensor
would see of each sheet.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from kalys.ballots.artwork import font_path
from kalys.ballots.deck_file import Deck
from kalys.ballots.layout import Face, Layout, Side, track_centres
from kalys.ballots.marks import strokes
from kalys.ballots.render import Renderer
from kalys.ballots.sheet import Paper, Sheet, Truth
from kalys.ballots.templates import layouts_for
from kalys.errors import ConfigurationError

Layouts = Mapping[str, Layout]

_FEED = {
    "down-head": "print down, head first",
    "down-foot": "print down, foot first",
    "up-head": "print UP, head first",
    "up-foot": "print UP, foot first",
}
_FEED_TWO_SIDED = {
    "down-head": "front down, head first",
    "down-foot": "front down, foot first",
    "up-head": "back down, head first",
    "up-foot": "back down, foot first",
}
_COLOURS = {
    "valid": "#17632a", "invalid": "#8a1f1f", "return": "#1d4e89", "any-but-miscounted": "#7a5200",
}
_SHADE = 1.5  # skew and shift smaller than this (degrees, mm) are left to the operator's hand


def deck_pdf(deck: Deck, layouts: Layouts, path: Path) -> None:
    """Write the deck as a PDF, one sheet a page, or two pages where the style has two sides.

    ``layouts`` are those of the deck's election by style; other elections' are found by name.
    """
    renderer = Renderer(layouts)
    sides: list[Side] = ["front", "back"] if layouts[deck.style].sides == 2 else ["front"]
    faces: dict[str, Any] = {}
    pages = []
    for number, sheet in enumerate(deck, 1):
        for side in sides:
            layout, face = renderer.printed(sheet, side)
            name = "" if face is None else f"{layout.election}/{layout.style}/{id(face)}"
            pens: list[Any] = []
            if face is not None:
                faces.setdefault(name, _face(layout, face))
                pens = [_pen(stroke) for mark in sheet.marks
                        if any((t.contest, t.option) == (mark.contest, mark.option)
                               for t in face.targets)
                        for stroke in strokes(mark, face)]
            label = _label(deck, number, sheet) + (f"   {side}" if len(sides) > 1 else "")
            pages.append({"face": name, "strokes": pens, "label": label,
                          "label_y": _below_the_marks(layout), "size": layout.page_mm})
    _compile("deck.typ", {"faces": faces, "sheets": pages}, path)


def instructions_pdf(deck: Deck, path: Path) -> None:
    """Write what the operator does with each sheet and what a correct device does then."""
    two_sided = layouts_for(deck.definition)[deck.style].sides > 1
    feed = _FEED_TWO_SIDED if two_sided else _FEED
    truths = [sheet.truth for sheet in deck if sheet.truth]
    kinds = {kind: sum(t.kind == kind for t in truths)
             for kind in ("valid", "invalid", "return", "any-but-miscounted")}
    _compile("instructions.typ", {
        "name": deck.name, "seed": str(deck.seed), "sha256": deck.manifest["sha256"],
        "election": deck.definition.id, "style": deck.style,
        "print": "both sides (front, then back, turned over the long edge) of" if two_sided
        else "one side of",
        "valid": str(kinds["valid"]), "invalid": str(kinds["invalid"]),
        "returned": str(kinds["return"]), "either": str(kinds["any-but-miscounted"]),
        "sheets": [
            {
                "number": str(number), "style": sheet.style, "feed": feed[sheet.orientation],
                "prepare": preparation(
                    sheet.paper, of_back=two_sided and sheet.orientation.startswith("up")
                ),
                "expected": expectation(sheet.truth),
            }
            for number, sheet in enumerate(deck, 1)
        ],
    }, path)


def contact_sheet(deck: Deck, layouts: Layouts, path: Path, limit: int = 48) -> None:
    """Write a PNG with small pictures of at most ``limit`` sheets, spread over the deck, as the
    sensor sees them, each with its id, orientation and truth; of two sides the lower one left."""
    renderer, sides = Renderer(layouts, pool=8), layouts[deck.style].sides
    chosen = np.unique(np.linspace(0, len(deck) - 1, min(limit, len(deck))).round().astype(int))
    columns = min(8 if sides == 1 else 5, len(chosen))
    rows = -(-len(chosen) // columns)
    wide, tall = (260, 368) if sides == 1 else (424, 296)
    gap, text, head = 16, 40, 44
    size = (columns * (wide + gap) + gap, head + rows * (tall + text + gap) + gap)
    board = Image.new("RGB", size, "#e6e6e6")
    draw = ImageDraw.Draw(board)
    plain = ImageFont.truetype(str(font_path(False)), 14)
    bold = ImageFont.truetype(str(font_path(True)), 14)
    title = ImageFont.truetype(str(font_path(True)), 20)
    of = "" if len(chosen) == len(deck) else f"{len(chosen)} of "
    name = f"{deck.name}, {deck.definition.id} {deck.style}, seed {deck.seed}"
    draw.text((gap, gap), _fitting(f"{name}: {of}{len(deck)} sheets", title, size[0] - 2 * gap),
              fill="#202020", font=title)
    for place, index in enumerate(chosen.tolist()):
        sheet = deck[index]
        x = gap + place % columns * (wide + gap)
        y = head + gap + place // columns * (tall + text + gap)
        small = _thumbnail(_beside(renderer.seen(sheet, sides)), wide, tall)
        board.paste(small, (x + (wide - small.width) // 2, y))
        kind = sheet.truth.kind if sheet.truth else "no truth"
        draw.text((x, y + tall + 4), _fitting(sheet.id, bold, wide), fill="#202020", font=bold)
        draw.text((x, y + tall + 22), _fitting(f"{kind}, {sheet.orientation}", plain, wide),
                  fill=_COLOURS.get(kind, "#202020"), font=plain)
    try:
        board.save(path, "PNG")
    except OSError as error:
        raise ConfigurationError(f"cannot be written: {error}", where=str(path)) from error


def _beside(image: Any) -> Any:
    """Both sides in one picture, where there are two."""
    if image.ndim == 2:
        return image
    gap = np.full((image.shape[1], image.shape[2] // 40), 230, np.uint8)     # as the board is
    return np.hstack([image[0], gap, image[1]])


def _thumbnail(image: Any, wide: int, tall: int) -> Image.Image:
    """The scan within ``wide`` x ``tall`` pixels, its proportions kept."""
    rows, columns = image.shape
    scale = min(wide / columns, tall / rows)
    size = (max(1, round(columns * scale)), max(1, round(rows * scale)))
    return Image.fromarray(np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA)))


def _fitting(text: str, font: ImageFont.FreeTypeFont, wide: int) -> str:
    """``text``, or as much of its beginning as is no wider than ``wide`` pixels."""
    if font.getlength(text) <= wide:
        return text
    while text and font.getlength(f"{text}…") > wide:
        text = text[:-1]
    return f"{text}…"


def preparation(paper: Paper, *, of_back: bool = False) -> str:
    """In words, what the operator does to the paper before feeding it, and to sensor and feed;
    "" for nothing. What a person cannot do (noise, tone, perspective) is left out. ``of_back``:
    places on the paper are those of its back."""
    done = [*_on_paper(paper)]
    if of_back and done:
        done[0] = f"seen from the back: {done[0]}"
    return "; ".join([*done, *_while_feeding(paper)])


def _on_paper(paper: Paper) -> Iterator[str]:
    for fold in paper.folds:
        across = min(abs(fold.angle_deg) % 180, 180 - abs(fold.angle_deg) % 180)
        way = "across" if across < 20 else "lengthwise" if across > 70 else "askew"
        yield (f"fold {way} through {fold.x:.0f} mm from the left, {fold.y:.0f} mm from the top, "
               "and open again")
    for tear in paper.tears:
        yield (f"tear off the corner {tear.corner.replace('-', ' ')}, "
               f"{tear.along_mm:.0f} by {tear.down_mm:.0f} mm")
    for notch in paper.notches:
        end = "top" if notch.edge in ("left", "right") else "left"
        yield (f"tear {notch.along_mm:.0f} by {notch.deep_mm:.0f} mm out of the {notch.edge} edge, "
               f"its middle {notch.at_mm:.0f} mm from the {end}")
    for scrawl in paper.scrawls:
        yield (f"scribble {scrawl.width_mm:.0f} by {scrawl.height_mm:.0f} mm with a pen around "
               f"{scrawl.x:.0f} mm from the left, {scrawl.y:.0f} mm from the top")
    for label in paper.labels:
        yield (f"glue white paper of {label.width_mm:.0f} by {label.height_mm:.0f} mm over "
               f"{label.x:.0f} mm from the left, {label.y:.0f} mm from the top")
    if paper.stains:
        yield f"{len(paper.stains)} weak coffee stain{'s'[:len(paper.stains) > 1]}"


def _while_feeding(paper: Paper) -> Iterator[str]:
    for streak in paper.streaks:
        yield f"dirt on the sensor {streak.x:.0f} mm from its left end"
    if abs(paper.skew_deg) >= _SHADE:
        turn = "clockwise" if paper.skew_deg > 0 else "anticlockwise"
        yield f"feed about {abs(paper.skew_deg):.0f} degrees {turn}"
    x = paper.shift_mm[0]
    if abs(x) >= _SHADE:
        yield f"feed {abs(x):.0f} mm to the {'right' if x > 0 else 'left'}"
    if paper.follower_mm:
        yield f"feed together with an unmarked ballot that shows {paper.follower_mm:.0f} mm behind"


def expectation(truth: Truth | None) -> str:
    """In words, what a correct device does."""
    if truth is None:
        return ""
    if truth.kind == "return":
        return f"given back: {truth.why}" if truth.why else "given back"
    votes = ", ".join(
        f"{contest} {'+'.join(options)}" for contest, options in truth.votes.items() if options
    )
    why = f": {truth.why}" if truth.why else ""
    counted = f"valid: {votes}" if truth.valid else f"invalid{why}"
    if truth.ambiguous:
        return "either way, or given back"
    return f"{counted}, or given back" if truth.kind == "any-but-miscounted" else counted


def _label(deck: Deck, number: int, sheet: Sheet) -> str:
    return f"{number} / {len(deck)}   {deck.name}, seed {deck.seed}   {sheet.id}"


def _below_the_marks(layout: Layout) -> float:
    """Where the sheet's number is printed, mm from the top: below the last timing marks, and at
    least 7.5 mm from the foot where they leave that room."""
    height = layout.page_mm[1]
    lowest = max(
        (y + track.mark_mm[1] / 2 for track in layout.front.tracks
         for _, _, y in track_centres(track, layout.page_mm)), default=0.0,
    )
    return min(max(height - 7.5, lowest + 1.2), height - 3.0)


def _face(layout: Layout, face: Face) -> dict[str, Any]:
    """The printed face as the template wants it: timing and code marks as plain bars."""
    bars = [
        (x - track.mark_mm[0] / 2, y - track.mark_mm[1] / 2, *track.mark_mm)
        for track in face.tracks for _, x, y in track_centres(track, layout.page_mm)
    ]
    code = face.code
    if code is not None:
        wide, high = code.mark_mm
        bars += [
            (code.x + i * code.pitch - wide / 2, code.y - high / 2, wide, high)
            for i, bit in enumerate(code.bits) if bit == "1"
        ]
    plain = face.model_dump(mode="json", include={"texts", "lines", "boxes", "targets"})
    return {**plain, "bars": bars}


def _pen(stroke: Any) -> dict[str, Any]:
    return {
        "points": np.round(stroke.points, 3).tolist(), "width": stroke.width_mm,
        "density": stroke.density, "filled": stroke.filled,
    }


def _compile(template: str, data: Mapping[str, Any], path: Path) -> None:
    import typst  # 30 MB of compiler: only when something is printed

    source = Path(__file__).with_name(template)
    try:
        pdf = typst.compile(
            source, format="pdf", ignore_system_fonts=True,
            font_paths=[font_path(False).parent],
            sys_inputs={"deck": json.dumps(data, ensure_ascii=False)},
        )
        path.write_bytes(pdf)
    except (RuntimeError, OSError) as error:
        raise ConfigurationError(f"cannot be printed: {error}", where=str(path)) from error
