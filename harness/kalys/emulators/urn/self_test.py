"""The self-test: what the urn can find out about itself, item by item."""

from __future__ import annotations

from typing import Any

from kalys.emulators.urn.clock import EARLIEST_MS
from kalys.emulators.urn.mainboard import Mainboard
from kalys.emulators.urn.passage import Passage, Phase

LOW_BATTERY_MIN = 5.0


def run(board: Mainboard, passage: Passage) -> list[dict[str, Any]]:
    """The items of the SELF_TEST response; the test itself is logged."""
    memory = board.memory
    findings = board.findings()
    breaks = board.behaviour.log_breaks(memory.log)
    minutes = board.power.minutes_left()
    items = [
        _item("memory", not findings, "; ".join(findings) or
              f"{len(memory.votes.records)} records agree with their counters"),
        _item("event-log", not breaks,
              f"{len(breaks)} breaks of the chain, the last at {breaks[-1]}" if breaks
              else "the chain holds"),
        _item("clock", memory.clock.time_ms(board.agenda.now) >= EARLIEST_MS,
              board.now().isoformat()),
        _item("battery", board.power.battery and minutes > LOW_BATTERY_MIN,
              f"{minutes:.0f} min" if board.power.battery else "not connected"),
        _item("printer", board.printer.paper, "paper" if board.printer.paper else "no paper"),
        _item("paper-path", passage.phase is not Phase.JAMMED, passage.word),
        _item("cover", not board.cover_open, "open" if board.cover_open else "closed"),
        _item("software", True, board.configuration.legal_software_id),
    ]
    well = all(item["ok"] for item in items)
    board.log("readiness", "self-test", "success" if well else "failure", "device")
    board.log("integrity-check", "memory and event log checked by the self-test",
              "failure" if findings or breaks else "success", "memory")
    return items


def _item(name: str, ok: bool, detail: str) -> dict[str, Any]:
    return {"name": name, "ok": ok, "detail": detail}
