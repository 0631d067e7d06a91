"""How a mark is read: the same on every scan, and by thresholds that are published."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any

from kalys.ballots import marks as library
from kalys.ballots.sheet import Mark, Sheet
from kalys.ballots.truth import truth_of
from kalys.election.definition import Contest
from kalys.errors import ConfigurationError, ProtocolError, Refused
from kalys.procedures.deck_run import DeckRun, run_deck
from kalys.procedures.preparation import Prepared, open_polls, prepared_urn, print_report
from kalys.procedures.registry import procedure
from kalys.protocols.urn.messages import AMBIGUOUS_MARKS, ReportKind, Role

if TYPE_CHECKING:
    from kalys.devices.roles import VoteRecord
    from kalys.procedures.session import Session

# How differently a person lays the same sheet into the throat.
MOST_SKEW_DEG = 0.6
MOST_SHIFT_MM = 1.0

# Parameters by which an urn reports the thresholds that its profile promises.
PROMISED = {"mark_vote_fill": "mark_vote_fill", "mark_blank_fill": "mark_blank_fill"}


@procedure(
    "mark.rescan",
    title="No mark flips when it is scanned again",
    requirements=("MRK-004",),
    device_seconds=1800,
    front="pytest",
    devices=("urn", "core"),
)
def rescan(session: Session, parameters: Mapping[str, Any]) -> None:
    """The same ballots, fed again and again, a little differently each time.

    Each has its own clear mark in a contest that does not decide validity, by which its records are
    known again; the mark that is tried stands in the deciding contest. A mark that is a vote on one
    scan and no vote on another has flipped; a ballot that is given back in between has not.
    """
    wanted = int(parameters.get("sheets", 30))
    rescans = int(parameters.get("rescans", 20))
    rng = session.rng("mark.rescan")
    done = 0
    naming = _naming(session)
    names = [(naming.id, option) for option in naming.option_ids]
    while done < wanted:
        batch = [
            _rescanned(session, names[i], done + i, rng)
            for i in range(min(len(names), wanted - done))
        ]
        # In another order on every scan: an urn that is wrong on every second sheet must not meet
        # the same sheets each time.
        deck = [
            _laid_in(sheet, scan, rng)
            for scan in range(rescans) for sheet in rng.sample(batch, len(batch))
        ]
        run = run_deck(session, deck, session.style)
        for sheet in batch:
            _report_rescans(session, run, sheet)
        done += len(batch)


def _naming(session: Session) -> Contest:
    """The contest by whose options a record is known again: of those that decide
    nothing the longest."""
    contests = session.definition.style_contests(session.style)
    known = [contest for contest in contests if not contest.decides_validity]
    if not known or len(contests) < 2:
        raise ConfigurationError(
            f"records of {session.style} cannot be told apart: it has no second contest that "
            "leaves validity alone", where="mark.rescan",
        )
    return max(known, key=lambda contest: len(contest.options))


def _tried(session: Session, number: int) -> Contest:
    """The contest in which a mark is tried: the one that decides validity, else each but the naming
    one in turn."""
    contests = session.definition.style_contests(session.style)
    deciding = [contest for contest in contests if contest.decides_validity]
    others = deciding or [c for c in contests if c.id != _naming(session).id]
    return others[number % len(others)]


def _rescanned(session: Session, name: tuple[str, str], number: int, rng: Random) -> Sheet:
    contest = _tried(session, number)
    kinds = (*library.AMBIGUOUS_KINDS, *library.VALID_KINDS, *library.INVALID_KINDS)
    tried = Mark(contest.id, rng.choice(contest.option_ids), kinds[number % len(kinds)])
    clear = Mark(*name, "cross")
    truth = truth_of(
        session.definition.style_contests(session.style), [clear],
        touched={contest.id: (tried.option,)}, why=f"{tried.kind}, once more",
    )
    return Sheet(
        id=f"mark.rescan-{number + 1:03d}", election=session.definition.id, style=session.style,
        marks=(tried, clear), seed=rng.getrandbits(31), truth=truth, group=tried.kind,
    )


def _laid_in(sheet: Sheet, scan: int, rng: Random) -> Sheet:
    """The sheet as it lies on this scan."""
    paper = replace(
        sheet.paper,
        skew_deg=rng.uniform(-MOST_SKEW_DEG, MOST_SKEW_DEG),
        shift_mm=(
            rng.uniform(-MOST_SHIFT_MM, MOST_SHIFT_MM), rng.uniform(-MOST_SHIFT_MM, MOST_SHIFT_MM)
        ),
    )
    return replace(sheet, id=f"{sheet.id}-scan-{scan + 1:02d}", paper=paper)


def _report_rescans(session: Session, run: DeckRun, sheet: Sheet) -> None:
    tried, name = sheet.marks
    scans = sum(fed.id.startswith(f"{sheet.id}-scan-") for fed, _ in run.fed)
    if not scans:
        return
    read: Counter[str] = Counter()
    for pair in run.comparison.pairs:
        record = pair.record
        if record is not None and name.option in record.marks.get(name.contest, ()):
            read[_reading(record, tried)] += 1
    flips = min(read["vote"], read["no vote"])
    told = ", ".join(f"{count} times {what}" for what, count in sorted(read.items()))
    session.count(
        "MRK-004", scans, flips, condition=f"{sheet.id}: {tried.kind}",
        sheet=sheet.id if flips else "",
        note=f"{tried.kind} at {tried.contest}/{tried.option} was read {told}" if flips else "",
    )


def _reading(record: VoteRecord, tried: Mark) -> str:
    return "vote" if tried.option in record.marks.get(tried.contest, ()) else "no vote"


@procedure(
    "mark.thresholds",
    title="The thresholds in force can be asked for",
    requirements=("MRK-005",),
    device_seconds=60,
    front="pytest",
)
def thresholds(session: Session, parameters: Mapping[str, Any]) -> None:  # noqa: ARG001
    """Ask over the link and on paper, before and while the polls are open; compare.

    Those told must be those in force: where a threshold can be set, it is, and the urn must tell
    the new value.
    """
    with prepared_urn(session, opened=False) as prepared:
        _tell_a_change(session, prepared)
        open_polls(prepared)
        urn = prepared.urn
        told = urn.parameters()
        marks = _thresholds(told)
        session.check(
            "MRK-005", "thresholds on demand", bool(marks),
            f"of its parameters ({', '.join(told) or 'none'}) none is a threshold of marks",
        )
        for name, (value, _) in marks.items():
            session.check(
                "MRK-005", f"{name} is a number", _number(value) is not None,
                f"{name} is {value!r}",
            )
        urn.login(Role.OPERATOR)
        paper = "\n".join(print_report(prepared, ReportKind.PARAMETERS).lines)
        missing = [name for name, (value, _) in marks.items() if value not in paper]
        session.check(
            "MRK-005", "thresholds on paper", bool(marks) and not missing,
            f"not on the printed report: {', '.join(missing)}",
        )
        promised = prepared.profile.limits.model_dump()
        for limit, parameter in PROMISED.items():
            if promised.get(limit) is None:
                continue
            value = told.get(parameter, ("", ""))[0]
            number = _number(value)
            session.check(
                "MRK-005", f"{parameter} as certified",
                number is not None and abs(number - float(promised[limit])) < 1e-6,
                f"{parameter} is {value or 'not reported'}, certified is {promised[limit]}",
            )


def _tell_a_change(session: Session, prepared: Prepared) -> None:
    """Raise one threshold by 1 %, look whether it is told over the link and on paper, put it back.

    An urn that lets nobody set its thresholds has nothing to show here.
    """
    urn = prepared.urn
    numbers = {name: value for name, (value, _) in _thresholds(urn.parameters()).items()
               if _number(value)}
    if not numbers:
        return
    name, old = next(iter(numbers.items()))
    new = f"{float(old) * 1.01:.6g}"
    urn.login(Role.ADMINISTRATOR)
    try:
        urn.set_parameter(name, new)
    except (Refused, ProtocolError) as refused:      # not allowed, or no such request
        session.journal.add("note", {"text": f"{name} cannot be set: {refused}"})
        return
    try:
        told = urn.parameters().get(name, ("", ""))[0]
        session.check(
            "MRK-005", f"{name} as set", _number(told) == float(new),
            f"{name} was set to {new}, and told is {told or 'nothing'}",
        )
        paper = "\n".join(print_report(prepared, ReportKind.PARAMETERS).lines)
        session.check(
            "MRK-005", f"{name} as set, on paper", new in paper,
            f"{name} was set to {new}, which is not on the printed report",
        )
    finally:
        urn.set_parameter(name, old)


def _thresholds(parameters: Mapping[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    words = ("mark", "fill", "threshold", "vote", "blank")
    return {
        n: value for n, value in parameters.items()
        if n != AMBIGUOUS_MARKS and any(word in n for word in words)
    }


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
