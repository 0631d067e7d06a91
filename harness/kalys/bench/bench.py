"""A bench with its devices open: what a run works with.

``open_bench`` reads a bench file and gives a `Bench`: the clock, the drivers by role, the
definition of the election. In **virtual** time every device is emulated in this process, behind ``kalys://``
URLs and the @kalys VISA back end; in **real** time devices with an address are opened there, and
emulated ones are served by a process of their own on real wires. A suite cannot tell.

Whatever happens, closing a bench first makes its supplies safe, then closes the links, then ends
the emulator's process.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from kalys.bench import wiring
from kalys.bench.bench_file import BenchPlan, Placed, plan_bench
from kalys.bench.emulation import EmulatorProcess, VirtualStation
from kalys.bench.leases import take_lease
from kalys.bench.profile import Profile
from kalys.devices.operator_roles import (
    OperatorFeeder,
    OperatorHands,
    OperatorPrinter,
    OperatorSupply,
)
from kalys.devices.roles import (
    CountingCore,
    Feeder,
    Hands,
    Identity,
    Operator,
    PowerSupply,
    Printer,
    Urn,
)
from kalys.devices.supply import check_identity
from kalys.devices.urn import UrnDriver
from kalys.devices.world import WorldFeeder, WorldHands, WorldLink
from kalys.election.definition import ElectionDefinition
from kalys.election.definition import load as load_definition
from kalys.errors import ConfigurationError
from kalys.evidence.journal import Journal, NullJournal, Recorder
from kalys.links.clock import Clock, RealClock, VirtualClock
from kalys.links.inprocess import Exchange

TimeBase = Literal["virtual", "real"]
JournalSource = Recorder | Path | Callable[[Clock], Recorder] | None

WIRES: Mapping[str, str] = {
    "tcp": "tcp://127.0.0.1:0", "pty": "pty", "rfc2217": "rfc2217://127.0.0.1:0",
}


class Bench:
    """The open devices of one bench. Use it as a context manager."""

    def __init__(
        self,
        plan: BenchPlan,
        *,
        clock: Clock,
        journal: Recorder,
        seed: int,
        operator: Operator | None,
        wire: str | None,
    ) -> None:
        self.plan = plan
        self.clock = clock
        self.journal = journal
        self.seed = seed
        self.operator = operator
        self.wire = wire
        self.exchange: Exchange | None = None
        self.epoch: datetime = plan.file.epoch if clock.base == "virtual" else clock.utc()
        self.definition: ElectionDefinition = load_definition(plan.file.election)
        self._closing = ExitStack()
        self._urns: dict[str, Urn] = {}
        self._core: CountingCore | None = None
        self._feeders: dict[str, Feeder] = {}
        self._hands: dict[str, Hands] = {}
        self._printers: dict[str, Printer] = {}
        self._supplies: dict[str, PowerSupply] = {}
        self._worlds: dict[str, WorldLink] = {}
        self._addresses: Mapping[str, str] = {}

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def dut(self) -> str:
        """The name of the device under test."""
        return self.plan.dut

    @property
    def dut_role(self) -> str:
        """What is under test: "urn" or "core"."""
        return self.plan.under_test.role

    @property
    def urn_names(self) -> tuple[str, ...]:
        return tuple(placed.name for placed in self.plan.urns)

    @property
    def time_base(self) -> str:
        return self.clock.base

    @property
    def emulated(self) -> bool:
        """Whether the device under test is a model in software."""
        return self.profile().emulated

    @cached_property
    def identity(self) -> Identity:
        """Who the device under test says it is (asked once)."""
        return self.core().identity() if self.dut_role == "core" else self.urn().identity()

    def core(self) -> CountingCore:
        """The counting core under test; ConfigurationError where an urn is."""
        if self._core is None:
            raise ConfigurationError("the bench has no counting core", where=str(self.plan.path))
        return self._core

    def urn(self, name: str | None = None) -> Urn:
        """The driver of an urn, by default of the one under test."""
        return self._urns[self._named(name)]

    def feeder(self, urn: str | None = None) -> Feeder | None:
        return self._feeders.get(self._named(urn))

    def wrap_feeders(self, wrap: Callable[[Feeder], Feeder]) -> None:
        """Put something around every feeder, such as one that notes which sheets are asked for."""
        self._feeders = {name: wrap(feeder) for name, feeder in self._feeders.items()}

    def hands(self, urn: str | None = None) -> Hands | None:
        return self._hands.get(self._named(urn))

    def printer(self, urn: str | None = None) -> Printer | None:
        return self._printers.get(self._named(urn))

    def supply(self, urn: str | None = None) -> PowerSupply | None:
        return self._supplies.get(self._named(urn))

    def profile(self, urn: str | None = None) -> Profile:
        """The profile of an urn, by default of the device under test."""
        if urn is None:
            return self.plan.under_test.profile
        name = self._named(urn)
        return next(placed.profile for placed in self.plan.urns if placed.name == name)

    def close(self) -> None:
        """Supplies safe, links closed, emulator ended; a second call does nothing."""
        self._closing.close()

    def _named(self, urn: str | None) -> str:
        name = urn or self.plan.dut
        if name not in self.urn_names:
            raise ConfigurationError(
                f"the bench has no urn {name}; it has {', '.join(self.urn_names) or 'none'}",
                where=str(self.plan.path),
            )
        return name

    # Opening, in this order

    def _open(self, defects: Sequence[str]) -> None:
        self._start_emulators(defects)
        self._lease_addresses()
        for role, opening in (
            ("supply", self._open_supply),
            ("urn", self._open_urn),
            ("core", self._open_core),
            ("feeder", self._open_feeder),
            ("hands", self._open_hands),
            ("printer", self._open_printer),
        ):
            for placed in self.plan:
                if placed.role == role:
                    opening(placed)

    def _start_emulators(self, defects: Sequence[str]) -> None:
        if not self.plan.emulated:
            if defects:
                raise ConfigurationError("only an emulated urn can be given defects",
                                         where=str(self.plan.path))
            return
        if isinstance(self.clock, VirtualClock):
            station = VirtualStation(self.plan, self.definition, self.clock,
                                     seed=self.seed, defects=defects)
            self._closing.callback(station.close)
            self.exchange = station.exchange
            self._addresses = station.addresses
        else:
            process = EmulatorProcess(self.plan.path, WIRES[self.wire or "tcp"],
                                      seed=self.seed, defects=defects,
                                      pace=getattr(self.clock, "pace", 1.0))
            self._closing.callback(process.close)
            self._addresses = process.addresses

    def _lease_addresses(self) -> None:
        taken: set[str] = set()
        for placed in self.plan:
            address = placed.device.link
            if placed.role == "core":
                address = wiring.urn_address(str(address))
            somewhere = not placed.device.emulated
            if address and somewhere and address not in taken:
                taken.add(address)
                self._closing.callback(take_lease(address).release)

    def _address(self, placed: Placed, port: str) -> str:
        return self._addresses[port] if placed.device.emulated else str(placed.device.link)

    def _person(self) -> Operator:
        if self.operator is None:
            raise ConfigurationError(
                "the bench needs a person, and nobody was given to ask",
                where=str(self.plan.path),
                remedy="Run kalys at a terminal, or name an operator.",
            )
        return self.operator

    def _open_supply(self, placed: Placed) -> None:
        for urn in placed.of:
            if placed.device.by == "operator":
                self._supplies[urn] = OperatorSupply(self._person(), urn, self.journal)
                continue
            supply = wiring.open_supply(placed, self._address(placed, "supply"), self.clock,
                                        self.journal, self.exchange)
            self._closing.callback(supply.close)
            self._closing.callback(supply.make_safe)
            identity = check_identity(supply, placed.profile.identity.model)
            self._journal_identity(placed, {"description": identity}, kind="instrument")
            output = placed.profile.output
            if output is not None:
                supply.set_voltage(output.volts, output.limit_amperes)
                supply.output(True)
            self._supplies[urn] = supply

    def _open_urn(self, placed: Placed) -> None:
        url = self._address(placed, placed.name)
        urn = wiring.open_urn(placed, url, self.clock, self.journal, self.seed)
        self._closing.callback(urn.disconnect)
        self._urns[placed.name] = urn
        identity = self._identified(placed, urn)
        if placed.name == self.dut:
            self.__dict__["identity"] = identity

    def _identified(self, placed: Placed, urn: UrnDriver) -> Identity:
        """Ask the urn who it is; ConfigurationError when it is not what the files say."""
        identity = urn.identity()
        wanted = placed.profile.identity
        for what, expected, found in (
            ("maker", wanted.maker, identity.maker),
            ("model", wanted.model, identity.model),
            ("serial number", placed.device.serial_number, identity.serial),
        ):
            if expected and expected != found:
                raise ConfigurationError(
                    f"{placed.name} says its {what} is {found!r}, expected was {expected!r}",
                    where=str(self.plan.path),
                    remedy="Check the address, or name the right profile.",
                )
        self._journal_identity(placed, asdict(identity))
        return identity

    def _open_core(self, placed: Placed) -> None:
        core = wiring.open_core(placed, self.definition)
        self._closing.callback(core.close)
        self._core = core
        identity = core.identity()
        self.__dict__["identity"] = identity
        self._journal_identity(placed, {"core": placed.device.link, **asdict(identity)})

    def _open_feeder(self, placed: Placed) -> None:
        for urn in placed.of:
            self._feeders[urn] = (
                OperatorFeeder(self._person(), urn) if placed.device.by == "operator"
                else WorldFeeder(self._world(placed), urn)
            )
        self._journal_identity(placed, {"description": placed.profile.description})

    def _open_hands(self, placed: Placed) -> None:
        for urn in placed.of:
            self._hands[urn] = (
                OperatorHands(self._person(), urn) if placed.device.by == "operator"
                else WorldHands(self._world(placed), urn)
            )

    def _open_printer(self, placed: Placed) -> None:
        for urn in placed.of:
            if placed.device.by == "operator":
                self._printers[urn] = OperatorPrinter(self._person(), urn, self.clock)
                continue
            tap = wiring.open_printer(placed, urn, self._address(placed, f"{urn}.printer"),
                                      self.clock, self.journal)
            self._closing.callback(tap.close)
            self._printers[urn] = tap

    def _world(self, placed: Placed) -> WorldLink:
        """The world's control link; feeder and hands at one address share it."""
        url = self._address(placed, "world")
        if url not in self._worlds:
            world = wiring.open_world(placed, url, self.clock, self.journal)
            self._closing.callback(world.close)
            self._worlds[url] = world
            if not placed.device.emulated:
                world.define(self.definition, placed.of)
        return self._worlds[url]

    def _journal_identity(
        self, placed: Placed, data: Mapping[str, Any], kind: str = "identity"
    ) -> None:
        self.journal.add(kind, {
            "name": placed.name,
            "role": placed.role,
            "profile": placed.profile.profile,
            "emulated": placed.device.emulated or placed.profile.emulated,
            "under_test": placed.name == self.dut,
            **data,
        })


def open_bench(
    bench_file: str | Path | BenchPlan,
    *,
    clock_base: str | None = None,
    wire: str | None = None,
    seed: int = 1,
    journal: JournalSource = None,
    defects: Sequence[str] = (),
    operator: Operator | Callable[[Recorder], Operator | None] | None = None,
    clock: Clock | None = None,
    pace: float = 1.0,
) -> Bench:
    """Open the bench of a file, a shipped bench by its name, or one that has been planned.

    ``clock_base`` ("virtual" or "real") overrides the file's ``time``; ``wire`` ("tcp", "pty",
    "rfc2217") puts the emulated devices on real wires, and means real time. ``journal`` is a
    journal, the path of one to create, or a function of the clock that makes one: a journal needs
    the clock, and the clock is made here unless ``clock`` is given. ``operator`` may be a function
    of the journal. ``pace`` lets a bench of emulated devices on real wires run so many times as
    fast. Raises ConfigurationError before anything is touched, LinkError when a device
    cannot be reached; nothing stays open then.
    """
    plan = bench_file if isinstance(bench_file, BenchPlan) else plan_bench(bench_file)
    base = _time_base(plan, clock_base, wire, clock)
    if pace != 1.0 and (base == "virtual" or clock is not None or not plan.timeless):
        raise ConfigurationError(
            f"a pace of {pace:g} needs real wires, and every device emulated",
            where=str(plan.path), remedy="Name a wire (tcp, pty), or leave the pace out.",
        )
    used = clock or (RealClock(pace) if pace != 1.0 else clock_for(plan, base))
    recorder, owned = _journal(journal, used, plan, seed)
    person = operator(recorder) if callable(operator) else operator
    chosen = (wire or "tcp") if base == "real" and plan.emulated else None
    try:
        bench = Bench(plan, clock=used, journal=recorder, seed=seed, operator=person, wire=chosen)
    except BaseException:
        if owned is not None:
            owned.close()
        raise
    if owned is not None:
        bench._closing.callback(owned.close)
    try:
        bench._open(defects)
    except BaseException:
        bench.close()
        raise
    return bench


def clock_for(plan: BenchPlan, base: TimeBase) -> Clock:
    """The clock of a run on a bench."""
    return VirtualClock(plan.file.epoch) if base == "virtual" else RealClock()


def _time_base(
    plan: BenchPlan, wanted: str | None, wire: str | None, clock: Clock | None
) -> TimeBase:
    where = str(plan.path)
    if wire is not None and wire not in WIRES:
        raise ConfigurationError(f"there is no wire {wire}", where=where,
                                 remedy=f"One of: {', '.join(WIRES)}")
    if wire is not None and not plan.emulated:
        raise ConfigurationError("a wire is chosen for emulated devices; the bench has none",
                                 where=where)
    base: str = wanted or (clock.base if clock else "real" if wire else plan.file.time)
    if base == "virtual" and (wire is not None or not plan.timeless):
        raise ConfigurationError(
            "virtual time needs every device emulated, and no wire", where=where,
            remedy="Run it in real time.",
        )
    if base not in ("virtual", "real"):
        raise ConfigurationError(f"there is no {base} time", where=where,
                                 remedy="Name virtual or real.")
    if clock is not None and clock.base != base:
        raise ConfigurationError(f"the clock runs in {clock.base} time, the bench in {base}",
                                 where=where)
    return "virtual" if base == "virtual" else "real"


def _journal(
    source: JournalSource, clock: Clock, plan: BenchPlan, seed: int
) -> tuple[Recorder, Journal | None]:
    """The journal, and the same again if it is ours to close."""
    if source is None:
        return NullJournal(), None
    if isinstance(source, Path):
        header = {"bench": plan.file.bench, "seed": seed, "time": clock.base}
        journal = Journal(source, header, clock.now)
        return journal, journal
    if callable(source):
        return source(clock), None
    return source, None
