"""Procedures of time: transport, throughput, closing, and the harness's own uncertainty.

Each reading carries the standard uncertainty of what the harness and the bench add (Type B,
``timing_budget``); the spread of the readings (Type A) is added when the verdict is reached.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from kalys.devices.roles import Gate
from kalys.errors import ConfigurationError, KalysError
from kalys.procedures.control_sheets import control_sheets
from kalys.procedures.deck_run import settle
from kalys.procedures.feeding import feed
from kalys.procedures.preparation import (
    AFTER_THE_HOUR,
    Prepared,
    prepared_urn,
    print_report,
)
from kalys.procedures.registry import procedure
from kalys.procedures.timing_budget import interval_u, measure_host, response_u, speed_u
from kalys.procedures.watching import watched_display
from kalys.protocols.urn.messages import ReportKind, Role

if TYPE_CHECKING:
    from kalys.procedures.session import Session

HOST_READINGS = 20
GATE_TIMEOUT_S = 10.0
HOUR_S = 3600.0
FIRST_RESPONSE_S = 0.1        # the limit of TIM-001


@procedure(
    "timing.transport",
    title="Transport speed between two light barriers",
    requirements=("TIM-006",),
    device_seconds=120,
    front="pytest",
)
def transport(session: Session, parameters: Mapping[str, Any]) -> None:
    """The head of each sheet is timed between the bench's barriers at throat and exit."""
    sheets = int(parameters.get("sheets", 30))
    session.instrument = "light barriers of the bench"
    path_mm = session.profile.path_mm
    if path_mm is None:
        raise ConfigurationError(
            "the profile does not say how far apart the light barriers are",
            where=session.profile.profile,
            remedy="Measure the path and give it as path_mm.",
        )
    with prepared_urn(session) as prepared:
        host = measure_host(prepared.urn, session.clock, HOST_READINGS)
        prepared.feeder.gates()
        for number, sheet in enumerate(
            islice(control_sheets(session, prepared, "timing.transport"), sheets), 1
        ):
            fed = feed(session, prepared, sheet)
            seconds = _transit(session, prepared, sheet.id)
            session.report_progress(number, sheets, f"transit {number} of {sheets}")
            if seconds is None:
                session.blocked(
                    "TIM-006",
                    f"sheet {sheet.id} was {fed.describe()} and the barriers did not both see it",
                )
                continue
            session.reading(
                "TIM-006", path_mm / seconds, "mm/s", speed_u(path_mm, seconds, host),
                condition="head, entry to exit",
            )


def _transit(session: Session, prepared: Prepared, sheet: str) -> float | None:
    """Seconds from the entry barrier to the exit barrier, or None when one did not see it."""
    deadline = session.clock.now() + round(GATE_TIMEOUT_S * 1e9)
    seen: list[Gate] = []
    while session.clock.now() < deadline:
        seen += [gate for gate in prepared.feeder.gates() if gate.sheet == sheet]
        times = {gate.gate: gate.time for gate in seen if gate.edge == "lead"}
        if "entry" in times and "exit" in times:
            return (times["exit"] - times["entry"]) / 1e9
        session.clock.sleep(0.1)
    return None


@procedure(
    "timing.throughput",
    title="Throughput in hourly bursts",
    requirements=("TIM-007",),
    device_seconds=4 * HOUR_S,
    front="pytest",
)
def throughput(session: Session, parameters: Mapping[str, Any]) -> None:
    """Sheets without a pause for ``burst_minutes``; each further burst begins an hour later."""
    bursts = int(parameters.get("bursts", 1))
    minutes = float(parameters.get("burst_minutes", 15))
    declared = session.profile.limits.sheets_per_minute
    if declared is None:
        session.not_applicable("TIM-007", "the profile declares no throughput")
        return
    with prepared_urn(session) as prepared:
        host = measure_host(prepared.urn, session.clock, HOST_READINGS)
        for burst in range(bursts):
            began = session.clock.now()
            wanted = max(1, round(declared * minutes))
            seconds, accepted = _burst(session, prepared, burst, wanted)
            rate = accepted / (seconds / 60) / declared
            session.reading(
                "TIM-007", rate, "1", rate * interval_u(seconds, host) / seconds,
                condition=f"burst {burst + 1}: {accepted} sheets in {seconds:.1f} s",
            )
            if burst + 1 < bursts:
                prepared.feeder.empty_box()
                rest = HOUR_S - (session.clock.now() - began) / 1e9
                session.clock.sleep(max(0.0, rest))


def _burst(session: Session, prepared: Prepared, burst: int, wanted: int) -> tuple[float, int]:
    """Feed ``wanted`` sheets without a pause.

    The seconds from the first acceptance to the last, and the sheets accepted after the first:
    whole cycles only, so that neither the first way in nor the last way out counts.
    """
    accepted: list[int] = []
    sheets = islice(control_sheets(session, prepared, f"timing.throughput.{burst}"), wanted + 1)
    for number, sheet in enumerate(sheets, 1):
        fed = feed(session, prepared, sheet)
        if fed.outcome == "jammed":
            prepared.feeder.clear_jam()
        if fed.counted:
            accepted.append(fed.finished)
        if number % 25 == 0 or number > wanted:
            session.report_progress(number, wanted + 1, f"burst {burst + 1}: sheet {number}")
    if len(accepted) < 2:
        raise KalysError(f"of {wanted + 1} sheets fed in one go {len(accepted)} were accepted")
    return (accepted[-1] - accepted[0]) / 1e9, len(accepted) - 1


@procedure(
    "timing.close",
    title="From the closing command to the end of the final report",
    requirements=("TIM-009",),
    device_seconds=300,
    front="pytest",
)
def close(session: Session, parameters: Mapping[str, Any]) -> None:
    """A few ballots, the closing hour, the command; the tape's last byte ends the time."""
    repeats = int(parameters.get("repeats", 3))
    for number in range(1, repeats + 1):
        with prepared_urn(session) as prepared:
            host = measure_host(prepared.urn, session.clock, HOST_READINGS)
            for sheet in islice(
                control_sheets(session, prepared, f"timing.close.{number}"), 5
            ):
                feed(session, prepared, sheet)
            settle(session, prepared)
            seconds = _timed_close(session, prepared)
        session.reading(
            "TIM-009", seconds, "s", interval_u(seconds, host), condition=f"closing {number}"
        )
        session.report_progress(number, repeats, f"closing {number} of {repeats}")


def _timed_close(session: Session, prepared: Prepared) -> float:
    """Seconds from the command to the end of the tape."""
    urn = prepared.urn
    urn.login(Role.ADMINISTRATOR)
    urn.set_clock(prepared.definition.closes + AFTER_THE_HOUR)
    urn.login(Role.OPERATOR)
    began = session.clock.now()
    urn.close()
    tape = print_report(prepared, ReportKind.RESULTS)
    ended = max(session.clock.now(), tape.last)
    return (ended - began) / 1e9


@procedure(
    "timing.uncertainty",
    title="The harness's own uncertainty of time",
    requirements=("TIM-012",),
    device_seconds=10,
    front="pytest",
)
def uncertainty(session: Session, parameters: Mapping[str, Any]) -> None:
    """U (k = 2) of each kind of timing measurement, relative to the limit it is compared with."""
    readings = int(parameters.get("readings", 30))
    host = measure_host(session.urn, session.clock, readings)
    limits = session.profile.limits
    path_mm, speed = session.profile.path_mm, limits.transport_speed_mm_s
    if path_mm is not None and speed is not None:
        u = speed_u(path_mm, path_mm / speed, host)
        session.reading("TIM-012", 2 * u / speed, "1", None, condition="TIM-006 transport speed")
    closing = limits.close_to_report_s or 300.0
    session.reading(
        "TIM-012", 2 * interval_u(closing, host) / closing, "1", None,
        condition="TIM-009 closing to report",
    )
    if limits.sheets_per_minute is not None:
        burst = 300.0
        session.reading(
            "TIM-012", 2 * interval_u(burst, host) / burst, "1", None,
            condition="TIM-007 throughput",
        )
    with watched_display(session.hands) as watched:
        if watched:
            session.reading(
                "TIM-012", 2 * response_u(FIRST_RESPONSE_S) / FIRST_RESPONSE_S, "1", None,
                condition="TIM-001 first response",
            )
    session.report_progress(readings, readings, f"{readings} round trips")
