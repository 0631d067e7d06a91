"""Running the two suites in this process, over one session.

Each suite is run by its own runner, so that what ``kalys certify`` runs is what ``pytest`` and
``robot`` run. Their output goes to files of the run folder; the terminal belongs to the progress.
"""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kalys.resources import resource

if TYPE_CHECKING:
    from kalys.certification.watched import WatchedSession

_ROBOT_WAS_STOPPED = 253


def run_suites(
    session: WatchedSession, *, allure: Path, robot: Path, log: Path,
    take_signals: Callable[[], None],
) -> None:
    """Run both suites, then the procedures of the plan that neither of them ran.

    ``allure`` and ``robot`` are folders for results; ``log`` is a text file for what the runners
    print. ``take_signals`` puts the run's signal handlers in place where a runner has put its own.
    KeyboardInterrupt passes, and so does what the session says has ended the run: a runner would
    only fail one test of it and begin the next.
    """
    with log.open("a", encoding="utf-8") as file, _printing_to(file):
        _run_pytest(session, allure)
        session.go_on()
        # Robot's suites tell the story of an urn and its day; a counting core has none.
        if session.bench.dut_role == "urn":
            _run_robot(session, robot, allure, take_signals)
            session.go_on()
    for name in remaining(session):
        session.run(name)


def remaining(session: WatchedSession) -> list[str]:
    """The procedures of the plan that have not been run in this session."""
    planned = session.plan.selected(session.catalogue, session.clock.base)
    return [name for name in planned if name not in session.finished]


def _run_pytest(session: WatchedSession, allure: Path) -> None:
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
        session.go_on()
        raise KeyboardInterrupt


def _run_robot(
    session: WatchedSession, output: Path, allure: Path, take_signals: Callable[[], None]
) -> None:
    from robot.run import run

    from kalys.robot.handover import SessionHandover

    class OurSignals:
        """Robot's own handlers would end a keyword with an error, as if it had failed."""

        ROBOT_LISTENER_API_VERSION = 3

        def start_suite(self, data: Any, result: Any) -> None:  # noqa: ARG002
            take_signals()

    code = run(
        str(resource("test_suites", "robot")), outputdir=str(output), console="quiet",
        listener=[OurSignals(), SessionHandover(session), f"allure_robotframework:{allure}"],
        prerunmodifier=[_wanted_by(session)], runemptysuite=True,
        stdout=sys.stdout, stderr=sys.stderr,
    )
    if code == _ROBOT_WAS_STOPPED:
        session.go_on()
        raise KeyboardInterrupt


def _wanted_by(session: WatchedSession) -> Any:
    """What takes those suites away in which every requirement is one that the plan leaves out.

    Requirements are the tags of tests, in small letters.
    """
    from robot.api import SuiteVisitor

    known = {r.id.lower() for r in session.catalogue}
    planned = {name.lower() for name in session.plan.requirements}

    class Wanted(SuiteVisitor):  # type: ignore[misc]
        def end_suite(self, suite: Any) -> None:
            tags = {str(tag) for test in suite.tests for tag in test.tags} & known
            if tags and not tags & planned:
                suite.tests.clear()
            suite.suites = [s for s in suite.suites if s.tests or s.suites]

    return Wanted()


@contextlib.contextmanager
def _printing_to(file: io.TextIOBase) -> Iterator[None]:
    with contextlib.redirect_stdout(file), contextlib.redirect_stderr(file):
        yield
