"""Defects of the event log that leaves the urn in NIST's format."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kalys.emulators.urn.behaviour import Behaviour


def _events(report: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for device in report["Device"]:
        yield from device["Event"]


class LogExportLeavesEntriesOut(Behaviour):
    def exported_log(self, report: dict[str, Any]) -> dict[str, Any]:
        report = super().exported_log(report)
        every = round(self.parameters["log-export-leaves-entries-out"]["every"])
        for device in report["Device"]:
            device["Event"] = [e for place, e in enumerate(device["Event"], 1) if place % every]
        return report


class LogExportWithoutZone(Behaviour):
    def exported_log(self, report: dict[str, Any]) -> dict[str, Any]:
        report = super().exported_log(report)
        for event in _events(report):
            event["TimeStamp"] = event["TimeStamp"][: -len("+06:00")]
        return report


class LogExportAlwaysSuccess(Behaviour):
    def exported_log(self, report: dict[str, Any]) -> dict[str, Any]:
        report = super().exported_log(report)
        for event in _events(report):
            event["Disposition"] = "success"
            event.pop("OtherDisposition", None)
        return report


class LogExportKeysOfItsOwn(Behaviour):
    def exported_log(self, report: dict[str, Any]) -> dict[str, Any]:
        report = super().exported_log(report)
        for event in _events(report):
            event["Resource"] = event.pop("Details")
        return report
