"""Marks and numbers as text fields: what is written is read again, what is broken is named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalys.protocols.urn import mark_text

ids = st.text("ABCPN0123456789-", min_size=1, max_size=8)
marks = st.dictionaries(ids, st.lists(ids, min_size=1, max_size=4, unique=True).map(tuple))
fills = st.dictionaries(
    ids, st.dictionaries(ids, st.integers(0, 10_000).map(lambda n: n / 10_000), min_size=1)
)


@given(marks)
def test_marks_come_out_as_they_went_in(given_):
    assert mark_text.read_marks(mark_text.write_marks(given_)) == given_


@given(fills)
def test_marginal_marks_come_out_as_they_went_in(given_):
    assert mark_text.read_marginal(mark_text.write_marginal(given_)) == given_


@given(st.dictionaries(ids, st.integers(1, 10**9)))
def test_numbers_come_out_as_they_went_in(given_):
    assert mark_text.read_counts(mark_text.write_counts(given_)) == given_


def test_a_number_of_none_is_not_told():
    assert mark_text.write_counts({"foreign": 0, "full": 2}) == "full=2"


@pytest.mark.parametrize("text", ["P01", "/P01", "party/", "party/P01;;x"])
def test_a_mark_without_contest_or_option_is_named(text):
    with pytest.raises(ValueError, match="mark without a contest"):
        mark_text.read_marks(text)


@pytest.mark.parametrize("text", ["party/P01", "party/P01=", "party/P01=dark", "party/P01=1.5",
                                  "party/P01=-0.1", "party/P01=nan", "P01=0.5"])
def test_a_marginal_mark_without_a_share_is_named(text):
    with pytest.raises(ValueError, match=r"mark without"):
        mark_text.read_marginal(text)


@pytest.mark.parametrize("text", ["foreign", "foreign=", "=3", "foreign=-1", "foreign=²"])
def test_a_number_that_is_none_is_named(text):
    with pytest.raises(ValueError, match="not a word and a number"):
        mark_text.read_counts(text)
