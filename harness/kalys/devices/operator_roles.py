"""Roles that a person performs, asked in words: paper, hands, the tape and the mains plug.

On a bench without a feeding machine the harness asks for what it wants done, one step at a time, by
the number printed on the sheet, and takes the person's answer as what happened. Whoever cannot do
a step answers n, and the procedure is BLOCKED with that reason. Every question and answer goes to
the journal through the Operator itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from kalys.ballots.layout import Layout
from kalys.ballots.sheet import Sheet
from kalys.devices.roles import BoxContents, Gate, Operator, Shown, Tape
from kalys.election.definition import ElectionDefinition
from kalys.errors import Refused
from kalys.evidence.journal import Recorder
from kalys.links.clock import Clock

ORIENTATIONS = {
    "down-head": "face down, head first",
    "down-foot": "face down, foot first",
    "up-head": "face up, head first",
    "up-foot": "face up, foot first",
}
_RANGE = re.compile(r"(\S*?)(\d+)-(\d+)")


class _Asking:
    """What the roles of a person have in common: an operator, and the urn they stand at."""

    def __init__(self, operator: Operator, urn: str) -> None:
        self._operator = operator
        self._urn = urn

    def _do(self, text: str) -> None:
        """Ask to do something and wait until it is done; Refused when it cannot be done."""
        if self._operator.ask(f"{self._urn}: {text} Done?", "confirm") != "y":
            raise Refused(f"the operator could not do this: {text}", code="operator",
                          where=self._urn)

    def _yes(self, text: str) -> bool:
        return self._operator.ask(f"{self._urn}: {text}", "yes-no") == "y"

    def _sheets(self, text: str) -> tuple[str, ...]:
        return sheet_numbers(self._operator.ask(f"{self._urn}: {text}", "sheets"))


class OperatorFeeder(_Asking):
    """The role `Feeder`, performed by a person with a printed deck.

    A person may name a sheet by its number alone: "17" is the sheet 00017-lines if that was the
    last one with this number that was asked for.
    """

    def __init__(self, operator: Operator, urn: str) -> None:
        super().__init__(operator, urn)
        self._by_number: dict[str, str] = {}

    def insert(self, *sheets: Sheet, overlap_mm: float = 0.0) -> None:
        for sheet in sheets:
            self._by_number[_number(sheet.id)] = sheet.id
        way = ORIENTATIONS.get(sheets[0].orientation, sheets[0].orientation)
        if len(sheets) == 1:
            self._do(f"Insert sheet {_described(sheets[0])}, {way}.")
        else:
            names = " and ".join(_described(sheet) for sheet in sheets)
            self._do(f"Lay sheets {names} on one another, each {overlap_mm:g} mm behind the one "
                     f"before, and insert them together, {way}.")

    def provide(
        self, definition: ElectionDefinition, layouts: Mapping[str, Layout]
    ) -> None:
        raise Refused(
            f"nobody has printed ballots of {', '.join(layouts)} of {definition.id}",
            code="operator", where=self._urn,
        )

    def pull_back(self) -> bool:
        return self._yes("Pull the sheet back while it is being drawn in. Did you get it out?")

    def jam_next(self, at_mm: float) -> None:
        self._do(f"Prepare the next sheet so that it sticks about {at_mm:g} mm behind the throat "
                 "(fold a corner back, or hold it with the jam tool).")

    def clear_jam(self) -> str | None:
        found = self._sheets("Open the cover, take the stuck sheet out and close the cover. Which "
                             "sheet was it (empty: none)?")
        return found[0] if found else None

    def take_returned(self) -> tuple[str, ...]:
        return self._sheets("Which sheets came back out of the throat since you were last asked "
                            "(numbers, ranges such as 0001-0020, empty: none)? Take them away.")

    def box(self) -> BoxContents:
        return BoxContents(
            valid=self._sheets("Which sheets are in the valid compartment (numbers or ranges)?"),
            invalid=self._sheets("Which sheets are in the invalid compartment (numbers or "
                                 "ranges)?"),
        )

    def empty_box(self) -> None:
        self._do("Empty both compartments of the box.")

    def gates(self) -> list[Gate]:
        return []

    def _sheets(self, text: str) -> tuple[str, ...]:
        return tuple(self._by_number.get(_number(name), name) if _number(name) else name
                     for name in super()._sheets(text))


class OperatorHands(_Asking):
    """The role `Hands`, performed by a person."""

    def cover(self, open: bool) -> None:  # noqa: A002  (the role's word)
        self._do("Open the cover." if open else "Close the cover.")

    def media(self, inserted: bool) -> None:
        self._do("Insert the memory stick." if inserted else "Take the memory stick out.")

    def battery(self, connected: bool) -> None:
        self._do("Connect the backup battery." if connected else "Disconnect the backup battery.")

    def cable(self, port: str, connected: bool) -> None:
        self._do(f"Plug the cable of the {port} in." if connected
                 else f"Pull the cable of the {port} out.")

    def key_switch(self, turned: bool) -> None:
        self._do("Put the key into the key switch and turn it on." if turned
                 else "Turn the key switch off and take the key out.")

    def memory_chip(self, chip: str, condition: str) -> None:
        self._do({
            "failed": f"Make the {chip} memory fail (take its module or card out, or switch it to "
                      "its fault position).",
            "full": f"Put a {chip} memory in that has no room left.",
            "good": f"Put a good {chip} memory in.",
        }[condition])

    def damage_memory(self, what: str, index: int) -> None:
        raise Refused(f"nobody can damage entry {index} of the stored {what} by hand",
                      code="operator", where=self._urn)

    def disturb_counter(self, contest: str, option: str, value: int) -> None:
        raise Refused(f"nobody can set the stored counter {contest}/{option} to {value} by hand",
                      code="operator", where=self._urn)

    def tamper_log(self, how: str, index: int) -> None:
        raise Refused(f"nobody can {how} entry {index} of the stored log by hand",
                      code="operator", where=self._urn)

    def read_display(self) -> str:
        return self._operator.ask(f"{self._urn}: What does the voter's display show?", "text")

    def watch_display(self, on: bool) -> None:
        if on:
            raise Refused("a person cannot time what a display shows",
                          code="operator", where=self._urn)

    def displayed(self) -> list[Shown]:
        return []

    def roll_empty(self, empty: bool) -> None:
        self._do("Take the paper roll out of the printer." if empty
                 else "Put a paper roll into the printer.")


class OperatorPrinter(_Asking):
    """The role `Printer`, read by a person who types what is on the paper."""

    def __init__(self, operator: Operator, urn: str, clock: Clock) -> None:
        super().__init__(operator, urn)
        self._clock = clock

    def tape(self) -> Tape:
        """``first`` and ``last`` are times of the person's answer, no measurement of printing."""
        text = self._operator.ask(
            f"{self._urn}: Type what the printer printed since you were last asked, line by line "
            "(nothing: end at once).", "lines")
        now = self._clock.now()
        return Tape(lines=tuple(text.split("\n")) if text else (), undecodable=0,
                    first=now, last=now)


class OperatorSupply(_Asking):
    """The role `PowerSupply`, performed at the mains plug or at a supply without an interface."""

    def __init__(self, operator: Operator, urn: str, journal: Recorder) -> None:
        super().__init__(operator, urn)
        self._journal = journal

    def identity(self) -> str:
        return "operator's hand at the mains plug"

    def set_voltage(self, volts: float, limit_amperes: float) -> None:
        self._do(f"Set the supply to {volts:g} V with a limit of {limit_amperes:g} A.")

    def output(self, on: bool) -> None:
        self._do("Switch the power on (plug it in)." if on else "Cut the power (pull the plug).")

    def measure(self) -> tuple[float, float]:
        volts = self._operator.ask(f"{self._urn}: How many volts does the meter show?", "number")
        amperes = self._operator.ask(f"{self._urn}: How many amperes does the meter show?",
                                     "number")
        return float(volts), float(amperes)

    def errors(self) -> list[str]:
        return []

    def make_safe(self) -> None:
        """A plug that nobody pulls stays as it is; the journal says so. Nobody is asked here: this
        runs after Ctrl-C as well."""
        self._journal.add("note", {"device": self._urn,
                                   "text": "the mains plug is left as the operator has it"})


def _described(sheet: Sheet) -> str:
    """The sheet's number, and what is unusual about what it is made of."""
    stock = sheet.paper.stock.words()
    return f"{sheet.id} ({stock})" if stock else sheet.id


def _number(name: str) -> str:
    """The leading number of a sheet's name without leading zeros; "" when it has none."""
    match = re.match(r"\d+", name)
    return str(int(match.group())) if match else ""


def sheet_numbers(text: str) -> tuple[str, ...]:
    """The sheets that a person named: ``0001-0003, 0007`` is 0001, 0002, 0003, 0007.

    Separated by commas or spaces; a range keeps the prefix and the width of its first number.
    ValueError when a range runs backwards.
    """
    found: list[str] = []
    for part in re.split(r"[,;\s]+", text.strip()):
        match = _RANGE.fullmatch(part)
        if match is None:
            found += [part] if part else []
            continue
        prefix, first, last = match.groups()
        if int(last) < int(first) or int(last) - int(first) > 100_000:
            raise ValueError(f"the range {part} does not run upwards")
        found += [f"{prefix}{n:0{len(first)}d}" for n in range(int(first), int(last) + 1)]
    return tuple(found)


def answer_is_good(kind: str, answer: str, choices: Sequence[str] = ()) -> str:
    """Why an answer is not of its kind, in words for the person; empty when it is."""
    if kind in ("confirm", "yes-no"):
        return "" if answer in ("y", "n") else "Answer y or n."
    if kind == "choice":
        return "" if answer in choices else f"Answer one of: {', '.join(choices)}."
    try:
        if kind == "number":
            float(answer)
        elif kind == "sheets":
            sheet_numbers(answer)
    except ValueError as error:
        return f"{error}."
    return ""
