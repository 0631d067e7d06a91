"""``kalys verify``: does everything in a run folder agree?

Files, chain and signature are checked by ``kalys.evidence.verification`` (which the stand-alone
``verify.py`` shares); here the observations of campaigns are derived again from the answers of the
core, and every verdict from the journal's observations and held against ``report.json``.
"""

from __future__ import annotations

import os
from pathlib import Path

from kalys.errors import KalysError
from kalys.evidence.standalone import JOURNAL
from kalys.evidence.verification import Finding, verify_files
from kalys.reporting.build import build_report, read_json, read_run
from kalys.reporting.campaign_verification import verify_campaigns


def verify_run(folder: Path, *, redraw: bool = False) -> list[Finding]:
    """All findings about a run folder; everything agrees when all are ``ok``. ``redraw`` draws
    pictures of campaigns again (see ``campaign_verification``)."""
    findings = list(verify_files(folder))
    if not any(finding.ok and finding.where == JOURNAL for finding in findings):
        return [*findings, _underived("the journal does not hold")]
    if not os.path.lexists(folder / "report.json"):
        what = "there is no report: the run did not come to its end (kalys report writes one)"
        return [*findings, Finding(False, what, "report.json")]
    try:
        data = read_run(folder)
        findings += verify_campaigns(data, redraw=redraw)
        derived = build_report(data).model_dump(mode="json", by_alias=True)
        told = read_json(folder / "report.json")
    except KalysError as error:
        return [*findings, _underived(f"{error.where}: {error.what}")]
    except Exception as error:
        # A hostile folder may hold anything, of any type, anywhere.
        return [*findings, _underived(f"{type(error).__name__}: {error}")]
    return [*findings, *_compare(told, derived)]


def _underived(why: str) -> Finding:
    return Finding(False, f"verdicts cannot be derived: {_short(why)}", "verdicts")


def _short(value: object) -> str:
    """What a folder told us, as one line that a terminal may show."""
    text = "".join(c if c.isprintable() else " " for c in str(value))
    return text if len(text) <= 200 else text[:197] + "..."


def _compare(told: object, derived: dict[str, object]) -> list[Finding]:
    if not isinstance(told, dict) or not isinstance(told.get("verdicts"), list):
        return [Finding(False, "holds no list of verdicts", "report.json")]
    findings = []
    ours = {v["requirement"]: v for v in derived["verdicts"]}  # type: ignore[attr-defined]
    theirs = {str(v.get("requirement")): v for v in told["verdicts"] if isinstance(v, dict)}
    for name in sorted({*ours, *theirs}, key=str):
        said, found = theirs.get(name, {}), ours.get(name, {})
        if said != found:
            findings.append(Finding(
                False,
                f"the report says {_short(said.get('verdict', 'nothing'))}, the evidence gives "
                f"{found.get('verdict', 'nothing')} ({found.get('reason', '')})",
                f"verdict {_short(name)}",
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
