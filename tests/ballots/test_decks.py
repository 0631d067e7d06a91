"""Decks: complete, reproducible, self-describing, and printable."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kalys.ballots import deck as decks
from kalys.ballots.deck import Deck, load_deck
from kalys.ballots.effects import beyond
from kalys.ballots.layout import Layout
from kalys.ballots.marks import classify
from kalys.ballots.printing import contact_sheet, deck_pdf, instructions_pdf, preparation
from kalys.ballots.render import Renderer
from kalys.ballots.sheet import (
    ORIENTATIONS,
    Fold,
    Label,
    Notch,
    Paper,
    Scrawl,
    Stain,
    Streak,
    Tear,
)
from kalys.counting.reader import Reader
from kalys.election.definition import ElectionDefinition, canonical_json, load
from kalys.election.rules import judge_sheet
from kalys.errors import ConfigurationError


@pytest.mark.parametrize("style", ["KG-PL", "KG-SM-27"])
def test_logic_and_accuracy_uses_every_position_in_every_readable_orientation(
    election: ElectionDefinition, style: str
) -> None:
    deck = decks.logic_and_accuracy(election, style, 3)
    coverage = deck.coverage()
    assert coverage.missing == () and coverage.share == 1
    kinds = {sheet.truth.kind for sheet in deck if sheet.truth}
    assert {"valid", "invalid", "return"} <= kinds
    groups = deck.manifest["groups"]
    assert {"positions", "lines", "overvote", "blank", "folds", "foreign", "upside-down"} <= set(
        groups
    )
    lined = {(m.contest, m.option) for s in deck.group("lines") for m in s.marks}
    assert len(lined) == sum(len(contest.options) for contest in deck.contests)


@pytest.mark.parametrize("kind", sorted(decks.BUILDERS))
def test_a_seed_fixes_a_deck_and_another_seed_changes_it(
    election: ElectionDefinition, kind: str
) -> None:
    one, same, other = (
        decks.build(kind, election, "KG-PL", n=24, seed=seed) for seed in (7, 7, 8)
    )
    assert one.manifest == same.manifest
    assert one.manifest["sha256"] != other.manifest["sha256"]
    assert len({sheet.id for sheet in one}) == len(one)
    assert len(one) == 24 or kind in {"logic-and-accuracy", "coverage"}
    assert all(sheet.truth is not None for sheet in one)


@pytest.mark.parametrize("style", ["KG-PL", "KG-SM-27"])
def test_coverage_brings_every_option_in_all_four_orientations(
    election: ElectionDefinition, style: str
) -> None:
    deck = decks.coverage(election, style, 2)
    assert deck.coverage().share == 1
    for orientation in ORIENTATIONS:
        part = [sheet for sheet in deck if sheet.orientation == orientation]
        seen = {(mark.contest, mark.option) for sheet in part for mark in sheet.marks}
        assert seen == {(c.id, o) for c in deck.contests for o in c.option_ids}
    assert {s.truth.kind for s in deck.group("upside-down") if s.truth} == {"return"}


@pytest.mark.parametrize(("kind", "parameter"), [
    ("ladder", "width_mm"), ("ladder-density", "density"), ("ladder-dot", "diameter_mm"),
])
def test_every_position_climbs_the_same_ladder_and_marginal_marks_decide_nothing(
    election: ElectionDefinition, kind: str, parameter: str
) -> None:
    deck = decks.build(kind, election, "KG-PL", n=76 * 5, seed=3)
    told = deck.manifest["parameters"]
    assert (told["parameter"], told["steps"], told["positions"]) == (parameter, 5, 76)
    by_place: dict[tuple[str, str], list[float]] = {}
    for sheet in deck:
        mark = sheet.marks[0]
        by_place.setdefault((mark.contest, mark.option), []).append(mark.params[parameter])
        assert sheet.truth is not None
        assert sheet.truth.counted is (classify(mark) != "ambiguous")
    size = (told["to"] - told["from"]) / 5
    for values in by_place.values():
        steps = [int((value - told["from"] + 0.0006) / size) for value in sorted(values)]
        assert steps == [0, 1, 2, 3, 4]
    with pytest.raises(ConfigurationError, match="no such ladder: height"):
        decks.ladder(election, "KG-PL", 5, 1, by="height")


def test_ballots_with_two_printed_sides_and_several_votes_get_decks_of_their_own() -> None:
    election = load("accuvote")
    style = election.styles[0].id
    for kind in decks.BUILDERS:
        deck = decks.build(kind, election, style, n=40, seed=2)
        for sheet in deck:
            assert sheet.truth is not None
            if sheet.truth.kind in {"valid", "invalid"}:
                judged = judge_sheet(deck.contests, sheet.truth.marks)
                assert judged.votes == sheet.truth.votes, (kind, sheet.id)
    coverage = decks.coverage(election, style, 1)
    assert {sheet.orientation for sheet in coverage} == set(ORIENTATIONS)
    assert all(sheet.truth and sheet.truth.counted for sheet in coverage)
    assert coverage.coverage().share == 1
    over = decks.logic_and_accuracy(election, style, 1).group("overvote")
    spoilt = {c for s in over if s.truth for c, n in s.truth.overvotes.items() if n}
    assert spoilt == {c.id for c in over.contests if len(c.options) > c.votes_allowed}
    volume = decks.volume(election, style, 400, 1)
    several = [len(v) for s in volume if s.truth for v in s.truth.votes.values()]
    assert max(several) == max(c.votes_allowed for c in volume.contests)


def test_paper_stress_goes_from_nothing_to_beyond_every_range(election: ElectionDefinition) -> None:
    deck = decks.paper_stress(election, "KG-PL", 18 * 6, 4)
    assert len(deck.manifest["groups"]) == 18 and set(deck.manifest["groups"].values()) == {6}
    for sheet in deck:
        assert sheet.truth is not None
        spoilt = beyond(sheet.paper)
        if sheet.paper.follower_mm >= 10:
            assert sheet.truth.kind == "return"
        elif spoilt:
            assert sheet.truth.kind == "any-but-miscounted" and sheet.truth.counted is False
        else:
            assert sheet.truth.kind == "valid"
    for group in ("skewed", "shifted", "stretched", "noisy", "folded", "stained"):
        kinds = {s.truth.kind for s in deck.group(group) if s.truth}
        assert kinds == {"valid", "any-but-miscounted"}, group
    assert all(not beyond(sheet.paper) for sheet in deck.group("together"))


@pytest.mark.parametrize("kind", ["paper-stress", "damaged", "volume", "coverage"])
def test_the_reader_never_counts_a_sheet_otherwise_than_its_truth_allows(
    election: ElectionDefinition, layouts: dict[str, Layout], renderer: Renderer, kind: str
) -> None:
    reader = Reader([layouts["KG-PL"]])
    deck = decks.build(kind, election, "KG-PL", n=180, seed=5)
    for sheet in deck:
        truth, reading = sheet.truth, reader.read(renderer.scan(sheet))
        assert truth is not None
        if not reading.read:
            assert truth.accepts("returned", reading.reason), sheet.id
            continue
        judged = judge_sheet(deck.contests, reading.marks)
        assert truth.accepts("valid" if judged.valid else "invalid"), sheet.id
        if not truth.ambiguous:
            assert judged == judge_sheet(deck.contests, truth.marks), sheet.id


def test_a_deck_that_cannot_be_built_is_refused_in_words(election: ElectionDefinition) -> None:
    with pytest.raises(ConfigurationError, match="no such kind of deck: tarot"):
        decks.build("tarot", election, "KG-PL", n=1, seed=1)
    with pytest.raises(ConfigurationError, match="no ballot style KG-XX"):
        decks.build("lines", election, "KG-XX", n=1, seed=1)
    with pytest.raises(ConfigurationError, match="at least one"):
        decks.build("lines", election, "KG-PL", n=0, seed=1)


def test_a_volume_deck_is_made_on_demand_and_is_as_promised(election: ElectionDefinition) -> None:
    deck = decks.volume(election, "KG-PL", 100_000, 1)
    assert len(deck) == 100_000
    assert deck[99_999] == deck[-1] == decks.volume(election, "KG-PL", 100_000, 1)[99_999]
    part = [deck[i] for i in range(0, 100_000, 40)]
    truths = [sheet.truth for sheet in part if sheet.truth]
    invalid = sum(truth.kind == "invalid" for truth in truths) / len(truths)
    assert 0.02 < invalid < 0.04
    assert {truth.kind for truth in truths} == {"valid", "invalid"}
    for sheet in part:
        paper = sheet.paper
        assert abs(paper.skew_deg) <= 3 and abs(paper.stretch) <= 0.01
        assert max(map(abs, paper.shift_mm)) <= 5
        assert beyond(paper) == ()
    assert len({(sheet.paper.skew_deg, sheet.paper.stretch) for sheet in part}) > 1500
    first = {(deck[i].paper.skew_deg, deck[i].paper.stretch) for i in range(256)}
    assert len(first) <= 16


def test_shares_decide_who_gets_the_votes(election: ElectionDefinition) -> None:
    deck = decks.volume(election, "KG-SM-27", 400, 2, {"district-27": {"C01": 3.0, "C02": 1.0}})
    votes = deck.tally().votes["district-27"]
    assert votes["C01"] + votes["C02"] == deck.tally().valid
    assert 2 < votes["C01"] / votes["C02"] < 4.5
    with pytest.raises(ValueError, match="shares"):
        decks.volume(election, "KG-SM-27", 1, 2, {"district-27": {"C01": -1.0}})


def test_expected_totals_are_the_judged_marks_of_the_sheets_that_count(
    election: ElectionDefinition,
) -> None:
    deck = decks.logic_and_accuracy(election, "KG-PL", 1)
    tally = deck.tally()
    counted = [s for s in deck if s.truth and s.truth.counted]
    assert tally.sheets == len(counted)
    for sheet in counted:
        assert sheet.truth is not None
        assert judge_sheet(deck.contests, sheet.truth.marks).votes == sheet.truth.votes
    assert deck.tally(counted={counted[0].id}).sheets == 1
    assert deck.tally(counted=[]).sheets == 0


def test_a_deck_file_gives_the_deck_again(
    election: ElectionDefinition, tmp_path: Path
) -> None:
    deck = decks.marks(election, "KG-PL", 40, 5)
    deck.save(tmp_path / "deck.jsonl")
    again = load_deck(tmp_path / "deck.jsonl", election)
    assert again.manifest == deck.manifest
    assert again.parameters == deck.parameters
    assert [sheet.id for sheet in again] == [sheet.id for sheet in deck]
    assert again.tally() == deck.tally()
    assert [s.truth for s in again] == [s.truth for s in deck]


def test_a_changed_deck_file_is_refused_saying_what_does_not_agree(
    election: ElectionDefinition, tmp_path: Path
) -> None:
    path = tmp_path / "deck.jsonl"
    decks.lines(election, "KG-PL", 5, 5).save(path)
    good = path.read_bytes()
    path.write_bytes(good.replace(b"down-foot", b"down-head", 1))
    with pytest.raises(ConfigurationError, match="sheets were changed"):
        load_deck(path, election)
    path.write_bytes(good.replace(b'"sheets":5', b'"sheets":6', 1))
    with pytest.raises(ConfigurationError, match="sheets is 6 in the manifest, 5"):
        load_deck(path, election)
    path.write_bytes(b"not a deck\n")
    with pytest.raises(ConfigurationError, match="manifest"):
        load_deck(path, election)
    path.write_bytes(good[: len(good) // 2])
    with pytest.raises(ConfigurationError, match="changed"):
        load_deck(path, election)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_deck(tmp_path / "nowhere", election)


@pytest.mark.parametrize(("change", "told"), [
    (lambda s: s["marks"][0].update(option="P99"), "no option party/P99"),
    (lambda s: s["marks"][0].update(kind="kiss"), "no such kind of mark: kiss"),
    (lambda s: s["marks"][0]["params"].update(length=1.0), "no parameter length"),
    (lambda s: s["marks"][0]["params"].update(dx=float("inf")), "dx is inf"),
    (lambda s: s["paper"].update(skew_deg=float("nan")), "skew_deg is nan"),
    (lambda s: s["paper"].update(follower_mm=1e12), "which no paper has"),
    (lambda s: s["paper"].update(background=300), "background is 300"),
    (lambda s: s.update(style="KG-XX"), "KG-XX"),
    (lambda s: s.update(style="KG-SM-27"), "counts in a deck of KG-PL"),
    (lambda s: s.update(orientation="sideways"), "no such orientation"),
    (lambda s: s.update(seed=1.5), "seed is not a whole number"),
    (lambda s: s["truth"].update(kind="maybe"), "no such truth: maybe"),
    (lambda s: s["truth"]["votes"].update(party=["P99"]), "no option party/P99"),
    (lambda s: s["truth"]["overvotes"].update(mayor=1), "no option mayor/"),
])
def test_a_sheet_that_cannot_be_is_named_with_its_line_also_when_the_hash_was_made_anew(
    election: ElectionDefinition, tmp_path: Path,
    change: Callable[[dict[str, Any]], None], told: str,
) -> None:
    path = tmp_path / "deck.jsonl"
    decks.lines(election, "KG-PL", 5, 5).save(path)
    first, *lines = path.read_bytes().splitlines(keepends=True)
    sheet = json.loads(lines[2])
    change(sheet)
    lines[2] = canonical_json(sheet) + b"\n"
    manifest = {**json.loads(first), "sha256": hashlib.sha256(b"".join(lines)).hexdigest()}
    path.write_bytes(canonical_json(manifest) + b"\n" + b"".join(lines))
    with pytest.raises(ConfigurationError, match=told) as error:
        load_deck(path, election)
    assert error.value.where == f"{path}:4"


def test_a_deck_for_another_election_or_style_is_refused(
    election: ElectionDefinition, tmp_path: Path
) -> None:
    deck = decks.lines(election, "KG-PL", 5, 5)
    deck.save(tmp_path / "deck.jsonl")
    other = load("kg-training")
    with pytest.raises(ConfigurationError, match="kg-2021-11-28"):
        load_deck(tmp_path / "deck.jsonl", other)
    with pytest.raises(ConfigurationError, match="for election"):
        deck.check(other)
    with pytest.raises(ConfigurationError, match="style KG-PL"):
        deck.check(election, "KG-SM-27")
    deck.check(election, "KG-PL")


def test_a_deck_can_be_printed_with_instructions_and_shown(
    election: ElectionDefinition, layouts: dict[str, Layout], tmp_path: Path
) -> None:
    deck = decks.logic_and_accuracy(election, "KG-SM-27", 1)
    part = Deck("part", 1, election, "KG-SM-27", (*deck.sheets[:2], *deck.sheets[-6:]))
    deck_pdf(part, layouts, tmp_path / "deck.pdf")
    instructions_pdf(part, tmp_path / "instructions.pdf")
    contact_sheet(part, layouts, tmp_path / "contact.png")
    assert (tmp_path / "deck.pdf").read_bytes()[:5] == b"%PDF-"
    assert b"/Count 8" in (tmp_path / "deck.pdf").read_bytes()
    assert (tmp_path / "instructions.pdf").read_bytes()[:5] == b"%PDF-"
    assert (tmp_path / "contact.png").read_bytes()[1:4] == b"PNG"
    with pytest.raises(ConfigurationError, match="cannot be printed"):
        deck_pdf(part, layouts, tmp_path / "missing" / "deck.pdf")


def test_the_operator_is_told_what_a_person_can_do_to_a_sheet() -> None:
    paper = Paper(
        skew_deg=4, shift_mm=(-7, 0), noise=0.1, perspective=(0.1, 0), follower_mm=40,
        folds=(Fold(100, 150, 90),), tears=(Tear("head-left", 20, 10),),
        notches=(Notch("left", 120, 30, 9),), scrawls=(Scrawl(197, 60, 12, 8),),
        labels=(Label(12, 60, 10, 10),), streaks=(Streak(50),), stains=(Stain(50, 50, 9),),
    )
    told = preparation(paper)
    for words in (
        "fold lengthwise through 100 mm", "corner head left, 20 by 10 mm", "out of the left edge",
        "scribble 12 by 8 mm", "glue white paper", "1 weak coffee stain",
        "dirt on the sensor 50 mm",
        "4 degrees clockwise", "7 mm to the left", "shows 40 mm behind",
    ):
        assert words in told
    assert preparation(Paper(noise=0.1, perspective=(0.1, 0))) == ""


def test_paper_of_a_deck_stays_plain_where_nothing_is_asked(election: ElectionDefinition) -> None:
    assert all(sheet.paper == Paper() for sheet in decks.tails(election, "KG-PL", 10, 1))
