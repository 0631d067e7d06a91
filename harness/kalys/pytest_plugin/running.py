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
from kalys.procedures.session import ProcedureResult, Session
from kalys.requirements.observation import Outcome, Verdict
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
    _skip_what_the_plan_omits(session, procedure, requirement)
    result = run_procedure(procedure)
    verdict = session.verdicts((requirement,))[0]
    _tell_allure(config, session, procedure, verdict)
    if verdict.verdict is Outcome.FAIL:
        pytest.fail(_told(verdict), pytrace=False)
    if verdict.verdict in (Outcome.NOT_TESTED, Outcome.NOT_APPLICABLE):
        pytest.skip(f"{requirement} {verdict.verdict.value}: {verdict.reason}")
    if verdict.verdict is Outcome.PASS:
        return
    waiting = _still_to_run(session, requirement)
    if verdict.verdict is Outcome.INCONCLUSIVE and waiting and result.error is None:
        pytest.skip(f"{requirement} is decided when this has run too: {', '.join(waiting)}")
    raise UnsettledError(_told(verdict))


def _skip_what_the_plan_omits(session: Session, procedure: str, requirement: str) -> None:
    __tracebackhide__ = True
    if requirement not in session.plan.requirements:
        why = session.plan.not_tested.get(requirement, "the plan does not include it")
        pytest.skip(f"{requirement}: {why}")
    omitted = session.plan.omitted(session.clock.base)
    if procedure in omitted:
        pytest.skip(f"{procedure}: {omitted[procedure]}")


def _still_to_run(session: Session, requirement: str) -> list[str]:
    """Procedures of the requirement that the plan wants and that have not run yet."""
    omitted = session.plan.omitted(session.clock.base)
    return [
        name
        for name in session.catalogue[requirement].procedures
        if name not in session.finished and name not in omitted
    ]


def _told(verdict: Verdict) -> str:
    lines = [f"{verdict.requirement} {verdict.verdict.value}: {verdict.reason}"]
    lines += [f"limit: {verdict.limit}", f"rule: {verdict.rule}"]
    lines += [f"- {note}" for note in verdict.failures]
    return "\n".join(line for line in lines if not line.endswith(": "))


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
    tell.description(_told(verdict))
    allure.attach(
        "\n".join([_told(verdict), *verdict.deviations]),
        name=f"verdict on {verdict.requirement}",
        attachment_type=allure.attachment_type.TEXT,
    )
