"""A session on an emulated bench in virtual time, without suites and without a report.

The matrix of defects and the benchmarks use it: the procedures run just as in a certification, and
nobody needs a run folder of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from kalys.bench.bench import open_bench
from kalys.evidence.journal import Journal
from kalys.links.clock import Clock
from kalys.procedures.session import Session
from kalys.requirements.plan import load_plan

DEFAULT_BENCH = "emulated-station"


@contextmanager
def emulated_session(
    journal: Path,
    *,
    seed: int,
    plan: str = "quick",
    bench: str = DEFAULT_BENCH,
    defects: Sequence[str] = (),
) -> Iterator[Session]:
    """A session whose journal is written to the new file ``journal``."""
    chosen = load_plan(plan)
    journals: list[Journal] = []

    def open_journal(clock: Clock) -> Journal:
        journals.append(Journal(journal, {"bench": bench, "seed": seed}, clock.now))
        return journals[0]

    try:
        with open_bench(
            bench, clock_base="virtual", seed=seed, journal=open_journal, defects=defects
        ) as opened:
            yield Session(opened, chosen, journals[0], seed)
    finally:
        for written in journals:
            written.close()
