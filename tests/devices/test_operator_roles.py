"""Roles performed by a person, with an operator who answers from a script."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalys.ballots.sheet import Paper, Sheet
from kalys.ballots.stock import Stock
from kalys.bench.operator import ScriptedOperator
from kalys.devices.operator_roles import (
    OperatorFeeder,
    OperatorHands,
    OperatorPrinter,
    OperatorSupply,
    sheet_numbers,
)
from kalys.errors import KalysError, Refused


def sheet(number: str, orientation: str = "down-head") -> Sheet:
    return Sheet(id=number, election="kg-2021-11-28", style="KG-PL", orientation=orientation)


def test_a_sheet_is_asked_for_by_its_number_and_the_way_it_lies(notes):
    operator = ScriptedOperator(notes, ["y", "y"])
    feeder = OperatorFeeder(operator, "urn-1")
    feeder.insert(sheet("0017"))
    feeder.insert(sheet("0018", "up-foot"))
    assert operator.asked == [
        "urn-1: Insert sheet 0017, face down, head first. Done?",
        "urn-1: Insert sheet 0018, face up, foot first. Done?",
    ]


@pytest.mark.parametrize(("stock", "words"), [
    (Stock(infrared=0.0), "0017 (without the security mark), face down"),
    (Stock(infrared=0.25), "0017 (with 25% of the security mark left), face down"),
    (Stock(infrared_beside=0.9), "0017 (a photocopy that reproduces the security mark), face down"),
    (Stock(110, 70, -2),
     "0017 (paper of 110 g/m2, kept at 70 % relative humidity, cut 2 mm shorter), face down"),
])
def test_paper_that_is_not_the_usual_one_is_asked_for_in_words(notes, stock, words):
    operator = ScriptedOperator(notes, ["y"])
    unusual = Sheet("0017", "kg-2021-11-28", "KG-PL", paper=Paper(stock=stock))
    OperatorFeeder(operator, "urn-1").insert(unusual)
    assert words in operator.asked[0]


def test_the_key_is_turned_by_a_person(notes):
    operator = ScriptedOperator(notes, ["y", "y"])
    hands = OperatorHands(operator, "urn-1")
    hands.key_switch(False)
    hands.key_switch(True)
    assert "take the key out" in operator.asked[0]
    assert "turn it on" in operator.asked[1]


def test_a_double_feed_is_asked_for_with_its_offset(notes):
    operator = ScriptedOperator(notes, ["y"])
    OperatorFeeder(operator, "urn-1").insert(sheet("1"), sheet("2"), overlap_mm=20)
    assert "Lay sheets 1 and 2 on one another, each 20 mm behind" in operator.asked[0]


def test_what_a_person_cannot_do_is_refused_with_the_reason(notes):
    feeder = OperatorFeeder(ScriptedOperator(notes, ["n"]), "urn-1")
    with pytest.raises(Refused, match="the operator could not do this: Insert sheet 1"):
        feeder.insert(sheet("1"))


def test_what_a_person_finds_in_the_box_is_read_as_sheet_numbers(notes):
    operator = ScriptedOperator(notes, [("valid comp", "0001-0003 0007"), ("invalid", "")])
    box = OperatorFeeder(operator, "urn-1").box()
    assert (box.valid, box.invalid) == (("0001", "0002", "0003", "0007"), ())


def test_a_sheet_of_a_deck_may_be_named_by_its_number_alone(notes):
    operator = ScriptedOperator(notes, ["y", "y", "y", "1-2, 00007-folds", ""])
    feeder = OperatorFeeder(operator, "urn-1")
    for name in ("00001-folds", "00001-lines", "00002-lines"):
        feeder.insert(sheet(name))
    assert feeder.box().valid == ("00001-lines", "00002-lines", "00007-folds")


def test_jam_pull_back_and_returned_sheets_are_asked_for(notes):
    operator = ScriptedOperator(
        notes, [("Pull", "n"), ("sticks", "y"), ("stuck", "9"), ("came back", "4,5")])
    feeder = OperatorFeeder(operator, "urn-1")
    assert feeder.pull_back() is False
    feeder.jam_next(200)
    assert feeder.clear_jam() == "9"
    assert feeder.take_returned() == ("4", "5")
    assert feeder.gates() == []


def test_hands_are_asked_and_what_no_hand_can_do_is_refused_without_a_question(notes):
    operator = ScriptedOperator(notes, ["y", ("display", "Danke")])
    hands = OperatorHands(operator, "urn-1")
    hands.cover(True)
    assert hands.read_display() == "Danke"
    for impossible in (lambda: hands.disturb_counter("party", "P01", 5),
                       lambda: hands.tamper_log("flip", 3)):
        with pytest.raises(Refused):
            impossible()
    assert len(operator.asked) == 2


def test_a_tape_is_typed_by_a_person(notes, clock):
    operator = ScriptedOperator(notes, ["ZERO REPORT\nP01  0", ""])
    printer = OperatorPrinter(operator, "urn-1", clock)
    assert printer.tape().lines == ("ZERO REPORT", "P01  0")
    assert printer.tape().lines == ()


def test_power_is_cut_by_a_person_and_making_safe_asks_nobody(notes):
    operator = ScriptedOperator(notes, [("Cut the power", "y"), "24.1", "0.6"])
    supply = OperatorSupply(operator, "urn-1", notes)
    supply.output(False)
    assert supply.measure() == (24.1, 0.6)
    supply.make_safe()
    assert "left as the operator has it" in notes.texts()[-1]


def test_every_question_and_answer_is_journaled(notes):
    OperatorFeeder(ScriptedOperator(notes, ["y"]), "urn-1").empty_box()
    kinds = [kind for kind, _ in notes.records]
    assert kinds == ["operator", "operator"]
    assert "Empty both" in notes.records[0][1]["asked"]
    assert notes.records[1][1]["answer"] == "y"


@pytest.mark.parametrize(
    ("answers", "told"),
    [([], "no answer left"), ([("cover", "y")], "expects a question with"), (["maybe"], "y or n")],
)
def test_a_script_that_does_not_fit_the_questions_is_told(notes, answers, told):
    with pytest.raises(KalysError, match=told):
        OperatorFeeder(ScriptedOperator(notes, answers), "urn-1").empty_box()


@given(st.integers(0, 400), st.integers(0, 40), st.integers(1, 6))
def test_a_range_names_each_sheet_between_its_ends_once_in_the_width_of_the_first(
    first, more, width
):
    numbers = sheet_numbers(f"LA-{first:0{width}d}-{first + more}")
    assert numbers == tuple(f"LA-{n:0{width}d}" for n in range(first, first + more + 1))


def test_a_range_that_runs_backwards_is_no_answer():
    with pytest.raises(ValueError, match="upwards"):
        sheet_numbers("9-3")
