"""One power cut in a ballot transaction, and the accounts after it.

What must hold after every restart: the sheet is either in the box and counted, or back with the
voter and not counted; never both, never neither. A sheet that came back is fed again, so that in
the end sheets in the box = counters = records, each ballot once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kalys.ballots.sheet import Sheet
from kalys.bench.profile import Profile
from kalys.procedures.comparison import compare
from kalys.procedures.deck_run import settle
from kalys.procedures.feeding import feed
from kalys.procedures.preparation import Prepared, close_polls
from kalys.protocols.urn.messages import EventKind

if TYPE_CHECKING:
    from kalys.procedures.session import Session

SHEET_MM = 297.0             # A4, long edge in feed (ISO 216)
USUAL_SPEED_MM_S = 220.0     # where the profile promises none: the requirement's limit, TIM-006
USUAL_PATH_MM = 480.0
OFF_S = 3.0
AFTER_BOOT_S = 2.0
COME_TO_REST_S = 30.0
# After the moments at which a device writes down a vote: when it has read the sheet, and when the
# sheet has fallen. So long a device may be writing; the cuts are spread over it.
WRITING_S = 0.02
WRITES = (EventKind.SHEET_READ, EventKind.SHEET_ACCEPTED)
EVENT_S = 20.0


@dataclass(frozen=True)
class Moment:
    """When to cut: ``seconds`` after the sheet was offered, or after the device told ``event``."""

    seconds: float
    event: EventKind | None = None

    def describe(self) -> str:
        """In words, for the condition of an observation."""
        told = "insertion" if self.event is None else f"the event {self.event}"
        return f"cut {self.seconds:.3f} s after {told}"


def cut_moments(session: Session, profile: Profile, cuts: int) -> list[Moment]:
    """Half of the cuts over the whole transaction, half where a vote is being written.

    Each half is in equal slices with one random point in each; the order is random.
    """
    rng = session.rng("power.transaction.writes")
    moments = [Moment(after) for after in cut_offsets(session, profile, cuts - cuts // 2)]
    for event, slots in zip(WRITES, (cuts // 4, cuts // 2 - cuts // 4), strict=True):
        moments += [
            Moment(WRITING_S * (slot + rng.random()) / slots, event) for slot in range(slots)
        ]
    rng.shuffle(moments)
    return moments


def cut_offsets(session: Session, profile: Profile, cuts: int) -> list[float]:
    """Seconds after insertion at which to cut: one random point in each of ``cuts`` equal slices.

    The transaction lasts until the tail of the sheet has left the path.
    """
    speed = profile.limits.transport_speed_mm_s or USUAL_SPEED_MM_S
    duration = ((profile.path_mm or USUAL_PATH_MM) + SHEET_MM) / speed
    rng = session.rng("power.transaction.cuts")
    offsets = [duration * (slot + rng.random()) / cuts for slot in range(cuts)]
    rng.shuffle(offsets)
    return offsets


def cut_once(
    session: Session, prepared: Prepared, sheet: Sheet, when: float | Moment, off_s: float = OFF_S
) -> str:
    """Feed, cut at that moment (a number: seconds after insertion) for ``off_s``, restore, and
    look; what is wrong, or ""."""
    moment = when if isinstance(when, Moment) else Moment(when)
    urn, feeder, clock = prepared.urn, prepared.feeder, session.clock
    feeder.take_returned()
    before = urn.status()
    in_box = len(feeder.box().valid) + len(feeder.box().invalid)
    urn.drain()
    feeder.insert(sheet)
    if moment.event is not None:
        urn.wait([moment.event], EVENT_S)
    clock.sleep(moment.seconds)
    black_out(session, prepared, off_s)
    back, boxed = _where(session, prepared, sheet.id)
    status = urn.status()
    counted = status.valid + status.invalid - before.valid - before.invalid
    box = feeder.box()
    fallen = len(box.valid) + len(box.invalid) - in_box
    if back and boxed:
        return "the sheet is in the box and came back"
    if counted != fallen:
        return f"{_sheets(fallen)} more in the box, {_sheets(counted)} more counted"
    if not boxed and not back:
        return "the sheet is neither in the box nor back with the voter"
    if back:
        fed = feed(session, prepared, sheet)
        if not fed.counted:
            return f"the sheet came back and, fed again, was {fed.describe()}"
    return ""


def black_out(session: Session, prepared: Prepared, off_s: float = OFF_S) -> None:
    """No mains for ``off_s`` (the battery is the caller's business); then the urn answers again."""
    session.supply.output(False)
    session.clock.sleep(off_s)
    session.supply.output(True)
    prepared.urn.reconnect()


def _sheets(number: int) -> str:
    return f"{number} sheet" if number == 1 else f"{number} sheets"


def _where(session: Session, prepared: Prepared, sheet: str) -> tuple[bool, bool]:
    """Whether the sheet came back and whether it lies in the box, once it has come to rest."""
    # A sheet that the cut met at the throat is drawn in only now. Asking is dear where a person
    # looks into the box, so the path is watched first.
    session.clock.sleep(AFTER_BOOT_S)
    settle(session, prepared, COME_TO_REST_S)
    deadline = session.clock.now() + round(COME_TO_REST_S * 1e9)
    back = False
    while True:
        back = back or sheet in prepared.feeder.take_returned()
        box = prepared.feeder.box()
        boxed = sheet in (*box.valid, *box.invalid)
        if back or boxed or session.clock.now() >= deadline:
            return back, boxed
        session.clock.sleep(5.0)


def settle_accounts(session: Session, prepared: Prepared, offered: list[Sheet]) -> str:
    """Close the polls; box = counters = records = truth of the sheets in the box? In words."""
    settle(session, prepared)
    close_polls(prepared)
    urn = prepared.urn
    status, box = urn.status(), prepared.feeder.box()
    lying = (*box.valid, *box.invalid)
    known = {sheet.id: sheet for sheet in offered}
    records = urn.records()
    wrong = []
    twice = sorted({sheet for sheet in lying if lying.count(sheet) > 1})
    if twice:
        wrong.append(f"in the box more than once: {', '.join(twice)}")
    lost = sorted(set(known) - set(lying))
    if lost:
        wrong.append(f"never reached the box: {', '.join(lost)}")
    if not len(lying) == status.valid + status.invalid == len(records):
        wrong.append(
            f"{len(lying)} sheets in the box, {status.valid + status.invalid} on the counters, "
            f"{len(records)} records"
        )
    contests = prepared.definition.style_contests(prepared.style)
    compared = compare(
        contests, [known[sheet] for sheet in lying if sheet in known], urn.results(), records
    )
    wrong.extend(compared.notes)
    return "; ".join(wrong)
