"""The response of a reader to a mark that grows: from never detected to always.

Think of every single mark as having a threshold of its own: grain, placement and noise make the
same drawing a little stronger here and weaker there. With thresholds normal about ``threshold``
with standard deviation ``spread`` a mark of strength x is detected with probability
Phi((x - threshold) / spread): the probit model (D. J. Finney, Probit Analysis, 3rd ed., 1971). A
small share of lapses keeps one strange answer from dragging the fit along (F. A. Wichmann and
N. J. Hill, Perception & Psychophysics 63 (2001) 1293-1313).

Where every strength of an equal ladder was tried equally often, the Spearman-Kaerber estimate of
the threshold needs no model and only the number of detections (Finney, chapter 10).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

Floats = NDArray[np.float64]

LAPSES = 0.02           # share of answers that have nothing to do with the strength
_THRESHOLDS = 241       # tried by the fit, over the strengths that were given
_SPREADS = 24           # tried by the fit, in equal ratios


@dataclass(frozen=True)
class Rung:
    """``trials`` marks of one ``strength``, of which ``detected`` were."""

    strength: float
    trials: int
    detected: int


@dataclass(frozen=True)
class Response:
    """Half of the marks of strength ``threshold`` are detected; ``spread`` is the standard
    deviation of the single marks' thresholds, in the same unit."""

    threshold: float
    spread: float

    def detected(self, strength: float) -> float:
        """The share of marks of that strength that are detected."""
        return float(ndtr((strength - self.threshold) / self.spread))

    def around(self, spreads: float) -> tuple[float, float]:
        """The strengths ``spreads`` below and above the threshold."""
        return self.threshold - spreads * self.spread, self.threshold + spreads * self.spread


def fit(rungs: Sequence[Rung]) -> Response | None:
    """The probit response that makes what was seen most likely, strengths increasing detection.

    None when fewer than two strengths were tried, or when nothing or everything was detected: then
    the threshold lies outside the ladder. A spread that is too small to be seen between two
    neighbouring strengths is told as a quarter of their distance.
    """
    x, tried, seen = (np.array(column, float) for column in _columns(rungs))
    if x.size < 2 or not 0 < seen.sum() < tried.sum():
        return None
    span = float(x[-1] - x[0])
    least = float(np.diff(x).min()) / 4
    thresholds: Floats = np.linspace(x[0], x[-1], _THRESHOLDS)
    spreads: Floats = np.geomspace(least, max(span / 2, 2 * least), _SPREADS)
    z = (x - thresholds[:, None, None]) / spreads[None, :, None]
    p = LAPSES / 2 + (1 - LAPSES) * ndtr(z)
    likely = (seen * np.log(p) + (tried - seen) * np.log1p(-p)).sum(axis=2)
    # Where a whole plateau is equally likely its middle is meant, not its first point.
    best = np.argwhere(likely >= likely.max() - 1e-9)
    row, column = best[len(best) // 2]
    return Response(float(thresholds[row]), float(spreads[column]))


def _columns(rungs: Sequence[Rung]) -> tuple[list[float], list[int], list[int]]:
    """Strengths in order with what was tried and detected at each; equal strengths as one."""
    at: dict[float, list[int]] = {}
    for rung in rungs:
        row = at.setdefault(rung.strength, [0, 0])
        row[0] += rung.trials
        row[1] += rung.detected
    strengths = sorted(at)
    return strengths, [at[s][0] for s in strengths], [at[s][1] for s in strengths]


def spearman_kaerber(low: float, high: float, rungs: int, each: int, detected: int) -> float:
    """The threshold of a ladder of ``rungs`` equal steps from ``low`` to ``high``, every one tried
    ``each`` times, from the number of detections alone.

    It lies between half a step below ``low`` (all detected) and half a step above ``high`` (none):
    at these ends it is a bound.
    """
    step = (high - low) / (rungs - 1)
    return high + step / 2 - step * detected / each


def spearman_kaerber_u(
    low: float, high: float, rungs: int, each: int, response: Response
) -> float:
    """Its standard uncertainty for a response with that threshold and spread."""
    step = (high - low) / (rungs - 1)
    shares = [response.detected(low + i * step) for i in range(rungs)]
    return step * math.sqrt(sum(p * (1 - p) for p in shares) / each)
