"""Marginal marks in cast vote records: what the procedure finds, on urns and on cores alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from kalys.bench.bench import open_bench
from kalys.bench.bench_file import plan_core_bench
from kalys.counting.as_core import kalys_reader
from kalys.election.cast_vote_record_reading import CastVoteRecord, Seen
from kalys.errors import Refused
from kalys.evidence.journal import NullJournal
from kalys.procedures.mark_records import expected_of
from kalys.procedures.record_encoding import Band, Expected, assigned
from kalys.procedures.session import Session
from kalys.protocols.urn.messages import AMBIGUOUS_MARKS, UrnState
from kalys.requirements.observation import Outcome
from kalys.requirements.plan import Plan

SMALL = {"mark.records": {"sheets": 6}}
BAND = Band(0.045, 0.09, told=True)
PLACE, OTHER = ("party", "P01"), ("party", "P02")


def verdict(session: Session, requirement: str = "MRK-012") -> Any:
    (found,) = session.verdicts((requirement,))
    return found


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_an_urn_that_tells_marginal_marks_as_such_passes(emulated, seed):
    with emulated(parameters=SMALL, seed=seed) as session:
        result = session.run("mark.records")
        assert result.error is None
        counts = [o for o in result.observations if o.kind == "count"]
        assert {o.requirement for o in counts} == {"MRK-012", "ACC-009"}
        assert all(o.failures == 0 and o.trials for o in counts)


@pytest.mark.parametrize(("defect", "requirement", "told"), [
    ("marginal-exported-as-vote", "MRK-012", "a marginal mark is told as 'yes'"),
    ("marginal-exported-as-blank", "MRK-012", "a marginal mark is told as 'no'"),
    ("marginal-exported-unmeasured", "MRK-012", "no MarkMetricValue"),
    ("export-leaves-records-out", "MRK-012", "is in no record"),
    ("export-leaves-records-out", "ACC-009", "sheets in the results"),
])
def test_an_urn_that_tells_them_otherwise_fails(emulated, defect, requirement, told):
    with emulated(defect, parameters=SMALL) as session:
        assert session.run("mark.records").error is None
        found = verdict(session, requirement)
        assert found.verdict is Outcome.FAIL
        assert any(told in o.note for o in session.observations if o.requirement == requirement)


def test_the_urn_is_left_as_it_was_found(emulated):
    with emulated(parameters=SMALL) as session:
        session.run("mark.records")
        assert session.urn.parameters()[AMBIGUOUS_MARKS] == ("return", "")
        assert session.urn.status().state is UrnState.STANDBY


def test_an_urn_that_takes_no_such_sheets_or_exports_no_records_is_not_asked(emulated, monkeypatch):
    with emulated(parameters=SMALL) as session:
        def refused(name: str, value: str) -> None:
            raise Refused("no", code="bad-fields")

        with monkeypatch.context() as patch:
            patch.setattr(session.urn, "set_parameter", refused)
            session.run("mark.records")
        found = verdict(session)
        assert found.verdict is Outcome.NOT_APPLICABLE and "ambiguous_marks" in found.reason
    with emulated(parameters=SMALL) as session:
        without = tuple(c for c in session.profile.capabilities if c != "cast-vote-records")
        session.profile = session.profile.model_copy(update={"capabilities": without})
        session.run("mark.records")
        found = verdict(session)
        assert found.verdict is Outcome.NOT_APPLICABLE and "exports no" in found.reason


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff\xfe"])
def test_an_export_that_nobody_can_read_is_a_failure_and_no_error(emulated, monkeypatch, data):
    with emulated(parameters=SMALL) as session:
        monkeypatch.setattr(session.urn, "export", lambda kind: data)
        assert session.run("mark.records").error is None
        assert verdict(session).verdict is Outcome.FAIL


# Cores alone. The callables are imported by their names.


def strict_core(hello: Mapping[str, Any]) -> Any:
    """Gives sheets with an ambiguous mark back, whatever it is asked."""
    return kalys_reader({**hello, "ambiguous_marks": "return"})


def votes_for_marginal(hello: Mapping[str, Any]) -> Any:
    """Takes a marginal mark for a vote where there are two of them on the sheet."""
    reader = kalys_reader(hello)

    def read(image: NDArray[np.uint8]) -> Any:
        answer = dict(reader(image))
        if sum(map(len, answer.get("marginal", {}).values())) < 2:
            return answer
        contest, row = next(iter(answer["marginal"].items()))
        marks = {**answer["marks"], contest: (*answer["marks"][contest], *row)}
        return {**answer, "marks": marks, "marginal": {}}

    return read


def on_a_core(name: str) -> Any:
    spec = name if ":" in name else f"python:{__name__}:{name}"
    plan = Plan.load("quick").model_copy(update={"procedures": SMALL})
    with open_bench(plan_core_bench(spec), journal=lambda _: NullJournal()) as bench:
        session = Session(bench, plan, NullJournal(), 5)
        assert session.run("mark.records").error is None
        return verdict(session)


def test_records_are_written_for_a_core_that_names_marginal_marks():
    found = on_a_core("python:kalys.counting.as_core:kalys_reader")
    assert not found.failures and found.verdict in (Outcome.PASS, Outcome.INCONCLUSIVE)


def test_a_core_that_gives_such_sheets_back_is_not_asked():
    found = on_a_core("strict_core")
    assert found.verdict is Outcome.NOT_APPLICABLE and "name no marginal marks" in found.reason


def test_a_core_that_takes_a_marginal_mark_for_a_vote_fails():
    assert on_a_core("votes_for_marginal").verdict is Outcome.FAIL


# Comparing


def record(name: str, **seen: Seen) -> CastVoteRecord:
    at = {("party", option): what for option, what in seen.items()}
    return CastVoteRecord(name, "KG-PL", at, at)


@pytest.mark.parametrize(("seen", "wrong"), [
    (Seen("unknown", 0.06, 0), ""),
    (Seen("unknown", None, 0), "no MarkMetricValue"),
    (Seen("unknown", 0.2, 0), "measure 0.2"),
    (Seen("unknown", 0.06, 1), "counts 1"),
    (Seen("yes", 0.06, 0), "told as 'yes'"),
    (Seen("no", None, 0), "told as 'no'"),
])
def test_a_marginal_mark_is_unknown_with_a_measure_of_the_band_and_counts_nothing(seen, wrong):
    sheet = Expected("s", frozenset(), frozenset({OTHER}))
    found = sheet.wrong(record("r", P02=seen), BAND)
    assert (wrong in found[OTHER]) if wrong else not found


def test_where_nothing_was_drawn_nothing_may_be_told():
    sheet = Expected("s", frozenset({PLACE}), frozenset())
    told = record("r", P01=Seen("yes", None, 1), P02=Seen("unknown", 0.06, 0))
    assert sheet.wrong(told, BAND) == {OTHER: "no mark is told as 'unknown'"}
    assert sheet.wrong(record("r", P01=Seen("yes", None, 1), P02=Seen("no", 0.01, 0)), BAND) == {}


def test_records_go_to_the_sheets_they_are_likest_to_in_whatever_order_they_come():
    sheets = [Expected(f"s{i}", frozenset({("party", f"P0{i}")}), frozenset()) for i in (1, 2, 3)]
    records = [record(f"r{i}", **{f"P0{i}": Seen("yes", None, 1)}) for i in (3, 1)]
    pairs, strays = assigned(sheets, [*records, record("x")], BAND)
    assert [found.id if found else None for _, found, _ in pairs] == ["r1", "x", "r3"]
    assert [len(wrong) for *_, wrong in pairs] == [0, 1, 0] and strays == 0
    assert assigned(sheets[:1], records, BAND)[1] == 1


def test_the_measure_of_a_device_that_tells_no_thresholds_need_only_be_a_share():
    assert Band(0.045, 0.09, told=False).holds(0.4) and not BAND.holds(0.4)


def test_the_deck_has_each_way_of_being_marked(emulated):
    from kalys.procedures.mark_records import _deck

    with emulated() as session:
        sheets = [expected_of(sheet) for sheet in _deck(session, BAND, 6)]
        assert [len(sheet.marginal) for sheet in sheets] == [1, 1, 1, 2, 1, 0]
        assert [len(sheet.clear) for sheet in sheets] == [2, 2, 1, 2, 3, 2]
        assert all(not sheet.clear & sheet.marginal for sheet in sheets)
