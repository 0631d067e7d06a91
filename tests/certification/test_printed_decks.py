"""The paper of a plan is known before the run."""

import pytest

from kalys.ballots.printing import deck_pdf, instructions_pdf
from kalys.ballots.templates import layouts_for
from kalys.certification.printed_decks import decks_of_plan, in_real_time
from kalys.certification.progress import Quiet
from kalys.requirements.plan import load_plan

PLAN = """
plan: two
title: Two requirements
purpose: A test of printed decks
requirements: [MRK-001, PAP-004]
samples: {MRK-001: 3}
procedures:
  mark.line: {marks: 3}
  paper.orientations: {sheets: 2}
real_time:
  procedures:
    paper.orientations: {sheets: 1}
"""


@pytest.fixture
def plan(tmp_path):
    path = tmp_path / "two.yaml"
    path.write_text(PLAN)
    return str(path)


def test_every_sheet_that_a_person_will_insert_is_in_a_deck_with_its_truth(plan):
    decks = {deck.name: deck for deck in decks_of_plan(plan, 5, Quiet())}
    assert set(decks) == {"mark.line", "paper.orientations"}
    assert len(decks["mark.line"]) >= 3
    assert all(sheet.truth is not None for deck in decks.values() for sheet in deck)


def test_the_same_plan_and_seed_ask_for_the_same_paper(plan):
    first, second = decks_of_plan(plan, 5, Quiet()), decks_of_plan(plan, 5, Quiet())
    assert [list(deck) for deck in first] == [list(deck) for deck in second]
    assert [list(deck) for deck in first] != [list(d) for d in decks_of_plan(plan, 6, Quiet())]


def test_the_parameters_are_those_of_real_time(plan):
    loaded = load_plan(plan)
    chosen = in_real_time(loaded)
    assert chosen.parameters("paper.orientations", "virtual") == {"sheets": 1}
    assert chosen.parameters("mark.line", "virtual") == {"marks": 3}


def test_decks_of_a_plan_can_be_printed(plan, tmp_path):
    for deck in decks_of_plan(plan, 5, Quiet()):
        deck_pdf(deck, layouts_for(deck.definition), tmp_path / "deck.pdf")
        instructions_pdf(deck, tmp_path / "instructions.pdf")
        assert (tmp_path / "deck.pdf").read_bytes().startswith(b"%PDF")
        assert (tmp_path / "instructions.pdf").read_bytes().startswith(b"%PDF")
