"""What the harness itself adds to the uncertainty of a time that it measures.

Two sources: when a byte that ends an interval is *seen* (half of the smallest round trip on the
link, and its spread, both measured here and now), and the instruments of the bench (where a light
barrier is, how sharply it switches), taken as rectangular distributions from the figures below
(GUM 4.3.7).

The bench's figures are those of the test procedure, docs/procedures.md: barriers set with a steel
rule to 0.5 mm and switching within 0.5 ms, a display that is seen within 1 ms. A laboratory with
better ones may say so in a plan.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kalys.metrology.timing import Component, combine, rectangular

if TYPE_CHECKING:
    from kalys.devices.roles import Urn
    from kalys.links.clock import Clock

BARRIER_PLACE_MM = 0.5
BARRIER_SWITCHING_S = 0.0005
DISPLAY_SEEN_S = 0.001   # a photodiode at the display; a camera sees it a frame later
CLOCK_RATE = 50e-6       # of an ordinary quartz clock, half width; a certificate may say less


@dataclass(frozen=True)
class HostTiming:
    """Round trips of the smallest request on the urn's link, in seconds."""

    round_trips: tuple[float, ...]

    @property
    def stamp(self) -> Component:
        """Standard uncertainty of one time stamp of the host, in s.

        The moment lies somewhere between the shortest possible and the observed arrival: half the
        shortest round trip as a rectangular half width, and the spread of the round trips.
        """
        return combine_stamp(self.round_trips)


def combine_stamp(round_trips: Sequence[float]) -> Component:
    """Standard uncertainty in s of a stamp on a link with these round trips (s)."""
    spread = statistics.stdev(round_trips) if len(round_trips) > 1 else 0.0
    estimate = combine(0.0, [rectangular(min(round_trips) / 2), Component(spread)])
    return Component(estimate.u, dof=max(1, len(round_trips) - 1))


def measure_host(urn: Urn, clock: Clock, readings: int) -> HostTiming:
    """Time ``readings`` status requests."""
    times = []
    for _ in range(max(2, readings)):
        started = clock.now()
        urn.status()
        times.append((clock.now() - started) / 1e9)
    return HostTiming(tuple(times))


def interval_u(seconds: float, host: HostTiming) -> float:
    """Standard uncertainty in s of an interval between two stamps of the host."""
    stamp = host.stamp.u
    return combine(
        seconds, [Component(stamp), Component(stamp), rectangular(CLOCK_RATE * seconds)]
    ).u


def speed_u(path_mm: float, seconds: float, host: HostTiming) -> float:
    """Standard uncertainty in mm/s of path / time between two light barriers of the bench."""
    speed = path_mm / seconds
    place = rectangular(BARRIER_PLACE_MM).u * math.sqrt(2)
    switching = rectangular(BARRIER_SWITCHING_S).u * math.sqrt(2)
    return combine(
        speed,
        [
            Component(place, c=1 / path_mm * speed),
            Component(switching, c=speed / seconds),
            Component(interval_u(seconds, host), c=speed / seconds),
        ],
    ).u


def response_u(seconds: float) -> float:
    """Standard uncertainty in s of the time from a light barrier to what a display shows.

    Both are stamped by the instrument that sees them, so that no link of the host comes into it.
    """
    return combine(
        seconds,
        [
            rectangular(BARRIER_SWITCHING_S),
            rectangular(DISPLAY_SEEN_S),
            rectangular(CLOCK_RATE * seconds),
        ],
    ).u
