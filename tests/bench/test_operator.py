"""The operator at a terminal."""

import io
import os
import pty
import sys

import pytest
from rich.console import Console

from kalys.bench.operator import TerminalOperator
from kalys.errors import Interrupted
from kalys.evidence.journal import NullJournal


def terminal(*typed: str) -> tuple[TerminalOperator, io.StringIO]:
    lines = iter(typed)
    screen = io.StringIO()

    def read() -> str:
        try:
            return next(lines)
        except StopIteration:
            raise EOFError from None

    operator = TerminalOperator(NullJournal(), console=Console(file=screen, width=100), read=read)
    return operator, screen


def test_enter_confirms_what_was_done():
    assert terminal("")[0].ask("Insert sheet 0017. Done?") == "y"
    assert terminal("NO")[0].ask("Insert sheet 0017. Done?") == "n"


def test_an_answer_that_is_none_is_asked_for_again():
    operator, screen = terminal("", "perhaps", "yes")
    assert operator.ask("Did it come out?", "yes-no") == "y"
    assert screen.getvalue().count("Answer y or n.") == 2


def test_a_choice_must_be_one_of_the_choices():
    operator, screen = terminal("blue", "red")
    assert operator.ask("Which lamp?", "choice", ["red", "green"]) == "red"
    assert "one of: red, green" in screen.getvalue()


def test_numbers_and_sheets_are_checked_and_brackets_are_shown_as_they_are():
    operator, screen = terminal("much", "12.5", "7-3", "3-7")
    assert operator.ask("How many [V]?", "number") == "12.5"
    assert operator.ask("Which?", "sheets") == "3-7"
    assert "[V]" in screen.getvalue()


def test_several_lines_end_with_a_full_stop():
    assert terminal("a", "", "b", ".")[0].ask("Tape?", "lines") == "a\n\nb"


ASK = """
from kalys.bench.operator import terminal_operator
from kalys.evidence.journal import NullJournal

print(terminal_operator(NullJournal()).ask("Insert sheet 0017. Done?"))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_the_terminal_is_found_although_standard_input_and_output_lead_elsewhere(tmp_path):
    (tmp_path / "ask.py").write_text(ASK)
    run = 'exec "$0" "$1" </dev/null >"$2"'
    child, screen = pty.fork()
    if child == 0:
        os.execv("/bin/sh", ["sh", "-c", run, sys.executable, str(tmp_path / "ask.py"),
                             str(tmp_path / "out")])
    shown = b""
    while b"Done?" not in shown:
        shown += os.read(screen, 1000)
    os.write(screen, b"y\n")
    os.waitpid(child, 0)
    os.close(screen)
    assert (tmp_path / "out").read_text() == "y\n"


def test_the_end_of_the_input_interrupts_the_run():
    with pytest.raises(Interrupted, match="broke off"):
        terminal()[0].ask("Done?")
