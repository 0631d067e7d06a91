"""Who does the shards of a campaign: this process, processes beside it, or workers of Dask.

Whoever it is gives the results back in the order of the orders, so that a journal cannot tell how
many there were. No more orders are taken from the campaign than there is work for: results that
wait for an earlier one are few, and memory does not grow with the deck.

A worker that ends in the middle of a shard (killed by the system, crashed in a library) is replaced
and the shard is tried once more; after that it is lost, and the campaign is told why.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from multiprocessing import connection
from multiprocessing.connection import Connection
from typing import Protocol

from kalys.devices.core_pages import sweep
from kalys.devices.counting_core import ONE_THREAD
from kalys.links.clock import RealClock
from kalys.procedures.shard import (
    ShardFailure,
    ShardOrder,
    ShardResult,
    Tell,
    Workbench,
    do_shard,
)

TRIES = 2
"""How often a shard is tried when workers end."""
_AHEAD = 2              # orders for each worker that are out or whose results wait
_LOOK_EVERY_S = 0.5
_FAREWELL_S = 3.0
_PATIENCE_S = 300.0     # beyond what a core may take for a batch, before a worker counts as hanging


@dataclass(frozen=True)
class Lost:
    """A shard that no worker brought to its end."""

    number: int
    why: str


Done = ShardResult | ShardFailure | Lost


class Workforce(Protocol):
    """Does shards."""

    def carry_out(self, orders: Iterator[ShardOrder], tell: Tell) -> Generator[Done, None, None]:
        """Do them all and give back what came of each, in their order. Whoever needs no more closes
        the iterator."""
        ...

    def close(self) -> None: ...


class InThisProcess:
    """One shard after the other, at a workbench that is there."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench

    def carry_out(self, orders: Iterator[ShardOrder], tell: Tell) -> Generator[Done, None, None]:
        for order in orders:
            yield do_shard(order, self._bench, tell)

    def close(self) -> None:
        self._bench.close()


class _Worker:
    """One worker process; see ``worker_process`` for the other end."""

    def __init__(self) -> None:
        ours, theirs = connection.Pipe()
        environment = {**ONE_THREAD, **os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        self.connection: Connection = ours
        self.order: ShardOrder | None = None
        self.heard = 0
        with theirs:
            # A session of its own: Ctrl-C is for the run, which ends its workers.
            self._process = subprocess.Popen(
                [sys.executable, "-m", "kalys.procedures.worker_process", str(theirs.fileno())],
                pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                start_new_session=True, env=environment,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def end(self) -> str:
        """End it and what it started, and remove what it left in memory; how it had ended."""
        self.connection.close()
        code = self._process.poll()
        if code is None and self.order is None:
            # It hears that nobody is there any more, and closes its core.
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = self._process.wait(timeout=_FAREWELL_S)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        sweep()
        if code is None:
            code = self._process.returncode
        return f"killed by signal {-code}" if code < 0 else f"it ended with {code}"


@dataclass
class _Course:
    """Where the orders of one campaign are."""

    orders: Iterator[ShardOrder]
    again: deque[ShardOrder] = field(default_factory=deque)
    tries: dict[int, int] = field(default_factory=dict)
    ready: dict[int, Done] = field(default_factory=dict)
    taken: deque[int] = field(default_factory=deque)

    def order(self, ahead: int) -> ShardOrder | None:
        """The next order for an idle worker, None while enough is out or when there is none."""
        if self.again:
            return self.again.popleft()
        if len(self.taken) >= ahead:
            return None
        order = next(self.orders, None)
        if order is not None:
            self.taken.append(order.number)
        return order

    def due(self) -> Iterator[Done]:
        """The results whose turn it is."""
        while self.taken and self.taken[0] in self.ready:
            yield self.ready.pop(self.taken.popleft())


class WorkerProcesses:
    """``size`` processes of this machine, which are started when there is work for them."""

    def __init__(self, size: int, patience_s: float = _PATIENCE_S) -> None:
        self._size = size
        self._patience_s = patience_s
        self._workers: list[_Worker] = []
        self._clock = RealClock()

    @property
    def pids(self) -> tuple[int, ...]:
        """The processes that are running."""
        return tuple(worker.pid for worker in self._workers)

    def carry_out(self, orders: Iterator[ShardOrder], tell: Tell) -> Generator[Done, None, None]:
        course = _Course(orders)
        try:
            while True:
                self._employ(course)
                yield from course.due()
                busy = [worker for worker in self._workers if worker.order is not None]
                if not busy and not course.taken and not self._employ(course):
                    return
                heard = connection.wait([w.connection for w in busy], _LOOK_EVERY_S)
                for worker in busy:
                    if worker.connection in heard:
                        self._hear(worker, course, tell)
                    elif self._is_silent(worker):
                        self._bury(worker, course, "it hangs")
        finally:
            for worker in [w for w in self._workers if w.order is not None]:
                self._dismiss(worker)

    def close(self) -> None:
        for worker in tuple(self._workers):
            self._dismiss(worker)

    def _employ(self, course: _Course) -> int:
        """Give idle workers what there is to do; how many orders were given."""
        given = 0
        while True:
            idle = next((w for w in self._workers if w.order is None), None)
            if idle is None and len(self._workers) >= self._size:
                return given
            order = course.order(_AHEAD * self._size)
            if order is None:
                return given
            if idle is None:
                idle = _Worker()
                self._workers.append(idle)
            idle.order, idle.heard = order, self._clock.now()
            given += 1
            # One that has died meanwhile is found out when it is listened to.
            with contextlib.suppress(OSError):
                idle.connection.send(order)

    def _hear(self, worker: _Worker, course: _Course, tell: Tell) -> None:
        try:
            said = worker.connection.recv()
        except (EOFError, OSError):
            self._bury(worker, course, "")
            return
        worker.heard = self._clock.now()
        if isinstance(said, int):
            tell(said)
        else:
            course.ready[said.number] = said
            worker.order = None

    def _is_silent(self, worker: _Worker) -> bool:
        order = worker.order
        if order is None or order.core is None:
            return False
        allowed = self._patience_s + order.core.start_s + 128 * order.core.timeout_s
        return self._clock.now() - worker.heard > allowed * 1e9

    def _bury(self, worker: _Worker, course: _Course, why: str) -> None:
        """A worker is gone: its shard is for another one, or lost."""
        order = worker.order
        ended = self._dismiss(worker)
        assert order is not None
        tries = course.tries[order.number] = course.tries.get(order.number, 0) + 1
        if tries < TRIES:
            course.again.append(order)
        else:
            course.ready[order.number] = Lost(
                order.number,
                f"{tries} workers ended in the middle of it, the last one: {why or ended}",
            )

    def _dismiss(self, worker: _Worker) -> str:
        self._workers.remove(worker)
        return worker.end()


def workers_by_default() -> int:
    """One for each processor that this process may use."""
    available: Callable[[int], set[int]] | None = getattr(os, "sched_getaffinity", None)
    return len(available(0)) if available is not None else os.cpu_count() or 1
