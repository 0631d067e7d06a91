"""The shards of a campaign on a Dask cluster: ``kalys certify --scheduler tcp://HOST:PORT``.

The orders are those that worker processes get. Every worker of the cluster needs this version of
Kalys with the same numpy and OpenCV (they draw the pictures) and the core under test, by the same
name. A worker keeps its core and its renderer from one shard to the next, for each of its threads.
A shard whose worker dies is given to another one by Dask itself, as often as the scheduler's
``allowed-failures`` says.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Generator, Iterator
from typing import Any

from kalys import __version__
from kalys.errors import ConfigurationError
from kalys.procedures.shard import ShardFailure, ShardOrder, ShardResult, Tell, Workbench, do_shard
from kalys.procedures.workforce import Done, Lost

_AHEAD = 2
_CONNECT_S = 10.0
_WORKERS_S = 30.0
_LOOK_EVERY_S = 0.5


class DaskWorkers:
    """The workers of the cluster whose scheduler is at ``address``.

    ConfigurationError when Dask is not installed, nothing answers there, there is no worker, or a
    worker has another Kalys.
    """

    def __init__(self, address: str, wait_s: float = _CONNECT_S) -> None:
        try:
            import distributed
        except ImportError as error:
            raise ConfigurationError(
                "Dask is not installed", where="--scheduler",
                remedy="Install it: pip install 'kalys[dask]'",
            ) from error
        try:
            connect: Any = distributed.Client
            self._client = connect(address, timeout=wait_s, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            raise ConfigurationError(
                f"no Dask scheduler answers: {' '.join(str(error).split())[:200]}", where=address,
                remedy="Start one with `dask scheduler`, and name its tcp://HOST:PORT.",
            ) from error
        try:
            self._require_workers(address)
        except BaseException:
            self.close()
            raise

    def carry_out(self, orders: Iterator[ShardOrder], tell: Tell) -> Generator[Done, None, None]:
        out: deque[tuple[ShardOrder, Any]] = deque()
        more = True
        try:
            while more or out:
                while more and len(out) < _AHEAD * self._threads():
                    order = next(orders, None)
                    more = order is not None
                    if order is not None:
                        future = self._client.submit(shard_on_dask, order, pure=False)
                        out.append((order, future))
                if out:
                    order, future = out[0]
                    done = _result(order, future)
                    out.popleft()
                    future.release()
                    if isinstance(done, ShardResult):
                        tell(done.count.shown)
                    yield done
        finally:
            self._client.cancel([future for _, future in out], force=True)

    def close(self) -> None:
        self._client.close()

    def _threads(self) -> int:
        workers = self._client.scheduler_info(n_workers=-1)["workers"].values()
        return sum(worker["nthreads"] for worker in workers) or 1

    def _require_workers(self, address: str) -> None:
        try:
            self._client.wait_for_workers(1, timeout=_WORKERS_S)
        except TimeoutError as error:
            raise ConfigurationError(
                "the Dask scheduler has no workers", where=address,
                remedy=f"Start some: dask worker {address}",
            ) from error
        ours = versions()
        for worker, theirs in self._client.run(versions, on_error="return").items():
            if isinstance(theirs, BaseException):
                raise ConfigurationError(
                    f"Kalys cannot be used there: {type(theirs).__name__}: {theirs}"[:300],
                    where=worker, remedy=f"Install Kalys {__version__} on every worker.",
                )
            differing = [f"{k} {theirs.get(k)}, here {ours[k]}" for k in ours
                         if theirs.get(k) != ours[k]]
            if differing:
                raise ConfigurationError(
                    f"the worker has {'; '.join(differing)}", where=worker,
                    remedy="Install the same versions on every worker.",
                )


def versions() -> dict[str, str]:
    """What must be the same wherever pictures are drawn."""
    import cv2
    import numpy as np

    return {"kalys": __version__, "numpy": np.__version__, "OpenCV": cv2.__version__}


def shard_on_dask(order: ShardOrder) -> ShardResult | ShardFailure:
    """`do_shard` at the workbench of this thread of a Dask worker."""
    import cv2
    from distributed import get_worker

    cv2.setNumThreads(1)
    benches: dict[int, Workbench] = get_worker().__dict__.setdefault("kalys_workbenches", {})
    bench = benches.setdefault(threading.get_ident(), Workbench())
    return do_shard(order, bench, lambda _sheets: None)


def _result(order: ShardOrder, future: Any) -> Done:
    from distributed import KilledWorker

    while True:
        try:
            done: Done = future.result(timeout=_LOOK_EVERY_S)
        except TimeoutError:
            continue
        except KilledWorker as error:
            return Lost(order.number, f"its workers ended: {' '.join(str(error).split())[:200]}")
        except Exception as error:
            return ShardFailure(
                order.number, f"the Dask worker failed: {type(error).__name__}: {error}"[:300]
            )
        return done
