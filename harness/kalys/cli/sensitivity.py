"""``kalys sensitivity``: do the suites see what they claim to see?"""

from __future__ import annotations

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("sensitivity")(sensitivity)


def sensitivity(  # noqa: PLR0917
    defect: Annotated[
        list[str] | None, typer.Option(help="Only these defects (default: all).")
    ] = None,
    seeds: Annotated[int, typer.Option(help="Seeds for which the healthy urn must pass.")] = 20,
    seed: Annotated[int, typer.Option(help="Seed of the defective urns.")] = 1,
    plan: Annotated[str, typer.Option(help="Plan that is run.")] = "quick",
    processes: Annotated[
        int | None, typer.Option(help="Processes at once (default: one for each core).")
    ] = None,
    catalogue: Annotated[
        bool, typer.Option("--catalogue", help="Print the catalogue of defects as Markdown.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Run the suites against every known-bad urn, and the healthy one for many seeds.

    Ends with 0 when every defect was caught and the healthy urn passed for every seed, else with 1.

    Example: kalys sensitivity --defect overvote-counted --seeds 2
    """
    if catalogue:
        from kalys.emulators.defects import GROUPS, page

        typer.echo(page.markdown(GROUPS))
        return
    from kalys.certification.progress import quiet_progress, terminal_progress
    from kalys.certification.sensitivity import run_matrix
    from kalys.cli.output import as_json
    from kalys.cli.summary import print_matrix

    with quiet_progress() if json else terminal_progress() as progress:
        matrix = run_matrix(
            defects=defect, healthy_seeds=seeds, seed=seed, plan=plan,
            processes=processes, progress=progress,
        )
    if json:
        as_json(matrix.to_dict())
    else:
        print_matrix(matrix)
    raise typer.Exit(0 if matrix.holds else 1)
