"""The procedures there are, by id, and how one declares itself.

A procedure is a function ``run(session, parameters)`` with a declaration beside it: which
requirements it yields observations for, what it is called in a report, how long the device needs
and which front tells its story (Robot for what an auditor reads, pytest for what is parametrised)::

    @procedure("mark.line", title="A 1 mm line is a vote", requirements=("MRK-001",),
               device_seconds=900, front="pytest")
    def line(session: Session, parameters: Mapping[str, Any]) -> None: ...

The decorator returns a ``Procedure`` and remembers nothing. ``load()`` looks through the modules
of ``kalys.procedures`` and through the entry points of the group "kalys.procedures", so that
somebody's own package can bring procedures without a fork.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import pluggy

from kalys.errors import ConfigurationError

if TYPE_CHECKING:
    from kalys.procedures.session import Session

Front = Literal["pytest", "robot"]
Run = Callable[["Session", Mapping[str, Any]], None]
ENTRY_POINTS = "kalys.procedures"


@dataclass(frozen=True)
class Procedure:
    """One way of testing requirements.

    ``device_seconds`` is a rough figure of the time a real device needs with the standard plan's
    parameters; ``front`` is the suite that shows it. ``devices`` are the roles under test that it
    can be asked of: "urn", "core".
    """

    id: str
    title: str
    requirements: tuple[str, ...]
    device_seconds: float
    front: Front
    run: Run
    devices: tuple[str, ...] = ("urn",)


def procedure(
    name: str, *, title: str, requirements: tuple[str, ...], device_seconds: float, front: Front,
    devices: tuple[str, ...] = ("urn",),
) -> Callable[[Run], Procedure]:
    """Declare the decorated function as the procedure ``name`` (its id)."""

    def declare(run: Run) -> Procedure:
        return Procedure(name, title, requirements, device_seconds, front, run, devices)

    return declare


@cache
def load() -> Mapping[str, Procedure]:
    """Every procedure by id, in the order of the ids.

    Raises ConfigurationError when two claim one id.
    """
    found: dict[str, Procedure] = {}
    for module in _modules():
        for item in vars(module).values():
            if not isinstance(item, Procedure):
                continue
            if found.setdefault(item.id, item) is not item:
                raise ConfigurationError(
                    f"two procedures have the id {item.id}",
                    where=str(getattr(module, "__name__", module)),
                    remedy="Give one of them another id, or remove the package that brings it.",
                )
    return MappingProxyType(dict(sorted(found.items())))


def get(name: str) -> Procedure:
    """The procedure of that id; ConfigurationError lists the ids of its family."""
    procedures = load()
    if name not in procedures:
        family = name.split(".", maxsplit=1)[0]
        near = [known for known in procedures if known.startswith(family + ".")] or procedures
        raise ConfigurationError(
            f"there is no procedure {name}", remedy=f"There are: {', '.join(near)}"
        )
    return procedures[name]


def _modules() -> Iterator[Any]:
    package = importlib.import_module(__package__)
    for entry in pkgutil.walk_packages(package.__path__, prefix=f"{__package__}."):
        yield importlib.import_module(entry.name)
    guests = pluggy.PluginManager("kalys")
    guests.load_setuptools_entrypoints(ENTRY_POINTS)
    yield from guests.get_plugins()
