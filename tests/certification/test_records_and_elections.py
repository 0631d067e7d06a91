"""``kalys records`` and ``kalys election``: NIST's formats from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kalys.election.cast_vote_record_reading import read_cast_vote_records
from kalys.election.definition import load

from ..running import Kalys, write_plan


@pytest.fixture
def run(kalys: Kalys, tmp_path: Path) -> Path:
    plan = write_plan(tmp_path, requirements=["MRK-012"],
                      procedures={"mark.records": {"sheets": 6}}, samples={"MRK-012": 17})
    ended = kalys("certify", "--plan", plan, "--out", "run")
    assert ended.code == 0, ended.err
    return kalys.folder / "run"


def test_the_records_of_a_run_are_found_again_in_its_evidence(kalys: Kalys, run: Path) -> None:
    ended = kalys("records", "run", "--out", "records.json", "--json")
    assert ended.code == 0, ended.err
    told = json.loads(ended.out)
    assert (told["records"], told["marks"], told["marginal"]) == (6, 12, 6)
    records = read_cast_vote_records(
        (kalys.folder / "records.json").read_bytes(), load("kg-2021-11-28")
    )
    assert all(seen.metric for r in records for seen in r.original.values()
               if seen.indication == "unknown")
    kalys("records", "run", "--out", "again.json", "--procedure", "mark.records")
    again = (kalys.folder / "again.json").read_bytes()
    assert again == (kalys.folder / "records.json").read_bytes()
    wrong = kalys("records", "run", "--procedure", "mark.line")
    assert wrong.code == 2 and "mark.records" in wrong.err


def test_an_urn_that_is_not_there_and_a_profile_of_none_are_told(kalys: Kalys) -> None:
    gone = kalys("records", "socket://127.0.0.1:1", "--out", "r.json")
    assert gone.code == 3 and "127.0.0.1:1" in gone.err and "Traceback" not in gone.err
    none = kalys("records", "socket://127.0.0.1:1", "--profile", "operator-feeder")
    assert none.code == 2 and "not of an urn" in none.err
    assert not (kalys.folder / "r.json").exists()


@pytest.mark.parametrize("name", ["accuvote", "kg-training"])
def test_an_election_goes_out_and_comes_in_again_with_its_layouts(kalys: Kalys, name: str) -> None:
    assert kalys("election", "export", name, "--out", "one.json").code == 0
    came = kalys("election", "import", "one.json", "--out", "in", "--json")
    assert came.code == 0, came.err
    told = json.loads(came.out)
    assert told["layouts"] == sorted(told["styles"])
    assert load(kalys.folder / "in" / f"{name}.yaml").id == name
    assert kalys("election", "export", f"in/{name}.yaml", "--out", "two.json").code == 0
    one, two = (json.loads((kalys.folder / f"{n}.json").read_bytes()) for n in ("one", "two"))
    assert one | {"GeneratedDate": ""} == two | {"GeneratedDate": ""}


@pytest.mark.parametrize("data", [b"", b"[]", b'{"Election": 3}', b"\xff"])
def test_what_is_no_ballot_definition_is_refused_in_words(kalys: Kalys, data: bytes) -> None:
    (kalys.folder / "bad.json").write_bytes(data)
    ended = kalys("election", "import", "bad.json", "--out", "in")
    assert ended.code == 2 and ended.err.startswith("kalys: ") and "Traceback" not in ended.err
