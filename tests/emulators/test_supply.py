"""The emulated E36312A answers as its programming guide says, and keeps its load safe or not."""

from __future__ import annotations

import pytest

from kalys.emulators.supply import EmulatedSupply


def say(supply: EmulatedSupply, text: str) -> str:
    return supply.receive(text.encode() + b"\n").decode().strip()


def test_it_says_what_it_is() -> None:
    assert say(EmulatedSupply(), "*IDN?").startswith("Keysight Technologies,E36312A,")


def test_a_channel_is_set_measured_and_switched_by_its_list() -> None:
    supply = EmulatedSupply()
    supply.load = lambda channel: 0.5
    say(supply, "VOLT 24.5,(@2)")
    say(supply, "CURR 1,(@2)")
    assert float(say(supply, "MEAS:VOLT? (@2)")) == 0
    say(supply, "OUTP ON,(@2)")
    assert float(say(supply, "MEAS:VOLT? (@2)")) == 24.5
    assert float(say(supply, "MEAS:CURR? (@2)")) == 0.5
    assert say(supply, "OUTP? (@1,2,3)") == "0,1,0"
    assert say(supply, "SYST:ERR?") == '+0,"No error"'


def test_the_selected_channel_is_meant_where_no_list_is_given() -> None:
    supply = EmulatedSupply()
    say(supply, "INST CH3")
    say(supply, ":SOURce:VOLTage:LEVel:IMMediate:AMPLitude 12 V")
    assert float(say(supply, "VOLT? (@3)")) == 12
    assert say(supply, "INST:NSEL?") == "3"
    say(supply, "APPL CH2,5,0.25")
    assert [float(v) for v in say(supply, "VOLT? (@2);CURR? (@2)").split(";")] == [5, 0.25]


@pytest.mark.parametrize(
    ("command", "code"),
    [("VOLT 26,(@2)", -222), ("VOLT 7,(@1)", -222), ("VOLT 5,(@4)", -222), ("VOLT (@2)", -109),
     ("VOLTS 5,(@2)", -113), ("OUTP PERHAPS,(@2)", -104), ("INST CH7", -224)],
)
def test_what_it_does_not_accept_is_in_its_error_queue(command: str, code: int) -> None:
    supply = EmulatedSupply()
    say(supply, command)
    assert say(supply, "SYST:ERR?").startswith(f"{code},")
    assert supply.volts(2) == 0


def test_a_reset_switches_everything_off() -> None:
    supply = EmulatedSupply()
    supply.recall(2, 24, 1)
    assert supply.volts(2) == 24
    say(supply, "*RST")
    assert supply.volts(2) == 0
    assert float(say(supply, "VOLT? (@2)")) == 0


def test_the_over_voltage_protection_trips_and_is_cleared() -> None:
    supply = EmulatedSupply()
    supply.recall(2, 24, 1)
    say(supply, "VOLT:PROT 20,(@2)")
    assert supply.volts(2) == 0
    assert say(supply, "VOLT:PROT:TRIP? (@2)") == "1"
    say(supply, "VOLT 18,(@2)")
    say(supply, "OUTP:PROT:CLE (@2)")
    assert supply.volts(2) == 18
