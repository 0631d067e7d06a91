"""What a benchmark returns."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Figure:
    """A median with its goal; ``ratio`` and ``beside`` compare it with the same run's reference."""

    value: float
    unit: str
    goal: float
    ratio: float | None = None
    beside: dict[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        told = {key: value for key, value in asdict(self).items() if value not in (None, {})}
        return {key: float(f"{v:.4g}") if isinstance(v, float) else v for key, v in told.items()}

    @property
    def met(self) -> bool:
        judged = self.ratio if self.unit == "ratio" and self.ratio is not None else self.value
        return judged <= self.goal


def microseconds(action: Callable[[], object], times: int) -> float:
    """Median time of ``action`` in microseconds, after a warm-up of a tenth of ``times``."""
    for _ in range(max(1, times // 10)):
        action()
    taken = []
    for _ in range(times):
        begin = time.perf_counter_ns()
        action()
        taken.append(time.perf_counter_ns() - begin)
    return statistics.median(taken) / 1000
