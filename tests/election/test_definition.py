"""The election definition: what it holds, what everyone hashes, what it refuses."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from pydantic import ValidationError

from kalys.election.definition import ElectionDefinition, load
from kalys.errors import ConfigurationError


@pytest.fixture(scope="module")
def election() -> ElectionDefinition:
    return load("kg-2021-11-28")


def test_the_election_of_2021_has_its_two_ballots(election: ElectionDefinition) -> None:
    party, preference = election.style_contests("KG-PL")
    assert len(party.options) == 22
    assert party.options[-1].kind == "against-all"
    assert party.decides_validity and not preference.decides_validity
    assert len(preference.options) == 54
    assert party.options[0].name.en == "Ata-Meken"
    assert party.options[20].name.en == "Ata-Jurt Kyrgyzstan"
    (district,) = election.style_contests("KG-SM-27")
    assert len(district.options) == 10 and district.decides_validity


def test_polls_are_open_from_eight_to_eight_in_bishkek(election: ElectionDefinition) -> None:
    assert election.opens.isoformat() == "2021-11-28T08:00:00+06:00"
    assert election.closes - election.opens == timedelta(hours=12)


def test_canonical_bytes_give_the_same_definition_and_hash_again(
    election: ElectionDefinition,
) -> None:
    again = ElectionDefinition.from_bytes(election.to_bytes())
    assert again == election and again.sha256() == election.sha256()
    spaced = json.dumps(json.loads(election.to_bytes()), indent=2).encode()
    assert ElectionDefinition.from_bytes(spaced).sha256() == election.sha256()


def test_another_election_has_another_hash(election: ElectionDefinition) -> None:
    assert load("kg-training").sha256() != election.sha256()


@pytest.mark.parametrize("data", [b"", b"{}", b"[1]", b"\xff", b'{"id": 3}'])
def test_what_is_no_definition_is_refused_in_words(data: bytes) -> None:
    with pytest.raises(ConfigurationError, match="not an election definition"):
        ElectionDefinition.from_bytes(data)


def test_an_unknown_contest_or_style_names_those_there_are(election: ElectionDefinition) -> None:
    with pytest.raises(ConfigurationError, match="KG-SM-27"):
        election.style("KG-XX")
    with pytest.raises(ConfigurationError, match="preference"):
        election.contest("president")


def test_a_definition_that_contradicts_itself_is_refused(election: ElectionDefinition) -> None:
    data = election.model_dump(mode="json")
    data["styles"][0]["contests"] = ["party", "nowhere"]
    with pytest.raises(ValidationError, match="nowhere"):
        ElectionDefinition.model_validate(data)
    data = election.model_dump(mode="json")
    data["contests"][0]["options"][1]["id"] = "P01"
    with pytest.raises(ValidationError, match="twice"):
        ElectionDefinition.model_validate(data)
