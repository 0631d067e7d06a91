"""How commands print: tables for people, JSON for machines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import typer

VERDICT_STYLE = {
    "PASS": "green",
    "FAIL": "bold red",
    "INCONCLUSIVE": "yellow",
    "BLOCKED": "magenta",
    "NOT_TESTED": "dim",
    "NOT_APPLICABLE": "dim",
}


def as_json(value: Any) -> None:
    """Print ``value`` as JSON on stdout."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], title: str = "") -> None:
    """Print a table that fits the terminal; cells may hold rich markup of ours only."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    view = Table(title=title or None, box=box.SIMPLE, title_justify="left")
    for index, column in enumerate(columns):
        view.add_column(column, no_wrap=index == 0, overflow="fold")
    for row in rows:
        view.add_row(*row)
    Console().print(view)


def styled(verdict: str) -> str:
    """A verdict word in its colour, as rich markup."""
    style = VERDICT_STYLE.get(verdict)
    return f"[{style}]{verdict}[/]" if style else verdict
