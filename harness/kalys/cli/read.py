"""``kalys read``: scans of ballots to marks, with a layout and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kalys.errors import ConfigurationError

if TYPE_CHECKING:
    from kalys.ballots.layout import Layout
    from kalys.counting.picture_file import FilePicture
    from kalys.counting.reader import Reader, SheetReading

_NOT_READ, _WRONG = 1, 2
_OVERSCAN_MM = 40.0       # that an office scanner may add to the page's length


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("read")(read)


def read(  # noqa: PLR0917
    images: Annotated[list[Path], typer.Argument(help="Scans: PNG, JPEG, TIFF of many pages ...")],
    layout: Annotated[
        str, typer.Option(help="Layout file of any kind (docs/ballots.md), or a shipped style.")
    ],
    style: Annotated[
        str | None, typer.Option(help="Ballot style, where the file holds several.")
    ] = None,
    sides: Annotated[
        bool, typer.Option("--sides", help="Take pictures two by two: both sides of a sheet.")
    ] = False,
    show: Annotated[
        Path | None, typer.Option(help="Folder for the scans with what was seen drawn on them.")
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="List empty targets as well.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Read scanned ballots with a layout, and say what was marked and how much of each target.

    Ends with 0 if every sheet was read, 1 if one was given back, 2 if a file could not be used.

    Example: kalys read --layout accuvote-letter --sides front.png back.png --show seen
    """
    from kalys.ballots.layout_file import read_layout
    from kalys.cli import output

    page = read_layout(layout, style)
    if show is not None:
        show.mkdir(parents=True, exist_ok=True)
    readers: dict[int, Reader] = {}
    told = [_told(one, page, readers, show) for one in _pictures(images)]
    sheets = _paired(told) if sides else told
    for sheet in sheets:
        sheet.pop("_reading", None)
    if as_json:
        for one in told:
            one.pop("_reading", None)
        output.as_json({"layout": page.style, "pictures": told, "sheets": sheets})
    else:
        for sheet in sheets:
            _print(sheet, every=every)
    if any(sheet["status"] == "error" for sheet in sheets):
        raise typer.Exit(_WRONG)
    if any(sheet["status"] != "read" for sheet in sheets):
        raise typer.Exit(_NOT_READ)


def _pictures(paths: list[Path]) -> Iterator[FilePicture | dict[str, Any]]:
    """The pictures of all files; for a file that cannot be used, what is to be said of it."""
    from kalys.counting.picture_file import pictures_in

    for path in paths:
        try:
            yield from pictures_in(path)
        except ConfigurationError as error:
            yield {"file": str(path), "page": 1, "status": "error", "why": error.what,
                   "remedy": error.remedy or ""}


def _told(
    one: FilePicture | dict[str, Any], layout: Layout, readers: dict[int, Reader],
    show: Path | None,
) -> dict[str, Any]:
    """One picture's reading as plain data."""
    if isinstance(one, dict):
        return one
    from kalys.counting.picture_file import resolution_of, upright
    from kalys.counting.reader import Reader

    image = upright(one.image, layout)
    dpi = resolution_of(image, layout)
    if dpi not in readers:
        scaled = layout if dpi == layout.dpi else layout.at(dpi)
        readers[dpi] = Reader([scaled], too_long_mm=_OVERSCAN_MM)
    told: dict[str, Any] = {
        "file": str(one.path), "page": one.page, "name": one.name, "dpi": dpi,
        "pixels": [one.image.shape[1], one.image.shape[0]],
    }
    try:
        reading = readers[dpi].read(image)
    except ConfigurationError as error:
        return told | {"status": "error", "why": error.what, "remedy": error.remedy or ""}
    told |= _plain(reading) | {"_reading": (readers[dpi], reading)}
    seen = readers[dpi].fitted(image)
    if show is not None:
        told["shown"] = [str(_draw(one, image if seen is None else seen, reading, show))]
    return told


def _plain(reading: SheetReading) -> dict[str, Any]:
    return {
        "status": reading.status, "reason": reading.reason, "style": reading.style,
        "orientation": reading.orientation, "code": reading.code,
        "skew_deg": round(reading.skew_deg, 3), "stretch": round(reading.stretch, 5),
        "marks": {c: list(options) for c, options in reading.marks.items()},
        "fills": {c: {o: round(v, 4) for o, v in fills.items()}
                  for c, fills in reading.fills.items()},
        "ambiguous": list(reading.ambiguous),
    }


def _paired(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Sheets of two pictures each."""
    from kalys.counting.sides import merged

    if len(told) % 2:
        raise ConfigurationError(
            f"{len(told)} pictures are not two for each sheet", where="--sides",
            remedy="Name both sides of every sheet, one after the other.",
        )
    sheets = []
    for lower, upper in zip(told[::2], told[1::2], strict=True):
        names = [str(side.get("name", side["file"])) for side in (lower, upper)]
        files: dict[str, Any] = {
            "name": " + ".join(names),
            "shown": [path for side in (lower, upper) for path in side.get("shown", ())],
        }
        broken = next((side for side in (lower, upper) if side["status"] == "error"), None)
        if broken is not None:
            sheets.append({**broken, **files})
            continue
        reader, reading = lower["_reading"]
        both = merged(reader, reading, upper["_reading"][1])
        sheets.append(_plain(both) | files)
    return sheets


def _draw(one: FilePicture, image: Any, reading: SheetReading, folder: Path) -> Path:
    import cv2

    from kalys.counting.annotation import annotated

    page = f"-{one.page}" if one.pages else ""
    path = folder / f"{one.path.stem}{page}-seen.png"
    path.write_bytes(cv2.imencode(".png", annotated(image, reading))[1].tobytes())
    return path


def _print(sheet: dict[str, Any], *, every: bool) -> None:
    from rich.markup import escape

    from kalys.cli import output

    name = sheet.get("name") or sheet["file"]
    if sheet["status"] == "error":
        typer.echo(f"{name}: {sheet['why']}", err=True)
        if sheet["remedy"]:
            typer.echo(f"  {sheet['remedy']}", err=True)
        return
    place = f"{sheet['orientation']}, skew {sheet['skew_deg']:+.2f} deg" if sheet["style"] else ""
    said = [sheet["status"], sheet["reason"], sheet["style"], place]
    title = f"{name}: {', '.join(word for word in said if word)}"
    rows = []
    for contest, fills in sheet["fills"].items():
        for option, fill in fills.items():
            unclear = f"{contest}/{option}" in sheet["ambiguous"]
            vote = option in sheet["marks"].get(contest, ())
            if every or vote or unclear:
                word = "[yellow]unclear[/]" if unclear else "[green]vote[/]" if vote else ""
                rows.append((escape(contest), escape(option), f"{100 * fill:.1f} %", word))
    typer.echo(f"{title}{', no marks' if sheet['status'] == 'read' and not rows else ''}")
    for path in sheet.get("shown", ()):
        typer.echo(f"  drawn in {path}")
    if rows:
        output.table(("contest", "option", "fill", "mark"), rows)
