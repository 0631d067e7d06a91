"""What one model of emulated urn is like: the ``emulation:`` mapping of its profile.

Everything here is a plain value with a default, so that a profile states only what differs. The
defaults describe the healthy reference urn "Kalys EU-1". None of these figures is published for the
urns in use in Kyrgyzstan; they are chosen to satisfy the catalogue with some room to spare.

Geometry: the path is measured in millimetres from the throat. A sheet is drawn in head first; its
leading edge passes the entry sensor (0), the scanner line, the deflector (from where it cannot come
back), and the exit gate; it falls when its tail has left the exit gate.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from kalys.counting.reader import Thresholds
from kalys.protocols.urn.messages import ACCEPT, AMBIGUOUS_MARKS, RETURN

Share = Annotated[float, Field(gt=0, lt=1)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]


class UrnEmulation(BaseModel):
    """Parameters of an emulated urn. Unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    # Identity
    maker: str = "Kalys"
    model: str = "Emulated urn EU-1"
    firmware: str = "1.4.0"
    legal_software_id: str = "KALYS-LR-1.4"
    protocol: str = "kalys-urn-link/1"

    # Paper path
    transport_mm_s: Positive = 300.0
    transport_jitter: Annotated[float, Field(ge=0, le=0.1)] = 0.002   # relative, one sigma, a sheet
    scanner_mm: Positive = 60.0
    deflector_mm: Positive = 420.0
    exit_mm: Positive = 480.0
    sheet_mm: Positive = 297.0            # length that the urn expects; A4, long edge in feed
    length_tolerance_mm: Positive = 8.0
    most_options: Annotated[int, Field(ge=1)] = 100      # on one ballot
    double_thickness: Positive = 1.5      # of one sheet; more than this is taken for two
    lightest_g_m2: Positive = 60.0        # paper that it feeds without trouble
    heaviest_g_m2: Positive = 120.0
    driest_percent: NotNegative = 20.0    # relative humidity that the paper was kept in
    dampest_percent: NotNegative = 80.0
    feed_gap_s: NotNegative = 0.1         # rest between two sheets
    refusal_s: NotNegative = 0.3          # time to give back a sheet that is not drawn in at all
    jam_timeout_s: Positive = 0.5

    # Voter's display
    display_s: NotNegative = 0.04         # until a picture stands on it

    # Printer
    lines_per_second: Positive = 25.0

    # Limits
    capacity: Annotated[int, Field(ge=1)] = 2000
    capacity_warning: Annotated[int, Field(ge=0)] = 50   # sheets left at which the warning comes
    accept_after_hours: bool = False      # voters in the room when the window closes (TIM-008)

    # Power
    battery_minutes: NotNegative = 180.0
    mains_minimum_v: Positive = 18.0
    load_amperes: NotNegative = 0.65
    boot_seconds: NotNegative = 3.0
    restart_seconds: NotNegative = 3.0
    page_write_s: NotNegative = 0.003     # to program a page of 256 bytes of the memory
    hold_up_s: NotNegative = 0.0          # for which the memory goes on when all power is gone

    # Clock
    drift_ppm: Annotated[float, Field(ge=-100_000, le=100_000)] = 2.0
    offset_min: Annotated[int, Field(ge=-840, le=840)] = 360

    # Authentication
    wrong_attempts: Annotated[int, Field(ge=1)] = 5
    lockout_s: NotNegative = 60.0
    inactivity_s: NotNegative = 0.0       # a log-in is left alone so long before an alert; 0: never
    alert_s: Annotated[float, Field(ge=1)] = 30.0        # and so long after it until it ends

    # Counting; None: the reader's own
    mark_vote_fill: Share | None = None
    mark_blank_fill: Share | None = None
    mark_ink_level: Share | None = None
    ambiguous_marks: Literal["return", "accept"] = "return"

    @property
    def firmware_image(self) -> bytes:
        """What is installed at the works; an emulator's image is its name and version."""
        return f"{self.maker}/{self.model}/{self.firmware}".encode()

    @property
    def firmware_sha256(self) -> bytes:
        """Digest of the firmware image."""
        return hashlib.sha256(self.firmware_image).digest()

    def parameters(self) -> dict[str, float]:
        """The legally relevant parameters as they leave the works, by their published names."""
        limits = Thresholds()
        return {
            "mark_vote_fill": self.mark_vote_fill or limits.vote_fill,
            "mark_blank_fill": self.mark_blank_fill or limits.blank_fill,
            "mark_ink_level": self.mark_ink_level or limits.ink_level,
            "capacity": float(self.capacity),
            "capacity_warning": float(self.capacity_warning),
            "lockout_s": self.lockout_s,
            "inactivity_s": self.inactivity_s,
            "alert_s": self.alert_s,
            AMBIGUOUS_MARKS: float(PARAMETER_WORDS[AMBIGUOUS_MARKS].index(self.ambiguous_marks)),
        }

    @model_validator(mode="after")
    def _path_is_in_order(self) -> Self:
        if not 0 < self.scanner_mm < self.deflector_mm < self.exit_mm:
            raise ValueError("scanner_mm, deflector_mm and exit_mm must follow one another")
        if self.scanner_mm + self.sheet_mm >= self.deflector_mm:
            raise ValueError(
                "the tail must have passed the scanner before the head reaches the deflector: "
                "deflector_mm must exceed scanner_mm + sheet_mm"
            )
        return self


# Unit (UCUM) and whole numbers only or not, of each parameter.
PARAMETER_UNITS: Mapping[str, tuple[str, bool]] = {
    "mark_vote_fill": ("1", False),
    "mark_blank_fill": ("1", False),
    "mark_ink_level": ("1", False),
    "capacity": ("{sheet}", True),
    "capacity_warning": ("{sheet}", True),
    "lockout_s": ("s", True),
    "inactivity_s": ("s", True),
    "alert_s": ("s", True),
    AMBIGUOUS_MARKS: ("", True),
}
# Parameters that are words on the outside and the place of the word in memory.
PARAMETER_WORDS: Mapping[str, tuple[str, ...]] = {AMBIGUOUS_MARKS: (RETURN, ACCEPT)}


def parameter_rows(parameters: Mapping[str, float]) -> list[dict[str, str]]:
    """Parameters as the PARAMETERS operation and the printed report tell them."""
    return [
        {"name": name, "value": told(name, parameters[name]), "unit": unit}
        for name, (unit, _) in PARAMETER_UNITS.items() if name in parameters
    ]


def told(name: str, value: float) -> str:
    """The value of a parameter: its word, or a number as short as it can be said."""
    if name in PARAMETER_WORDS:
        return PARAMETER_WORDS[name][int(value)]
    return str(int(value)) if value == int(value) else f"{value:.10g}"


def understood(name: str, text: str) -> float:
    """What ``told`` said, as it is kept. ValueError for what is neither number nor its word."""
    if name in PARAMETER_WORDS:
        return float(PARAMETER_WORDS[name].index(text))
    return float(text)


def thresholds_of(parameters: Mapping[str, float]) -> Thresholds:
    """The reader's thresholds among the parameters."""
    return Thresholds(
        vote_fill=parameters["mark_vote_fill"],
        blank_fill=parameters["mark_blank_fill"],
        ink_level=parameters["mark_ink_level"],
    )


def accepts_parameter(parameters: Mapping[str, float], name: str, value: float) -> bool:
    """Whether a parameter may be set to ``value`` beside the others."""
    if name not in PARAMETER_UNITS or not math.isfinite(value):
        return False
    if name in PARAMETER_WORDS:
        return value in range(len(PARAMETER_WORDS[name]))
    if PARAMETER_UNITS[name][1]:
        least = 0 if name in ("capacity_warning", "inactivity_s") else 1
        return value == int(value) and least <= value <= 10_000_000
    after = {**parameters, name: value}
    return 0 < value < 1 and after["mark_blank_fill"] <= after["mark_vote_fill"]
