"""Drivers of a counting core: a callable in this process, or a program beside it.

A core is named by a *spec*: ``python:package.module:callable``, or a command line. The callable is
given the ``hello`` message and returns a function from a picture to an answer; a program gets the
same as lines of ``kalys.protocols.counting_core``. Either way a driver gives readings or raises a
`CoreFault`, and is ready for the next sheet afterwards: a program that crashed, hangs or talks
nonsense is killed and started again.

A callable cannot be interrupted: try a core that may hang as a program.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import inspect
import os
import selectors
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
from numpy.typing import NDArray

from kalys.devices.roles import CoreReading, CountingCore, Identity
from kalys.errors import ConfigurationError, LinkError
from kalys.links.clock import RealClock
from kalys.protocols import counting_core as protocol
from kalys.protocols.counting_core import AnswerLines, CoreFault, CoreIdentity

Picture = NDArray[np.uint8]
Read = Callable[[Picture], object]

PYTHON = "python:"
_FAST_FILES = Path("/dev/shm")          # files in memory, where the system has such a place
_STDERR_KEPT = 2000
_STDERR_MOST = 1 << 20
_CHUNK = 1 << 16


def open_core(
    spec: str, name: str, hello: Mapping[str, Any], *, timeout_s: float, start_s: float
) -> CountingCore:
    """The driver of the core that ``spec`` names, which has been told ``hello``.

    ConfigurationError when the spec names nothing that can be run, LinkError when the core does not
    answer the hello as it must.
    """
    core: CountingCore
    if spec.startswith(PYTHON):
        core = InProcessCore(spec, name)
    else:
        core = SubprocessCore(spec, name, timeout_s=timeout_s, start_s=start_s)
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


class InProcessCore:
    """A Python callable as the core."""

    def __init__(self, spec: str, name: str) -> None:
        self.name = name
        self._spec = spec
        self._factory = _imported(spec)
        self._read: Read | None = None
        self._contests: Mapping[str, frozenset[str]] = {}
        self._clock = RealClock()

    def identity(self) -> Identity:
        module = inspect.getmodule(self._factory)
        package = sys.modules.get((module.__name__ if module else "").partition(".")[0])
        version = str(getattr(module, "__version__", getattr(package, "__version__", "")))
        sha256 = _sha256_of_source(self._factory)
        return Identity(
            "", self._spec.removeprefix(PYTHON), _number(sha256), version, sha256, ""
        )

    def begin(self, hello: Mapping[str, Any]) -> None:
        self._contests = _contests_of(hello)
        try:
            made = self._factory(hello)
        except Exception as error:
            raise CoreFault("crash", _error(error)) from error
        if not callable(made):
            raise CoreFault("garbage", "the callable must return a function of a picture")
        self._read = made

    def read(self, image: Picture) -> CoreReading:
        assert self._read is not None
        image.flags.writeable = False
        started = self._clock.now()
        try:
            said = self._read(image)
        except Exception as error:
            raise CoreFault("crash", _error(error)) from error
        seconds = (self._clock.now() - started) / 1e9
        return CoreReading(protocol.answer_from(said, self._contests), seconds)

    def close(self) -> None:
        self._read = None


class SubprocessCore:
    """A program as the core: JSON lines on its standard input and output."""

    def __init__(self, spec: str, name: str, *, timeout_s: float, start_s: float) -> None:
        self.name = name
        self._words = _command(spec)
        self._timeout_s = timeout_s
        self._start_s = start_s
        self._clock = RealClock()
        self._hello: Mapping[str, Any] = {}
        self._contests: Mapping[str, frozenset[str]] = {}
        self._told = CoreIdentity()
        self._number = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._lines = AnswerLines()
        self._memory: SharedMemory | None = None
        fast = _FAST_FILES.is_dir() and os.access(_FAST_FILES, os.W_OK)
        place = _FAST_FILES if fast else None
        self._folder = Path(tempfile.mkdtemp(prefix="kalys-core-", dir=place))
        self._stderr: IO[bytes] = (self._folder / "stderr").open("a+b")

    def identity(self) -> Identity:
        told = self._told
        sha256 = _sha256_of_program(self._words)
        return Identity(
            told.maker, told.model or Path(self._words[-1]).name, told.serial or _number(sha256),
            told.version, sha256, "",
        )

    def begin(self, hello: Mapping[str, Any]) -> None:
        self._hello, self._contests = hello, _contests_of(hello)
        with self._ending_on_fault():
            self._say_hello()

    def read(self, image: Picture) -> CoreReading:
        self._number += 1
        with self._ending_on_fault():
            if self._process is None:
                self._say_hello()
            request = protocol.encode(self._place(image))
            started = self._clock.now()
            line = self._ask(request, self._timeout_s)
            seconds = (self._clock.now() - started) / 1e9
            return CoreReading(protocol.answer_of(line, self._number, self._contests), seconds)

    def close(self) -> None:
        self._end()
        self._stderr.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _say_hello(self) -> None:
        if self._process is None:
            self._start()
        self._told = protocol.identity_of(self._ask(protocol.encode(self._hello), self._start_s))

    def _place(self, image: Picture) -> dict[str, Any]:
        """Put the picture where the core looks for it; the request that says where."""
        shape = (image.shape[0], image.shape[1])
        if self._told.images == "shared-memory":
            if self._memory is None or self._memory.size < image.size:
                self._free_memory()
                self._memory = SharedMemory(create=True, size=image.size)
            seen = np.ndarray(image.shape, np.uint8, buffer=self._memory.buf)
            seen[:] = image
            return protocol.read_memory(self._number, self._memory.name, shape)
        path = self._folder / "sheet.pgm"
        with path.open("wb") as file:
            file.write(b"P5\n%d %d\n255\n" % (shape[1], shape[0]))
            file.write(np.ascontiguousarray(image).data)
        return protocol.read_file(self._number, str(path), shape)

    # The process

    def _start(self) -> None:
        self._lines = AnswerLines()
        try:
            # A group of its own: Ctrl-C is for the run, and whatever the core starts ends with it.
            self._process = subprocess.Popen(
                self._words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._stderr,
                start_new_session=True, bufsize=0,
            )
        except OSError as error:
            raise CoreFault("crash", f"it cannot be started: {error.strerror}") from error
        assert self._process.stdin is not None and self._process.stdout is not None
        os.set_blocking(self._process.stdin.fileno(), False)
        os.set_blocking(self._process.stdout.fileno(), False)

    def _end(self) -> None:
        """Kill the process and all that it started; a second call does nothing."""
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    with contextlib.suppress(OSError):
                        stream.close()
        self._free_memory()

    def _free_memory(self) -> None:
        memory, self._memory = self._memory, None
        if memory is not None:
            memory.close()
            # A core that attached with Python's own module may have removed it already.
            with contextlib.suppress(FileNotFoundError):
                memory.unlink()

    @contextlib.contextmanager
    def _ending_on_fault(self) -> Iterator[None]:
        try:
            yield
        except CoreFault as fault:
            self._end()
            fault.said = fault.said or self._errors()
            raise

    def _errors(self) -> bytes:
        """The end of what the core wrote to its standard error."""
        self._stderr.seek(0, os.SEEK_END)
        size = self._stderr.tell()
        self._stderr.seek(max(0, size - _STDERR_KEPT))
        said = self._stderr.read()
        self._stderr.truncate(0)
        return said

    def _ask(self, request: bytes, timeout_s: float) -> bytes:
        """Write one line, read one line, within ``timeout_s``; CoreFault else."""
        process = self._process
        assert process is not None and process.stdin is not None and process.stdout is not None
        if os.fstat(self._stderr.fileno()).st_size > _STDERR_MOST:
            self._stderr.truncate(0)
        unasked = self._unasked(process)
        if unasked is not None:
            raise CoreFault("out-of-order", "it spoke without being asked", said=unasked)
        left = memoryview(request)
        deadline = self._clock.now() + round(timeout_s * 1e9)
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            selector.register(process.stdin, selectors.EVENT_WRITE)
            while True:
                line = self._lines.next()
                if line is not None:
                    return line
                wait = (deadline - self._clock.now()) / 1e9
                if wait <= 0:
                    raise CoreFault("timeout", f"{timeout_s:g} s")
                for key, _ in selector.select(wait):
                    if key.fileobj is process.stdout:
                        self._hear(process)
                    else:
                        left = left[self._write(process, left):]
                        if not left:
                            selector.unregister(process.stdin)

    def _unasked(self, process: subprocess.Popen[bytes]) -> bytes | None:
        with contextlib.suppress(BlockingIOError):
            self._hear(process, nonblocking=True)
        return self._lines.next()

    def _hear(self, process: subprocess.Popen[bytes], *, nonblocking: bool = False) -> None:
        assert process.stdout is not None
        try:
            data = os.read(process.stdout.fileno(), _CHUNK)
        except BlockingIOError:
            if nonblocking:
                raise
            return
        if not data:
            raise CoreFault("crash", self._how_it_ended(process))
        self._lines.feed(data)

    def _write(self, process: subprocess.Popen[bytes], data: memoryview) -> int:
        assert process.stdin is not None
        try:
            return os.write(process.stdin.fileno(), data)
        except BlockingIOError:
            return 0
        except BrokenPipeError:
            raise CoreFault("crash", self._how_it_ended(process)) from None

    @staticmethod
    def _how_it_ended(process: subprocess.Popen[bytes]) -> str:
        try:
            code = process.wait(timeout=1.0)
        except subprocess.TimeoutExpired:
            return "it closed its output"
        return f"killed by signal {-code}" if code < 0 else f"it ended with {code}"


def _imported(spec: str) -> Callable[[Mapping[str, Any]], object]:
    module, found, name = spec.removeprefix(PYTHON).partition(":")
    if not (module and found and name):
        raise ConfigurationError(
            "names no callable", where=spec, remedy="Write python:package.module:callable."
        )
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        thing: Any = importlib.import_module(module)
        for part in name.split("."):
            thing = getattr(thing, part)
    except Exception as error:
        raise ConfigurationError(
            f"cannot be imported: {_error(error)}", where=spec,
            remedy="Is the package installed, or the module in this folder?",
        ) from error
    finally:
        sys.path.remove(here)
    if not callable(thing):
        raise ConfigurationError("is no callable", where=spec)
    return cast(Callable[[Mapping[str, Any]], object], thing)


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


def _sha256_of_source(thing: object) -> str:
    try:
        source = inspect.getsourcefile(inspect.unwrap(cast(Callable[..., object], thing)))
    except TypeError:
        return ""
    return _sha256(Path(source)) if source else ""


def _sha256_of_program(words: list[str]) -> str:
    """Of the first file among the arguments (a script), else of the program."""
    script = next((w for w in words[1:] if not w.startswith("-") and Path(w).is_file()), None)
    return _sha256(Path(script or shutil.which(words[0]) or words[0]))


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _contests_of(hello: Mapping[str, Any]) -> Mapping[str, frozenset[str]]:
    """What the layout has a target for."""
    options: dict[str, set[str]] = {}
    for face in hello["layout"]["faces"].values():
        for target in face["targets"]:
            options.setdefault(target["contest"], set()).add(target["option"])
    return {contest: frozenset(found) for contest, found in options.items()}


def _error(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:300]


def _shown(said: bytes) -> str:
    text = said.decode("utf-8", "replace").strip()
    return f"; it said: {text[-300:]}" if text else ""
