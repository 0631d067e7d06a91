"""Drivers of a counting core: a program, or a Python callable in a process of its own.

A core is named by a *spec*: ``python:package.module:callable``, or a command line. Either way it is
a process that speaks the lines of ``kalys.protocols.counting_core``: for a callable Kalys brings
that program along (``callable_program``), so that a callable that hangs, crashes its interpreter or
eats all memory is found out as any other core is. A driver gives readings or `CoreFault`s, and is
ready for the next sheet afterwards: a program that crashed, hangs or talks nonsense is killed and
started again.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kalys.devices.callable_program import CANNOT_BE_IMPORTED
from kalys.devices.core_pages import CorePages
from kalys.devices.core_program import CoreProgram
from kalys.devices.roles import CoreReading, CountingCore, Identity
from kalys.errors import ConfigurationError, LinkError
from kalys.links.clock import RealClock
from kalys.protocols import counting_core as protocol
from kalys.protocols.counting_core import CoreFault, CoreIdentity

Picture = NDArray[np.uint8]

PYTHON = "python:"
ONE_THREAD: Mapping[str, str] = {
    "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1",
    "OPENCV_FOR_THREADS_NUM": "1",
}
"""What keeps numerical libraries to one thread: sheets are what is done in parallel."""


def open_core(
    spec: str, name: str, hello: Mapping[str, Any], *, timeout_s: float, start_s: float
) -> CountingCore:
    """The driver of the core that ``spec`` names, which has been told ``hello``.

    ConfigurationError when the spec names nothing that can be run, LinkError when the core does not
    answer the hello as it must.
    """
    kind = CallableCore if spec.startswith(PYTHON) else ProgramCore
    core = kind(spec, name, timeout_s=timeout_s, start_s=start_s)
    return begun(core, hello, spec)


def begun(core: CountingCore, hello: Mapping[str, Any], spec: str) -> CountingCore:
    """The core, told ``hello``; else it is closed, and LinkError says what it did instead."""
    try:
        core.begin(hello)
    except CoreFault as fault:
        core.close()
        raise LinkError(
            f"the core does not begin: {fault.what}{_shown(fault.said)}", where=spec,
            remedy="docs/protocols/counting-core.md says what it must answer to hello.",
        ) from fault
    except BaseException:
        core.close()
        raise
    return core


class ProgramCore:
    """A program as the core: JSON lines on its standard input and output."""

    def __init__(self, spec: str, name: str, *, timeout_s: float, start_s: float) -> None:
        self.name = name
        self._spec = spec
        self._words = self._command()
        self._timeout_s = timeout_s
        self._start_s = start_s
        self._clock = RealClock()
        self._hello: Mapping[str, Any] = {}
        self._contests: Mapping[str, frozenset[str]] = {}
        self._told = CoreIdentity()
        self._number = 0
        self._places = CorePages()
        self._program = CoreProgram(self._words, self._places.folder, self._variables())

    @property
    def spec(self) -> str:
        """What names it: with that it can be opened once more, elsewhere."""
        return self._spec

    @property
    def batch(self) -> int:
        return self._told.batch

    def identity(self) -> Identity:
        told = self._told
        sha256 = _sha256_of_program(self._words)
        return Identity(
            told.maker, told.model or Path(self._words[-1]).name, told.serial or _number(sha256),
            told.version, sha256, "",
        )

    def begin(self, hello: Mapping[str, Any]) -> None:
        self._hello, self._contests = hello, contests_of(hello)
        with self._ending_on_fault():
            self._say_hello()

    def pages(self, count: int, shape: tuple[int, ...]) -> Sequence[Picture]:
        if self._told.images == "shared-memory":
            return self._places.pages(count, shape)
        return [np.empty(shape, np.uint8) for _ in range(count)]

    def read(self, image: Picture) -> CoreReading:
        read = self._one(image)
        if isinstance(read, CoreFault):
            raise read
        return read

    def read_many(self, images: Sequence[Picture]) -> list[CoreReading | CoreFault]:
        found: list[CoreReading | CoreFault] = []
        while len(found) < len(images):
            part = images[len(found) : len(found) + self._told.batch]
            found += [self._one(part[0])] if len(part) == 1 else self._batch(part)
        return found

    def close(self) -> None:
        self._program.close()
        self._places.close()

    # What a kind of core may do in its own way

    def _command(self) -> list[str]:
        return _command(self._spec)

    def _variables(self) -> Mapping[str, str]:
        return {}

    def _identified(self, line: bytes) -> CoreIdentity:
        return protocol.identity_of(line)

    # Asking

    def _one(self, image: Picture) -> CoreReading | CoreFault:
        found: list[CoreReading | CoreFault] = []
        fault = self._ask([image], found)
        return found[0] if fault is None else fault

    def _batch(self, images: Sequence[Picture]) -> list[CoreReading | CoreFault]:
        """Of a batch that broke off nobody knows which sheet was to blame: those without an answer
        are shown again one by one. When each of them can be read alone, the first has the fault."""
        found: list[CoreReading | CoreFault] = []
        fault = self._ask(images, found)
        if fault is None:
            return found
        again = [self._one(image) for image in images[len(found) :]]
        if not any(isinstance(read, CoreFault) for read in again):
            again[0] = fault
        return found + again

    def _ask(
        self, images: Sequence[Picture], found: list[CoreReading | CoreFault]
    ) -> CoreFault | None:
        """Show these pictures and add what is said of each to ``found``; the fault at which that
        broke off, if it did."""
        first, self._number = self._number + 1, self._number + len(images)
        heard: list[protocol.CoreAnswer | CoreFault] = []
        broken: CoreFault | None = None
        started = self._clock.now()
        try:
            with self._ending_on_fault():
                if not self._program.running:
                    self._say_hello()
                requests = self._places.requests(images, first, self._told.images)
                message = requests[0] if len(requests) == 1 else protocol.read_batch(requests)
                started = self._clock.now()
                lines = self._program.ask(protocol.encode(message), len(images), self._timeout_s)
                for number, line in enumerate(lines, first):
                    heard.append(self._answer(line, number))
        except CoreFault as fault:
            broken = fault
        seconds = (self._clock.now() - started) / 1e9 / len(images)
        found += [
            said if isinstance(said, CoreFault) else CoreReading(said, seconds) for said in heard
        ]
        return broken

    def _answer(self, line: bytes, number: int) -> protocol.CoreAnswer | CoreFault:
        """An answer, or what the core says went wrong with the sheet: then it can go on."""
        try:
            return protocol.answer_of(line, number, self._contests)
        except CoreFault as fault:
            if fault.kind != "error":
                raise
            return fault

    def _say_hello(self) -> None:
        if not self._program.running:
            self._program.start()
        for line in self._program.ask(protocol.encode(self._hello), 1, self._start_s):
            self._told = self._identified(line)

    @contextlib.contextmanager
    def _ending_on_fault(self) -> Iterator[None]:
        try:
            yield
        except CoreFault as fault:
            self._program.end()
            fault.said = fault.said or self._program.errors()
            raise


class _CallableIdentity(CoreIdentity):
    """What Kalys' own program around a callable tells of it."""

    sha256: str = ""


class CallableCore(ProgramCore):
    """A Python callable as the core, in a program that Kalys brings along."""

    def identity(self) -> Identity:
        told = self._told
        sha256 = told.sha256 if isinstance(told, _CallableIdentity) else ""
        return Identity(
            "", self._spec.removeprefix(PYTHON), _number(sha256), told.version, sha256, ""
        )

    def begin(self, hello: Mapping[str, Any]) -> None:
        try:
            super().begin(hello)
        except CoreFault as fault:
            first, _, why = fault.said.decode("utf-8", "replace").partition("\n")
            if first != CANNOT_BE_IMPORTED:
                raise
            raise ConfigurationError(
                why.strip(), where=self._spec,
                remedy="Is the package installed, or the module in this folder?",
            ) from fault

    def _command(self) -> list[str]:
        named = self._spec.removeprefix(PYTHON)
        module, found, name = named.partition(":")
        if not (module and found and name):
            raise ConfigurationError(
                "names no callable", where=self._spec,
                remedy="Write python:package.module:callable.",
            )
        return [sys.executable, "-m", "kalys.devices.callable_program", named]

    def _variables(self) -> Mapping[str, str]:
        return {name: os.environ.get(name, one) for name, one in ONE_THREAD.items()}

    def _identified(self, line: bytes) -> CoreIdentity:
        return protocol.identity_of(line, _CallableIdentity)


def _command(spec: str) -> list[str]:
    try:
        words = shlex.split(spec)
    except ValueError as error:
        raise ConfigurationError(f"is no command line: {error}", where=spec) from error
    if not words:
        raise ConfigurationError("names no core", where="--core",
                                 remedy="Name python:package.module:callable or a command.")
    if shutil.which(words[0]) is None:
        raise ConfigurationError(
            f"there is no program {words[0]}", where=spec,
            remedy="Name python:package.module:callable or a command that can be run.",
        )
    return words


def _number(sha256: str) -> str:
    """What stands for a serial number where there is none: a program is known by its content."""
    return f"sha256:{sha256[:12]}" if sha256 else "not numbered"


def _sha256_of_program(words: list[str]) -> str:
    """Of the first file among the arguments (a script), else of the program."""
    script = next((w for w in words[1:] if not w.startswith("-") and Path(w).is_file()), None)
    try:
        with Path(script or shutil.which(words[0]) or words[0]).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def contests_of(hello: Mapping[str, Any]) -> Mapping[str, frozenset[str]]:
    """What the layout has a target for."""
    options: dict[str, set[str]] = {}
    for face in hello["layout"]["faces"].values():
        for target in face["targets"]:
            options.setdefault(target["contest"], set()).add(target["option"])
    return {contest: frozenset(found) for contest, found in options.items()}


def _shown(said: bytes) -> str:
    text = said.decode("utf-8", "replace").strip()
    return f"; it said: {text[-300:]}" if text else ""
