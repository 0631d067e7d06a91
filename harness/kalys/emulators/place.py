"""What stands around one urn: the hands at its throat, its box, the bench's light barriers.

The other side of the paper path: where the urn says "accepted", a sheet lies in a compartment here,
or it does not.
"""

from __future__ import annotations

from collections.abc import Callable

from kalys.emulators.agenda import Agenda
from kalys.emulators.paper import Bundle
from kalys.protocols.world_messages import (
    DisplayChanged,
    GateCrossed,
    SheetBoxed,
    SheetReturned,
    SheetStuck,
)

Notification = GateCrossed | SheetReturned | SheetBoxed | SheetStuck | DisplayChanged


class Place:
    """The surroundings of the urn ``name``; ``notify`` tells whoever watches the world."""

    def __init__(
        self, name: str, agenda: Agenda, notify: Callable[[Notification], None]
    ) -> None:
        self.name = name
        self._agenda = agenda
        self._notify = notify
        self.box: dict[str, list[str]] = {"valid": [], "invalid": []}
        self._returned: list[str] = []

    def gate(self, gate: str, edge: str, bundle: Bundle) -> None:
        """A light barrier saw an edge of a bundle on its way in."""
        sheet = bundle.sheets[0 if edge == "lead" else -1].id
        self._notify(
            GateCrossed(self.name, gate, edge, sheet, self._agenda.now)  # type: ignore[arg-type]
        )

    def came_back(self, bundle: Bundle) -> None:
        """A bundle came out of the throat, into somebody's hands."""
        for sheet in bundle.sheets:
            self._returned.append(sheet.id)
            self._notify(SheetReturned(self.name, sheet.id, self._agenda.now))

    def fell(self, bundle: Bundle, compartment: str) -> None:
        """A bundle fell into a compartment."""
        for sheet in bundle.sheets:
            self.box[compartment].append(sheet.id)
            self._notify(
                SheetBoxed(self.name, sheet.id, compartment, self._agenda.now)  # type: ignore[arg-type]
            )

    def stuck(self, bundle: Bundle, at_mm: float) -> None:
        """A bundle stopped inside."""
        for sheet in bundle.sheets:
            self._notify(SheetStuck(self.name, sheet.id, at_mm, self._agenda.now))

    def showed(self, text: str) -> None:
        """The voter's display, which somebody watches, has changed."""
        self._notify(DisplayChanged(self.name, text, self._agenda.now))

    def take_returned(self) -> list[str]:
        """Ids of what came back since the last call."""
        returned, self._returned = self._returned, []
        return returned

    def empty_box(self) -> None:
        """Empty both compartments."""
        for compartment in self.box.values():
            compartment.clear()
