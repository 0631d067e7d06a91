"""What a sheet is made of: its paper as a material, and the security mark in its ink.

Think of what a hand feels and a scanner of visible light does not see.
``kalys.ballots.sheet.Paper`` says what happened to a sheet; its ``stock`` says what it was before.
The usual stock is copy paper of 80 g/m2, kept in a room of 50 % relative humidity (ISO 187), cut to
its size, with the genuine mark.

The **security mark** is a patch of ink that answers in infrared light and that looks like nothing
in visible light, as it was planned for ballots in Kyrgyzstan (24.kg, 2015). What a sensor of the
mark measures is two shares: how much of the patch answers, and how much of the print beside it.
Ordinary print is transparent in the infrared; the toner of a copier is carbon, and absorbs there
as it does in visible light. So

    genuine            1    0       the patch, and nothing beside it
    mark removed       0    0       printed without it, washed or scratched off
    mark damaged       0.3  0       a part of it
    copied with it     1    0.9     a photocopy of a visible reproduction, all of it carbon

Who has the genuine ink makes sheets that no such sensor tells from genuine ones. Only a serial
number for each sheet would show a true duplicate; a number that an urn can read ties a sheet to
whoever was handed it. That kind of copy is left out here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kalys.errors import ConfigurationError

USUAL_G_M2 = 80.0
HEAVIEST_G_M2 = 1000.0
MOST_CUT_MM = 100.0


@dataclass(frozen=True, slots=True)
class Stock:
    """``grammage_g_m2``; ``humidity_percent`` of the air it was kept in; ``cut_mm`` by which it is
    cut longer at its foot than it should be (negative: shorter); ``infrared`` and
    ``infrared_beside``: shares of the security mark, and of the print beside it, that answer.

    Raises ValueError for what no paper is."""

    grammage_g_m2: float = USUAL_G_M2
    humidity_percent: float = 50.0
    cut_mm: float = 0.0
    infrared: float = 1.0
    infrared_beside: float = 0.0

    def __post_init__(self) -> None:
        for name, least, most in (
            ("grammage_g_m2", 1.0, HEAVIEST_G_M2), ("humidity_percent", 0.0, 100.0),
            ("cut_mm", -MOST_CUT_MM, MOST_CUT_MM), ("infrared", 0.0, 1.0),
            ("infrared_beside", 0.0, 1.0),
        ):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise ValueError(f"Stock.{name} is not a number")
            if not least <= value <= most:
                raise ValueError(f"Stock.{name} is {value:g}, not from {least:g} to {most:g}")

    def unusual(self) -> dict[str, float]:
        """The fields that differ from the usual stock's."""
        usual = asdict(USUAL_STOCK)
        return {name: value for name, value in asdict(self).items() if value != usual[name]}

    def words(self) -> str:
        """What a person must look for; "" for the usual stock."""
        told = []
        if self.grammage_g_m2 != USUAL_G_M2:
            told.append(f"paper of {self.grammage_g_m2:g} g/m2")
        if self.humidity_percent != USUAL_STOCK.humidity_percent:
            told.append(f"kept at {self.humidity_percent:g} % relative humidity")
        if self.cut_mm:
            told.append(f"cut {abs(self.cut_mm):g} mm {'longer' if self.cut_mm > 0 else 'shorter'}")
        if self.infrared_beside:
            told.append("a photocopy that reproduces the security mark")
        elif self.infrared < 1.0:
            share = f"with {self.infrared:.0%} of the security mark left"
            told.append(share if self.infrared else "without the security mark")
        return ", ".join(told)


USUAL_STOCK = Stock()


class SecurityMark(BaseModel):
    """The mark that a definition asks for: its place on the sheet in mm (middle, width, height),
    and what it takes to be genuine: the ``least`` share of the patch, and at ``most`` that share
    of the print beside it, must answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    x: float = Field(ge=0)
    y: float = Field(ge=0)
    width: float = Field(gt=0)
    height: float = Field(gt=0)
    least: float = Field(default=0.6, gt=0, le=1)
    most: float = Field(default=0.3, ge=0, lt=1)

    def genuine(self, answer: tuple[float, float]) -> bool:
        """Whether what was measured (patch, beside it) is that of a genuine sheet."""
        patch, beside = answer
        return patch >= self.least and beside <= self.most

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> SecurityMark:
        """ConfigurationError names the field that is wrong."""
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"]) or "(document)"
            raise ConfigurationError(
                f"not a security mark: {place}: {first['msg']}", where="urn package") from error
