"""Writing evidence files whole or not at all, and saying plainly when the disk refuses."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

from kalys.errors import EvidenceError

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def write_whole(path: Path, data: bytes) -> None:
    """Replace a file in one step, on the disk before this returns; EvidenceError if it fails."""
    beside = path.with_name(f".{path.name}.writing")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        raise cannot_write(error, path) from error


def cannot_write(error: OSError, path: Path, last: int = 0) -> EvidenceError:
    """The error to raise when the system refused to write; ``last`` is the last whole record."""
    kept = f"The evidence up to record {last} is intact. " if last > 0 else ""
    if error.errno in _NO_ROOM:
        return EvidenceError(
            "the disk is full: evidence can no longer be written",
            where=str(path),
            remedy=f"{kept}Make room, then continue with --resume.",
        )
    if error.errno == errno.EBADF:
        return EvidenceError("the journal is closed already", where=str(path))
    return EvidenceError(
        f"evidence cannot be written: {error.strerror}",
        where=str(path),
        remedy=f"{kept}Name a folder that can be written with --out.",
    )
