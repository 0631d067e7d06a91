"""docs/emulators.md and docs/defects.md say what is there, all of it and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

from kalys.emulators.defects import GROUPS, page
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


def test_the_page_of_defects_shows_the_catalogue() -> None:
    text = (PAGE.parent / "defects.md").read_text(encoding="utf-8")
    shown = text.split(page.BEGIN)[1].split(page.END)[0].strip()
    assert shown == page.markdown(GROUPS), "put there what `kalys sensitivity --catalogue` prints"
