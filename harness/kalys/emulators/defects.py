"""The catalogue of defects: each breaks one promise of the healthy urn, for suites to catch.

A defect is a small subclass of ``Behaviour`` (``kalys.emulators.urn.behaviour``) that overrides one
hook; the classes are in ``kalys.emulators.defect_hooks``. Its entry of ``CATALOGUE`` says what it
does, which requirement must fail, and by which procedure. Several may be built into one urn: their
classes are stacked. Numbers are parameters: ``vote-dropped:every=500``.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kalys.emulators.defect_hooks import counting, logs, paper, reading, reports, states
from kalys.emulators.urn.behaviour import Behaviour
from kalys.errors import ConfigurationError


@dataclass(frozen=True)
class Defect:
    """One entry. ``requirements`` must fail, found by ``procedures``."""

    name: str
    summary: str
    requirements: tuple[str, ...]
    procedures: tuple[str, ...]
    hook: type[Behaviour]
    parameters: Mapping[str, float] = field(default_factory=dict)


_ENTRIES = (
    Defect("vote-dropped",
           "After every `every` counted sheets, the next vote for the option at place `option` of "
           "the first contest is counted neither in totals nor in records.",
           ("ACC-001", "ACC-002", "ACC-009", "MET-005"), ("count.volume",), counting.VoteDropped,
           {"every": 2000, "option": 3}),
    Defect("double-count-after-jam",
           "A sheet that was committed, jammed and taken out stays counted, and counts again when "
           "it is fed again.",
           ("PAP-003",), ("paper.jam",), paper.DoubleCountAfterJam),
    Defect("counter-not-zeroed",
           "Votes of test mode for the most voted option are in the totals after opening, while "
           "the zero report shows zero.",
           ("REP-003", "REP-001"), ("report.test_mode", "report.non_zero_opening"),
           counting.CounterNotZeroed),
    Defect("overvote-counted",
           "Of two marks the first is counted, and the sheet goes to the valid compartment.",
           ("MRK-007",), ("mark.validity",), reading.OvervoteCounted),
    Defect("clock-drift", "The clock runs `ppm` parts in a million fast.",
           ("LOG-002",), ("log.drift",), logs.ClockDrift, {"ppm": 2000}),
    Defect("totals-while-open",
           "Totals can be read, printed and exported while the polls are open.",
           ("REP-004",), ("report.totals_while_open",), states.TotalsWhileOpen),
    Defect("early-opening", "The polls open at any hour.",
           ("TIM-008",), ("timing.poll_hours",), states.EarlyOpening),
    Defect("log-entries-lost", "Every `every`-th log entry is not stored.",
           ("LOG-003", "LOG-005"), ("log.sequence", "log.coverage"), logs.LogEntriesLost,
           {"every": 7}),
    Defect("fold-as-vote",
           "The thresholds in use (`vote` fill, `ink` level) are far below those reported: a fold "
           "through a target is a vote.",
           ("MRK-002", "PAP-005"), ("mark.folds", "paper.damaged"), reading.FoldAsVote,
           {"vote": 0.012, "ink": 0.1}),
    Defect("records-out-of-step",
           "Totals are right; of `one_in` records, one is handed out with another sheet's marks.",
           ("ACC-009", "REP-009"), ("count.logic_and_accuracy", "day.ordinary"),
           counting.RecordsOutOfStep,
           {"one_in": 100}),
    Defect("slow-transport", "The transport runs at `share` of its promised speed.",
           ("TIM-006", "TIM-007"), ("timing.transport", "timing.throughput"), paper.SlowTransport,
           {"share": 0.8}),
    Defect("report-without-time", "Printed reports lack date and time.",
           ("REP-005",), ("report.results",), reports.ReportWithoutTime),
    Defect("second-sheet-counted", "Two sheets drawn in together are accepted as one vote.",
           ("PAP-002",), ("paper.double_feed",), paper.SecondSheetCounted),
    Defect("foreign-counted", "The style code is not looked at.",
           ("MRK-010",), ("mark.foreign",), reading.ForeignCounted),
    Defect("false-success", "The voter whose sheet is returned is shown \"accepted\".",
           ("PAP-007",), ("paper.notices",), paper.FalseSuccess),
    Defect("vote-lost-at-power-cut",
           "The record is committed `seconds` after the sheet has fallen: a cut before loses it.",
           ("PWR-003",), ("power.transaction",), paper.VoteLostAtPowerCut, {"seconds": 0.5}),
    Defect("pulled-back-counted",
           "A sheet that is pulled back in the throat counts as a blank one.",
           ("PAP-009",), ("paper.pull_back",), paper.PulledBackCounted),
    Defect("clock-set-by-anyone", "The clock can be set without a log-in.",
           ("LOG-004",), ("log.clock_setting",), states.ClockSetByAnyone),
    Defect("log-rewritable",
           "The log is numbered and chained anew whenever it is read: a change does not show.",
           ("LOG-007",), ("log.tamper",), logs.LogRewritable),
    Defect("choices-in-log", "The log entry of a cast names the marked options.",
           ("LOG-008",), ("log.privacy",), logs.ChoicesInLog),
    Defect("reopens-after-close", "The polls can be opened again after they were closed.",
           ("REP-008",), ("report.reopening",), states.ReopensAfterClose),
    Defect("event-counter-reset", "Resetting the election sets the event counter to zero.",
           ("MET-003",), ("metrology.event_counter",), states.EventCounterReset),
    Defect("upside-down-misread",
           "A sheet fed foot first is read as if it lay head first.",
           ("PAP-004",), ("paper.orientations",), reading.UpsideDownMisread),
    Defect("thin-line-missed", "The threshold in use is so high that a 1 mm line is no vote.",
           ("MRK-001",), ("mark.line",), reading.ThinLineMissed, {"vote": 0.45}),
    Defect("silent-capacity", "The box is full without a warning before.",
           ("ACC-010",), ("count.capacity",), counting.SilentCapacity),
    Defect("counter-wraps", "Totals are handed out and printed modulo `at`.",
           ("ACC-009", "MET-005"), ("count.volume",), counting.CounterWraps, {"at": 256}),
    Defect("dead-position",
           "The target at place `place` of the ballot is never seen: its marks read as none.",
           ("ACC-009", "MET-005"), ("count.logic_and_accuracy",), reading.DeadPosition,
           {"place": 5}),
    Defect("silent-integrity", "A counter that cannot be right raises no alarm and stops nothing.",
           ("ACC-008",), ("count.integrity",), counting.SilentIntegrity),
    Defect("inaudible-alarm", "Alarms are shown and not heard.",
           ("ACC-008",), ("count.integrity",), counting.InaudibleAlarm),
    Defect("flipping-threshold",
           "The threshold of a vote is `high` for one sheet and `low` for the next.",
           ("MRK-004",), ("mark.rescan",), reading.FlippingThreshold, {"high": 0.2, "low": 0.05}),
    Defect("thresholds-not-told", "The thresholds of marks are not among the parameters told.",
           ("MRK-005",), ("mark.thresholds",), counting.ThresholdsNotTold),
    Defect("thresholds-of-works-told",
           "The parameters told are those of the works, whatever has been set since.",
           ("MRK-005",), ("mark.thresholds",), counting.ThresholdsOfWorksTold),
    Defect("dot-counted", "The threshold in use is so low that a dot is a vote.",
           ("MRK-006",), ("mark.specification",), reading.DotCounted, {"vote": 0.006}),
    Defect("pencil-missed", "The ink level in use is so high that a tick in pencil is no vote.",
           ("MRK-006",), ("mark.specification",), reading.PencilMissed, {"ink": 0.8}),
    Defect("frequent-misfeeds", "One in `one_in` sheets in good order is given back.",
           ("PAP-001",), ("paper.misfeeds", "count.volume"), reading.FrequentMisfeeds,
           {"one_in": 8}),
    Defect("unreadable-counted", "A sheet that cannot be read counts as a blank one.",
           ("PAP-005",), ("paper.damaged",), reading.UnreadableCounted),
    Defect("confirmation-missing", "The voter whose ballot was counted is not told so.",
           ("PAP-007",), ("paper.notices",), paper.ConfirmationMissing),
    Defect("slow-between-sheets", "The path rests `seconds` longer between two sheets.",
           ("TIM-007",), ("timing.throughput",), paper.SlowBetweenSheets, {"seconds": 1.0}),
    Defect("slow-closing-report", "The results report begins `seconds` after it was asked for.",
           ("TIM-009",), ("timing.close",), reports.SlowClosingReport, {"seconds": 400}),
    Defect("short-battery", "The battery has `share` of its promised charge.",
           ("PWR-001",), ("power.backup",), paper.ShortBattery, {"share": 0.5}),
    Defect("stamps-without-zone", "The stamps of log entries lack the time zone.",
           ("LOG-001",), ("log.stamps",), logs.StampsWithoutZone),
    Defect("media-unlogged", "Memory sticks put in and taken out are not logged.",
           ("LOG-005",), ("log.coverage",), logs.MediaUnlogged),
    Defect("clock-setting-unlogged", "Setting the clock leaves no log entry.",
           ("LOG-004",), ("log.clock_setting",), logs.ClockSettingUnlogged),
    Defect("log-without-user", "Log entries do not say who was logged in.",
           ("LOG-006",), ("log.fields",), logs.LogWithoutUser),
    Defect("opens-unchecked", "The polls open without a look at the counters.",
           ("REP-001",), ("report.non_zero_opening",), states.OpensUnchecked),
    Defect("zero-report-incomplete", "The zero report leaves out the last contest.",
           ("REP-002",), ("report.zero",), reports.ZeroReportIncomplete),
    Defect("zero-report-totals-only",
           "The zero report shows the counters and not the memory of the records.",
           ("REP-002",), ("report.zero",), reports.ZeroReportTotalsOnly),
    Defect("undervotes-not-printed", "Final reports say 0 for the undervotes of every contest.",
           ("REP-006",), ("report.results",), reports.UndervotesNotPrinted),
    Defect("consolidated-twice",
           "The station's report adds the results of the other urn twice.",
           ("REP-007",), ("report.consolidation",), reports.ConsolidatedTwice),
    Defect("urn-left-out", "The station's report leaves the results of the other urn out.",
           ("REP-007",), ("report.consolidation",), reports.UrnLeftOut),
    Defect("printed-total-differs",
           "On the results report the option with the most votes has one more than in memory.",
           ("REP-009",), ("report.results",), reports.PrintedTotalDiffers),
    Defect("software-unnamed", "Reports do not name the software.",
           ("MET-001",), ("metrology.software_id",), reports.SoftwareUnnamed),
)

CATALOGUE: Mapping[str, Defect] = {defect.name: defect for defect in _ENTRIES}


def behaviour_with(defects: Sequence[str]) -> Behaviour:
    """The behaviour of an urn with these defects, each ``NAME`` or ``NAME:parameter=value,...``.

    Raises ConfigurationError for what is not in the catalogue, with the nearest names.
    """
    if not defects:
        return Behaviour()
    parameters: dict[str, Mapping[str, float]] = {}
    bases: list[type[Behaviour]] = []
    for text in defects:
        defect, numbers = parse(text)
        if defect.name in parameters:
            raise ConfigurationError(f"the defect {defect.name} is named twice", where="defects")
        parameters[defect.name] = numbers
        bases.append(defect.hook)
    faulty = type("FaultyBehaviour", tuple(bases), {})
    made: Behaviour = faulty(parameters)
    return made


def parse(text: str) -> tuple[Defect, Mapping[str, float]]:
    """The defect that ``NAME:parameter=value,...`` names, and its parameters."""
    name, _, rest = text.strip().partition(":")
    defect = CATALOGUE.get(name)
    if defect is None:
        near = difflib.get_close_matches(name, CATALOGUE, n=3, cutoff=0.4)
        hint = f"Did you mean {' or '.join(near)}?" if near else f"Known: {', '.join(CATALOGUE)}"
        raise ConfigurationError(f"there is no defect {name!r}", where="defects", remedy=hint)
    numbers = dict(defect.parameters)
    for part in filter(None, rest.split(",")):
        key, equals, value = part.partition("=")
        try:
            if not equals or key not in numbers:
                raise ValueError
            numbers[key] = float(value)
        except ValueError:
            known = ", ".join(f"{k}={v:g}" for k, v in defect.parameters.items()) or "none"
            raise ConfigurationError(
                f"{part!r} sets no parameter of the defect {name}", where="defects",
                remedy=f"Its parameters and their defaults: {known}",
            ) from None
    return defect, numbers
