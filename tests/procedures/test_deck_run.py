"""A deck that is larger than the box runs in several elections and is judged as one."""

from __future__ import annotations

from kalys.ballots.deck import volume
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
