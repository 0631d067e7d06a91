"""The person at the bench: who is asked, and how the answers get into the journal.

``TerminalOperator`` asks at a terminal (`terminal_operator` finds it); ``ScriptedOperator`` answers
from a list (tests, and rehearsals of a bench without a person). Both write every question and every
answer to the journal as kind "operator": what a person did is evidence like any other.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kalys.devices.operator_roles import answer_is_good
from kalys.devices.roles import Operator
from kalys.errors import Interrupted, KalysError
from kalys.evidence.journal import Recorder

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["Operator", "ScriptedOperator", "TerminalOperator", "terminal_operator"]

_HINTS = {
    "confirm": "y when done, n when it cannot be done",
    "yes-no": "y or n",
    "number": "a number",
    "sheets": "sheet numbers, or nothing",
    "lines": "line by line; end with a line that holds only a full stop",
}


class JournaledOperator:
    """Writes questions and answers to the journal; ``_answer`` is where they come from."""

    def __init__(self, journal: Recorder, name: str = "") -> None:
        self._journal = journal
        self._name = name

    def ask(self, text: str, kind: str = "confirm", choices: Sequence[str] = ()) -> str:
        """The answer, which is of its ``kind`` (see `kalys.devices.roles.Operator`).

        Interrupted when the person breaks off.
        """
        self._journal.add("operator", {"asked": text, "kind": kind, "choices": list(choices)})
        try:
            answer = self._answer(text, kind, choices)
        except (EOFError, KeyboardInterrupt) as error:
            self._journal.add("operator", {"answer": None, "broke_off": True, "by": self._name})
            raise Interrupted("the operator broke off", where=text) from error
        self._journal.add("operator", {"answer": answer, "by": self._name})
        return answer

    def _answer(self, text: str, kind: str, choices: Sequence[str]) -> str:
        raise KalysError(f"nobody is there to answer: {text} ({kind}, {choices})")


class TerminalOperator(JournaledOperator):
    """Asks at the terminal, again until the answer is of its kind."""

    def __init__(
        self,
        journal: Recorder,
        name: str = "",
        *,
        console: Console | None = None,
        read: Callable[[], str] | None = None,
    ) -> None:
        """``read`` gives a line, ``console`` shows questions; by default both are the terminal."""
        super().__init__(journal, name)
        if console is None or read is None:
            keyboard, screen = _terminal() or _standard_streams()
        self._console = console or screen
        self._read = read or keyboard

    def _answer(self, text: str, kind: str, choices: Sequence[str]) -> str:
        hint = ", ".join(choices) if kind == "choice" else _HINTS.get(kind, "")
        self._console.print(f"[bold]{_plain(text)}[/bold]" + (f" [dim]({hint})[/dim]" if hint
                                                              else ""))
        while True:
            try:
                answer = self._lines() if kind == "lines" else self._read().strip()
            except OSError as error:
                raise KalysError(
                    f"the operator cannot be asked: {error}", where=text,
                    remedy="Run kalys at a terminal.",
                ) from error
            answer = _accepted(kind, answer)
            wrong = answer_is_good(kind, answer, choices)
            if not wrong:
                return answer
            self._console.print(f"[yellow]{_plain(wrong)}[/yellow]")

    def _lines(self) -> str:
        lines: list[str] = []
        while (line := self._read().rstrip("\r\n")) != ".":
            lines.append(line)
        return "\n".join(lines)


def terminal_operator(journal: Recorder, name: str = "") -> TerminalOperator | None:
    """The person at the terminal that this process belongs to; None where there is none."""
    terminal = _terminal()
    if terminal is None:
        return None
    return TerminalOperator(journal, name, console=terminal[1], read=terminal[0])


def _terminal() -> tuple[Callable[[], str], Console] | None:
    """Keyboard and screen of the terminal itself, if there is one.

    Test runners put standard input and output elsewhere; the person is still at the terminal.
    """
    from rich.console import Console

    reading, writing = ("CONIN$", "CONOUT$") if sys.platform == "win32" else ("/dev/tty",) * 2
    try:                                   # both stay open for as long as the run may ask
        keyboard = Path(reading).open(encoding="utf-8", errors="replace")  # noqa: SIM115
        screen = Path(writing).open("w", encoding="utf-8")  # noqa: SIM115
    except OSError:
        return None

    def read() -> str:
        line = keyboard.readline()
        if not line:
            raise EOFError
        return line

    return read, Console(file=screen, force_terminal=True)


def _standard_streams() -> tuple[Callable[[], str], Console]:
    from rich.console import Console

    return input, Console(stderr=True)


class ScriptedOperator(JournaledOperator):
    """Answers from a list, in order; each entry is an answer, or (part of the question, answer).

    KalysError when a question comes that the script does not expect, or the script is at its end
    and there is no ``default``.
    """

    def __init__(
        self,
        journal: Recorder,
        answers: Iterable[str | tuple[str, str]],
        *,
        default: str | None = None,
    ) -> None:
        super().__init__(journal, "script")
        self._answers = deque(answers)
        self._default = default
        self.asked: list[str] = []

    def _answer(self, text: str, kind: str, choices: Sequence[str]) -> str:
        self.asked.append(text)
        if not self._answers and self._default is None:
            raise KalysError("the operator's script has no answer left", where=text)
        entry = self._answers.popleft() if self._answers else (self._default or "")
        expected, answer = entry if isinstance(entry, tuple) else ("", entry)
        if expected not in text:
            raise KalysError(f"the operator's script expects a question with {expected!r}",
                             where=text)
        wrong = answer_is_good(kind, answer, choices)
        if wrong:
            raise KalysError(f"the operator's script answers {answer!r}. {wrong}", where=text)
        return answer


def _accepted(kind: str, answer: str) -> str:
    """``Y``, ``yes`` and, to confirm what was done, a bare Enter mean y."""
    if kind in ("confirm", "yes-no"):
        word = answer.lower()
        if not word and kind == "confirm":
            return "y"
        return {"yes": "y", "no": "n"}.get(word, word)
    return answer


def _plain(text: str) -> str:
    """Text for rich, in which brackets mean themselves."""
    return text.replace("[", r"\[")
