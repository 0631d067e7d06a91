"""``kalys plan`` answers how large a sample must be."""

from __future__ import annotations

import json

import pytest

from kalys.cli import samples
from kalys.cli.app import app
from kalys.errors import ConfigurationError


def test_a_rate_asks_for_the_published_samples_and_for_more_at_any_stop():
    data = samples.of_rate(0.001).data
    assert data["allowed"] == [2995, 4742, 6294, 7752]
    assert 3040 <= data["any_stop"] <= 3330


def test_the_misfeed_plan_has_the_published_lines():
    answer = samples.of_test("PAP-001")
    assert [line["accept_from"] for line in answer.data["lines"]] == [
        1961, 1961 + 924, 1961 + 2 * 924, 1961 + 3 * 924, 1961 + 4 * 924, 1961 + 5 * 924,
    ]  # fmt: skip
    refused = [line["reject_until"] for line in answer.data["lines"]]
    assert refused[:3] == [0, 0, 0]
    assert all(
        abs(until - (924 * errors - 1961)) <= 1 for errors, until in enumerate(refused) if until
    )
    assert "3 errors: accepted from 4,733, refused when the last came by 811" in answer.text
    with pytest.raises(ConfigurationError, match="There are: ACC-002, PAP-001"):
        samples.of_test("MRK-001")


def test_positions_ask_for_marks_and_fewer_marks_show_larger_differences():
    data = samples.of_positions(14, 0.02, 3).data
    assert data["marks_for_each_position"] == 25_675
    found = list(data["differences"].values())
    assert found == sorted(found, reverse=True)


def test_several_questions_are_answered_together(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        app(["plan", "--rate", "0.01", "--sequential", "ACC-002", "--positions", "7", "--json"])
    told = json.loads(capsys.readouterr().out)
    assert told["sample"] == 299
    assert told["lines"][0]["accept_from"] == 1_549_704
    assert told["positions"] == 7
