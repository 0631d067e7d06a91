"""Marginal marks are read alike wherever they stand on the ballot (VVSG 2.0 1.1.6-J).

The identical mark at every position, at the level where this device reads about half of them: there
a small bias of one place shows most. The levels are found first (``mark_levels``), for each kind of
mark and for both thresholds of a device that knows doubtful marks; a sheet that is given back for
its mark has not been read as a vote. An alarm of the first stage is confirmed or not by a second,
independent one with twice the marks (rule "homogeneity"). Apart from the verdict, a ladder at every
position measures the threshold of each, for the map in the report.

One mark lies on a sheet, so that marks share neither paper nor noise; a level is fed in one
orientation, since a sensor that is not even along the feed would else hide in the mean of both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kalys.ballots.deck_file import READABLE
from kalys.ballots.deck_ladders import position_ladder, rungs_of, same_mark
from kalys.ballots.sheet import ORIENTATIONS
from kalys.ballots.templates import layouts_for
from kalys.errors import ConfigurationError
from kalys.metrology.response_curve import Response, fit, spearman_kaerber, spearman_kaerber_u
from kalys.procedures.comparison import Position
from kalys.procedures.deck_run import run_deck
from kalys.procedures.mark import positions_of
from kalys.procedures.mark_levels import (
    AS_VOTE,
    NOT_AS_NONE,
    WORDS,
    Level,
    answers_as,
    find_levels,
)
from kalys.procedures.mark_response import (
    Answer,
    BallotMap,
    Curve,
    Readings,
    maps_of,
    note_response,
    points_of,
)
from kalys.procedures.registry import procedure
from kalys.requirements.detection import levels_to_confirm

if TYPE_CHECKING:
    from kalys.procedures.session import Session

REQUIREMENT = "MRK-003"
ENDS = {
    "down-head": "head first", "down-foot": "foot first",
    # Of ballots with targets on both sides:
    "up-head": "back down, head first", "up-foot": "back down, foot first",
}
_MAP_REACH = 4.0        # spreads on either side of a threshold that the map's ladder covers


@procedure(
    "mark.homogeneity",
    title="Marginal marks are read alike wherever they stand",
    requirements=(REQUIREMENT,),
    device_seconds=50000,
    front="pytest",
    devices=("urn", "core"),
)
def homogeneity(session: Session, parameters: Mapping[str, Any]) -> None:
    """``marks`` identical marks at every position, for each kind, threshold and orientation."""
    marks = int(parameters.get("marks", 30))
    rungs = int(parameters.get("rungs", 24))
    map_rungs = int(parameters.get("map_rungs", 12))
    readings = tuple(parameters.get("thresholds", (AS_VOTE, NOT_AS_NONE)))
    ends = tuple(parameters.get("orientations", READABLE))
    sides = layouts_for(session.definition)[session.style].sides
    ways = READABLE if sides == 1 else ORIENTATIONS
    _check(readings, ends, ways, marks, rungs)
    shown: list[tuple[Level, str]] = []
    for by in parameters.get("kinds", ("dash", "pencil")):
        levels, answers = find_levels(session, by, session.style, readings, rungs)
        if not levels:
            session.journal.add("note", {
                "text": f"no threshold within the ladder {by}: every mark of it was read alike"
            })
        maps: list[BallotMap] = []
        for level in levels:
            for end in ends:
                rates = _stage(session, level, end, 1, marks)
                maps += _maps_of_rates(session, level, end, rates, marks)
                shown.append((level, end))
        if map_rungs and levels:
            more, maps = _thresholds(session, levels, map_rungs)
            answers += more
        note_response(session, curves=[_curve(by, answers, levels)], maps=maps)
    if not shown:
        session.blocked(
            REQUIREMENT, "no mark was found that the device detects about half of the time"
        )
    _confirm(session, shown, 2 * marks)


def _check(
    readings: Sequence[str], ends: Sequence[str], ways: Sequence[str], marks: int, rungs: int
) -> None:
    strange = [word for word in readings if word not in WORDS]
    strange += [word for word in ends if word not in ways]
    if strange or not readings or not ends or marks < 1 or rungs < 6:
        raise ConfigurationError(
            f"mark.homogeneity cannot run with {', '.join(strange) or 'these parameters'}",
            where="plan",
            remedy=f"thresholds: of {', '.join(WORDS)}; orientations: of {', '.join(ways)}; "
            "marks: 1 or more; rungs: 6 or more.",
        )


def _confirm(session: Session, shown: Sequence[tuple[Level, str]], marks: int) -> None:
    """The second stage, for the levels for which the rule asks it."""
    again = levels_to_confirm(session.catalogue[REQUIREMENT].decision, session.observations)
    for level, end in shown:
        if _name(level, end) in again:
            _stage(session, level, end, 2, marks)


def _name(level: Level, end: str) -> str:
    return f"{level.name}, {ENDS[end]}"


def _stage(
    session: Session, level: Level, end: str, stage: int, marks: int
) -> Mapping[Position, tuple[int, int]]:
    """Feed the level and report it; returns marks and detections by position."""
    places = positions_of(session.definition, session.style)
    name = _name(level, end)
    seed = session.rng(f"mark.homogeneity.{name}.{stage}").getrandbits(31)
    deck = same_mark(
        session.definition, session.style, marks * len(places), seed, by=level.by,
        strength=level.strength, orientation=end, group=f"{level.by}-{level.reading}-{end}-{stage}",
    )
    run = run_deck(session, deck.sheets, session.style)
    tried, detected = Counter[Position](), Counter[Position]()
    for answer in Readings.of(run).answers(level.ladder.parameter):
        if answer.read:
            tried[answer.position] += 1
            detected[answer.position] += level.detects(answer.read)
    for place in places:
        if tried[place]:
            session.detection(
                REQUIREMENT, level=name, position=f"{session.style}/{'/'.join(place)}",
                stage=stage, marks=tried[place], detected=detected[place],
            )
    return {place: (tried[place], detected[place]) for place in places}


def _thresholds(
    session: Session, levels: Sequence[Level], rungs: int
) -> tuple[list[Answer], list[BallotMap]]:
    """A ladder of ``rungs`` at every position for each level: the answers, and the threshold of
    each position."""
    every: list[Answer] = []
    maps: list[BallotMap] = []
    for level in levels:
        low, high = level.response.around(_MAP_REACH)
        low, high = max(low, level.ladder.low), min(high, level.ladder.high)
        strengths = [round(low + (high - low) * i / (rungs - 1), 4) for i in range(rungs)]
        group = f"{level.by}-{level.reading}-map"
        seed = session.rng(f"mark.homogeneity.{group}").getrandbits(31)
        deck = position_ladder(
            session.definition, session.style, strengths, seed, by=level.by, group=group
        )
        run = run_deck(session, deck.sheets, session.style)
        answers = [a for a in Readings.of(run).answers(level.ladder.parameter) if a.read]
        maps += _maps_of_thresholds(session, level, answers, strengths)
        every += answers
    return every, maps


def _maps_of_thresholds(
    session: Session, level: Level, answers: Sequence[Answer], strengths: Sequence[float]
) -> list[BallotMap]:
    """The threshold of each position whose every rung was answered, in percent of the ballot's."""
    low, high, rungs = strengths[0], strengths[-1], len(strengths)
    tried = Counter(a.position for a in answers)
    detected = Counter(a.position for a in answers if level.detects(a.read))
    whole: Response = fit(answers_as(answers, level.reading)) or level.response
    u = spearman_kaerber_u(low, high, rungs, 1, whole) / whole.threshold
    values = {
        place: (
            spearman_kaerber(low, high, rungs, 1, detected[place]) / whole.threshold - 1,
            -1 if detected[place] == rungs else int(detected[place] == 0),
        )
        for place, count in tried.items() if count == rungs
    }
    return maps_of(
        layouts_for(session.definition)[session.style],
        f"Threshold by position: {rungs_of(level.by).what}, {WORDS[level.reading]}",
        "%", {place: (100 * value, end) for place, (value, end) in values.items()},
        f"difference from the ballot's threshold ({level.ladder.named(whole.threshold)}); "
        f"standard uncertainty of a position {100 * u:.2g} %",
    )


def _maps_of_rates(
    session: Session, level: Level, end: str, rates: Mapping[Position, tuple[int, int]], marks: int
) -> list[BallotMap]:
    values = {place: (100 * k / n, 0) for place, (n, k) in rates.items() if n}
    return maps_of(
        layouts_for(session.definition)[session.style],
        f"Detected by position: {_name(level, end)}", "% detected", values,
        f"{marks} marks at each position",
    )


def _curve(by: str, answers: Sequence[Answer], levels: Sequence[Level]) -> Curve:
    ladder = rungs_of(by)
    return Curve(
        title=f"Response to a marginal mark: {ladder.what}",
        quantity=ladder.parameter.removesuffix("_mm"), unit=ladder.unit,
        answers=("read as a vote", "given back or marginal"),
        points=points_of(answers),
        thresholds=tuple((WORDS[level.reading], level.strength) for level in levels),
    )
