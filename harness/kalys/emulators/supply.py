"""An emulated Keysight E36312A: three outputs behind SCPI.

Command set: Keysight E36300 Series Programming Guide (E36311-90008). Channels are named by a
channel list, ``VOLT 24,(@2)``, or are the selected one (``INST CH2``). What is connected to an
output is the world's business: it reads ``volts`` and is told when an output changes.

The instrument is set to recall its state at power-on (OUTPut:PON:STATe RCL0): when a world begins,
the outputs that feed something are on. *RST switches everything off, as in the manual.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kalys.protocols.scpi import Arguments, CommandTree, Interpreter, ScpiError

IDENTITY = "Keysight Technologies,E36312A,KALYS-EMU-0001,2.1.3-1.0.4-1.12"
CHANNELS = (1, 2, 3)
FED_CHANNELS = (2, 3)          # the two 25 V outputs; the first gives 6 V only
FED_VOLTS, FED_AMPERES = 24.0, 1.0
# Programmable maxima: volts, amperes (data sheet 5992-2124).
MAXIMA: Mapping[int, tuple[float, float]] = {1: (6.18, 5.15), 2: (25.75, 1.03), 3: (25.75, 1.03)}
OVP_MARGIN = 1.1               # over-voltage protection goes up to 110 % of the rating


@dataclass
class Output:
    """One channel as it is programmed."""

    maximum_v: float
    maximum_a: float
    volts: float = 0.0
    amperes: float = 0.0
    on: bool = False
    protection_v: float = 0.0
    tripped: bool = False

    def reset(self) -> None:
        """The state after *RST: off, 0 V, protection at its highest."""
        self.volts, self.on, self.tripped = 0.0, False, False
        self.amperes = self.maximum_a
        self.protection_v = self.maximum_v * OVP_MARGIN


class EmulatedSupply:
    """The instrument. ``changed()`` is called after a setting; ``load(channel)`` gives amperes."""

    def __init__(self) -> None:
        self.outputs = {channel: Output(*MAXIMA[channel]) for channel in CHANNELS}
        self._selected = (1,)
        self._power_on = "RCL0"
        self.changed: Callable[[], None] = lambda: None
        self.load: Callable[[int], float] = lambda _: 0.0
        for output in self.outputs.values():
            output.reset()
        self._interpreter = Interpreter(IDENTITY, self._commands(), self._reset)

    def recall(self, channel: int, volts: float, amperes: float) -> None:
        """Begin with this channel on, as the recalled state has it."""
        output = self.outputs[channel]
        output.volts, output.amperes, output.on = volts, amperes, True

    def receive(self, data: bytes) -> bytes:
        """Program messages in, responses out."""
        return self._interpreter.feed(data)

    def opened(self) -> None:
        """A controller has connected: an unfinished message of an earlier one is forgotten."""
        self._interpreter.reset_input()

    def volts(self, channel: int) -> float:
        """At the terminals. A load that wants more than the limit pulls the voltage down."""
        output = self.outputs[channel]
        if not output.on or output.tripped:
            return 0.0
        load = self.load(channel)
        return output.volts if load <= output.amperes else output.volts * output.amperes / load

    def _amperes(self, channel: int) -> float:
        output = self.outputs[channel]
        if self.volts(channel) <= 0:
            return 0.0
        return min(self.load(channel), output.amperes)

    # Commands

    def _commands(self) -> CommandTree:
        tree = CommandTree()
        level = "[:LEVel][:IMMediate][:AMPLitude]"
        for name, index in (("VOLTage", 0), ("CURRent", 1)):
            field = ("volts", "amperes")[index]
            tree.add(f"[SOURce:]{name}{level}", self._setting(field, index),
                     parameters=1, channels=True)
            tree.add(f"[SOURce:]{name}{level}?", self._asked(field, index),
                     parameters=1, channels=True)
        tree.add("[SOURce:]VOLTage:PROTection[:LEVel]", self._set_protection,
                 parameters=1, channels=True)
        tree.add("[SOURce:]VOLTage:PROTection[:LEVel]?",
                 self._each(lambda c: _real(self.outputs[c].protection_v)), channels=True)
        tree.add("[SOURce:]VOLTage:PROTection:TRIPped?",
                 self._each(lambda c: str(int(self.outputs[c].tripped))), channels=True)
        tree.add("OUTPut:PROTection:CLEar", self._clear_protection, channels=True)
        tree.add("OUTPut[:STATe]", self._set_output, parameters=1, channels=True)
        tree.add("OUTPut[:STATe]?", self._each(lambda c: str(int(self.outputs[c].on))),
                 channels=True)
        tree.add("OUTPut:PON:STATe", self._set_power_on, parameters=1)
        tree.add("OUTPut:PON:STATe?", lambda _: self._power_on)
        tree.add("MEASure[:SCALar][:VOLTage][:DC]?", self._each(lambda c: _real(self.volts(c))),
                 channels=True)
        tree.add("MEASure[:SCALar]:CURRent[:DC]?", self._each(lambda c: _real(self._amperes(c))),
                 channels=True)
        tree.add("INSTrument[:SELect]", self._select, parameters=1)
        tree.add("INSTrument[:SELect]?", lambda _: f"CH{self._selected[0]}")
        tree.add("INSTrument:NSELect", self._select_number, parameters=1)
        tree.add("INSTrument:NSELect?", lambda _: str(self._selected[0]))
        tree.add("APPLy", self._apply, parameters=3)
        for panel in ("LOCal", "REMote", "RWLock", "BEEPer[:IMMediate]"):
            tree.add(f"SYSTem:{panel}", lambda _: None)
        return tree

    def _each(self, tell: Callable[[int], str]) -> Callable[[Arguments], str]:
        def handler(arguments: Arguments) -> str:
            return ",".join(tell(channel) for channel in self._channels(arguments))
        return handler

    def _setting(self, field: str, index: int) -> Callable[[Arguments], None]:
        def handler(arguments: Arguments) -> None:
            channels = self._channels(arguments)
            values = [
                arguments.number(0, 0.0, MAXIMA[channel][index], default=0.0, unit="VA"[index])
                for channel in channels
            ]
            for channel, value in zip(channels, values, strict=True):
                setattr(self.outputs[channel], field, value)
            self._settle()
        return handler

    def _asked(self, field: str, index: int) -> Callable[[Arguments], str]:
        def tell(arguments: Arguments, channel: int) -> str:
            if not len(arguments):
                return _real(getattr(self.outputs[channel], field))
            limit = arguments.word(0, ("MINimum", "MAXimum"))
            return _real(0.0 if limit == "MIN" else MAXIMA[channel][index])

        def handler(arguments: Arguments) -> str:
            return ",".join(tell(arguments, channel) for channel in self._channels(arguments))
        return handler

    def _set_protection(self, arguments: Arguments) -> None:
        for channel in self._channels(arguments):
            output = self.outputs[channel]
            output.protection_v = arguments.number(
                0, 0.0, output.maximum_v * OVP_MARGIN, unit="V")
        self._settle()

    def _clear_protection(self, arguments: Arguments) -> None:
        for channel in self._channels(arguments):
            self.outputs[channel].tripped = False
        self._settle()

    def _set_output(self, arguments: Arguments) -> None:
        on = arguments.boolean(0)
        for channel in self._channels(arguments):
            self.outputs[channel].on = on
        self._settle()

    def _set_power_on(self, arguments: Arguments) -> None:
        self._power_on = arguments.word(0, ("RST", "RCL0"))

    def _select(self, arguments: Arguments) -> None:
        name = arguments.text(0).upper()
        if name not in {f"CH{channel}" for channel in CHANNELS}:
            raise ScpiError(-224, name)
        self._selected = (int(name[2:]),)

    def _select_number(self, arguments: Arguments) -> None:
        self._selected = (arguments.integer(0, CHANNELS[0], CHANNELS[-1]),)

    def _apply(self, arguments: Arguments) -> None:
        name = arguments.text(0).upper()
        if name not in {f"CH{channel}" for channel in CHANNELS}:
            raise ScpiError(-224, name)
        output = self.outputs[int(name[2:])]
        volts = arguments.number(1, 0.0, output.maximum_v, default=0.0, unit="V")
        if len(arguments) > 2:
            output.amperes = arguments.number(2, 0.0, output.maximum_a, unit="A")
        output.volts = volts
        self._settle()

    def _channels(self, arguments: Arguments) -> tuple[int, ...]:
        return arguments.channels(CHANNELS, self._selected)

    def _settle(self) -> None:
        for output in self.outputs.values():
            if output.on and output.volts > output.protection_v:
                output.tripped = True
        self.changed()

    def _reset(self) -> None:
        for output in self.outputs.values():
            output.reset()
        self._selected = (1,)
        self._power_on = "RST"
        self.changed()


def _real(value: float) -> str:
    """A number as the instrument writes it (NR3)."""
    return f"{value:+.8E}"
