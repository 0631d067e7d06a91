"""``report.html``: one self-contained page, no script, no link to anywhere."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, StrictUndefined

from kalys.reporting.document import Report
from kalys.reporting.language import translator
from kalys.reporting.marginal_plots import ballot_map, response_curve
from kalys.reporting.plots import histogram, sequential_test
from kalys.requirements.wording import rate
from kalys.resources import resource


def pictures(report: Report, lang: str) -> dict[str, str]:
    """The SVG pictures of a report by name: "accuracy" and "timing-0", "timing-1" ...,
    "curve-0" ... and "map-0" ... of marginal marks."""
    tr = translator(lang)
    drawn: dict[str, str] = {}
    if report.accuracy:
        drawn["accuracy"] = sequential_test(report.accuracy, tr)
    for index, timing in enumerate(report.timing):
        drawn[f"timing-{index}"] = histogram(
            timing["title"], timing["values"], timing["unit"], timing["limit"], tr
        )
    if report.marks is not None:
        for index, curve in enumerate(report.marks.curves):
            drawn[f"curve-{index}"] = response_curve(curve, tr)
        for index, map_ in enumerate(report.marks.maps):
            drawn[f"map-{index}"] = ballot_map(map_, tr)
    return drawn


def html_page(
    report: Report, lang: str, drawn: Mapping[str, str], seen: Mapping[str, bytes] | None = None
) -> str:
    """The page; ``drawn`` are the pictures of ``pictures``, ``seen`` those of errors as PNG by the
    names in the report."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals.update(_=translator(lang))
    environment.filters.update(figure=figure, bound=bound_text)
    template = environment.from_string(
        resource("reports", "templates", "report.html.j2").read_text(encoding="utf-8")
    )
    return template.render(
        report=report, lang=lang, pictures=drawn, groups=grouped(report),
        seen={name: base64.b64encode(png).decode() for name, png in (seen or {}).items()},
    )


def grouped(report: Report) -> list[tuple[str, list[Any]]]:
    """Verdicts within the plan by the group of their requirement, in the catalogue's order."""
    groups: dict[str, list[Any]] = {}
    for verdict in report.verdicts:
        if verdict.in_plan:
            groups.setdefault(verdict.group, []).append(verdict)
    return list(groups.items())


def bound_text(value: float | None) -> str:
    """A bound of a rate to two digits, a dash where none is valid.

    Powers of ten below 1 %, so that bounds that are orders of magnitude apart compare at a glance.
    """
    if value is None:
        return "–"
    if value >= 0.01:
        return rate(value)
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def figure(value: float | None) -> str:
    """A number as a person reads it: whole numbers grouped, others to four figures."""
    if value is None:
        return ""
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}".replace(",", " ")
    return f"{value:.4g}"
