"""Feeding tells what became of a sheet, and does not wait for a dead urn for ever."""

from __future__ import annotations

import random
from collections import deque
from types import SimpleNamespace

import pytest

from kalys.devices.roles import Received
from kalys.election.definition import load
from kalys.errors import LinkError
from kalys.evidence.journal import NullJournal
from kalys.procedures.control_sheets import plain_sheet
from kalys.procedures.feeding import feed, feed_deck
from kalys.protocols.urn.messages import Event, EventKind

DEFINITION = load("kg-2021-11-28")


class Urn:
    """An urn that says what it is told to say for each sheet."""

    name = "urn-1"

    def __init__(self, clock, *answers):
        self.clock = clock
        self.answers = deque(answers)
        self.inserted: list[str] = []
        self.queue: deque[Received] = deque()

    def drain(self):
        self.queue.clear()
        return []

    def insert(self, *sheets, overlap_mm=0.0):
        self.inserted += [sheet.id for sheet in sheets]
        answer = self.answers.popleft() if self.answers else []
        self.lost = answer is None
        for number, (kind, fields) in enumerate(answer or [], 1):
            self.queue.append(Received(Event(number, kind, 0, fields), self.clock.time))

    def wait(self, kinds, timeout):
        if self.lost:
            raise LinkError("the cable is out")
        if self.queue:
            return self.queue.popleft()
        self.clock.time += round(timeout * 1e9)
        return None


@pytest.fixture
def bench():
    def made(*answers):
        clock = SimpleNamespace(time=0)
        clock.now = lambda: clock.time
        urn = Urn(clock, *answers)
        session = SimpleNamespace(
            clock=clock, journal=NullJournal(), report_progress=lambda *_: None
        )
        return session, SimpleNamespace(urn=urn, feeder=urn)

    return made


def sheets(count):
    rng = random.Random(1)
    return [plain_sheet(DEFINITION, "KG-PL", f"s{n}", {"party": ("P01",)}, rng)
            for n in range(count)]


ACCEPTED = [(EventKind.NOTICE, {"text": "accepted"}),
            (EventKind.SHEET_ACCEPTED, {"compartment": "valid"})]


@pytest.mark.parametrize(
    ("answer", "outcome", "reason"),
    [
        (ACCEPTED, "valid", ""),
        ([(EventKind.SHEET_ACCEPTED, {"compartment": "invalid"})], "invalid", ""),
        ([(EventKind.SHEET_RETURNED, {"reason": "foreign"})], "returned", "foreign"),
        ([(EventKind.JAM, {"sensor": "exit"})], "jammed", "exit"),
        ([(EventKind.BOOTED, {"cause": "power-on"})], "power-lost", "power-on"),
        ([(EventKind.SHEET_INSERTED, {})], "silent", ""),
        (None, "power-lost", "the cable is out"),
    ],
)
def test_what_became_of_a_sheet_is_what_the_urn_said_last(bench, answer, outcome, reason):
    session, prepared = bench(answer)
    fed = feed(session, prepared, sheets(1)[0], timeout=10)
    assert (fed.outcome, fed.reason) == (outcome, reason)


def test_notices_to_the_voter_are_kept_in_order(bench):
    session, prepared = bench([(EventKind.NOTICE, {"text": "wait"}), *ACCEPTED])
    assert feed(session, prepared, sheets(1)[0]).notices == ("wait", "accepted")


def test_an_urn_that_stays_silent_gets_no_more_than_three_sheets(bench):
    session, prepared = bench(ACCEPTED)
    fed = feed_deck(session, prepared, sheets(50))
    assert [f.outcome for f in fed] == ["valid", "silent", "silent", "silent"]
    assert len(prepared.urn.inserted) == 4
