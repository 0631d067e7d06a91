"""The matrix of defects on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.markup import escape

from kalys.cli.output import table
from kalys.requirements.wording import number

if TYPE_CHECKING:
    from kalys.certification.detection import Predicted
    from kalys.certification.sensitivity import Matrix, Row

PLANS = ("quick", "standard", "full")
MANY = 5                # rows from which on the table leaves the other plans out


def print_matrix(matrix: Matrix) -> None:
    """Defect by requirement: who caught it, after how much, how probably; then the healthy urn."""
    from kalys.certification.detection import false_alarm_by_construction
    from kalys.requirements.plan import load_plan

    if matrix.rows:
        columns = ("defect, requirements", "found", "after", "probability")
        rows = [_cells(row) for row in matrix.rows]
        table(columns, rows, title=f"Plan {matrix.plan}")
        caught = sum(row.caught for row in matrix.rows)
        typer.echo(f"{caught} of {len(matrix.rows)} defects caught.")
        if len(matrix.rows) < MANY:
            for row in matrix.rows:
                _print_prediction(row, matrix.plan)
    if matrix.healthy_seeds:
        typer.echo(
            f"Healthy urn: {len(matrix.false_alarms)} false alarms in {matrix.healthy_seeds} "
            f"seeds: at most {matrix.false_alarm_bound:.2g} in a run (95 %); the rules of the plan "
            f"allow {false_alarm_by_construction(load_plan(matrix.plan)):.2g}."
        )
    for alarm in matrix.false_alarms:
        typer.echo(f"  {alarm}")
    if not matrix.complete:
        Console(highlight=False).print("[yellow]Interrupted: this is what was done.[/]")


def _cells(row: Row) -> tuple[str, ...]:
    return (
        f"{escape(row.name)}\n[dim]{_lines(row.requirements)}[/]", _outcome(row), _after(row),
        _probability(row),
    )


def _lines(names: Sequence[str], in_a_line: int = 3) -> str:
    """The names, so many a line."""
    rows = (names[at : at + in_a_line] for at in range(0, len(names), in_a_line))
    return "\n".join("  " + ", ".join(row) for row in rows)


def _outcome(row: Row) -> str:
    if not row.tested:
        return "[dim]not in the plan[/]"
    by = "\n".join(row.by)
    if row.caught:
        return f"[green]caught by[/]\n{by}" if row.holds else f"[bold red]not as computed[/]\n{by}"
    missed = ", ".join(row.missed)
    return f"[bold red]MISSED[/]\n{missed}" if not row.holds else f"[yellow]not caught[/]\n{missed}"


def _after(row: Row) -> str:
    """Sheets until the first failure was seen; where no count shows it, all that were fed."""
    parts = [_several(row.first_sheet or row.sheets, "sheet")] if row.sheets else []
    parts += [f"{number(row.positions)} pos."] if row.positions else []
    seconds = row.device_seconds
    parts.append(f"{seconds / 3600:.1f} h" if seconds >= 3600 else f"{seconds / 60:.0f} min")
    return "\n".join(parts)


def _several(count: int, what: str) -> str:
    return f"{number(count)} {what}" if count == 1 else f"{number(count)} {what}s"


def _probability(row: Row) -> str:
    """The computed one; beneath it what several seeds gave."""
    told = _share(row.predicted.probability)
    seen = row.observed
    if seen.seeds == 1:
        return told
    low, high = seen.interval
    return f"{told}\n{seen.caught} of {seen.seeds}:\n{_share(low)}..{_share(high)}"


def _share(probability: float) -> str:
    if probability in (0.0, 1.0):
        return f"{probability:.0f}"
    return f"{probability:.3f}" if probability < 0.9995 else f"1 - {1 - probability:.1g}"


def _print_prediction(row: Row, plan: str) -> None:
    """How the probability comes about, and what the other plans would give."""
    from kalys.certification.sensitivity import predictions

    told = predictions(row.name, tuple(dict.fromkeys((plan, *PLANS))))
    for name, predicted in told.items():
        typer.echo(f"  {row.name}, plan {name}: {_words(predicted)}")
    if row.observed.seeds > 1:
        verb = "agrees" if row.observed.agrees(row.predicted) else "does not agree"
        typer.echo(
            f"  observed {row.observed.caught} of {row.observed.seeds}, which {verb} with the "
            f"computed {_share(row.predicted.probability)} (95 % Clopper-Pearson interval "
            f"{_share(row.observed.interval[0])} to {_share(row.observed.interval[1])})."
        )


def _words(predicted: Predicted) -> str:
    told = f"found with probability {_share(predicted.probability)}"
    if predicted.occasions is None:
        return told
    told += f": {number(predicted.occasions)} occasions ({predicted.what})"
    if predicted.chance is not None:
        told += f" of chance {predicted.chance:.3g}"
    if predicted.needed is not None:
        told += f", FAIL from {predicted.needed} on"
    return told
