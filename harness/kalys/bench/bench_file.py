"""A bench file: which devices stand on a bench, and where each of them is.

Data in ``device_profiles/benches/*.yaml``. It binds roles to profiles and addresses: a pyserial
URL, a VISA resource, ``emulated`` (the harness provides the device) or a person (``by: operator``).
docs/benches.md explains every key; `bench_schema` is the JSON Schema.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BeforeValidator, Field, WithJsonSchema, model_validator

from kalys import documents
from kalys.bench.profile import (
    DeviceRole,
    LinkDefaults,
    Profile,
    Share,
    Strict,
    Word,
    load_profile,
)
from kalys.errors import ConfigurationError
from kalys.resources import find

EMULATED = "emulated"
CORE_BENCH = "core-alone"
"""The shipped bench on which a counting core is put."""
UNDER_TEST = ("urn", "core")
"""Roles of what can be certified."""

# One urn may be named without a list.
Names = Annotated[
    tuple[Word, ...],
    BeforeValidator(lambda given: (given,) if isinstance(given, str) else given),
    WithJsonSchema({
        "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]
    }),
]


class SerialOverride(Strict):
    """Serial settings of this address that differ from the profile's."""

    baud: int | None = None
    parity: Literal["N", "E", "O"] | None = None
    stopbits: Literal[1, 2] | None = None
    rtscts: bool | None = None
    xonxoff: bool | None = None
    timeout_s: float | None = None


class LineDisturbance(Strict):
    """Faults put on an urn's line on purpose; rates are per byte, seeded by the run's seed."""

    baud: Annotated[int, Field(gt=0)] | None = Field(default=None, description="pace at this rate")
    fragment: Share = 0.0
    corrupt: Share = 0.0
    lose: Share = 0.0
    stall: Share = 0.0
    stall_s: Annotated[float, Field(ge=0)] = 0.0
    disconnect_after: Annotated[int, Field(gt=0)] | None = None


class Device(Strict):
    """One device on the bench."""

    role: DeviceRole
    name: Word
    profile: str
    link: str | None = Field(
        default=None,
        description="emulated, a pyserial URL or a VISA resource, of a core python:module:callable "
        "or a command; absent with by: operator",
    )
    of: Names = Field(
        default=(), description="the urns that it serves; absent: every urn of the bench"
    )
    by: Literal["operator"] | None = None
    serial: SerialOverride = SerialOverride()
    faults: LineDisturbance | None = Field(
        default=None, description="of an urn: what to do to its line, to see how it bears it"
    )
    channel: Literal[1, 2, 3] | None = Field(
        default=None, description="of a supply: the output that feeds the urn, if not the profile's"
    )
    serial_number: str = Field(default="", description="of an urn: the device must answer with it")

    @model_validator(mode="after")
    def _is_somewhere(self) -> Device:
        if (self.by is None) == (self.link is None):
            raise ValueError("a device has either a link or by: operator")
        if self.by == "operator" and self.role in UNDER_TEST:
            raise ValueError(f"an {self.role} is reached over a link, not by the operator"
                             if self.role == "urn" else "a core is a program, not a person")
        if self.faults is not None and self.role != "urn":
            raise ValueError("faults are for the line of an urn")
        return self

    @property
    def emulated(self) -> bool:
        return self.link == EMULATED


class BenchFile(Strict):
    """The devices of one bench."""

    bench: Word
    description: str
    time: Literal["virtual", "real"]
    epoch: AwareDatetime = Field(description="civil time at the start of a virtual run")
    election: str = Field(description="election definition: a file, or a shipped name")
    station: str
    dut: Word | None = Field(
        default=None, description="the urn (or core) under test; absent: the first"
    )
    devices: tuple[Device, ...] = Field(min_length=1)

    @property
    def testable(self) -> tuple[Device, ...]:
        """The devices that can be under test."""
        return tuple(d for d in self.devices if d.role in UNDER_TEST)


@dataclass(frozen=True)
class Placed:
    """A device of the bench with its profile; ``of`` names the urns that it serves."""

    device: Device
    profile: Profile
    of: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.device.name

    @property
    def role(self) -> str:
        return self.device.role

    def link_settings(self) -> LinkDefaults:
        """The profile's link settings with those of the bench file put over them."""
        ours = self.device.serial.model_dump(exclude_none=True)
        return self.profile.link.model_copy(update=ours)


@dataclass(frozen=True)
class BenchPlan:
    """A bench file whose profiles are loaded and whose parts fit together."""

    path: Path
    file: BenchFile
    devices: tuple[Placed, ...]
    dut: str

    def __iter__(self) -> Iterator[Placed]:
        return iter(self.devices)

    @property
    def urns(self) -> tuple[Placed, ...]:
        return tuple(p for p in self.devices if p.role == "urn")

    @property
    def under_test(self) -> Placed:
        """The device under test."""
        return next(p for p in self.devices if p.name == self.dut)

    @property
    def emulated(self) -> tuple[Placed, ...]:
        return tuple(p for p in self.devices if p.device.emulated)

    @property
    def timeless(self) -> bool:
        """Whether nothing on the bench needs real time to pass: all is emulated, or a program that
        is asked and answers."""
        return all(p.device.emulated or p.role == "core" for p in self.devices)

    def serving(self, role: str, urn: str) -> Placed | None:
        """The device of a role that serves an urn."""
        return next((p for p in self.devices if p.role == role and urn in p.of), None)


def load_bench_file(name: str | Path) -> BenchFile:
    """A bench file, or a shipped bench by its name; ConfigurationError says file and line."""
    return documents.load(find(name, "device_profiles/benches"), BenchFile)


def plan_bench(name: str | Path) -> BenchPlan:
    """A bench file with its profiles; every disagreement is a ConfigurationError with its line.

    Profiles are looked for beside the bench file, in the folder above it, then among the shipped.
    """
    path = find(name, "device_profiles/benches")
    data, lines = documents.read(path)
    file = documents.validate(data, BenchFile, path, lines)
    urns = tuple(d.name for d in file.testable)
    _check_urns(file, urns, path, lines)
    placed = []
    for index, device in enumerate(file.devices):
        place = _Place(path, lines, index)
        profile = load_profile(_profile_path(device.profile, path, place))
        _check_device(device, profile, file, urns, place)
        placed.append(Placed(device, profile, device.of or urns))
    plan = BenchPlan(path, file, tuple(placed), file.dut or urns[0])
    _check_service(plan, path, lines)
    return plan


def plan_core_bench(spec: str) -> BenchPlan:
    """The shipped bench of a counting core, with the core that ``spec`` names on it."""
    plan = plan_bench(CORE_BENCH)
    placed = plan.under_test
    device = placed.device.model_copy(update={"link": spec})
    file = plan.file.model_copy(update={"devices": (device,)})
    return replace(plan, file=file, devices=(replace(placed, device=device),))


def with_election(plan: BenchPlan, election: str) -> BenchPlan:
    """The same bench, holding another election: a definition's file, or a shipped name."""
    return replace(plan, file=plan.file.model_copy(update={"election": election}))


def bench_schema() -> dict[str, Any]:
    """The JSON Schema of a bench file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **BenchFile.model_json_schema(),
        "title": "Kalys bench file",
    }


@dataclass(frozen=True)
class _Place:
    """Where in the file a device stands."""

    path: Path
    lines: Mapping[documents.Place, int]
    index: int

    def error(self, field: str, what: str, remedy: str | None = None) -> ConfigurationError:
        start = ("devices", self.index)
        line = self.lines.get((*start, field), self.lines.get(start, 1))
        return ConfigurationError(
            f"devices.{self.index}.{field}: {what}", where=f"{self.path}:{line}", remedy=remedy
        )


def _profile_path(name: str, bench: Path, place: _Place) -> str | Path:
    for folder in (bench.parent, bench.parent.parent):
        for candidate in (folder / name, folder / f"{name}.yaml"):
            if candidate.is_file():
                return candidate
    try:
        return find(name, "device_profiles")
    except ConfigurationError as error:
        raise place.error("profile", error.what, error.remedy) from error


def _check_urns(
    file: BenchFile, urns: tuple[str, ...], path: Path, lines: Mapping[documents.Place, int]
) -> None:
    if not urns:
        raise ConfigurationError(
            "devices: there is no urn and no core on the bench",
            where=f"{path}:{lines.get(('devices',), 1)}",
        )
    if len(urns) > 1 and any(d.role == "core" for d in file.testable):
        raise ConfigurationError(
            f"devices: a core is certified alone; there are {', '.join(urns)}",
            where=f"{path}:{lines.get(('devices',), 1)}",
        )
    if file.dut is not None and file.dut not in urns:
        raise ConfigurationError(
            f"dut: {file.dut} is not an urn of the bench ({', '.join(urns)})",
            where=f"{path}:{lines.get(('dut',), 1)}",
        )


def _check_device(
    device: Device, profile: Profile, file: BenchFile, urns: tuple[str, ...], place: _Place
) -> None:
    if any(d.name == device.name for d in file.devices[: place.index]):
        raise place.error("name", f"{device.name} is there already")
    if profile.role != device.role:
        raise place.error("profile", f"{profile.profile} is the profile of a {profile.role}, "
                                     f"not of a {device.role}")
    if (profile.protocol == "operator") != (device.by == "operator"):
        raise place.error("profile", "a profile with protocol operator goes with by: operator, "
                                     "and no other does")
    strangers = [name for name in device.of if name not in urns]
    if strangers:
        raise place.error("of", f"{', '.join(strangers)} is not an urn of the bench "
                                f"({', '.join(urns)})")
    if device.emulated and not profile.emulated and profile.role != "supply":
        raise place.error("link", f"{profile.profile} describes a physical device; the harness has "
                                  "no emulator of it", "Name its serial URL, e.g. /dev/ttyUSB0.")
    if file.time == "virtual" and not device.emulated and device.role != "core":
        raise place.error("link", "in virtual time every device is emulated",
                          "Set time: real, or link: emulated.")


def _check_service(
    plan: BenchPlan, path: Path, lines: Mapping[documents.Place, int]
) -> None:
    """Each urn has at most one device of each serving role."""
    for role in ("feeder", "hands", "printer", "supply"):
        for urn in plan.urns:
            serving = [p.name for p in plan if p.role == role and urn.name in p.of]
            if len(serving) > 1:
                raise ConfigurationError(
                    f"devices: {urn.name} has more than one {role}: {', '.join(serving)}",
                    where=f"{path}:{lines.get(('devices',), 1)}",
                    remedy="Say with of: which urn each of them serves.",
                )
