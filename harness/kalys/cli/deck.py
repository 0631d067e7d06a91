"""``kalys deck``: decks of sheets with known truth, as files, paper or pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

deck_app = typer.Typer(help="Decks of sheets with known truth.", no_args_is_help=True)

Election = Annotated[str, typer.Option(help="Election file, or the name of a shipped election.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.add_typer(deck_app, name="deck")


@deck_app.command("make")
def make(  # noqa: PLR0917
    out: Annotated[Path, typer.Argument(help="Deck file to write (JSON lines).")],
    kind: Annotated[
        str, typer.Option(help="Kind: logic-and-accuracy, volume, marks, folds, damaged ...")
    ] = "logic-and-accuracy",
    style: Annotated[str, typer.Option(help="Ballot style.")] = "KG-PL",
    sheets: Annotated[
        int, typer.Option(help="Number of sheets, where the kind leaves it open.")
    ] = 300,
    seed: Annotated[int, typer.Option(help="Seed.")] = 1,
    election: Election = "kg-2021-11-28",
) -> None:
    """Make a deck with its truth and manifest.

    Example: kalys deck make la.jsonl --kind logic-and-accuracy --style KG-PL
    """
    from kalys.ballots.deck import build
    from kalys.election.definition import load

    deck = build(kind, load(election), style, n=sheets, seed=seed)
    deck.save(out)
    typer.echo(f"{out}: {len(deck)} sheets")


@deck_app.command("print")
def print_deck(
    deck_file: Annotated[Path, typer.Argument(help="Deck file.")],
    out: Annotated[Path, typer.Option(help="PDF to write.")] = Path("deck.pdf"),
    election: Election = "kg-2021-11-28",
) -> None:
    """Write a deck as a PDF for a real printer, one page a sheet, with the operator's sheet."""
    from kalys.ballots.deck_file import load_deck
    from kalys.ballots.printing import deck_pdf, instructions_pdf
    from kalys.ballots.templates import layouts_for
    from kalys.election.definition import load

    definition = load(election)
    deck = load_deck(deck_file, definition)
    deck_pdf(deck, layouts_for(definition), out)
    instructions = out.with_name(f"{out.stem}-instructions.pdf")
    instructions_pdf(deck, instructions)
    typer.echo(f"{out}\n{instructions}")


@deck_app.command("show")
def show(
    deck_file: Annotated[Path, typer.Argument(help="Deck file.")],
    out: Annotated[Path, typer.Option(help="PNG to write.")] = Path("deck.png"),
    election: Election = "kg-2021-11-28",
) -> None:
    """Write a contact sheet of a deck."""
    from kalys.ballots.deck_file import load_deck
    from kalys.ballots.printing import contact_sheet
    from kalys.ballots.templates import layouts_for
    from kalys.election.definition import load

    definition = load(election)
    contact_sheet(load_deck(deck_file, definition), layouts_for(definition), out)
    typer.echo(str(out))


@deck_app.command("plan")
def plan_decks(
    plan: Annotated[str, typer.Argument(help="quick, standard, full, or a plan file.")] = "quick",
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("decks"),
    seed: Annotated[int, typer.Option(help="Seed of the run to come.")] = 1,
) -> None:
    """Print all the paper that a plan will ask a person to insert, a PDF for each procedure.

    Use the same plan and seed with kalys certify afterwards.

    Example: kalys deck plan quick --seed 7 --out decks
    """
    from kalys.ballots.printing import deck_pdf, instructions_pdf
    from kalys.ballots.templates import layouts_for
    from kalys.certification.printed_decks import decks_of_plan
    from kalys.certification.progress import terminal_progress

    with terminal_progress() as progress:
        decks = decks_of_plan(plan, seed, progress)
    out.mkdir(parents=True, exist_ok=True)
    for deck in decks:
        deck_pdf(deck, layouts_for(deck.definition), out / f"{deck.name}.pdf")
        instructions_pdf(deck, out / f"{deck.name}-instructions.pdf")
        typer.echo(f"{out / deck.name}.pdf: {len(deck)} sheets")
    typer.echo(f"{sum(len(deck) for deck in decks)} sheets for kalys certify --seed {seed}")
