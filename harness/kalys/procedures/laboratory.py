"""The laboratory looks at its own run: LAB-001, LAB-002, LAB-004 and LAB-005.

These procedures come last and touch no device. They look at what the others left, the plan, the
observations and the journal on the disk, and they can fail: a requirement of the conformance
statement that nothing observed, a record without evidence, a verdict that is no word of the scheme,
a journal whose chain is broken. What they ask of a run are pure functions of it.

Rules: VVSG 2.0 1.3-A(1-9) and 1.3-B; the verdict words of the EAC's test assertions, with
INCONCLUSIVE for too little data (docs/decisions).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kalys.errors import KalysError
from kalys.evidence import sealing, signing, standalone
from kalys.evidence.journal import Journal, read_journal
from kalys.procedures import registry
from kalys.procedures.registry import procedure
from kalys.requirements import verdict as verdicts
from kalys.requirements.catalogue import Catalogue
from kalys.requirements.observation import Observation, Outcome, Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from kalys.procedures.session import Session
    from kalys.requirements.plan import Plan

FAMILY = "laboratory."
MEASURED = ("count", "reading", "check", "detection")
UNSAID = ("blocked", "not-applicable")


@procedure(
    "laboratory.coverage", title="Every requirement of the conformance statement was tested",
    requirements=("LAB-001",), device_seconds=0, front="robot",
    devices=("urn", "core"),
)
def coverage(session: Session, parameters: Mapping[str, Any]) -> None:  # noqa: ARG001
    """Each requirement of the plan maps to at least one procedure that was run and observed it."""
    done = {*session.finished, *(o.procedure for o in session.observations)}
    base = session.clock.base
    for requirement, ok, note in mapped(
        session.catalogue, session.plan, base, session.observations, done
    ):
        if note and ok:
            session.not_applicable("LAB-001", note)
        else:
            session.check("LAB-001", requirement, ok, note)


def mapped(
    catalogue: Catalogue, plan: Plan, base: str, seen: Sequence[Observation], done: Collection[str]
) -> Iterator[tuple[str, bool, str]]:
    """(requirement, whether an executed procedure observed it, note) over a plan.

    What only omitted procedures test is no gap, but a named one: it comes with True and the reason.
    The laboratory's own requirements are mapped when a procedure for them is known: it is running.
    """
    observed = {o.requirement for o in seen if o.procedure in done}
    omitted = plan.omitted(base)
    known = registry.load()
    for name in plan.requirements:
        wanted = catalogue[name].procedures
        own = any(p.startswith(FAMILY) and p in known for p in wanted)
        if name in observed or own:
            yield name, True, ""
        elif wanted and all(p in omitted for p in wanted):
            reasons = "; ".join(f"{p}: {omitted[p]}" for p in wanted)
            yield name, True, f"{name} is left out by the plan: {reasons}"
        else:
            yield name, False, f"{name}: none of {', '.join(wanted) or 'no procedure'} observed it"


@procedure(
    "laboratory.records", title="Every record holds what a test record must",
    requirements=("LAB-002",), device_seconds=0, front="robot",
    devices=("urn", "core"),
)
def records(session: Session, parameters: Mapping[str, Any]) -> None:  # noqa: ARG001
    """The nine parts of VVSG 2.0 1.3-A, over every observation of the run."""
    last = getattr(session.journal, "last", 0)
    for part, wrong in record_gaps(session.observations, session.catalogue, last).items():
        session.check("LAB-002", part, not wrong, _first(wrong))
    kept = _journaled(session)
    session.check(
        "LAB-002", "data cleaning", kept == len(session.observations),
        f"{kept} observations are in the journal, {len(session.observations)} were judged",
    )


def record_gaps(
    seen: Sequence[Observation], catalogue: Catalogue, last: int
) -> dict[str, list[str]]:
    """For each part of a test record, the observations that lack it, in words.

    ``last`` is the number of the journal's last record. A ratio (unit "1") needs no uncertainty of
    its own where it *is* one (TIM-012); every other reading does.
    """
    known = registry.load()
    gaps: dict[str, list[str]] = {
        part: []
        for part in (
            "requirement", "item under test", "criterion", "evidence", "procedure",
            "noise and variation", "result", "reason if not run",
        )
    }
    for number, o in enumerate(seen, 1):
        named = f"observation {number} ({o.requirement}, {o.procedure or 'no procedure'})"
        first, end = o.evidence
        in_catalogue = o.requirement in catalogue
        for part, there in (
            ("requirement", in_catalogue),
            ("item under test", bool(o.device)),
            ("criterion", in_catalogue and catalogue[o.requirement].decision is not None),
            ("evidence", first > 0 and first - 1 <= end <= last),
            ("procedure", o.procedure in known),
            ("noise and variation", o.kind != "reading" or o.u is not None or o.unit == "1"),
            ("result", _has_result(o)),
            ("reason if not run", o.kind not in UNSAID or bool(o.note)),
        ):
            if not there:
                gaps[part].append(named)
    return gaps


def _has_result(o: Observation) -> bool:
    if o.kind == "reading":
        return o.value is not None
    return o.kind in UNSAID or (
        o.kind in MEASURED and 0 <= o.failures <= o.trials > 0 and 0 <= o.detected <= o.trials
    )


def _journaled(session: Session) -> int:
    journal = session.journal
    if not isinstance(journal, Journal):
        return len(session.observations)
    return sum(1 for record in read_journal(journal.path) if record.kind == "observation")


@procedure(
    "laboratory.verdicts", title="Every verdict is a word of the scheme, with its reason",
    requirements=("LAB-004",), device_seconds=0, front="robot",
    devices=("urn", "core"),
)
def verdict_words(session: Session, parameters: Mapping[str, Any]) -> None:  # noqa: ARG001
    """All requirements of the catalogue are judged as they stand, and the verdicts looked at."""
    judged = verdicts.judge_all(
        session.catalogue, session.plan, session.profile.limits, session.observations,
        session.profile.capabilities, time_base=session.clock.base,
    )
    for condition, wrong in verdict_gaps(judged, session.catalogue).items():
        session.check("LAB-004", condition, not wrong, _first(wrong))


def verdict_gaps(judged: Sequence[Verdict], catalogue: Catalogue) -> dict[str, list[str]]:
    """What is wrong with a run's verdicts, by condition; all empty when they are in order."""
    words = {outcome.value for outcome in Outcome}
    names = [v.requirement for v in judged]
    return {
        "one verdict for each requirement": sorted(
            {r.id for r in catalogue if names.count(r.id) != 1}
        ),
        "one of the words": [
            f"{v.requirement}: {v.verdict}" for v in judged if str(v.verdict) not in words
        ],
        "a reason for each": [v.requirement for v in judged if not v.reason.strip()],
        "no PASS without data": [
            v.requirement for v in judged if v.verdict == Outcome.PASS and not v.measurements
        ],
    }


@procedure(
    "laboratory.evidence", title="The evidence is hashed, chained, and can be signed",
    requirements=("LAB-005",), device_seconds=0, front="robot",
    devices=("urn", "core"),
)
def evidence(session: Session, parameters: Mapping[str, Any]) -> None:  # noqa: ARG001
    """The journal is read again from the disk and its chain followed to the record just written;
    every other file has a hash; the laboratory's key signs, and the signature verifies."""
    journal = session.journal
    if not isinstance(journal, Journal):
        session.blocked("LAB-005", "this run keeps no journal on a disk")
        return
    for condition, wrong in evidence_gaps(journal.path, journal.last).items():
        session.check("LAB-005", condition, not wrong, wrong)


def evidence_gaps(journal: Path, last: int) -> dict[str, str]:
    """What is wrong with the evidence of a run that is going on, by condition; "" where nothing.

    ``last`` is the number of the record that was written last.
    """
    gaps = {"the journal's chain holds": "", "every file has a hash": "", "it can be signed": ""}
    try:
        summary = standalone.follow_journal(journal)
        if summary.records != last:
            gaps["the journal's chain holds"] = (
                f"{summary.records} records are on the disk, {last} were written"
            )
    except standalone.Disagreement as broken:
        gaps["the journal's chain holds"] = str(broken)
    folder = journal.parent.parent if journal.parent.name == "evidence" else journal.parent
    try:
        for name in standalone.names_of_files(folder):
            standalone.file_sha256(folder / name)
    except standalone.Disagreement as unfit:
        gaps["every file has a hash"] = str(unfit)
    gaps["it can be signed"] = _signing_gap()
    return gaps


def _signing_gap() -> str:
    """Sign a probe as the seal will be signed, and verify it by the stand-alone verifier's code."""
    try:
        key = signing.laboratory_key()
        probe = b"kalys laboratory probe"
        public = bytes.fromhex(key.public_hex)
        signed = standalone.ed25519_verifies(public, probe, key.private.sign(probe))
        sealing.sign({"probe": True}, key)
    except KalysError as error:
        return str(error)
    return "" if signed else "the laboratory's key does not verify its own signature"


def _first(wrong: Sequence[str]) -> str:
    more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
    return "; ".join(wrong[:3]) + more
