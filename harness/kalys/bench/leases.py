"""Leases: one run at a time at a physical address.

A lock file per address in the user's runtime folder (platformdirs), locked by the operating system
for as long as the process lives and holding its number for whoever is turned away. A process that
died, however, holds no lock: its file is taken over without asking.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from kalys.errors import LinkError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


@dataclass
class Lease:
    """A right to use ``address`` until `release`."""

    address: str
    path: Path
    _fd: int

    def release(self) -> None:
        """Give the address back; a second call does nothing."""
        if self._fd >= 0:
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, 0)
            os.close(self._fd)
            self._fd = -1


def take_lease(address: str, folder: Path | None = None) -> Lease:
    """The lease of an address; LinkError names the process that has it.

    ``folder`` is where the lock files are, by default the user's runtime folder.
    """
    where = folder or _runtime_folder()
    name = canonical_address(address)
    path = where / f"{hashlib.sha256(name.encode()).hexdigest()[:24]}.lock"
    try:
        where.mkdir(parents=True, exist_ok=True)
        fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise LinkError(
            f"the lock file of {address} cannot be made: {error.strerror}", where=str(path),
            remedy="Make the folder writable, or set XDG_RUNTIME_DIR to one that is.",
        ) from error
    if not _lock(fd):
        holder = _holder(fd)
        os.close(fd)
        raise LinkError(
            f"the port is busy: another run of kalys uses it{holder}", where=address,
            remedy="Wait until that run has ended, or stop it.",
        )
    os.ftruncate(fd, 0)
    os.write(fd, f"{os.getpid()} {name}\n".encode())
    return Lease(address, path, fd)


def canonical_address(address: str) -> str:
    """One name for one thing: links such as /dev/serial/by-id/... are followed, schemes and VISA
    resources are compared without regard to case."""
    if address.startswith("/"):
        return os.path.realpath(address)
    return address.lower()


def _runtime_folder() -> Path:
    with warnings.catch_warnings():        # without XDG_RUNTIME_DIR it is in the temporary folder
        warnings.simplefilter("ignore")
        return Path(platformdirs.user_runtime_dir("kalys"))


def _lock(fd: int) -> bool:
    try:
        if sys.platform == "win32":
            # Beyond the text, so that others can read who holds it.
            os.lseek(fd, 1 << 20, os.SEEK_SET)
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
            os.lseek(fd, 0, os.SEEK_SET)
        else:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _holder(fd: int) -> str:
    number = os.read(fd, 32).split(b" ")[0]
    return f" (process {number.decode()})" if number.isdigit() else ""
