"""``kalys certify``: the main job."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

EXAMPLES = """\
Examples:

  kalys certify --plan quick
      the emulated station in virtual time; a report in a minute

  kalys certify --plan quick --wire pty
      the same station served on real pseudo-terminals, in real time

  kalys certify --core "python3 my_core.py"
      any counting core, without an urn

  kalys certify --core "python3 my_core.py" --election accuvote
      the same on ballots with ovals on both sides: every sheet is shown as two pictures

  kalys certify --core urn:kalys-emulated-urn=socket://127.0.0.1:4001
      the counting core of an urn, shown pictures over its link instead of paper

  kalys certify --core python:my_package.my_module:my_core --plan accuracy
      ten million ballot positions, on all processors

  kalys certify --bench serial-urn-with-operator --plan standard
      an urn on /dev/ttyUSB0 and a person who is asked to handle the paper

Ends with 0 when every applicable requirement of the plan passed, 1 when one failed, 2 when nothing
could be run, 3 when something stayed undecided, 130 when interrupted.
"""


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("certify", epilog=EXAMPLES.replace("\n", "\n\n"))(certify)


def certify(  # noqa: PLR0917
    bench: Annotated[
        str, typer.Option(help="Bench file, or the name of a shipped bench.")
    ] = "emulated-station",
    plan: Annotated[str, typer.Option(help="quick, standard, full, or a plan file.")] = "quick",
    seed: Annotated[int, typer.Option(help="Seed of decks, days and faults.")] = 1,
    out: Annotated[
        Path | None, typer.Option(help="Run folder; a new one under reports/out by default.")
    ] = None,
    lang: Annotated[str, typer.Option(help="Language of the report: en, ru or ky.")] = "en",
    wire: Annotated[
        str | None,
        typer.Option(help="Put emulated devices on real wires, in real time: tcp, pty, rfc2217."),
    ] = None,
    defect: Annotated[
        list[str] | None,
        typer.Option(help="Build this defect into the emulated urn (see kalys sensitivity)."),
    ] = None,
    core: Annotated[
        str | None,
        typer.Option(
            help="Certify a counting core without an urn: python:package.module:callable, or a "
            "command that speaks docs/protocols/counting-core.md; or an urn's own, shown pictures "
            "instead of paper: urn:PROFILE=URL."
        ),
    ] = None,
    election: Annotated[
        str | None,
        typer.Option(help="Election file, or the name of a shipped election, instead of the "
                     "bench's."),
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(help="Continue the interrupted run in this folder.")
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(help="Processes that do the shards of a campaign on a core; by default one "
                     "for each processor."),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(help="Do them on the Dask cluster with this scheduler: tcp://HOST:PORT."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Run a plan on a bench, seal the evidence and write the report."""
    from kalys.certification.progress import quiet_progress, terminal_progress
    from kalys.certification.run import CertificationOptions, run_certification
    from kalys.cli.output import as_json
    from kalys.cli.summary import print_summary

    options = CertificationOptions(
        bench=bench, plan=plan, seed=seed, out=out, lang=lang, wire=wire,
        defects=tuple(defect or ()), resume=resume, core=core, election=election,
        workers=workers, scheduler=scheduler,
    )
    result = run_certification(options, quiet_progress if json else terminal_progress)
    for warning in result.warnings:
        typer.echo(f"kalys: {warning}", err=True)
    if json:
        as_json(result.report)
    else:
        print_summary(result)
    raise typer.Exit(result.exit_code)
