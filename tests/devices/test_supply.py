"""The driver of the supply, through the @kalys VISA back end."""

import pytest

from kalys.devices.supply import KeysightE36312A, check_identity
from kalys.errors import KalysError, ProtocolError
from kalys.links.inprocess import Exchange
from kalys.links.instrument import open_instrument
from kalys.links.visa import resource_name

ANSWERS = {
    "*IDN?": "Keysight Technologies,E36312A,MY0001,1.0.0", "SYST:ERR?": '+0,"No error"',
    "MEAS:VOLT? (@2)": "+2.40010000E+01", "MEAS:CURR? (@2)": "+6.50000000E-01",
    "OUTP? (@1,2,3)": "0,0,0",
}


class ScriptedSupply:
    def __init__(self):
        self.messages = []
        self.errors = []

    def opened(self): ...
    def closed(self): ...

    def received(self, data):
        for message in data.decode().splitlines():
            self.messages.append(message)
            if message == "SYST:ERR?" and self.errors:
                self.send(f"{self.errors.pop(0)}\n".encode())
            elif message in ANSWERS:
                self.send(f"{ANSWERS[message]}\n".encode())


@pytest.fixture
def rigged(clock, notes):
    with Exchange(clock) as exchange:
        device = ScriptedSupply()
        device.send = exchange.attach("supply", device)
        instrument = open_instrument(resource_name("supply"), name="supply", clock=clock,
                                     journal=notes, exchange=exchange)
        yield device, KeysightE36312A(instrument, channel=2, name="supply", journal=notes), exchange


def test_settings_go_to_the_channel_and_the_error_queue_is_read_after_each(rigged):
    device, supply, _ = rigged
    supply.set_voltage(24, 1)
    supply.output(True)
    assert [m for m in device.messages if "?" not in m] == [
        "VOLT 24.0000,(@2)", "CURR 1.0000,(@2)", "OUTP ON,(@2)"]
    assert device.messages.count("SYST:ERR?") == 3


def test_what_the_instrument_did_not_accept_does_not_look_as_if_it_had(rigged):
    device, supply, _ = rigged
    device.errors = ['-222,"Data out of range"']
    with pytest.raises(ProtocolError, match="Data out of range"):
        supply.set_voltage(99, 1)


def test_volts_and_amperes_are_measured(rigged):
    assert rigged[1].measure() == pytest.approx((24.001, 0.65))


def test_another_instrument_at_the_address_is_told(rigged):
    assert "E36312A" in check_identity(rigged[1], "E36312A")
    with pytest.raises(KalysError, match="the profile says E3631A"):
        check_identity(rigged[1], "E3631A")


def test_making_safe_switches_every_output_off_and_never_raises(rigged, notes):
    device, supply, exchange = rigged
    supply.make_safe()
    assert device.messages[0] == "OUTP OFF,(@1,2,3)"
    assert notes.texts()[-1] == "outputs off"
    exchange.drop("supply")
    supply.make_safe()
    assert notes.texts()[-1] == "the outputs could not be switched off"


def test_making_safe_survives_a_journal_that_cannot_be_written(rigged):
    device, supply, _ = rigged

    class Full:
        def add(self, kind, data):
            raise KalysError("the disk is full")

        def wire(self, link, direction, data, time=None):
            raise KalysError("the disk is full")

    supply._journal = Full()
    supply._instrument._journal = Full()
    supply.make_safe()
    supply._instrument.clock.sleep(0)
    assert device.messages[0] == "OUTP OFF,(@1,2,3)"
