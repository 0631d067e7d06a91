"""Which observations of a journal stand."""

from dataclasses import replace

import pytest

from kalys.errors import EvidenceError
from kalys.evidence.journal import Journal
from kalys.evidence.standing import standing
from kalys.requirements.observation import Observation


def seen(trials, failures=0, procedure="count.volume"):
    return Observation("ACC-009", procedure, "count", trials=trials, failures=failures)


@pytest.fixture
def book(tmp_path):
    with Journal(tmp_path / "journal.jsonl", {}, lambda: 0) as journal:
        yield journal


def step(book, name, what):
    book.add("procedure", {"id": name, "step": what, "error": None})


def test_observations_come_back_as_they_were_seen(book):
    both = [
        seen(76, 1),
        Observation("TIM-006", "timing.transport", "reading", value=298.5, unit="mm/s", u=0.7),
    ]
    for one in both:
        book.add("observation", one.to_dict())
        book.add("note", {})
    assert standing(book.path).observations == both


def test_a_record_that_is_not_an_observation_is_named(book):
    book.add("observation", {"requirement": "ACC-001", "kind": "guess", "procedure": "x"})
    with pytest.raises(EvidenceError, match="record 1"):
        standing(book.path)


def test_an_abandoned_attempt_counts_for_nothing_but_its_failures(book):
    step(book, "count.volume", "begin")
    book.add("observation", seen(500).to_dict())
    book.add("observation", seen(50, 1).to_dict())
    step(book, "count.volume", "abandoned")
    step(book, "count.volume", "begin")
    book.add("observation", seen(700).to_dict())
    step(book, "count.volume", "end")
    found = standing(book.path)
    assert found.observations == [seen(50, 1), seen(700)]
    assert found.ended == {"count.volume": None} and not found.open


def test_a_procedure_that_began_and_did_not_end_is_open(book):
    step(book, "mark.line", "begin")
    book.add("observation", seen(3, procedure="mark.line").to_dict())
    found = standing(book.path)
    assert list(found.open) == ["mark.line"] and not found.ended
    assert len(found.observations) == 1


def virtual(trials, failures, sheet):
    return Observation(
        "PWR-003", "power.transaction", "count", trials=trials, failures=failures, sheet=sheet,
        time_base="virtual", evidence=(trials, trials + 1),
    )


def test_a_failure_that_a_second_attempt_shows_again_in_virtual_time_stands_once(book):
    for _ in range(2):
        step(book, "power.transaction", "begin")
        book.add("observation", virtual(1, 0, "s1").to_dict())
        book.add("observation", virtual(1, 1, "s2").to_dict())
        step(book, "power.transaction", "abandoned")
    step(book, "power.transaction", "begin")
    for _ in range(2):
        book.add("observation", virtual(1, 1, "s2").to_dict())
    step(book, "power.transaction", "end")
    found = standing(book.path)
    assert [o.sheet for o in found.observations] == ["s2", "s2"]
    assert found.left["power.transaction"] == []


def test_whole_parts_stand_and_only_what_came_after_them_is_abandoned(book):
    step(book, "count.volume", "begin")
    book.add("observation", seen(50).to_dict())
    book.add("part", {"procedure": "count.volume", "done": 50})
    book.add("observation", seen(49).to_dict())
    step(book, "count.volume", "abandoned")
    found = standing(book.path)
    assert [o.trials for o in found.observations] == [50]
    assert found.parts == {"count.volume": 50}
    step(book, "count.volume", "begin")
    book.add("observation", seen(48).to_dict())
    step(book, "count.volume", "abandoned")
    assert standing(book.path).parts == {"count.volume": 50}, "killed again before the part ended"
    step(book, "count.volume", "begin")
    book.add("observation", seen(47).to_dict())
    step(book, "count.volume", "end")
    found = standing(book.path)
    assert [o.trials for o in found.observations] == [50, 47]
    assert found.parts == {}


@pytest.mark.parametrize(("sheet", "base"), [("s3", "virtual"), ("s2", "real")])
def test_no_other_failure_disappears(book, sheet, base):
    old = replace(virtual(1, 1, "s2"), time_base=base)
    step(book, "power.transaction", "begin")
    book.add("observation", old.to_dict())
    step(book, "power.transaction", "abandoned")
    step(book, "power.transaction", "begin")
    again = replace(virtual(1, 1, sheet), time_base=base)
    book.add("observation", again.to_dict())
    step(book, "power.transaction", "end")
    assert standing(book.path).observations == [old, again]
