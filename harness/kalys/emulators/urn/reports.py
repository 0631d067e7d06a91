"""What the urn prints: the data of each kind of report, as bytes for the thermal printer.

Layout and wording are published (docs/protocols/urn-tape.md, ``kalys.protocols.urn.report``). One
element of the list that ``tape`` returns is one line on paper.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from kalys.election.tally import Tally
from kalys.emulators.urn.clock import stamp
from kalys.emulators.urn.mainboard import Mainboard
from kalys.emulators.urn.memory import Book
from kalys.protocols.tape import CODE_PAGES, KZ1048_PAGE, TapeWriter
from kalys.protocols.urn.messages import ReportKind
from kalys.protocols.urn.report import ContestTotals, Register, Report, compose

FEED_LINES = 3


def tape(board: Mainboard, kind: str) -> list[bytes]:
    """The bytes of a report, one element a line."""
    writer = TapeWriter()
    text = compose(board.behaviour.printed(_report(board, ReportKind(kind))))
    lines = [
        writer.line(_printable(line)) for line in board.behaviour.printed_lines(kind, text)
    ]
    lines[0] = writer.start() + lines[0]
    lines[-1] += writer.feed(FEED_LINES) + writer.cut()
    return lines


def _printable(text: str) -> str:
    """The text with a ? for every character that the printer's code page lacks."""
    page = CODE_PAGES[KZ1048_PAGE]
    plain = "".join(c if c.isprintable() else "?" for c in text)
    return plain.encode(page, "replace").decode(page)


def _report(board: Mainboard, kind: ReportKind) -> Report:
    memory, package, c = board.memory, board.memory.package, board.configuration
    book = memory.tests if kind is ReportKind.TEST else memory.book
    counters = board.behaviour.totals(book.counters)
    registers, contests = _registers(book, counters), _contests(counters)
    sheets = [counters.sheets, counters.valid, counters.invalid]
    styles = [package.style] if package else []
    urns: list[str] = []
    if kind is ReportKind.STATION:
        urns = [board.serial, *memory.imports]
        for results in board.behaviour.station_imports(memory.imports):
            registers, contests = _joined(registers, contests, results)
            for index, name in enumerate(("sheets", "valid", "invalid")):
                sheets[index] += results[name]
            styles += [results["style"]] if results["style"] not in styles else []
    return Report(
        kind=kind, number=memory.report_number, time=_time(board),
        election=package.definition.id if package else "-",
        station=package.station if package else "-",
        device=f"{c.maker} {c.model}", serial=board.serial, software=c.legal_software_id,
        styles=tuple(styles), sheets=sheets[0], valid=sheets[1], invalid=sheets[2],
        registers=tuple(registers), contests=tuple(contests), failures=tuple(board.failures),
        parameters=tuple(
            (row["name"], row["value"], row["unit"]) for row in board.told_parameters()
        ),
        event_counter=memory.event_counter, urns=tuple(urns),
    )


def _time(board: Mainboard) -> datetime | None:
    """The moment on the report; None where a faulty urn leaves it out."""
    clock = board.memory.clock
    text = board.behaviour.report_stamp(stamp(clock.time_ms(board.agenda.now), clock.offset_min))
    return datetime.fromisoformat(text) if text else None


def _registers(book: Book, counters: Tally) -> list[Register]:
    """Every option at both storage locations: its counter, and its votes among the records."""
    among = Counter(
        (contest, option)
        for record in book.records
        for contest, options in record.judgement.votes.items() for option in options
    )
    names = {
        (contest.id, option.id): option.name.ky
        for contest in book.contests for option in contest.options
    }
    return [
        Register(contest, option, votes, among[contest, option], names[contest, option])
        for contest, row in counters.votes.items() for option, votes in row.items()
    ]


def _contests(counters: Tally) -> list[ContestTotals]:
    return [
        ContestTotals(contest, counters.overvotes[contest], counters.undervotes[contest])
        for contest in counters.votes
    ]


def _joined(
    registers: list[Register], contests: list[ContestTotals], results: Mapping[str, Any]
) -> tuple[list[Register], list[ContestTotals]]:
    """Own registers with those of another urn's results file added."""
    votes = {(c, o): n for c, row in results["votes"].items() for o, n in row.items()}
    own = [
        Register(r.contest, r.option, r.totals + (n := votes.pop((r.contest, r.option), 0)),
                 r.records + n, r.name)
        for r in registers
    ]
    own += [Register(contest, option, n, n) for (contest, option), n in votes.items()]
    over, under = dict(results["overvotes"]), dict(results["undervotes"])
    totals = [
        ContestTotals(t.contest, t.overvotes + over.pop(t.contest, 0),
                      t.undervotes + under.pop(t.contest, 0))
        for t in contests
    ]
    totals += [ContestTotals(c, over.get(c, 0), under.get(c, 0)) for c in over]
    return own, totals

