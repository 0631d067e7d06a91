"""A worker process of a campaign: ``python -m kalys.procedures.worker_process FD``.

It is told orders and tells results over the connection that it was started with: a number is so
many more sheets read, anything else the end of a shard. When the other side is gone it ends.
"""

from __future__ import annotations

import contextlib
import sys
from multiprocessing.connection import Connection

import cv2

from kalys.procedures.shard import ShardFailure, Workbench, do_shard


def main(descriptor: int) -> None:
    """Do what is ordered until the other side is gone."""
    cv2.setNumThreads(1)
    bench = Workbench()
    with Connection(descriptor) as campaign, contextlib.suppress(EOFError, OSError):
        while True:
            order = campaign.recv()
            try:
                said = do_shard(order, bench, campaign.send)
            except (EOFError, OSError):
                raise
            except Exception as bug:
                said = ShardFailure(
                    order.number, f"the worker itself failed: {type(bug).__name__}: {bug}"
                )
            campaign.send(said)
    bench.close()


if __name__ == "__main__":
    main(int(sys.argv[1]))
