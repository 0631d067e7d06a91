"""The pictures of a report as SVG text: the sequential test's path, and timing histograms.

Reproducible: fonts become paths, identifiers come from a fixed salt, no date is written.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kalys.reporting.language import Translate

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_INK, _ACCEPT, _REJECT, _BAND = "#1f2933", "#1b7f4b", "#b42318", "#e4e7eb"
_MOST_TICKS = 12       # errors up to which each has a tick of its own


def figure_of(width: float, height: float) -> Figure:
    """An empty figure of that size in inches, for SVG."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def svg_of(figure: Figure) -> str:
    """The figure as SVG text."""
    import matplotlib

    text = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "path", "svg.hashsalt": "kalys"}):
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    svg = text.getvalue()
    return svg[svg.index("<svg"):]


def sequential_test(path: Mapping[str, Any], tr: Translate) -> str:
    """Errors against ballot positions, between the lines of acceptance and rejection.

    ``path``: positions and errors (cumulative), accept and reject lines as slope and intercepts.
    """
    figure = figure_of(7.2, 2.9)
    axes = figure.add_subplot()
    positions, errors = path["positions"], path["errors"]
    accept_0, reject_1, slope = path["accept_0"], path["reject_1"], path["positions_per_error"]
    right = max(positions[-1] * 1.15, accept_0 * 1.25)
    top = max(3.0, errors[-1] + 1.5)
    grid = [0.0, right]
    axes.fill_between(
        grid, [(x - accept_0) / slope for x in grid], -1, color=_ACCEPT, alpha=0.10, lw=0
    )
    reject = [(x - reject_1) / slope + 1 for x in grid]
    axes.fill_between(grid, reject, top + 1, color=_REJECT, alpha=0.10, lw=0)
    axes.plot(grid, [(x - accept_0) / slope for x in grid], color=_ACCEPT, lw=1)
    axes.plot(grid, reject, color=_REJECT, lw=1)
    axes.step([0, *positions], [0, *errors], where="post", color=_INK, lw=2)
    axes.plot([positions[-1]], [errors[-1]], "o", color=_INK, ms=5)
    axes.annotate(
        f"{positions[-1]:,}".replace(",", " "), (positions[-1], errors[-1]),
        xytext=(6, 8), textcoords="offset points", fontsize=8, color=_INK,
    )
    axes.text(right * 0.98, -0.3, tr("accept"), ha="right", color=_ACCEPT, fontsize=9)
    axes.text(right * 0.02, top - 0.45, tr("reject"), color=_REJECT, fontsize=9)
    axes.text(right * 0.55, 0.62 * top, tr("continue"), color="#52606d", fontsize=9)
    axes.set(xlim=(0, right), ylim=(-0.6, top), xlabel=tr("ballot positions"), ylabel=tr("errors"))
    if top < _MOST_TICKS:
        axes.set_yticks(range(int(top) + 1))
    axes.xaxis.set_major_formatter(lambda x, _: f"{x / 1e6:g} M" if x else "0")
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)
    return svg_of(figure)


def histogram(title: str, values: Sequence[float], unit: str, limit: float | None,
              tr: Translate) -> str:
    """How often which value was read, with the limit as a line."""
    figure = figure_of(3.5, 2.3)
    axes = figure.add_subplot()
    spread = max(values) - min(values)
    centre = sum(values) / len(values)
    # Values that agree to a millionth are one value: a histogram of their last digits is noise.
    if spread <= 1e-6 * max(abs(centre), 1e-12):
        half = 0.05 * abs(centre) or 1.0
        axes.bar([centre], [len(values)], width=half / 5, color="#3e6fb0")
        axes.set_xlim(centre - half, centre + half)
    else:
        axes.hist(values, bins=min(30, max(5, len(values) // 5)), color="#3e6fb0")
    if limit is not None:
        axes.axvline(limit, color=_REJECT, lw=1.4)
        axes.text(limit, axes.get_ylim()[1], f" {tr('limit')} ", color=_REJECT, fontsize=8,
                  va="top", ha="right" if limit >= centre else "left")
        low, high = axes.get_xlim()
        room = 0.08 * abs(limit - centre)
        axes.set_xlim(min(low, limit - room), max(high, limit + room))
    axes.set_title(title, fontsize=9, loc="left", color=_INK)
    axes.set_xlabel(unit, fontsize=8)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    return svg_of(figure)
