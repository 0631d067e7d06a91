"""What the host's clock and wires add to a measured time: stated at the start of every run.

In real time a loop-back of the same kind of wire is timed (docs: ``kalys.links.uncertainty``); the
journal gets the figures as those of an instrument, and the report lists it. Virtual time is exact.
"""

from __future__ import annotations

from kalys.bench.bench import Bench
from kalys.errors import LinkError
from kalys.links.loopback import loopback
from kalys.links.uncertainty import LinkLatency, measure_link_latency

# The loop-back that stands for a link at an address of this scheme.
_LIKE = {"socket": "tcp", "rfc2217": "rfc2217", "TCPIP": "tcp"}


def record_host_timing(bench: Bench) -> None:
    """Measure and journal the timing of this host, once for each kind of wire in use."""
    if bench.clock.base == "virtual":
        bench.journal.add("instrument", {
            "name": "clock", "role": "clock",
            "description": "virtual clock of the harness: exact, resolution 1 ns",
        })
        return
    for transport in sorted(_transports(bench)):
        try:
            latency = measure_link_latency(lambda t=transport: loopback(t, bench.clock))  # type: ignore[misc]
        except LinkError as error:
            bench.journal.add("note", {"text": f"no loop-back over {transport}: {error.what}"})
            continue
        bench.journal.add("instrument", {
            "name": f"host clock, {transport}", "role": "clock",
            "description": _described(transport, latency), "latency": latency.to_dict(),
        })


def _transports(bench: Bench) -> set[str]:
    if bench.wire is not None:
        return {bench.wire}
    addresses = [placed.device.link or "" for placed in bench.plan if not placed.device.emulated]
    return {_LIKE.get(address.split(":", 1)[0], "pty") for address in addresses if address}


def _described(transport: str, latency: LinkLatency) -> str:
    return (
        f"monotonic clock of the host; loop-back over {transport}, {latency.rounds} round trips: "
        f"median {latency.median * 1e6:.0f} us, largest {latency.largest * 1e6:.0f} us, standard "
        f"uncertainty of an interval {latency.standard_uncertainty * 1e6:.0f} us"
    )
