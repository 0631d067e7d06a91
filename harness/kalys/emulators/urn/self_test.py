"""The self-test: what the urn can find out about itself, item by item."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kalys.emulators.urn.clock import EARLIEST_MS
from kalys.emulators.urn.passage import Phase

if TYPE_CHECKING:
    from kalys.emulators.urn.core import EmulatedUrn

LOW_BATTERY_MIN = 5.0


def run(urn: EmulatedUrn) -> list[dict[str, Any]]:
    """The items of the SELF_TEST response; the test itself is logged."""
    memory = urn.memory
    findings = urn.findings()
    breaks = urn.behaviour.log_breaks(memory.log)
    minutes = urn.power.minutes_left()
    items = [
        _item("memory", not findings, "; ".join(findings) or
              f"{len(memory.votes.records)} records agree with their counters"),
        _item("event-log", not breaks,
              f"{len(breaks)} breaks of the chain, the last at {breaks[-1]}" if breaks
              else "the chain holds"),
        _item("clock", memory.clock.time_ms(urn.agenda.now) >= EARLIEST_MS, urn.now().isoformat()),
        _item("battery", urn.power.battery and minutes > LOW_BATTERY_MIN,
              f"{minutes:.0f} min" if urn.power.battery else "not connected"),
        _item("printer", urn.printer.paper, "paper" if urn.printer.paper else "no paper"),
        _item("paper-path", urn.passage.phase is not Phase.JAMMED, urn.passage.word),
        _item("cover", not urn.cover_open, "open" if urn.cover_open else "closed"),
        _item("software", True, urn.configuration.legal_software_id),
    ]
    well = all(item["ok"] for item in items)
    urn.log("readiness", "self-test", "success" if well else "failure", "device")
    urn.log("integrity-check", "memory and event log checked by the self-test",
            "failure" if findings or breaks else "success", "memory")
    return items


def _item(name: str, ok: bool, detail: str) -> dict[str, Any]:
    return {"name": name, "ok": ok, "detail": detail}
