"""The catalogue as Markdown: what stands between the markers of ``docs/defects.md``.

``kalys sensitivity --catalogue`` prints it; a test holds the page to it.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType

from kalys.emulators.defects.entry import Defect

BEGIN = "<!-- the catalogue: kalys sensitivity --catalogue -->"
END = "<!-- end of the catalogue -->"
_HEADER = "| name | what it does | must fail | found by |\n|---|---|---|---|"


def markdown(groups: Iterable[ModuleType]) -> str:
    """A heading (the first line of a group's docstring) and a table for each group."""
    return "\n\n".join(_section(group) for group in groups)


def _section(group: ModuleType) -> str:
    title = (group.__doc__ or "").partition("\n")[0].rstrip(".")
    entries: tuple[Defect, ...] = group.ENTRIES
    return f"### {title}\n\n{_HEADER}\n" + "\n".join(map(_row, entries))


def _row(defect: Defect) -> str:
    numbers = ", ".join(f"{name}={value:g}" for name, value in defect.parameters.items())
    name = f"{defect.name} ({numbers})" if numbers else defect.name
    must_fail, found_by = ", ".join(defect.requirements), ", ".join(defect.procedures)
    return f"| {name} | {defect.summary} | {must_fail} | {found_by} |"
