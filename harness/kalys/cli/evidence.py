"""``kalys verify`` and ``kalys report``: from a run folder alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("verify")(verify)
    app.command("report")(report)


def verify(
    folder: Annotated[Path, typer.Argument(help="Run folder.")],
    redraw: Annotated[
        bool, typer.Option("--redraw", help="Draw sampled pictures of campaigns again as well.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Recompute hashes, chain, signature and every verdict of a run; 0 only if all agree."""
    from kalys.cli.output import as_json
    from kalys.reporting.verification import verify_run

    findings = verify_run(folder, redraw=redraw)
    agrees = all(finding.ok for finding in findings)
    if json:
        as_json({
            "agrees": agrees,
            "findings": [{"ok": f.ok, "what": f.what, "where": f.where} for f in findings],
        })
    else:
        for finding in findings:
            typer.echo(f"{'ok  ' if finding.ok else 'NOT '} {finding.where}: {finding.what}")
        typer.echo(
            "Everything agrees." if agrees else "Not everything agrees: see the lines with NOT."
        )
    raise typer.Exit(0 if agrees else 1)


def report(
    folder: Annotated[Path, typer.Argument(help="Run folder.")],
    lang: Annotated[str, typer.Option(help="Language: en, ru or ky.")] = "en",
) -> None:
    """Write the report of a run again from its evidence.

    The language of the run writes the sealed files again, byte for byte; another language adds
    report.LANG.html and report.LANG.pdf beside them.
    """
    from kalys.reporting.report import write_reports

    for path in write_reports(folder, lang=lang):
        typer.echo(str(path))
