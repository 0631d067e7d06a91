"""The event log and the clock behind it: LOG-001, 002, 003, 004, 006 and 008.

Think of the log as the urn's own witness. These procedures make the urn live through something
(``eventful``), read the whole log over the wire and ask whether the witness is usable: does it tell
when (LOG-001), by a clock that keeps time (LOG-002) and that only an administrator sets (LOG-004);
does it tell everything in order (LOG-003), who and what with which outcome (LOG-006), and nothing
that betrays a voter (LOG-008). Coverage of the event kinds and tampering have modules of their own.

Rules: VVSG 1.1 2.1.5.1-D (quoted in NIST SP 1500-101, 2.1), VVSG 2.0 10.2.4-B, 11.1-B, 15.1-C.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from kalys.ballots.deck import volume
from kalys.devices.roles import ClockReading, LogEntry, Urn
from kalys.errors import Refused
from kalys.procedures.feeding import feed
from kalys.procedures.preparation import Prepared, close_polls, open_polls, prepared_urn, restored
from kalys.procedures.registry import procedure
from kalys.procedures.watching import Tail
from kalys.protocols.urn.messages import Role

if TYPE_CHECKING:
    from kalys.ballots.sheet import Sheet
    from kalys.election.definition import ElectionDefinition
    from kalys.procedures.session import Session

# ISO 8601 extended format with seconds, a four-digit year and a zone (LOG-001).
STAMP = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:[.,]\d+)?(?:Z|[+-]\d{2}:?\d{2})")
# A moment inside free text, with or without zone (LOG-004: old and new value).
MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:[.,]\d+)?(?:Z|[+-]\d{2}:?\d{2})?")
# A Kyrgyz personal number: sex digit 1 or 2, date of birth ddmmyyyy, five digits.
PERSONAL_NUMBER = r"\b[12](?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])(?:19|20)\d{7}\b"
DRIFT_SPAN_S = 15 * 3600.0                # LOG-002 states its limit over 15 h: 60 s, 1,111 ppm
REAL_REFERENCE_PPM = 50.0                 # a computer's own oscillator, half-width
NOT_ADMINISTRATORS: tuple[Role | None, ...] = (None, Role.OPERATOR, Role.AUDITOR)


def eventful(session: Session, prepared: Prepared, sheets: int, name: str) -> list[Sheet]:
    """Make something happen in the log: sheets, log-ins, a refused command. Returns the sheets."""
    deck = volume(session.definition, prepared.style, sheets, session.rng(name).getrandbits(31))
    for number, sheet in enumerate(deck.sheets, 1):
        feed(session, prepared, sheet)
        session.report_progress(number, sheets, f"sheet {number} of {sheets}")
    for role in (Role.AUDITOR, Role.OPERATOR):
        prepared.urn.login(role)
    return list(deck.sheets)


def shown(entries: Iterable[LogEntry], limit: int = 3) -> str:
    """The first few entries in words, for the note of an observation."""
    return "; ".join(
        f"no. {e.sequence} at {e.stamp!r}: {e.kind} {e.event!r}" for e in list(entries)[:limit]
    )


@procedure(
    "log.stamps", title="Log entries carry date, time to the second and zone",
    requirements=("LOG-001",), device_seconds=120, front="robot",
)
def stamps(session: Session, parameters: Mapping[str, Any]) -> None:
    """Every stamp of the whole log is complete, and is the time the entry says in numbers."""
    with prepared_urn(session) as prepared:
        eventful(session, prepared, int(parameters.get("sheets", 10)), "log.stamps")
        close_polls(prepared)
        entries = prepared.urn.log()
        wrong = [entry for entry in entries if not complete_stamp(entry)]
        session.count("LOG-001", len(entries), len(wrong), note=shown(wrong))


def complete_stamp(entry: LogEntry) -> bool:
    """The stamp is ISO 8601 with seconds and zone, a real moment, and that of the time field."""
    if STAMP.fullmatch(entry.stamp) is None:
        return False
    try:
        moment = datetime.fromisoformat(entry.stamp.replace(",", "."))
    except ValueError:
        return False
    return abs((moment - entry.time).total_seconds()) <= 1.0


@procedure(
    "log.drift", title="The clock keeps time", requirements=("LOG-002",),
    device_seconds=3700, front="robot",
)
def drift(session: Session, parameters: Mapping[str, Any]) -> None:
    """The clock is set once and read at equal intervals for ``drift_hours``."""
    hours = float(parameters.get("drift_hours", 1.0))
    number = max(3, int(parameters.get("readings", 13)))
    assumed_ppm = 0.0 if session.clock.base == "virtual" else REAL_REFERENCE_PPM
    reference_ppm = float(parameters.get("reference_ppm", assumed_ppm))
    urn = session.urn
    with restored(session, urn):
        urn.login(Role.ADMINISTRATOR)
        urn.set_clock(session.clock.utc().astimezone(session.definition.timezone))
        readings = [urn.read_clock()]
        for done in range(1, number):
            session.clock.sleep(hours * 3600 / (number - 1))
            readings.append(urn.read_clock())
            session.report_progress(done, number - 1, f"reading {done + 1} of {number}")
    rate, u = drift_rate(readings, reference_ppm)
    session.reading(
        "LOG-002", abs(rate) * 1e6, "[ppm]", u * 1e6,
        condition=f"{number} readings over {hours:g} h",
        note=f"{rate * DRIFT_SPAN_S:+.2f} s in 15 h",
    )


def drift_rate(readings: Sequence[ClockReading], reference_ppm: float) -> tuple[float, float]:
    """How much faster than the harness clock the device's clock runs, in s/s, and its standard
    uncertainty.

    The rate is the least-squares slope of the offset (device time minus the middle of the reading
    interval) over harness time. Its uncertainty joins the scatter about the line (Type A), the
    half-width of the widest reading interval and the device's resolution at both ends of the span
    (rectangular, Type B: a/sqrt(3)), and the reference's own half-width in ppm. JCGM 100:2008,
    4.3.7.
    """
    middle = [(r.sent + r.received) / 2e9 for r in readings]
    x = [t - middle[0] for t in middle]
    shown = [(r.device - readings[0].device).total_seconds() for r in readings]
    y = [device - harness for device, harness in zip(shown, x, strict=True)]
    n = len(readings)
    mean_x, mean_y = sum(x) / n, sum(y) / n
    sxx = sum((a - mean_x) ** 2 for a in x)
    slope = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / sxx
    residuals = [b - mean_y - slope * (a - mean_x) for a, b in zip(x, y, strict=True)]
    scatter = math.sqrt(sum(e * e for e in residuals) / (n - 2) / sxx)
    half_interval = max(r.received - r.sent for r in readings) / 2e9
    whole_seconds = all(r.device.microsecond == 0 for r in readings)
    half_resolution = 0.5 if whole_seconds else 0.0005
    ends = math.sqrt(2 * (half_interval**2 + half_resolution**2) / 3) / x[-1]
    reference = reference_ppm * 1e-6 / math.sqrt(3)
    return slope, math.sqrt(scatter**2 + ends**2 + reference**2)


@procedure(
    "log.sequence", title="The log is numbered without gaps and in order of time",
    requirements=("LOG-003",), device_seconds=180, front="robot",
)
def sequence(session: Session, parameters: Mapping[str, Any]) -> None:
    """A burst of events, then every pair of neighbours among the entries that it left."""
    with prepared_urn(session) as prepared:
        tail = Tail(prepared.urn)
        eventful(session, prepared, int(parameters.get("sheets", 15)), "log.sequence")
        for _ in range(int(parameters.get("events", 30)) // 2):
            prepared.urn.login(Role.OPERATOR)
            prepared.urn.logout()
        close_polls(prepared)
        entries = tail.new()
    wrong = [pair for pair in pairwise(entries) if not follows(*pair)]
    session.count(
        "LOG-003", max(0, len(entries) - 1), len(wrong), note="; ".join(
            f"after no. {a.sequence} ({a.stamp}) comes no. {b.sequence} ({b.stamp}, {b.kind})"
            for a, b in wrong[:3]
        ),
    )


def follows(earlier: LogEntry, later: LogEntry) -> bool:
    """The next number, and not an earlier time, unless the clock was set there."""
    set_back = "clock" in (earlier.kind, later.kind)
    return later.sequence == earlier.sequence + 1 and (set_back or later.time >= earlier.time)


@procedure(
    "log.clock_setting",
    title="Only an administrator sets the clock, and the log says from what to what",
    requirements=("LOG-004",), device_seconds=60, front="robot",
)
def clock_setting(session: Session, parameters: Mapping[str, Any]) -> None:
    """Everybody but the administrator tries, before and while the polls are open; then the
    administrator sets it."""
    attempts = max(2, int(parameters.get("attempts", 6)))
    with prepared_urn(session, opened=False) as prepared:
        urn = prepared.urn
        for attempt in range(attempts):
            if attempt == attempts // 2:
                open_polls(prepared)
            role = NOT_ADMINISTRATORS[attempt % len(NOT_ADMINISTRATORS)]
            wrong = _try_to_set(urn, role)
            state = "not open" if attempt < attempts // 2 else "open"
            session.count(
                "LOG-004", 1, int(bool(wrong)), note=wrong,
                condition=f"{role or 'nobody logged in'}, polls {state}",
            )
        urn.login(Role.ADMINISTRATOR)
        tail = Tail(urn)
        old = urn.read_clock().device
        new = old + timedelta(seconds=90)
        urn.set_clock(new)
        entries = [entry for entry in tail.new() if entry.kind == "clock"]
        told = bool(entries) and tells(entries[-1], old) and tells(entries[-1], new)
        session.count(
            "LOG-004", 1, int(not told), condition="administrator: old and new value logged",
            note="" if told else f"no entry tells {old.isoformat()} and {new.isoformat()}; "
            f"the last of kind clock: {entries[-1].event if entries else 'none'}",
        )


def _try_to_set(urn: Urn, role: Role | None) -> str:
    """Try to put the clock an hour forward; in words what went wrong, empty when refused."""
    urn.logout()
    if role is not None:
        urn.login(role)
    before = urn.read_clock()
    try:
        urn.set_clock(before.device + timedelta(hours=1))
        refused = False
    except Refused:
        refused = True
    after = urn.read_clock()
    passed = (after.received - before.received) / 1e9
    jump = (after.device - before.device).total_seconds() - passed
    if abs(jump) > 2:
        return f"the clock jumped by {jump:+.1f} s, the request was " + (
            "refused" if refused else "granted"
        )
    return "" if refused else "the request was granted"


def tells(entry: LogEntry, moment: datetime) -> bool:
    """The entry's text names the moment to within two seconds."""
    text = f"{entry.event} {entry.outcome} {entry.resource}"
    for found in MOMENT.findall(text):
        told = datetime.fromisoformat(found.replace(",", "."))
        if told.tzinfo is None:
            told = told.replace(tzinfo=moment.tzinfo)
        if abs((told - moment).total_seconds()) <= 2:
            return True
    return False


@procedure(
    "log.fields", title="Log entries say who, what, when, where and with which outcome",
    requirements=("LOG-006",), device_seconds=120, front="robot",
)
def fields(session: Session, parameters: Mapping[str, Any]) -> None:
    """Each entry names system, kind and event, time, outcome, user and resource."""
    with prepared_urn(session) as prepared:
        eventful(session, prepared, int(parameters.get("sheets", 10)), "log.fields")
        _report_users(session, prepared.urn)
        close_polls(prepared)
        entries = prepared.urn.log()
    lacking = [
        (entry, missing)
        for entry in entries
        if (missing := missing_fields(entry, session.identity.serial))
    ]
    session.count(
        "LOG-006", len(entries), len(lacking), note="; ".join(
            f"no. {entry.sequence} ({entry.kind}) lacks {', '.join(missing)}"
            for entry, missing in lacking[:3]
        ),
    )


def _report_users(session: Session, urn: Urn) -> None:
    """LOG-006: what somebody does is logged in a name that no other role has."""
    tail = Tail(urn)
    users: dict[Role, set[str]] = {}
    for role in (Role.AUDITOR, Role.OPERATOR, Role.ADMINISTRATOR):
        urn.login(role)
        urn.logout()
        users[role] = {entry.user.strip() for entry in tail.new()}
    for role, named in users.items():
        own = named.difference(*(others for other, others in users.items() if other is not role))
        session.count(
            "LOG-006", 1, int(not own), condition=f"log-in and log-out as {role}",
            note="" if own else f"logged under {', '.join(sorted(named)) or 'nobody'}, as others",
        )


def missing_fields(entry: LogEntry, serial: str) -> tuple[str, ...]:
    """The fields of LOG-006 that are empty, or name another device than the one that logs."""
    missing = [
        name
        for name in ("device", "kind", "event", "stamp", "outcome", "user", "resource")
        if not str(getattr(entry, name)).strip()
    ]
    if entry.device.strip() and serial not in entry.device:
        missing.append(f"this device's serial number (it names {entry.device})")
    return tuple(missing)


@procedure(
    "log.privacy", title="The log holds no choice and no voter", requirements=("LOG-008",),
    device_seconds=180, front="robot",
)
def privacy(session: Session, parameters: Mapping[str, Any]) -> None:
    """Sheets with known choices are cast; no entry, and not the log's export, betrays one."""
    with prepared_urn(session) as prepared:
        tail = Tail(prepared.urn)
        sheets = eventful(session, prepared, int(parameters.get("sheets", 20)), "log.privacy")
        close_polls(prepared)
        entries = tail.new()
        exported = prepared.urn.export("log").decode("utf-8", errors="replace")
    canary = betraying(choices_on(sheets, session.definition))
    hits = [entry for entry in entries if canary.search(written(entry))]
    session.count(
        "LOG-008", len(entries), len(hits), condition="entries read over the link",
        note=shown(hits),
    )
    lines = exported.splitlines()
    found = [line for line in lines if canary.search(line)]
    session.count(
        "LOG-008", max(1, len(lines)), len(found), condition="exported log",
        note="; ".join(found[:3]),
    )


def choices_on(sheets: Iterable[Sheet], definition: ElectionDefinition) -> frozenset[str]:
    """Ids and names of every option marked on the sheets: what the log must never say."""
    marked = {(mark.contest, mark.option) for sheet in sheets for mark in sheet.marks}
    words: set[str] = set()
    for contest in definition.contests:
        for option in contest.options:
            if (contest.id, option.id) in marked:
                names = (option.name.ky, option.name.ru, option.name.en)
                words.update(name for name in (option.id, *names) if len(name) > 2)
    return frozenset(words)


def written(entry: LogEntry) -> str:
    """What an entry says in words."""
    return " ".join((entry.kind, entry.event, entry.outcome, entry.user, entry.resource))


def betraying(words: Iterable[str]) -> re.Pattern[str]:
    """What must not be found in a log: one of the words, whole, or a personal number."""
    choices = "|".join(re.escape(word) for word in sorted(words))
    return re.compile(rf"(?<!\w)(?:{choices})(?!\w)|{PERSONAL_NUMBER}" if choices
                      else PERSONAL_NUMBER)
