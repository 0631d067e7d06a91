"""A session that is open already, handed to Robot suites that run in the same process.

``kalys certify`` runs the suites with ``listener=[SessionHandover(session)]`` and
``name=suite_name(session)``. The listener puts the session into the global variable
``${KALYS_SESSION}``, where ``KalysLibrary`` finds it. The name of the outermost suite bears the
device's serial number: results of two units have different names then, and no history of results
can take one for the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from robot.libraries.BuiltIn import BuiltIn

if TYPE_CHECKING:
    from kalys.procedures.session import Session

VARIABLE = "${KALYS_SESSION}"


def suite_name(session: Session) -> str:
    """The name of the outermost suite: model and serial number of the device under test."""
    return f"{session.identity.model} {session.identity.serial}"


class SessionHandover:
    """Hands over ``session``; who opened it closes it."""

    ROBOT_LISTENER_API_VERSION = 3

    def __init__(self, session: Session) -> None:
        self._session = session

    def start_suite(self, data: Any, result: Any) -> None:
        """Before anything of a suite runs."""
        if result.parent is None:
            data.name = result.name = suite_name(self._session)
            result.metadata["DUT"] = self._session.identity.serial
            result.metadata["Plan"] = self._session.plan.plan
            result.metadata["Seed"] = str(self._session.seed)
            result.metadata["Time base"] = self._session.clock.base
            BuiltIn().set_global_variable(VARIABLE, self._session)
