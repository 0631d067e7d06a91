"""``kalys sensitivity``: do the suites see what they claim to see?"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

INTERRUPTED = 130
MATRIX_SEEDS = 20           # of the healthy urn, unless told


class Subset(StrEnum):
    """Which rows of the matrix are run."""

    ALL = "all"
    CI = "ci"


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("sensitivity")(sensitivity)


def sensitivity(  # noqa: PLR0917
    defect: Annotated[
        list[str] | None,
        typer.Option(help="Only this defect, NAME or NAME:parameter=value (default: all)."),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(
            min=0, help="Seeds: of each named defect (default 1), else of the healthy urn (20)."
        ),
    ] = None,
    healthy: Annotated[
        bool, typer.Option("--healthy", help="Only the healthy urn, which must pass.")
    ] = False,
    subset: Annotated[
        Subset, typer.Option(help="ci: one quick defect for each procedure.")
    ] = Subset.ALL,
    seed: Annotated[int, typer.Option(help="The first seed.")] = 1,
    plan: Annotated[str, typer.Option(help="Plan that is run.")] = "quick",
    processes: Annotated[
        int | None, typer.Option(min=1, help="Processes at once (default: one for each core).")
    ] = None,
    keep: Annotated[
        Path | None,
        typer.Option(help="Keep trials in this file; those it has are not run again."),
    ] = None,
    catalogue: Annotated[
        bool, typer.Option("--catalogue", help="Print the catalogue of defects as Markdown.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Run the suites against every known-bad urn, and the healthy one for many seeds.

    Ends with 0 when every defect was caught as often as computed and the healthy urn passed for
    every seed, else with 1; 130 when interrupted, with what was done until then.

    Example: kalys sensitivity --defect ballot-misread-rarely:one_in=5000 --seeds 100
    """
    if catalogue:
        from kalys.emulators.defects import GROUPS, page

        typer.echo(page.markdown(GROUPS))
        return
    from kalys.certification.progress import quiet_progress, terminal_progress
    from kalys.certification.sensitivity import ci_subset, run_matrix
    from kalys.cli.output import as_json
    from kalys.cli.sensitivity_table import print_matrix
    from kalys.errors import ConfigurationError

    if healthy and defect:
        raise ConfigurationError(
            "the healthy urn has no defect", remedy="Give --healthy or --defect, not both."
        )
    chosen: list[str] | tuple[str, ...] | None = defect or None
    if healthy:
        chosen = ()
    elif chosen is None and subset is Subset.CI:
        chosen = ci_subset(plan)
    healthy_seeds = 0 if defect else MATRIX_SEEDS if seeds is None else seeds
    with quiet_progress() if json else terminal_progress() as progress:
        matrix = run_matrix(
            defects=chosen, healthy_seeds=healthy_seeds, seed=seed, plan=plan,
            seeds=max(1, seeds or 1) if defect else 1, processes=processes, progress=progress,
            keep=keep,
        )
    if json:
        as_json(matrix.to_dict())
    else:
        print_matrix(matrix)
    raise typer.Exit(INTERRUPTED if not matrix.complete else 0 if matrix.holds else 1)
