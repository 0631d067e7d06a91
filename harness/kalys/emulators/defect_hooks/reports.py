"""Defects of the printer and of what it prints."""

# ruff: noqa: ARG002  (an override takes what its hook is given)
from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kalys.emulators.urn.behaviour import Behaviour
from kalys.protocols.urn.messages import ReportKind

if TYPE_CHECKING:
    from kalys.protocols.urn.report import Report

_FINAL = (ReportKind.RESULTS, ReportKind.STATION)


class ReportWithoutTime(Behaviour):
    def report_stamp(self, stamp: str) -> str:
        return ""


class SlowClosingReport(Behaviour):
    def report_delay_s(self, kind: str) -> float:
        slow = kind == ReportKind.RESULTS.value
        return self.parameters["slow-closing-report"]["seconds"] if slow else 0.0


class ZeroReportIncomplete(Behaviour):
    """The last contest of the ballot is not on it."""

    def printed(self, report: Report) -> Report:
        report = super().printed(report)
        if report.kind is not ReportKind.ZERO or not report.contests:
            return report
        last = report.contests[-1].contest
        return replace(
            report,
            registers=tuple(r for r in report.registers if r.contest != last),
            contests=report.contests[:-1],
        )


class ZeroReportTotalsOnly(Behaviour):
    def printed_lines(self, kind: str, lines: list[str]) -> list[str]:
        lines = super().printed_lines(kind, lines)
        if kind != ReportKind.ZERO.value:
            return lines
        return [re.sub(r"(\s\d+)\s+\d+$", r"\1", line) for line in lines]


class UndervotesNotPrinted(Behaviour):
    def printed(self, report: Report) -> Report:
        report = super().printed(report)
        if report.kind not in _FINAL:
            return report
        return replace(
            report, contests=tuple(replace(row, undervotes=0) for row in report.contests)
        )


class PrintedTotalDiffers(Behaviour):
    """The option with the most votes has one more on paper than in memory."""

    def printed(self, report: Report) -> Report:
        report = super().printed(report)
        if report.kind is not ReportKind.RESULTS or not report.registers:
            return report
        most = max(report.registers, key=lambda register: register.totals)
        return replace(report, registers=tuple(
            replace(r, totals=r.totals + 1) if r is most else r for r in report.registers
        ))


class ConsolidatedTwice(Behaviour):
    def station_imports(
        self, imports: Mapping[str, Mapping[str, Any]]
    ) -> Sequence[Mapping[str, Any]]:
        others = super().station_imports(imports)
        return (*others, *others)


class UrnLeftOut(Behaviour):
    def station_imports(
        self, imports: Mapping[str, Mapping[str, Any]]
    ) -> Sequence[Mapping[str, Any]]:
        return ()


class SoftwareUnnamed(Behaviour):
    def printed(self, report: Report) -> Report:
        return replace(super().printed(report), software="")


class OptionsSwapped(Behaviour):
    """On the results report the options with most and with fewest votes change places."""

    def printed(self, report: Report) -> Report:
        report = super().printed(report)
        if report.kind is not ReportKind.RESULTS or len(report.registers) < 2:
            return report
        one, *_, other = sorted(report.registers, key=lambda r: r.totals)
        taken = {one: other, other: one}
        return replace(report, registers=tuple(
            replace(r, totals=taken[r].totals, records=taken[r].records) if r in taken else r
            for r in report.registers
        ))


class LastRowCut(Behaviour):
    """Final reports lack the row of the last option."""

    def printed(self, report: Report) -> Report:
        report = super().printed(report)
        if report.kind not in _FINAL:
            return report
        return replace(report, registers=report.registers[:-1])


class VotesRounded(Behaviour):
    """Final reports show votes in whole multiples of a number."""

    def printed(self, report: Report) -> Report:
        report = super().printed(report)
        if report.kind not in _FINAL:
            return report
        to = max(1, int(self.parameters["votes-rounded"]["to"]))
        return replace(report, registers=tuple(
            replace(r, totals=round(r.totals / to) * to) for r in report.registers
        ))


class SumWrong(Behaviour):
    """Every row is right; the sum of the valid sheets is not."""

    def printed(self, report: Report) -> Report:
        report = super().printed(report)
        if report.kind not in _FINAL:
            return report
        more = int(self.parameters["sum-wrong"]["more"])
        return replace(report, valid=report.valid + more, sheets=report.sheets + more)


class RowPrintedTwice(Behaviour):
    """Final reports show the first row of an option once more."""

    def printed(self, report: Report) -> Report:
        report = super().printed(report)
        if report.kind not in _FINAL:
            return report
        return replace(report, registers=(*report.registers[:1], *report.registers))


class StationWrong(Behaviour):
    def printed(self, report: Report) -> Report:
        report = super().printed(report)
        number = int(self.parameters["station-wrong"]["number"])
        return replace(report, station=f"{number:04d}")


class ElectionOfWorks(Behaviour):
    """Reports name the election with which the urn left the works."""

    def printed(self, report: Report) -> Report:
        return replace(super().printed(report), election="demo-2019-01-01")
