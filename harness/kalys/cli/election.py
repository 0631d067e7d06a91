"""``kalys election``: elections with their ballots in NIST's Ballot Definition format."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kalys.ballots.layout import Layout
    from kalys.election.definition import ElectionDefinition

election_app = typer.Typer(
    help="Elections with their ballots: to and from NIST's Ballot Definition (SP 1500-20, JSON).",
    no_args_is_help=True,
)
LAYOUT = ".layout.json"


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.add_typer(election_app, name="election")


@election_app.command("export")
def export(
    election: Annotated[
        str, typer.Argument(help="Election file, or the name of a shipped election.")
    ] = "kg-2021-11-28",
    out: Annotated[Path, typer.Option(help="File to write (JSON).")] = Path("election.json"),
    json: Annotated[bool, typer.Option("--json", help="Print what was written as JSON.")] = False,
) -> None:
    """Write an election and the layouts of its ballots as a NIST Ballot Definition.

    Example: kalys election export accuvote --out accuvote.json
    """
    from kalys.ballots.nist_ballot_definition import ballot_definition
    from kalys.cli.output import as_json
    from kalys.election.definition import load
    from kalys.links.clock import RealClock

    definition = load(election)
    layouts = _layouts_of(definition, Path(election))
    data = ballot_definition(definition, layouts, generated=RealClock().utc())
    out.write_text(_text(data), encoding="utf-8")
    if json:
        as_json({"file": str(out), **_told(definition, layouts)})
    else:
        typer.echo(f"{out}: {_sentence(definition, layouts)}")


@election_app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="Ballot Definition (JSON).")],
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path(),
    json: Annotated[bool, typer.Option("--json", help="Print what was written as JSON.")] = False,
) -> None:
    """Read a NIST Ballot Definition: the election as ID.yaml, each layout as ID.STYLE.layout.json.

    Example: kalys election import accuvote.json --out elections
    """
    import yaml

    from kalys.ballots.nist_ballot_import import read_ballot_definition
    from kalys.cli.output import as_json

    definition, layouts = read_ballot_definition(file.read_bytes())
    out.mkdir(parents=True, exist_ok=True)
    written = [out / f"{definition.id}.yaml"]
    plain = definition.model_dump(mode="json")
    written[0].write_text(
        yaml.safe_dump(plain, allow_unicode=True, sort_keys=False), encoding="utf-8"
    )
    for style, layout in layouts.items():
        written.append(out / f"{definition.id}.{style}{LAYOUT}")
        written[-1].write_text(_text(layout.to_dict()), encoding="utf-8")
    if json:
        as_json({"files": [str(path) for path in written], **_told(definition, layouts)})
    else:
        typer.echo("\n".join(str(path) for path in written))
        typer.echo(_sentence(definition, layouts))


def _layouts_of(definition: ElectionDefinition, path: Path) -> dict[str, Layout]:
    """The layouts beside an imported election's file, else the shipped ones; a style without a
    layout is exported without geometry."""
    import json

    from kalys.ballots.layout import Layout
    from kalys.ballots.templates import layouts_for
    from kalys.errors import ConfigurationError

    beside = {
        style.id: path.with_name(f"{definition.id}.{style.id}{LAYOUT}")
        for style in definition.styles
    }
    if path.is_file() and any(file.is_file() for file in beside.values()):
        found = {}
        for style, file in beside.items():
            if file.is_file():
                try:
                    found[style] = Layout.from_dict(json.loads(file.read_bytes()))
                except ValueError as error:
                    raise ConfigurationError(f"is no layout: {error}", where=str(file)) from error
        return found
    return dict(layouts_for(definition))


def _text(data: object) -> str:
    import json

    return json.dumps(data, ensure_ascii=False, indent=1) + "\n"


def _told(definition: ElectionDefinition, layouts: Mapping[str, Layout]) -> dict[str, object]:
    return {
        "election": definition.id, "contests": len(definition.contests),
        "styles": [style.id for style in definition.styles], "layouts": sorted(layouts),
    }


def _sentence(definition: ElectionDefinition, layouts: Mapping[str, Layout]) -> str:
    without = [style.id for style in definition.styles if style.id not in layouts]
    more = f"; without a layout: {', '.join(without)}" if without else ""
    return (
        f"election {definition.id}, {len(definition.contests)} contests, "
        f"{len(definition.styles)} ballot styles{more}"
    )
