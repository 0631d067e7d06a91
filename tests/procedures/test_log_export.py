"""The exported event log against the log itself: what the procedure finds, and what it does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from kalys.devices.roles import LogEntry
from kalys.election.event_log_reading import LoggedEvent, WrongEvent
from kalys.errors import Refused
from kalys.procedures.log_export import differences
from kalys.requirements.observation import Outcome

NOON = datetime(2021, 11, 28, 12, tzinfo=UTC)
SMALL = {"log.export": {"sheets": 1}}


def entry(number: int, kind: str = "cast", outcome: str = "success") -> LogEntry:
    return LogEntry(number, NOON + timedelta(seconds=number), "", "KE-1", kind, "", outcome, "", "",
                    bytes(32))


def event(number: int, kind: str = "cast", disposition: str = "success") -> LoggedEvent:
    return LoggedEvent(str(number), NOON + timedelta(seconds=number), kind, "general",
                       disposition)  # type: ignore[arg-type]


LOG = [entry(1), entry(2, outcome="failure"), entry(3, outcome="foreign")]
EVENTS = [event(1), event(2, disposition="failure"), event(3, disposition="other")]


def test_a_file_that_is_the_log_differs_in_nothing_whatever_its_order() -> None:
    assert differences(LOG, LOG, EVENTS) == []
    assert differences(LOG, LOG, EVENTS[::-1]) == []
    assert differences(LOG, [*LOG, entry(4)], [*EVENTS, event(4)]) == []


@pytest.mark.parametrize(("place", "changed", "told"), [
    (0, replace(EVENTS[0], time=NOON), "is of"),
    (0, replace(EVENTS[0], time=EVENTS[0].time + timedelta(hours=6)), "is of"),
    (1, replace(EVENTS[1], id="open"), "'open'"),
    (1, replace(EVENTS[1], disposition="success"), "disposition success"),
    (2, replace(EVENTS[2], disposition="success"), "outcome 'foreign'"),
    (0, replace(EVENTS[0], disposition="na"), "disposition na"),
    (0, WrongEvent("Id: Field required", "1"), "not valid"),
])
def test_each_way_of_differing_is_told_of_its_entry(place, changed, told) -> None:
    events = [*EVENTS[:place], changed, *EVENTS[place + 1 :]]
    if place == 0 and isinstance(changed, LoggedEvent) and changed.time == NOON:
        assert differences(LOG, LOG, events) == []       # a second is not too much
        return
    ((number, why),) = differences(LOG, LOG, events)
    assert number == place + 1 and told in why


def test_what_is_missing_comes_twice_or_is_no_entry_is_told() -> None:
    assert [n for n, _ in differences(LOG, LOG, EVENTS[:2])] == [3]
    assert [n for n, _ in differences(LOG, LOG, [*EVENTS, EVENTS[1]])] == [0]
    assert [n for n, _ in differences(LOG, LOG, [*EVENTS, event(9)])] == [0]
    assert [n for n, _ in differences(LOG, LOG, [*EVENTS, WrongEvent("no object")])] == [0]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_an_urn_whose_export_is_its_log_passes(emulated, seed) -> None:
    with emulated(parameters=SMALL, seed=seed) as session:
        assert session.run("log.export").error is None
        (found,) = session.verdicts(("LOG-009",))
        assert found.verdict is Outcome.PASS
        assert sum(o.trials for o in session.observations) > 20


@pytest.mark.parametrize(("defect", "told"), [
    ("log-export-leaves-entries-out", "is not in the file"),
    ("log-export-without-zone", "TimeStamp"),
    ("log-export-always-success", "disposition success"),
    ("log-export-keys-of-its-own", "Extra inputs"),
])
def test_an_urn_whose_export_is_not_its_log_fails(emulated, defect, told) -> None:
    with emulated(defect, parameters=SMALL) as session:
        assert session.run("log.export").error is None
        (found,) = session.verdicts(("LOG-009",))
        assert found.verdict is Outcome.FAIL and told in found.failures[0]


def test_an_urn_that_exports_no_such_log_is_not_asked_and_one_that_should_and_does_not_fails(
    emulated, monkeypatch
) -> None:
    with emulated(parameters=SMALL) as session:
        def refused(kind: str) -> bytes:
            raise Refused("no", code="bad-fields")

        monkeypatch.setattr(session.urn, "export", refused)
        session.run("log.export")
        assert session.verdicts(("LOG-009",))[0].verdict is Outcome.FAIL
    with emulated(parameters=SMALL) as session:
        without = tuple(c for c in session.profile.capabilities if c != "election-event-log")
        session.profile = session.profile.model_copy(update={"capabilities": without})
        session.run("log.export")
        assert session.verdicts(("LOG-009",))[0].verdict is Outcome.NOT_APPLICABLE
