"""Critical operations need two factors: the log-in of a role that may, and the key in its switch.

What is critical is published (``kalys.protocols.urn.permissions.CRITICAL``, after VVSG 2.0
11.3.1-B): new software, a new definition, results of another urn that are added up, opening,
closing, removing an election with its records, and changing a key. An urn has no network that could
be switched on. Each is tried with the log-in alone, with the key alone, and with both: refused,
refused, granted. A refusal leaves an entry in the log (SEC-006).

The tries run through one short election, so that each is made in the state in which it is allowed.
One that is granted too early has had its effect; the tries that are left of it are not made.

Sources: VVSG 2.0 (EAC, 2021-02-10) 11.3.1-B, 11.3.1-C.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kalys.ballots.package import urn_package
from kalys.errors import KalysError, Refused
from kalys.procedures.configuration import installed_software, renew_key
from kalys.procedures.preparation import (
    AFTER_THE_HOUR,
    BEFORE_OPENING,
    STATION,
    Prepared,
    end_election,
    prepared_urn,
    print_report,
)
from kalys.procedures.registry import procedure
from kalys.procedures.watching import Tail
from kalys.protocols.urn.messages import Purpose, ReportKind, Role

if TYPE_CHECKING:
    from kalys.procedures.session import Session

REQUIREMENT = "SEC-005"
CAPABILITY = "key-switch"


@dataclass(frozen=True)
class Operation:
    """A critical operation: who may give it, what brings the urn to where it is allowed (with an
    administrator logged in), and the operation itself."""

    text: str
    role: Role
    before: Callable[[Prepared], object]
    give: Callable[[Prepared], object]


@procedure(
    "security.second_factor",
    title="Critical operations need the log-in and the key, not one of them",
    requirements=(REQUIREMENT, "SEC-006"),
    device_seconds=120,
    front="robot",
)
def second_factor(session: Session, parameters: Mapping[str, Any]) -> None:
    """Every critical operation with the log-in alone, the key alone, and both; ``rounds`` times."""
    if CAPABILITY not in session.profile.capabilities:
        session.not_applicable(REQUIREMENT, "The device has no key switch as its second factor")
        return
    rounds = int(parameters.get("rounds", 1))
    for turn in range(rounds):
        operations = _operations()
        total = rounds * len(operations)
        with prepared_urn(session, opened=False) as prepared, _key_put_back(prepared):
            end_election(prepared)
            for number, operation in enumerate(operations, 1):
                _try_out(session, prepared, operation)
                done = turn * len(operations) + number
                session.report_progress(done, total, operation.text)


@contextmanager
def _key_put_back(prepared: Prepared) -> Iterator[None]:
    try:
        yield
    finally:
        prepared.hands.key_switch(True)


def _try_out(session: Session, prepared: Prepared, operation: Operation) -> None:
    """One operation with either factor alone, and then with both."""
    prepared.hands.key_switch(True)
    prepared.urn.login(Role.ADMINISTRATOR)
    operation.before(prepared)
    tail = Tail(prepared.urn)
    for factor, key, role in (
        ("log-in alone", False, operation.role), ("key alone", True, None),
    ):
        prepared.hands.key_switch(key)
        prepared.urn.logout()
        if role is not None:
            prepared.urn.login(role)
        tail.new()
        refused = _refused(prepared, operation)
        session.count(
            REQUIREMENT, 1, int(not refused), condition=f"{operation.text}, {factor}",
            note="" if refused else f"{operation.text} was granted with the {factor}",
        )
        if not refused:
            return
        logged = any(entry.outcome != "success" for entry in tail.new())
        session.count(
            "SEC-006", 1, int(not logged), condition=f"{operation.text}, {factor}",
            note="" if logged else f"the refusal of {operation.text} was not logged",
        )
    prepared.hands.key_switch(True)
    prepared.urn.login(operation.role)
    said = _refused(prepared, operation)
    session.count(
        REQUIREMENT, 1, int(bool(said)), condition=f"{operation.text}, both factors",
        note=f"with both factors: {said}" if said else "",
    )
    if said:
        raise KalysError(f"{operation.text} is refused with both factors, so the election of this "
                         f"trial cannot go on: {said}")


def _refused(prepared: Prepared, operation: Operation) -> str:
    """The words of the refusal; "" when it was granted."""
    try:
        operation.give(prepared)
    except Refused as refusal:
        return str(refusal)
    return ""


def _stay(prepared: Prepared) -> None:
    """The operation is allowed where the urn stands."""


def _before_opening(prepared: Prepared) -> None:
    prepared.urn.set_clock(prepared.definition.opens + BEFORE_OPENING)


def _to_be_opened(prepared: Prepared) -> None:
    print_report(prepared, ReportKind.ZERO)
    prepared.urn.set_clock(prepared.definition.opens + AFTER_THE_HOUR)


def _to_be_closed(prepared: Prepared) -> None:
    prepared.urn.set_clock(prepared.definition.closes + AFTER_THE_HOUR)


def _load_software(prepared: Prepared) -> None:
    """What is installed already, so that the urn stays what it is."""
    prepared.urn.load(Purpose.SOFTWARE, installed_software(prepared))


def _load_definition(prepared: Prepared) -> None:
    package = urn_package(prepared.definition, prepared.style, STATION)
    prepared.urn.load(Purpose.DEFINITION, package)


class _OtherUrn:
    """The results of another urn of the station: our own, under another serial number."""

    def __init__(self) -> None:
        self._results = b""

    def export(self, prepared: Prepared) -> None:
        results = json.loads(prepared.urn.export("results"))
        results["device"]["serial"] += "-other"
        self._results = json.dumps(
            results, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    def load(self, prepared: Prepared) -> None:
        prepared.urn.load(Purpose.RESULTS, self._results)


def _operations() -> tuple[Operation, ...]:
    """In the order of an election, each in the state where the one before has led."""
    other = _OtherUrn()
    return (
        Operation("loading software", Role.ADMINISTRATOR, _stay, _load_software),
        Operation("changing a key", Role.ADMINISTRATOR, _stay,
                  lambda prepared: renew_key(prepared, Role.AUDITOR)),
        Operation("loading a definition", Role.ADMINISTRATOR, _before_opening, _load_definition),
        Operation("opening", Role.OPERATOR, _to_be_opened, lambda prepared: prepared.urn.open()),
        Operation("closing", Role.OPERATOR, _to_be_closed, lambda prepared: prepared.urn.close()),
        Operation("adding another urn's results", Role.OPERATOR, other.export, other.load),
        Operation("removing the election", Role.ADMINISTRATOR, _stay,
                  lambda prepared: prepared.urn.reset_election()),
    )
