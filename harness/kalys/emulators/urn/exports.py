"""What leaves the urn as fields or files: totals, records, log.

The results file is canonical JSON that another urn of the station can take in; the log file has one
JSON object a line; cast vote records are a report of NIST SP 1500-103, and the election event log
is the same log in the format of NIST SP 1500-101. All are described in docs/emulators.md.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from kalys.election import cast_vote_records, event_log_cdf
from kalys.emulators.urn.clock import stamp
from kalys.emulators.urn.mainboard import Mainboard

RESULTS_FORMAT = "kalys-urn-results/1"


def results_fields(board: Mainboard) -> dict[str, Any]:
    """The fields of the RESULTS response, for the book that counts now."""
    clock = board.memory.clock
    counters = board.behaviour.totals(board.memory.book.counters)
    return {
        "time_ms": clock.time_ms(board.agenda.now),
        "offset_min": clock.offset_min,
        "sheets": counters.sheets, "valid": counters.valid, "invalid": counters.invalid,
        "votes": [
            {"contest": contest, "option": option, "votes": votes}
            for contest, row in counters.votes.items() for option, votes in row.items()
        ],
        "contests": [
            {"contest": contest, "overvotes": counters.overvotes[contest],
             "undervotes": counters.undervotes[contest]}
            for contest in counters.votes
        ],
    }


def results_file(board: Mainboard) -> bytes:
    """The results of this urn as a file."""
    memory, clock = board.memory, board.memory.clock
    package = memory.package
    return _json({
        "format": RESULTS_FORMAT,
        "device": {
            "maker": board.configuration.maker, "model": board.configuration.model,
            "serial": board.serial, "software": board.configuration.legal_software_id,
        },
        "election": package.definition.id if package else "",
        "definition_sha256": memory.definition_sha256.hex(),
        "station": package.station if package else "",
        "style": package.style if package else "",
        "state": memory.state.value,
        "time": stamp(clock.time_ms(board.agenda.now), clock.offset_min),
        **board.behaviour.totals(memory.book.counters).to_dict(),
    })


def log_file(board: Mainboard) -> bytes:
    """The event log as a file, one entry a line."""
    entries = board.behaviour.log_for_reading(board.memory.log.entries)
    rows = ({**entry.row(), "chain": entry.chain.hex()} for entry in entries)
    return b"".join(_json(row) + b"\n" for row in rows) or b"\n"


def election_event_log_file(board: Mainboard) -> bytes:
    """The event log in NIST's format."""
    c, package = board.configuration, board.memory.package
    report = event_log_cdf.report(
        board.behaviour.log_for_reading(board.memory.log.entries),
        device=event_log_cdf.Device(board.serial, c.maker, c.model, c.legal_software_id),
        generated=board.now(), election=package.definition.id if package else "",
    )
    return _json(board.behaviour.exported_log(report))


def cast_vote_records_file(board: Mainboard) -> bytes:
    """The records of the book that counts now in NIST's format, in the order of their random ids,
    which says nothing about the order of casting."""
    package, c = board.memory.package, board.configuration
    assert package is not None
    records = sorted(board.memory.book.records, key=lambda record: record.id)
    report = cast_vote_records.report(
        package.definition, map(cast_vote_records.from_record, records),
        device=cast_vote_records.Device(
            f"urn-{board.serial}", c.maker, c.model, board.serial, c.legal_software_id
        ),
        generated=board.now(), station=package.station,
    )
    return _json(board.behaviour.exported_records(report))


def backup_file(board: Mainboard) -> bytes:
    """Records and log as they are written to the memory stick."""
    records = sorted(board.memory.votes.records, key=lambda record: record.id)
    rows = b"".join(_json(record.row()) + b"\n" for record in records)
    return rows + log_file(board)


FILES: Mapping[str, Callable[[Mainboard], bytes]] = {
    "results": results_file,
    "log": log_file,
    "election-event-log": election_event_log_file,
    "cast-vote-records": cast_vote_records_file,
}
"""The files that can be exported, by the kind that the host asks for."""
LOGS = frozenset({"log", "election-event-log"})
"""Those that hold no result, and are handed out whatever the counters say."""


def _json(data: Any) -> bytes:
    return json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
