"""The paper that a plan will ask for: every sheet, procedure by procedure, before the run.

On a real bench a person inserts sheets that must lie printed beside the urn. Procedures make their
decks from the run's seed, so a run of the same plan and seed on the emulated station, with the
parameters of real time, asks for the same sheets; they are noted on their way to the feeder.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from kalys.ballots.deck_file import Deck
from kalys.ballots.layout import Layout
from kalys.ballots.sheet import Sheet
from kalys.certification.emulated import emulated_session
from kalys.certification.progress import RunProgress
from kalys.devices.roles import BoxContents, Feeder, Gate
from kalys.election.definition import ElectionDefinition
from kalys.errors import ConfigurationError, Refused
from kalys.procedures.session import Session
from kalys.requirements.plan import Plan


class NotingFeeder:
    """A feeder that notes every sheet it is given, once, and hands it on."""

    def __init__(self, feeder: Feeder, noted: dict[str, Sheet]) -> None:
        self._feeder = feeder
        self._noted = noted

    def insert(self, *sheets: Sheet, overlap_mm: float = 0.0) -> None:
        for sheet in sheets:
            self._noted.setdefault(sheet.id, sheet)
        self._feeder.insert(*sheets, overlap_mm=overlap_mm)

    def provide(
        self, definition: ElectionDefinition, layouts: Mapping[str, Layout]
    ) -> None:
        """Only the ballots of the election itself are printed."""
        raise Refused(
            f"ballots of {', '.join(layouts)} of {definition.id} are not printed", code="printed",
        )

    def pull_back(self) -> bool:
        return self._feeder.pull_back()

    def jam_next(self, at_mm: float) -> None:
        self._feeder.jam_next(at_mm)

    def clear_jam(self) -> str | None:
        return self._feeder.clear_jam()

    def take_returned(self) -> tuple[str, ...]:
        return self._feeder.take_returned()

    def box(self) -> BoxContents:
        return self._feeder.box()

    def empty_box(self) -> None:
        self._feeder.empty_box()

    def gates(self) -> list[Gate]:
        return self._feeder.gates()


def decks_of_plan(plan: str, seed: int, progress: RunProgress) -> list[Deck]:
    """One deck for each procedure of the plan that feeds paper in real time, in their order.

    ConfigurationError when a procedure breaks off on the emulated station: its deck would lack
    sheets.
    """
    noted: dict[str, Sheet] = {}
    decks = []
    with (
        tempfile.TemporaryDirectory() as folder,
        emulated_session(Path(folder) / "journal.jsonl", seed=seed, plan=plan) as session,
    ):
        session.plan = in_real_time(session.plan)
        session.bench.wrap_feeders(lambda feeder: NotingFeeder(feeder, noted))
        procedures = session.plan.selected(session.catalogue, "virtual")
        progress.expect(len(procedures))
        for name in procedures:
            noted.clear()
            _run(session, name, progress)
            if noted:
                decks.append(_deck(session, name, seed, tuple(noted.values())))
    return decks


def in_real_time(plan: Plan) -> Plan:
    """The plan with its parameters and omissions of real time, whatever clock runs it."""
    names = {*plan.procedures, *plan.real_time.procedures}
    return plan.model_copy(update={
        "procedures": {name: plan.parameters(name, "real") for name in names},
        "omit": plan.omitted("real"),
    })


def _run(session: Session, name: str, progress: RunProgress) -> None:
    progress.begin(name, name)
    result = session.run(name)
    progress.end(name, "PASS" if result.error is None else "broke off")
    if result.error is not None:
        raise ConfigurationError(f"{name} broke off on the emulated station: {result.error}")


def _deck(session: Session, name: str, seed: int, sheets: tuple[Sheet, ...]) -> Deck:
    styles = Counter(s.style for s in sheets if s.election == session.definition.id)
    style = styles.most_common(1)[0][0]
    return Deck(name, seed, session.definition, style, sheets)
