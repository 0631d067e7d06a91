"""SCPI: headers, paths, parameters, errors and registers as IEEE 488.2 and SCPI-1999 say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalys.errors import ProtocolError
from kalys.protocols.scpi import Arguments, CommandTree, Interpreter, ScpiError

CHANNELS = (1, 2, 3)


class Supply:
    """A little supply, enough to show every kind of parameter."""

    def __init__(self) -> None:
        self.volts = dict.fromkeys(CHANNELS, 0.0)
        self.on = dict.fromkeys(CHANNELS, False)
        self.text, self.mode, self.port = "", "FIX", 0
        tree = CommandTree()
        level = "[SOURce:]VOLTage[:LEVel][:IMMediate][:AMPLitude]"
        tree.add(level, self._set, parameters=1, channels=True)
        tree.add(level + "?", self._get, channels=True)
        tree.add("OUTPut[:STATe]", self._switch, parameters=1, channels=True)
        tree.add("OUTPut[:STATe]?", self._state, channels=True)
        tree.add("DISPlay:TEXT", self._show, parameters=1)
        tree.add("VOLTage:MODE", self._choose, parameters=1)
        tree.add("DIGital:PIN#:FUNCtion?", lambda a: str(a.suffixes[0]))
        tree.add("SYSTem:RWLock", lambda a: None)
        self.scpi = Interpreter("Maker,M1,S1,1.0", tree, self.reset)

    def reset(self) -> None:
        self.volts = dict.fromkeys(CHANNELS, 0.0)

    def _set(self, a: Arguments) -> None:
        for channel in a.channels(CHANNELS, (1,)):
            self.volts[channel] = a.number(0, 0.0, 25.0, default=0.0, unit="V")

    def _get(self, a: Arguments) -> str:
        return ",".join(f"{self.volts[c]:.3f}" for c in a.channels(CHANNELS, (1,)))

    def _switch(self, a: Arguments) -> None:
        for channel in a.channels(CHANNELS, (1,)):
            self.on[channel] = a.boolean(0)

    def _state(self, a: Arguments) -> str:
        return ",".join(str(int(self.on[c])) for c in a.channels(CHANNELS, (1,)))

    def _show(self, a: Arguments) -> None:
        self.text = a.string(0)

    def _choose(self, a: Arguments) -> None:
        self.mode = a.word(0, ("FIXed", "LIST"))


def ask(*messages: str) -> str | None:
    supply = Supply()
    return [supply.scpi.execute(message) for message in messages][-1]


def error(message: str) -> str:
    supply = Supply()
    supply.scpi.execute(message)
    return supply.scpi.execute("SYST:ERR?").split(",")[0]


@pytest.mark.parametrize("header", [
    "VOLT", "VOLTAGE", "volt", "SOUR:VOLT", "source:voltage:level:immediate:amplitude",
    ":VOLT:AMPL", "VOLT:LEV", ":SOURce:VOLTage:IMM"])
def test_every_form_of_a_header_is_the_same_command(header):
    assert ask(f"{header} 5", "VOLT?") == "5.000"


@pytest.mark.parametrize(("value", "volts"), [
    ("5", "5.000"), ("5.0 V", "5.000"), ("500 mV", "0.500"), ("+.5E1", "5.000"),
    ("2500000UV", "2.500"), ("0.02KV", "20.000"), ("MAX", "25.000"), ("minimum", "0.000"),
    ("DEF", "0.000")])
def test_numbers_come_with_units_multipliers_and_words(value, volts):
    assert ask(f"VOLT {value}", "VOLT?") == volts


@pytest.mark.parametrize(("message", "code"), [
    ("VOLTS 5", "-113"), ("VOL 5", "-113"), ("FOO:BAR?", "-113"), ("*FOO", "-113"),
    ("VOLT", "-109"), ("VOLT 5,6", "-108"), ("VOLT? 5", "-108"), ("SYST:RWL (@1)", "-108"),
    ("VOLT 26", "-222"), ("VOLT -1", "-222"), ("VOLT 5,(@4)", "-222"), ("VOLT 1E999", "-222"),
    ("VOLT 5 A", "-131"), ("VOLT ON", "-104"), ("OUTP 5V", "-104"), ("VOLT:MODE STEP", "-224"),
    ("DISP:TEXT 5", "-151"), ('DISP:TEXT "x', "-151"), ("VOLT 5,(@1", "-171"),
    ("VOLT 5,(@)", "-171"), ("VOLT 5,(@1:999999)", "-171"), ("VOLT ,5", "-103"),
    ("!", "-102"), ("VOLT?5", "-113"), ("SYST:ERR", "-113"), ("DIG:PIN2x:FUNC?", "-113"),
])
def test_what_is_not_accepted_has_the_standards_code(message, code):
    assert error(message) == code


def test_a_refused_command_changes_nothing():
    assert ask("VOLT 5", "VOLT 6,7", "VOLT 99", "VOLT?") == "5.000"


def test_channel_lists_name_channels_and_ranges():
    assert ask("VOLT 5,(@1,3)", "VOLT? (@1:3)") == "5.000,0.000,5.000"
    assert ask("OUTP ON,(@3:2)", "OUTP? (@ 1, 2 ,3)") == "0,1,1"


def test_a_header_after_a_semicolon_continues_at_the_level_of_the_last():
    assert ask("SOUR:VOLT:LEV 5;IMM 6;:VOLT?") == "6.000"
    assert ask("VOLT:MODE LIST;LEV 7;*OPC;LEV?") == "7.000"
    assert error("SOUR:VOLT 5;OUTP ON") == "-113"


def test_responses_of_one_message_are_joined():
    assert ask("*IDN?;:VOLT?;*OPC?") == "Maker,M1,S1,1.0;0.000;1"


def test_semicolons_and_commas_inside_quotes_are_text():
    supply = Supply()
    supply.scpi.execute("DISP:TEXT 'a;b,''c'':(@1)';:OUTP 1")
    assert supply.text == "a;b,'c':(@1)" and supply.on[1]


def test_after_a_command_error_the_rest_of_the_message_is_discarded():
    assert ask("FOO;VOLT 5", "VOLT?") == "0.000"
    assert ask("VOLT 99;VOLT 5", "VOLT?") == "5.000"


def test_a_numeric_suffix_reaches_the_handler():
    assert ask("DIG:PIN3:FUNC?") == "3" and ask("DIG:PIN:FUNC?") == "1"


def test_the_error_queue_is_first_in_first_out_and_says_when_it_overflowed():
    supply = Supply()
    assert supply.scpi.execute("SYST:ERR?") == '+0,"No error"'
    for n in range(25):
        supply.scpi.execute(f"BAD{n}")
    assert supply.scpi.execute("SYST:ERR:COUN?") == "20"
    assert supply.scpi.execute("SYST:ERR:NEXT?") == '-113,"Undefined header;BAD0"'
    errors = [supply.scpi.execute("SYST:ERR?") for _ in range(20)]
    assert errors[-2] == '-350,"Queue overflow"' and errors[-1] == '+0,"No error"'


def test_the_status_registers_summarise():
    supply = Supply()
    do = supply.scpi.execute
    assert do("*ESR?") == "128" and do("*ESR?") == "0"
    do("*ESE 32;*SRE 36")
    assert do("*ESE?;*SRE?;*STB?") == "32;36;0"
    do("FOO")
    assert do("*STB?") == str(4 + 32 + 64)
    assert do("*ESR?") == "32"
    do("VOLT 99")
    assert do("*ESR?") == "16"
    do("*CLS")
    assert do("*STB?;:SYST:ERR?") == '0;+0,"No error"'
    do("*OPC")
    assert do("*ESR?") == "1" and do("*WAI;*TST?") == "0"
    do("VOLT 5;*RST")
    assert do("VOLT?") == "0.000"


def test_messages_are_lines_however_they_are_cut():
    supply = Supply()
    data = b"VOLT 5\r\n*IDN?;:VOLT?\n*OPC?\n"
    answers = b"".join(supply.scpi.feed(bytes((byte,))) for byte in data)
    assert answers == b"Maker,M1,S1,1.0;5.000\n1\n"


def test_a_message_that_never_ends_is_given_up_and_told():
    supply = Supply()
    assert supply.scpi.feed(b"x" * 70_000) == b""
    assert supply.scpi.feed(b"x\n*OPC?\nSYST:ERR?\n") == b'1\n-363,"Input buffer overrun"\n'


@given(st.binary(max_size=80) | st.text("VOLT:?;,@()'\" *125.eE-", max_size=40).map(str.encode))
def test_no_bytes_make_the_interpreter_raise(data):
    supply = Supply()
    supply.scpi.feed(data + b"\n")
    assert supply.scpi.execute("*OPC?") == "1"


def test_a_device_reports_errors_of_its_own():
    supply = Supply()
    supply.scpi.status.report(201, "Output tripped")
    assert supply.scpi.execute("SYST:ERR?;*ESR?") == '+201,"Output tripped";136'


@pytest.mark.parametrize("pattern", ["volt", "VOLT:[", "", "VOLT-AGE"])
def test_a_pattern_that_is_no_command_is_refused(pattern):
    with pytest.raises(ProtocolError):
        CommandTree().add(pattern, lambda a: None)


def test_an_error_names_its_number():
    assert ScpiError(-222, "99").number == -222
