"""What cast vote records say of marginal marks (NIST SP 1500-103, 3.4.1 and 3.4.2).

Sheets with clear, marginal and no marks at known places go to a device that takes them instead of
giving them back; then its exported records are read, strictly and without its help, and every
place is looked at. A clear mark must be told as an indication "yes", a marginal one as "unknown"
with a measure between the thresholds, and nothing else as unknown. What the records are worth must
be what the device told as records and results.

A counting core alone exports nothing. Where its answers name marginal marks the harness writes the
records, and the same is asked of them.
"""

from __future__ import annotations

import hashlib
import io
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any

from kalys.ballots.layout import Layout
from kalys.ballots.marks import inside_mm2
from kalys.ballots.sheet import Mark, Sheet
from kalys.ballots.templates import layouts_for
from kalys.counting.reader import Thresholds
from kalys.devices.roles import Results, VoteRecord
from kalys.election.cast_vote_record_reading import (
    CastVoteRecord,
    Position,
    read_cast_vote_records,
    votes_of,
)
from kalys.election.cast_vote_records import Device, SheetRecord, write
from kalys.errors import ProtocolError, Refused
from kalys.procedures.control_sheets import plain_sheet
from kalys.procedures.core_run import begin
from kalys.procedures.deck_run import box_room, feed_all, settle
from kalys.procedures.preparation import (
    Prepared,
    close_polls,
    prepared_urn,
    restored,
    to_standby,
)
from kalys.procedures.record_encoding import Band, Expected, assigned
from kalys.procedures.registry import procedure
from kalys.protocols.counting_core import CoreFault
from kalys.protocols.urn.messages import ACCEPT, AMBIGUOUS_MARKS

if TYPE_CHECKING:
    from kalys.procedures.session import Session

CAPABILITY = EXPORT = "cast-vote-records"
SPREAD_MM = 0.12       # by which a sensor sees a dot of ink wider: half of the usual most
CLEAR_OF_NONE = 1.07   # times the diameter of a dot that is none: what it is drawn larger
MOST_NAMED = 4
BATCH = 60             # sheets of one election: likeness is looked for among so many


@procedure(
    "mark.records",
    title="Marginal marks are told as such in cast vote records",
    requirements=("MRK-012", "ACC-009"),
    device_seconds=900,
    front="pytest",
    devices=("urn", "core"),
)
def records(session: Session, parameters: Mapping[str, Any]) -> None:
    """Known marks, exported as cast vote records, every place looked at."""
    wanted = int(parameters.get("sheets", 120))
    if session.bench.dut_role == "core":
        _of_core(session, wanted)
        return
    if CAPABILITY not in session.profile.capabilities:
        session.not_applicable("MRK-012", "The urn exports no cast vote records in NIST's format.")
        return
    with _accepting(session) as accepts:
        if not accepts:
            return
        part = min(BATCH, box_room(session))
        band = _band(session)
        deck = _deck(session, band, wanted)
        for start in range(0, wanted, part):
            _of_urn(session, deck[start : start + part], band, start, wanted)


@contextmanager
def _accepting(session: Session) -> Iterator[bool]:
    """The urn takes sheets with ambiguous marks inside; false, with the reason reported, when it
    cannot be told to."""
    urn = session.urn
    to_standby(urn)
    old = urn.parameters().get(AMBIGUOUS_MARKS, ("", ""))[0]
    try:
        if old:
            urn.set_parameter(AMBIGUOUS_MARKS, ACCEPT)
    except Refused as refused:
        session.journal.add("note", {"text": f"{AMBIGUOUS_MARKS} cannot be set: {refused}"})
        old = ""

    def undo() -> None:
        if old:
            urn.set_parameter(AMBIGUOUS_MARKS, old)

    with restored(session, urn, undo):
        if not old:
            session.not_applicable(
                "MRK-012", "The urn gives every sheet with a marginal mark back, so that no such "
                f"mark is ever in a record: it lets nobody set {AMBIGUOUS_MARKS} to {ACCEPT}.",
            )
        yield bool(old)


def _band(session: Session) -> Band:
    """Between the thresholds that the urn tells, else those that its profile promises, else ours.
    """
    told: dict[str, float] = {}
    if session.bench.dut_role == "urn":
        for name, (value, _) in session.urn.parameters().items():
            try:
                told[name] = float(value)
            except ValueError:
                continue
    limits, ours = session.profile.limits, Thresholds()
    blank = told.get("mark_blank_fill", limits.mark_blank_fill)
    vote = told.get("mark_vote_fill", limits.mark_vote_fill)
    if blank is None or vote is None or not 0 < blank < vote < 1:
        return Band(ours.blank_fill, ours.vote_fill, told=False)
    return Band(blank, vote, told=True)


# The sheets ---------------------------------------------------------------------------------------


def _deck(session: Session, band: Band, wanted: int) -> list[Sheet]:
    """Sheets with clear and marginal marks, in turn: a marginal mark beside a vote in either
    contest, alone in the deciding one, in both, beside an overvote, and none at all."""
    rng = session.rng("mark.records")
    contests = session.definition.style_contests(session.style)
    deciding = [contest.id for contest in contests if contest.decides_validity] or [
        max(contests, key=lambda contest: len(contest.options)).id
    ]
    others = [contest.id for contest in contests if contest.id not in deciding]
    every = [*deciding, *others]
    ways: list[tuple[dict[str, int], Sequence[str]]] = [
        (dict.fromkeys(every, 1), deciding),
        (dict.fromkeys(every, 1), others),
        (dict.fromkeys(others, 1), deciding),
        (dict.fromkeys(every, 1), every),
        ({**dict.fromkeys(others, 1), **dict.fromkeys(deciding, 2)}, deciding),
        (dict.fromkeys(every, 1), ()),
    ]
    sheets = []
    for number in range(wanted):
        clear, marginal = ways[number % len(ways)]
        name = f"mark.records-{number + 1:04d}"
        sheets.append(_sheet(session, name, rng, band, clear=clear, marginal=marginal))
    return sheets


def _sheet(
    session: Session, name: str, rng: Random, band: Band, *, clear: Mapping[str, int],
    marginal: Sequence[str],
) -> Sheet:
    """A sheet with so many ``clear`` marks by contest, and one ``marginal`` in each of these."""
    layout = layouts_for(session.definition)[session.style]
    free = {
        contest.id: rng.sample(contest.option_ids, len(contest.options))
        for contest in session.definition.style_contests(session.style)
    }
    chosen = {contest: [free[contest].pop() for _ in range(n)] for contest, n in clear.items()}
    plain = plain_sheet(
        session.definition, session.style, name, chosen, rng, why="with marginal marks"
    )
    dots = tuple(_dot(layout, contest, free[contest].pop(), band, rng) for contest in marginal)
    return replace(plain, marks=plain.marks + dots, group="marginal" if dots else "clear")


def _dot(layout: Layout, contest: str, option: str, band: Band, rng: Random) -> Mark:
    """A dot of ink whose fill lies in the middle of the band, and in small targets, where the
    spread of a sensor is as wide as the band, at least not below it."""
    inside = inside_mm2(layout.target(contest, option))
    middle, least = (
        math.sqrt(4 * fill * inside / math.pi)
        for fill in (math.sqrt(band.blank * band.vote), band.blank)
    )
    return Mark(contest, option, "dot", {
        "diameter_mm": round(max(middle - SPREAD_MM, CLEAR_OF_NONE * least), 2), "density": 0.95,
        "dx": round(rng.uniform(-0.4, 0.4), 2), "dy": round(rng.uniform(-0.4, 0.4), 2),
    })


def expected_of(sheet: Sheet) -> Expected:
    """What the record of a sheet of this deck must hold."""
    marginal = frozenset((m.contest, m.option) for m in sheet.marks if m.kind == "dot")
    every = frozenset((m.contest, m.option) for m in sheet.marks)
    return Expected(sheet.id, every - marginal, marginal)


# An urn -------------------------------------------------------------------------------------------


def _of_urn(
    session: Session, sheets: Sequence[Sheet], band: Band, done: int, total: int
) -> None:
    condition = f"sheets {done + 1} to {done + len(sheets)}"
    with prepared_urn(session, style=session.style) as prepared:
        fed = feed_all(session, prepared, sheets, done=done, total=total)
        settle(session, prepared)
        close_polls(prepared)
        counted = [expected_of(sheet) for sheet, what in fed if what.counted]
        for sheet, what in fed:
            if not what.counted:
                session.count(
                    "MRK-012", expected_of(sheet).marks, expected_of(sheet).marks,
                    condition=condition, sheet=sheet.id, sheets=1,
                    note=f"told to take marginal marks, the urn has {what.describe()} the sheet",
                )
        exported = _exported(session, prepared, condition, counted)
        if exported is None:
            return
        _report_marks(session, counted, exported, band, condition)
        _report_totals(
            session, exported, prepared.urn.records(), prepared.urn.results(), condition
        )


def _exported(
    session: Session, prepared: Prepared, condition: str, counted: Sequence[Expected]
) -> tuple[CastVoteRecord, ...] | None:
    """The exported records; None, with every mark reported as mis-encoded, when there are none that
    can be understood."""
    try:
        data = prepared.urn.export(EXPORT)
        session.journal.add("note", {
            "text": f"{condition}: cast vote records exported", "bytes": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
        })
        return read_cast_vote_records(data, session.definition)
    except (Refused, ProtocolError) as error:
        marks = sum(expected.marks for expected in counted)
        session.count("MRK-012", marks, marks, condition=condition, note=str(error),
                      sheets=len(counted))
        return None


def _report_totals(
    session: Session, exported: Sequence[CastVoteRecord], told: Sequence[VoteRecord],
    results: Results, condition: str,
) -> None:
    """ACC-009: the exported records against those told over the link, and against the results."""
    votes = votes_of(exported)
    wanted = {(c, o): n for c, row in results.votes.items() for o, n in row.items()}
    notes = [
        f"{contest}/{option}: {wanted.get((contest, option), 0)} in the results, "
        f"{votes[contest, option]} in the cast vote records"
        for contest, option in sorted(wanted.keys() | votes.keys())
        if wanted.get((contest, option), 0) != votes[contest, option]
    ]
    differing = len(notes)
    if len(exported) != results.sheets:
        differing += 1
        notes.append(f"{results.sheets} sheets in the results, {len(exported)} cast vote records")
    ours = Counter((r.places("yes"), r.places("unknown")) for r in exported)
    theirs = Counter((_places(r.marks), _places(r.marginal)) for r in told)
    if ours != theirs:
        differing += 1
        notes.append(f"{(ours - theirs).total()} cast vote records are none of the records")
    session.count(
        "ACC-009", len(wanted.keys() | votes.keys()) + 2, differing,
        condition=f"{condition}: cast vote records = records = results",
        note="; ".join(notes[:MOST_NAMED]),
    )


def _places(options: Mapping[str, Sequence[str] | Mapping[str, float]]) -> frozenset[Position]:
    return frozenset((contest, option) for contest, named in options.items() for option in named)


# A core -------------------------------------------------------------------------------------------


def _of_core(session: Session, wanted: int) -> None:
    band = _band(session)
    begin(session, session.style, ambiguous_marks=ACCEPT)
    sides = layouts_for(session.definition)[session.style].sides
    read: list[tuple[Expected, SheetRecord]] = []
    silent: list[tuple[Expected, str]] = []
    named = faulty = False
    sheets = _deck(session, band, wanted)
    for number, sheet in enumerate(sheets, 1):
        expected = expected_of(sheet)
        about: dict[str, Any] = {"sheet": sheet.id, "seed": sheet.seed}
        try:
            answer = session.core.read(session.renderer.seen(sheet, sides)).answer
        except CoreFault as fault:
            session.journal.add("sheet", {**about, "outcome": "silent", "reason": fault.what})
            silent.append((expected, f"the core gave no answer: {fault.what}"))
            faulty = True
            continue
        session.journal.add("sheet", {
            **about, "outcome": answer.status, "reason": answer.reason,
            "marks": {c: list(o) for c, o in answer.marks.items() if o},
            "marginal": {c: dict(row) for c, row in answer.marginal.items()},
        })
        named = named or bool(answer.marginal)
        if answer.status == "rejected":
            silent.append((expected, f"the sheet was given back ({answer.reason})"))
            continue
        marginal = {contest: tuple(row) for contest, row in answer.marginal.items()}
        read.append((expected, SheetRecord(
            sheet.id, session.style, answer.marks, marginal, answer.marginal, answer.valid
        )))
        session.report_progress(number, wanted, f"sheet {number} of {wanted}")
    if not named and not faulty:
        session.not_applicable(
            "MRK-012", "The core's answers name no marginal marks, so that nothing can be said of "
            "them in a record.",
        )
        return
    for expected, text in silent:
        session.count("MRK-012", expected.marks, expected.marks, sheet=expected.sheet, note=text,
                      condition="shown", sheets=1)
    exported = _written(session, [record for _, record in read])
    _report_marks(session, [expected for expected, _ in read], exported, band, "shown")


def _written(session: Session, sheets: Sequence[SheetRecord]) -> tuple[CastVoteRecord, ...]:
    """The records as the harness writes them for a core, read back."""
    identity, file = session.identity, io.BytesIO()
    device = Device(
        "core", identity.maker, identity.model, identity.serial,
        f"{identity.model} {identity.firmware}".strip(),
    )
    write(file, session.definition, sheets, device=device, generated=session.clock.utc())
    return read_cast_vote_records(file.getvalue(), session.definition)


def _report_marks(
    session: Session, expected: Sequence[Expected], found: Sequence[CastVoteRecord], band: Band,
    condition: str,
) -> None:
    """MRK-012: one trial a mark; a sheet with a wrong place gets an observation of its own."""
    pairs, strays = assigned(expected, found, band)
    right = [sheet for sheet, _, wrong in pairs if not wrong]
    for sheet, record, wrong in pairs:
        if wrong:
            named = list(wrong.items())[:MOST_NAMED]
            told = "; ".join(f"{contest}/{option} {text}" for (contest, option), text in named)
            session.count(
                "MRK-012", max(sheet.marks, len(wrong)), len(wrong), condition=condition,
                sheet=sheet.sheet, sheets=1,
                note=f"record {record.id[:32]}: {told}" if record else told,
            )
    if strays:
        session.count("MRK-012", strays, strays, condition=condition,
                      note=f"{strays} exported records are of no sheet that was fed")
    if right:
        session.count("MRK-012", sum(sheet.marks for sheet in right), 0, condition=condition,
                      sheets=len(right))
