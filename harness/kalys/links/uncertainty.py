"""What the host itself adds to a measured interval: measured, not assumed.

An interval between a request's and an answer's time stamps holds the host's own way through driver,
kernel and interpreter. A loop-back of the same transport shows it: its median is a bias that is not
corrected, its scatter an uncertainty, the clock's resolution another. Combined as in the GUM
(JCGM 100:2008): Type A from the sample (4.2), the uncorrected bias as a rectangular distribution
with the median as half width (4.3.7, F.2.4.5), the resolution as one of its full width (F.2.2.1).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from kalys.errors import LinkError
from kalys.links.clock import NANOSECONDS, Clock
from kalys.links.link import Link

_WARM_UP = 20


@dataclass(frozen=True)
class LinkLatency:
    """Round trips over a loop-back; all times in seconds.

    ``spread`` is the distance between the 5th and the 95th percentile, ``standard_uncertainty``
    the combined one of a single interval measured over such a link.
    """

    rounds: int
    payload: int
    median: float
    spread: float
    largest: float
    standard_deviation: float
    resolution: float
    standard_uncertainty: float

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def measure_link_latency(
    open_loopback: Callable[[], AbstractContextManager[Link]],
    *,
    rounds: int = 200,
    payload: int = 30,
) -> LinkLatency:
    """Time ``rounds`` round trips of ``payload`` bytes over a loop-back.

    E.g. ``measure_link_latency(lambda: loopback("tcp", clock))``. LinkError if a byte is missing.
    """
    if rounds < 20:
        raise ValueError(f"the percentiles need at least 20 rounds, got {rounds}")
    with open_loopback() as link:
        for _ in range(_WARM_UP):
            _round_trip(link, payload)
        times = [_round_trip(link, payload) for _ in range(rounds)]
        resolution = _resolution(link.clock)
    median = statistics.median(times)
    deviation = statistics.stdev(times)
    percentiles = statistics.quantiles(times, n=20, method="inclusive")
    return LinkLatency(
        rounds=rounds,
        payload=payload,
        median=median,
        spread=percentiles[-1] - percentiles[0],
        largest=max(times),
        standard_deviation=deviation,
        resolution=resolution,
        standard_uncertainty=math.sqrt(deviation**2 + median**2 / 3 + resolution**2 / 12),
    )


def _round_trip(link: Link, payload: int) -> float:
    link.write(bytes(payload))
    data = link.read(payload, 2.0)
    if len(data) != payload:
        raise LinkError(
            f"the loop-back gave back {len(data)} of {payload} bytes",
            where=link.url,
            remedy="Check the loop-back plug, or measure again on a quiet host.",
        )
    return (link.received_at - link.sent_at) / NANOSECONDS


def _resolution(clock: Clock) -> float:
    """The smallest step that successive readings of the clock show; 0 in virtual time."""
    if clock.base == "virtual":
        return 0.0
    readings = [clock.now() for _ in range(2000)]
    steps = [after - before for before, after in pairwise(readings)]
    return min((step for step in steps if step > 0), default=0) / NANOSECONDS
