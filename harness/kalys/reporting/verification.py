"""``kalys verify``: does everything in a run folder agree?

Files, chain and signature are checked by ``kalys.evidence.verification`` (which the stand-alone
``verify.py`` shares); here every verdict is derived again from the journal's observations and held
against ``report.json``.
"""

from __future__ import annotations

import json
from pathlib import Path

from kalys.errors import KalysError
from kalys.evidence.verification import Finding, verify_files
from kalys.reporting.build import build_report, read_run


def verify_run(folder: Path) -> list[Finding]:
    """All findings about a run folder; everything agrees when all are ``ok``."""
    findings = list(verify_files(folder))
    try:
        derived = build_report(read_run(folder)).model_dump(mode="json", by_alias=True)
        told = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    except (KalysError, OSError, ValueError, KeyError) as error:
        return [*findings, Finding(False, f"verdicts cannot be derived: {error}", "verdicts")]
    return [*findings, *_compare(told, derived)]


def _compare(told: object, derived: dict[str, object]) -> list[Finding]:
    if not isinstance(told, dict) or not isinstance(told.get("verdicts"), list):
        return [Finding(False, "holds no list of verdicts", "report.json")]
    findings = []
    ours = {v["requirement"]: v for v in derived["verdicts"]}  # type: ignore[attr-defined]
    theirs = {v.get("requirement"): v for v in told["verdicts"] if isinstance(v, dict)}
    for name in sorted({*ours, *theirs}, key=str):
        said, found = theirs.get(name, {}), ours.get(name, {})
        if said != found:
            findings.append(Finding(
                False,
                f"the report says {said.get('verdict', 'nothing')}, the evidence gives "
                f"{found.get('verdict', 'nothing')} ({found.get('reason', '')})",
                f"verdict {name}",
            ))
    if not findings:
        findings.append(
            Finding(True, f"{len(ours)} verdicts derived again from the observations", "verdicts")
        )
    rest_differs = [
        key for key in derived if key != "verdicts" and told.get(key) != derived[key]
    ]
    findings.append(Finding(
        not rest_differs,
        f"differs from the evidence in: {', '.join(rest_differs)}" if rest_differs
        else "agrees with the evidence",
        "report.json",
    ))
    return findings
