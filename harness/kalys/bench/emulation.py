"""Emulated devices for a bench: in this process in virtual time, or served on real wires.

`VirtualStation` puts a world behind an in-process exchange. `serve_bench` and `serve_profile` serve
one on TCP, pty or RFC 2217 until SIGINT or SIGTERM; ``kalys emulate`` calls them, and so, in a
process of its own, does a bench in real time (`EmulatorProcess`).
"""

from __future__ import annotations

import contextlib
import json as jsonlib
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import IO

from kalys.bench.bench_file import BenchPlan, plan_bench
from kalys.bench.profile import Profile, load_profile
from kalys.election.definition import ElectionDefinition
from kalys.election.definition import load as load_definition
from kalys.emulators.hosting import ServerHost, VirtualHost
from kalys.emulators.station import UrnSetup, build_world
from kalys.emulators.urn.configuration import UrnEmulation
from kalys.emulators.world import World
from kalys.errors import ConfigurationError, LinkError
from kalys.links.clock import RealClock, VirtualClock
from kalys.links.inprocess import Exchange
from kalys.links.visa import resource_name

DEFAULT_ELECTION = "kg-2021-11-28"
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 5.0
# A bench that starts an emulator sets this: the emulator ends when its standard input does, so that
# none is left behind by a run that was killed.
UNTIL_EOF = "KALYS_EMULATE_UNTIL_EOF"


def world_of(
    plan: BenchPlan,
    definition: ElectionDefinition,
    *,
    epoch: datetime,
    seed: int,
    defects: Sequence[str] = (),
) -> World:
    """The world of a bench's emulated devices; the urn under test gets the defects."""
    setups = [
        UrnSetup(
            name=placed.name,
            serial=placed.device.serial_number or f"KALYS-{placed.name.upper()}",
            configuration=placed.profile.emulation or UrnEmulation(),
            dialect=placed.profile.dialect,
            defects=tuple(defects) if placed.name == plan.dut else (),
        )
        for placed in plan.urns
        if placed.device.emulated
    ]
    supply = any(placed.role == "supply" for placed in plan.emulated)
    return build_world(setups, supply=supply, definition=definition, epoch=epoch, seed=seed)


class VirtualStation:
    """The emulated devices of a bench behind an exchange of a virtual clock."""

    def __init__(
        self,
        plan: BenchPlan,
        definition: ElectionDefinition,
        clock: VirtualClock,
        *,
        seed: int,
        defects: Sequence[str] = (),
    ) -> None:
        world = world_of(plan, definition, epoch=plan.file.epoch, seed=seed, defects=defects)
        self._forget = world.forget_pictures
        self.exchange = Exchange(clock)
        self.host = VirtualHost(world, self.exchange, clock)
        self.addresses: Mapping[str, str] = {
            port: resource_name(port) if port == "supply" else self.exchange.url(port)
            for port in self.exchange.ports()
        }

    def close(self) -> None:
        self.exchange.close()
        self._forget()


class EmulatorProcess:
    """``python -m kalys emulate --bench FILE`` in a process of its own.

    ``addresses`` maps the world's ports to URLs and VISA resources. LinkError when it does not
    start.
    """

    def __init__(
        self, bench: Path, listen: str, *, seed: int, defects: Sequence[str] = (),
        pace: float = 1.0,
    ) -> None:
        command = [
            sys.executable, "-m", "kalys", "emulate", "--bench", str(bench), "--listen", listen,
            "--seed", str(seed), "--pace", str(pace), "--json",
            *(f"--defect={defect}" for defect in defects),
        ]
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  (closed by close)
        # A session of its own: Ctrl-C at the terminal is for the run, which ends the emulator last.
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors,
            start_new_session=True, env={**os.environ, UNTIL_EOF: "1"},
        )
        try:
            self.addresses: Mapping[str, str] = self._read_addresses(command)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the process; a second call does nothing."""
        process = self._process
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._errors.close()

    def _read_addresses(self, command: Sequence[str]) -> dict[str, str]:
        line = self._first_line()
        try:
            ports = jsonlib.loads(line)["ports"]
            return {str(name): str(address) for name, address in ports.items()}
        except (ValueError, KeyError, AttributeError) as error:
            self._errors.seek(0)
            said = self._errors.read().decode("utf-8", "replace").strip() or line.strip()
            raise LinkError(
                f"the emulator did not start: {said or 'it said nothing'}",
                where=" ".join(command[1:]),
            ) from error

    def _first_line(self) -> str:
        """What it prints first, or "" when it ends or takes too long."""
        lines: queue.Queue[bytes] = queue.Queue()
        stdout = self._process.stdout
        assert stdout is not None

        def read() -> None:
            with contextlib.suppress(ValueError, OSError):   # closed meanwhile: nobody waits
                lines.put(stdout.readline())

        threading.Thread(target=read, daemon=True).start()
        try:
            return lines.get(timeout=START_TIMEOUT_S).decode("utf-8", "replace")
        except queue.Empty:
            return ""


def serve_bench(
    bench_file: str | Path,
    listen: str,
    *,
    defects: Sequence[str] = (),
    seed: int = 1,
    json: bool = False,
    pace: float = 1.0,
) -> None:
    """Serve every emulated device of a bench until SIGINT or SIGTERM, ``pace`` times as fast.

    Prints ``PORT ADDRESS`` per port, with ``json`` one object ``{"ports": {PORT: ADDRESS}}``.
    ConfigurationError when the bench has nothing to emulate.
    """
    plan = plan_bench(bench_file)
    if not plan.emulated:
        raise ConfigurationError("the bench has no emulated device", where=str(plan.path))
    world = world_of(plan, load_definition(plan.file.election), epoch=RealClock().utc(),
                     seed=seed, defects=defects)
    with ServerHost(world, listen, RealClock(pace)) as host:
        if json:
            _say(jsonlib.dumps({"ports": dict(host.addresses)}))
        else:
            for port, address in host.addresses.items():
                _say(f"{port} {address}")
        _serve(host)


def serve_profile(
    profile: str | Path,
    listen: str,
    *,
    defects: Sequence[str] = (),
    seed: int = 1,
    json: bool = False,
) -> None:
    """Serve one emulated device until SIGINT or SIGTERM.

    Prints the address of the device (a pyserial URL; a VISA resource for a supply), then that of
    the world's control link, then those of the printer's tap and the supply; with ``json`` one
    object ``{"link", "world", "printer", "supply", "ports"}``. ConfigurationError when there is no
    emulator of the profile.
    """
    chosen = load_profile(profile)
    world = _world_of_profile(chosen, seed, defects)
    with ServerHost(world, listen) as host:
        ports = dict(host.addresses)
        first = "supply" if chosen.role == "supply" else "urn-1"
        named = {"link": ports[first], "world": ports["world"]}
        for name, port in (("printer", "urn-1.printer"), ("supply", "supply")):
            if port in ports and port != first:
                named[name] = ports[port]
        if json:
            _say(jsonlib.dumps({**named, "ports": ports}))
        else:
            for address in named.values():
                _say(address)
        _serve(host)


def _world_of_profile(profile: Profile, seed: int, defects: Sequence[str]) -> World:
    if profile.role == "urn" and profile.emulated:
        setups = [UrnSetup("urn-1", "KG-EMU-0001", profile.emulation or UrnEmulation(),
                           profile.dialect, tuple(defects))]
    elif profile.role == "supply" and profile.protocol == "scpi":
        if defects:
            raise ConfigurationError("a supply has no defects", where=profile.profile)
        setups = []
    else:
        raise ConfigurationError(
            f"there is no emulator of {profile.profile}", where=f"a {profile.role}",
            remedy="Name an emulated urn or the supply; kalys profiles list shows them.",
        )
    return build_world(setups, supply=True, definition=load_definition(DEFAULT_ELECTION),
                       epoch=RealClock().utc(), seed=seed)


def _serve(host: ServerHost) -> None:
    if os.environ.get(UNTIL_EOF):
        threading.Thread(target=_end_with_stdin, daemon=True).start()
    host.serve()


def _end_with_stdin() -> None:
    """Wait for the end of standard input, then ask this process to end."""
    while sys.stdin.buffer.read(4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _say(line: str) -> None:
    # To a pipe: whoever started us waits for this line.
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
