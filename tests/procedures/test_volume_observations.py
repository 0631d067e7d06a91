"""From shards to observations: every sheet once, every error where it came."""

from hypothesis import given
from hypothesis import strategies as st

from kalys.procedures.shard_count import MOST_SINGLY, ShardCount, WrongSheet
from kalys.procedures.volume_observations import Told, VolumeObservations

EACH = 76


def shard(first: int, shown: int, wrong: dict[int, int]) -> ShardCount:
    """A shard in which the sheets at ``wrong`` (place in the shard) err at so many positions; at
    none: they were not counted."""
    sheets = tuple(
        WrongSheet(first + place, f"v{first + place}", failures > 0, failures, "wrong")
        for place, failures in sorted(wrong.items())
    )
    misread = [s for s in sheets if s.counted]
    return ShardCount(
        shown, shown - len(sheets) + len(misread), len(misread),
        sum(s.failures for s in sheets), len(sheets) - len(misread), sheets[:MOST_SINGLY],
        {"party/P01": sum(s.failures for s in sheets)} if misread else {}, {}, (), {},
    )


def of(told: list[Told], requirement: str) -> list[Told]:
    return [one for one in told if one.requirement == requirement]


@given(st.lists(
    st.dictionaries(st.integers(0, 39), st.integers(0, 3), max_size=12), min_size=1, max_size=6,
))
def test_no_sheet_and_no_error_is_lost_or_counted_twice(shards: list[dict[int, int]]) -> None:
    observed = VolumeObservations(EACH)
    counts = [shard(40 * i, 40, wrong) for i, wrong in enumerate(shards)]
    told = [one for i, count in enumerate(counts) for one in observed.shard(40 * i, count)]
    positions, ballots, sheets = (of(told, r) for r in ("ACC-001", "ACC-005", "MET-005"))
    counted = sum(count.counted for count in counts)
    assert sum(one.trials for one in positions) == EACH * counted
    assert sum(one.sheets for one in positions) == sum(one.trials for one in ballots) == counted
    assert sum(one.failures for one in positions) == sum(count.failures for count in counts)
    assert sum(one.bad_sheets for one in positions) == sum(count.misread for count in counts)
    assert sum(one.trials for one in sheets) == 40 * len(counts)
    assert sum(one.failures for one in sheets) == observed.wrong
    assert all(one.bad_sheets <= one.sheets for one in told)


def test_an_error_stands_between_the_right_sheets_before_and_after_it() -> None:
    told = of(list(VolumeObservations(EACH).shard(100, shard(100, 10, {4: 2}))), "ACC-002")
    assert [(one.trials, one.failures, one.sheet) for one in told] == [
        (4 * EACH, 0, ""), (EACH, 2, "v104"), (5 * EACH, 0, ""),
    ]
    assert told[0].condition == "sheets 101 to 104"


def test_a_core_that_is_wrong_too_often_is_told_shard_by_shard() -> None:
    observed = VolumeObservations(EACH)
    few = list(observed.shard(0, shard(0, 300, dict.fromkeys(range(MOST_SINGLY), 1))))
    assert sum(one.bad_sheets for one in of(few, "ACC-001")) == MOST_SINGLY
    assert len(of(few, "ACC-001")) == MOST_SINGLY + 1
    many = of(list(observed.shard(300, shard(300, 300, {7: 1}))), "ACC-001")
    assert len(many) == 1
    assert (many[0].sheets, many[0].bad_sheets, many[0].failures) == (300, 1, 1)


def test_totals_are_told_once_at_the_end_and_opposite_errors_of_one_option_cancel() -> None:
    observed = VolumeObservations(EACH)
    for first, off in ((0, {"party/P01": 3}), (10, {"party/P01": -3, "party/P02": -2})):
        count = shard(first, 10, {})
        list(observed.shard(first, ShardCount(**{**count.__dict__, "off": off})))
    totals, comparisons = observed.end()
    assert (totals.requirement, totals.trials, totals.failures) == ("ACC-006", 20 * EACH, 2)
    assert totals.sheets == 0
    assert comparisons.requirement == "ACC-009"


def test_a_campaign_in_which_nothing_was_counted_decides_nothing() -> None:
    observed = VolumeObservations(EACH)
    list(observed.shard(0, shard(0, 3, {0: 0, 1: 0, 2: 0})))
    assert all(one.blocked for one in observed.end())
