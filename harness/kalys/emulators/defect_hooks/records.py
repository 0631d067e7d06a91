"""Defects of the cast vote records that leave the urn in NIST's format."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kalys.emulators.urn.behaviour import Behaviour


def _marginal(report: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The positions of a report that tell of a marginal mark."""
    for record in report["CVR"]:
        for snapshot in record["CVRSnapshot"]:
            for contest in snapshot["CVRContest"]:
                for selection in contest["CVRContestSelection"]:
                    for position in selection["SelectionPosition"]:
                        if position["HasIndication"] == "unknown":
                            yield position


class MarginalExportedAsVote(Behaviour):
    def exported_records(self, report: dict[str, Any]) -> dict[str, Any]:
        report = super().exported_records(report)
        for position in list(_marginal(report)):
            position["HasIndication"] = "yes"
        return report


class MarginalExportedAsBlank(Behaviour):
    def exported_records(self, report: dict[str, Any]) -> dict[str, Any]:
        report = super().exported_records(report)
        for position in list(_marginal(report)):
            position["HasIndication"] = "no"
        return report


class MarginalExportedUnmeasured(Behaviour):
    def exported_records(self, report: dict[str, Any]) -> dict[str, Any]:
        report = super().exported_records(report)
        for position in _marginal(report):
            position.pop("MarkMetricValue", None)
        return report


class ExportLeavesRecordsOut(Behaviour):
    def exported_records(self, report: dict[str, Any]) -> dict[str, Any]:
        report = super().exported_records(report)
        every = round(self.parameters["export-leaves-records-out"]["every"])
        kept = [r for place, r in enumerate(report["CVR"], 1) if place % every]
        return {**report, "CVR": kept}
