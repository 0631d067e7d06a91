"""The urn's printed reports: what is on the tape, as lines of text (docs/protocols/urn-tape.md).

``compose`` turns a report's data into lines of 42 columns, with headings in Kyrgyz and English; it
is the printer's side. ``parse`` (``kalys.protocols.urn.report_reading``) goes the other way by
patterns and shares nothing with it, so that an error of one is not hidden by the other.

What a report must say: VVSG 2.0 1.1.2-B (zero report: every register at every storage location),
1.1.9-J to L (results); the software identifier of the legally relevant part after WELMEC 7.2 and
OIML D 31.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from kalys.errors import ProtocolError
from kalys.protocols.urn.messages import ReportKind
from kalys.protocols.urn.report_reading import ReportPatterns, parse

__all__ = ["COLUMNS", "ContestTotals", "Register", "Report", "ReportPatterns", "compose", "parse"]

COLUMNS = 42

TITLES = {
    ReportKind.ZERO: "НӨЛДҮК ОТЧЁТ / ZERO REPORT",
    ReportKind.RESULTS: "ЖЫЙЫНТЫК / RESULTS REPORT",
    ReportKind.STATION: "УЧАСТКАНЫН ЖЫЙЫНТЫГЫ / STATION REPORT",
    ReportKind.STATUS: "АБАЛ / STATUS REPORT",
    ReportKind.PARAMETERS: "ЧЕКТҮҮ МААНИЛЕР / PARAMETERS REPORT",
    ReportKind.TEST: "СЫНОО, ЭСЕПКЕ КИРБЕЙТ / TEST REPORT",
}


@dataclass(frozen=True)
class Register:
    """One option's register, as it stands at each storage location."""

    contest: str
    option: str
    totals: int
    records: int       # votes for the option among the stored cast vote records
    name: str = ""     # printed beside the code as far as it fits; not read back


@dataclass(frozen=True)
class ContestTotals:
    """What a contest counts besides its options."""

    contest: str
    overvotes: int
    undervotes: int


@dataclass(frozen=True)
class Report:
    """Everything a report may say; which of it is printed depends on ``kind``.

    ``time`` is aware; None leaves the line out, as a defective device does. ``failures`` are those
    found by the urn since its start. ``urns`` are serials of the urns in a station report.
    """

    kind: ReportKind
    number: int
    time: datetime | None
    election: str
    station: str
    device: str                                    # maker and model
    serial: str
    software: str                                  # identifier of the legally relevant part
    styles: tuple[str, ...] = ()
    sheets: int = 0
    valid: int = 0
    invalid: int = 0
    registers: tuple[Register, ...] = ()
    contests: tuple[ContestTotals, ...] = ()
    failures: tuple[str, ...] = ()
    parameters: tuple[tuple[str, str, str], ...] = ()   # name, value, unit
    event_counter: int | None = None
    urns: tuple[str, ...] = ()


def compose(report: Report) -> list[str]:
    """The report's lines, none longer than 42 columns.

    ProtocolError when a number or a code is too long for its column.
    """
    lines = list(_head(report))
    if report.kind is ReportKind.PARAMETERS:
        lines += _parameters(report.parameters)
    else:
        lines += _counts(report)
    if report.kind not in (ReportKind.STATUS, ReportKind.PARAMETERS):
        lines += _contests(report)
    lines += _failures(report.failures)
    if report.event_counter is not None:
        lines.append(_number("Өзгөртүүлөр / Event counter", report.event_counter))
    lines += ["=" * COLUMNS, f"АЯГЫ / END {report.number}".center(COLUMNS).rstrip()]
    return lines


def _head(report: Report) -> Iterator[str]:
    yield "=" * COLUMNS
    yield TITLES[report.kind].center(COLUMNS).rstrip()
    yield "=" * COLUMNS
    yield from _labelled("Шайлоо / Election", report.election)
    yield from _labelled("Участка / Station", report.station)
    yield from _labelled("Түзмөк / Device", report.device)
    yield from _labelled("Номери / Serial", report.serial)
    yield from _labelled("Программа / Software", report.software)
    if report.time is not None:
        yield from _labelled("Убакыт / Time", report.time.isoformat(timespec="seconds"))
    yield from _labelled("Отчёт № / Report", str(report.number))
    if report.urns:
        yield from _labelled("Урналар / Urns", " ".join(report.urns))
    yield "-" * COLUMNS


def _counts(report: Report) -> Iterator[str]:
    yield from _labelled("Бюллетендин түрү / Style", " ".join(report.styles))
    yield _number("Саналды / Counted", report.sheets)
    yield _number("Жарактуу / Valid", report.valid)
    yield _number("Жараксыз / Invalid", report.invalid)


def _contests(report: Report) -> Iterator[str]:
    """Registers and totals of every contest, in the order in which they were given."""
    totals = {row.contest: row for row in report.contests}
    order = dict.fromkeys([*(r.contest for r in report.registers), *totals])
    for contest in order:
        yield "-" * COLUMNS
        yield from _labelled("Добуш берүү / Contest", contest)
        yield f"{'Код / Option':<18} {'Эсеп/Totals':>11} {'Жаң/Records':>11}"
        for register in report.registers:
            if register.contest == contest:
                yield _register(register)
        row = totals.get(contest)
        if row is not None:
            yield _number("Ашыкча белги / Overvotes", row.overvotes)
            yield _number("Белгисиз / Undervotes", row.undervotes)


def _register(register: Register) -> str:
    label = f"{register.option} {register.name}"[:18].strip()
    line = f"{label:<18} {register.totals:>11} {register.records:>11}"
    if len(register.option) > 18 or register.option.split() != [register.option]:
        raise ProtocolError(f"option {register.option!r}: codes are words of at most 18 letters",
                            where="printed report")
    return _fitting(line)


def _parameters(parameters: Iterable[tuple[str, str, str]]) -> Iterator[str]:
    for name, value, unit in parameters:
        yield from _wrapped(f"{name} = {value} {unit}".strip())


def _failures(failures: tuple[str, ...]) -> Iterator[str]:
    yield "-" * COLUMNS
    yield _number("Мүчүлүштөр / Failures", len(failures))
    for failure in failures:
        yield from _wrapped(f"! {failure}")


def _number(label: str, value: int) -> str:
    return _fitting(f"{label + ':':<30} {value:>11}")


def _fitting(line: str) -> str:
    if len(line) > COLUMNS:
        raise ProtocolError(f"no line of {COLUMNS} columns: {line!r}", where="printed report")
    return line


def _labelled(label: str, value: str) -> Iterator[str]:
    line = " ".join(f"{label}: {value}".split())
    if len(line) <= COLUMNS:
        yield line
    else:
        yield f"{label}:"
        yield from ("  " + line if line[0] != ">" else " " + line
                    for line in _pieces(value, COLUMNS - 2))


def _wrapped(text: str) -> Iterator[str]:
    """A line and its continuations, which begin with two spaces, or with " >" inside a word."""
    first, *rest = _pieces(text, COLUMNS - 2)
    yield first.removeprefix(">")
    yield from ("  " + line if line[0] != ">" else " " + line for line in rest)


def _pieces(text: str, width: int) -> list[str]:
    """The words of a text in lines of ``width``; a piece that continues a word begins with >."""
    lines: list[str] = []
    for word in text.split():
        if lines and len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] += " " + word
            continue
        lines.append(word[:width])
        for start in range(width, len(word), width):
            lines.append(">" + word[start : start + width])
    return lines or ["-"]
