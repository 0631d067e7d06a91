"""From a run folder to the report as data: everything is derived again from the evidence.

What is read: the journal (observations, identities, instruments), ``evidence/inputs/`` (the plan,
the profile, the bench and the catalogue as they were at the time of the run) and
``evidence/run.json`` (what is not the same in two runs of one seed: when it was, on which host).
Nothing else; so whoever holds the folder gets the same report.
"""

from __future__ import annotations

import dataclasses
import json
import math
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from kalys.errors import EvidenceError
from kalys.evidence.journal import Record, read_journal
from kalys.evidence.read_times import read_times
from kalys.evidence.standing import Standing
from kalys.metrology.sprt import VOTING_SYSTEM_TEST
from kalys.reporting.bounds import bounds_rows
from kalys.reporting.document import (
    SCHEMA,
    DevicePart,
    InstrumentPart,
    MeasurementPart,
    Report,
    RunPart,
    VerdictPart,
)
from kalys.reporting.errors import ErrorRecords, errors_part
from kalys.reporting.language import Translate, translator
from kalys.reporting.responses import ResponseRecords, marks_part
from kalys.requirements.catalogue import Catalogue, Requirement
from kalys.requirements.observation import Measurement, Observation, Outcome, Verdict
from kalys.requirements.plan import Plan
from kalys.requirements.verdict import conformity, judge_all

_STATUS = {
    "V": "read in the source", "F": "fact read, limit ours", "C": "computed from the source",
    "M": "from memory, unverified", "P": "proposed",
}
_HISTOGRAMS = 4
_MOST_READS = 2000


@dataclasses.dataclass(frozen=True)
class RunData:
    """What a run folder holds, read once. ``shards`` are the records of campaigns by procedure,
    ``ended`` the procedures that ended, with the error that ended them."""

    folder: Path
    run: dict[str, Any]
    inputs: dict[str, Any]
    plan: Plan
    catalogue: Catalogue
    identity: dict[str, Any]
    instruments: tuple[dict[str, Any], ...]
    observations: tuple[Observation, ...]
    records: int
    head: str
    errors: ErrorRecords = dataclasses.field(default_factory=ErrorRecords)
    responses: ResponseRecords = dataclasses.field(default_factory=ResponseRecords)
    read_times: tuple[float, ...] = ()
    shards: dict[str, list[dict[str, Any]]] = dataclasses.field(default_factory=dict)
    ended: dict[str, str | None] = dataclasses.field(default_factory=dict)

    @property
    def of_a_core(self) -> bool:
        """Whether a counting core was under test, and not an urn."""
        return self.identity.get("role") == "core"

    def verdicts(self) -> tuple[Verdict, ...]:
        """Every verdict, derived from the observations."""
        profile = self.inputs["profile"]
        return judge_all(
            self.catalogue, self.plan, profile["limits"], self.observations,
            frozenset(profile["capabilities"]), time_base=self.run["time_base"],
        )


def read_run(folder: Path) -> RunData:
    """Read a run folder; EvidenceError names what is missing or broken."""
    evidence = folder / "evidence"
    run = read_json(evidence / "run.json")
    inputs = {name: read_json(evidence / "inputs" / f"{name}.json")
              for name in ("plan", "profile", "bench", "requirements")}
    identity: dict[str, Any] = {}
    instruments: dict[str, dict[str, Any]] = {}
    last: Record | None = None
    errors, responses, stands = ErrorRecords(), ResponseRecords(), Standing()
    _require_file(evidence / "journal.jsonl")
    for record in read_journal(evidence / "journal.jsonl"):
        last = record
        errors.add(record)
        responses.add(record)
        stands.add(record)
        if record.kind == "identity" and record.data.get("under_test"):
            identity = record.data
        elif record.kind in ("identity", "instrument") and "name" in record.data:
            instruments[record.data["name"]] = record.data
    return RunData(
        folder=folder,
        run=run,
        inputs=inputs,
        plan=Plan.model_validate(inputs["plan"]),
        catalogue=Catalogue(tuple(
            Requirement.model_validate(r) for r in inputs["requirements"]["requirements"]
        )),
        identity=identity,
        instruments=tuple(instruments.values()),
        observations=tuple(stands.observations),
        records=last.number if last else 0,
        head=last.hash if last else "",
        errors=errors,
        responses=responses,
        read_times=tuple(read_times(evidence)),
        shards=stands.shards,
        ended=stands.ended,
    )


def build_report(data: RunData, lang: str | None = None) -> Report:
    """The report of a run; its own sentences in ``lang``, by default the run's language."""
    tr = translator(lang or data.run["lang"])
    verdicts = data.verdicts()
    within = [v for v in verdicts if v.requirement in data.plan.requirements]
    virtual = data.run["time_base"] == "virtual"
    emulated = bool(data.identity.get("emulated", True))
    decided = conformity(verdicts, data.plan)
    return Report(
        schema=SCHEMA,
        title="Certification report of a counting core" if data.of_a_core
        else "Certification report of a ballot-counting urn",
        run=_run_part(data),
        device=_device_part(data, emulated),
        instruments=[
            InstrumentPart(name=i["name"], role=i.get("role", ""),
                           description=i.get("description") or _named(i))
            for i in data.instruments
        ],
        plan=data.plan.plan,
        plan_purpose=data.plan.purpose,
        conformity=decided,
        statement=_statement(decided, within, tr),
        limitations=_limitations(virtual, emulated, data, tr),
        deviations=sorted({d for v in within for d in v.deviations}),
        counts={o.value: sum(v.verdict is o for v in within) for o in Outcome},
        verdicts=[_verdict_part(v, data) for v in verdicts],
        accuracy=_accuracy(data.observations, tr),
        bounds=bounds_rows(verdicts, data.plan.requirements),
        timing=[*_timing(data, verdicts), *_reads(data, tr)],
        errors=errors_part(data.errors, data.folder / "evidence", tr),
        marks=marks_part(data.responses),
    )


def read_json(path: Path) -> Any:
    """A JSON document of a run folder; EvidenceError when there is none that can be read."""
    _require_file(path)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise _unreadable(path, str(error)) from error


def _require_file(path: Path) -> None:
    """A hostile folder may hold a link, a pipe or a device in the place of a file."""
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            raise _unreadable(path, "it is not a regular file")
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error


def _unreadable(path: Path, why: str) -> EvidenceError:
    return EvidenceError(
        f"cannot be read: {why}", where=str(path),
        remedy="Is this the folder of a run? It holds report.json and evidence/.",
    )


def _named(device: dict[str, Any]) -> str:
    """A device that only identified itself: maker, model and serial number."""
    words = [device.get(key, "") for key in ("maker", "model")]
    serial = device.get("serial", "")
    return " ".join(word for word in [*words, f"no. {serial}" if serial else ""] if word)


def _run_part(data: RunData) -> RunPart:
    run = data.run
    return RunPart(
        id=run["id"], started=run["started"], finished=run["finished"],
        interrupted=run["status"] != "complete", time_base=run["time_base"], seed=run["seed"],
        bench=run["bench"], election=run["election"], wire=run["wire"], kalys=run["kalys"],
        host=run["host"], journal_records=data.records, journal_head=data.head,
        laboratory=run["laboratory"],
    )


def _device_part(data: RunData, emulated: bool) -> DevicePart:
    known = data.identity
    return DevicePart(
        maker=known.get("maker", ""), model=known.get("model", ""),
        serial=known.get("serial", "not identified"), firmware=known.get("firmware", ""),
        firmware_sha256=known.get("firmware_sha256", ""),
        legal_software_id=known.get("legal_software_id", ""),
        profile=data.inputs["profile"]["profile"],
        role="core" if data.of_a_core else "urn", emulated=emulated,
        promised=data.inputs["profile"]["limits"],
    )


def _statement(decided: str, within: Sequence[Verdict], tr: Translate) -> str:
    passed = sum(v.verdict is Outcome.PASS for v in within)
    judged = [v for v in within
              if v.verdict not in (Outcome.NOT_APPLICABLE, Outcome.NOT_TESTED)]
    sentences = [
        tr("{passed} of {judged} requirements tested under this plan are met.").format(
            passed=passed, judged=len(judged)
        )
    ]
    smaller = sum(v.verdict is Outcome.PASS and bool(v.deviations) for v in within)
    if smaller:
        sentences.append(tr(
            "{smaller} of them rest on a smaller sample than the requirement itself asks: "
            "see Deviations."
        ).format(smaller=smaller))
    if decided == "does-not-conform":
        failed = ", ".join(v.requirement for v in within if v.verdict is Outcome.FAIL)
        sentences.append(tr("Not met: {failed}.").format(failed=failed))
    pending = (Outcome.INCONCLUSIVE, Outcome.BLOCKED)
    undecided = [v.requirement for v in within
                 if v.verdict in pending or (v.verdict is Outcome.NOT_TESTED and not v.by_plan)]
    if undecided:
        sentences.append(tr("Undecided: {undecided}.").format(undecided=", ".join(undecided)))
    return " ".join(sentences)


def _limitations(virtual: bool, emulated: bool, data: RunData, tr: Translate) -> list[str]:
    notes = []
    if data.of_a_core:
        notes.append(tr(
            "The counting core was given pictures of rendered sheets. The statement covers the "
            "core alone and no unit in which it works."
        ))
    elif emulated or virtual:
        notes.append(tr("What was measured is a model. It cannot certify a physical unit."))
    if data.run["status"] != "complete":
        notes.append(tr("The run was interrupted; what was recorded until then is judged."))
    notes.append(tr(
        "The conformity statement covers the {number} requirements of the plan {plan} "
        "and no others."
    ).format(number=len(data.plan.requirements), plan=data.plan.plan))
    notes.append(tr("Limits marked as proposed come from no published standard."))
    return notes


def _verdict_part(verdict: Verdict, data: RunData) -> VerdictPart:
    requirement = data.catalogue[verdict.requirement]
    return VerdictPart(
        requirement=verdict.requirement, verdict=verdict.verdict.value, reason=verdict.reason,
        statement=requirement.statement, group=requirement.group, tier=requirement.tier,
        source=requirement.source,
        source_status=_STATUS.get(requirement.value_status, requirement.value_status),
        limit=verdict.limit, limit_source=verdict.limit_source, rule=verdict.rule,
        in_plan=verdict.requirement in data.plan.requirements,
        procedures=list(verdict.procedures), deviations=list(verdict.deviations),
        failures=list(verdict.failures),
        measurements=[_measurement_part(m) for m in verdict.measurements],
    )


def _measurement_part(measurement: Measurement) -> MeasurementPart:
    values = {field.name: getattr(measurement, field.name)
              for field in dataclasses.fields(measurement)}
    # JSON has no infinity: infinitely many degrees of freedom are none given.
    finite: dict[str, Any] = {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in values.items()
    }
    return MeasurementPart(**finite)


def _accuracy(observations: Iterable[Observation], tr: Translate) -> dict[str, Any]:
    """Cumulative positions and errors of the sequential test's stream (ACC-002)."""
    positions, errors = [], []
    n = r = 0
    for seen in observations:
        if seen.requirement == "ACC-002" and seen.kind == "count":
            n, r = n + seen.trials, r + seen.failures
            positions.append(n)
            errors.append(r)
    if not positions:
        return {}
    step = max(1, len(positions) // 400)
    kept = [i for i in range(len(positions))
            if i % step == 0 or i == len(positions) - 1 or errors[i] != errors[i - 1]]
    test = VOTING_SYSTEM_TEST
    caption = tr(
        "Sequential test (VVSG 2005) with p0 = {p0}, p1 = {p1}, alpha = beta = {alpha}: "
        "{errors} errors in {positions} ballot positions; accepted from {needed} positions."
    ).format(
        p0=f"{test.p0:g}", p1=f"{test.p1:g}", alpha=f"{test.alpha:g}", errors=r,
        positions=_grouped(n), needed=_grouped(math.ceil(test.accept_at(r))),
    )
    return {
        "positions": [positions[i] for i in kept], "errors": [errors[i] for i in kept],
        "accept_0": test.accept_at(0), "reject_1": test.reject_at(1),
        "positions_per_error": test.accept_at(1) - test.accept_at(0),
        "caption": caption,
    }


def _reads(data: RunData, tr: Translate) -> list[dict[str, Any]]:
    """How long a core took for each sheet: information, without a limit."""
    if len(data.read_times) < 5:
        return []
    step = max(1, len(data.read_times) // _MOST_READS)
    return [{
        "requirement": "", "title": tr("Time of one read (information)"), "unit": "ms",
        "values": [round(1000 * value, 3) for value in data.read_times[::step]], "limit": None,
    }]


def _grouped(number: int) -> str:
    return f"{number:,}".replace(",", "\u202f")


def _timing(data: RunData, verdicts: Sequence[Verdict]) -> list[dict[str, Any]]:
    """The readings of the timing requirements with most values, for histograms."""
    series: dict[str, list[Observation]] = {}
    for seen in data.observations:
        if seen.kind == "reading" and seen.value is not None and seen.requirement.startswith("TIM"):
            series.setdefault(seen.requirement, []).append(seen)
    judged = {v.requirement: v for v in verdicts}
    longest = sorted(series.items(), key=lambda item: -len(item[1]))[:_HISTOGRAMS]
    return [
        {
            "requirement": requirement,
            "title": f"{requirement}: {data.catalogue[requirement].limit.metric}",
            "unit": seen[0].unit,
            "values": [o.value for o in seen],
            "limit": judged[requirement].limit_value,
        }
        for requirement, seen in sorted(longest)
        if len(seen) >= 5
    ]
