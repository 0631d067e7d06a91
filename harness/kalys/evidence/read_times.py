"""How long a counting core took for each sheet: a file beside the journal.

Wall time differs from run to run, and the journal of one seed does not; so these figures, which are
information and decide nothing, have a file of their own: one number of seconds a line.
"""

from __future__ import annotations

import math
from pathlib import Path

READ_TIMES = "read_times.txt"


def read_times(evidence: Path) -> list[float]:
    """The seconds in the file of an evidence folder; what is no time is left out."""
    path = evidence / READ_TIMES
    if path.is_symlink() or not path.is_file():
        return []
    times = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            value = float(line)
        except ValueError:
            continue
        if math.isfinite(value) and value >= 0:
            times.append(value)
    return times
