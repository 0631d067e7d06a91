"""The library of the Robot front. See ``KalysLibrary``."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from robot.api import ContinuableFailure, Failure, SkipExecution, logger
from robot.api.deco import keyword, library
from robot.libraries.BuiltIn import BuiltIn, RobotNotRunningError

from kalys import __version__
from kalys.bench.bench import open_bench
from kalys.bench.operator import TerminalOperator
from kalys.errors import KalysError
from kalys.procedures import settling
from kalys.procedures.session import ProcedureResult, Session
from kalys.requirements.plan import load_plan
from kalys.robot import allure_result
from kalys.robot.day_words import DayWords
from kalys.robot.handover import VARIABLE
from kalys.robot.walk import Walk

EVIDENCE = "kalys-evidence"


@library(scope="GLOBAL", version=__version__, auto_keywords=False)
class KalysLibrary(DayWords, Walk):
    """Certifies vote-counting equipment in an auditor's words.

    = Importing =

    | Library | kalys.robot.KalysLibrary | bench=${BENCH} | plan=${PLAN} | seed=${SEED} |

    ``bench`` is a bench file or the name of a shipped one, ``plan`` a plan likewise, ``seed``
    decides every random choice. ``defects`` are built into an emulated urn (see ``kalys
    sensitivity``). Under ``kalys certify`` the library uses the session that is open already, and
    these are ignored.

    = Two kinds of keywords =

    *Procedures* measure: `Run The Procedure`, `Run The Election Day`. What they observe goes to the
    journal, and `Requirement ... Should Be Met` ends the test as the verdict says: PASS passes,
    FAIL fails with the requirement, the measured value and the limit; what the plan leaves out or
    another procedure still has to show is skipped; too little data is never a pass.

    *Steps* let an auditor look for himself, one action at a time: `Prepare The Urn`,
    `Print The Zero Report`, `Every Register Should Be Zero`, `Leave The Urn As It Was`. They judge
    no requirement; a failed step fails its test.

    = A day of one's own =

    `A Day`, `A Station`, `Voters`, `At`, `After`, `Every`, `Fault` and `Expect` write the script of
    an election day, in the words of its language (docs/election_days.md); `Play The Day` plays it.
    """

    ROBOT_LISTENER_API_VERSION = 3

    def __init__(
        self,
        bench: str = "emulated-station",
        plan: str = "quick",
        seed: int = 1,
        defects: str = "",
    ) -> None:
        """``defects`` are names separated by commas."""
        super().__init__()
        self.ROBOT_LIBRARY_LISTENER = self
        self._options = (bench, plan, int(seed))
        self._defects = tuple(name.strip() for name in defects.split(",") if name.strip())
        self._session: Session | None = None
        self._own = ExitStack()
        self._results: dict[str, ProcedureResult] = {}

    # The bench ------------------------------------------------------------------------------------

    @keyword
    def open_the_bench(self) -> None:
        """Opens the bench, unless ``kalys certify`` has opened it already.

        Every keyword does so when it is needed; a suite that wants to fail early calls this in its
        setup. Fails when a device cannot be reached, and says which and what to do.
        """
        session = self.session
        identity = session.identity
        logger.info(f"{identity.maker} {identity.model}, serial number {identity.serial}")

    @keyword
    def the_device_should_identify_itself(self) -> None:
        """The urn names maker, model, serial number, firmware with its hash, and software.

        Fails with the first that is empty.
        """
        identity = self.session.urn.identity()
        for name, value in asdict(identity).items():
            if not value:
                raise Failure(f"the urn does not say its {name.replace('_', ' ')}")
        logger.info(str(identity))

    @property
    def session(self) -> Session:
        """The session of ``kalys certify``, or one of our own."""
        if self._session is None:
            given = _given_session()
            self._session = given if given is not None else self._open()
        return self._session

    def _open(self) -> Session:
        name, plan_name, seed = self._options
        try:
            plan = load_plan(plan_name)
            bench = self._own.enter_context(
                open_bench(
                    name, seed=seed, journal=_journal_path(), defects=self._defects,
                    operator=TerminalOperator,
                )
            )
        except KalysError as error:
            raise Failure(str(error)) from None
        return Session(bench, plan, bench.journal, seed)

    # Procedures -----------------------------------------------------------------------------------

    @keyword(tags=("procedure",))
    def run_the_procedure(self, procedure: str) -> None:
        """Runs a procedure with the plan's parameters, once in a run.

        Skips the test when the plan leaves the procedure out in this time base, and fails when the
        procedure could not be carried through.

        Example:
        | Run The Procedure | report.zero |
        | Requirement REP-002 Should Be Met |
        """
        session = self.session
        why = settling.left_out(session, procedure)
        if why:
            raise SkipExecution(why)
        self._label(procedure)
        if procedure not in self._results:
            try:
                self._results[procedure] = session.run(procedure)
            except KalysError as error:
                raise Failure(str(error)) from None
        result = self._results[procedure]
        if result.error is not None:
            raise Failure(f"{procedure} could not be carried through: {result.error}")
        logger.info("\n".join(settling.told(verdict) for verdict in result.verdicts))

    @keyword(tags=("procedure",))
    def run_the_election_day(self, day: str = "kg-2021-ordinary") -> None:
        """Plays a scripted election day from morning to night, once in a run.

        The plan says which day and how many voters; a suite names the day so that its reader knows.
        Skips the test when the plan leaves the day out in this time base.

        Example:
        | Run The Election Day | kg-2021-ordinary |
        """
        session = self.session
        planned = session.plan.parameters("day.ordinary", session.clock.base).get("day", day)
        if planned != day:
            raise Failure(f"the suite tells of the day {day}, the plan asks for {planned}")
        self.run_the_procedure("day.ordinary")

    @keyword("Requirement ${requirement} Should Be Met")
    def requirement_should_be_met(self, requirement: str) -> None:
        """Ends the test as the verdict on the requirement says.

        Fails with the requirement, what was measured, the limit and the decision rule. Other
        requirements of the same test are still looked at.
        """
        settled = settling.settle(self.session, requirement)
        self._label(requirement=requirement)
        if settled.ending == "skipped":
            raise SkipExecution(settled.message)
        if settled.ending != "passed":
            raise ContinuableFailure(settled.message)
        logger.info(settled.message)

    @keyword("The Day Should Keep To ${requirement}")
    def the_day_should_keep_to(self, requirement: str, day: str = "day.ordinary") -> None:
        """Nothing that was seen on the election day may speak against the requirement.

        ``day`` is the procedure that played it.

        A day alone is often too little to decide a requirement (one power cut of 2,995); that is
        the verdict's business. This fails with what was seen to go wrong.
        """
        result = self._results.get(day)
        if result is None:
            raise Failure("the day has not been played; Run The Election Day comes first")
        self._label(requirement=requirement)
        seen = [o for o in result.observations if o.requirement == requirement]
        if not seen:
            raise ContinuableFailure(f"the day showed nothing about {requirement}")
        wrong = [f"{o.condition}: {o.note or 'failed'}" for o in seen if o.failures]
        if wrong:
            limit = self.session.catalogue[requirement].limit_text()
            raise ContinuableFailure("\n".join([f"{requirement} ({limit})", *wrong]))

    @keyword
    def the_whole_plan_should_have_run(self) -> None:
        """Skips the test unless every other procedure of the plan has been run in this session.

        What looks at the run as a whole makes sense at its end only, as under ``kalys certify``.
        """
        session = self.session
        selected = session.plan.selected(session.catalogue, session.clock.base)
        waiting = [
            name
            for name in selected
            if name not in session.finished and not name.startswith("laboratory.")
        ]
        if waiting:
            raise SkipExecution(
                f"{len(waiting)} procedures of the plan {session.plan.plan} were not run here "
                f"({', '.join(waiting[:3])}, ...); kalys certify runs them all"
            )

    # For results of Allure ------------------------------------------------------------------------

    def _label(self, procedure: str = "", requirement: str = "") -> None:
        session = self.session
        labels = {"procedure": procedure}
        if requirement:
            group = session.catalogue[requirement].group
            labels |= {"requirement": requirement, "feature": group}
        allure_result.label(session.identity.serial, labels)

    # As a listener: the end of the library is the end of the bench --------------------------------

    def close(self) -> None:
        """Leave the urn as it was and close the bench, if it is ours."""
        try:
            self._leave()
        finally:
            self._own.close()


def _given_session() -> Session | None:
    try:
        given = BuiltIn().get_variable_value(VARIABLE)
    except RobotNotRunningError:
        return None
    return given if isinstance(given, Session) else None


def _journal_path() -> Path:
    """A new journal below Robot's output folder; an earlier one is never touched."""
    folder = Path(str(BuiltIn().get_variable_value("${OUTPUT_DIR}", "."))) / EVIDENCE
    number = 1
    while (path := folder / f"journal-{number:03d}.jsonl").exists():
        number += 1
    return path
