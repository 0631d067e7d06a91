"""A deck that is larger than the box runs in several elections and is judged as one."""

from __future__ import annotations

from pathlib import Path

from kalys.ballots.deck import volume
from kalys.certification.emulated import emulated_session
from kalys.evidence.journal import read_journal
from kalys.procedures import deck_run


def test_a_deck_larger_than_the_box_is_fed_in_parts_and_compared_whole(monkeypatch, emulated):
    monkeypatch.setattr(deck_run, "box_room", lambda session: 7)
    with emulated() as session:
        deck = volume(session.definition, "KG-SM-27", 17, 3)
        run = deck_run.run_deck(session, deck.sheets, "KG-SM-27")
        assert len(run.fed) == len(run.counted) == 17
        assert run.comparison.sheets == 17
        assert sorted(run.pairs) == sorted(sheet.id for sheet in deck)
        assert run.wrong == {} and run.strays == ()
        assert len(run.box.valid) + len(run.box.invalid) == 17


def test_an_urn_that_errs_is_broken_down_with_pictures_drawn_again(tmp_path: Path) -> None:
    with emulated_session(
        tmp_path / "journal.jsonl", seed=11, defects=["dead-position"]
    ) as session:
        session.plan = session.plan.model_copy(update={"procedures": {
            "count.logic_and_accuracy": {"styles": ["KG-SM-27"]},
        }})
        session.run("count.logic_and_accuracy")
    records = list(read_journal(tmp_path / "journal.jsonl"))
    [breakdown] = [r.data for r in records if r.kind == "breakdown"]
    assert sum(row[1] for row in breakdown["facets"]["position"].values()) > 0
    errors = [r.data for r in records if r.kind == "error"]
    assert errors and all(e["drawn_again"] for e in errors)
    assert (tmp_path / errors[0]["picture"]).read_bytes().startswith(b"\x89PNG")


def test_what_went_right_is_not_broken_down(tmp_path: Path) -> None:
    with emulated_session(tmp_path / "journal.jsonl", seed=11) as session:
        session.plan = session.plan.model_copy(update={"procedures": {
            "paper.misfeeds": {"sheets": 5, "stop": "decided"},
        }})
        result = session.run("paper.misfeeds")
    assert result.error is None
    assert not [r for r in read_journal(tmp_path / "journal.jsonl") if r.kind == "breakdown"]
