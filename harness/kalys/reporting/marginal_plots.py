"""Pictures of marginal marks as SVG text: response curves, and maps of the ballot."""

from __future__ import annotations

import textwrap

import numpy as np

from kalys.metrology.accuracy import clopper_pearson_lower, clopper_pearson_upper
from kalys.reporting.document import CurvePart, MapPart
from kalys.reporting.language import Translate
from kalys.reporting.plots import figure_of, svg_of

_INK, _QUIET = "#1f2933", "#52606d"
_COLOURS = ("#1b7f4b", "#9a6700", "#3e6fb0", "#b42318", "#7a3e9d")


def response_curve(curve: CurvePart, tr: Translate) -> str:
    """The share of each answer over what grows, with one-sided 95 % bounds (Clopper-Pearson)."""
    figure = figure_of(3.5, 2.6)
    axes = figure.add_subplot()
    x = [point[0] for point in curve.points]
    for index, answer in enumerate(curve.answers):
        shown = [(point[1], point[2][index]) for point in curve.points]
        share = [100 * k / n for n, k in shown]
        low = [100 * clopper_pearson_lower(k, n) for n, k in shown]
        high = [100 * clopper_pearson_upper(k, n) for n, k in shown]
        colour = _COLOURS[index % len(_COLOURS)]
        axes.fill_between(x, low, high, color=colour, alpha=0.13, lw=0)
        axes.plot(x, share, "o-", color=colour, lw=1.2, ms=2.6, label=tr(answer))
    for _, value in curve.thresholds:
        axes.axvline(value, color=_QUIET, lw=0.9, ls="--")
    unit = "" if curve.unit == "1" else f" ({curve.unit})"
    axes.set(ylim=(-2, 102))
    axes.set_xlabel(f"{tr(curve.quantity)}{unit}", fontsize=8)
    axes.set_ylabel(f"{tr('share of marks')} (%)", fontsize=8)
    axes.set_title("\n".join(textwrap.wrap(curve.title, 52)), fontsize=8.5, loc="left", color=_INK)
    axes.tick_params(labelsize=7.5)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(
        loc="outside lower left", fontsize=6.5, frameon=False, ncols=3, handlelength=1.2,
        columnspacing=1.0,
    )
    return svg_of(figure)


def ballot_map(map_: MapPart, tr: Translate) -> str:
    """The ballot with each target in the colour of its value; one whose value is only a bound is
    hatched."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize, TwoSlopeNorm
    from matplotlib.patches import Rectangle

    width, height = map_.page_mm
    figure = figure_of(3.5, 3.5 * height / width * 0.92)
    axes = figure.add_subplot()
    values = np.array([place[5] for place in map_.places])
    signed = map_.unit == "%"
    most = max(1.0, float(np.abs(values).max()))
    scale = TwoSlopeNorm(0.0, -most, most) if signed else Normalize(0.0, 100.0)
    colours = ScalarMappable(scale, "RdBu_r" if signed else "viridis")
    axes.add_patch(Rectangle((0, 0), width, height, fill=False, ec="#9aa5b1", lw=0.8))
    shown = zip(map_.places, colours.to_rgba(values), strict=True)
    for (_, x, y, wide, high, _, end), colour in shown:
        axes.add_patch(Rectangle(
            (x - wide / 2, y - high / 2), wide, high, fc=colour, ec=_QUIET, lw=0.3,
            hatch="////" if end else None,
        ))
    axes.set(xlim=(-2, width + 2), ylim=(height + 2, -2), aspect="equal")
    axes.set_axis_off()
    bar = figure.colorbar(colours, ax=axes, shrink=0.55, aspect=24, pad=0.02)
    bar.ax.tick_params(labelsize=7)
    bar.set_label(tr(map_.unit), fontsize=7.5)
    axes.set_title("\n".join(textwrap.wrap(map_.title, 50)), fontsize=8.5, loc="left", color=_INK)
    return svg_of(figure)
