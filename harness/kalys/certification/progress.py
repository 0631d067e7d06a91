"""Telling a person how far a run is, and how long it will still take.

Parts of a run differ a thousandfold: a campaign of ten million positions stands beside a deck of
two hundred sheets. So each part has a weight, about the sheets that it shows, and the remaining
time of the whole follows from the weights that are left.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Protocol, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from kalys.links.clock import Clock, RealClock

LINE_EVERY_S = 20.0            # a part that goes on is told so often where no bar can be drawn


class RunProgress(Protocol):
    """What a run tells: its parts, and steps inside the part that is running."""

    def expect(self, parts: int, weights: Mapping[str, float] | None = None) -> None:
        """``weights`` of the parts by name; 1 for what is not named."""
        ...

    def begin(self, part: str, title: str) -> None: ...

    def step(self, part: str, done: int, total: int, text: str) -> None: ...

    def end(self, part: str, outcome: str) -> None: ...


Show = Callable[[bool], AbstractContextManager[RunProgress]]
"""Begins to show the progress of a run; told whether a person will be asked things meanwhile."""


class Quiet:
    """Says nothing."""

    def expect(self, parts: int, weights: Mapping[str, float] | None = None) -> None:
        pass

    def begin(self, part: str, title: str) -> None:
        pass

    def step(self, part: str, done: int, total: int, text: str) -> None:
        pass

    def end(self, part: str, outcome: str) -> None:
        pass


class Lines(Quiet):
    """One line for each finished part, and now and then one for a long part that goes on: for logs,
    pipes, and a person who is asked in between."""

    def __init__(self, stream: TextIO, clock: Clock | None = None) -> None:
        self._stream = stream
        self._clock = clock or RealClock()
        self._parts = 0
        self._done = 0
        self._begun = self._told = self._clock.now()

    def expect(self, parts: int, weights: Mapping[str, float] | None = None) -> None:  # noqa: ARG002
        self._parts = parts

    def begin(self, part: str, title: str) -> None:  # noqa: ARG002
        self._begun = self._told = self._clock.now()

    def step(self, part: str, done: int, total: int, text: str) -> None:
        now = self._clock.now()
        if now - self._told < LINE_EVERY_S * 1e9 or not 0 < done < total:
            return
        self._told = now
        left = (now - self._begun) / 1e9 * (total - done) / done
        self._say(self._done + 1, f"{part}: {text}, about {duration(left)} left")

    def end(self, part: str, outcome: str) -> None:
        self._done += 1
        self._say(self._done, f"{part}: {outcome}")

    def _say(self, number: int, text: str) -> None:
        # A log that is gone or full is no reason to end a run.
        with contextlib.suppress(OSError):
            print(f"[{number}/{self._parts}] {text}", file=self._stream, flush=True)


def duration(seconds: float) -> str:
    """A time to wait, as people say it: "40 s", "3 min", "2 h 05 min"."""
    if seconds < 100:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02d} min"


class Bars:
    """A bar for the whole and one for the running part, on a terminal."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._whole: TaskID = bars.add_task("plan", total=None, detail="")
        self._part: TaskID | None = None
        self._inside = 0.0
        self._weight = 1.0
        self._weights: dict[str, float] = {}

    def expect(self, parts: int, weights: Mapping[str, float] | None = None) -> None:
        self._weights = dict(weights or {})
        total = sum(self._weights.values()) + max(0, parts - len(self._weights))
        self._bars.update(self._whole, total=total)

    def begin(self, part: str, title: str) -> None:
        self._inside = 0.0
        self._weight = self._weights.get(part, 1.0)
        if self._part is not None:
            self._bars.remove_task(self._part)
        self._part = self._bars.add_task(part, total=None, detail=title)

    def step(self, part: str, done: int, total: int, text: str) -> None:  # noqa: ARG002
        if self._part is not None:
            self._bars.update(self._part, completed=done, total=total, detail=text)
        share = min(1.0, done / total) if total else 0.0
        if share > self._inside:
            self._bars.advance(self._whole, (share - self._inside) * self._weight)
            self._inside = share

    def end(self, part: str, outcome: str) -> None:
        self._bars.advance(self._whole, (1.0 - self._inside) * self._weight)
        self._inside = 1.0
        if self._part is not None:
            self._bars.remove_task(self._part)
            self._part = None
        if outcome != "PASS":
            self._bars.console.print(f"{part}: {outcome}")


@contextlib.contextmanager
def terminal_progress(asks_a_person: bool = False) -> Iterator[RunProgress]:
    """Bars where stderr is a terminal, else a line for each part.

    Bars are drawn again and again, over whatever a person is being asked; so a run that asks one
    gets lines as well.
    """
    with _own_stderr() as stream:
        if asks_a_person or not stream.isatty():
            yield Lines(stream)
            return
        columns = (
            TextColumn("{task.description:<24}"), BarColumn(bar_width=28),
            TextColumn("{task.percentage:>3.0f} %"), TimeRemainingColumn(),
            TextColumn("{task.fields[detail]}", markup=False),
        )
        with Progress(
            *columns, console=Console(file=stream), transient=True,
            redirect_stdout=False, redirect_stderr=False,
        ) as bars:
            yield Bars(bars)


@contextlib.contextmanager
def quiet_progress(asks_a_person: bool = False) -> Iterator[RunProgress]:  # noqa: ARG001
    """Nothing is shown."""
    yield Quiet()


@contextlib.contextmanager
def _own_stderr() -> Iterator[TextIO]:
    """A second way to stderr: runners of suites put files of their own in place of the first."""
    try:
        stream = os.fdopen(os.dup(2), "w", encoding="utf-8", errors="replace")
    except OSError:                        # there is no file 2, as in some services
        yield sys.stderr
        return
    try:
        yield stream
    finally:
        with contextlib.suppress(OSError):
            stream.close()
