"""A counting core's program: started, asked line by line, and killed when it misbehaves.

What is on the lines is ``kalys.protocols.counting_core``'s business; here is what only a process
can do: end, hang, close its output, write without end, or speak without being asked.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from kalys.links.clock import RealClock
from kalys.protocols.counting_core import AnswerLines, CoreFault

_STDERR_KEPT = 2000
_STDERR_MOST = 1 << 20
_CHUNK = 1 << 16


class CoreProgram:
    """One program, which may be started again and again.

    ``folder`` is a place for its standard error; ``variables`` are added to its environment.
    """

    def __init__(
        self, words: Sequence[str], folder: Path, variables: Mapping[str, str] | None = None
    ) -> None:
        self._words = words
        self._environment = {**os.environ, **(variables or {})}
        self._process: subprocess.Popen[bytes] | None = None
        self._lines = AnswerLines()
        self._clock = RealClock()
        self._stderr = (folder / "stderr").open("a+b")

    @property
    def running(self) -> bool:
        return self._process is not None

    def start(self) -> None:
        """Start it; CoreFault when the system refuses."""
        self._lines = AnswerLines()
        try:
            # A group of its own: Ctrl-C is for the run, and whatever the core starts ends with it.
            self._process = subprocess.Popen(
                self._words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._stderr,
                start_new_session=True, bufsize=0, env=self._environment,
            )
        except OSError as error:
            raise CoreFault("crash", f"it cannot be started: {error.strerror}") from error
        assert self._process.stdin is not None and self._process.stdout is not None
        os.set_blocking(self._process.stdin.fileno(), False)
        os.set_blocking(self._process.stdout.fileno(), False)

    def end(self) -> int | None:
        """Kill the process and all that it started; how it had ended before, if it had. A second
        call does nothing."""
        process, self._process = self._process, None
        if process is None:
            return None
        ended = process.poll()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        return ended

    def close(self) -> None:
        self.end()
        self._stderr.close()

    def errors(self) -> bytes:
        """The end of what it wrote to its standard error since the last call."""
        self._stderr.seek(0, os.SEEK_END)
        size = self._stderr.tell()
        self._stderr.seek(max(0, size - _STDERR_KEPT))
        said = self._stderr.read()
        self._stderr.truncate(0)
        return said

    def ask(self, request: bytes, answers: int, timeout_s: float) -> Iterator[bytes]:
        """Write one line and yield the lines that answer it, each within ``timeout_s`` after the
        request or the line before; CoreFault else."""
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
            while answers:
                line = self._lines.next()
                if line is not None:
                    yield line
                    answers -= 1
                    deadline = self._clock.now() + round(timeout_s * 1e9)
                    continue
                wait = (deadline - self._clock.now()) / 1e9
                if wait <= 0:
                    raise CoreFault("timeout", f"{timeout_s:g} s")
                for key, _ in selector.select(wait):
                    if key.fileobj is process.stdout:
                        self._hear(process)
                    elif left:
                        left = left[self._write(process, left) :]
                        if not left:
                            selector.unregister(process.stdin)

    def _unasked(self, process: subprocess.Popen[bytes]) -> bytes | None:
        self._hear(process)
        return self._lines.next()

    def _hear(self, process: subprocess.Popen[bytes]) -> None:
        """Take in what has been written, which may be nothing."""
        assert process.stdout is not None
        try:
            data = os.read(process.stdout.fileno(), _CHUNK)
        except BlockingIOError:
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
