"""Single steps at an urn, as keywords: what an auditor who stands beside it would do and look for.

The steps are those of the procedures (``kalys.procedures.preparation``), one at a time. The last
report that was printed is kept; the keywords that begin with "The Report" look at it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import ExitStack
from itertools import islice

from robot.api import Failure, logger
from robot.api.deco import keyword

from kalys.ballots.sheet import Sheet
from kalys.errors import KalysError, Refused
from kalys.procedures import printed
from kalys.procedures.comparison import expected_tally, tally_of_records, tally_of_results
from kalys.procedures.control_sheets import control_sheets
from kalys.procedures.deck_run import settle
from kalys.procedures.feeding import feed
from kalys.procedures.preparation import Prepared, close_polls, open_polls, prepared_urn
from kalys.procedures.session import Session
from kalys.procedures.totals import attempts, told
from kalys.protocols.urn.messages import ReportKind, Role


class Walk(ABC):
    """The steps. ``session`` comes from the library."""

    def __init__(self) -> None:
        self._stay = ExitStack()
        self._prepared: Prepared | None = None
        self._report: printed.Printed | None = None
        self._cast: list[Sheet] = []

    @property
    @abstractmethod
    def session(self) -> Session:
        """The session at whose bench the auditor stands."""

    # Before the polls open ------------------------------------------------------------------------

    @keyword(tags=("step",))
    def prepare_the_urn(self, style: str = "KG-PL") -> None:
        """Brings the urn to the morning of election day: an empty box, the election loaded.

        ``style`` is the ballot that it counts. `Leave The Urn As It Was` belongs into the teardown.
        """
        self._leave()
        self._prepared = self._stay.enter_context(
            prepared_urn(self.session, style=style, opened=False)
        )

    @keyword(tags=("step",))
    def leave_the_urn_as_it_was(self) -> None:
        """Ends the election on the urn and sets its clock right, whatever has happened."""
        self._leave()

    @keyword(tags=("step",))
    def open_the_polls(self) -> None:
        """The operator opens the polls, a few seconds past the hour by the urn's clock."""
        open_polls(self._urn())

    @keyword(tags=("step",))
    def cast_ballots(self, number: int) -> None:
        """Casts so many plain, valid ballots; fails with the first that the urn does not count."""
        prepared = self._urn()
        for sheet in islice(control_sheets(self.session, prepared, "robot"), number):
            fed = feed(self.session, prepared, sheet)
            if not fed.counted:
                raise Failure(f"ballot {sheet.id} was {fed.describe()}")
            self._cast.append(sheet)
        settle(self.session, prepared)

    @keyword(tags=("step",))
    def close_the_polls(self) -> None:
        """The operator closes the polls, a few seconds past the hour by the urn's clock."""
        close_polls(self._urn())

    # While they are open --------------------------------------------------------------------------

    @keyword(tags=("step",))
    def totals_should_be_refused(self) -> None:
        """The operator asks for totals by every command that gives them; each must be refused."""
        prepared = self._urn()
        prepared.urn.login(Role.OPERATOR)
        for what, leaked in attempts(prepared):
            if leaked:
                raise Failure(f"{what}: {leaked}")

    # Reports --------------------------------------------------------------------------------------

    @keyword(tags=("step",))
    def print_the_zero_report(self) -> None:
        """The operator prints the zero report; the keywords about the report look at it."""
        self._print(ReportKind.ZERO)

    @keyword(tags=("step",))
    def print_the_status_report(self) -> None:
        """The operator prints the report of ballot counts."""
        self._print(ReportKind.STATUS)

    @keyword(tags=("step",))
    def print_the_results_report(self) -> None:
        """The operator prints the results."""
        self._print(ReportKind.RESULTS)

    @keyword(tags=("step",))
    def the_report_should_carry_date_and_time(self) -> None:
        """Date and time to the second, with the zone, by ISO 8601."""
        report = self._last()
        if report.moment is None:
            raise Failure(f"the {report.kind} report has no date and time to the second with zone")
        logger.info(report.moment.isoformat())

    @keyword(tags=("step",))
    def the_report_should_name_election_station_and_device(self) -> None:
        """The report is of this election, of a station, and of the device under test."""
        report = self._last()
        missing = [n for n in ("election", "station", "device", "serial") if n in report.missing]
        if missing:
            raise Failure(f"the {report.kind} report does not name: {', '.join(missing)}")
        serial = self._urn().urn.identity().serial
        if report.found["serial"] != serial:
            raise Failure(f"the report names the device {report.found['serial']}, it is {serial}")

    @keyword(tags=("step",))
    def the_report_should_name_the_software(self) -> None:
        """The identifier of the legally relevant software is the one the urn identifies with."""
        report, expected = self._last(), self._urn().urn.identity().legal_software_id
        if report.software != expected:
            raise Failure(f"the report names {report.software or 'none'}, the urn {expected}")

    @keyword(tags=("step",))
    def the_report_should_show_no_votes(self) -> None:
        """The report may count ballots, and must not give any option's votes."""
        leaked = self._last().vote_registers()
        if leaked:
            raise Failure(f"the {self._last().kind} report shows {', '.join(leaked[:5])}")

    @keyword(tags=("step",))
    def every_register_should_be_zero(self) -> None:
        """Every option of the ballot is on the paper, and it and every other number is zero."""
        prepared, report = self._urn(), self._last()
        wrong = report.registers_not_zero()
        if wrong:
            raise Failure(f"not zero: {', '.join(wrong[:5])}")
        for contest in self.session.definition.style_contests(prepared.style):
            there = report.found["votes"].get(contest.id, {})
            missing = [option for option in contest.option_ids if option not in there]
            if missing:
                raise Failure(f"no register of {contest.id}/{missing[0]}")

    @keyword(tags=("step",))
    def paper_link_and_records_should_agree_with_the_ballots(self) -> None:
        """Printed totals, totals over the link and the sum of the records are the ballots cast."""
        prepared, report = self._urn(), self._last()
        contests = self.session.definition.style_contests(prepared.style)
        truth = expected_tally(contests, self._cast)
        for name, tally in (
            ("printed report", report.tally),
            ("totals over the link", tally_of_results(prepared.urn.results())),
            ("sum of the records", tally_of_records(contests, prepared.urn.records())),
        ):
            if tally is None:
                raise Failure(f"the {name} has no totals")
            differences = truth.difference(tally)
            if differences:
                raise Failure(f"ballots cast against {name}: {told(differences)}")

    # ----------------------------------------------------------------------------------------------

    def _print(self, kind: ReportKind) -> None:
        prepared = self._urn()
        prepared.urn.login(Role.OPERATOR)
        try:
            self._report = printed.take(prepared, kind)
        except Refused as refused:
            raise Failure(f"the {kind} report was refused: {refused.code}") from None
        logger.info("\n".join(self._report.lines))

    def _urn(self) -> Prepared:
        if self._prepared is None:
            raise Failure("the urn is not prepared; Prepare The Urn comes first")
        return self._prepared

    def _last(self) -> printed.Printed:
        if self._report is None:
            raise Failure("no report has been printed yet")
        return self._report

    def _leave(self) -> None:
        self._prepared, self._report, self._cast = None, None, []
        try:
            self._stay.close()
        except KalysError as error:
            raise Failure(str(error)) from None
