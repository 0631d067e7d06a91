"""Feeding sheets and telling what became of each.

One sheet at a time: offer it to the throat, then listen to the urn until it has said *accepted*,
*returned* or *jam*, or nothing for ``timeout`` seconds of the run's clock. What the urn said is
one side; where the sheet physically is (``prepared.feeder.box()``, ``take_returned()``) is the
other, and procedures compare the two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from kalys.ballots.deck import Deck
from kalys.ballots.sheet import Sheet
from kalys.devices.roles import Received
from kalys.errors import LinkError
from kalys.protocols.urn.messages import EventKind

if TYPE_CHECKING:
    from kalys.procedures.preparation import Prepared
    from kalys.procedures.session import Session

Outcome = Literal["valid", "invalid", "returned", "jammed", "silent", "power-lost"]

_ENDS = (EventKind.SHEET_ACCEPTED, EventKind.SHEET_RETURNED, EventKind.JAM, EventKind.BOOTED)
_ON_THE_WAY = (
    EventKind.SHEET_INSERTED, EventKind.SHEET_READ, EventKind.NOTICE, EventKind.ALARM,
    EventKind.POWER,
)
PROGRESS_EVERY = 25
GIVE_UP_AFTER = 3               # sheets in a row without an answer


@dataclass(frozen=True)
class Fed:
    """What became of one sheet.

    ``outcome``: the compartment the urn named, or "returned" (with ``reason``), "jammed"
    (``reason`` is the sensor), "silent" (nothing final came in time) or "power-lost" (the urn
    restarted or its link went). ``started`` and ``finished`` are ns of the run's clock.
    """

    sheet: str
    outcome: Outcome
    reason: str
    started: int
    finished: int
    events: tuple[Received, ...]

    @property
    def counted(self) -> bool:
        """The urn says that it accepted the sheet."""
        return self.outcome in ("valid", "invalid")

    @property
    def notices(self) -> tuple[str, ...]:
        """What the voter was shown, in order."""
        return tuple(
            str(event.fields["text"]) for event in self.events if event.kind is EventKind.NOTICE
        )

    def describe(self) -> str:
        """In words, for the note of an observation."""
        return f"{self.outcome} ({self.reason})" if self.reason else self.outcome


def feed(session: Session, prepared: Prepared, sheet: Sheet, timeout: float = 60.0) -> Fed:
    """Feed one sheet and wait until the urn has said what became of it."""
    return feed_together(session, prepared, (sheet,), timeout=timeout)


def feed_together(
    session: Session,
    prepared: Prepared,
    sheets: tuple[Sheet, ...],
    *,
    overlap_mm: float = 0.0,
    timeout: float = 60.0,
) -> Fed:
    """Feed several sheets in one go (a double feed) and wait for the urn's first final word."""
    prepared.urn.drain()
    started = session.clock.now()
    prepared.feeder.insert(*sheets, overlap_mm=overlap_mm)
    return listen(session, prepared, "+".join(s.id for s in sheets), started, timeout)


def listen(
    session: Session, prepared: Prepared, sheet: str, started: int, timeout: float = 60.0
) -> Fed:
    """Wait for the urn's final word on a sheet that is already on its way."""
    events: list[Received] = []
    outcome: Outcome = "silent"
    reason = ""
    deadline = session.clock.now() + round(timeout * 1e9)
    try:
        while (left := deadline - session.clock.now()) > 0:
            received = prepared.urn.wait((*_ENDS, *_ON_THE_WAY), left / 1e9)
            if received is None:
                break
            events.append(received)
            if received.kind in _ENDS:
                outcome, reason = _final_word(received)
                break
    except LinkError as lost:
        outcome, reason = "power-lost", lost.what
    session.journal.add("sheet", {"sheet": sheet, "outcome": outcome, "reason": reason})
    return Fed(sheet, outcome, reason, started, session.clock.now(), tuple(events))


def _final_word(received: Received) -> tuple[Outcome, str]:
    fields = received.fields
    if received.kind is EventKind.SHEET_ACCEPTED:
        return ("valid" if fields["compartment"] == "valid" else "invalid"), ""
    if received.kind is EventKind.SHEET_RETURNED:
        return "returned", str(fields["reason"])
    if received.kind is EventKind.JAM:
        return "jammed", str(fields["sensor"])
    return "power-lost", str(fields["cause"])


def feed_deck(
    session: Session,
    prepared: Prepared,
    deck: Deck | Iterable[Sheet],
    each: Callable[[Sheet, Fed], None] | None = None,
    *,
    done: int = 0,
    total: int | None = None,
) -> list[Fed]:
    """Feed every sheet of a deck in order, calling ``each(sheet, fed)`` after each.

    ``done`` and ``total`` place the deck in a larger one for the report of progress. An urn that
    has nothing to say to several sheets in a row gets no more of them: the list is then shorter.
    """
    sheets = deck.sheets if isinstance(deck, Deck) else tuple(deck)
    total = len(sheets) if total is None else total
    outcomes: list[Fed] = []
    for number, sheet in enumerate(sheets, 1):
        fed = feed(session, prepared, sheet)
        outcomes.append(fed)
        if each is not None:
            each(sheet, fed)
        if number % PROGRESS_EVERY == 0 or number == len(sheets):
            session.report_progress(done + number, total, f"sheet {done + number} of {total}")
        if _gone(outcomes):
            session.journal.add("note", {
                "text": f"{prepared.urn.name} no longer takes sheets; feeding ends after "
                f"{number} of {len(sheets)}"
            })
            break
    return outcomes


def _gone(outcomes: list[Fed]) -> bool:
    last = outcomes[-GIVE_UP_AFTER:]
    return len(last) == GIVE_UP_AFTER and all(f.outcome in ("silent", "power-lost") for f in last)
