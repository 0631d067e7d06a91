"""The catalogue of defects: each breaks one promise of the healthy urn, for suites to catch.

A defect is a small subclass of ``Behaviour`` (``kalys.emulators.urn.behaviour``) that overrides one
hook; the classes are in ``kalys.emulators.defect_hooks``, one module for each part of the urn, and
the entries beside them here, in the module of the same name. An entry says what the defect does,
which requirement must fail, and by which procedure. Several may be built into one urn: their
classes are stacked. Numbers are parameters: ``vote-dropped:every=500``.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from kalys.emulators.defects import (
    ballot_range,
    boundaries,
    clocks,
    conditional,
    counting,
    display,
    inactivity,
    log_export,
    logs,
    marginal,
    paper,
    paper_stock,
    power,
    rare,
    reading,
    recognition,
    records,
    reports,
    security,
    states,
)
from kalys.emulators.defects.entry import Defect
from kalys.emulators.urn.behaviour import Behaviour
from kalys.errors import ConfigurationError

__all__ = ["CATALOGUE", "GROUPS", "Defect", "behaviour_with", "parse"]

# In the order of the page.
GROUPS = (
    counting,
    rare,
    conditional,
    boundaries,
    recognition,
    reading,
    marginal,
    ballot_range,
    paper,
    paper_stock,
    display,
    power,
    states,
    security,
    inactivity,
    logs,
    clocks,
    reports,
    records,
    log_export,
)

CATALOGUE: Mapping[str, Defect] = MappingProxyType(
    {defect.name: defect for group in GROUPS for defect in group.ENTRIES}
)


def behaviour_with(defects: Sequence[str]) -> Behaviour:
    """The behaviour of an urn with these defects, each ``NAME`` or ``NAME:parameter=value,...``.

    Raises ConfigurationError for what is not in the catalogue, with the nearest names.
    """
    if not defects:
        return Behaviour()
    parameters: dict[str, Mapping[str, float]] = {}
    bases: list[type[Behaviour]] = []
    for text in defects:
        defect, numbers = parse(text)
        if defect.name in parameters:
            raise ConfigurationError(f"the defect {defect.name} is named twice", where="defects")
        parameters[defect.name] = numbers
        bases.append(defect.hook)
    faulty = type("FaultyBehaviour", tuple(bases), {})
    made: Behaviour = faulty(parameters)
    return made


def parse(text: str) -> tuple[Defect, Mapping[str, float]]:
    """The defect that ``NAME:parameter=value,...`` names, and its parameters."""
    name, _, rest = text.strip().partition(":")
    defect = CATALOGUE.get(name)
    if defect is None:
        near = difflib.get_close_matches(name, CATALOGUE, n=3, cutoff=0.4)
        hint = f"Did you mean {' or '.join(near)}?" if near else f"Known: {', '.join(CATALOGUE)}"
        raise ConfigurationError(f"there is no defect {name!r}", where="defects", remedy=hint)
    numbers = dict(defect.parameters)
    for part in filter(None, rest.split(",")):
        key, equals, value = part.partition("=")
        try:
            if not equals or key not in numbers:
                raise ValueError
            numbers[key] = float(value)
        except ValueError:
            known = ", ".join(f"{k}={v:g}" for k, v in defect.parameters.items()) or "none"
            raise ConfigurationError(
                f"{part!r} sets no parameter of the defect {name}", where="defects",
                remedy=f"Its parameters and their defaults: {known}",
            ) from None
    return defect, numbers
