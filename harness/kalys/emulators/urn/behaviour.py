"""How a healthy urn behaves where a faulty one might not: the hooks that defects change.

Every method states one promise of the healthy urn in its simplest form. A defect
(``kalys.emulators.defects``) is a subclass that breaks one of them; nothing else in the emulator
knows that defects exist.
"""

# ruff: noqa: ARG002  (a healthy urn does not look at what a faulty one may go by)
from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING, Any

from kalys.election.definition import Contest
from kalys.election.rules import Judgement, judge_sheet
from kalys.emulators.urn import states
from kalys.emulators.urn.states import Cause
from kalys.protocols.urn.messages import Event, Garbage, Op, UrnState
from kalys.protocols.urn.permissions import CRITICAL, RULES, Rule

if TYPE_CHECKING:
    from kalys.ballots.layout import Layout
    from kalys.ballots.stock import SecurityMark, Stock
    from kalys.counting.reader import Reader, SheetReading, Thresholds
    from kalys.election.tally import Tally
    from kalys.emulators.paper import Image
    from kalys.emulators.urn.book import Book
    from kalys.emulators.urn.event_log import Entry, EventLog
    from kalys.emulators.urn.storage import Frame
    from kalys.emulators.urn.vote_record import Record
    from kalys.protocols.urn.report import Report

Marks = Mapping[str, tuple[str, ...]]


class Behaviour:
    """The healthy urn. ``parameters[defect][name]`` are the numbers of the defects built in."""

    def __init__(self, parameters: Mapping[str, Mapping[str, float]] | None = None) -> None:
        self.parameters = parameters or {}
        self.chance = Random(0)         # the world puts one in its place that its seed has made

    def noticed(self, event: Event) -> None:
        """Whatever happens, a healthy urn behaves the same afterwards."""

    # Reading and judging a sheet

    def thresholds(self, configured: Thresholds) -> Thresholds:
        """The thresholds in use are those that are reported."""
        return configured

    def read(self, reader: Reader, image: Image, layout: Layout) -> SheetReading:
        """A sheet is read as the reader reads it."""
        return reader.read(image)

    def judge(
        self, contests: Sequence[Contest], marks: Marks, counted_before: int
    ) -> tuple[Marks, Judgement]:
        """What is recorded and counted: all marks, judged by the country's rule.

        ``counted_before`` is the number of sheets that the urn has counted in its life.
        """
        return marks, judge_sheet(contests, marks)

    def times_counted(self) -> int:
        """A sheet that has fallen is recorded and counted once."""
        return 1

    def handed_out(self, records: Sequence[Record], index: int) -> Record:
        """A record is handed out as it was stored."""
        return records[index]

    def exported_records(self, report: dict[str, Any]) -> dict[str, Any]:
        """The exported cast vote records (NIST SP 1500-103) are those that were stored."""
        return report

    def totals(self, counters: Tally) -> Tally:
        """The totals that are handed out and printed are the counters."""
        return counters

    def integrity_findings(self, findings: list[str]) -> list[str]:
        """Whatever the integrity monitor finds is acted upon."""
        return findings

    def told_parameters(
        self, in_force: Mapping[str, float], of_works: Mapping[str, float]
    ) -> Mapping[str, float]:
        """All parameters are told, as they are in force; ``of_works`` is how the urn left them."""
        return in_force

    # Paper and power

    def transport_mm_s(self, configured: float) -> float:
        """The transport runs at its promised speed."""
        return configured

    def feed_gap_s(self, configured: float) -> float:
        """The path rests no longer between two sheets than it was built for."""
        return configured

    def minds_ballot_range(self) -> bool:
        """A definition whose ballot is too long, or has too many options, is refused."""
        return True

    def minds_length(self) -> bool:
        """A sheet that is too long is given back, whatever is printed on it."""
        return True

    def double_thickness(self, configured: float) -> float:
        """More than so many sheets of the usual paper are taken for two."""
        return configured

    def misfeeds(self, stock: Stock, chance: float) -> float:
        """Paper in the declared range is fed without trouble: its ``chance`` of a misfeed is 0."""
        return chance

    def genuine(self, mark: SecurityMark, answer: tuple[float, float]) -> bool:
        """A sheet is genuine when its security mark answers, all of it, and nothing beside it."""
        return mark.genuine(answer)

    def minds_double_feed(self) -> bool:
        """Two sheets at once are noticed and given back."""
        return True

    def counts_pulled_back(self) -> bool:
        """A sheet that was pulled back is not counted."""
        return False

    def commit_after_fall_s(self) -> float | None:
        """None: a record is committed before its sheet falls. Else: so many seconds after."""
        return None

    def counts_removed(self) -> bool:
        """A committed sheet that is taken out after a jam is not counted: it never fell."""
        return False

    def notice(self, truth: str) -> str:
        """The voter is shown what happened ("accepted", "returned", "wait")."""
        return truth

    def shows_busy(self) -> bool:
        """As soon as a sheet has come, the display says that it is being looked at."""
        return True

    def pictured(self, word: str) -> str:
        """The display shows what the urn reports to its host that it shows."""
        return word

    def picture_s(self, configured: float, word: str) -> float:
        """A picture stands on the display after so many seconds, whatever it says."""
        return configured

    def alarm_sounds(self, audible: bool) -> bool:
        """An alarm that is to be heard is heard."""
        return audible

    def checks_memory(self) -> bool:
        """What is read from memory is taken only if it is whole."""
        return True

    def mirrors_memory(self) -> bool:
        """Everything is written to both memories."""
        return True

    def settings_in_force(self, generations: Sequence[int]) -> int:
        """Of the settings that are whole the newest count."""
        return max(generations)

    def brings_counters_up_to_date(self) -> bool:
        """Counters that are read back get the records that came after them."""
        return True

    def transaction_is_done(self, recorded: bool) -> bool:
        """A transaction whose record is in its book was counted, and is not counted again."""
        return recorded

    def log_at_start(self, frames: Sequence[Frame], *, orderly: bool) -> Sequence[Frame]:
        """Every entry of the log that was written is there after a start."""
        return frames

    def validates_at_start(self) -> bool:
        """Votes, counters and log are validated at every start."""
        return True

    def alerts_of_cover(self) -> bool:
        """A cover that is opened while votes are cast raises an alarm."""
        return True

    def alerts_of_components(self) -> bool:
        """What is plugged in or pulled out while votes are cast raises an alarm."""
        return True

    def closes_unplugged_port(self) -> bool:
        """A link that was unplugged does nothing until somebody of the staff has logged in."""
        return True

    def logs_out_unplugged(self) -> bool:
        """A link that was unplugged loses its log-in."""
        return True

    def validates_log(self) -> bool:
        """The log is validated at every start as the votes are."""
        return True

    def tells_memory_failure(self) -> bool:
        """A memory that fails raises an alarm."""
        return True

    def battery_minutes(self, configured: float) -> float:
        """The battery has the charge that it was built with."""
        return configured

    def warns_of_capacity(self) -> bool:
        """The operator is warned before the box is full."""
        return True

    # States

    def rule(self, op: Op, kind: str) -> Rule | None:
        """Who may do what, when: the published table."""
        return RULES.get((op, kind))

    def transition(self, state: UrnState, cause: Cause) -> UrnState | None:
        """Where a cause leads: the published table. KeyError when it cannot happen."""
        return states.TRANSITIONS[state, cause]

    def may_open(self, state: UrnState, within_hours: bool) -> bool:
        """The polls open within their hours only."""
        return within_hours

    def minds_opening_conditions(self, state: UrnState) -> bool:
        """Opening asks for counters at zero and a zero report."""
        return True

    def left_over(self, tests: Book) -> Mapping[tuple[str, str], int]:
        """What opening the polls leaves in the counters: nothing."""
        return {}

    def event_counter_after_reset(self, event_counter: int) -> int:
        """The event counter cannot be reset."""
        return event_counter

    # Log-in and what comes over the link

    def asks_for_key(self, op: Op, kind: str) -> bool:
        """A critical operation is not done without the key in its switch, whoever is logged in."""
        return (op, kind) in CRITICAL

    def attempts_before_lock(self, configured: int) -> int:
        """So many wrong log-ins in a row lock a role."""
        return configured

    def keeps_locks(self) -> bool:
        """A lock outlives a restart."""
        return True

    def inactivity_s(self, told: float) -> float:
        """A log-in that is left alone is alerted after the time that is told; 0: never."""
        return told

    def alerts_of_inactivity(self) -> bool:
        """Before a log-in that is left alone ends there is an alert."""
        return True

    def alert_s(self, told: float) -> float:
        """Between the alert and the end of a log-in lies the time that is told."""
        return told

    def ends_inactive_log_in(self) -> bool:
        """A log-in that is left alone in spite of an alert ends."""
        return True

    def nonce(self, fresh: bytes) -> bytes:
        """No challenge is given twice."""
        return fresh

    def spends_nonce(self) -> bool:
        """A challenge is good for one log-in."""
        return True

    def logs_refusal(self, op: Op) -> bool:
        """What is refused is logged."""
        return True

    def survives(self, garbage: Garbage) -> bool:
        """A message that cannot be understood stops nothing."""
        return True

    def counts(self, garbage: Garbage) -> bool:
        """A message that cannot be understood counts nothing."""
        return False

    # Clock and log

    def drift_ppm(self, configured: float) -> float:
        """The clock is as good as its quartz."""
        return configured

    def clock_ms(self, counted_ms: int, since_ms: int, offset_min: int) -> int:
        """The clock tells what it has counted since it was set to ``since_ms`` (ms of UTC)."""
        return counted_ms

    def logs(self, kind: str) -> bool:
        """Events of every kind are logged."""
        return True

    def log_stamp(self, stamp: str) -> str:
        """A log entry carries date, time and zone."""
        return stamp

    def log_user(self, user: str) -> str:
        """A log entry names who is logged in."""
        return user

    def stores_log_entry(self, sequence: int) -> bool:
        """Every log entry is stored."""
        return True

    def cast_text(self, record: Record) -> str:
        """A cast is logged without anything that is on the sheet."""
        return "sheet counted"

    def log_breaks(self, log: EventLog) -> list[int]:
        """The self-test looks at the log as it is stored."""
        return log.breaks()

    def log_for_reading(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        """The log is handed out as it was stored, chain and all."""
        return entries

    def exported_log(self, report: dict[str, Any]) -> dict[str, Any]:
        """The exported election event log (NIST SP 1500-101) is the log, entry for entry."""
        return report

    # Reports

    def exported_file(self, data: bytes) -> bytes:
        """A file is handed out whole, whatever became of the export before."""
        return data

    def report_delay_s(self, kind: str) -> float:
        """The printer begins at once."""
        return 0.0

    def printed(self, report: Report) -> Report:
        """A report says what is in memory."""
        return report

    def printed_lines(self, kind: str, lines: list[str]) -> list[str]:
        """The paper carries every line of the report, whole."""
        return lines

    def station_imports(
        self, imports: Mapping[str, Mapping[str, Any]]
    ) -> Sequence[Mapping[str, Any]]:
        """The station's report adds the results of every other urn once."""
        return tuple(imports.values())

    def report_stamp(self, stamp: str) -> str:
        """Every report carries date and time."""
        return stamp
