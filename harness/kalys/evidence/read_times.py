"""How long a counting core took for each sheet: a file beside the journal.

Wall time differs from run to run, and the journal of one seed does not; so these figures, which are
information and decide nothing, have a file of their own. A line holds a time in seconds, to three
digits, and how many reads took so long: as small for ten million positions as for a thousand.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

READ_TIMES = "read_times.txt"
_MOST_TOLD = 2000


class ReadTimes:
    """Times of many reads, to three digits; summaries of parts add up to that of the whole."""

    def __init__(self, seconds: Iterable[float] = ()) -> None:
        self.counts: Counter[float] = Counter()
        for value in seconds:
            self.add(value)

    def add(self, seconds: float, times: int = 1) -> None:
        self.counts[float(f"{seconds:.3g}")] += times

    def append_to(self, evidence: Path) -> None:
        """Add them to the file of an evidence folder."""
        with (evidence / READ_TIMES).open("a", encoding="utf-8") as file:
            file.writelines(f"{value:g} {count}\n" for value, count in sorted(self.counts.items()))

    def spread(self, most: int = _MOST_TOLD) -> list[float]:
        """The times in rising order; of more than ``most``, as many that lie evenly among them, the
        longest included."""
        total = self.counts.total()
        wanted = min(total, most)
        spread: list[float] = []
        passed = 0
        for value, count in sorted(self.counts.items()):
            passed += count
            # The i-th of them stands for the reads from i / wanted of all on.
            spread += [value] * (-(-passed * wanted // total) - len(spread))
        return [*spread[:-1], max(self.counts)] if spread else []


def read_times(evidence: Path) -> list[float]:
    """The seconds in the file of an evidence folder, or an even selection of them in rising order;
    what is no time is left out."""
    path = evidence / READ_TIMES
    if path.is_symlink() or not path.is_file():
        return []
    times = ReadTimes()
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        value, _, count = line.partition(" ")
        try:
            seconds, often = float(value), int(count or 1)
        except ValueError:
            continue
        if math.isfinite(seconds) and seconds >= 0 and 0 < often < 10**12:
            times.add(seconds, often)
    return times.spread()
