"""Telling a person how far a run is, and how long it will still take."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn


class RunProgress(Protocol):
    """What a run tells: its parts, and steps inside the part that is running."""

    def expect(self, parts: int) -> None: ...

    def begin(self, part: str, title: str) -> None: ...

    def step(self, part: str, done: int, total: int, text: str) -> None: ...

    def end(self, part: str, outcome: str) -> None: ...


class Quiet:
    """Says nothing."""

    def expect(self, parts: int) -> None:
        pass

    def begin(self, part: str, title: str) -> None:
        pass

    def step(self, part: str, done: int, total: int, text: str) -> None:
        pass

    def end(self, part: str, outcome: str) -> None:
        pass


class Lines(Quiet):
    """One line for each finished part, for logs and pipes."""

    def __init__(self) -> None:
        self._parts = 0
        self._done = 0

    def expect(self, parts: int) -> None:
        self._parts = parts

    def end(self, part: str, outcome: str) -> None:
        self._done += 1
        print(f"[{self._done}/{self._parts}] {part}: {outcome}", file=sys.stderr, flush=True)


class Bars:
    """A bar for the whole and one for the running part, on a terminal."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._whole: TaskID = bars.add_task("plan", total=None, detail="")
        self._part: TaskID | None = None
        self._inside = 0.0

    def expect(self, parts: int) -> None:
        self._bars.update(self._whole, total=parts)

    def begin(self, part: str, title: str) -> None:
        self._inside = 0.0
        if self._part is not None:
            self._bars.remove_task(self._part)
        self._part = self._bars.add_task(part, total=None, detail=title)

    def step(self, part: str, done: int, total: int, text: str) -> None:
        if self._part is not None:
            self._bars.update(self._part, completed=done, total=total, detail=text)
        share = min(1.0, done / total) if total else 0.0
        if share > self._inside:
            self._bars.advance(self._whole, share - self._inside)
            self._inside = share

    def end(self, part: str, outcome: str) -> None:
        self._bars.advance(self._whole, 1.0 - self._inside)
        self._inside = 1.0
        if self._part is not None:
            self._bars.remove_task(self._part)
            self._part = None
        if outcome != "PASS":
            self._bars.console.print(f"{part}: {outcome}")


@contextlib.contextmanager
def terminal_progress() -> Iterator[RunProgress]:
    """Bars where stderr is a terminal, else a line for each part."""
    if not sys.stderr.isatty():
        yield Lines()
        return
    columns = (
        TextColumn("{task.description:<24}"), BarColumn(bar_width=28),
        TextColumn("{task.percentage:>3.0f} %"), TimeRemainingColumn(), TextColumn("{task.detail}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        yield Bars(bars)


@contextlib.contextmanager
def quiet_progress() -> Iterator[RunProgress]:
    """Nothing is shown."""
    yield Quiet()
