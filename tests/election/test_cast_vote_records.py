"""Cast vote records in NIST's format: valid by its schema, honest about marginal marks."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kalys.ballots.deck import build
from kalys.ballots.render import Renderer
from kalys.ballots.templates import layouts_for
from kalys.counting.reader import Reader
from kalys.devices.roles import VoteRecord
from kalys.election.cast_vote_record_reading import read_cast_vote_records, votes_of
from kalys.election.cast_vote_records import (
    Device,
    SheetRecord,
    from_reading,
    from_record,
    report,
    write,
)
from kalys.election.definition import load
from kalys.election.rules import judge_sheet
from kalys.election.tally import Tally
from kalys.errors import ConfigurationError
from kalys.resources import data_root

ELECTION = load("kg-2021-11-28")
DEVICE = Device("urn-1", "Kalys", "emulated", "0001", "1.2.3")
NOON = datetime(2021, 11, 28, 12, 0, tzinfo=UTC)


@cache
def _validator() -> Any:
    jsonschema = pytest.importorskip("jsonschema")
    path = data_root().parent / "shared" / "schemas" / "nist-cdf" / "NIST_V0_cast_vote_records.json"
    if not path.is_file():
        pytest.skip("the official schemas are not there: ../shared/schemas")
    return jsonschema.Draft4Validator(
        json.loads(path.read_text(encoding="utf-8")),
        format_checker=jsonschema.Draft4Validator.FORMAT_CHECKER,
    )


def _report(*sheets: SheetRecord) -> dict[str, Any]:
    return report(ELECTION, sheets, device=DEVICE, generated=NOON, station="1001")


def _options(contest: str) -> st.SearchStrategy[tuple[str, ...]]:
    ids = ELECTION.contest(contest).option_ids
    return st.lists(st.sampled_from(ids), max_size=3, unique=True).map(
        lambda chosen: tuple(o for o in ids if o in chosen)
    )


@st.composite
def _sheets(draw: st.DrawFn) -> SheetRecord:
    marks = {"party": draw(_options("party")), "preference": draw(_options("preference"))}
    marginal = {
        contest: tuple(o for o in draw(_options(contest)) if o not in marks[contest])
        for contest in marks
    }
    fills = {
        contest: {o: round(draw(st.floats(0, 1)), 4) for o in (*marks[contest], *marginal[contest])}
        for contest in marks
    }
    return SheetRecord(
        draw(st.uuids()).hex, "KG-PL", _full(marks), _full(marginal),
        {contest: row for contest, row in fills.items() if row},
    )


def _full(options: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    return {contest: chosen for contest, chosen in options.items() if chosen}


@settings(max_examples=40, deadline=None)
@given(st.lists(_sheets(), max_size=4))
def test_every_report_is_valid_by_the_official_schema(sheets: list[SheetRecord]) -> None:
    _validator().validate(_report(*sheets))


@settings(max_examples=40, deadline=None)
@given(st.lists(_sheets(), max_size=4))
def test_a_report_gives_the_marks_of_every_sheet_again(sheets: list[SheetRecord]) -> None:
    read = read_cast_vote_records(json.dumps(_report(*sheets)).encode(), ELECTION)
    assert [(r.id, r.style) for r in read] == [(s.id, s.style) for s in sheets]
    for record, sheet in zip(read, sheets, strict=True):
        assert record.places("yes") == _places(sheet.marks)
        assert record.places("unknown") == _places(sheet.marginal)
        for (contest, option), seen in record.original.items():
            assert seen.metric == sheet.fills[contest][option]


def _places(options: Mapping[str, Sequence[str]]) -> set[tuple[str, str]]:
    return {(contest, option) for contest, chosen in options.items() for option in chosen}


@settings(max_examples=40, deadline=None)
@given(st.lists(_sheets(), max_size=6))
def test_the_votes_of_the_current_snapshots_are_the_tally(sheets: list[SheetRecord]) -> None:
    contests = ELECTION.style_contests("KG-PL")
    tally = Tally(contests)
    for sheet in sheets:
        tally.add(judge_sheet(contests, sheet.marks))
    records = read_cast_vote_records(json.dumps(_report(*sheets)).encode(), ELECTION)
    votes = {c: {o: n for o, n in row.items() if n} for c, row in tally.votes.items()}
    assert votes_of(records) == {(c, o): n for c, row in votes.items() for o, n in row.items()}


def test_what_is_written_sheet_by_sheet_is_the_same_report() -> None:
    sheets = [SheetRecord(f"s{i}", "KG-PL", {"party": ("P01",)}) for i in range(3)]
    for some in (sheets, []):
        file = io.BytesIO()
        count = write(file, ELECTION, iter(some), device=DEVICE, generated=NOON, station="1001")
        assert count == len(some)
        assert json.loads(file.getvalue()) == _report(*some)


def test_a_marginal_mark_is_an_unknown_indication_with_its_measure_and_counts_nothing() -> None:
    sheet = SheetRecord("s", "KG-PL", {"party": ("P01",)}, {"party": ("P02",)},
                        {"party": {"P01": 0.31, "P02": 0.06}})
    (record,) = _report(sheet)["CVR"]
    original, interpreted = record["CVRSnapshot"]
    positions = [
        s["SelectionPosition"][0] for s in original["CVRContest"][0]["CVRContestSelection"]
    ]
    assert [p["HasIndication"] for p in positions] == ["yes", "unknown"]
    assert [p["MarkMetricValue"] for p in positions] == [["0.3100"], ["0.0600"]]
    marginal = interpreted["CVRContest"][0]["CVRContestSelection"][1]
    assert marginal["Status"] == ["needs-adjudication"] and marginal["TotalNumberVotes"] == 0
    assert interpreted["Status"] == ["needs-adjudication"]


def test_the_rule_shows_in_the_interpreted_snapshot() -> None:
    two = SheetRecord("two", "KG-PL", {"party": ("P01", "P02"), "preference": ("N05",)})
    none = SheetRecord("none", "KG-PL", {})
    bare = SheetRecord("bare", "KG-PL", {"party": ("P01",)})
    over, blank, fine = (record["CVRSnapshot"][1] for record in _report(two, none, bare)["CVR"])
    assert over["OtherStatus"] == "invalid: overvote" and blank["OtherStatus"] == "invalid: blank"
    assert "Status" not in fine
    party, preference = over["CVRContest"]
    assert (party["Status"], party["Overvotes"]) == (["overvoted"], 1)
    assert preference["Status"] == ["invalidated-rules"]
    assert preference["CVRContestSelection"][0]["TotalNumberVotes"] == 0
    assert fine["CVRContest"][1]["Status"] == ["not-indicated"]
    assert fine["CVRContest"][1]["Undervotes"] == 1


def test_readings_of_a_deck_and_records_of_an_urn_become_valid_reports() -> None:
    layouts = layouts_for(ELECTION)
    renderer, reader = Renderer(layouts), Reader([layouts["KG-PL"]])
    deck = build("marks", ELECTION, "KG-PL", n=30, seed=2)
    sheets = [from_reading(sheet.id, reader.read(renderer.scan(sheet))) for sheet in deck]
    read = [sheet for sheet in sheets if sheet is not None]
    assert len(read) == 30 and any(sheet.marginal for sheet in read)
    _validator().validate(_report(*read))
    foreign = build("foreign", ELECTION, "KG-PL", n=2, seed=2)[0]
    assert from_reading("f", reader.read(renderer.scan(foreign))) is None
    urn = from_record(VoteRecord("r1", "KG-PL", False, {"party": ("P03",)}))
    data = _report(urn)
    _validator().validate(data)
    assert data["CVR"][0]["CVRSnapshot"][1]["OtherStatus"] == "the device says invalid"


def test_what_does_not_belong_to_the_election_is_refused_in_words() -> None:
    with pytest.raises(ConfigurationError, match="no party/P99"):
        _report(SheetRecord("s", "KG-PL", {"party": ("P99",)}))
    with pytest.raises(ConfigurationError, match="no ballot style KG-XX"):
        _report(SheetRecord("s", "KG-XX", {}))
    with pytest.raises(ConfigurationError, match="zone"):
        report(ELECTION, [], device=DEVICE, generated=datetime(2021, 11, 28, 12, 0))  # noqa: DTZ001
