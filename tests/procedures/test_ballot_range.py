"""Ballots outside the declared range: a healthy urn refuses or counts them, a bad one is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from kalys.ballots.ranges import of_length, with_options
from kalys.ballots.templates import layouts_for
from kalys.certification.emulated import emulated_session
from kalys.election.definition import load
from kalys.errors import ConfigurationError
from kalys.procedures.session import ProcedureResult
from kalys.protocols.urn.messages import UrnState
from kalys.requirements.observation import Outcome

ELECTION = load("kg-2021-11-28")
LAYOUT = layouts_for(ELECTION)["KG-PL"]


def result_of(folder: Path, *defects: str, seed: int = 1) -> ProcedureResult:
    with emulated_session(
        folder / "journal.jsonl", seed=seed, plan="standard", defects=defects
    ) as session:
        result = session.run("ballot.range")
        assert result.error is None
        assert session.urn.status().state is UrnState.STANDBY
        return result


@pytest.mark.parametrize("seed", [1, 2])
def test_a_healthy_urn_counts_what_is_in_range_and_refuses_what_is_not(
    seed: int, tmp_path: Path
) -> None:
    result = result_of(tmp_path, seed=seed)
    assert result.verdicts[0].verdict is Outcome.PASS
    conditions = {o.condition: o.trials for o in result.observations}
    assert conditions["297 mm long"] == 6 and conditions["337 mm long"] == 6
    assert conditions["100 options, declared 100"] == 6          # taken, and counted
    assert conditions["101 options, declared 100"] == 1          # refused


@pytest.mark.parametrize(("defect", "told"), [
    ("long-list-truncated", "R101"), ("long-sheet-misread", "on paper of 3"),
])
def test_an_urn_that_misreads_beyond_its_range_fails(
    defect: str, told: str, tmp_path: Path
) -> None:
    verdict = result_of(tmp_path, defect).verdicts[0]
    assert verdict.verdict is Outcome.FAIL
    assert any(told in note or "options101" in note for note in verdict.failures)


def test_shorter_paper_loses_what_stood_at_its_foot() -> None:
    short = of_length(LAYOUT, -40, "KG-PL-40")
    assert short.page_mm == (210.0, 257.0)
    assert 0 < len(short.front.targets) < len(LAYOUT.front.targets)
    assert of_length(LAYOUT, 40, "KG-PL+40").front.targets == LAYOUT.front.targets


def test_a_list_may_be_as_long_as_the_page_has_room() -> None:
    definition, layout = with_options(ELECTION, LAYOUT, 150)
    assert len(layout.front.targets) == 150
    assert definition.style_contests("KG-PL")[0].option_ids[-1] == "R150"
    with pytest.raises(ConfigurationError, match="do not fit"):
        with_options(ELECTION, LAYOUT, 900)
