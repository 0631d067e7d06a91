"""Where the pictures for a counting core lie: shared memory, or files in memory.

A core that takes shared memory is given one object with room for a whole batch. Pictures may be
drawn right into it (``pages``): then nothing is copied on their way. Every other picture is copied
there. For a core that takes files each picture is written as a binary PGM.

A picture is rows x columns, or of a sheet with two sides 2 x rows x columns, the lower side first.

All of it lies in memory, where a process that is killed would leave it for good. So its folder
holds a lock for as long as its owner lives, and ``sweep`` removes what nobody owns any more.
"""

from __future__ import annotations

import contextlib
import fcntl
import math
import os
import shutil
import tempfile
from collections.abc import Sequence
from mmap import mmap
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from kalys.protocols import counting_core as protocol

Picture = NDArray[np.uint8]

_FAST_FILES = Path("/dev/shm")          # files in memory, where the system has such a place
_PREFIX = "kalys-core-"
_LOCK = "owner.lock"


class CorePages:
    """The places of the pictures of one core, and the requests that name them."""

    def __init__(self) -> None:
        sweep()
        self.folder, self._lock = _owned_folder()
        self._memory: SharedMemory | None = None
        self._pages: list[Picture] = []
        self._made = 0

    def pages(self, count: int, shape: tuple[int, ...]) -> Sequence[Picture]:
        """``count`` pictures of that shape in shared memory, to be drawn into. They hold what was
        drawn until others are asked for, or pictures from elsewhere are shown."""
        if len(self._pages) < count or self._pages[0].shape != shape or not self._whole():
            self._make_room(count, shape)
        return self._pages[:count]

    def requests(
        self, images: Sequence[Picture], first: int, how: protocol.Images
    ) -> list[dict[str, Any]]:
        """The ``read`` requests for these pictures, numbered from ``first``, which have been put
        where the requests say."""
        if how == "file":
            return [
                self._written(image, place, first + place) for place, image in enumerate(images)
            ]
        slots = [self._slot(image) for image in images]
        if None in slots:
            slots = list(range(len(images)))
            room = tuple(max(lengths) for lengths in zip(*(i.shape for i in images), strict=True))
            if any(self._slot(image) is not None for image in images):
                self._make_room(len(images), room)
            for page, image in zip(self.pages(len(images), room), images, strict=True):
                page.reshape(-1)[: image.size] = image.reshape(-1)
        assert self._memory is not None
        name, step = self._memory.name, self._pages[0].size
        return [
            protocol.read_memory(
                first + place, name, _shape(image), step * (slot or 0),
                upper=None if image.ndim == 2 else step * (slot or 0) + image[0].size,
            )
            for place, (image, slot) in enumerate(zip(images, slots, strict=True))
        ]

    def close(self) -> None:
        self._free()
        shutil.rmtree(self.folder, ignore_errors=True)
        self._lock.close()

    def _slot(self, image: Picture) -> int | None:
        """Which page the picture is, if it is one."""
        if not self._pages or not self._whole() or image.shape != self._pages[0].shape:
            return None
        first, size = self._pages[0].ctypes.data, self._pages[0].size
        slot, beside = divmod(image.ctypes.data - first, size)
        return slot if not beside and 0 <= slot < len(self._pages) else None

    def _whole(self) -> bool:
        """Whether the core can still find the memory: one that attached with Python's own module
        removes it when it ends."""
        return self._memory is not None and (_FAST_FILES / self._memory.name).exists()

    def _make_room(self, count: int, shape: tuple[int, ...]) -> None:
        size = math.prod(shape)
        self._free()
        self._made += 1
        name = f"{self.folder.name}-{self._made}"
        self._memory = SharedMemory(name, create=True, size=count * size)
        whole = _mapped(self._memory)[: count * size].reshape(count, *shape)
        self._pages = [whole[i] for i in range(count)]

    def _free(self) -> None:
        memory, self._memory = self._memory, None
        self._pages = []
        if memory is not None:
            with contextlib.suppress(FileNotFoundError):
                memory.unlink()

    def _written(self, image: Picture, place: int, number: int) -> dict[str, Any]:
        path = self.folder / f"sheet-{place}.pgm"
        if image.ndim == 2:
            _write_pgm(path, image)
            return protocol.read_file(number, str(path), _shape(image))
        other = self.folder / f"sheet-{place}-upper.pgm"
        for file, side in zip((path, other), image, strict=True):
            _write_pgm(file, side)
        return protocol.read_file(number, str(path), _shape(image), upper=str(other))


def sweep() -> None:
    """Remove what the owners of pages left behind that were killed."""
    for folder in _place().glob(f"{_PREFIX}*"):
        try:
            with (folder / _LOCK).open("r+b") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                for memory in _FAST_FILES.glob(f"{folder.name}-*"):
                    memory.unlink(missing_ok=True)
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue        # it has an owner, or is another user's, or just being removed


def _owned_folder() -> tuple[Path, IO[bytes]]:
    """A new folder, and the lock that says that it has an owner."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_place()))
        lock = (folder / _LOCK).open("w+b")
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (folder / _LOCK).exists():
            return folder, lock
        lock.close()        # somebody swept it away before it was locked


def _place() -> Path:
    fast = _FAST_FILES.is_dir() and os.access(_FAST_FILES, os.W_OK)
    return _FAST_FILES if fast else Path(tempfile.gettempdir())


def _mapped(memory: SharedMemory) -> Picture:
    """All of the memory. It stays mapped as long as anybody holds a part of it, which memory that
    Python's class has mapped does not."""
    with (_FAST_FILES / memory.name).open("r+b") as file:
        whole = mmap(file.fileno(), 0)
    memory.close()
    return np.frombuffer(whole, np.uint8)


def _write_pgm(path: Path, image: Picture) -> None:
    rows, columns = image.shape
    with path.open("wb") as file:
        file.write(b"P5\n%d %d\n255\n" % (columns, rows))
        file.write(np.ascontiguousarray(image).data)


def _shape(image: Picture) -> tuple[int, int]:
    """Rows and columns of a side."""
    return (image.shape[-2], image.shape[-1])
