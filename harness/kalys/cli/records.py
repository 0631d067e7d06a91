"""``kalys records``: cast vote records in NIST's format, from a device or from a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from datetime import datetime

    from kalys.devices.roles import VoteRecord
    from kalys.election.definition import ElectionDefinition

EXAMPLES = """\
Examples:

  kalys records reports/out/my-run --out records.json
      what the urn told last in a run

  kalys records reports/out/my-run --procedure mark.records --out records.json
      what it told to one procedure

  kalys records socket://127.0.0.1:4001 --profile kalys-emulated-urn --out records.json
      ask an urn in test mode or after the polls; with the capability cast-vote-records it
      is the file that the urn writes, else its records written in the format
"""


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("records", epilog=EXAMPLES.replace("\n", "\n\n"))(records)


def records(  # noqa: PLR0917
    source: Annotated[str, typer.Argument(help="Run folder, or the address of an urn.")],
    out: Annotated[Path, typer.Option(help="File to write (JSON).")] = Path("records.json"),
    procedure: Annotated[
        str | None, typer.Option(help="Of a run: the procedure whose records are wanted.")
    ] = None,
    profile: Annotated[
        str, typer.Option(help="Of an urn: its profile, a file or a shipped name.")
    ] = "kalys-emulated-urn",
    election: Annotated[
        str, typer.Option(help="Of an urn: election file, or the name of a shipped election.")
    ] = "kg-2021-11-28",
    json: Annotated[bool, typer.Option("--json", help="Print what was written as JSON.")] = False,
) -> None:
    """Write cast vote records in NIST's common data format (SP 1500-103, JSON)."""
    from kalys.cli.output import as_json

    if Path(source).is_dir():
        data, counted = _of_run(Path(source), procedure)
    else:
        data, counted = _of_urn(source, profile, election)
    out.write_bytes(data)
    if json:
        as_json({"file": str(out), **counted})
    else:
        typer.echo(
            f"{out}: {counted['records']} records, {counted['marks']} marks, "
            f"{counted['marginal']} marginal ones"
        )


def _of_run(folder: Path, procedure: str | None) -> tuple[bytes, dict[str, int]]:
    """The file, and what is in it."""
    from datetime import datetime

    from kalys.election.definition import load
    from kalys.reporting.build import read_run
    from kalys.reporting.run_records import last_listing

    data = read_run(folder)
    records = last_listing(data, procedure).records
    definition = load(data.run["election"])
    generated = datetime.fromisoformat(data.run["finished"])
    file = _written(data.identity, definition, records, generated, data.inputs["bench"]["station"])
    return file, _counted(file, definition)


def _of_urn(url: str, profile: str, election: str) -> tuple[bytes, dict[str, int]]:
    from contextlib import ExitStack
    from dataclasses import asdict

    from kalys.bench.wiring import urn_at
    from kalys.election.definition import load
    from kalys.links.clock import RealClock
    from kalys.protocols.urn.messages import Role

    clock, definition = RealClock(), load(election)
    urn, model = urn_at(url, profile, clock)
    with ExitStack() as closing:
        closing.callback(urn.disconnect)
        identity = asdict(urn.identity())
        urn.login(Role.AUDITOR)
        closing.callback(urn.logout)
        if "cast-vote-records" in model.capabilities:
            file = urn.export("cast-vote-records")
        else:
            file = _written(identity, definition, urn.records(), clock.utc(), "")
    return file, _counted(file, definition)


def _written(
    identity: Mapping[str, Any], definition: ElectionDefinition, records: Iterable[VoteRecord],
    generated: datetime, station: str,
) -> bytes:
    import io

    from kalys.election import cast_vote_records

    device = cast_vote_records.Device(
        f"urn-{identity['serial']}", identity["maker"], identity["model"], identity["serial"],
        identity["legal_software_id"],
    )
    file = io.BytesIO()
    cast_vote_records.write(
        file, definition, map(cast_vote_records.from_record, records), device=device,
        generated=generated, station=station,
    )
    return file.getvalue()


def _counted(file: bytes, definition: ElectionDefinition) -> dict[str, int]:
    """What is in the file, read back strictly: nothing else is written."""
    from kalys.election.cast_vote_record_reading import read_cast_vote_records

    records = read_cast_vote_records(file, definition)
    return {
        "records": len(records),
        "marks": sum(len(record.places("yes")) for record in records),
        "marginal": sum(len(record.places("unknown")) for record in records),
    }
