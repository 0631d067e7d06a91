"""The parameters of one SCPI command, as its handler asks for them.

A handler takes each parameter by position with the type that its command has; what is not of that
type raises ``ScpiError`` with the standard's code. A channel list ``(@1,3:5)`` may stand anywhere
and is taken by ``channels``.

Rules: IEEE 488.2-1992, 7.7 (parameter forms); SCPI-1999 volume 1, 7 (numbers, booleans),
8.3 (channel lists), 21.8 (error codes).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kalys.errors import ProtocolError

# SCPI-1999 volume 2, 21.8.9 to 21.8.12.
ERRORS: Mapping[int, str] = {
    -100: "Command error",
    -102: "Syntax error",
    -103: "Invalid separator",
    -104: "Data type error",
    -108: "Parameter not allowed",
    -109: "Missing parameter",
    -113: "Undefined header",
    -114: "Header suffix out of range",
    -120: "Numeric data error",
    -131: "Invalid suffix",
    -151: "Invalid string data",
    -171: "Invalid expression",
    -200: "Execution error",
    -221: "Settings conflict",
    -222: "Data out of range",
    -224: "Illegal parameter value",
    -350: "Queue overflow",
    -363: "Input buffer overrun",
    -410: "Query INTERRUPTED",
}

_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:\s*[eE]\s*[+-]?\d+)?)\s*([A-Za-z%]*)")
_CHANNELS = re.compile(r"\(@\s*([\d,:\s]*)\)")
_MULTIPLIERS: Mapping[str, float] = {
    "": 1.0, "G": 1e9, "MA": 1e6, "K": 1e3, "M": 1e-3, "U": 1e-6, "N": 1e-9, "P": 1e-12,
}
# No instrument has so many channels; a list may not make one busy.
_MOST_CHANNELS = 1000


class ScpiError(ProtocolError):
    """A command that an instrument does not accept; ``number`` is the standard's code."""

    def __init__(self, number: int, detail: str = "") -> None:
        text = ERRORS.get(number, "Device-specific error")
        super().__init__(f"{text};{detail[:80]}" if detail else text)
        self.number = number


@dataclass(frozen=True)
class Arguments:
    """Parameters of one command; ``suffixes`` are those of its header, e.g. 2 of OUTPut2."""

    texts: tuple[str, ...]
    suffixes: tuple[int, ...]
    channel_list: tuple[int, ...] | None

    @classmethod
    def parse(cls, text: str, suffixes: tuple[int, ...]) -> Arguments:
        """The parameters in the text after a header. ScpiError -102, -103, -171."""
        texts: list[str] = []
        channels: tuple[int, ...] | None = None
        parts = split_outside_quotes(text, ",") if text.strip() else []
        for part in map(str.strip, parts):
            if not part:
                raise ScpiError(-103, text)
            if part.startswith("(@"):
                if channels is not None:
                    raise ScpiError(-171, part)
                channels = _channel_list(part)
            else:
                texts.append(part)
        return cls(tuple(texts), suffixes, channels)

    def __len__(self) -> int:
        return len(self.texts)

    def text(self, index: int) -> str:
        """Character data or a number as it stands. ScpiError -109 when there is none."""
        if index >= len(self.texts):
            raise ScpiError(-109)
        return self.texts[index]

    def string(self, index: int) -> str:
        """Quoted string data without its quotes. ScpiError -151 when it is not quoted."""
        text = self.text(index)
        if len(text) < 2 or text[0] not in "\"'" or text[-1] != text[0]:
            raise ScpiError(-151, text)
        return text[1:-1].replace(text[0] * 2, text[0])

    def word(self, index: int, words: Sequence[str]) -> str:
        """One of ``words``, given in the manual's notation (IMMediate), as its short form.

        ScpiError -224 when it is none of them.
        """
        text = self.text(index).upper()
        for word in words:
            short = "".join(c for c in word if not c.islower())
            if text in (short, word.upper()):
                return short
        raise ScpiError(-224, text)

    def boolean(self, index: int) -> bool:
        """ON, OFF or a number, which is true when it does not round to 0. ScpiError -104."""
        text = self.text(index).upper()
        if text in ("ON", "OFF"):
            return text == "ON"
        match = _NUMBER.fullmatch(text)
        if match is None or match[2]:
            raise ScpiError(-104, text)
        return abs(_float(match[1])) >= 0.5

    def number(
        self,
        index: int,
        minimum: float,
        maximum: float,
        *,
        default: float | None = None,
        unit: str = "",
    ) -> float:
        """A number in ``unit``, which may be written with it and a multiplier (12 V, 500 mV).

        MIN, MAX and DEF stand for the limits and the default. ScpiError -104, -131, -222.
        """
        text = self.text(index)
        words = {"MIN": minimum, "MINIMUM": minimum, "MAX": maximum, "MAXIMUM": maximum}
        if default is not None:
            words |= {"DEF": default, "DEFAULT": default}
        if text.upper() in words:
            return words[text.upper()]
        match = _NUMBER.fullmatch(text)
        if match is None:
            raise ScpiError(-104, text)
        value = _float(match[1]) * _multiplier(match[2].upper(), unit.upper())
        if not minimum <= value <= maximum:
            raise ScpiError(-222, text)
        return value

    def integer(self, index: int, minimum: int, maximum: int) -> int:
        """A number, rounded to the nearest whole one. ScpiError as ``number``."""
        return round(self.number(index, minimum, maximum))

    def channels(
        self, existing: Sequence[int], default: Sequence[int] | None = None
    ) -> tuple[int, ...]:
        """The channel list; without one ``default``. ScpiError -109, or -222 for one that is not
        ``existing``."""
        if self.channel_list is None:
            if default is None:
                raise ScpiError(-109)
            return tuple(default)
        for channel in self.channel_list:
            if channel not in existing:
                raise ScpiError(-222, f"channel {channel}")
        return self.channel_list

    def check_number(self, parameters: int, channels: bool) -> None:
        """ScpiError -108 when there are more parameters, or channels, than the command has."""
        if len(self.texts) > parameters:
            raise ScpiError(-108, self.texts[parameters])
        if self.channel_list is not None and not channels:
            raise ScpiError(-108, "channel list")


def split_outside_quotes(text: str, separator: str) -> list[str]:
    """Split at ``separator`` outside of quotes and parentheses. ScpiError for open ones."""
    parts, start, quote, depth = [], 0, "", 0
    for index, char in enumerate(text):
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif char == "(":
            depth += 1
        elif char == ")":
            depth -= 1
        elif char == separator and depth == 0:
            parts.append(text[start:index])
            start = index + 1
    if separator == ",":
        if quote:
            raise ScpiError(-151, text)
        if depth:
            raise ScpiError(-171, text)
    return [*parts, text[start:]]


def _channel_list(text: str) -> tuple[int, ...]:
    match = _CHANNELS.fullmatch(text)
    if match is None:
        raise ScpiError(-171, text)
    channels: list[int] = []
    for part in match[1].split(","):
        ends = [end.strip() for end in part.split(":")]
        if len(ends) > 2 or not all(end.isdecimal() and len(end) < 7 for end in ends):
            raise ScpiError(-171, text)
        first, last = int(ends[0]), int(ends[-1])
        if abs(last - first) > _MOST_CHANNELS or len(channels) > _MOST_CHANNELS:
            raise ScpiError(-171, text)
        step = 1 if first <= last else -1
        channels += range(first, last + step, step)
    return tuple(channels)


def _float(text: str) -> float:
    try:
        value = float("".join(text.split()))
    except ValueError as error:
        raise ScpiError(-120, text) from error
    if value in (float("inf"), float("-inf")):
        raise ScpiError(-222, text)
    return value


def _multiplier(suffix: str, unit: str) -> float:
    if not suffix:
        return 1.0
    multiplier = _MULTIPLIERS.get(suffix.removesuffix(unit))
    if not unit or not suffix.endswith(unit) or multiplier is None:
        raise ScpiError(-131, suffix)
    return multiplier
