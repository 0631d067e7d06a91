"""The report as data: what ``report.json`` holds, and the JSON Schema of it.

HTML and PDF show exactly these fields; nobody computes anything further down. The content follows
ISO/IEC 17025:2017 7.8.2.1 (title, laboratory, unique identification, method, item and its
condition, dates, sampling, results with units, deviations) and the synopsis form of OIML test
reports.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

SCHEMA = "kalys-report-1"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RunPart(_Part):
    """The run: when, with what, and how its evidence is identified."""

    id: str
    started: str = Field(description="ISO 8601, UTC, of the host's clock")
    finished: str
    interrupted: bool
    time_base: str = Field(description="virtual or real")
    seed: int
    bench: str
    election: str
    wire: str = Field(description="in-process, tcp, pty, rfc2217 or real")
    kalys: str = Field(description="version of Kalys")
    host: str
    journal_records: int
    journal_head: str = Field(description="SHA-256 of the last chained record")
    laboratory: str


class DevicePart(_Part):
    """The item under test, as it identified itself over its link."""

    maker: str
    model: str
    serial: str
    firmware: str
    firmware_sha256: str
    legal_software_id: str
    profile: str
    role: str = Field(default="urn", description="urn or core")
    emulated: bool
    promised: dict[str, Any] = Field(description="limits of the profile")


class MeasurementPart(_Part):
    """One measured quantity."""

    quantity: str
    value: float | None
    unit: str = Field(description="UCUM code")
    u: float | None = Field(description="standard uncertainty")
    dof: float | None
    trials: int | None
    failures: int | None
    bound: float | None = Field(description="one-sided 95 % upper bound of the rate")
    time_base: str
    instrument: str
    evidence: tuple[int, int] = Field(description="first and last journal record behind it")
    conditions: dict[str, Any]


class VerdictPart(_Part):
    """What was decided about one requirement."""

    requirement: str
    verdict: str
    reason: str
    statement: str
    group: str
    tier: str
    source: str
    source_status: str
    limit: str
    limit_source: str
    rule: str
    in_plan: bool
    procedures: list[str]
    deviations: list[str]
    failures: list[str]
    measurements: list[MeasurementPart]


class FacetRow(_Part):
    """Errors at one value of a facet, such as one kind of mark."""

    value: str
    tried: int
    misread: int
    not_counted: int = Field(description="given back or not answered, and should have been counted")


class Facet(_Part):
    """Errors by one facet: mark, position, side of the ballot, orientation or paper."""

    facet: str
    unit: str = Field(description="what was tried: targets or sheets")
    rows: list[FacetRow] = Field(description="those with most errors first")
    more: int = Field(description="rows left out")


class ErrorPicture(_Part):
    """The part of a picture at which an error lies."""

    file: str = Field(description="below evidence/")
    sha256: str
    text: str


class ErrorsPart(_Part):
    """Where a counting core went wrong."""

    facets: list[Facet]
    pictures: list[ErrorPicture]


class CurvePart(_Part):
    """Shares of answers to a mark, over what grows."""

    title: str
    quantity: str
    unit: str
    answers: list[str]
    points: list[tuple[float, int, list[int]]] = Field(
        description="x, marks shown, and how many of them gave each of the answers"
    )
    thresholds: list[tuple[str, float]]
    note: str = ""


class MapPart(_Part):
    """A value for each target of a ballot's front."""

    title: str
    unit: str
    style: str
    page_mm: tuple[float, float]
    places: list[tuple[str, float, float, float, float, float, int]] = Field(
        description="contest/option, centre x and y, width, height (mm), value, and -1 or 1 where "
        "the value is only an upper or lower bound"
    )
    note: str = ""


class MarksPart(_Part):
    """How the device answered to marginal marks."""

    curves: list[CurvePart]
    maps: list[MapPart]


class InstrumentPart(_Part):
    """A device of the bench that is not under test."""

    name: str
    role: str
    description: str


class BoundsRow(_Part):
    """Upper bounds (95 %) of the error rate per position, by what they suppose; null: not valid."""

    requirement: str
    errors: int
    positions: int
    sheets: int
    independent: float | None = Field(description="fixed sample, independent positions")
    clustered: float | None = Field(description="fixed sample, errors may cluster on sheets")
    any_stop: float | None = Field(description="any stop, independent positions")
    any_stop_clustered: float | None = Field(description="any stop, errors may cluster on sheets")
    method: str = Field(description="how the bound that allows for clusters was found")


class Report(_Part):
    """The whole report."""

    schema_: str = Field(alias="schema")
    title: str
    run: RunPart
    device: DevicePart
    instruments: list[InstrumentPart]
    plan: str
    plan_purpose: str
    conformity: str = Field(description="conforms, does-not-conform or inconclusive")
    statement: str
    limitations: list[str]
    deviations: list[str]
    counts: dict[str, int] = Field(description="number of verdicts of each kind, within the plan")
    verdicts: list[VerdictPart]
    accuracy: dict[str, Any] = Field(description="path of the sequential test")
    bounds: list[BoundsRow] = Field(default_factory=list, description="of error rates")
    timing: list[dict[str, Any]] = Field(description="readings, for the histograms")
    errors: ErrorsPart | None = Field(default=None, description="of a counting core")
    marks: MarksPart | None = Field(default=None, description="responses to marginal marks")


def report_schema() -> dict[str, Any]:
    """The JSON Schema of ``report.json``."""
    return Report.model_json_schema(by_alias=True)
