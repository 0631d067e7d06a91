"""Kalys as a pytest plugin: options, the session of the run, and procedures as tests.

Loaded in every pytest run of the environment where Kalys is installed, so this module imports
pytest alone; the harness is imported when a test asks for it.

A suite is written with one fixture::

    @pytest.mark.parametrize("requirement", ["MRK-001"])
    def test_a_line_of_1_mm_is_a_vote(requirement, certified):
        certified("mark.line", requirement)

``certified`` runs the procedure (once, however many requirements ask for it) and passes, fails or
skips by the verdict on the requirement. ``kalys certify`` hands over its own session with
``pytest.main([...], plugins=[SessionHandover(session)])``; without one, the options say which bench
and plan to use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from kalys.procedures.session import ProcedureResult, Session

GIVEN = pytest.StashKey["Session"]()


class SessionHandover:
    """Hands a session that is open already over to the suites; who opened it closes it."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def pytest_configure(self, config: pytest.Config) -> None:
        config.stash[GIVEN] = self._session


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("kalys", "certification of vote-counting equipment")
    group.addoption(
        "--bench", metavar="FILE", default="emulated-station",
        help="bench file, or the name of a shipped one (default: %(default)s)",
    )
    group.addoption(
        "--plan", metavar="PLAN", default="quick",
        help="quick, standard, full, or a plan file (default: %(default)s)",
    )
    group.addoption(
        "--seed", metavar="N", type=int, default=1,
        help="seed of every random choice of the run (default: %(default)s)",
    )
    group.addoption(
        "--time", choices=("virtual", "real"), default=None,
        help="time base (default: what the bench file says)",
    )
    group.addoption(
        "--defect", metavar="NAME", action="append", default=[],
        help="a defect that the emulated urn is to have; may be repeated",
    )
    group.addoption(
        "--evidence", metavar="DIR", default=None,
        help="folder for the journal of the run (default: pytest's temporary folder)",
    )


@pytest.fixture(scope="session")
def kalys_session(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Session]:
    """The session of the run: the one given by ``kalys certify``, or one of the options."""
    given = request.config.stash.get(GIVEN, None)
    if given is not None:
        yield given
        return
    from pathlib import Path

    from kalys.pytest_plugin.running import session_from_options

    folder = request.config.getoption("--evidence")
    where = Path(folder) if folder else tmp_path_factory.mktemp("kalys")
    with session_from_options(request.config, where) as session:
        yield session


@pytest.fixture(scope="session")
def run_procedure(kalys_session: Session) -> Callable[[str], ProcedureResult]:
    """``run_procedure(id)`` runs a procedure the first time it is asked for, and then remembers."""

    from kalys.errors import EvidenceError, Interrupted

    def run(procedure: str) -> ProcedureResult:
        try:
            return kalys_session.finished.get(procedure) or kalys_session.run(procedure)
        except Interrupted as stop:
            pytest.exit(str(stop), returncode=pytest.ExitCode.INTERRUPTED)
        except EvidenceError as error:
            pytest.exit(str(error), returncode=pytest.ExitCode.INTERNAL_ERROR)

    return run


@pytest.fixture
def certified(
    request: pytest.FixtureRequest,
    kalys_session: Session,
    run_procedure: Callable[[str], ProcedureResult],
) -> Callable[[str, str], None]:
    """``certified(procedure, requirement)`` passes, fails or skips by the requirement's verdict."""
    from kalys.pytest_plugin.running import settle

    def certify(procedure: str, requirement: str) -> None:
        __tracebackhide__ = True
        settle(request.config, kalys_session, run_procedure, procedure, requirement)

    return certify
