"""The urn's paper path as a mechanism: a motor, sensors, a bundle of paper between them.

How to think about it: the path knows physics and no votes. The firmware (``passage``) drives the
motor and is told when a sensor changes; the world puts paper into the throat, pulls it back, takes
it out. Where the paper is at any moment follows from where it was, when, and the speed; only the
next edge is on the agenda.

Positions are those of the bundle's leading edge in mm behind the throat. Sensors: ``entry`` at the
throat, ``scanner``, ``deflector``, ``exit``. Past the deflector paper cannot be driven back: a
motor that tries lets it slip into the compartment the deflector points to.
"""

from __future__ import annotations

from collections import deque
from typing import Protocol

from kalys.emulators.agenda import SECOND, Agenda, Alarm
from kalys.emulators.paper import Bundle
from kalys.emulators.urn.configuration import UrnEmulation

GRIP_MM = 15.0        # so much of the tail must stick out for a hand to hold it


class Firmware(Protocol):
    """Who is told of the sensors."""

    def throat_covered(self) -> None: ...
    def edge(self, sensor: str, covered: bool) -> None: ...
    def too_long(self) -> None: ...
    def removed(self) -> None: ...


class Surroundings(Protocol):
    """Who sees the paper, and the display, from outside: the world."""

    def gate(self, gate: str, edge: str, bundle: Bundle) -> None: ...
    def came_back(self, bundle: Bundle) -> None: ...
    def fell(self, bundle: Bundle, compartment: str) -> None: ...
    def stuck(self, bundle: Bundle, at_mm: float) -> None: ...
    def showed(self, text: str) -> None: ...


class PaperPath:
    """One path. ``compartment`` is where the deflector points."""

    def __init__(self, agenda: Agenda, c: UrnEmulation, surroundings: Surroundings) -> None:
        self._agenda = agenda
        self._c = c
        self._outside = surroundings
        self.firmware: Firmware | None = None
        self.waiting: deque[Bundle] = deque()      # held at the throat, not drawn in
        self.bundle: Bundle | None = None          # inside
        self.compartment = "invalid"
        self.jam_next: float | None = None
        self._position = 0.0
        self._since = 0
        self._speed = 0.0
        self._alarm: Alarm | None = None
        self._edges: list[tuple[float, str, bool]] = []

    # What the world does

    def offer(self, bundle: Bundle) -> None:
        """Hold a bundle to the throat."""
        if self.jam_next is not None:
            bundle.jam_at, self.jam_next = self.jam_next, None
        self.waiting.append(bundle)
        if self.firmware is not None and len(self.waiting) == 1:
            self.firmware.throat_covered()

    def pull_back(self) -> Bundle | None:
        """Pull at the paper; what came out, or None when too little of it sticks out."""
        bundle = self.bundle
        if bundle is None:
            return self.waiting.popleft() if self.waiting else None
        if self.head_mm() > bundle.length_mm - GRIP_MM:
            return None
        self._take_out()
        return bundle

    def remove(self) -> Bundle | None:
        """Take out what is inside, through the open cover."""
        bundle = self.bundle
        if bundle is not None:
            self._take_out()
        return bundle

    # What the firmware does

    def draw(self, speed: float) -> Bundle:
        """Grip what is at the throat and draw it in."""
        bundle = self.bundle = self.waiting.popleft()
        self._position = 0.0
        self._outside.gate("entry", "lead", bundle)
        self.drive(speed)
        return bundle

    def drive(self, speed: float) -> None:
        """Run the motor at ``speed`` mm/s, negative for backwards, 0 to stop."""
        self._settle()
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        self._speed = speed
        bundle = self.bundle
        if bundle is None or speed == 0 or bundle.stuck:
            return
        if speed > 0:
            self._edges = [e for e in self._edges_of(bundle) if e[0] > self._position]
            self._next_edge()
        elif self._position > self._c.deflector_mm:
            self._alarm = self._agenda.at(self._agenda.now, self._slip)
        else:
            seconds = self._position / -speed
            self._alarm = self._agenda.after(seconds, self._out_of_throat)

    def refuse(self) -> None:
        """Push back what is at the throat without drawing it in."""
        if self.waiting:
            self._outside.came_back(self.waiting.popleft())

    @property
    def covered(self) -> bool:
        """Whether any sensor inside sees paper."""
        return self.bundle is not None

    @property
    def past_return(self) -> bool:
        """Whether the sensors at the deflector or behind it see paper: it cannot come back."""
        return self.bundle is not None and self.head_mm() >= self._c.deflector_mm

    def head_mm(self) -> float:
        """Where the leading edge of the bundle inside is."""
        bundle = self.bundle
        if bundle is None or bundle.stuck or self._speed == 0:
            return self._position
        moved = self._position + self._speed * (self._agenda.now - self._since) / SECOND
        return max(0.0, moved)

    def sensor_after(self, position: float) -> str:
        """The sensor that should change next when paper goes on from ``position``."""
        if self.bundle is not None:
            for where, sensor, _ in self._edges_of(self.bundle):
                if where > position and sensor != "length":
                    return sensor
        return "exit"

    # Motion

    def _edges_of(self, bundle: Bundle) -> list[tuple[float, str, bool]]:
        c, length = self._c, bundle.length_mm
        edges = [
            (c.scanner_mm, "scanner", True),
            (length, "entry", False),
            (c.scanner_mm + length, "scanner", False),
            (c.deflector_mm, "deflector", True),
            (c.exit_mm, "exit", True),
            (c.exit_mm + length, "exit", False),
        ]
        limit = c.sheet_mm + c.length_tolerance_mm
        if length > limit:
            edges.append((c.scanner_mm + limit, "length", True))
        if length != c.sheet_mm:
            edges.sort()
        return edges

    def _settle(self) -> None:
        self._position = self.head_mm()
        self._since = self._agenda.now

    def _next_edge(self) -> None:
        bundle = self.bundle
        assert bundle is not None
        where = self._edges[0][0] if self._edges else self._position
        if bundle.jam_at is not None and bundle.jam_at < where:
            seconds = max(0.0, bundle.jam_at - self._position) / self._speed
            self._alarm = self._agenda.after(seconds, self._stick)
        elif self._edges:
            seconds = (where - self._position) / self._speed
            self._alarm = self._agenda.after(seconds, self._cross)

    def _cross(self) -> None:
        where, sensor, covered = self._edges.pop(0)
        bundle, firmware = self.bundle, self.firmware
        assert bundle is not None
        self._alarm = None
        self._position, self._since = where, self._agenda.now
        if sensor == "entry":
            self._outside.gate("entry", "trail", bundle)
        elif sensor == "exit":
            self._outside.gate("exit", "lead" if covered else "trail", bundle)
            if not covered:
                self._fall(bundle)
                return
        self._next_edge()
        if firmware is None:
            return
        if sensor == "length":
            firmware.too_long()
        else:
            firmware.edge(sensor, covered)

    def _stick(self) -> None:
        bundle = self.bundle
        assert bundle is not None and bundle.jam_at is not None
        self._alarm = None
        self._position, self._since = max(self._position, bundle.jam_at), self._agenda.now
        bundle.stuck = True
        self._outside.stuck(bundle, self._position)

    def _slip(self) -> None:
        bundle = self.bundle
        assert bundle is not None
        self._alarm = None
        self._fall(bundle)

    def _fall(self, bundle: Bundle) -> None:
        self._clear()
        self._outside.fell(bundle, self.compartment)
        if self.firmware is not None:
            self.firmware.edge("exit", False)

    def _out_of_throat(self) -> None:
        bundle = self.bundle
        assert bundle is not None
        self._clear()
        self._outside.came_back(bundle)
        if self.firmware is not None:
            self.firmware.edge("entry", False)

    def _take_out(self) -> None:
        self._clear()
        if self.firmware is not None:
            self.firmware.removed()

    def _clear(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        self.bundle = None
        self._position, self._speed, self._edges = 0.0, 0.0, []
