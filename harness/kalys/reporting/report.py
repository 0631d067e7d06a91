"""Writing the reports of a run: ``report.json``, ``report.html``, ``report.pdf``."""

from __future__ import annotations

import json
from pathlib import Path

from kalys.evidence.disk import write_whole
from kalys.reporting.build import build_report, read_run
from kalys.reporting.document import Report
from kalys.reporting.errors import picture_bytes
from kalys.reporting.page import html_page, pictures
from kalys.reporting.paper import pdf_document


def report_json(report: Report) -> str:
    """The text of ``report.json``."""
    return json.dumps(report.model_dump(mode="json", by_alias=True), ensure_ascii=False, indent=1)


def write_reports(folder: Path, lang: str | None = None) -> list[Path]:
    """Write the reports of the run in ``folder`` from its evidence; the paths written.

    In the run's own language the files are ``report.json``, ``report.html`` and ``report.pdf``; in
    another one ``report.LANG.html`` and ``report.LANG.pdf``.
    """
    data = read_run(folder)
    own = str(data.run["lang"])
    lang = lang or own
    report = build_report(data, lang)
    drawn = pictures(report, lang)
    seen = _seen(report, folder)
    stem = "report" if lang == own else f"report.{lang}"
    written = [folder / f"{stem}.html", folder / f"{stem}.pdf"]
    write_whole(written[0], html_page(report, lang, drawn, seen).encode())
    write_whole(written[1], pdf_document(report, lang, drawn, seen))
    if lang == own:
        written.insert(0, folder / "report.json")
        write_whole(written[0], report_json(report).encode())
    return written


def _seen(report: Report, folder: Path) -> dict[str, bytes]:
    """The pictures of errors as PNG, by their file names."""
    found: dict[str, bytes] = {}
    for picture in report.errors.pictures if report.errors else ():
        data = picture_bytes(folder / "evidence", picture.file, picture.sha256)
        if data is not None:
            found[picture.file] = data
    return found
