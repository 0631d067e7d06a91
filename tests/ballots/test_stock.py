"""What a sheet is made of, and the security mark that a definition may ask for."""

import json

import pytest

from kalys.ballots.package import read_package, urn_package
from kalys.ballots.sheet import Paper, Sheet, physical_sheet, sheet_from_dict
from kalys.ballots.stock import SecurityMark, Stock
from kalys.election.definition import load
from kalys.errors import ConfigurationError

MARK = SecurityMark(x=105, y=283, width=10, height=6)


def packed(**fields):
    return urn_package(load("kg-2021-11-28"), "KG-PL", "1001", **fields)


def test_a_package_asks_for_a_security_mark_only_where_the_election_has_one():
    assert "security_mark" not in json.loads(packed())
    assert read_package(packed()).security_mark is None
    assert read_package(packed(security_mark=MARK)).security_mark == MARK


@pytest.mark.parametrize(("change", "words"), [
    ({"x": 400}, "not on the page"), ({"least": 2}, "least"), ({"colour": "red"}, "colour"),
])
def test_a_security_mark_that_cannot_be_is_refused_by_name(change, words):
    content = json.loads(packed(security_mark=MARK))
    content["security_mark"] |= change
    with pytest.raises(ConfigurationError, match=words):
        read_package(json.dumps(content).encode())


@pytest.mark.parametrize(("answer", "genuine"), [
    ((1.0, 0.0), True), ((0.6, 0.3), True), ((0.0, 0.0), False), ((0.5, 0.0), False),
    ((1.0, 0.9), False),
])
def test_a_mark_is_genuine_when_it_answers_and_nothing_beside_it_does(answer, genuine):
    assert MARK.genuine(answer) is genuine


def test_the_usual_stock_is_not_told_and_an_unusual_one_is_told_by_what_differs():
    usual = Sheet("1", "kg-2021-11-28", "KG-PL")
    assert "stock" not in usual.physical()["paper"]
    assert "stock" not in usual.to_dict()["paper"]
    thin = Sheet("1", "kg-2021-11-28", "KG-PL", paper=Paper(stock=Stock(grammage_g_m2=70)))
    assert thin.physical()["paper"] == {"stock": {"grammage_g_m2": 70}}
    assert physical_sheet(thin.physical()) == sheet_from_dict(thin.to_dict()) == thin


@pytest.mark.parametrize("stock", [
    {"grammage_g_m2": 0}, {"humidity_percent": 101}, {"infrared": "all"}, {"weight": 80},
    {"infrared_beside": True}, {"cut_mm": 1e9}, [80],
])
def test_a_stock_that_no_paper_has_is_refused(stock):
    data = Sheet("1", "kg-2021-11-28", "KG-PL").physical() | {"paper": {"stock": stock}}
    with pytest.raises(ConfigurationError, match="not a sheet"):
        physical_sheet(data)
