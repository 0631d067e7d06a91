"""A polling station on an emulated bench: urns, the supply that feeds them, the world's own link.

``build_world`` is what a bench calls. Its ports are ``NAME`` and ``NAME.printer`` for every urn,
``world`` for the control link (docs/protocols/world-link.md) and ``supply`` if there is one. The
supply is an E36312A: its channel 2 feeds the first urn, channel 3 the second; further urns, and all
of them when there is no supply, stand on wall mains.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from kalys.ballots.layout import Layout
from kalys.ballots.templates import layouts_for
from kalys.election.definition import ElectionDefinition
from kalys.emulators.defects import behaviour_with
from kalys.emulators.supply import FED_CHANNELS, EmulatedSupply
from kalys.emulators.urn.configuration import UrnEmulation
from kalys.emulators.world import World
from kalys.errors import ConfigurationError
from kalys.protocols.urn.line import LineDialect


@dataclass(frozen=True)
class UrnSetup:
    """One urn of the station.

    ``name`` is also its port; ``dialect`` None means the binary link of docs/protocols/urn-link.md;
    each defect is ``NAME`` or ``NAME:parameter=value,...`` of ``kalys.emulators.defects``.
    """

    name: str
    serial: str
    configuration: UrnEmulation = field(default_factory=UrnEmulation)
    dialect: LineDialect | None = None
    defects: Sequence[str] = ()


def build_world(
    urns: Sequence[UrnSetup],
    *,
    supply: bool = True,
    definition: ElectionDefinition | None = None,
    layouts: Mapping[str, Layout] | None = None,
    fed: Sequence[str] | None = None,
    epoch: datetime,
    seed: int,
) -> World:
    """A world with these urns, already switched on and past their boot at time 0.

    ``fed`` names the urns that the supply feeds, at most two (default: the first two).
    ``layouts`` (by style), or the shipped ones of ``definition``, say how sheets look when they are
    rendered; more can come later by the ``define`` command of the world's link. ``epoch`` is the
    civil time, aware, at ns 0. Raises ConfigurationError for an unknown defect or a doubled name.
    """
    known = layouts if layouts is not None else layouts_for(definition) if definition else {}
    world = World(epoch=epoch, seed=seed, layouts=known.values())
    for setup in urns:
        behaviour = behaviour_with(setup.defects)
        world.add_urn(setup.name, setup.serial, setup.configuration, setup.dialect, behaviour)
    if supply:
        names = world.urn_names[: len(FED_CHANNELS)] if fed is None else tuple(fed)
        if len(names) > len(FED_CHANNELS) or not set(names) <= set(world.urn_names):
            raise ConfigurationError(
                f"the supply cannot feed {', '.join(names)}", where="world",
                remedy=f"It feeds at most {len(FED_CHANNELS)} urns of the world.",
            )
        world.add_supply(EmulatedSupply(), dict(zip(FED_CHANNELS, names, strict=False)))
    world.start()
    return world
