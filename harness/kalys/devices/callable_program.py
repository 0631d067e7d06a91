"""The program around a Python callable: ``python -m kalys.devices.callable_program MODULE:NAME``.

It speaks ``kalys-core-1`` for a callable that is given the ``hello`` message and returns a function
from a picture to an answer; the picture of a sheet with two sides is 2 x rows x columns. An
exception of that function is the answer ``failed``. Where the function has an attribute
``read_batch`` (from a list of pictures to as many answers), pictures are asked for in batches. What
the callable prints goes to standard error.
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib
import inspect
import json
import math
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Factory = Callable[[Mapping[str, Any]], object]

CANNOT_BE_IMPORTED = "kalys: there is no such callable"
"""The first line on standard error of a program that has nothing to run; the next says why."""
BATCH = 16
_PR_SET_PDEATHSIG = 1
_SHARED_MEMORY = Path("/dev/shm")


class _Pictures:
    """Pictures in shared memory, read-only; what was mapped last stays mapped."""

    def __init__(self) -> None:
        self._name = ""
        self._map: mmap | None = None

    def of(self, sheet: Mapping[str, Any]) -> Picture:
        if "path" in sheet:
            return _in_file(sheet)
        if self._map is None or sheet["shared_memory"] != self._name:
            self._name = sheet["shared_memory"]
            self._map = _mapped(self._name)
        shape: tuple[int, ...] = (sheet["rows"], sheet["columns"])
        first = sheet.get("offset", 0)
        if "upper_offset" in sheet:     # Kalys lays the two sides of a sheet one behind the other
            shape = (2, *shape)
        return np.frombuffer(self._map, np.uint8, math.prod(shape), first).reshape(shape)


def _in_file(sheet: Mapping[str, Any]) -> Picture:
    if "upper_path" not in sheet:
        return _read_pgm(sheet["path"], sheet)
    both = np.stack([_read_pgm(sheet[name], sheet) for name in ("path", "upper_path")])
    both.flags.writeable = False
    return both


def _read_pgm(path: str, sheet: Mapping[str, Any]) -> Picture:
    rows, columns = sheet["rows"], sheet["columns"]
    data = Path(path).read_bytes()
    return np.frombuffer(data, np.uint8, offset=len(data) - rows * columns).reshape(rows, columns)


def _mapped(name: str) -> mmap:
    # Python's own class would remove what it attached.
    with (_SHARED_MEMORY / name).open("rb") as file:
        return mmap(file.fileno(), 0, access=ACCESS_READ)


class _Callable:
    """What was imported, and the function that it made for the present layout."""

    def __init__(self, factory: Factory) -> None:
        self._factory = factory
        self._read: Any = None
        self._pictures = _Pictures()

    def hello(self, message: Mapping[str, Any]) -> dict[str, Any]:
        made = self._factory(message)
        if not callable(made):
            raise TypeError("the callable must return a function of a picture")
        self._read = made
        batches = callable(getattr(made, "read_batch", None))
        module = inspect.getmodule(self._factory)
        package = sys.modules.get((module.__name__ if module else "").partition(".")[0])
        version = getattr(module, "__version__", getattr(package, "__version__", ""))
        return {
            "version": str(version)[:200],
            "images": "shared-memory" if _SHARED_MEMORY.is_dir() else "file",
            "batch": BATCH if batches else 1, "sha256": _sha256_of_source(self._factory),
        }

    def one(self, sheet: Mapping[str, Any]) -> object:
        try:
            return _answer(sheet["id"], self._read(self._pictures.of(sheet)))
        except Exception as error:
            return _failed(sheet["id"], error)

    def batch(self, sheets: Sequence[Mapping[str, Any]]) -> list[object]:
        """All at once; when that fails, one by one, so that one sheet does not spoil the others."""
        images = [self._pictures.of(sheet) for sheet in sheets]
        try:
            said = list(self._read.read_batch(images))
            if len(said) != len(images):
                raise ValueError(f"read_batch gave {len(said)} answers for {len(images)} pictures")
        except Exception as error:
            singly = [self.one(sheet) for sheet in sheets]
            if not any(isinstance(s, dict) and s.get("status") == "failed" for s in singly):
                singly[0] = _failed(sheets[0]["id"], error)
            return singly
        return [_answer(sheet["id"], one) for sheet, one in zip(sheets, said, strict=True)]


def _answer(number: int, said: object) -> object:
    """With the number of the sheet. What is no answer goes out as it is: the other side says so."""
    return {**said, "id": number} if isinstance(said, Mapping) else repr(said)[:200]


def _failed(number: int, error: BaseException) -> dict[str, Any]:
    return {"id": number, "status": "failed", "error": f"{type(error).__name__}: {error}"[:300]}


def _plain(value: object) -> object:
    """Numbers and sequences of other libraries as JSON has them."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if isinstance(value, (np.ndarray, Sequence)):
        return list(value)
    return repr(value)


def _imported(named: str) -> Factory:
    module, _, name = named.partition(":")
    sys.path.insert(0, str(Path.cwd()))
    thing: Any = importlib.import_module(module)
    for part in name.split("."):
        thing = getattr(thing, part)
    if not callable(thing):
        raise TypeError(f"{name} is no callable")
    return cast(Factory, thing)


def _sha256_of_source(thing: object) -> str:
    try:
        source = inspect.getsourcefile(inspect.unwrap(cast(Callable[..., object], thing)))
        return hashlib.sha256(Path(source).read_bytes()).hexdigest() if source else ""
    except (TypeError, OSError):
        return ""


def _end_with_parent() -> None:
    """A callable that hangs would outlive a Kalys that was killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _say(lines: IO[bytes], said: Sequence[object]) -> None:
    text = "".join(f"{json.dumps(one, default=_plain)}\n" for one in said)
    lines.write(text.encode())
    lines.flush()


def main(named: str) -> int:
    """Answer until the input ends."""
    _end_with_parent()
    lines = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        core = _Callable(_imported(named))
    except Exception as error:
        print(f"{CANNOT_BE_IMPORTED}\ncannot be imported: {type(error).__name__}: {error}"[:400],
              file=sys.stderr, flush=True)
        return 1
    for line in sys.stdin.buffer:
        message = json.loads(line)
        if message["op"] == "read-batch":
            _say(lines, core.batch(message["sheets"]))
        elif message["op"] == "read":
            _say(lines, [core.one(message)])
        else:
            try:
                _say(lines, [core.hello(message)])
            except Exception as error:
                print(f"{type(error).__name__}: {error}"[:300], file=sys.stderr, flush=True)
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
