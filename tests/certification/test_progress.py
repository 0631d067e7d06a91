"""Progress never fights with the questions that a person is asked, nor with the runners' output."""

import io
import os
import pty
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from kalys.certification.progress import Bars, Lines, duration, terminal_progress
from kalys.links.clock import VirtualClock


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A pseudo-terminal in the place of stderr; what is shown on it can be read."""
    main, device = pty.openpty()
    duplicate = os.dup
    monkeypatch.setattr("os.dup", lambda fd: duplicate(device if fd == 2 else fd))
    yield main
    os.close(main)
    os.close(device)


def test_at_a_terminal_there_are_bars(screen: int) -> None:
    with terminal_progress() as progress:
        assert isinstance(progress, Bars)
        progress.expect(2)
        progress.begin("mark.line", "A line of 1 mm [is] a vote")
        progress.step("mark.line", 1, 3, "sheet 1")
        progress.end("mark.line", "FAIL")
    assert b"mark.line: FAIL" in os.read(screen, 1 << 16)


def test_where_a_person_is_asked_there_are_lines(screen: int) -> None:
    with terminal_progress(asks_a_person=True) as progress:
        assert isinstance(progress, Lines)
        progress.expect(2)
        progress.end("mark.line", "PASS")
    assert os.read(screen, 4096) == b"[1/2] mark.line: PASS\r\n"


def test_what_the_runners_put_in_the_place_of_stderr_hides_no_progress(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with terminal_progress() as progress:
        monkeypatch.setattr("sys.stderr", None)
        progress.expect(1)
        progress.end("mark.line", "FAIL")
    assert capfd.readouterr().err == "[1/1] mark.line: FAIL\n"


def test_where_no_bar_can_be_drawn_a_long_part_says_now_and_then_how_long_it_will_take() -> None:
    clock = VirtualClock(datetime(2026, 1, 1, tzinfo=UTC))
    told = io.StringIO()
    lines = Lines(told, clock)
    lines.expect(2)
    lines.begin("count.volume", "A volume of ballots")
    for done in range(1, 7):
        clock.sleep(10)
        lines.step("count.volume", done, 30, f"sheet {done} of 30")
    lines.end("count.volume", "PASS")
    assert told.getvalue().splitlines() == [
        "[1/2] count.volume: sheet 2 of 30, about 5 min left",
        "[1/2] count.volume: sheet 4 of 30, about 4 min left",
        "[1/2] count.volume: sheet 6 of 30, about 4 min left",
        "[1/2] count.volume: PASS",
    ]


@pytest.mark.parametrize(("seconds", "said"), [
    (0.2, "1 s"), (99, "99 s"), (100, "2 min"), (3600, "60 min"), (7500, "2 h 05 min"),
])
def test_a_time_to_wait_is_told_as_people_say_it(seconds: float, said: str) -> None:
    assert duration(seconds) == said
