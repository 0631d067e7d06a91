"""Print the figures as a table, or as JSON with ``--json``; names choose some of them.

Campaigns, which take minutes, run only when they are named.
"""

from __future__ import annotations

import argparse
import json
import sys

from benchmarks import command_line, counting, days, links
from benchmarks.figure import Figure

BENCHMARKS = {
    "help": command_line.answer_to_help,
    "certify-quick": command_line.certify_quick,
    "day-1200": days.day_1200,
    "day-prerendered": days.day_prerendered,
    "day-cost-per-voter": days.day_cost_per_voter,
    "driver-request": links.driver_request,
    "driver-request-socket": links.driver_request_socket,
    "journal": links.journal_records,
    "journal-records": days.journal_records,
    "render-sheet": counting.render_sheet,
    "render-volume": counting.render_volume,
    "read-sheet": counting.read_sheet,
    "read-sheet-60": counting.read_sheet_60,
    "read-batch-60": counting.read_batch_60,
    "registration-60": counting.registration_60,
    "campaign-10m": counting.campaign_10m,
    "campaign-sprt": counting.campaign_sprt,
}
ONLY_BY_NAME = ("campaign-10m", "campaign-sprt")
"""What takes minutes."""


def main() -> int:
    """Run the named benchmarks (by default all but the campaigns, which take minutes); 1 when a
    goal was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    figures: dict[str, Figure] = {}
    usual = [name for name in BENCHMARKS if name not in ONLY_BY_NAME]
    for name in arguments.names or usual:
        print(f"{name} ...", file=sys.stderr, flush=True)
        figures[name] = BENCHMARKS[name]()
    if arguments.json:
        print(json.dumps({name: figure.to_dict() for name, figure in figures.items()}, indent=2))
    else:
        _print_table(figures)
    return 0 if all(figure.met for figure in figures.values()) else 1


def _print_table(figures: dict[str, Figure]) -> None:
    print(f"{'benchmark':<24}{'median':>12}  {'unit':<10}{'goal':>8}   beside")
    for name, figure in figures.items():
        beside = ", ".join(f"{what} {value:.4g}" for what, value in figure.beside.items())
        print(
            f"{name:<24}{figure.value:>12.4g}  {figure.unit:<10}{figure.goal:>8g}"
            f" {' ' if figure.met else '!'} {beside}"
        )


if __name__ == "__main__":
    sys.exit(main())
