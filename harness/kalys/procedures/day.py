"""An election day at one station, played from its script: ``day.ordinary``.

The run's clock and the day's clock are two things. The day's clock is that of the urns: they are
set to the script's beginning, and from then on the local time is that beginning plus what has
passed on the run's clock. Steps of the script and arrivals of voters are merged in order of time;
who comes while something is going on waits. Each voter casts one ballot into every urn.

What is judged: where the sheets lie is the truth. At the end the box is opened, and the truths of
the sheets in it are what results, records and printed report must say (ACC-009, REP-009); so a
sheet that was jammed, or in the path when the power went, needs no special rule (PAP-003, PWR-003).
The steps themselves are in ``kalys.procedures.day_steps``, the language in ``day_script``.

``skip_idle_s`` plays a day on a real bench without waiting twelve hours: where nothing happens for
longer, an administrator puts the urns' clocks forward instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from kalys.ballots.deck import volume
from kalys.errors import ConfigurationError
from kalys.procedures import day_script, day_steps
from kalys.procedures.day_steps import OnDuty, Play
from kalys.procedures.preparation import Prepared, local_time, prepared_urn
from kalys.procedures.registry import procedure
from kalys.procedures.watching import Tail
from kalys.protocols.urn.messages import Role

if TYPE_CHECKING:
    from kalys.procedures.day_script import Day
    from kalys.procedures.session import Session

SPARE_BALLOTS = 12           # for incidents, beside those of the voters
PROGRESS_EVERY = 20

REQUIREMENTS = (
    "ACC-009", "LOG-005", "PAP-003", "PWR-003", "REP-004", "REP-007", "REP-009", "TIM-008",
    "TIM-009",
)


@procedure(
    "day.ordinary", title="An ordinary election day at a station with two urns",
    requirements=REQUIREMENTS, device_seconds=13.5 * 3600, front="robot",
)
def ordinary(session: Session, parameters: Mapping[str, Any]) -> None:
    """Play the day ``day`` with ``voters`` voters."""
    script = day_script.load(parameters.get("day", "kg-2021-ordinary"))
    number = int(parameters.get("voters", script.voters.number))
    play_day(session, script, number, parameters.get("skip_idle_s"))


def play_day(
    session: Session, script: Day, voters: int, skip_idle_s: float | None = None
) -> Play:
    """Play a day and report what it shows; the urns are left as they were found."""
    _fits(session, script)
    with ExitStack() as stack:
        duties = {
            name: _duty(session, script, stack.enter_context(
                prepared_urn(session, style=style, urn=name, opened=False)
            ), voters)
            for name, style in script.urns.items()
        }
        play = Play(session, script, duties, session.rng(f"day.{script.day}"), skip_idle_s)
        _begin(play)
        _run(play, voters)
    return play


def _fits(session: Session, script: Day) -> None:
    if session.definition.id != script.election:
        raise ConfigurationError(
            f"the day {script.day} is of the election {script.election}, "
            f"the bench holds {session.definition.id}",
            remedy="Name another day in the plan, or another election in the bench file.",
        )
    styles = [style.id for style in session.definition.styles]
    day_script.check_against(script, styles, session.bench.urn_names)


def _duty(session: Session, script: Day, prepared: Prepared, voters: int) -> OnDuty:
    name = prepared.urn.name
    seed = session.rng(f"day.{script.day}.{name}").getrandbits(31)
    deck = volume(session.definition, prepared.style, voters + SPARE_BALLOTS, seed)
    contests = session.definition.style_contests(prepared.style)
    return OnDuty(
        name, prepared, prepared.style, contests, deck.sheets, Tail(prepared.urn)
    )


def _begin(play: Play) -> None:
    """Set every urn's clock to the beginning of the day."""
    session, script = play.session, play.script
    beginning = local_time(session.definition, day_script.clock_text(script.begins))
    play.midnight = session.clock.now() - round(script.begins * 1e9)
    for duty in play.duties.values():
        duty.urn.login(Role.ADMINISTRATOR)
        passed = play.local() - script.begins
        duty.urn.set_clock(beginning + timedelta(seconds=passed))


def _run(play: Play, voters: int) -> None:
    """Steps and arrivals, in order of time; a step comes before a voter of the same moment."""
    arrivals = day_script.arrivals(play.script.voters, voters, play.rng)
    done = 0
    for at, step in _merged(play.script, arrivals):
        play.until(at)
        if step is not None:
            play.session.report_progress(
                done, voters, f"{day_script.clock_text(play.local())} {step.do}"
            )
            day_steps.do(play, step)
            continue
        for duty in play.duties.values():
            day_steps.cast(play, duty)
        done += 1
        if done % PROGRESS_EVERY == 0 or done == voters:
            play.session.report_progress(
                done, voters, f"{day_script.clock_text(play.local())} voter {done} of {voters}"
            )


def _merged(
    script: Day, arrivals: list[float]
) -> Iterator[tuple[float, day_script.AnyStep | None]]:
    waiting = iter(arrivals)
    arrival = next(waiting, None)
    for step in script.script:
        while arrival is not None and arrival < step.at:
            yield arrival, None
            arrival = next(waiting, None)
        yield step.at, step
    while arrival is not None:
        yield arrival, None
        arrival = next(waiting, None)
