"""The lines of a counting core: what is an answer, and which fault everything else is."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalys.protocols.counting_core import (
    LONGEST_LINE,
    AnswerLines,
    CoreFault,
    answer_of,
    encode,
    identity_of,
)

CONTESTS = {"party": frozenset({"P01", "P02"})}


def said(**answer: object) -> bytes:
    return json.dumps({"id": 7, "status": "read", "marks": {}} | answer).encode()


def test_an_answer_is_read_with_its_marks_and_scores() -> None:
    answer = answer_of(
        said(marks={"party": ["P01", "P01"]}, scores={"party": {"P01": 0.4}}, valid=True, more=1),
        7, CONTESTS,
    )
    assert answer.marks == {"party": ("P01",)}
    assert answer.scores["party"]["P01"] == 0.4
    assert answer.valid is True


def test_a_rejection_needs_a_word_of_the_protocol() -> None:
    line = b'{"id": 7, "status": "rejected", "reason": "foreign"}'
    assert answer_of(line, 7, CONTESTS).reason == "foreign"
    with pytest.raises(CoreFault, match="reason"):
        answer_of(b'{"id": 7, "status": "rejected", "reason": "bad day"}', 7, CONTESTS)


@pytest.mark.parametrize(("line", "kind"), [
    (b"hello there", "garbage"),
    (b"[7]", "garbage"),
    (b"[" * 100_000, "garbage"),
    (b"\xff\xfe", "garbage"),
    (b'{"status": "read", "marks": {}}', "garbage"),
    (said(status="perhaps"), "garbage"),
    (said(marks={"party": ["P99"]}), "garbage"),
    (said(marks={"president": []}), "garbage"),
    (said(marks="P01"), "garbage"),
    (said(id=True), "garbage"),
    (said(id=6), "out-of-order"),
    (said(id=8), "wrong-sheet"),
    (said(more="x" * LONGEST_LINE), "too-long"),
])
def test_what_is_no_answer_has_the_name_of_its_fault(line: bytes, kind: str) -> None:
    with pytest.raises(CoreFault) as caught:
        answer_of(line, 7, CONTESTS)
    assert caught.value.kind == kind
    assert caught.value.said


def test_a_line_without_end_is_a_fault() -> None:
    lines = AnswerLines()
    with pytest.raises(CoreFault, match="without a line feed"):
        for _ in range(LONGEST_LINE // 1000 + 2):
            lines.feed(b"x" * 1000)


@given(st.lists(st.binary(max_size=20).map(lambda b: b.replace(b"\n", b"")), max_size=5),
       st.integers(1, 7))
def test_lines_come_out_as_they_went_in_however_they_are_cut(
    wanted: list[bytes], size: int
) -> None:
    lines, found = AnswerLines(), []
    data = b"".join(line + b"\n" for line in wanted)
    for start in range(0, len(data), size):
        lines.feed(data[start : start + size])
        while (line := lines.next()) is not None:
            found.append(line)
    assert found == wanted


@given(st.binary(max_size=200))
def test_whatever_a_core_says_is_an_answer_or_a_fault(data: bytes) -> None:
    for read in (identity_of, lambda line: answer_of(line, 1, CONTESTS)):
        with suppress(CoreFault):
            read(data)


def test_a_message_is_one_line() -> None:
    assert encode({"op": "hello", "text": "калыс\n"}).count(b"\n") == 1
