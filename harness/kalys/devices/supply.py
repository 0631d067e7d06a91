"""The programmable supply that feeds the urn: Keysight E36312A over PyVISA.

Command set: Keysight E36300 Series Programming Guide (E36311-90008): channel lists ``(@n)``,
IEEE 488.2 common commands and the SCPI error queue. After every setting the instrument's error
queue is read: a supply that did not understand must not look as if it had obeyed.
"""

from __future__ import annotations

from kalys.errors import KalysError, ProtocolError
from kalys.evidence.journal import Recorder
from kalys.links.instrument import Instrument

ALL_CHANNELS = "(@1,2,3)"
MOST_ERRORS = 20          # the queue of the E36312A holds 20


class KeysightE36312A:
    """The role `PowerSupply` on output ``channel`` (1 to 3)."""

    def __init__(
        self, instrument: Instrument, *, channel: int, name: str, journal: Recorder
    ) -> None:
        self.name = name
        self._instrument = instrument
        self._channel = f"(@{channel})"
        self._journal = journal

    def identity(self) -> str:
        return self._instrument.query("*IDN?").strip()

    def set_voltage(self, volts: float, limit_amperes: float) -> None:
        self._set(f"VOLT {volts:.4f},{self._channel}")
        self._set(f"CURR {limit_amperes:.4f},{self._channel}")

    def output(self, on: bool) -> None:
        self._set(f"OUTP {'ON' if on else 'OFF'},{self._channel}")

    def measure(self) -> tuple[float, float]:
        return (
            self._number(f"MEAS:VOLT? {self._channel}"),
            self._number(f"MEAS:CURR? {self._channel}"),
        )

    def errors(self) -> list[str]:
        found = []
        for _ in range(MOST_ERRORS + 1):
            error = self._instrument.query("SYST:ERR?").strip()
            if error.split(",")[0].lstrip("+").strip() == "0":
                break
            found.append(error)
        return found

    def make_safe(self) -> None:
        """All outputs off; never raises. What went wrong is in the journal."""
        try:
            self._instrument.write(f"OUTP OFF,{ALL_CHANNELS}")
            # The answer shows that the command before it has been executed.
            still_on = self._instrument.query(f"OUTP? {ALL_CHANNELS}")
            self._note("outputs off", answer=still_on.strip())
        except Exception as error:
            # Whatever it is, the other parts of the bench still have to be closed.
            try:
                self._note("the outputs could not be switched off", error=str(error))
            except Exception:
                return

    def close(self) -> None:
        self._instrument.close()

    def _set(self, command: str) -> None:
        self._instrument.write(command)
        errors = self.errors()
        if errors:
            raise ProtocolError(
                f"it did not accept {command!r}: {'; '.join(errors)}", where=self.name,
                remedy="Is this the instrument that the profile names?",
            )

    def _number(self, query: str) -> float:
        answer = self._instrument.query(query)
        try:
            return float(answer)
        except ValueError as error:
            raise ProtocolError(f"{query} was answered {answer!r}, not with a number",
                                where=self.name) from error

    def _note(self, text: str, **details: str) -> None:
        self._journal.add("note", {"device": self.name, "text": text, **details})


def check_identity(supply: KeysightE36312A, model: str) -> str:
    """What the instrument says it is; KalysError when that is not ``model``."""
    identity = supply.identity()
    if model and model not in identity:
        raise KalysError(
            f"the instrument says it is {identity!r}, the profile says {model}",
            where=supply.name,
            remedy="Check the address in the bench file, or name another profile.",
        )
    return identity
