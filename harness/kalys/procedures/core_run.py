"""One deck on a counting core: draw every sheet, have it read, and compare.

What an urn does with paper, ``deck_run`` asks of it; a core is given the picture that an ideal
sensor would see, or, of a ballot with targets on both sides, what two sensors see of each sheet in
one pass. The outcome has the same shape, so that one procedure tests both. It is known here
which answer belongs to which sheet, the harness sums the answers itself, and there is no box.

A picture is identified in the journal by the sheet's id and seed and by the SHA-256 of its pixels;
from the seed anyone can draw it again. A core that does not answer as it must (`CoreFault`) has
failed with that sheet, and goes on with the next one; after as many in a row as the plan says the
deck ends early. Volumes are shown in another way: see ``campaign``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kalys.ballots.render import Renderer
from kalys.ballots.sheet import Sheet
from kalys.ballots.templates import layouts_for
from kalys.devices.roles import CoreReading, CountingCore
from kalys.election.definition import ElectionDefinition
from kalys.evidence.read_times import ReadTimes
from kalys.procedures.comparison import Pair, compare_pairs, tally_of_records
from kalys.procedures.core_answers import SheetAnswer, answer_of, judged
from kalys.procedures.core_errors import Breakdown, error_parts
from kalys.procedures.deck_outcome import DeckRun
from kalys.procedures.feeding import PROGRESS_EVERY, Fed
from kalys.protocols.counting_core import CoreFault, hello

if TYPE_CHECKING:
    from kalys.procedures.session import Session


def read_deck(
    session: Session, sheets: Sequence[Sheet], style: str, *, done: int = 0,
    total: int | None = None,
) -> DeckRun:
    """Show the sheets to the core under test, in as large batches as it takes."""
    contests = session.definition.style_contests(style)
    begin(session, style)
    fed: list[tuple[Sheet, Fed]] = []
    pairs: list[Pair] = []
    wrong: dict[str, str] = {}
    times = ReadTimes()
    layout = layouts_for(session.definition)[style]
    breakdown = Breakdown(contests, style, layout)
    total = len(sheets) if total is None else total
    silent = 0
    for sheet, image, read in shown(session.core, session.renderer, sheets, layout.sides):
        if isinstance(read, CoreReading):
            times.add(read.seconds)
        answer = answer_of(sheet, read, sha256_of(image))
        became = judged(sheet, answer, contests, session.clock.now())
        _note(session, sheet, answer, became.fed)
        fed.append((sheet, became.fed))
        if became.pair is not None:
            pairs.append(became.pair)
        if became.said:
            wrong[sheet.id] = became.said
            whose = became.pair or Pair(sheet, None)
            for part in error_parts(
                whose, image, session.renderer.layout(sheet), said=became.said,
                sha256=answer.sha256,
            ):
                session.error_pictures.keep(session, part)
        breakdown.add(sheet, became.pair, wrong=bool(became.said))
        silent = silent + 1 if became.fed.outcome == "silent" else 0
        number = len(fed)
        if number % PROGRESS_EVERY == 0 or number == len(sheets):
            session.report_progress(done + number, total, f"sheet {done + number} of {total}")
        if session.plan.give_up_after is not None and silent >= session.plan.give_up_after:
            session.journal.add("note", {"text": given_up(silent, number, len(sheets))})
            break
    session.note_breakdown(breakdown.facets())
    session.note_read_times(times)
    summed = tally_of_records(contests, [pair.record for pair in pairs if pair.record])
    comparison = compare_pairs(contests, tuple(pairs), summed, summed)
    return DeckRun(style, tuple(fed), comparison, None, wrong)


def begin(session: Session, style: str, ambiguous_marks: str = "return") -> None:
    """Tell the core the style of the sheets to come, and what to do with ambiguous marks."""
    session.core.begin(greeting(session.definition, style, ambiguous_marks))


def greeting(
    definition: ElectionDefinition, style: str, ambiguous_marks: str = "return"
) -> dict[str, Any]:
    """What a core is told before sheets of a style."""
    layout = layouts_for(definition)[style]
    return hello(
        definition.model_dump(mode="json"), style, layout.without_artwork().to_dict(),
        ambiguous_marks=ambiguous_marks, sides=layout.sides,
    )


def given_up(silent: int, after: int, of: int) -> str:
    """Why a deck ends early."""
    return f"{silent} sheets in a row without an answer: the deck ends after {after} of {of}"


def sha256_of(image: NDArray[np.uint8]) -> str:
    """Of the picture's pixels, row after row; of two sides the lower one's first."""
    return hashlib.sha256(np.ascontiguousarray(image).data).hexdigest()


def shown(
    core: CountingCore, renderer: Renderer, sheets: Iterable[Sheet], sides: int
) -> Iterator[tuple[Sheet, NDArray[np.uint8], CoreReading | CoreFault]]:
    """Each sheet with its picture (of so many ``sides``) and what the core made of it. A picture is
    good until the next one is asked for."""
    left, each = iter(sheets), () if sides == 1 else (sides,)
    while part := list(islice(left, core.batch)):
        shapes = [(*each, *renderer.layout(sheet).shape) for sheet in part]
        pages = core.pages(len(part), shapes[0])
        images = [
            renderer.seen(sheet, sides, out=page if shape == shapes[0] else None)
            for sheet, page, shape in zip(part, pages, shapes, strict=True)
        ]
        yield from zip(part, images, core.read_many(images), strict=True)


def _note(session: Session, sheet: Sheet, answer: SheetAnswer, fed: Fed) -> None:
    data: dict[str, Any] = {
        "sheet": sheet.id, "seed": sheet.seed, "sha256": answer.sha256, "outcome": fed.outcome,
    }
    if answer.status == "read":
        data["marks"] = {c: list(options) for c, options in answer.marks.items() if options}
    else:
        data["reason"] = answer.reason
    if answer.fault:
        data |= {"fault": answer.fault, "said": answer.said}
    session.journal.add("sheet", data)
