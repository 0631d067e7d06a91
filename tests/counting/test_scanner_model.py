"""The reader on a second model of paper, pens and scanner: right or given back, never wrong."""

from __future__ import annotations

import pytest

from kalys.ballots.grid_ballot import grid_layout
from kalys.counting.reader import Reader

from .scanner_model import SETTINGS, Scanner, Setting, ballot, verdict


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda s: s.name)
@pytest.mark.parametrize(("paper", "spacing"), [("letter", "margins"), ("legal", "quarter-inch")])
def test_no_scan_is_misread(setting: Setting, paper: str, spacing: str) -> None:
    layout = ballot(paper, spacing)
    scanner, reader = Scanner(layout, 5), Reader([layout])
    seen = [verdict(reader.read(picture), truth)
            for picture, truth in (scanner.scan(setting) for _ in range(2))]
    assert "wrong" not in seen


def test_marks_that_are_spaced_otherwise_than_the_layout_says_are_found() -> None:
    printed, told = ballot("letter", "margins"), ballot("letter", "quarter-inch")
    scanner, reader = Scanner(printed, 8), Reader([told])
    seen = [verdict(reader.read(picture), truth)
            for picture, truth in (scanner.scan(SETTINGS[0]) for _ in range(4))]
    assert "wrong" not in seen and seen.count("right") >= 3


@pytest.mark.slow
@pytest.mark.parametrize(("paper", "spacing"), [("letter", "margins"), ("legal", "quarter-inch")])
def test_none_of_hundreds_of_scans_is_misread(paper: str, spacing: str) -> None:
    layout = ballot(paper, spacing)
    scanner, reader = Scanner(layout, 4711), Reader([layout])
    seen = [verdict(reader.read(picture), truth) for setting in SETTINGS
            for picture, truth in (scanner.scan(setting) for _ in range(40))]
    assert "wrong" not in seen
    assert seen.count("right") > 0.85 * len(seen)


def test_a_ballot_of_another_style_of_the_same_family_is_foreign() -> None:
    layout = ballot("letter", "quarter-inch")
    other = grid_layout({"style": "other", "faces": {"front": {
        "x": {f"o{i}": (9 + 5 * (i % 5), 12.5 + 2 * (i // 5)) for i in range(20)}}}})
    picture, _ = Scanner(layout, 2).scan(SETTINGS[0])
    assert not Reader([other]).read(picture).read
