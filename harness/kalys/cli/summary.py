"""The end of a run on a terminal."""

from __future__ import annotations

from textwrap import shorten
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.markup import escape

from kalys.cli.output import styled, table

if TYPE_CHECKING:
    from kalys.certification.run import CertificationResult

_ENOUGH = 320       # characters of a reason on a terminal; the report has it whole
_WORDS = {
    "conforms": "[bold green]Conforms[/]",
    "does-not-conform": "[bold red]Does not conform[/]",
    "inconclusive": "[bold yellow]Inconclusive[/]",
}
# Verdicts that need no line of their own.
_AS_EXPECTED = {"urn": ("PASS",), "core": ("PASS", "NOT_APPLICABLE")}


def print_summary(result: CertificationResult) -> None:
    """Verdict first, then what did not pass, then where everything is."""
    report = result.report
    console = Console(highlight=False)
    device = report["device"]
    console.print(
        f"\n{_WORDS[report['conformity']]}: "
        f"{escape(' '.join(part for part in (device['maker'], device['model']) if part))} "
        f"no. {escape(device['serial'])}, plan {escape(report['plan'])}"
    )
    console.print(escape(report["statement"]))
    rows = [
        (v["requirement"], styled(v["verdict"]), escape(shorten(v["reason"], _ENOUGH)))
        for v in report["verdicts"]
        if v["in_plan"] and v["verdict"] not in _AS_EXPECTED[device["role"]]
    ]
    if rows:
        table(("requirement", "verdict", "reason"), rows)
    out = report["counts"]["NOT_APPLICABLE"]
    if device["role"] == "core" and out:
        console.print(f"{out} requirements of the plan are asked of an urn only.")
    basis = ["emulated device"] * device["emulated"]
    basis += ["virtual time"] * (report["run"]["time_base"] == "virtual")
    if device["role"] == "core":
        basis = ["rendered sheets, without an urn"]
    if basis:
        console.print(f"[yellow]{', '.join(basis)}[/]: no statement about a physical unit.")
    folder = result.folder
    typer.echo(f"Report    {folder / 'report.pdf'}\n          {folder / 'report.html'}")
    typer.echo(f"Evidence  {folder / 'evidence'}   check it: kalys verify {folder}")
