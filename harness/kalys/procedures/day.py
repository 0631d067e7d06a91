"""Scripted election days: the procedures ``day.*``, one for each shipped script.

What a day shows is reported as observations of requirements: those that a procedure is there for,
and in the evening of every day those of box, totals, records and reports as well. The language is
described in ``docs/election_days.md``; how a day is played is in
``kalys.procedures.election_day``.

Every procedure of the family takes the same parameters: ``day`` (a shipped script, or the path of a
file), ``voters`` (so many at every station, instead of the script's), ``skip_idle_s``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

from kalys.errors import ConfigurationError
from kalys.procedures.election_day import checking, looking, striking
from kalys.procedures.election_day.casting import KitDoor, Queue, Visits
from kalys.procedures.election_day.commission import Close, Open
from kalys.procedures.election_day.duty import OnDuty
from kalys.procedures.election_day.expectations import Expectation
from kalys.procedures.election_day.faults import Fault
from kalys.procedures.election_day.language import Day, Kit
from kalys.procedures.election_day.performing import perform
from kalys.procedures.election_day.play import Play
from kalys.procedures.election_day.timing import clock_text
from kalys.procedures.election_day.voters import Ballots, coming, number_of
from kalys.procedures.preparation import Prepared, local_time, prepared_urn
from kalys.procedures.registry import procedure
from kalys.procedures.watching import Tail
from kalys.protocols.urn.messages import Role

if TYPE_CHECKING:
    from kalys.procedures.election_day.language import Station
    from kalys.procedures.registry import Procedure
    from kalys.procedures.session import Session

OPEN_ENTRANCE = Kit(check_in=0.0)       # where a station names no kits


def _of(name: str, day: str, title: str, requirements: tuple[str, ...], hours: float) -> Procedure:
    """The procedure that plays a shipped day."""

    def run(session: Session, parameters: Mapping[str, Any]) -> None:
        script = checking.load(parameters.get("day", day))
        missing = sorted(set(script.urns) - set(session.bench.urn_names))
        if missing:
            for requirement in requirements:
                session.not_applicable(
                    requirement, f"the day {script.day} needs {', '.join(missing)} beside the urn "
                    "under test, and the bench has no such urn",
                )
            return
        voters = parameters.get("voters")
        first = len(session.observations)
        play = play_day(
            session, script, None if voters is None else int(voters),
            parameters.get("skip_idle_s"),
        )
        if "ENV-001" in requirements:
            _without_a_chamber(session, first, play)

    return procedure(
        name, title=title, requirements=requirements,
        device_seconds=hours * 3600, front="robot",
    )(run)


ORDINARY = _of(
    "day.ordinary", "kg-2021-ordinary", "An ordinary election day at a station with two urns",
    (
        "ACC-009", "ACC-010", "LOG-005", "PAP-003", "PWR-003", "REP-002", "REP-004", "REP-007",
        "REP-009", "TIM-008", "TIM-009",
    ), 13.5,
)
RUSH_HOUR = _of(
    "day.rush_hour", "kg-rush-hour", "A rush hour, and bursts at the declared throughput",
    ("TIM-007",), 13.5,
)
OPERATING_TEST = _of(
    "day.operating_test", "operating-test-96h",
    "Operating test of 96 hours: ballots at the declared rate for 15 minutes of every hour",
    ("ENV-001", "TIM-007"), 100.0,
)
FAILURES = _of(
    "day.failures", "kg-failures", "A day on which everything fails once",
    ("PAP-002", "PAP-003", "PWR-003", "PWR-005"), 13.5,
)
NOVEMBER = _of(
    "day.november", "kg-2021-11-28",
    "28 November 2021 at one station: two ballots, and figures that add up",
    ("REP-007", "REP-009"), 13.5,
)
EDGES = _of(
    "day.edges", "kg-edges", "The edges of the day: opening and closing, to the second",
    ("REP-008", "TIM-008"), 13.5,
)
MISTAKES = _of(
    "day.mistakes", "kg-mistakes", "An operator who makes every mistake of the manual",
    ("LOG-004", "REP-004", "REP-008", "TIM-008"), 13.5,
)


def _without_a_chamber(session: Session, first: int, play: Play) -> None:
    """What the duty cycle shows of ENV-001, and what it cannot: the climate is missing."""
    seen = session.observations[first:]
    wrong = [f"{o.requirement} {o.condition}: {o.note}" for o in seen if o.failures]
    session.count(
        "ENV-001", len(seen), len(wrong), note="; ".join(wrong[:3]),
        condition=f"duty cycle of {play.day.sittings} sittings, without a chamber",
    )
    session.blocked(
        "ENV-001", "the bench has no climatic chamber and no instrument that reads temperature and "
        "humidity: the duty cycle was played, the climate was not",
    )


def play_day(
    session: Session, day: Day, voters: int | None = None, skip_idle_s: float | None = None
) -> Play:
    """Play a day, every sitting of it, and report what it shows; the last sitting is returned.

    ``voters`` come to every station, instead of as many as the script says. The urns are left as
    they were found. ConfigurationError when the day does not fit the bench.
    """
    _fits(session, day)
    tails: dict[str, Tail] = {}
    for sitting in range(day.sittings):
        play = _sit(session, day, voters, skip_idle_s, sitting=sitting, tails=tails)
    return play


def _fits(session: Session, day: Day) -> None:
    if session.definition.id != day.election:
        raise ConfigurationError(
            f"the day {day.day} is of the election {day.election}, "
            f"the bench holds {session.definition.id}",
            remedy="Name another day in the plan, or another election in the bench file.",
        )
    styles = [style.id for style in session.definition.styles]
    checking.check_against(day, styles, session.bench.urn_names)


def _sit(
    session: Session, day: Day, voters: int | None, skip_idle_s: float | None, *, sitting: int,
    tails: dict[str, Tail],
) -> Play:
    """One sitting. ``tails`` are the urns' logs, looked at from where the last sitting ended."""
    seed = f"{session.seed}:day.{day.day}" + (f".{sitting + 1}" if sitting else "")
    with ExitStack() as stack:
        duties = {}
        for station in day.stations:
            for name, style in station.urns.items():
                prepared = stack.enter_context(prepared_urn(
                    session, style=style, urn=name, opened=False, station=station.number
                ))
                if name not in tails:
                    tails[name] = Tail(prepared.urn)
                duties[name] = _duty(prepared, station, tails[name], f"{seed}.{name}")
        play = Play(session, day, duties, perform, seed=seed, skip_idle_s=skip_idle_s)
        for duty in duties.values():
            stack.callback(duty.urn.listen, None)
            duty.urn.listen(partial(play.heard, duty))
        _begin(play)
        for entry in (*day.commission, *day.expect):
            play.plan(entry)
        _plan_faults(play)
        play.run(list(_doors(play, voters)))
        for missed in play.never_done():
            if isinstance(missed, Expectation):
                for urn in play.concerned(missed):
                    looking.report(play, missed, urn, "what it was to come after never came")
    return play


def _duty(prepared: Prepared, station: Station, tail: Tail, seed: str) -> OnDuty:
    ballots = Ballots(
        prepared.definition, prepared.style, station.voters, Random(seed).getrandbits(31)
    )
    return OnDuty(
        prepared.urn.name, station.number, prepared, ballots.contests, ballots, tail
    )


def _begin(play: Play) -> None:
    """Set every urn's clock to the beginning of the day."""
    session, day = play.session, play.day
    beginning = local_time(session.definition, clock_text(day.begins))
    play.midnight = session.clock.now() - round(day.begins * 1e9)
    for duty in play.duties.values():
        duty.urn.login(Role.ADMINISTRATOR)
        passed = play.local() - day.begins
        duty.set_clock(beginning + timedelta(seconds=passed))
        duty.unexpected.clear()


def _plan_faults(play: Play) -> None:
    """Faults by the clock; those by sheets strike when a voter comes (``Visits``)."""
    for index, fault in enumerate(play.day.faults):
        if fault.fault in ("power-cut", "mains-loss"):
            for urn in play.concerned(fault):
                striking.require_supply(play, play.duties[urn], fault)
        if fault.per_hour is not None:
            for at in _at_a_rate(play.day, fault.per_hour, Random(f"{play.seed}/fault {index}")):
                play.schedule(fault, at)
        elif not fault.by_sheet:
            play.plan(fault)


def _at_a_rate(day: Day, per_hour: float, rng: Random) -> Iterator[float]:
    """Moments of a Poisson process between opening and closing."""
    at = next(float(s.at or 0) for s in day.commission if isinstance(s, Open)
              and s.expect == "opened")
    until = next(float(s.at or 0) for s in day.commission if isinstance(s, Close))
    while (at := at + rng.expovariate(per_hour) * 3600) < until:
        yield at


def _doors(play: Play, voters: int | None) -> Iterator[KitDoor]:
    """The identification kits of every station, or its open entrance."""
    by_sheets: list[Fault] = [fault for fault in play.day.faults if fault.by_sheet]
    for station in play.day.stations:
        if station.voters is None:
            continue
        number = number_of(station.voters) if voters is None else voters
        play.total += number
        queue = Queue(coming(station.voters, number, f"{play.seed}/{station.number}"))
        visits = Visits(
            play, tuple(station.urns), station.voters.booth, by_sheets, striking.strike_sheet
        )
        kits = station.kits or {f"{station.number} entrance": OPEN_ENTRANCE}
        for name, kit in kits.items():
            yield KitDoor(name, kit, queue, visits.begin, visits.over)
