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

from kalys.emulators import defect_hooks as hooks
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
           ("ACC-001", "ACC-009"), ("count.volume",), hooks.VoteDropped,
           {"every": 2000, "option": 3}),
    Defect("double-count-after-jam",
           "A sheet that was committed, jammed and taken out stays counted, and counts again when "
           "it is fed again.",
           ("PAP-003",), ("paper.jam",), hooks.DoubleCountAfterJam),
    Defect("counter-not-zeroed",
           "Votes of test mode for the most voted option are in the totals after opening, while "
           "the zero report shows zero.",
           ("REP-003", "REP-001"), ("report.test_mode", "report.non_zero_opening"),
           hooks.CounterNotZeroed),
    Defect("overvote-counted",
           "Of two marks the first is counted, and the sheet goes to the valid compartment.",
           ("MRK-007",), ("mark.validity",), hooks.OvervoteCounted),
    Defect("clock-drift", "The clock runs `ppm` parts in a million fast.",
           ("LOG-002",), ("log.drift",), hooks.ClockDrift, {"ppm": 2000}),
    Defect("totals-while-open",
           "Totals can be read, printed and exported while the polls are open.",
           ("REP-004",), ("report.totals_while_open",), hooks.TotalsWhileOpen),
    Defect("early-opening", "The polls open at any hour.",
           ("TIM-008",), ("timing.poll_hours",), hooks.EarlyOpening),
    Defect("log-entries-lost", "Every `every`-th log entry is not stored.",
           ("LOG-003", "LOG-005"), ("log.sequence",), hooks.LogEntriesLost, {"every": 7}),
    Defect("fold-as-vote",
           "The thresholds in use (`vote` fill, `ink` level) are far below those reported: a fold "
           "through a target is a vote.",
           ("MRK-002",), ("mark.folds",), hooks.FoldAsVote, {"vote": 0.012, "ink": 0.1}),
    Defect("records-out-of-step",
           "Totals are right; of `one_in` records, one is handed out with another sheet's marks.",
           ("ACC-009", "REP-009"), ("count.logic_and_accuracy",), hooks.RecordsOutOfStep,
           {"one_in": 100}),
    Defect("slow-transport", "The transport runs at `share` of its promised speed.",
           ("TIM-006",), ("timing.transport",), hooks.SlowTransport, {"share": 0.8}),
    Defect("report-without-time", "Printed reports lack date and time.",
           ("REP-005",), ("report.results",), hooks.ReportWithoutTime),
    Defect("second-sheet-counted", "Two sheets drawn in together are accepted as one vote.",
           ("PAP-002",), ("paper.double_feed",), hooks.SecondSheetCounted),
    Defect("foreign-counted", "The style code is not looked at.",
           ("MRK-010",), ("mark.foreign",), hooks.ForeignCounted),
    Defect("false-success", "The voter whose sheet is returned is shown \"accepted\".",
           ("PAP-007",), ("paper.notices",), hooks.FalseSuccess),
    Defect("vote-lost-at-power-cut",
           "The record is committed `seconds` after the sheet has fallen: a cut before loses it.",
           ("PWR-003",), ("power.transaction",), hooks.VoteLostAtPowerCut, {"seconds": 0.5}),
    Defect("pulled-back-counted",
           "A sheet that is pulled back in the throat counts as a blank one.",
           ("PAP-009",), ("paper.pull_back",), hooks.PulledBackCounted),
    Defect("clock-set-by-anyone", "The clock can be set without a log-in.",
           ("LOG-004",), ("log.clock_setting",), hooks.ClockSetByAnyone),
    Defect("log-rewritable",
           "The log is numbered and chained anew whenever it is read: a change does not show.",
           ("LOG-007",), ("log.tamper",), hooks.LogRewritable),
    Defect("choices-in-log", "The log entry of a cast names the marked options.",
           ("LOG-008",), ("log.privacy",), hooks.ChoicesInLog),
    Defect("reopens-after-close", "The polls can be opened again after they were closed.",
           ("REP-008",), ("report.reopening",), hooks.ReopensAfterClose),
    Defect("event-counter-reset", "Resetting the election sets the event counter to zero.",
           ("MET-003",), ("metrology.event_counter",), hooks.EventCounterReset),
    Defect("upside-down-misread",
           "A sheet fed foot first is read as if it lay head first.",
           ("PAP-004",), ("paper.orientations",), hooks.UpsideDownMisread),
    Defect("thin-line-missed", "The threshold in use is so high that a 1 mm line is no vote.",
           ("MRK-001",), ("mark.line",), hooks.ThinLineMissed, {"vote": 0.45}),
    Defect("silent-capacity", "The box is full without a warning before.",
           ("ACC-010",), ("count.capacity",), hooks.SilentCapacity),
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
