"""``kalys day``: scripted election days: show them, check one, play one, print their schema."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from kalys.procedures.session import Session

day_app = typer.Typer(help="Scripted election days.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Day file, or the name of a shipped day.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.add_typer(day_app, name="day")


@day_app.command("show")
def show(
    name: Annotated[str, typer.Argument(help="Day to show; all shipped ones if left out.")] = "",
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the shipped days, or show the course of one.

    Example: kalys day show kg-edges
    """
    from kalys.cli.output import as_json
    from kalys.procedures.election_day import checking, course
    from kalys.resources import resource

    if name:
        day = checking.load(name)
        if json:
            as_json(day.model_dump(mode="json", by_alias=True, exclude_none=True))
            return
        typer.echo("\n".join(course.lines(day)))
        return
    shipped = sorted(resource(*checking.FOLDER.split("/")).glob("*.yaml"))
    days = [checking.load(path.stem) for path in shipped]
    if json:
        as_json({"days": [{"day": day.day, "title": day.title} for day in days]})
        return
    for day in days:
        typer.echo(f"{day.day:<22}{day.title}")


@day_app.command("check")
def check(name: Name) -> None:
    """Check a day: file, line, field of what is wrong, and what was probably meant.

    Example: kalys day check my-day.yaml
    """
    from kalys.election.definition import load as load_definition
    from kalys.procedures.election_day import checking

    day = checking.load(name)
    definition = load_definition(day.election)
    checking.check_against(day, [style.id for style in definition.styles], list(day.urns))
    typer.echo(
        f"{day.day}: {len(day.stations)} station(s), {len(day.commission)} steps, "
        f"{len(day.faults)} faults, {len(day.expect)} expectations"
    )


@day_app.command("schema")
def schema() -> None:
    """Print the JSON Schema of the language.

    Example: kalys day schema > day.schema.json
    """
    from kalys.cli.output import as_json
    from kalys.procedures.election_day import checking

    as_json(checking.schema())


@day_app.command("run")
def run(  # noqa: PLR0917
    name: Name,
    bench: Annotated[
        str, typer.Option(help="Bench file, or a shipped bench.")
    ] = "emulated-station",
    voters: Annotated[
        int | None, typer.Option(help="Voters at every station, instead of the script's.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of every random choice.")] = 1,
    defect: Annotated[
        list[str] | None, typer.Option(help="Build a defect into the emulated urn.")
    ] = None,
    wire: Annotated[
        str | None, typer.Option(help="tcp, pty or rfc2217: real wires, and real time.")
    ] = None,
    pace: Annotated[
        float, typer.Option(help="On real wires to emulated devices: so many times as fast.")
    ] = 1.0,
    skip_idle: Annotated[
        float | None, typer.Option(help="Put clocks forward where nothing happens for longer (s).")
    ] = None,
    journal: Annotated[Path | None, typer.Option(help="Journal file to write.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Play one day and say what it shows; nothing is certified by it (kalys certify does that).

    Ends with 0 when nothing speaks against the station, else 1.

    Example: kalys day run kg-edges
    """
    from kalys.bench.bench import open_bench
    from kalys.bench.operator import terminal_operator
    from kalys.cli.output import as_json
    from kalys.procedures.day import play_day
    from kalys.procedures.election_day import checking
    from kalys.procedures.session import Session
    from kalys.requirements.plan import load_plan

    day = checking.load(name)
    with open_bench(
        bench, wire=wire, seed=seed, journal=journal, defects=defect or (), pace=pace,
        operator=terminal_operator,
    ) as opened:
        session = Session(opened, load_plan("quick"), opened.journal, seed)
        play_day(session, day, voters, skip_idle)
        hours = opened.clock.now() / 3.6e12
    told = _told(session)
    if json:
        as_json({"day": day.day, "seed": seed, "observations": told})
    else:
        for row in told:
            typer.echo(
                f"{row['requirement']:<10}{row['trials']:>7} trials{row['failures']:>5} failed"
            )
            for note in row["notes"]:
                typer.echo(f"    {note}")
        typer.echo(f"{hours:.1f} h of {opened.time_base} time")
    raise typer.Exit(1 if any(row["failures"] for row in told) else 0)


def _told(session: Session) -> list[dict[str, Any]]:
    """What the day shows, by requirement."""
    rows: dict[str, dict[str, Any]] = {}
    for seen in session.observations:
        row = rows.setdefault(
            seen.requirement,
            {"requirement": seen.requirement, "trials": 0, "failures": 0, "notes": []},
        )
        row["trials"] += seen.trials or 1
        row["failures"] += seen.failures
        if seen.failures:
            row["notes"].append(f"{seen.condition}: {seen.note}")
    return [rows[name] for name in sorted(rows)]
