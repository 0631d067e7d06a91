"""``kalys profiles``, ``kalys requirements`` and ``kalys plan``: what there is to work with."""

from __future__ import annotations

from typing import Annotated

import typer

profiles_app = typer.Typer(help="Device profiles and bench files.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.add_typer(profiles_app, name="profiles")
    app.command("requirements")(requirements)
    app.command("plan")(plan)


@profiles_app.command("list")
def list_profiles(json: Json = False) -> None:
    """The shipped profiles and benches."""
    from kalys.bench.bench_file import load_bench_file
    from kalys.bench.profile import load_profile
    from kalys.cli.output import as_json, table
    from kalys.resources import resource

    folder = resource("device_profiles")
    profiles = [load_profile(path.stem) for path in sorted(folder.glob("*.yaml"))]
    benches = [load_bench_file(path.stem) for path in sorted((folder / "benches").glob("*.yaml"))]
    if json:
        as_json({
            "profiles": [
                {"profile": p.profile, "role": p.role, "description": p.description}
                for p in profiles
            ],
            "benches": [
                {"bench": b.bench, "time": b.time, "description": b.description} for b in benches
            ],
        })
        return
    table(("profile", "role", ""), [(p.profile, p.role, p.description) for p in profiles])
    table(("bench", "time", ""), [(b.bench, b.time, b.description) for b in benches])


@profiles_app.command("check")
def check_profile(
    name: Annotated[str, typer.Argument(help="Profile or bench: a file, or a shipped name.")],
) -> None:
    """Check a profile or a bench file; a mistake is told with file, line and field."""
    from kalys.bench.checking import check_file

    typer.echo(check_file(name))


@profiles_app.command("schema")
def print_schema(
    kind: Annotated[str, typer.Argument(help="profile, bench or report.")] = "profile",
) -> None:
    """Print the JSON Schema of profiles, of bench files or of report.json."""
    from kalys.bench.bench_file import bench_schema
    from kalys.bench.profile import profile_schema
    from kalys.cli.output import as_json
    from kalys.errors import ConfigurationError, choice
    from kalys.reporting.document import report_schema

    schemas = {"profile": profile_schema, "bench": bench_schema, "report": report_schema}
    if kind not in schemas:
        raise ConfigurationError(
            f"there is no schema of a {kind}", where="kalys profiles schema",
            remedy=choice(kind, schemas),
        )
    as_json(schemas[kind]())


def requirements(
    tier: Annotated[str | None, typer.Option(help="core or extended.")] = None,
    tested: Annotated[bool, typer.Option(help="Only those with a procedure.")] = False,
    json: Json = False,
) -> None:
    """The catalogue of requirements, with the procedures and defects of each."""
    from kalys.cli.output import as_json, table
    from kalys.requirements.catalogue import load

    catalogue = load()
    chosen = [
        r for r in catalogue
        if (tier is None or r.tier == tier) and (r.procedures or not tested)
    ]
    if json:
        as_json({
            "requirements": [
                {
                    "id": r.id, "tier": r.tier, "dut": r.dut, "statement": r.statement,
                    "limit": r.limit_text(), "source": r.source, "value_status": r.value_status,
                    "procedures": list(r.procedures), "defects": list(r.defects),
                }
                for r in chosen
            ]
        })
        return
    table(
        ("id", "tier", "statement", "limit", "procedures"),
        [(r.id, r.tier, r.statement, r.limit_text(), "\n".join(r.procedures)) for r in chosen],
    )
    core = [r for r in catalogue if r.tier == "core"]
    typer.echo(
        f"{len(chosen)} of {len(catalogue)} requirements; "
        f"{sum(bool(r.procedures) for r in core)} of {len(core)} core ones have a procedure."
    )


def plan(
    name: Annotated[str, typer.Argument(help="quick, standard, full, or a plan file.")] = "quick",
    *,
    rate: Annotated[
        float | None, typer.Option(help="Samples that show a rate of errors of at most this.")
    ] = None,
    sequential: Annotated[
        str | None, typer.Option(help="Lines of a sequential test: ACC-002 or PAP-001.")
    ] = None,
    positions: Annotated[
        int | None, typer.Option(help="Marks for each of so many positions that show a bias.")
    ] = None,
    difference: Annotated[
        float, typer.Option(help="The bias: 0.02 is 2 percentage points.")
    ] = 0.02,
    levels: Annotated[int, typer.Option(help="Mark levels that are tried.")] = 3,
    json: Json = False,
) -> None:
    """What a plan tests and with which samples; or the sample that a question asks for.

    Examples: kalys plan standard; kalys plan --rate 0.001; kalys plan --sequential PAP-001;
    kalys plan --positions 38 --difference 0.05
    """
    from kalys.cli import samples
    from kalys.cli.output import as_json, table
    from kalys.requirements.catalogue import load
    from kalys.requirements.plan import load_plan

    asked = [
        samples.of_rate(rate) if rate is not None else None,
        samples.of_test(sequential) if sequential is not None else None,
        samples.of_positions(positions, difference, levels) if positions is not None else None,
    ]
    answers = [answer for answer in asked if answer is not None]
    if answers:
        if json:
            as_json({key: value for answer in answers for key, value in answer.data.items()})
        else:
            typer.echo("\n\n".join(answer.text for answer in answers))
        return
    chosen, catalogue = load_plan(name), load()
    if json:
        as_json(chosen.model_dump(mode="json"))
        return
    typer.echo(f"{chosen.plan}: {chosen.purpose}\n")
    table(
        ("requirement", "statement", "limit", "procedures"),
        [
            (r.id, r.statement, r.limit_text(), "\n".join(r.procedures))
            for r in catalogue
            if r.id in chosen.requirements
        ],
    )
