"""Are marginal marks detected without positional bias? What was seen, and what is decided.

Observations of the kind "detection" make one table of positions for each mark level and stage.
Stage 1 shows every level; a level in alarm is shown again, independently, in stage 2, because many
runs of many devices will give a false alarm now and then, and a false refusal costs more than a
second look. ``levels_to_confirm`` tells a procedure which; ``decide_homogeneity`` decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from kalys.metrology.homogeneity import (
    Difference,
    detectable_difference,
    detectable_scatter,
    homogeneity,
    largest_difference,
    marks_needed,
)
from kalys.requirements.observation import Observation, Outcome
from kalys.requirements.outcome import Decided
from kalys.requirements.rules import Homogeneity, Rule
from kalys.requirements.wording import number, rate

FIRST, CONFIRMING = 1, 2
CONFIDENCE = 0.99
"""Of the bounds of the largest difference, for all levels together."""
_MOST = 0.5


@dataclass(frozen=True)
class Level:
    """One mark level in one stage: at each position (marks shown, marks detected).

    ``levels``: how many were tried in stage 1, for which p-value and bounds are corrected
    (Bonferroni).
    """

    name: str
    stage: int
    cells: tuple[tuple[str, int, int], ...]
    levels: int

    @property
    def shown(self) -> tuple[int, ...]:
        return tuple(marks for _, marks, _ in self.cells)

    @property
    def detected(self) -> tuple[int, ...]:
        return tuple(detected for _, _, detected in self.cells)

    @property
    def least(self) -> int:
        """Marks at the position that had fewest."""
        return min(self.shown)

    @property
    def rate(self) -> float:
        """Share detected over all positions."""
        return sum(self.detected) / sum(self.shown)

    @cached_property
    def p_value(self) -> float:
        return min(1.0, self.levels * homogeneity(self.detected, self.shown).p_value)

    @cached_property
    def difference(self) -> Difference:
        return largest_difference(self.detected, self.shown, 1 - (1 - CONFIDENCE) / self.levels)

    def apart(self) -> str:
        """ "52 % at mayor/ann, 47 % at mayor/bob"."""
        found = self.difference
        told = (self.cells[found.highest], self.cells[found.lowest])
        return ", ".join(f"{rate(hits / marks)} at {place}" for place, marks, hits in told)


def tables(observations: Sequence[Observation]) -> tuple[Level, ...]:
    """The tables of positions, by stage and level in the order in which they were first seen.

    Levels with fewer than two positions have nothing to compare and are left out.
    """
    cells: dict[tuple[int, str], dict[str, tuple[int, int]]] = {}
    for o in observations:
        if o.kind == "detection" and o.trials:
            level = cells.setdefault((o.stage, o.condition), {})
            marks, detected = level.get(o.position, (0, 0))
            level[o.position] = marks + o.trials, detected + o.detected
    compared = {key: positions for key, positions in cells.items() if len(positions) > 1}
    levels = max(1, sum(stage == FIRST for stage, _ in compared))
    return tuple(
        Level(name, stage, tuple((place, *counts) for place, counts in positions.items()), levels)
        for (stage, name), positions in sorted(compared.items(), key=lambda item: item[0][0])
    )


def levels_to_confirm(
    rule: Rule | None, observations: Sequence[Observation]
) -> tuple[str, ...]:
    """The levels that gave an alarm in stage 1 and have not been shown again.

    They are due for a stage 2 of at least as many marks for each position; () when none is, and for
    any other rule.
    """
    if not isinstance(rule, Homogeneity):
        return ()
    found = tables(observations)
    again = {level.name for level in found if level.stage == CONFIRMING}
    return tuple(level.name for level in _alarms(rule, found) if level.name not in again)


def decide_homogeneity(
    rule: Homogeneity, observations: Sequence[Observation], plan_sample: int | None
) -> Decided:
    """Apply the rule; ``plan_sample`` is the marks for each position that the plan is content with.

    Fewer marks than asked are a deviation that names the difference that they could have found.
    """
    found = tables(observations)
    first = [level for level in found if level.stage == FIRST]
    if not first:
        return Decided(Outcome.INCONCLUSIVE, "No mark level was compared between positions.")
    again = {level.name: level for level in found if level.stage == CONFIRMING}
    alarms = _alarms(rule, found)
    confirmed = [
        level for level in alarms
        if level.name in again and _alarm(rule, again[level.name])
    ]  # fmt: skip
    if confirmed:
        told = "; ".join(_refused(level, again[level.name]) for level in confirmed)
        return Decided(Outcome.FAIL, f"Positional bias, confirmed by repetition. {told}.")
    unsettled = [
        level.name for level in alarms
        if level.name not in again or again[level.name].least < level.least
    ]  # fmt: skip
    if unsettled:
        return Decided(
            Outcome.INCONCLUSIVE,
            f"Alarm at {', '.join(unsettled)}, which no confirming stage of the same size has "
            "repeated.",
        )
    if not any(rule.marginal < level.rate < 1 - rule.marginal for level in first):
        return Decided(
            Outcome.INCONCLUSIVE,
            "No mark level was marginal: each was detected nearly always or nearly never.",
        )
    return _without_bias(rule, first, again, plan_sample)


def _without_bias(
    rule: Homogeneity, first: list[Level], again: dict[str, Level], plan_sample: int | None
) -> Decided:
    settled = [again.get(level.name, level) for level in first]
    lowest = min(settled, key=lambda level: level.p_value)
    widest = max(settled, key=lambda level: level.difference.observed)
    least = min(level.least for level in first)
    positions = max(len(level.cells) for level in first)
    told = (
        f"{_levels(len(first))} at {number(positions)} positions, at least {number(least)} marks "
        f"each: lowest p {number(lowest.p_value)} (Bonferroni), largest "
        f"difference {_points(widest.difference.observed)} ({widest.apart()}), 99 % lower bound "
        f"{_points(widest.difference.lower)}"
    )
    if again:
        told += f"; an alarm at {', '.join(again)} was not confirmed"
    asked = marks_needed(
        positions, rule.difference, wanted=rule.found_with, levels=len(first), limit=rule.p_value,
        stages=CONFIRMING,
    )  # fmt: skip
    if least >= asked:
        if widest.difference.observed <= rule.difference:
            return Decided(Outcome.PASS, f"{told}.")
        return Decided(
            Outcome.INCONCLUSIVE,
            f"{told}; that is above {_points(rule.difference)}, but not surely so.",
        )
    wanted = f"{number(asked)} marks for each position"
    if plan_sample is None or least < plan_sample:
        who = "requirement" if plan_sample is None else "plan"
        needed = asked if plan_sample is None else plan_sample
        return Decided(
            Outcome.INCONCLUSIVE, f"{told}; the {who} asks for {number(needed)} for each position."
        )
    shown = _could_show(rule, positions, least, len(first))
    if not shown:
        return Decided(
            Outcome.INCONCLUSIVE, f"{told}. So small a sample could not have shown any bias."
        )
    return Decided(
        Outcome.PASS,
        f"{told}. This sample {shown}.",
        (
            f"{number(least)} marks for each position by the plan, which {shown}; the requirement "
            f"asks {wanted}, for {_points(rule.difference)}",
        ),
    )


def _could_show(rule: Homogeneity, positions: int, marks: int, levels: int) -> str:
    """What so many marks would have shown; "" when nothing. Rates about one half can be off by no
    more than one half: few marks show only what is spread over many positions."""
    design: dict[str, Any] = {
        "wanted": rule.found_with, "levels": levels, "limit": rule.p_value, "stages": CONFIRMING
    }  # fmt: skip
    one = detectable_difference(positions, marks, **design)
    scatter = detectable_scatter(positions, marks, **design)
    if one <= _MOST:
        what = f"a position off by {_points(one)}"
    elif scatter <= _MOST:
        what = f"rates that scatter over the positions by {_points(scatter)} (standard deviation)"
    else:
        return ""
    return f"would have shown {what} with a probability of {rate(rule.found_with)}"


def _alarms(rule: Homogeneity, found: Sequence[Level]) -> list[Level]:
    first = [level for level in found if level.stage == FIRST]
    return [level for level in first if _alarm(rule, level)]


def _alarm(rule: Homogeneity, level: Level) -> bool:
    return level.p_value < rule.p_value or level.difference.lower > rule.difference


def _refused(first: Level, again: Level) -> str:
    values = " and ".join(f"{level.p_value:.2g}" for level in (first, again))
    return (
        f"{first.name}: p {values} (Bonferroni), in the repetition {again.apart()}, at least "
        f"{_points(again.difference.lower)} apart (99 %)"
    )


def _levels(count: int) -> str:
    return "One mark level" if count == 1 else f"{number(count)} mark levels"


def _points(share: float) -> str:
    return f"{number(float(f'{100 * share:.2g}'))} percentage points"
