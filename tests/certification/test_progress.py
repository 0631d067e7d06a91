"""Progress never fights with the questions that a person is asked, nor with the runners' output."""

import os
import pty
from collections.abc import Iterator

import pytest

from kalys.certification.progress import Bars, Lines, terminal_progress


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
