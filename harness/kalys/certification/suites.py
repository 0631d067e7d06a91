"""Running the two suites in this process, over one session.

Each suite is run by its own runner, so that what ``kalys certify`` runs is what ``pytest`` and
``robot`` run. Their output goes to files of the run folder; the terminal belongs to the progress.
"""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from kalys.resources import resource

if TYPE_CHECKING:
    from kalys.procedures.session import Session


def run_suites(session: Session, *, allure: Path, robot: Path, log: Path) -> None:
    """Run both suites, then the procedures of the plan that neither of them ran.

    ``allure`` and ``robot`` are folders for results; ``log`` is a text file for what the runners
    print. KeyboardInterrupt passes.
    """
    with log.open("a", encoding="utf-8") as file, _printing_to(file):
        _run_pytest(session, allure)
        _run_robot(session, robot, allure)
    for name in remaining(session):
        session.run(name)


def remaining(session: Session) -> list[str]:
    """The procedures of the plan that have not been run in this session."""
    planned = session.plan.selected(session.catalogue, session.clock.base)
    return [name for name in planned if name not in session.finished]


def _run_pytest(session: Session, allure: Path) -> None:
    import pytest

    from kalys.pytest_plugin.plugin import SessionHandover

    code = pytest.main(
        [
            str(resource("test_suites", "pytest")), "-q", "-p", "no:cacheprovider",
            "-p", "no:warnings", f"--alluredir={allure}",
        ],
        plugins=[SessionHandover(session)],
    )
    if code == pytest.ExitCode.INTERRUPTED:
        raise KeyboardInterrupt


def _run_robot(session: Session, output: Path, allure: Path) -> None:
    from robot.run import run

    from kalys.robot.handover import SessionHandover

    run(
        str(resource("test_suites", "robot")), outputdir=str(output), console="quiet",
        listener=[SessionHandover(session), f"allure_robotframework:{allure}"],
        stdout=sys.stdout, stderr=sys.stderr,
    )


@contextlib.contextmanager
def _printing_to(file: io.TextIOBase) -> Iterator[None]:
    with contextlib.redirect_stdout(file), contextlib.redirect_stderr(file):
        yield
