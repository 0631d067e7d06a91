"""docs/emulators.md says what is there: every parameter and every defect, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

from kalys.emulators.defects import CATALOGUE
from kalys.emulators.urn.configuration import UrnEmulation

PAGE = Path(__file__).parents[2] / "docs" / "emulators.md"


def section(title: str) -> list[str]:
    """The first cells of the rows of a section's table."""
    text = PAGE.read_text(encoding="utf-8").split(f"\n## {title}")[1].split("\n## ")[0]
    rows = [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("|")]
    return rows[2:]


def test_every_parameter_of_an_emulation_is_on_the_page() -> None:
    named = {name for cell in section("Parameters") for name in re.findall(r"`(\w+)`", cell)}
    assert named == set(UrnEmulation.model_fields)


def test_every_defect_is_on_the_page_with_its_parameters() -> None:
    assert section("Defects") == [
        defect.name + (
            f" ({', '.join(f'{k}={v:g}' for k, v in defect.parameters.items())})"
            if defect.parameters else ""
        )
        for defect in CATALOGUE.values()
    ]
