"""The response of a reader: its threshold is found from what was detected."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalys.metrology.response_curve import (
    Response,
    Rung,
    fit,
    spearman_kaerber,
    spearman_kaerber_u,
)


def climbed(threshold: float, spread: float, each: int, seed: int = 1) -> list[Rung]:
    rng, truth = random.Random(seed), Response(threshold, spread)
    return [
        Rung(x, each, sum(rng.random() < truth.detected(x) for _ in range(each)))
        for x in (i / 20 for i in range(41))
    ]


@given(threshold=st.floats(0.6, 1.4), spread=st.floats(0.05, 0.2), seed=st.integers(0, 99))
def test_a_fit_finds_the_threshold_within_its_uncertainty(threshold, spread, seed):
    found = fit(climbed(threshold, spread, 40, seed))
    assert found is not None
    assert abs(found.threshold - threshold) < 0.2 * spread + 0.02
    assert 0.5 * spread < found.spread < 2 * spread


def test_a_threshold_outside_the_ladder_is_not_invented():
    assert fit([Rung(x, 5, 0) for x in (1.0, 2.0, 3.0)]) is None
    assert fit([Rung(x, 5, 5) for x in (1.0, 2.0, 3.0)]) is None
    assert fit([Rung(1.0, 5, 2)]) is None


def test_a_sharp_threshold_lies_between_the_strengths_that_enclose_it():
    found = fit([Rung(x, 3, 3 * (x > 2)) for x in (1.0, 1.5, 2.0, 2.5, 3.0)])
    assert found is not None and 2.0 < found.threshold < 2.5


def test_one_strange_answer_does_not_drag_the_threshold_along():
    rungs = [Rung(x / 10, 1, int(x > 20)) for x in range(1, 41)]
    rungs[38] = Rung(3.9, 1, 0)
    found = fit(rungs)
    assert found is not None and abs(found.threshold - 2.05) < 0.15


def test_counting_detections_gives_the_threshold_of_a_ladder_and_its_uncertainty():
    truth, rng = Response(1.03, 0.1), random.Random(4)
    low, high, rungs = 0.6, 1.4, 17
    found = []
    for _ in range(400):
        steps = (low + (high - low) * i / (rungs - 1) for i in range(rungs))
        detected = sum(rng.random() < truth.detected(x) for x in steps)
        found.append(spearman_kaerber(low, high, rungs, 1, detected))
    mean = sum(found) / len(found)
    scatter = (sum((x - mean) ** 2 for x in found) / len(found)) ** 0.5
    assert mean == pytest.approx(1.03, abs=0.01)
    assert scatter == pytest.approx(spearman_kaerber_u(low, high, rungs, 1, truth), rel=0.15)
