"""SCPI, the instrument's side: program messages in, response messages out, sans-I/O.

How to think about it: an instrument declares its commands in the notation of its manual,
``[SOURce:]VOLTage[:LEVel]``, each with a handler, in a ``CommandTree``. An ``Interpreter`` reads
program messages by the rules of the standards, calls handlers, and keeps what every instrument
keeps: the error queue and the status registers. A handler returns a response for a query and None
otherwise, and raises ``ScpiError`` with a standard code.

Rules: IEEE 488.2-1992 (messages, common commands, 11.2 to 11.5 status), SCPI-1999 volume 1 (6.2.4
compound headers, 21.8 error queue and codes). After a command error the rest of the message is
discarded; after an execution error it is carried on.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import product

from kalys.errors import ProtocolError
from kalys.protocols.scpi_arguments import (
    ERRORS,
    Arguments,
    ScpiError,
    split_outside_quotes,
)

__all__ = ["ERRORS", "Arguments", "CommandTree", "Interpreter", "ScpiError"]

Handler = Callable[[Arguments], str | None]

LONGEST_MESSAGE = 65_536
QUEUE_SIZE = 20

# Bits of the standard event status register (IEEE 488.2, 11.5.1).
OPERATION_COMPLETE, QUERY_ERROR, DEVICE_ERROR, EXECUTION_ERROR, COMMAND_ERROR, POWER_ON = (
    1, 4, 8, 16, 32, 128)
# Bits of the status byte: error queue (SCPI-1999, 9.1), event summary, master summary.
ERROR_AVAILABLE, EVENT_SUMMARY, MASTER_SUMMARY = 4, 32, 64

_NODE = re.compile(r"(\*?[A-Z]+[0-9]*[A-Z]*)([a-z0-9]*)(#?)")
_HEADER = re.compile(r"(:?\*?[A-Za-z][A-Za-z0-9_]*(?::[A-Za-z][A-Za-z0-9_]*)*)(\??)(?:\s+|$)")


@dataclass(frozen=True)
class _Node:
    short: str
    long: str
    numbered: bool

    def suffix(self, word: str) -> int | None:
        """The numeric suffix of ``word`` if it is this node (1 when it has none), else None."""
        if word in (self.short, self.long):
            return 1
        if self.numbered:
            stem = word.rstrip("0123456789")
            if stem in (self.short, self.long):
                return int(word[len(stem):])
        return None


@dataclass(frozen=True)
class Command:
    """A command: what it does, how many parameters it takes at most, and whether channels."""

    handler: Handler
    parameters: int
    channels: bool


class CommandTree:
    """The commands that an instrument has."""

    def __init__(self) -> None:
        self._commands: dict[tuple[int, bool], list[tuple[tuple[_Node, ...], Command]]] = {}

    def add(
        self, pattern: str, handler: Handler, *, parameters: int = 0, channels: bool = False
    ) -> None:
        """Declare a command in a manual's notation.

        Upper case is the short form, brackets are optional nodes, ``#`` a numeric suffix, ``?`` a
        query; ``OUTPut#[:STATe]`` and ``OUTPut#[:STATe]?`` are two commands. ``parameters`` is the
        most it takes, a channel list not counted. ProtocolError for a pattern not of this form.
        """
        command = Command(handler, parameters, channels)
        query = pattern.endswith("?")
        for nodes in _forms(pattern.removesuffix("?")):
            self._commands.setdefault((len(nodes), query), []).append((nodes, command))

    def find(self, words: Sequence[str], query: bool) -> tuple[Command, tuple[int, ...]] | None:
        """The command of a header, given as upper-case words, and its numeric suffixes."""
        for nodes, command in self._commands.get((len(words), query), ()):
            suffixes = [node.suffix(word) for node, word in zip(nodes, words, strict=True)]
            if None not in suffixes:
                return command, tuple(suffix for node, suffix in zip(nodes, suffixes, strict=True)
                                      if node.numbered and suffix is not None)
        return None


@dataclass
class Status:
    """The registers and the error queue that every instrument has."""

    event: int = POWER_ON
    event_enable: int = 0
    service_enable: int = 0
    errors: deque[tuple[int, str]] = field(default_factory=deque)

    def report(self, code: int, text: str) -> None:
        """Queue an error and set its bit; a full queue ends with -350 (SCPI-1999, 21.8.1)."""
        self.event |= {1: COMMAND_ERROR, 2: EXECUTION_ERROR, 3: DEVICE_ERROR, 4: QUERY_ERROR}.get(
            -code // 100, DEVICE_ERROR)
        if len(self.errors) < QUEUE_SIZE:
            self.errors.append((code, text))
        else:
            self.errors[-1] = (-350, ERRORS[-350])

    def next_error(self) -> str:
        code, text = self.errors.popleft() if self.errors else (0, "No error")
        quoted = text.replace('"', '""')
        return f'{code:+d},"{quoted}"'

    def byte(self) -> int:
        value = ERROR_AVAILABLE if self.errors else 0
        value |= EVENT_SUMMARY if self.event & self.event_enable else 0
        return value | (MASTER_SUMMARY if value & self.service_enable else 0)

    def clear(self) -> None:
        self.event = 0
        self.errors.clear()


class Interpreter:
    """One instrument's message exchange."""

    def __init__(
        self,
        identity: str,
        tree: CommandTree,
        reset: Callable[[], None],
        *,
        version: str = "1999.0",
    ) -> None:
        """``identity`` answers *IDN?; ``reset`` is called for *RST, before anything is answered."""
        self.status = Status()
        self._tree = tree
        self._common = _common_commands(identity, self.status, reset)
        self._system = _system_commands(self.status, version)
        self._tail = b""
        self._overrun = False

    def feed(self, data: bytes) -> bytes:
        """The responses to every message that is complete (ended by LF), each ended by LF."""
        *messages, self._tail = (self._tail + data).split(b"\n")
        answers = []
        for message in messages:
            if self._overrun or len(message) > LONGEST_MESSAGE:
                self._overrun = False
                self.status.report(-363, ERRORS[-363])
                continue
            answer = self.execute(message.decode("latin-1"))
            if answer is not None:
                answers.append(answer.encode("latin-1", "replace") + b"\n")
        if len(self._tail) > LONGEST_MESSAGE:
            self._tail, self._overrun = b"", True
        return b"".join(answers)

    def reset_input(self) -> None:
        """Forget an unfinished message, because the connection was opened anew."""
        self._tail, self._overrun = b"", False

    def execute(self, message: str) -> str | None:
        """Carry out one program message; the response message, or None when nothing was asked."""
        answers: list[str] = []
        path: tuple[str, ...] = ()
        for unit in split_outside_quotes(message.strip(), ";"):
            if not unit.strip():
                continue
            try:
                path, answer = self._execute_unit(unit.strip(), path)
            except ScpiError as error:
                self.status.report(error.number, error.what)
                if -200 < error.number <= -100:
                    break
                continue
            if answer is not None:
                answers.append(answer)
        return ";".join(answers) if answers else None

    def _execute_unit(
        self, unit: str, path: tuple[str, ...]
    ) -> tuple[tuple[str, ...], str | None]:
        """One command; the path that the next one is relative to, and the response."""
        header = _HEADER.match(unit)
        if header is None:
            raise ScpiError(-113 if unit[0].isalpha() or unit[0] in "*:" else -102, unit)
        name, query = header[1].upper(), header[2] == "?"
        arguments = unit[header.end():]
        if name.startswith("*"):
            found = self._common.find((name,), query)
        else:
            words = tuple(name.removeprefix(":").split(":"))
            full = words if name.startswith(":") else path + words
            found = self._system.find(full, query) or self._tree.find(full, query)
            path = full[:-1]
        if found is None:
            raise ScpiError(-113, header[0].strip())
        command, suffixes = found
        parsed = Arguments.parse(arguments, suffixes)
        parsed.check_number(command.parameters, command.channels)
        answer = command.handler(parsed)
        return path, answer if query else None


def _forms(pattern: str) -> list[tuple[_Node, ...]]:
    """Every sequence of nodes that a pattern allows."""
    parts = re.findall(r"\[[^\[\]]*\]|[^\[\]]+", pattern)
    choices = [(part[1:-1], "") if part.startswith("[") else (part,) for part in parts]
    forms = []
    for choice in product(*choices):
        words = [word for word in "".join(choice).split(":") if word]
        nodes = [_NODE.fullmatch(word) for word in words]
        if not nodes or None in nodes or "".join(parts) != pattern:
            raise ProtocolError(f"{pattern!r} is no command in a manual's notation", where="SCPI")
        forms.append(tuple(
            _Node(match[1], (match[1] + match[2]).upper(), bool(match[3]))
            for match in nodes if match is not None))
    return forms


def _common_commands(identity: str, status: Status, reset: Callable[[], None]) -> CommandTree:
    """The common commands of IEEE 488.2 that every instrument must have."""
    tree = CommandTree()

    def do(action: Callable[[Arguments], None]) -> Handler:
        def handler(arguments: Arguments) -> None:
            action(arguments)
        return handler

    def take_event(_: Arguments) -> str:
        value, status.event = status.event, 0
        return str(value)

    def enable_event(arguments: Arguments) -> None:
        status.event_enable = arguments.integer(0, 0, 255)

    def enable_service(arguments: Arguments) -> None:
        status.service_enable = arguments.integer(0, 0, 255) & ~MASTER_SUMMARY

    def complete(_: Arguments) -> None:
        status.event |= OPERATION_COMPLETE

    tree.add("*IDN?", lambda _: identity)
    tree.add("*RST", do(lambda _: reset()))
    tree.add("*CLS", do(lambda _: status.clear()))
    tree.add("*ESR?", take_event)
    tree.add("*ESE", do(enable_event), parameters=1)
    tree.add("*ESE?", lambda _: str(status.event_enable))
    tree.add("*SRE", do(enable_service), parameters=1)
    tree.add("*SRE?", lambda _: str(status.service_enable))
    tree.add("*STB?", lambda _: str(status.byte()))
    tree.add("*OPC", do(complete))
    tree.add("*OPC?", lambda _: "1")
    tree.add("*WAI", do(lambda _: None))
    tree.add("*TST?", lambda _: "0")
    return tree


def _system_commands(status: Status, version: str) -> CommandTree:
    """The commands of the SYSTem subsystem that SCPI-1999 requires (volume 1, 4.2.1)."""
    tree = CommandTree()
    tree.add("SYSTem:ERRor[:NEXT]?", lambda _: status.next_error())
    tree.add("SYSTem:ERRor:COUNt?", lambda _: str(len(status.errors)))
    tree.add("SYSTem:VERSion?", lambda _: version)
    return tree
