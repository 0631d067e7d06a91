"""The tape: text comes back from any ESC/POS stream, and doubts are counted, not hidden."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalys.errors import ProtocolError
from kalys.protocols.tape import CODE_PAGES, TapeParser, TapeWriter

WRITER = TapeWriter()
KYRGYZ = "АБВГДЕЁЖЗИЙКЛМНҢОӨПРСТУҮФХЦЧШЩЪЫЬЭЮЯабвгдеёжзийклмнңоөпрстуүфхцчшщъыьэюя№ "
COMMANDS = [b"\x1b@", b"\x1ba\x01", b"\x1d!\x11", b"\x1b*\x21\x02\x00abcdef",
            b"\x1dk\x04CODE\x00", b"\x1dkI\x04{B12", b"\x1d(k\x03\x00\x31\x43\x08",
            b"\x1bD\x08\x10\x00", b"\x1bp\x00\x19\xfa", b"\x10\x04\x01", b"\x1c.",
            b"\x1d8L\x04\x00\x00\x00\x0a\x0a\x0a\x0a", b"\x1d*\x01\x01ABCDEFGH",
            b"\x1b&\x01AB\x01\x7e\x02\x0a\x0a", WRITER.raster(3, bytes(range(27, 57)))]


def read(data: bytes, cuts: tuple[int, ...] = (), page: int = 0) -> TapeParser:
    parser = TapeParser(page)
    for a, b in zip((0, *cuts), (*cuts, len(data)), strict=True):
        parser.feed(data[a:b])
    return parser


@given(st.lists(st.text(KYRGYZ, max_size=42), max_size=10), st.booleans(), st.booleans())
def test_kyrgyz_text_comes_back_from_the_bytes(lines, bold, wide):
    data = WRITER.start() + b"".join(
        WRITER.line(line, bold=bold, double_width=wide) for line in lines) + WRITER.cut()
    parser = read(data)
    assert parser.finish() == [line.rstrip() for line in lines]
    assert (parser.undecodable, parser.unknown, parser.cuts) == (0, [], 1)


@given(st.lists(st.sampled_from(COMMANDS), max_size=6), st.data())
def test_commands_are_skipped_wherever_the_stream_is_cut(commands, data):
    # Text shows whether a command's arguments leak into it, or swallow what comes after.
    stream = b"".join(command + b"x\n" for command in commands)
    cuts = tuple(sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=5))))
    parser = read(stream, cuts)
    assert parser.finish() == ["x"] * len(commands) and parser.unknown == []


def test_code_pages_are_followed_in_the_middle_of_a_line():
    data = (b"\x1bt\x11" + "Жа".encode("cp866") + b"\x1bt\x35" + "ңы".encode("kz1048")
            + b"\x1bt\x2e" + "лык".encode("cp1251") + b"\n")
    assert read(data).finish() == ["Жаңылык"]


def test_what_a_code_page_does_not_have_is_counted():
    parser = read(b"\x1bt\x35\x98A\n\x1bt\x2a\xc0B\n")
    assert parser.finish() == ["\ufffdA", "\ufffdB"]
    assert parser.undecodable == 2
    assert [unknown.why for unknown in parser.unknown] == ["an unknown code page"]


def test_characters_drawn_by_the_sender_are_not_taken_for_their_codes():
    parser = read(b"\x1b&\x01NN\x01\x7eN\x1b%\x01N\x1b%\x00N\n")
    assert parser.finish() == ["N\ufffdN"] and parser.undecodable == 1


def test_an_unknown_command_is_reported_with_its_place_and_the_text_goes_on():
    parser = read(b"ab\x1b\x99cd\n")
    assert parser.finish() == ["abcd"]
    (unknown,) = parser.unknown
    assert (unknown.offset, unknown.data) == (2, b"\x1b\x99")


def test_initialising_the_printer_brings_its_first_page_back():
    data = b"\x1bt\x35\xb9\x1b@" + "é".encode("cp437") + b"\n"
    assert read(data).finish() == ["№é"]


def test_a_picture_that_contains_line_feeds_makes_no_lines():
    parser = read(WRITER.line("a") + WRITER.raster(48, b"\n\x1b@" * 160) + WRITER.line("b"))
    assert parser.finish() == ["a", "b"] and parser.pictures == 1


def test_a_stream_that_ends_within_a_command_says_so():
    parser = read(b"abc\x1b&\x03A")
    assert parser.finish() == ["abc"] and parser.unknown[0].why == (
        "the stream ends within a command")


@given(st.binary(max_size=300), st.integers(1, 40))
def test_no_stream_makes_the_tap_raise_and_cutting_it_changes_nothing(data, step):
    whole = read(data)
    cut = read(data, tuple(range(step, len(data), step)))
    assert whole.finish() == cut.finish()
    assert (whole.undecodable, whole.unknown) == (cut.undecodable, cut.unknown)


def test_what_a_code_page_lacks_cannot_be_printed():
    with pytest.raises(ProtocolError, match="Ң"):
        TapeWriter(page=17).line("Ң")
    with pytest.raises(ProtocolError, match="control"):
        WRITER.line("a\x1bb")
    with pytest.raises(ProtocolError, match="no code page"):
        TapeWriter(page=7)


@pytest.mark.parametrize("codec", CODE_PAGES.values())
def test_every_code_page_named_is_one_that_python_has(codec):
    assert "A".encode(codec) == b"A"
