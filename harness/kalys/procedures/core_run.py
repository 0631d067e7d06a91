"""One deck on a counting core: draw every sheet, have it read, and compare.

What an urn does with paper, ``deck_run`` asks of it; a core is given the picture that an ideal
sensor would see. The outcome has the same shape, so that one procedure tests both. It is known here
which answer belongs to which sheet, the harness sums the answers itself, and there is no box.

A picture is identified in the journal by the sheet's id and seed and by the SHA-256 of its pixels;
from the seed anyone can draw it again. A core that does not answer as it must (`CoreFault`) has
failed with that sheet, and goes on with the next one; after as many in a row as the plan says the
deck ends early.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kalys.ballots.sheet import Sheet
from kalys.ballots.templates import layouts_for
from kalys.devices.roles import VoteRecord
from kalys.election.definition import Contest
from kalys.election.rules import judge_sheet
from kalys.procedures.comparison import Pair, compare_pairs, tally_of_records, wrong_outcome
from kalys.procedures.core_errors import Breakdown
from kalys.procedures.deck_outcome import DeckRun
from kalys.procedures.feeding import PROGRESS_EVERY, Fed
from kalys.protocols.counting_core import CoreAnswer, CoreFault, hello
from kalys.protocols.urn.messages import RETURN

if TYPE_CHECKING:
    from kalys.procedures.session import Session

_MOST_SAID = 400        # characters of what a broken core said, in the journal


@dataclass(frozen=True)
class _Read:
    """A sheet that was shown to the core, and what came of it."""

    fed: Fed
    record: VoteRecord | None
    sha256: str


def read_deck(
    session: Session, sheets: Sequence[Sheet], style: str, *, done: int = 0,
    total: int | None = None,
) -> DeckRun:
    """Show the sheets to the core under test, one after another."""
    contests = session.definition.style_contests(style)
    begin(session, style)
    fed: list[tuple[Sheet, Fed]] = []
    pairs: list[Pair] = []
    wrong: dict[str, str] = {}
    times: list[float] = []
    breakdown = Breakdown(contests, style)
    total = len(sheets) if total is None else total
    silent = 0
    for number, sheet in enumerate(sheets, 1):
        image = session.renderer.scan(sheet)
        read = _read(session, sheet, image, contests, times)
        fed.append((sheet, read.fed))
        pair = Pair(sheet, read.record) if read.record is not None else None
        if pair is not None:
            pairs.append(pair)
        said = _wrong(sheet, read.fed, pair)
        if said:
            wrong[sheet.id] = said
            shown = pair or Pair(sheet, None)
            session.error_pictures.keep(session, shown, image, read.sha256, said)
        breakdown.add(sheet, pair, wrong=bool(said))
        silent = silent + 1 if read.fed.outcome == "silent" else 0
        if number % PROGRESS_EVERY == 0 or number == len(sheets):
            session.report_progress(done + number, total, f"sheet {done + number} of {total}")
        if session.plan.give_up_after is not None and silent >= session.plan.give_up_after:
            session.journal.add("note", {
                "text": f"{silent} sheets in a row without an answer: the deck ends after {number} "
                f"of {len(sheets)}",
            })
            break
    session.note_breakdown(breakdown.facets())
    session.note_read_times(times)
    summed = tally_of_records(contests, [pair.record for pair in pairs if pair.record])
    comparison = compare_pairs(contests, tuple(pairs), summed, summed)
    return DeckRun(style, tuple(fed), comparison, None, wrong)


def begin(session: Session, style: str, *, ambiguous_marks: str = RETURN) -> None:
    """Tell the core the style of the sheets to come, and what is to become of ambiguous marks."""
    layout = layouts_for(session.definition)[style].without_artwork().to_dict()
    session.core.begin(hello(
        session.definition.model_dump(mode="json"), style, layout, ambiguous_marks=ambiguous_marks
    ))


def _read(
    session: Session, sheet: Sheet, image: NDArray[np.uint8], contests: Sequence[Contest],
    times: list[float],
) -> _Read:
    sha256 = hashlib.sha256(np.ascontiguousarray(image).data).hexdigest()
    now = session.clock.now()
    about: dict[str, Any] = {"sheet": sheet.id, "seed": sheet.seed, "sha256": sha256}
    try:
        reading = session.core.read(image)
    except CoreFault as fault:
        said = fault.said.decode("utf-8", "backslashreplace")[-_MOST_SAID:]
        session.journal.add("sheet", {
            **about, "outcome": "silent", "reason": fault.what, "fault": fault.kind, "said": said,
        })
        return _Read(Fed(sheet.id, "silent", fault.what, now, now, ()), None, sha256)
    times.append(reading.seconds)
    answer = reading.answer
    if answer.status == "rejected":
        session.journal.add("sheet", {**about, "outcome": "returned", "reason": answer.reason})
        return _Read(Fed(sheet.id, "returned", answer.reason, now, now, ()), None, sha256)
    record = _record(sheet, answer, contests)
    outcome = "valid" if record.valid else "invalid"
    session.journal.add("sheet", {**about, "outcome": outcome, "marks": _plain(answer.marks)})
    return _Read(
        Fed(sheet.id, "valid" if record.valid else "invalid", "", now, now, ()), record, sha256
    )


def _record(sheet: Sheet, answer: CoreAnswer, contests: Sequence[Contest]) -> VoteRecord:
    """The answer as a cast vote record; the election's rule says whether it is valid where the core
    does not."""
    marks = {contest.id: answer.marks.get(contest.id, ()) for contest in contests}
    valid = judge_sheet(contests, marks).valid if answer.valid is None else answer.valid
    return VoteRecord(sheet.id, sheet.style, valid, marks)


def _wrong(sheet: Sheet, fed: Fed, pair: Pair | None) -> str:
    if fed.outcome == "silent":
        return f"the core gave no answer: {fed.reason}"
    said = wrong_outcome(sheet, fed)
    if said or pair is None or pair.exact:
        return said
    return pair.describe()


def _plain(marks: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    return {contest: list(options) for contest, options in marks.items() if options}
