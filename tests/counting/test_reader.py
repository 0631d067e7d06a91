"""The reader: reads what the specification says it must, and never misreads what it need not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kalys.ballots import deck as decks
from kalys.ballots.deck import Deck
from kalys.ballots.grid_ballot import grid_layout
from kalys.ballots.layout import Layout
from kalys.ballots.marks import KINDS, VALID_KINDS
from kalys.ballots.render import Renderer
from kalys.ballots.sheet import Fold, Mark, Paper, Sheet, Stain, Streak, Tear
from kalys.ballots.templates import layouts_for
from kalys.counting.reader import Reader, SheetReading, Thresholds
from kalys.election.definition import ElectionDefinition, load
from kalys.election.rules import judge_sheet
from kalys.errors import ConfigurationError
from kalys.protocols.urn.messages import ReturnReason
from kalys.resources import data_root

ELECTION: ElectionDefinition = load("kg-2021-11-28")
LAYOUTS: dict[str, Layout] = layouts_for(ELECTION)
RENDERER = Renderer(LAYOUTS, pool=64)
READERS = {style: Reader([layout]) for style, layout in LAYOUTS.items()}


def _read(sheet: Sheet, style: str = "KG-PL") -> SheetReading:
    return READERS[style].read(RENDERER.scan(sheet))


def _sheet(*marks: Mark, paper: Paper | None = None, orientation: str = "down-head") -> Sheet:
    return Sheet("s", ELECTION.id, "KG-PL", marks, paper or Paper(), orientation, 11)


def _wrong(deck: Deck) -> list[str]:
    """Ids of the sheets that were read otherwise than their truth allows."""
    wrong = []
    for sheet in deck:
        reading = _read(sheet, deck.style)
        truth = sheet.truth
        assert truth is not None
        if reading.read:
            judged = judge_sheet(deck.contests, reading.marks)
            right = truth.accepts("valid" if judged.valid else "invalid")
            for contest in deck.contests:
                sure = set(truth.marks.get(contest.id, ()))
                unclear = set(truth.ambiguous.get(contest.id, ()))
                read = set(reading.marks[contest.id])
                right &= sure <= read | unclear and read <= sure | unclear
        else:
            right = truth.accepts("returned", reading.reason)
        if not right:
            wrong.append(f"{sheet.id}: {reading.status} {reading.reason} {dict(reading.marks)}")
    return wrong


def test_a_vote_is_read_with_its_style_orientation_and_fill() -> None:
    reading = _read(_sheet(Mark("party", "P07", "tick"), Mark("preference", "N54", "cross")))
    assert (reading.status, reading.style, reading.orientation) == ("read", "KG-PL", "down-head")
    assert reading.marks == {"party": ("P07",), "preference": ("N54",)}
    assert reading.fills["party"]["P07"] > 0.1
    assert max(v for o, v in reading.fills["party"].items() if o != "P07") < 0.01


def test_a_sheet_fed_foot_first_is_turned() -> None:
    reading = _read(_sheet(Mark("party", "P07", "tick"), orientation="down-foot"))
    assert reading.marks["party"] == ("P07",) and reading.orientation == "down-foot"


@pytest.mark.parametrize("build", [
    lambda: decks.logic_and_accuracy(ELECTION, "KG-PL", 21),
    lambda: decks.logic_and_accuracy(ELECTION, "KG-SM-28", 21),
    lambda: decks.lines(ELECTION, "KG-PL", 76, 22),
    lambda: decks.marks(ELECTION, "KG-PL", 150, 23),
    lambda: decks.marks(ELECTION, "KG-SM-27", 60, 23),
    lambda: decks.folds(ELECTION, "KG-PL", 80, 24),
    lambda: decks.foreign(ELECTION, "KG-PL", 16, 25),
    lambda: decks.orientations(ELECTION, "KG-PL", 16, 26),
    lambda: decks.damaged(ELECTION, "KG-PL", 54, 27),
    lambda: decks.blank_and_double(ELECTION, "KG-PL", 24, 28),
    lambda: decks.tails(ELECTION, "KG-PL", 20, 29),
    lambda: decks.ladder(ELECTION, "KG-PL", 30, 30),
    lambda: decks.volume(ELECTION, "KG-PL", 250, 31),
])
def test_every_deck_is_read_as_its_truth_says(build: Callable[[], Deck]) -> None:
    assert _wrong(build()) == []


@pytest.mark.parametrize("style", ["KG-PL", "KG-SM-27"])
def test_the_weakest_valid_and_the_strongest_invalid_marks_keep_clear_of_the_thresholds(
    style: str,
) -> None:
    limits, target = Thresholds(), LAYOUTS[style].front.targets[3]
    weakest = {
        "tick": {"width_mm": 0.5, "size": 0.9}, "slash": {"width_mm": 0.5, "size": 0.9},
        "line": {"density": 0.65}, "pencil": {"width_mm": 0.6, "density": 0.6, "size": 0.9},
        "filled": {"density": 0.7, "size": 0.75},
    }
    strongest = {
        "dot": {"diameter_mm": 0.75, "density": 1.0}, "smudge": {"density": 0.2, "size": 1.1},
        "circled": {"width_mm": 0.5, "distance_mm": 0.45, "density": 1.0}, "outside": {},
    }
    for kinds, valid in ((weakest, True), (strongest, False)):
        for kind, params in kinds.items():
            mark = Mark(target.contest, target.option, kind, params)
            sheet = Sheet("s", ELECTION.id, style, (mark,), Paper(noise=0.02, contrast=0.85))
            fill = _read(sheet, style).fills[target.contest][target.option]
            if valid:
                assert fill > 1.2 * limits.vote_fill, kind
            else:
                assert fill < 0.85 * limits.blank_fill, kind


def test_the_same_mark_never_flips_between_vote_and_no_vote() -> None:
    rng = np.random.default_rng(3)
    for width in (0.2, 0.3, 0.4, 0.5):
        mark = Mark("party", "P11", "line", {"width_mm": width, "density": 0.9})
        seen = set()
        for seed in range(12):
            paper = Paper(float(rng.integers(-3, 4)), (float(rng.uniform(-5, 5)), 0.0))
            sheet = Sheet("s", ELECTION.id, "KG-PL", (mark,), paper, "down-head", seed)
            reading = _read(sheet)
            seen.add("ambiguous" if reading.ambiguous else "vote" if reading.marks["party"]
                     else "none")
        assert not {"vote", "none"} <= seen


def test_other_ballots_are_foreign_and_blank_sides_are_told_apart() -> None:
    reader = READERS["KG-PL"]
    for sheet in (Sheet("f", ELECTION.id, "KG-SM-27"), Sheet("f", "kg-training", "KG-TR")):
        assert reader.read(RENDERER.scan(sheet)).reason == ReturnReason.FOREIGN
    for sheet in (_sheet(orientation="up-head"), Sheet("p", ELECTION.id, "plain")):
        assert reader.read(RENDERER.scan(sheet)).reason == ReturnReason.WRONG_SIDE


def test_one_reader_may_know_several_styles() -> None:
    reader = Reader(list(LAYOUTS.values()))
    for style in LAYOUTS:
        reading = reader.read(RENDERER.scan(Sheet("s", ELECTION.id, style)))
        assert (reading.status, reading.style) == ("read", style)


@pytest.mark.parametrize("offset_mm", [10.0, 30.0, 150.0, 297.0])
def test_two_sheets_at_once_are_seen_by_their_length(offset_mm: float) -> None:
    image = RENDERER.scan_together(_sheet(), _sheet(Mark("party", "P01", "tick")), offset_mm)
    assert READERS["KG-PL"].read(image).reason == ReturnReason.DOUBLE_FEED


def test_a_mark_in_the_band_sends_the_sheet_back_and_is_named() -> None:
    dash = Mark("party", "P12", "dash", {"length_mm": 2.0, "width_mm": 0.8})
    reading = _read(_sheet(dash, Mark("party", "P02", "tick")))
    assert (reading.status, reading.reason) == ("rejected", ReturnReason.AMBIGUOUS)
    assert reading.ambiguous == ("party/P12",) and reading.marks["party"] == ("P02",)


def test_thresholds_decide_what_a_fold_and_a_line_are() -> None:
    fold = _sheet(Mark("party", "P02", "tick"), paper=Paper(
        folds=(Fold(186.0, 64.5 + 7 * 9, 0.0, 0.4, 0.22),)
    ))
    low = Reader([LAYOUTS["KG-PL"]], Thresholds(0.03, 0.015, 0.08))
    assert _read(fold).marks["party"] == ("P02",)
    assert len(low.read(RENDERER.scan(fold)).marks["party"]) == 2
    line = _sheet(Mark("party", "P02", "line"))
    high = Reader([LAYOUTS["KG-PL"]], Thresholds(0.6, 0.5, 0.35))
    assert _read(line).marks["party"] == ("P02",)
    assert high.read(RENDERER.scan(line)).marks["party"] == ()


def test_a_streak_of_the_sensor_is_no_mark_anywhere() -> None:
    for width in (0.15, 0.4, 0.8):
        paper = Paper(streaks=(Streak(186.0, width, 0.9),))
        reading = _read(_sheet(Mark("party", "P05", "cross"), paper=paper))
        assert reading.read and reading.marks["party"] == ("P05",)


def test_missing_scribbled_and_extra_timing_marks_do_no_harm() -> None:
    image = RENDERER.scan(_sheet(Mark("party", "P05", "cross"), paper=Paper(skew_deg=1.0)))
    image[300:520, 30:160] = 235           # marks covered
    image[900:1100, 40:150] = 40           # scribbled over
    image[1500:1512, 1520:1560] = 30       # a mark between two marks
    reading = READERS["KG-PL"].read(image)
    assert reading.read and reading.marks["party"] == ("P05",)


def test_a_covered_target_makes_the_sheet_unreadable_not_blank() -> None:
    image = RENDERER.scan(_sheet(Mark("party", "P05", "cross")))
    image[1150:1260, 1400:1540] = 235
    assert READERS["KG-PL"].read(image).reason == ReturnReason.UNREADABLE


def test_a_page_out_of_place_by_one_row_is_rejected_not_read_one_row_off() -> None:
    image = RENDERER.scan(_sheet(Mark("party", "P05", "cross")))
    pitch = round(6 * 200 / 25.4)
    moved = np.roll(image, 2 * pitch, axis=0)
    moved[: 2 * pitch] = 235
    reading = READERS["KG-PL"].read(moved)
    assert not reading.read or reading.marks["party"] == ("P05",)
    cut = image.copy()
    cut[: 4 * pitch] = 235                 # the upper four rows and the code are gone
    assert READERS["KG-PL"].read(cut).reason == ReturnReason.UNREADABLE


@pytest.mark.parametrize("level", [0, 60, 128, 255])
def test_an_even_picture_is_rejected(level: int) -> None:
    assert not READERS["KG-PL"].read(np.full((2339, 1654), level, np.uint8)).read


def test_noise_is_rejected() -> None:
    rng = np.random.default_rng(1)
    assert not READERS["KG-PL"].read(rng.integers(0, 256, (2339, 1654), dtype=np.uint8)).read


@pytest.mark.parametrize("image", [
    np.zeros((2339, 1654, 3), np.uint8), np.zeros((2339, 1654), np.uint16),
    np.zeros((1170, 827), np.uint8), np.zeros((2339, 900), np.uint8), np.zeros((0, 0), np.uint8),
])
def test_a_picture_of_another_kind_is_an_error_in_words(image: object) -> None:
    with pytest.raises(ConfigurationError, match="scan"):
        READERS["KG-PL"].read(image)  # type: ignore[arg-type]


EFFECTS = st.builds(
    Paper,
    skew_deg=st.floats(-14, 14), shift_mm=st.tuples(st.floats(-25, 25), st.floats(-25, 25)),
    stretch=st.floats(-0.04, 0.04), noise=st.floats(0, 0.06), brightness=st.floats(-0.5, 0.3),
    contrast=st.floats(0.2, 1.2), background=st.integers(0, 255),
    folds=st.lists(st.builds(
        Fold, x=st.floats(0, 210), y=st.floats(0, 297), angle_deg=st.floats(0, 180),
        width_mm=st.floats(0.1, 0.5), depth=st.floats(0.05, 0.25)), max_size=3).map(tuple),
    stains=st.lists(st.builds(
        Stain, x=st.floats(0, 210), y=st.floats(0, 297), radius_mm=st.floats(2, 40),
        depth=st.floats(0.05, 0.25)), max_size=2).map(tuple),
    streaks=st.lists(st.builds(
        Streak, x=st.floats(0, 210), width_mm=st.floats(0.1, 0.6), depth=st.floats(0.5, 1)),
        max_size=2).map(tuple),
    tears=st.lists(st.builds(
        Tear, corner=st.sampled_from(["head-left", "head-right", "foot-left", "foot-right"]),
        along_mm=st.floats(5, 120), down_mm=st.floats(5, 120)), max_size=2).map(tuple),
)
MILD = st.builds(
    Paper, skew_deg=st.integers(-6, 6).map(lambda n: n / 2),
    shift_mm=st.tuples(st.floats(-5, 5), st.floats(-5, 5)),
    stretch=st.sampled_from([-0.01, 0.0, 0.01]), noise=st.floats(0, 0.02),
)


@st.composite
def _marks(draw: st.DrawFn) -> tuple[Mark, ...]:
    marks = []
    for contest in ELECTION.style_contests("KG-PL"):
        for option in draw(st.lists(st.sampled_from(contest.option_ids), unique=True, max_size=2)):
            kind = draw(st.sampled_from(VALID_KINDS))
            params = {
                name: draw(st.sampled_from((low, high)))
                for name, (low, high) in KINDS[kind].ranges.items()
            }
            marks.append(Mark(contest.id, option, kind, params))
    return tuple(marks)


def _marked(marks: tuple[Mark, ...]) -> dict[str, set[str]]:
    return {c: {m.option for m in marks if m.contest == c} for c in ("party", "preference")}


@given(_marks(), EFFECTS, st.sampled_from(["down-head", "down-foot"]), st.integers(0, 2**31))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_happens_to_the_paper_a_sheet_is_read_right_or_rejected(
    marks: tuple[Mark, ...], paper: Paper, orientation: str, seed: int
) -> None:
    reading = _read(Sheet("s", ELECTION.id, "KG-PL", marks, paper, orientation, seed))
    if reading.read:
        assert {c: set(o) for c, o in reading.marks.items()} == _marked(marks)
        assert reading.orientation == orientation
    else:
        assert reading.reason in set(ReturnReason)


@given(_marks(), MILD, st.sampled_from(["down-head", "down-foot"]), st.integers(0, 2**31))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_inside_the_declared_range_every_sheet_is_read(
    marks: tuple[Mark, ...], paper: Paper, orientation: str, seed: int
) -> None:
    reading = _read(Sheet("s", ELECTION.id, "KG-PL", marks, paper, orientation, seed))
    assert reading.read
    assert {c: set(o) for c, o in reading.marks.items()} == _marked(marks)


@pytest.mark.parametrize("style", ["KG-PL", "KG-SM-27"])
def test_no_effect_of_paper_or_sensor_makes_the_reader_misread(style: str) -> None:
    assert _wrong(decks.paper_stress(ELECTION, style, 120, 33)) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_no_effect_nor_several_at_once_make_the_reader_misread(seed: int) -> None:
    assert _wrong(decks.paper_stress(ELECTION, "KG-PL", 1000, 100 + seed)) == []


def test_a_picture_with_too_much_noise_is_unreadable_and_not_full_of_marks() -> None:
    """Speckles would fill every target: paper, smudges and stains become marks."""
    smudge = Mark("party", "P07", "smudge", {"density": 0.2})
    for noise, contrast in ((0.08, 0.3), (0.1, 1.0), (0.14, 1.0)):
        reading = _read(_sheet(smudge, paper=Paper(noise=noise, contrast=contrast)))
        assert (reading.status, reading.reason) == ("rejected", "unreadable")
    assert _read(_sheet(smudge, paper=Paper(noise=0.02, contrast=0.85))).marks["party"] == ()


def test_a_fold_is_no_mark_in_a_scan_so_dark_that_print_is_clipped() -> None:
    """Against print that cannot get blacker, a grey of the paper looks darker than it is."""
    target = LAYOUTS["KG-PL"].target("party", "P07")
    fold = Fold(target.x, target.y, 1.0, 0.5, 0.33)
    tick = Mark("party", "P09", "pencil", {"density": 0.6, "width_mm": 0.6})
    for brightness in (-0.15, -0.2, -0.25, -0.3, -0.36, -0.4):
        reading = _read(_sheet(tick, paper=Paper(brightness=brightness, folds=(fold,))))
        assert not reading.read or reading.marks["party"] == ("P09",)
        assert reading.read is (brightness > -0.4)


def test_a_dark_and_a_light_sheet_at_once_are_two_sheets() -> None:
    dark = RENDERER.scan(_sheet(paper=Paper(brightness=-0.5)))
    light = RENDERER.scan(_sheet())[: dark.shape[0] // 2]
    assert READERS["KG-PL"].read(np.vstack([dark, light])).reason == ReturnReason.DOUBLE_FEED


def test_a_ballot_with_hardly_any_print_but_its_timing_marks_is_read() -> None:
    """The complete example of docs/ballots.md, as it stands there."""
    page = (data_root() / "docs" / "ballots.md").read_text(encoding="utf-8")
    example = page[page.index("election: town-2026"):]
    layout = grid_layout(yaml.safe_load(example[: example.index("```")]))
    reader, renderer = Reader([layout]), Renderer([layout])
    marks = (Mark("governor", "clark", "tick"), Mark("question-1", "no", "cross"))
    for orientation, contest, option in (
        ("down-head", "governor", "clark"), ("down-foot", "governor", "clark"),
        ("up-head", "question-1", "no"), ("up-foot", "question-1", "no"),
    ):
        sheet = Sheet("s", layout.election, layout.style, marks, Paper(2.0), orientation, 4)
        reading = reader.read(renderer.scan(sheet))
        assert (reading.orientation, reading.marks[contest]) == (orientation, (option,))
