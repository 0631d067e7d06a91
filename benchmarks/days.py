"""Scripted days and their journal, in virtual time on the emulated station."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

from benchmarks.figure import Figure
from kalys.certification.emulated import emulated_session
from kalys.evidence.journal import Journal
from kalys.procedures.day import play_day
from kalys.procedures.election_day import checking
from kalys.resources import resource

VOTERS = 1200
PAPERS = 24                   # of a pre-rendered deck, at each urn


def _ordinary(**voters: Any) -> Any:
    """The ordinary day, its voters changed."""
    path = resource("fixtures", "election_days", "kg-2021-ordinary.yaml")
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    document["stations"][0]["voters"].update(voters)
    # An open entrance: no queue at the kits, however many come.
    document["stations"][0]["kits"] = {}
    document["commission"].append({"every": {"sheets": 1500}, "do": "change-box"})
    return checking.understand(document, "the ordinary day")


def _seconds(voters: int, **changes: Any) -> float:
    """Seconds of the processor that a day of so many voters takes."""
    with (
        tempfile.TemporaryDirectory() as folder,
        emulated_session(Path(folder) / "journal.jsonl", seed=1) as session,
    ):
        begin = time.perf_counter()
        play_day(session, _ordinary(**changes), voters)
        taken = time.perf_counter() - begin
        wrong = [o.note for o in session.observations if o.failures]
    if wrong:
        raise SystemExit(f"the day shows: {wrong[:3]}")
    return taken


def day_1200() -> Figure:
    """The ordinary day with 1,200 voters and the images of their 2,400 ballots, without suites."""
    return Figure(_seconds(VOTERS), "s", 15, beside={"voters": VOTERS})


def day_prerendered() -> Figure:
    """The same with a pre-rendered deck: each picture is drawn and read once."""
    return Figure(
        _seconds(VOTERS, papers=PAPERS), "s", 4, beside={"voters": VOTERS, "papers": PAPERS}
    )


def day_cost_per_voter() -> Figure:
    """What a voter of a long day costs against one of a short day, with a pre-rendered deck.

    The days' own cost (opening, reports, incidents) is taken off by a day without voters.
    """
    changes = {"papers": PAPERS, "booth": 5, "first": "08:00:30"}
    empty = _seconds(0, **changes)
    each = {n: (_seconds(n, **changes) - empty) / n for n in (100, 1000, 10_000)}
    return Figure(
        each[10_000] * 1e6, "us", 3000, ratio=each[10_000] / each[1000],
        beside={f"{n} voters us": seconds * 1e6 for n, seconds in each.items()},
    )


def journal_records() -> Figure:
    """Seconds for 100,000 records of the wire, as a day writes them; the goal is one second."""
    data = bytes(range(48))
    taken = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(5):
            with Journal(Path(folder) / f"{number}.jsonl", {"bench": "journal"}, lambda: 0) as made:
                begin = time.perf_counter()
                for time_ns in range(100_000):
                    made.wire("urn-1", "rx", data, time_ns)
                taken.append(time.perf_counter() - begin)
    median = statistics.median(taken)
    return Figure(median, "s", 1.0, beside={"records a second": 100_000 / median})
