"""A session on the emulated station in virtual time, with parameters of the test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

from kalys.bench.bench import open_bench
from kalys.evidence.journal import NullJournal
from kalys.procedures.session import Session
from kalys.requirements.plan import Plan


@pytest.fixture
def emulated() -> Callable[..., AbstractContextManager[Session]]:
    """``emulated(*defects, parameters={procedure: {...}}, seed=11)`` opens the bench."""

    @contextmanager
    def opened(
        *defects: str, parameters: Mapping[str, Mapping[str, Any]] | None = None, seed: int = 11
    ) -> Iterator[Session]:
        plan = Plan.load("quick")
        if parameters is not None:
            plan = plan.model_copy(update={"procedures": parameters})
        journal = NullJournal()
        with open_bench(
            "emulated-station", seed=seed, journal=lambda _: journal, defects=defects
        ) as bench:
            yield Session(bench, plan, journal, seed)

    return opened
