"""Who does the shards of a run's campaigns, by what the command line was told."""

from __future__ import annotations

from kalys.bench.bench_file import BenchPlan
from kalys.errors import ConfigurationError
from kalys.procedures.workforce import WorkerProcesses, Workforce, workers_by_default

MOST_WORKERS = 1024


def workforce_for(
    workers: int | None, scheduler: str | None, layout: BenchPlan
) -> Workforce | None:
    """Processes or a Dask cluster; None when this process does all of it itself.

    Only a counting core can be asked by several at once. ConfigurationError when an urn is under
    test, when both are named, or when the cluster cannot be used.
    """
    if layout.under_test.role != "core":
        named = "--workers" if workers is not None else "--scheduler"
        if workers is not None or scheduler is not None:
            raise ConfigurationError(
                "an urn cannot be shared out among workers", where=named,
                remedy="Leave it out; only the campaigns of a counting core have shards.",
            )
        return None
    if scheduler is not None:
        if workers is not None:
            raise ConfigurationError(
                "worker processes and a Dask scheduler are named", where="--scheduler",
                remedy="Name one of them; a cluster has its own workers.",
            )
        from kalys.procedures.dask_workforce import DaskWorkers

        return DaskWorkers(scheduler)
    count = workers_by_default() if workers is None else workers
    if not 1 <= count <= MOST_WORKERS:
        raise ConfigurationError(f"there can be 1 to {MOST_WORKERS} workers, and not {count}",
                                 where="--workers")
    return WorkerProcesses(count) if count > 1 else None
