"""Times of reads: as small for millions as for a few, and no file can make them stumble."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from kalys.evidence.read_times import READ_TIMES, ReadTimes, read_times


def test_times_come_back_in_rising_order_to_three_digits(tmp_path: Path) -> None:
    ReadTimes([0.0012345, 0.0007]).append_to(tmp_path)
    ReadTimes([0.0007]).append_to(tmp_path)
    assert read_times(tmp_path) == [0.0007, 0.0007, 0.00123]


@given(st.lists(st.tuples(st.floats(1e-5, 10), st.integers(1, 10**6)), min_size=1, max_size=30))
def test_a_spread_is_even_and_never_longer_than_asked(times: list[tuple[float, int]]) -> None:
    summary = ReadTimes()
    for seconds, often in times:
        summary.add(seconds, often)
    spread = summary.spread(100)
    assert len(spread) == min(100, summary.counts.total())
    assert spread == sorted(spread)
    assert spread[-1] == max(summary.counts)


def test_what_is_no_time_is_left_out(tmp_path: Path) -> None:
    (tmp_path / READ_TIMES).write_text(
        "0.5\nnonsense\n-1 3\ninf 2\n0.25 2\n0.1 0\n0.1 x\n1 99999999999999999\n"
    )
    assert read_times(tmp_path) == [0.25, 0.25, 0.5]
    assert read_times(tmp_path / "nowhere") == []
