"""What the fixtures of the pytest front do: open a session by the options, settle one requirement.

Imported only when a test asks for it, so that it may import the whole harness.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kalys.bench.bench import open_bench
from kalys.bench.operator import TerminalOperator
from kalys.errors import KalysError
from kalys.procedures import settling
from kalys.procedures.session import ProcedureResult, Session
from kalys.requirements.observation import Verdict
from kalys.requirements.plan import Plan

JOURNAL = "journal.jsonl"


class UnsettledError(Exception):
    """The requirement could not be decided: neither passed nor failed (Allure: broken)."""


@contextlib.contextmanager
def session_from_options(config: pytest.Config, folder: Path) -> Iterator[Session]:
    """A session on the bench and with the plan of pytest's options; its journal lies in ``folder``.

    What the user got wrong ends the run with a message and exit code 4 (wrong use of pytest).
    """
    seed = config.getoption("--seed")
    try:
        plan = Plan.load(config.getoption("--plan"))
        bench = open_bench(
            config.getoption("--bench"),
            clock_base=config.getoption("--time"),
            seed=seed,
            journal=folder / JOURNAL,
            defects=config.getoption("--defect"),
            operator=TerminalOperator,
        )
    except KalysError as error:
        pytest.exit(str(error), returncode=pytest.ExitCode.USAGE_ERROR)
    with bench:
        yield Session(bench, plan, bench.journal, seed)


def settle(
    config: pytest.Config,
    session: Session,
    run_procedure: Callable[[str], ProcedureResult],
    procedure: str,
    requirement: str,
) -> None:
    """Run the procedure unless it has run, and end the test as the verdict says.

    FAIL fails the test; BLOCKED and INCONCLUSIVE raise UnsettledError, because too little data is
    never a pass; what the plan leaves out, and what another procedure still has to show, is
    skipped.
    """
    __tracebackhide__ = True
    why = settling.left_out(session, procedure, requirement)
    if why:
        pytest.skip(why)
    run_procedure(procedure)
    settled = settling.settle(session, requirement)
    if settled.verdict is not None:
        _tell_allure(config, session, procedure, settled.verdict)
    if settled.ending == "skipped":
        pytest.skip(settled.message)
    if settled.ending == "failed":
        pytest.fail(settled.message, pytrace=False)
    if settled.ending == "unsettled":
        raise UnsettledError(settled.message)


def _tell_allure(
    config: pytest.Config, session: Session, procedure: str, verdict: Verdict
) -> None:
    """Labels and parameters, so that results of two units never mask one another in a history."""
    if not config.getoption("--alluredir", default=None):
        return
    import allure

    tell: Any = allure.dynamic
    requirement = session.catalogue[verdict.requirement]
    tell.parameter("requirement", verdict.requirement)
    tell.parameter("DUT", session.identity.serial)
    tell.parameter(
        "condition", f"plan {session.plan.plan}, {session.clock.base} time, seed {session.seed}"
    )
    tell.label("requirement", verdict.requirement)
    tell.epic(session.identity.model)
    tell.feature(requirement.group)
    tell.story(f"{verdict.requirement} {requirement.statement}")
    tell.label("procedure", procedure)
    tell.description(settling.told(verdict))
    allure.attach(
        "\n".join([settling.told(verdict), *verdict.deviations]),
        name=f"verdict on {verdict.requirement}",
        attachment_type=allure.attachment_type.TEXT,
    )
